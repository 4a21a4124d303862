"""No page calls a signature valid that nobody found in force (K-102, V-061, design.md 6)."""

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.cast import sign_in
from evidence import outside, vault
from evidence.anchors import Verdict
from evidence.tests.pki import pki
from mailbox import verdicts
from mailbox.models import BoxItem, Message
from mailbox.original import read_original
from mailbox.state_names import MessageState
from mailbox.tests.road import EImza, Road
from mailbox.tests.test_refused_signatures import sign_past_the_door
from mailbox.validation import kept_material
from mailbox.verdicts import SignatureVerdict

pytestmark = [pytest.mark.loopback, pytest.mark.database]


def judged(road: Road, message: Message) -> SignatureVerdict:
    original = read_original(vault.get(bytes(message.original_digest)))
    return verdicts.persons_signature(message, original, now=road.clock.now)


def refused(road: Road, imza: EImza) -> Message:
    message = sign_past_the_door(road, road.draft(), imza)
    message.refresh_from_db()
    assert message.state == MessageState.REJECTED
    return message


def test_a_signature_refused_as_revoked_is_shown_as_invalid(road: Road, client: Client) -> None:
    message = refused(road, road.e_imza(road.ayse, revoked=True))
    verdict = judged(road, message)
    assert verdict.verdict is Verdict.INVALID
    assert verdict.reasons
    sign_in(client, road.ayse)
    item = BoxItem.objects.get(message=message)
    response = client.get(reverse("mailbox:message", args=[item.public_id]))
    assert [each.verdict for each in response.context["letter"].checks] == ["invalid"]


def test_another_persons_signature_is_never_shown_as_valid(road: Road) -> None:
    verdict = judged(road, refused(road, road.e_imza(road.mehmet)))
    assert verdict.verdict is not Verdict.VALID
    assert verdict.reasons


def test_revocation_material_of_another_certificate_acquits_nobody(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    message = road.send()
    assert judged(road, message).verdict is Verdict.VALID
    kept = kept_material(message)
    assert kept is not None
    foreign = replace(kept, path=(road.e_imza(road.mehmet).certificate, *kept.path[1:]))
    monkeypatch.setattr(verdicts, "kept_material", lambda _: foreign)
    assert judged(road, message).verdict is Verdict.INDETERMINATE


def test_a_signature_without_kept_revocation_material_is_not_called_valid(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = road.send()
    monkeypatch.setattr(verdicts, "kept_material", lambda _: None)
    assert judged(road, message).verdict is Verdict.INDETERMINATE


def test_a_time_stamp_of_an_authority_nobody_knows_proves_no_signature(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = pki("theirs").stamper(at=road.clock.now)
    with monkeypatch.context() as patched:
        patched.setattr(outside, "stamper", lambda: stranger)
        message = road.send()
    message.refresh_from_db()
    assert message.released_at is not None
    assert judged(road, message).verdict is Verdict.INDETERMINATE
    envelope = verdicts.providers_signature(message)
    assert envelope is not None
    assert envelope.verdict is Verdict.INDETERMINATE
