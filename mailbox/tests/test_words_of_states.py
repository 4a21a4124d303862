"""The sender's list says no more than what is proven (design.md 1.4, K-117)."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.cast import sign_in
from evidence import issue
from guards.refusal_texts import text_of_code
from mailbox import submit
from mailbox.models import BoxItem, Message
from mailbox.tasks import submit_signed
from mailbox.tests.road import Road
from mailbox.views.shown import AWAITED, EXISTS, trail_of_all

pytestmark = [pytest.mark.loopback, pytest.mark.database]


def test_nothing_is_called_accepted_before_proof_10_is_sealed(road: Road, client: Client) -> None:
    road.sign(road.draft())
    road.turn("deliver")
    message = Message.objects.get()
    assert message.state == "ACCEPTED"
    assert not issue.sealed_proofs([message.kep_id])[message.kep_id]
    sign_in(client, road.ayse)
    page = client.get(reverse("mailbox:sent")).content.decode()
    assert "Kabul · yolda" not in page
    trail = trail_of_all(message, list(message.recipients.all()))
    assert (trail.points, trail.word) == ((AWAITED, AWAITED, AWAITED), "Alındı")
    road.turn("seal")
    message.refresh_from_db()
    trail = trail_of_all(message, list(message.recipients.all()))
    assert (trail.points, trail.word) == ((EXISTS, AWAITED, AWAITED), "Kabul · yolda")


@pytest.mark.parametrize("code", ["", "ILT-07"])
def test_what_came_back_to_the_draft_is_not_said_to_be_on_its_way(road: Road, client: Client, code: str) -> None:
    """Its page is still reached by the button of going back: it must not promise a proof that never comes."""
    road.sign(road.draft())
    submit_signed(road.clock.now)
    message = Message.objects.get()
    if code:
        submit.turn_back(message, code, now=road.clock.now)
    else:
        submit.withdraw(message, acting=road.acting(), now=road.clock.now)
    sign_in(client, road.ayse)
    shown = client.get(reverse("mailbox:message", args=[BoxItem.objects.get().public_id])).context["letter"]
    assert shown.glance.word == "Taslağa döndü"
    assert shown.standing == (text_of_code(code) if code else "Taslağa döndü")
    assert [step for timeline in shown.timelines for step in timeline.steps] == []
    assert "kabul delili hazırlanıyor" not in shown.standing
