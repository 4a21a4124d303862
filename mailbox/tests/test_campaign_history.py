"""The history checker of the campaigns is clean on an honest store, and names each planted damage (R-002).

A campaign whose checker cannot find anything would pass for ever. Damage is planted as in the tests of kepcheck, by
raw SQL with triggers and constraints out of the way, or in what the clients say that they were told.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from campaigns import history
from campaigns.told import Acknowledged, Told
from django.db import connection

from accounts.tests.cast import make_account, make_person
from evidence.models import SealedEvidence, SealWork
from guards.ids import public_id
from mailbox import reading
from mailbox.models import BoxItem, Message, Recipient
from mailbox.tests.road import Road
from mailbox.tests.test_kepcheck_finds import sql, without_triggers

pytestmark = [pytest.mark.loopback, pytest.mark.database]

HATICE = "hatice.koc@hs01.kep.tr"
AN_ANSWER = Acknowledged(due=1.0, sent=1.0, answered=1.1, tries=1, put_off=0)


@pytest.fixture
def told(road: Road) -> Told:
    """One message read, one that went to two people; and what the clients were told of both."""
    make_account(HATICE, holder=make_person("Hatice", "Koç"))
    first = road.send()
    item = road.arrived(first)
    reading.open_message(item, reader=road.reader(), now=road.clock.now)
    second = road.send(to=f"mehmet.kaya@hs01.kep.tr,{HATICE}")
    road.turn()
    addresses = {
        str(each.operation): tuple(each.recipients.values_list("address", flat=True)) for each in (first, second)
    }
    return Told(
        stock=addresses,
        acked=dict.fromkeys(addresses, AN_ANSWER),
        posted=frozenset(addresses),
        opened=frozenset({item.public_id}),
        trying=frozenset({item.public_id}),
    )


def first() -> Message:
    return Message.objects.order_by("pk")[0]


def proof(code: int) -> SealedEvidence:
    return SealedEvidence.objects.filter(intent__code=code).order_by("pk")[0]


def lose_a_message() -> None:
    """As a restore from an older copy would: nothing is left but what the sender was told."""
    key, kep_id = first().pk, first().kep_id
    for table in ("boxitem", "envelope", "transition", "originalstamp", "validationmaterial", "recipient"):
        sql(f"DELETE FROM mailbox_{table} WHERE message_id = %s", key)  # noqa: S608
    proofs = "SELECT id FROM evidence_evidenceintent WHERE kep_id = %s"
    sql(f"DELETE FROM evidence_sealedevidence WHERE intent_id IN ({proofs})", kep_id)  # noqa: S608
    sql("DELETE FROM evidence_evidenceintent WHERE kep_id = %s", kep_id)
    sql("DELETE FROM mailbox_message WHERE id = %s", key)


def without_constraints(table: str) -> None:
    """The same rows in a table that promises nothing."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE", None)
        cursor.execute(f"CREATE TABLE bare AS SELECT * FROM {table}", None)  # noqa: S608
        cursor.execute(f"DROP TABLE {table}", None)
        cursor.execute(f"ALTER TABLE bare RENAME TO {table}", None)


def double_an_item() -> None:
    without_constraints("mailbox_boxitem")
    one = BoxItem.objects.filter(folder="inbox").order_by("-pk")[0]
    BoxItem.objects.bulk_create([_copy(one, pk=one.pk + 1000, public_id=public_id())])


def double_a_signature() -> None:
    """Two messages that came from one draft."""
    sql("UPDATE mailbox_message SET draft_id = %s", first().draft_id)


def add_a_proof(code: int) -> None:
    """A true seal once more, under a step that nobody took."""
    one, other = proof(40), Recipient.objects.get(address=HATICE)
    intent = _copy(one.intent, pk=None, evidence_id="ev-fazla", code=code, recipient_no=other.recipient_no)
    intent.kep_id = other.message.kep_id
    intent.save(force_insert=True)
    _copy(one, pk=None, intent=intent).save(force_insert=True)


def seal_over_other_bytes() -> None:
    one, other = proof(10), proof(40)
    without_triggers()
    SealedEvidence.objects.filter(pk=one.pk).update(xml=other.xml, digest=other.digest)


def lose_a_proof(code: int) -> None:
    without_triggers()
    SealedEvidence.objects.filter(pk=proof(code).pk).delete()


def owe_a_proof() -> None:
    SealWork.objects.create(intent=proof(10).intent, due_at=proof(10).sealed_at)


def release_too_early() -> None:
    """The line of the seal comes after the line of the release."""
    last = "SELECT max(id) + 1 FROM evidence_event"
    name = proof(10).intent.evidence_id
    sql(f"UPDATE evidence_event SET id = ({last}) WHERE kind = 'seal.stored' AND subject = %s", name)  # noqa: S608


def _copy(row: Any, **values: Any) -> Any:
    kept = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    copied = type(row)(**kept)
    for name, value in values.items():
        setattr(copied, name, value)
    copied._state.adding = True
    return copied


