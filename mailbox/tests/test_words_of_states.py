"""The sender's list says no more than what is proven (design.md 1.4, K-117)."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.cast import sign_in
from evidence import issue
from mailbox.models import Message
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
