"""The outside is away: a hold with a notice that ends by itself, never "accept without" (V-096, R-005, A-007)."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.cast import sign_in
from conftest import answers_on, free_port, started
from evidence import issue, outside, vault
from evidence.errors import VaultUnavailable
from evidence.models import EvidenceIntent
from mailbox import compose, integrity, verdicts
from mailbox.compose import FileGiven
from mailbox.models import BoxItem, Draft, Message, ValidationMaterial
from mailbox.original import read_original
from mailbox.state_names import MessageState
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]


@pytest.fixture
def second_pki(road: Road) -> Iterator[str]:
    """Another server of the same demo PKI: its own origin, so that one service can be away and the other not."""
    port = free_port()
    command = [sys.executable, "-m", "demo.pki_server", "--data", str(road.pki_directory), "--port", str(port)]
    with started(command, lambda: answers_on(port)):
        yield f"http://127.0.0.1:{port}"


def submitted(road: Road, **draft: Any) -> Message:
    """A message in CHECKING after a first turn that could not finish."""
    operation = road.sign(road.draft(**draft))
    road.turn()
    return Message.objects.get(operation=operation.pk)


def again(road: Road, **by: float) -> None:
    """Later: what is kept for the life of a process is forgotten with the settings."""
    outside.close()
    road.clock.move(**by)
    road.turn()


def assert_held(message: Message, code: str) -> None:
    message.refresh_from_db()
    assert message.state == MessageState.CHECKING
    assert message.hold_reason == code
    assert message.held_since is not None
    assert not EvidenceIntent.objects.exists()
    assert not BoxItem.objects.filter(folder="inbox").exists()


def codes(message: Message) -> list[int]:
    return [each.intent.code for each in issue.sealed_proofs([message.kep_id])[message.kep_id]]


def test_without_a_time_stamp_it_waits_and_goes_on_by_itself(road: Road, settings: Any) -> None:
    working = settings.KEP_TSA_URL
    dead = f"http://127.0.0.1:{free_port()}"
    settings.KEP_TSA_URL, settings.KEP_OUTBOUND_ALLOW = f"{dead}/tsa", [*settings.KEP_OUTBOUND_ALLOW, dead]
    outside.close()
    message = submitted(road)
    assert_held(message, "ZMD-01")
    settings.KEP_TSA_URL = working
    again(road, minutes=2)
    assert codes(message) == [10, 40]
    assert list(integrity.findings(road.clock.now)) == []


def test_the_seal_waits_for_the_time_stamp_and_nothing_travels(road: Road, settings: Any) -> None:
    road.sign(road.draft())
    road.turn("deliver")
    message = Message.objects.get()
    working = settings.KEP_TSA_URL
    dead = f"http://127.0.0.1:{free_port()}"
    settings.KEP_TSA_URL, settings.KEP_OUTBOUND_ALLOW = f"{dead}/tsa", [*settings.KEP_OUTBOUND_ALLOW, dead]
    again(road, seconds=1)
    assert message.state == MessageState.ACCEPTED
    assert codes(message) == []
    assert not BoxItem.objects.filter(folder="inbox").exists()
    settings.KEP_TSA_URL = working
    again(road, minutes=2)
    assert codes(message) == [10, 40]


def test_with_neither_ocsp_nor_crl_it_waits_and_the_pages_say_so(
    road: Road, settings: Any, second_pki: str, client: Client
) -> None:
    first = settings.KEP_OUTBOUND_ALLOW
    settings.KEP_TSA_URL, settings.KEP_OUTBOUND_ALLOW = f"{second_pki}/tsa", [second_pki]
    outside.close()
    message = submitted(road)
    assert_held(message, "IMZ-30")
    sign_in(client, road.ayse)
    item = BoxItem.objects.get(message=message)
    page = client.get(reverse("mailbox:message", args=[item.public_id])).content.decode()
    assert "iptal durumu şu anda öğrenilemiyor" in page
    signing = client.get(reverse("mailbox:sign", args=[message.draft.public_id])).content.decode()
    assert "iptal durumu şu anda öğrenilemiyor" in signing
    settings.KEP_OUTBOUND_ALLOW = [second_pki, *first]
    again(road, minutes=2)
    assert codes(message) == [10, 40]


def test_after_a_day_on_hold_the_draft_is_back_and_the_sender_hears_of_it(road: Road, settings: Any) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    settings.KEP_TSA_URL, settings.KEP_OUTBOUND_ALLOW = f"{dead}/tsa", [*settings.KEP_OUTBOUND_ALLOW, dead]
    outside.close()
    message = submitted(road)
    again(road, hours=23, minutes=59)
    assert_held(message, "ZMD-01")
    again(road, minutes=2)
    message.refresh_from_db()
    assert message.state == MessageState.RETURNED
    draft = Draft.objects.get(pk=message.draft_id)
    assert draft.submitted_at is None
    assert draft.returned_code == "ILT-07"
    assert not EvidenceIntent.objects.exists()
    texts = settings.KEP_SMS_FILE.read_text()
    assert "taslaga dondu" in texts
    assert message.subject not in texts


def test_with_a_crl_alone_it_goes_on_and_says_that_the_next_list_is_awaited(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CRL alone = accepted, PREMATURE until matured (design.md 6, S-014)."""
    honest = outside._post

    def no_ocsp(url: str, body: bytes, content_type: str) -> bytes:
        if "ocsp" in content_type:
            raise ConnectionRefusedError
        return honest(url, body, content_type)

    monkeypatch.setattr(outside, "_post", no_ocsp)
    outside.close()
    operation = road.sign(road.draft())
    road.turn()
    message = Message.objects.get(operation=operation.pk)
    assert message.state == MessageState.ACCEPTED
    assert ValidationMaterial.objects.get(message=message).maturity == "PREMATURE"
    original = read_original(vault.get(bytes(message.original_digest)))
    shown = verdicts.persons_signature(message, original, now=road.clock.now)
    assert shown.revocation_state == "PREMATURE"


