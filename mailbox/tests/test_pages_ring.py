"""Pages that make work for the sealing worker ring for it, so that nobody waits for the next look (design.md 1.6)."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.cast import sign_in
from mailbox.tests.road import Road

pytestmark = pytest.mark.loopback

rung: list[str] = []


def ring() -> None:
    """In the bell's place."""
    rung.append("seal")


@pytest.fixture(autouse=True)
def bell(settings: Any) -> None:
    """The seal bell of this test."""
    settings.KEP_SEAL_BELL = f"{__name__}.ring"
    rung.clear()


@pytest.fixture
def mehmet(road: Road) -> Client:
    client = Client()
    sign_in(client, road.mehmet)
    return client


def test_opening_a_message_rings_for_proof_60(road: Road, mehmet: Client) -> None:
    item = road.arrived(road.send())
    rung.clear()
    mehmet.get(reverse("mailbox:message", args=[item.public_id]))
    assert rung == []
    mehmet.post(reverse("mailbox:open", args=[item.public_id]))
    assert rung == ["seal"]


def test_asking_for_a_bundle_rings_for_its_seal(road: Road, mehmet: Client) -> None:
    item = road.arrived(road.send())
    rung.clear()
    mehmet.post(reverse("mailbox:open", args=[item.public_id]))
    rung.clear()
    mehmet.post(reverse("mailbox:download_bundle", args=[item.public_id]))
    assert rung == ["seal"]


def test_a_stranger_who_may_not_open_rings_nothing(road: Road) -> None:
    item = road.arrived(road.send())
    rung.clear()
    client = Client()
    sign_in(client, road.ayse)
    client.post(reverse("mailbox:open", args=[item.public_id]))
    assert rung == []
