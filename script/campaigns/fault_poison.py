"""R-016: five messages that can never take one of their steps, among a thousand that can.

What poisons them is in the database itself: a trigger that refuses one row of one message, on SQLite and from outside,
as a damaged index or a forgotten constraint would. Each of the five is stopped at another step: submission, acceptance,
seal, release, delivery. The others must all arrive in their first turn, as fast as if the five were not there; the five
must be parked, each with an alarm and in the list of `kepparked`, and never be tried again by themselves; and when the
trigger is gone, `kepparked --all` brings each to its end, once.
"""

import argparse
import io
import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import one_road

SIZES = (1_000, 60)
"""Messages of the long and of the quick run."""
SLOWEST = 1.5
"""How many times as long the others may take with the five among them (long run only: a short one measures nothing)."""
STEPS: Mapping[str, str] = {
    "submission": "mailbox_message WHEN NEW.draft_id = (SELECT id FROM mailbox_draft WHERE public_id = '{draft}')",
    "acceptance": "mailbox_recipient WHEN (SELECT d.public_id FROM mailbox_message m JOIN mailbox_draft d "
    "ON d.id = m.draft_id WHERE m.id = NEW.message_id) = '{draft}'",
    "seal": "evidence_sealedevidence WHEN (SELECT d.public_id FROM evidence_evidenceintent i "
    "JOIN mailbox_message m ON m.kep_id = i.kep_id JOIN mailbox_draft d ON d.id = m.draft_id "
    "WHERE i.id = NEW.intent_id) = '{draft}'",
    "release": "mailbox_envelope WHEN (SELECT d.public_id FROM mailbox_message m JOIN mailbox_draft d "
    "ON d.id = m.draft_id WHERE m.id = NEW.message_id) = '{draft}'",
    "delivery": "mailbox_boxitem WHEN NEW.folder = 'inbox' AND (SELECT d.public_id FROM mailbox_message m "
    "JOIN mailbox_draft d ON d.id = m.draft_id WHERE m.id = NEW.message_id) = '{draft}'",
}
"""The insert that a step cannot do without, and how the row of one draft's message is known in it."""


def signed(first: "one_road.Sender", count: int) -> list[str]:
    """So many drafts whose signatures wait for the workers."""
    import one_road

    drafts = []
    for _ in range(count):
        sender = one_road.Sender(first.client, first.imza)
        if not (sender.write() and sender.ask() and sender.sign(one_road.code_of(sender.draft))):
            raise SystemExit(f"not signed: {sender.answers[-3:]}")
        drafts.append(sender.draft)
    return drafts


def timed_turn(now: datetime) -> float:
    """One turn of all workers; the seconds it took."""
    import one_road

    began = time.monotonic()
    one_road.work(now)
    return time.monotonic() - began


def parked_list() -> list[str]:
    """What `kepparked` prints."""
    from django.core.management import call_command

    out = io.StringIO()
    try:
        call_command("kepparked", stdout=out, stderr=io.StringIO())
    except SystemExit:
        return out.getvalue().splitlines()
    return []


def main() -> None:
    """One run; one JSON line on stdout."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pki", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    import django

    django.setup()
    import one_road
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from mailbox.models import BoxItem

    call_command("migrate", interactive=False, verbosity=0)
    count, wrong = SIZES[given.quick], list[str]()
    first = one_road.found_place(given.pki).sender
    with one_road.listening() as heard:
        signed(first, count)
        without = timed_turn(datetime.now(UTC))
        drafts = signed(first, count)
        with connection.cursor() as cursor:
            for draft, (step, place) in zip(drafts, STEPS.items(), strict=False):
                raising = "BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
                cursor.execute(f"CREATE TRIGGER poison_{step} BEFORE INSERT ON {place.format(draft=draft)} {raising}")
        now = datetime.now(UTC)
        together = timed_turn(now)
        arrived = BoxItem.objects.filter(folder="inbox").count()
        if arrived != 2 * count - len(STEPS):
            wrong.append(f"{arrived} of {2 * count - len(STEPS)} others arrived in the first turn")
        if not given.quick and together > SLOWEST * without:
            wrong.append(f"the others took {together:.1f} s instead of {without:.1f} s")
        for _ in range(settings.KEP_PARK_AFTER + 2):
            now += timedelta(seconds=65)
            one_road.work(now)
        parked, alarms = parked_list(), [each for each in heard if "ALM-01" in each]
        if len(parked) != len(STEPS) or len(alarms) != len(STEPS):
            wrong.append(f"parked {parked}, {len(alarms)} alarms")
        before = len(heard)
        for _ in range(3):
            now += timedelta(seconds=65)
            one_road.work(now)
        if heard[before:]:
            wrong.append(f"what is parked was tried again: {heard[before]}")
        with connection.cursor() as cursor:
            for step in STEPS:
                cursor.execute(f"DROP TRIGGER poison_{step}")
        call_command("kepparked", "--all", stdout=io.StringIO(), stderr=io.StringIO())
        one_road.finish(now)
        wrong += [f"still parked: {each}" for each in parked_list()]
        wrong += one_road.faults_of_place(messages=2 * count)
    figures = {"messages": 2 * count, "without": round(without, 2), "with": round(together, 2), "parked": len(parked)}
    print(json.dumps({"case": "poison", "wrong": wrong, "figures": figures}))


if __name__ == "__main__":
    sys.exit(main())
