"""The proof bundle a person takes out of the box is valid for a stranger who has the root and nothing else of ours."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from evidence import issue, outside, vault, xades
from evidence.anchors import TrustAnchors, Verdict
from evidence.bundle import open_bundle
from evidence.models import Event, SealedEvidence
from evidence.verify import check_file
from mailbox import compose, reading, takeout
from mailbox.models import BoxItem, Envelope, Message
from mailbox.tests.road import Road

pytestmark = pytest.mark.loopback
ROOT = Path(__file__).parents[2]


@pytest.fixture
def message(road: Road) -> Message:
    files = (compose.FileGiven("ĞÜŞİÖÇ ığüşöç.pdf", b"%PDF-1.7"), compose.FileGiven("boş.txt", b""))
    sent = road.send(files=files, cc="ayse.yildiz@hs01.kep.tr")
    reading.open_message(road.arrived(sent), reader=road.reader(), now=road.clock.now)
    road.turn()
    return sent


def taken_out(road: Road, item: BoxItem) -> bytes:
    request = takeout.ask_bundle(item, asked_by="test", now=road.clock.now)
    road.turn()
    request.refresh_from_db()
    file = takeout.finished_bundle(item, request)
    assert file is not None
    assert file.name.endswith(".kepdelil")
    return file.raw


def sent_item(message: Message) -> BoxItem:
    return BoxItem.objects.select_related("message", "recipient").get(message=message, folder=BoxItem.Folder.SENT)


def said(raw: bytes, road: Road, provider: Any) -> str:
    anchors = TrustAnchors.from_pem(provider.folder / "root.pem")
    report = check_file(raw, anchors=anchors, now=road.clock.now)
    return "\n".join(f"{row.where}: {row.name}: {row.detail_tr}" for row in report.failing)


def test_the_senders_bundle_is_valid_and_holds_every_proof(road: Road, message: Message, provider: Any) -> None:
    raw = taken_out(road, sent_item(message))
    assert said(raw, road, provider) == ""
    codes = sorted((proof.code, proof.recipient_no) for proof in open_bundle(raw).proofs)
    assert codes == [(10, 0), (40, 1), (40, 2), (60, 1)]
    members = open_bundle(raw).members
    assert members["zincir/kisi.ocsp"] or members["zincir/kisi.crl"]


def test_a_recipients_bundle_is_valid_and_holds_nobody_elses_proofs(
    road: Road, message: Message, provider: Any
) -> None:
    raw = taken_out(road, road.arrived(message))
    assert said(raw, road, provider) == ""
    assert sorted((proof.code, proof.recipient_no) for proof in open_bundle(raw).proofs) == [(10, 0), (40, 1), (60, 1)]


def test_a_bundle_made_twice_is_told_once(road: Road, message: Message) -> None:
    """A worker whose claim ran out finishes behind another: the first file stays, and the log has one line."""
    item = sent_item(message)
    request = takeout.ask_bundle(item, asked_by="test", now=road.clock.now)
    for _ in range(2):
        takeout.make_bundle(
            request, signer=issue.open_signer(), stamper=outside.stamper(), now=road.clock.move(seconds=1)
        )
    assert Event.objects.filter(kind="bundle.sealed").count() == 1


def test_a_proof_dated_a_day_after_its_stamp_is_found(road: Road, provider: Any) -> None:
    # Only our clock moves in this test, the authority's does not: exactly what a provider that lies about time does.
    sent = road.send()
    road.clock.move(hours=24)
    road.turn()
    raw = taken_out(road, sent_item(sent))
    assert [proof.code for proof in open_bundle(raw).proofs] == [10, 40, 61]
    (row,) = said(raw, road, provider).splitlines()
    assert row.startswith("deliller/03-61-1.xml: Delil 61 (1. alıcı): zaman damgası")


def test_each_file_by_itself_is_valid_too(road: Road, message: Message, provider: Any) -> None:
    envelope = vault.get(bytes(Envelope.objects.get(message=message).digest))
    original = vault.get(bytes(message.original_digest))
    for raw in (envelope, original, *(bytes(proof.xml) for proof in SealedEvidence.objects.all())):
        assert said(raw, road, provider) == ""


def test_the_command_says_so_to_a_stranger(road: Road, message: Message, provider: Any, tmp_path: Path) -> None:
    (tmp_path / "paket.kepdelil").write_bytes(taken_out(road, sent_item(message)))
    done = subprocess.run(
        [ROOT / "script" / "verify", "paket.kepdelil", "--roots", provider.folder / "root.pem"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("Sonuç: Geçerli")


def test_a_proof_of_one_message_does_not_pass_in_the_bundle_of_another(
    road: Road, message: Message, provider: Any
) -> None:
    other = road.send(subject="Başka bir ileti")
    raw = bytearray(taken_out(road, sent_item(message)))
    strange = next(
        bytes(proof.xml)
        for proof in SealedEvidence.objects.all()
        if xades.take_apart(bytes(proof.xml)).facts.kep_id.strip("<>") == other.kep_id
    )
    own = open_bundle(bytes(raw)).proofs[0].xml
    at = raw.index(own)
    raw[at : at + len(own)] = strange
    anchors = TrustAnchors.from_pem(provider.folder / "root.pem")
    assert check_file(bytes(raw), anchors=anchors, now=road.clock.now).verdict is Verdict.INVALID