DAMAGE: dict[str, tuple[str, Callable[[], object]]] = {
    "a message lost": ("LOST", lose_a_message),
    "a message returned": (
        "LOST",
        lambda: sql("UPDATE mailbox_message SET state = 'RETURNED' WHERE id = %s", first().pk),
    ),
    "a signature not used": ("LOST", lambda: sql("UPDATE signing_signingoperation SET state = 'SIGNED'")),
    "a delivery forgotten": (
        "LOST",
        lambda: sql("UPDATE mailbox_recipient SET state = 'DELIVERING' WHERE address = %s", HATICE),
    ),
    "an item lost": ("LOST", lambda: sql("DELETE FROM mailbox_boxitem WHERE id = %s", BoxItem.objects.latest("pk").pk)),
    "a sent item lost": ("LOST", lambda: sql("DELETE FROM mailbox_boxitem WHERE folder = 'sent'")),
    "an item doubled": ("DOUBLED", double_an_item),
    "a draft sent twice": ("DOUBLED", double_a_signature),
    "proof 10 missing": ("MISSING", lambda: lose_a_proof(10)),
    "proof 40 missing": ("MISSING", lambda: lose_a_proof(40)),
    "proof 60 missing": ("MISSING", lambda: lose_a_proof(60)),
    "a proof too many": ("EXTRA", lambda: add_a_proof(60)),
    "proofs of nobody": (
        "EXTRA",
        lambda: sql("UPDATE mailbox_message SET kep_id = 'x@hs01.kep.tr' WHERE id = %s", first().pk),
    ),
    "an item in a stranger's box": (
        "EXTRA",
        lambda: sql(
            "UPDATE mailbox_boxitem SET account_id = %s WHERE id = %s",
            first().account_id,
            BoxItem.objects.get(recipient__address=HATICE).pk,
        ),
    ),
    "a seal over other bytes": ("INVALID", seal_over_other_bytes),
    "a seal that does not hold": (
        "INVALID",
        lambda: sql("UPDATE evidence_sealedevidence SET digest = %s WHERE id = %s", bytes(32), proof(60).pk),
    ),
    "released before its proof": ("INVALID", release_too_early),
    "an opening undone": ("UNREAD", lambda: sql("UPDATE mailbox_boxitem SET opened_at = NULL, opened_by_id = NULL")),
    "a step not logged": ("LOG", lambda: sql("DELETE FROM evidence_event WHERE kind = 'message.placed'")),
    "a seal not logged": ("LOG", lambda: sql("DELETE FROM evidence_event WHERE kind = 'seal.stored'")),
    "a signature not logged": ("LOG", lambda: sql("DELETE FROM evidence_event WHERE kind = 'signing.signed'")),
    "a release not logged": ("LOG", lambda: sql("DELETE FROM evidence_event WHERE kind = 'message.released'")),
    "a step taken out": ("LOG", lambda: sql("DELETE FROM mailbox_transition WHERE event = 'placed'")),
    "a seal owed": ("OWED", owe_a_proof),
}


def found(told: Told) -> set[str]:
    return {each.code for each in history.check(told).findings}


def test_an_honest_history_is_clean(told: Told) -> None:
    checked = history.check(told)
    assert checked.findings == ()
    assert checked.is_clean
    assert (checked.acknowledged, checked.messages, checked.deliveries, checked.openings) == (2, 2, 3, 1)
    assert checked.proofs == 2 + 3 + 1


@pytest.mark.parametrize("damage", DAMAGE, ids=[name.replace(" ", "-") for name in DAMAGE])
def test_planted_damage_is_named(told: Told, damage: str) -> None:
    code, plant = DAMAGE[damage]
    plant()
    checked = history.check(told)
    assert code in {each.code for each in checked.findings}
    assert checked.counts[code] > 0
    assert not checked.is_clean


def test_a_forged_acknowledgement_is_lost(told: Told) -> None:
    """A client that was told of a message which nobody has: exactly what a lost commit looks like from outside."""
    forged = str(uuid4())
    checked = history.check(replace(told, acked={**told.acked, forged: AN_ANSWER}))
    assert {(each.code, each.subject) for each in checked.findings} == {("LOST", forged)}
    assert checked.counts["LOST"] == 1


def test_a_message_nobody_was_told_of_is_named_unless_its_answer_may_have_been_lost(told: Told) -> None:
    one = str(first().operation)
    rest = {operation: answer for operation, answer in told.acked.items() if operation != one}
    assert found(replace(told, acked=rest)) == set()
    assert found(replace(told, acked=rest, posted=frozenset(rest))) == {"UNTOLD"}


def test_a_refused_signature_that_was_taken_all_the_same_is_named(told: Told) -> None:
    one = str(first().operation)
    assert found(replace(told, refused={one: "409"})) == {"UNTOLD"}


def test_other_recipients_than_were_meant_are_named(told: Told) -> None:
    stock = {**told.stock, str(first().operation): (HATICE,)}
    assert found(replace(told, stock=stock)) == {"LOST", "EXTRA"}


def test_an_opening_that_nobody_made_is_named(told: Told) -> None:
    assert found(replace(told, opened=frozenset(), trying=told.opened)) == set()
    assert found(replace(told, opened=frozenset(), trying=frozenset())) == {"EXTRA"}


def test_an_acknowledged_opening_without_a_trace_is_named(told: Told) -> None:
    other = BoxItem.objects.get(recipient__address=HATICE)
    assert found(replace(told, opened=told.opened | {other.public_id})) == {"UNREAD"}


def test_nothing_at_all_is_no_clean_history(db: None) -> None:
    assert not history.check(Told(stock={}, acked={})).is_clean


def test_every_code_is_planted() -> None:
    assert {code for code, _ in DAMAGE.values()} | {"UNTOLD"} == set(history.CODES)
