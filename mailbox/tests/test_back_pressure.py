"""Too much work closes the door for new work only, at once and with a word on when to come back (R-018)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.cast import sign_in
from evidence.models import SealWork
from mailbox import backlog, compose, tasks
from mailbox.errors import QueueFull
from mailbox.models import BoxItem, Message
from mailbox.tests.road import Road
from signing import operations
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database]


def ask(road: Road) -> Any:
    return compose.ask_signature(road.draft(), acting=road.acting(), visit=road.visit(), now=road.clock.now)


def test_a_late_queue_refuses_new_signatures_and_takes_those_that_were_begun(road: Road) -> None:
    begun = ask(road)
    token = operations.claim(begun.code, client="127.0.0.1", now=road.clock.now).token
    code_in_hand = ask(road).code
    road.sign(road.draft())
    road.clock.move(minutes=5, seconds=1)
    with pytest.raises(QueueFull) as refused:
        ask(road)
    assert (refused.value.status, refused.value.temporary, refused.value.retry_after) == (503, True, 60)
    with pytest.raises(QueueFull):
        operations.claim(code_in_hand, client="127.0.0.1", now=road.clock.now)
    offered = operations.offer_certificate(token, road.ayses_imza.certificate, [], now=road.clock.now)
    assert offered.state == SigningOperation.State.OFFERED
    while tasks.submit_signed(road.clock.now):
        pass
    assert backlog.measure().age(road.clock.now) == timedelta(0)
    assert operations.claim(code_in_hand, client="127.0.0.1", now=road.clock.now).token, "the code was not spent"


def test_a_long_queue_refuses_new_signatures(road: Road, settings: Any) -> None:
    settings.KEP_QUEUE_MOST_WORK = 2
    for _ in range(2):
        road.sign(road.draft())
    draft = road.draft()
    road.sign(draft)
    assert backlog.measure().pieces == 3
    with pytest.raises(QueueFull):
        ask(road)
    tasks.submit_signed(road.clock.now)
    Message.objects.filter(pk=Message.objects.order_by("pk")[0].pk).update(due_at=None)
    assert ask(road).code


def test_work_on_hold_and_parked_work_are_not_late(road: Road) -> None:
    road.sign(road.draft())
    tasks.submit_signed(road.clock.now)
    Message.objects.update(due_at=road.clock.now + timedelta(hours=2), hold_reason="ZMD-01")
    SigningOperation.objects.update(parked_at=road.clock.now, due_at=None)
    road.clock.move(hours=1)
    assert backlog.measure().age(road.clock.now) == timedelta(0)
    assert ask(road).code


def test_an_accepted_message_is_not_late_before_its_proof_is_sealed(road: Road) -> None:
    road.sign(road.draft())
    road.turn("deliver")
    SealWork.objects.update(due_at=road.clock.now + timedelta(hours=2))
    road.clock.move(hours=1)
    waiting = backlog.measure().kinds["release"]
    assert (waiting.pieces, waiting.age(road.clock.now)) == (1, timedelta(0))


@pytest.mark.usefixtures("full")
def test_the_page_says_so_and_keeps_the_draft_and_reading_goes_on(road: Road, client: Client) -> None:
    sign_in(client, road.ayse)
    draft = road.draft()
    form = {"to": "mehmet.kaya@hs01.kep.tr", "subject": "Konu", "text": "Yeni metin", "action": "sign"}
    page = client.post(reverse("mailbox:compose", args=[draft.public_id]), form)
    assert page.status_code == 503
    assert "çok sayıda ileti var" in page.content.decode()
    draft.refresh_from_db()
    assert (draft.text, draft.submitted_at) == ("Yeni metin", None)
    item = BoxItem.objects.filter(account=road.ayses).first()
    assert item is not None
    assert client.get(reverse("mailbox:message", args=[item.public_id])).status_code == 200


@pytest.mark.usefixtures("full")
def test_the_signer_hears_503_and_when_to_come_back(road: Road, client: Client) -> None:
    answer = client.post(
        reverse("signing:claim"), {"code": "A" * 13, "signer": "test"}, content_type="application/json"
    )
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()["code"]) == (503, "60", "ILT-13")


@pytest.fixture
def full(road: Road, settings: Any) -> None:
    """A provider whose workers have not taken a message for an hour."""
    road.sign(road.draft())
    tasks.submit_signed(road.clock.now)
    Message.objects.update(due_at=road.clock.now - timedelta(hours=1))


def test_a_process_goes_by_what_it_saw_for_a_moment(road: Road, settings: Any, django_assert_num_queries: Any) -> None:
    backlog.recent_backlog()
    settings.KEP_QUEUE_LOOK_SECONDS = 60.0
    backlog.refuse_when_full(now=road.clock.now)
    with django_assert_num_queries(0):
        backlog.refuse_when_full(now=road.clock.now)
