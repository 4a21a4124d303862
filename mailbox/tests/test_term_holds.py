"""The reading term stands still while we hold the account, and for nobody else's reason (design.md 1.1.2, K-031)."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts import lifecycle
from accounts.lifecycle import Closing, Suspension
from accounts.models import KepAccount
from accounts.tests.cast import make_account, make_operator, make_person, sign_in
from evidence import issue
from evidence.models import EvidenceIntent
from evidence.xml import read
from mailbox import integrity, proof_reasons, reading, tasks, term_holds
from mailbox.errors import AccountStopped
from mailbox.models import Message, Recipient, TermHold
from mailbox.state_names import RecipientState
from mailbox.tests.road import Road
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database]
STAFF = "person:6f0c1f6e-0000-4000-8000-000000000001"
HELD = [Suspension.PROVIDER, Suspension.AUTHORITY]


def suspend(road: Road, reason: Suspension, account: KepAccount | None = None) -> None:
    lifecycle.suspend(account or road.mehmets, reason=reason, actor=STAFF, now=road.clock.now)


def resume(road: Road, reason: Suspension) -> None:
    lifecycle.resume(road.mehmets, reason=reason, actor=STAFF, now=road.clock.now)


def close(road: Road, reason: Closing) -> None:
    lifecycle.close(road.mehmets, reason=reason, actor=STAFF, now=road.clock.now)


def row(message: Message) -> Recipient:
    return Recipient.objects.get(message=message)


def codes(message: Message) -> list[int]:
    return [each.intent.code for each in issue.sealed_proofs([message.kep_id])[message.kep_id]]


def reasons_of_61(message: Message) -> list[str]:
    facts = read(bytes(EvidenceIntent.objects.get(kep_id=message.kep_id, code=61).unsigned))
    assert {reason.number for reason, _ in facts.reasons} == {15}
    return [text for _, text in facts.reasons]


# --- a suspension that we order ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("reason", HELD)
def test_the_term_stands_still_and_goes_on_where_it_stood(road: Road, reason: Suspension) -> None:
    message = road.send()
    ends = row(message).term_ends_at
    road.clock.move(hours=10)
    suspend(road, reason)
    began = road.clock.now
    road.clock.move(days=40)
    road.turn()
    assert codes(message) == [10, 40], "nothing is deemed while the account is held"
    resume(road, reason)
    assert row(message).term_ends_at == ends + timedelta(days=40)
    road.clock.move(hours=14, seconds=-1)
    road.turn()
    assert codes(message) == [10, 40]
    road.clock.move(seconds=1)
    road.turn()
    assert codes(message) == [10, 40, 61]
    ended, stood = reasons_of_61(message)
    assert "doldu" in ended
    assert stood == proof_reasons.term_stood(reason.value, began, began + timedelta(days=40))


def test_the_holder_opens_in_the_second_after_the_suspension_and_has_his_term(road: Road) -> None:
    message = road.send()
    road.clock.move(hours=23)
    suspend(road, Suspension.PROVIDER)
    road.clock.move(days=3)
    resume(road, Suspension.PROVIDER)
    road.clock.move(minutes=59)
    reading.open_message(road.arrived(message), reader=road.reader(), now=road.clock.now)
    road.turn()
    assert codes(message) == [10, 40, 60]


def test_what_arrives_meanwhile_has_its_whole_term_afterwards(road: Road) -> None:
    """K-031: delivery goes on."""
    suspend(road, Suspension.AUTHORITY)
    road.clock.move(hours=1)
    message = road.send()
    assert codes(message) == [10, 40]
    road.clock.move(days=9)
    road.turn()
    resumed = road.clock.now
    resume(road, Suspension.AUTHORITY)
    assert row(message).term_ends_at == resumed + timedelta(hours=24)
    road.clock.move(hours=24)
    road.turn()
    assert codes(message) == [10, 40, 61]
    assert "askıdaydı" in reasons_of_61(message)[1]


def test_a_term_that_was_over_before_is_not_saved_by_a_suspension(road: Road) -> None:
    """The law had spoken; the worker was only slow."""
    message = road.send()
    road.clock.move(hours=25)
    suspend(road, Suspension.AUTHORITY)
    road.turn()
    assert codes(message) == [10, 40, 61]
    assert len(reasons_of_61(message)) == 1


def test_two_holds_are_two_stretches(road: Road) -> None:
    message = road.send()
    ends = row(message).term_ends_at
    for days in (2, 5):
        road.clock.move(hours=1)
        suspend(road, Suspension.PROVIDER)
        road.clock.move(days=days)
        resume(road, Suspension.PROVIDER)
    assert row(message).term_ends_at == ends + timedelta(days=7)
    road.clock.move(hours=22)
    road.turn()
    assert len(reasons_of_61(message)) == 3


def test_an_order_that_takes_anothers_place_goes_on_holding(road: Road) -> None:
    """Ours gives way to the authority's: two holds without a gap, and the time counts once."""
    message = road.send()
    ends = row(message).term_ends_at
    suspend(road, Suspension.PROVIDER)
    road.clock.move(days=1)
    suspend(road, Suspension.AUTHORITY)
    road.clock.move(days=2)
    resume(road, Suspension.AUTHORITY)
    assert row(message).term_ends_at == ends + timedelta(days=3)
    assert list(TermHold.objects.values_list("cause", flat=True)) == ["provider", "authority"]


