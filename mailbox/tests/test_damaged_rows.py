"""A row that does not open any more, or that cannot take its step, stands in nobody's way (R-016)."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import SmsNotice
from accounts.tests.cast import make_account, make_person
from evidence import vault
from evidence.models import EvidenceIntent, SealedEvidence, SealWork
from guards import crash_points
from mailbox import delivery, integrity, tasks
from mailbox.models import Draft, Message, OriginalStamp, Recipient
from mailbox.state_names import MessageState, RecipientState
from mailbox.tests.road import Road
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database, pytest.mark.queue]


def damage(row: Any, column: str) -> None:
    """One bit of an encrypted column, as a failing disk would do it; the triggers do not see disks."""
    table = row._meta.db_table
    with connection.cursor() as cursor:
        place = f" ON {table}" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_update{place}", None)
        cursor.execute(f"SELECT {column} FROM {table} WHERE id = %s", [key_of(row)])  # noqa: S608
        stored = bytearray(cursor.fetchone()[0])
        stored[-1] ^= 1
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [bytes(stored), key_of(row)])  # noqa: S608


def key_of(row: Any) -> object:
    """The primary key as the database holds it."""
    return row._meta.pk.get_db_prep_value(row.pk, connection, prepared=False)


def three(road: Road) -> list[SigningOperation]:
    return [road.sign(road.draft(subject=f"Konu {number}")) for number in range(3)]


def states() -> list[str]:
    return list(Message.objects.defer("cms", "subject").order_by("pk").values_list("state", flat=True))


def test_a_damaged_message_in_checking_lets_the_others_pass(road: Road) -> None:
    three(road)
    tasks.submit_signed(road.clock.now)
    damage(Message.objects.order_by("pk")[0], "cms")
    tasks.check_due(road.clock.now)
    assert states() == [MessageState.CHECKING, MessageState.ACCEPTED, MessageState.ACCEPTED]
    assert list(Message.objects.filter(state="CHECKING").values_list("last_error", "tries", "claimed_until")) == [
        ("DEP-01", 1, None)
    ]


def test_a_damaged_message_lets_the_others_be_delivered(road: Road) -> None:
    three(road)
    road.turn("deliver")
    road.turn("seal")
    damage(Message.objects.order_by("pk")[1], "subject")
    tasks.deliver_due(road.clock.now)
    assert list(Recipient.objects.order_by("pk").values_list("state", flat=True)) == [
        RecipientState.DELIVERED,
        RecipientState.DELIVERING,
        RecipientState.DELIVERED,
    ]


def test_a_damaged_intent_lets_the_others_be_sealed(road: Road) -> None:
    three(road)
    road.turn("deliver")
    damage(EvidenceIntent.objects.order_by("pk")[0], "unsigned")
    assert tasks.seal_due(road.clock.now) == 2
    assert list(SealWork.objects.values_list("last_error", "tries", "claimed_until")) == [("DEP-01", 1, None)]


def test_a_damaged_proof_10_lets_the_others_go_out(road: Road) -> None:
    three(road)
    road.turn("deliver")
    tasks.seal_due(road.clock.now)
    damage(SealedEvidence.objects.order_by("pk")[0], "xml")
    tasks.release_due(road.clock.now)
    assert Message.objects.filter(released_at__isnull=False).count() == 2


def test_a_damaged_message_lets_the_terms_of_the_others_end(road: Road) -> None:
    three(road)
    road.turn()
    damage(Message.objects.order_by("pk")[0], "subject")
    tasks.end_terms_due(road.clock.move(hours=25))
    found = list(Recipient.objects.order_by("pk").values_list("state", flat=True))
    assert found == [RecipientState.DELIVERED, RecipientState.DEEMED_READ, RecipientState.DEEMED_READ]


def test_a_term_that_cannot_end_lets_the_others_end(road: Road) -> None:
    """A proof 61 that exists already is an impossible state; it must stay one message's trouble."""
    three(road)
    road.turn()
    first = Message.objects.order_by("pk")[0]
    recipient = first.recipients.get()
    delivery.end_terms([recipient], now=road.clock.move(hours=25))
    Recipient.objects.filter(pk=recipient.pk).update(state=RecipientState.DELIVERED)
    tasks.end_terms_due(road.clock.now)
    assert Recipient.objects.filter(state=RecipientState.DEEMED_READ).count() == 2
    waiting = Recipient.objects.get(state=RecipientState.DELIVERED)
    assert (waiting.tries, waiting.last_error) == (1, "IntegrityError")
    assert delivery.terms_due(now=road.clock.now, limit=50) == []
    assert [each.pk for each in delivery.terms_due(now=road.clock.move(minutes=2), limit=50)] == [waiting.pk]


def test_a_damaged_signature_lets_the_others_be_sent(road: Road) -> None:
    damage(three(road)[0], "cms")
    tasks.submit_signed(road.clock.now)
    assert Message.objects.count() == 2


