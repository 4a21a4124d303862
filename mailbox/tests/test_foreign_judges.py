"""openssl, xmlsec1 and the ETSI schema accept what the running road made, with the root alone (A-005, K-113).

The unit tests of `evidence` show the judges every form we emit; here they see the very bytes a person takes out
of the box: proofs, KEP message, the original inside it, and each time-stamp.
"""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from evidence import issue, vault, xades
from evidence.envelope import read_dispatch
from evidence.tests.judges import SCHEMAS, schema
from guards.mime import cut_signed
from mailbox import reading
from mailbox.models import Envelope, Message
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.needs("openssl", "xmlsec1")]


@pytest.fixture
def message(road: Road) -> Message:
    sent = road.send()
    reading.open_message(road.arrived(sent), reader=road.reader(), now=road.clock.now)
    road.turn()
    return sent


@pytest.fixture
def second_message_deemed_read(road: Road) -> Message:
    sent = road.send()
    road.clock.move(hours=24)
    road.turn()
    return sent


def proofs(message: Message) -> list[tuple[int, bytes]]:
    sealed = issue.sealed_proofs([message.kep_id])[message.kep_id]
    return [(each.intent.code, bytes(each.xml)) for each in sealed]


def says(*line: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(each) for each in line], capture_output=True, text=True, timeout=30)


def root(provider: Any) -> Path:
    return provider.folder / "root.pem"


@pytest.mark.skipif(not SCHEMAS.exists(), reason="only on a checkout with ../shared beside it: the ETSI schemas")
def test_every_proof_is_valid_against_the_etsi_schema(message: Message, second_message_deemed_read: Message) -> None:
    made = proofs(message) + proofs(second_message_deemed_read)
    assert [code for code, _ in made] == [10, 40, 60, 10, 40, 61]
    for _code, xml in made:
        schema().assertValid(etree.fromstring(xml))


def test_xmlsec1_accepts_every_proof_and_refuses_another_root(
    message: Message, second_message_deemed_read: Message, provider: Any, tmp_path: Path
) -> None:
    for code, xml in proofs(message) + proofs(second_message_deemed_read):
        path = tmp_path / f"{code}.xml"
        path.write_bytes(xml)
        line = ["xmlsec1", "--verify", "--enabled-key-data", "x509", "--id-attr:Id", "SignedProperties"]
        verdict = says(*line, "--trusted-pem", root(provider), path)
        assert verdict.returncode == 0, verdict.stderr
        stranger = says(*line, "--trusted-pem", provider.folder / "tsa-ca.pem", path)
        assert stranger.returncode != 0


def test_openssl_accepts_the_envelope_and_the_original_inside_it(
    message: Message, provider: Any, tmp_path: Path
) -> None:
    raw = vault.get(bytes(Envelope.objects.get(message=message).digest))
    dispatch = read_dispatch(raw)
    assert dispatch.original == vault.get(bytes(message.original_digest))
    original = cut_signed(dispatch.original)
    for name, part, signature in (
        ("envelope", dispatch.signed_part, dispatch.signature_der),
        ("original", original.signed_part, original.signature_der),
    ):
        content, p7s = tmp_path / name, tmp_path / f"{name}.p7s"
        content.write_bytes(part)
        p7s.write_bytes(signature)
        line = [
            "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", p7s, "-content", content,
            "-CAfile", root(provider), "-no-CApath", "-no-CAstore", "-out", tmp_path / "out",
        ]  # fmt: skip
        verdict = says(*line)
        assert verdict.returncode == 0, verdict.stderr
        content.write_bytes(part + b" ")
        assert says(*line).returncode != 0


def test_openssl_reads_the_whole_envelope_as_a_mail(message: Message, provider: Any, tmp_path: Path) -> None:
    path = tmp_path / "ileti.eml"
    path.write_bytes(vault.get(bytes(Envelope.objects.get(message=message).digest)))
    verdict = says(
        "openssl", "cms", "-verify", "-cades", "-inform", "SMIME", "-in", path,
        "-CAfile", root(provider), "-no-CApath", "-no-CAstore", "-out", tmp_path / "out",
    )  # fmt: skip
    assert verdict.returncode == 0, verdict.stderr


def test_openssl_accepts_every_time_stamp(
    message: Message, second_message_deemed_read: Message, provider: Any, tmp_path: Path
) -> None:
    stamps = [(parts.token, parts.signature_value_element) for parts in map(xades.take_apart, (
        xml for _, xml in proofs(message) + proofs(second_message_deemed_read)))]  # fmt: skip
    assert len(stamps) == 6
    for number, (token, octets) in enumerate(stamps):
        stamp, content = tmp_path / f"{number}.tst", tmp_path / f"{number}.bin"
        stamp.write_bytes(token)
        content.write_bytes(octets)
        line = ["openssl", "ts", "-verify", "-token_in", "-in", stamp, "-data", content, "-CAfile", root(provider)]
        line += ["-untrusted", provider.folder / "tsa-ca.pem"]
        verdict = says(*line)
        assert verdict.returncode == 0, verdict.stderr
        content.write_bytes(octets.replace(b">", b"> ", 1))
        assert says(*line).returncode != 0