# --- the holder's own doing -------------------------------------------------------------------------------------------
def test_nobody_escapes_a_letter_by_locking_his_own_box(road: Road) -> None:
    message = road.send()
    suspend(road, Suspension.HOLDER)
    road.clock.move(hours=24)
    road.turn()
    assert codes(message) == [10, 40, 61]
    assert not TermHold.objects.exists()


@pytest.mark.parametrize("reason", [Closing.REQUEST, Closing.CONTRACT_END, Closing.FALSE_DATA, Closing.AUTHORITY])
def test_closing_stops_no_term_that_runs(road: Road, reason: Closing) -> None:
    message = road.send()
    road.clock.move(hours=1)
    close(road, reason)
    road.clock.move(hours=23)
    road.turn()
    assert codes(message) == [10, 40, 61]


def test_a_holder_who_locked_himself_out_gains_by_our_order_only_from_then_on(road: Road) -> None:
    message = road.send()
    ends = row(message).term_ends_at
    suspend(road, Suspension.HOLDER)
    road.clock.move(hours=5)
    suspend(road, Suspension.PROVIDER)
    road.clock.move(hours=7)
    resume(road, Suspension.PROVIDER)
    assert row(message).term_ends_at == ends + timedelta(hours=7)


def test_closing_a_held_account_lets_the_term_run_on(road: Road) -> None:
    message = road.send()
    suspend(road, Suspension.PROVIDER)
    road.clock.move(days=2)
    close(road, Closing.REQUEST)
    assert TermHold.objects.get().ended_at == road.clock.now
    road.clock.move(hours=24)
    road.turn()
    assert codes(message) == [10, 40, 61]


# --- death and dissolution --------------------------------------------------------------------------------------------
def test_death_stops_the_term_for_good_and_the_sender_reads_why(road: Road, client: Client) -> None:
    message = road.send()
    road.clock.move(hours=3)
    close(road, Closing.DEATH)
    road.clock.move(days=400)
    road.turn()
    assert codes(message) == [10, 40]
    assert row(message).state == RecipientState.DELIVERED
    hold = TermHold.objects.get()
    assert (hold.cause, hold.ended_at) == ("death", None)
    assert "öldüğü bildirildi" in page_of_sender(road, client, message)


def test_dissolution_stops_the_terms_of_a_company(road: Road) -> None:
    company = make_account("gunes@hs01.kep.tr", holder="Güneş A.Ş.")
    make_operator(company, make_person(), is_main=True)
    message = road.send(to=company.address)
    lifecycle.close(company, reason=Closing.DISSOLUTION, actor=STAFF, now=road.clock.now)
    road.clock.move(days=2)
    road.turn()
    assert codes(message) == [10, 40]


def test_after_death_nothing_more_is_delivered(road: Road) -> None:
    """T-041: what was on its way gets a 41."""
    operation = road.sign(road.draft())
    tasks.submit_signed(road.clock.now)
    close(road, Closing.DEATH)
    road.turn()
    message = Message.objects.get(operation=operation.pk)
    assert codes(message) == [10, 41]