def test_a_damaged_draft_lets_the_others_be_sent(road: Road) -> None:
    """The drafts of a lot are asked for together: one that does not open must not stop the question for all."""
    three(road)
    damage(Draft.objects.order_by("pk")[1], "to_lines")
    tasks.submit_signed(road.clock.now)
    assert Message.objects.count() == 2
    waiting = SigningOperation.objects.get(state=SigningOperation.State.SIGNED)
    assert (waiting.last_error, waiting.failures, waiting.claimed_until) == ("CipherTextRefused", 1, None)


def test_a_damaged_time_stamp_lets_the_others_be_accepted(road: Road) -> None:
    three(road)
    tasks.submit_signed(road.clock.now)
    crash_points.watch(lambda name: stop() if name == "check.after_stamp" else None)
    try:
        tasks.check_due(road.clock.now)
    finally:
        crash_points.watch(None)
    assert OriginalStamp.objects.count() == 3
    damage(OriginalStamp.objects.order_by("pk")[0], "token")
    tasks.check_due(road.clock.move(minutes=2))
    assert states() == [MessageState.CHECKING, MessageState.ACCEPTED, MessageState.ACCEPTED]
    held = Message.objects.get(state=MessageState.CHECKING)
    assert (held.last_error, held.claimed_until) == ("CipherTextRefused", None)


def stop() -> None:
    """What nobody foresaw, for the whole lot."""
    raise RuntimeError("nobody foresaw this")


def test_a_person_whose_number_does_not_open_stops_nobody_else(road: Road) -> None:
    other = make_person("Zeynep", "Demir")
    own = make_account("zeynep.demir@hs01.kep.tr", holder=other)
    three(road)
    draft = road.draft(subject="Başkası")
    Draft.objects.filter(pk=draft.pk).update(account=own, author=other)
    draft.refresh_from_db()
    road.sign(draft, road.e_imza(other), person=other)
    damage(other, "tckn")
    tasks.submit_signed(road.clock.now)
    assert Message.objects.count() == 3


def test_a_damaged_notice_lets_the_others_go_out(road: Road) -> None:
    three(road)
    road.turn()
    SmsNotice.objects.update(sent_at=None, due_at=road.clock.now)
    damage(SmsNotice.objects.order_by("pk")[0], "number")
    assert tasks.send_notices_due(road.clock.now) == 2
    assert tasks.send_notices_due(road.clock.now) == 0
    assert SmsNotice.objects.defer("number").get(sent_at=None).last_error == "DEP-01"


def test_kepcheck_names_rows_that_do_not_open_and_goes_on(road: Road, capsys: pytest.CaptureFixture[str]) -> None:
    three(road)
    road.turn()
    damage(Message.objects.order_by("pk")[0], "cms")
    damage(EvidenceIntent.objects.order_by("pk")[0], "unsigned")
    damage(SealedEvidence.objects.order_by("pk")[1], "xml")
    with pytest.raises(SystemExit):
        call_command("kepcheck")
    codes = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert {"EV-02", "EV-07", "MB-22"} <= codes


def test_a_signature_whose_octets_are_lost_is_turned_down_and_the_draft_says_so(
    road: Road, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing was accepted yet: better sign again than wait for ever for octets that will not come back."""
    operation = road.sign(road.draft())
    vault.path_of(bytes(operation.content_digest)).unlink()
    tasks.submit_signed(road.clock.now)
    operation.refresh_from_db()
    assert (operation.state, operation.refusal_code) == (SigningOperation.State.CANCELLED, "DEP-03")
    assert Draft.objects.get().returned_code == "DEP-03"
    assert [each.levelname for each in caplog.records if "octets" in each.message] == ["CRITICAL"]
    assert not Message.objects.exists()


def test_a_message_whose_octets_are_lost_is_held_and_given_back_after_a_day(road: Road) -> None:
    road.sign(road.draft())
    tasks.submit_signed(road.clock.now)
    message = Message.objects.get()
    place = vault.path_of(bytes(message.signed_part_digest))
    kept = place.read_bytes()
    place.unlink()
    tasks.check_due(road.clock.now)
    message.refresh_from_db()
    assert (message.state, message.hold_reason) == (MessageState.CHECKING, "DEP-03")
    place.write_bytes(kept)
    tasks.check_due(road.clock.move(minutes=2))
    assert states() == [MessageState.ACCEPTED]
    road.turn()
    road.sign(road.draft(subject="İkinci"))
    tasks.submit_signed(road.clock.now)
    second = Message.objects.order_by("-pk")[0]
    vault.path_of(bytes(second.signed_part_digest)).unlink()
    tasks.check_due(road.clock.now)
    tasks.check_due(road.clock.move(hours=25))
    second.refresh_from_db()
    assert (second.state, second.due_at, second.draft.submitted_at) == (MessageState.RETURNED, None, None)
    assert {each.code for each in integrity.findings(road.clock.now)} == {"MB-18"}


def test_a_check_that_fails_in_a_way_nobody_foresaw_gives_the_draft_back_too(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("nobody foresaw this")

    road.sign(road.draft())
    tasks.submit_signed(road.clock.now)
    monkeypatch.setattr("mailbox.checking._judge", fail)
    tasks.check_due(road.clock.now)
    tasks.check_due(road.clock.move(hours=24))
    assert states() == [MessageState.CHECKING]
    tasks.check_due(road.clock.move(hours=2))
    assert states() == [MessageState.RETURNED]