def fill(ballast: Path) -> None:
    """Write until the file system takes no more."""
    with suppress(OSError), ballast.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(1024))


def test_a_full_disk_refuses_before_anything_is_stored_and_recovers(road: Road, settings: Any, tmp_path: Path) -> None:
    """R-005 on a real file system of 256 kB."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small], capture_output=True)
    if mounted.returncode:
        pytest.skip("only on a machine where a small file system may be mounted (root)")
    try:
        settings.KEP_VAULT_DIR = small / "vault"
        settings.KEP_VAULT_DIR.mkdir()
        draft = road.draft()
        with pytest.raises(VaultUnavailable) as refused:
            compose.attach(draft, [FileGiven("büyük.bin", bytes(400_000))], now=road.clock.now)
        assert refused.value.temporary
        assert draft.attachments.count() == 0
        assert not [each for each in settings.KEP_VAULT_DIR.rglob("*") if each.is_file()]

        operation = road.sign(draft)
        ballast = small / "ballast"
        fill(ballast)
        road.turn()
        message = Message.objects.get(operation=operation.pk)
        assert_held(message, "DEP-02")
        ballast.unlink()
        again(road, minutes=2)
        assert codes(message) == [10, 40]
    finally:
        subprocess.run(["umount", small], check=True)


def test_bells_that_nobody_hears_delay_and_lose_nothing(road: Road, settings: Any) -> None:
    settings.KEP_SIGNED_BELL = settings.KEP_SEAL_BELL = "mailbox.tests.test_holds.silent"
    message = road.send()
    assert codes(message) == [10, 40]


def silent() -> None:
    """A bell without a clapper."""


def test_one_silence_is_waited_for_once_and_every_message_says_so(road: Road, settings: Any) -> None:
    """A silent service costs one wait per turn, not one per message; deliveries go on in between."""
    dead = f"http://127.0.0.1:{free_port()}"
    working = settings.KEP_TSA_URL
    settings.KEP_TSA_URL, settings.KEP_OUTBOUND_ALLOW = f"{dead}/tsa", [*settings.KEP_OUTBOUND_ALLOW, dead]
    outside.close()
    for number in range(3):
        road.sign(road.draft(subject=f"Konu {number}"))
    road.turn("deliver")
    assert list(Message.objects.values_list("tries", "hold_reason", "claimed_until")) == [(1, "ZMD-01", None)] * 3
    settings.KEP_TSA_URL = working
    again(road, minutes=2)
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.ACCEPTED}