# --- what the sender reads --------------------------------------------------------------------------------------------
def page_of_sender(road: Road, client: Client, message: Message) -> str:
    sign_in(client, road.ayse, account=road.ayses)
    item = message.items.get(folder="sent")
    answer = client.get(reverse("mailbox:message", args=[item.public_id]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_timeline_says_that_the_term_stands_still_and_promises_no_time(road: Road, client: Client) -> None:
    message = road.send()
    suspend(road, Suspension.AUTHORITY)
    text = page_of_sender(road, client, message)
    assert "yetkili merciin kararıyla askıda" in text
    assert "O ana kadar açılmazsa" not in text
    road.clock.move(hours=2)
    resume(road, Suspension.AUTHORITY)
    item = message.items.get(folder="sent")
    after = client.get(reverse("mailbox:message", args=[item.public_id])).content.decode()
    assert "O ana kadar açılmazsa" in after
    assert "askıda kaldığı süre sayılmadı" in after


def test_the_reasons_are_said_in_the_readers_language_or_as_they_stand() -> None:
    at = datetime.fromisoformat("2026-11-24T09:00:00+00:00")
    for text in (proof_reasons.term_ended(at), proof_reasons.term_stood("provider", at, at)):
        assert proof_reasons.reason_for_reader(text) == text
    foreign = "Süre dün ile bugün (TSİ) arasında işlemedi: hesap hizmet sağlayıcının kararıyla askıdaydı."
    assert proof_reasons.reason_for_reader(foreign) == foreign


# --- signatures that were asked ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("stop", ["suspend", "close"])
@pytest.mark.parametrize("signed", [True, False])
def test_signatures_asked_for_the_account_are_cancelled_and_the_draft_stays(
    road: Road, stop: str, signed: bool
) -> None:
    draft = road.draft()
    if signed:
        operation = road.sign(draft)
    else:
        from mailbox import compose

        compose.ask_signature(draft, acting=road.acting(), visit=road.visit(), now=road.clock.now)
        operation = SigningOperation.objects.get()
    if stop == "suspend":
        suspend(road, Suspension.HOLDER, road.ayses)
    else:
        lifecycle.close(road.ayses, reason=Closing.REQUEST, actor=STAFF, now=road.clock.now)
    road.turn()
    operation.refresh_from_db()
    draft.refresh_from_db()
    assert operation.state == SigningOperation.State.CANCELLED
    assert draft.submitted_at is None
    assert not Message.objects.exists()
    if not signed:
        assert operation.refusal_code == AccountStopped.code


def test_another_accounts_signatures_go_on(road: Road) -> None:
    operation = road.sign(road.draft())
    suspend(road, Suspension.PROVIDER)
    operation.refresh_from_db()
    assert operation.state == SigningOperation.State.SIGNED


# --- what must never be false -----------------------------------------------------------------------------------------
def test_kepcheck_finds_holds_and_suspensions_that_do_not_go_together(road: Road) -> None:
    def found() -> set[str]:
        return {each.code for each in integrity.findings(road.clock.now)}

    suspend(road, Suspension.PROVIDER)
    assert not found() & {"MB-25", "MB-26"}
    KepAccount.objects.filter(pk=road.mehmets.pk).update(state="ACTIVE", suspended_for="")
    assert "MB-25" in found()
    KepAccount.objects.filter(pk=road.mehmets.pk).update(state="SUSPENDED", suspended_for="provider")
    TermHold.objects.update(ended_at=road.clock.now)
    assert "MB-26" in found()


def test_an_account_has_one_running_hold(road: Road) -> None:
    suspend(road, Suspension.PROVIDER)
    change = road.mehmets.changes.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        TermHold.objects.create(account=road.mehmets, cause="authority", started_at=road.clock.now, begun_by=change)


def test_a_term_moved_on_between_looking_and_ending_is_not_ended(road: Road) -> None:
    """The worker has its rows in hand; the suspension came and went meanwhile."""
    from mailbox import delivery

    message = road.send()
    road.clock.move(hours=1)
    suspend(road, Suspension.PROVIDER)
    road.clock.move(hours=30)
    stale = Recipient.objects.select_related("message").get(message=message)
    resume(road, Suspension.PROVIDER)
    assert stale.term_ends_at <= road.clock.now
    assert delivery.end_terms([stale], now=road.clock.now) == 0
    assert row(message).state == RecipientState.DELIVERED
    assert term_holds.holding(row(message)) is False
