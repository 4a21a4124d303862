"""R-005: the disk is full, for database and vault together and for each alone.

A tmpfs of a few MB in a mount namespace of this process's own (`unshare -m`), filled with a ballast file until the
kernel says ENOSPC. One message lies delivered and its bundle made, one is signed and waits for the workers, one lies
offered with its signer. While the disk is full: every door that takes something in answers at once with a temporary
refusal and its code (DEP-02 of the vault, DEP-07 of the tables), or takes it and keeps it; workers hold; the inbox,
the message, its proofs, the .eml and the bundle are still given out; nothing is half there. Then the ballast goes, and
nobody does anything else: workers go on, the same post of the signer is taken, all messages arrive.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

LAYOUTS = ("all", "vault", "database")
SMALL, LARGE = "12m", "64m"
AT_ONCE = 3.0
"""Seconds within which a refusal is a refusal and not a time-out."""
MOST_SAVES = 400


def mount(layout: str, data: Path) -> Path:
    """The small file system under what `layout` names; the folder that will be full."""
    vault = data / "vault"
    small = vault if layout == "vault" else data
    if layout == "vault":
        vault.mkdir(parents=True)
    _tmpfs(small, SMALL)
    if layout == "database":
        vault.mkdir()
        _tmpfs(vault, LARGE)
    return small


def _tmpfs(folder: Path, size: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "kep-small", folder], check=True)


def fill(folder: Path) -> None:
    """Write until there is no room for another byte."""
    descriptor = os.open(folder / "ballast", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for size in (1 << 16, 1 << 12, 1):
            while True:
                try:
                    os.write(descriptor, b"\0" * size)
                except OSError:
                    break
    finally:
        os.close(descriptor)


class Scene:
    """Three messages at three places of the road, two browsers, and what was wrong so far."""

    def __init__(self, layout: str, small: Path, pki_directory: Path) -> None:
        import one_road
        from django.core.management import call_command

        self.road, self.layout, self.small = one_road, layout, small
        self.wrong: list[str] = []
        call_command("migrate", interactive=False, verbosity=0)
        people = one_road.found_place(pki_directory)
        self.sender, self.receiver = people.sender, people.receiver
        self.now = datetime.now(UTC)
        self._deliver_one()
        self.waiting = self._fresh("signed")
        self.offered = self._fresh("offered")

    def _deliver_one(self) -> None:
        from mailbox.models import BoxItem

        self._must(self.sender.ask() and self.sender.sign(self.road.code_of(self.sender.draft)), "first message")
        self.now = self.road.finish(self.now)
        self.item = BoxItem.objects.get(folder="inbox").public_id
        self._must(self._status_of(f"ileti/{self.item}/ac/", post=True) < 400, "opening")
        self.now = self.road.finish(self.now)  # the bundle is made of the proofs that are sealed when it is asked for
        self._must(self._status_of(f"ileti/{self.item}/delil-paketi/", post=True) < 400, "asking for the bundle")
        self.now = self.road.finish(self.now)

    def _fresh(self, until: str) -> Any:
        """A sender of his own, as far as `until` says."""
        other = self.road.Sender(self.sender.client, self.sender.imza)
        self._must(other.write() and other.ask(), until)
        if until == "signed":
            self._must(other.sign(self.road.code_of(other.draft)), until)
        else:
            self._must(other.offer(self.road.code_of(other.draft)), until)
        return other

    def _must(self, is_so: bool, what: str) -> None:
        if not is_so:
            raise SystemExit(f"{self.layout}: {what} did not work on an empty disk: {self.sender.answers[-3:]}")

    def _status_of(self, path: str, *, post: bool = False) -> int:
        answer = self.receiver.post(f"/{path}") if post else self.receiver.get(f"/{path}")
        return int(answer.status_code)

    def say(self, is_so: bool, what: str) -> None:
        """Note what is not as it must be."""
        if not is_so:
            self.wrong.append(what)

    # --- while it is full ---
    def taking_in(self) -> None:
        """Everything that wants room is refused at once and with a code, sooner or later; what is taken is kept."""
        began = time.monotonic()
        is_posted = self.offered.post_signature()
        refused = self._refused(self.offered, began)
        self.say(is_posted or refused, f"signature: {self.offered.answers[-1]}")
        other = self.road.Sender(self.sender.client, self.sender.imza)
        for _ in range(MOST_SAVES):  # a table may have free pages: a little more is taken before there is no room
            began = time.monotonic()
            if not (other.write() and other.ask()):
                break
        self.say(self._refused(other, began), f"a full disk took everything: {other.answers[-1]}")
        last = other.answers[-1]
        wanted = {"vault": {"DEP-02"}, "database": {"DEP-07"}, "all": {"DEP-02", "DEP-07"}}[self.layout]
        self.say(last.code in wanted, f"another code than {wanted}: {last}")

    def _refused(self, sender: Any, began: float) -> bool:
        last = sender.answers[-1]
        return last.status == 503 and last.is_clean and time.monotonic() - began < AT_ONCE

    def giving_out(self) -> None:
        """Reading and evidence go on, also for a browser whose last sign of life should be noted now."""
        proofs = ("delil/10-0.xml", "delil/40-1.xml", "delil/60-1.xml", "ileti.eml", "orijinal.eml", "delil-paketi/")
        for path in ("gelen/", f"ileti/{self.item}/", *(f"ileti/{self.item}/{each}" for each in proofs)):
            answer = self.receiver.get(f"/{path}")
            length = len(b"".join(answer.streaming_content) if answer.streaming else answer.content)
            self.say(
                answer.status_code == 200 and length > 1000, f"{path.rpartition('/')[2] or path}: {answer.status_code}"
            )
        if self.layout != "database":
            self.say(self._status_of("readyz") == 503, "/readyz says that all is well")

    def holding(self) -> None:
        """Workers turn several times: the signed message waits, and nothing of it is half there."""
        from mailbox.models import Message
        from signing.models import SigningOperation

        for _ in range(3):
            self.road.work(self.now)
            self.now += timedelta(seconds=61)
        operation = SigningOperation.objects.filter(reference=self.waiting.draft).latest("asked_at")
        self.say(operation.state in ("SIGNED", "CONSUMED"), f"the waiting signature is {operation.state}")
        message = Message.objects.filter(operation=operation.pk).first()
        self.say(
            message is None or message.state in ("CHECKING", "ACCEPTED"),
            f"the waiting message is {message and message.state}",
        )
        if message is not None:
            self.say(message.released_at is None or self.layout == "database", "it went out on a full disk")

    # --- and when there is room again ---
    def going_on(self) -> None:
        """The ballast is gone; whoever was refused posts the same once more; everything arrives."""
        from kepweb.readiness import KEPT_SECONDS

        (self.small / "ballast").unlink()
        self.say(self.offered.post_signature(), f"the same signature again: {self.offered.answers[-1]}")
        self.now = self.road.finish(self.now, turns=20)
        self.wrong += self.road.faults_of_place(messages=3, read=1)
        time.sleep(KEPT_SECONDS + 0.1)
        answer = self.receiver.get("/readyz")
        self.say(answer.status_code == 200, f"/readyz still says no: {answer.content.decode()}")


def empty_journal() -> None:
    """Give the journal's room back before the disk is filled, as a checkpoint of any process may: no write has room."""
    from django.conf import settings

    with closing(sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def age_visit(client: Any) -> None:
    """The browser was last seen five minutes ago, so that its next page wants to write that down."""
    session = client.session
    for key, value in session.items():
        if isinstance(value, dict) and "seen_at" in value:
            session[key] = {**value, "seen_at": (datetime.now(UTC) - timedelta(minutes=5)).isoformat()}
    session.save()


def main() -> None:
    """One layout, in a mount namespace that is already its own; one JSON line on stdout."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pki", type=Path, required=True)
    parser.add_argument("--layout", choices=LAYOUTS, required=True)
    given = parser.parse_args()
    data = Path(os.environ["KEP_DATA_DIR"])
    data.mkdir(parents=True, exist_ok=True)
    small = mount(given.layout, data)
    import django

    django.setup()
    import one_road

    began = time.monotonic()
    with one_road.listening() as heard:
        scene = Scene(given.layout, small, given.pki)
        age_visit(scene.receiver)
        empty_journal()
        fill(small)
        for act in (scene.giving_out, scene.taking_in, scene.holding, scene.giving_out, scene.going_on):
            act()
    wrong = [*scene.wrong, *([] if heard else ["nobody heard of the full disk"])]
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"case": f"disk:{given.layout}", "wrong": wrong, "figures": {"seconds": seconds}}))


if __name__ == "__main__":
    sys.exit(main())
