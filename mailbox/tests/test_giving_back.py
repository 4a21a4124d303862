"""CHECKING -> RETURNED: by the sender, or because right or account went away; never a proof (design.md 1.4)."""

from datetime import timedelta

import pytest

from accounts.models import KepAccount
from accounts.tests.cast import make_account, make_operator, make_person
from evidence.models import EvidenceIntent
from mailbox import compose, integrity, submit
from mailbox.errors import MayNotSend, StaleState
from mailbox.models import Draft, Message
from mailbox.state_names import MessageState
from mailbox.tests.road import Road
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database]


def in_checking(road: Road) -> Message:
    """A submitted message that nobody has checked yet."""
    operation = road.sign(road.draft())
    message = submit.submit(SigningOperation.objects.get(pk=operation.pk), now=road.clock.now)
    assert message is not None
    return message


def assert_given_back(road: Road, message: Message, code: str) -> None:
    message.refresh_from_db()
    assert message.state == MessageState.RETURNED
    draft = Draft.objects.get(pk=message.draft_id)
    assert draft.submitted_at is None
    assert draft.returned_code == code
    road.turn()
    assert not EvidenceIntent.objects.exists()
    assert list(integrity.findings(road.clock.now)) == []


def test_the_sender_takes_it_back_while_it_is_checked(road: Road) -> None:
    message = in_checking(road)
    submit.withdraw(message, acting=road.acting(), now=road.clock.now)
    assert_given_back(road, message, "")


def test_after_acceptance_nobody_takes_it_back(road: Road) -> None:
    message = road.send()
    stale = Message.objects.get(pk=message.pk)
    stale.state = MessageState.CHECKING
    with pytest.raises(StaleState):
        submit.withdraw(stale, acting=road.acting(), now=road.clock.now)
    assert Message.objects.get(pk=message.pk).state == MessageState.ACCEPTED


def test_a_draft_taken_back_can_be_signed_and_sent_again(road: Road) -> None:
    message = in_checking(road)
    submit.withdraw(message, acting=road.acting(), now=road.clock.now)
    road.sign(Draft.objects.get(pk=message.draft_id))
    road.turn()
    states = list(Message.objects.order_by("pk").values_list("state", flat=True))
    assert states == [MessageState.RETURNED, MessageState.ACCEPTED]


def test_somebody_of_another_account_does_not_take_it_back(road: Road) -> None:
    message = in_checking(road)
    other = make_account("baska.biri@hs01.kep.tr", holder=make_person("Başka", "Biri"))
    with pytest.raises(MayNotSend):
        submit.withdraw(message, acting=road.acting(other.holder.person, other), now=road.clock.now)
    assert Message.objects.get(pk=message.pk).state == MessageState.CHECKING


def test_an_account_closed_before_acceptance_gives_it_back(road: Road) -> None:
    message = in_checking(road)
    KepAccount.objects.filter(pk=road.ayses.pk).update(state=KepAccount.State.CLOSED, closed_at=road.clock.now)
    road.turn()
    assert_given_back(road, message, "HSP-01")


def test_a_right_that_ended_before_acceptance_gives_it_back(road: Road) -> None:
    company = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
    right = make_operator(company, road.ayse)
    acting = road.acting(road.ayse, company)
    draft = compose.new_draft(acting, now=road.clock.now)
    compose.save_draft(draft, to=[road.mehmets.address], cc=[], subject="Konu", text="Metin", now=road.clock.now)
    operation = road.sign(draft)
    message = submit.submit(SigningOperation.objects.get(pk=operation.pk), now=road.clock.now)
    assert message is not None
    right.ends_at = road.clock.now - timedelta(seconds=1)
    right.save()
    road.turn()
    assert_given_back(road, message, "HSP-01")
