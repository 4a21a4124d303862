"""The demo time-stamp authority, judged by openssl and by our own reader (A-006, measured byte rules)."""

import hashlib
import http.client
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.pki_server import TSA_QUERY, TSA_REPLY, Counter
from demo.pki_store import config
from evidence import der, timestamp
from evidence.refusals import TimestampRefused
from evidence.trust import Role, TrustAnchors, Verdict, check_path

NOW = datetime.now(UTC)
DIGEST = hashlib.sha256(b"delil").digest()
SHA = {"sha1": "1.3.14.3.2.26", "sha224": "2.16.840.1.101.3.4.2.4", "sha256": "2.16.840.1.101.3.4.2.1",
       "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3"}  # fmt: skip
PATHS = ("/tsa", "/tsa-rsa")


@pytest.fixture(scope="module")
def counter(made_pki: Path) -> Counter:
    return Counter(made_pki, clock=lambda: NOW)


def ask(counter: Counter, request: bytes, path: str = "/tsa") -> bytes:
    answer = counter.serve("POST", path, TSA_QUERY, request)
    assert (answer.status, answer.content_type) == (200, TSA_REPLY)
    return answer.body


def query(name: str = "sha256", *, digest: bytes | None = None, version: int = 1, more: bytes = b"") -> bytes:
    imprint = hashlib.new(name, b"delil").digest() if digest is None else digest
    return der.seq(der.integer(version), der.seq(der.seq(der.oid(SHA[name]), der.null()), der.octets(imprint)), more)


def failure_bits(reply: bytes) -> set[int]:
    """PKIFailureInfo of a rejection, read by hand."""
    (info,) = der.read(reply).parts(der.SEQUENCE, 1)
    status, _, failure = info.parts(der.SEQUENCE, 3)
    assert status.as_integer() == 2
    unused, octets = failure.content[0], failure.content[1:]
    assert octets[-1] >> unused & 1, "a named bit list ends in the last bit that is set"
    return {8 * at + bit for at, octet in enumerate(octets) for bit in range(8) if octet & (0x80 >> bit)}


@pytest.mark.parametrize("path", PATHS)
def test_our_own_reader_takes_the_token_for_its_request_only(counter: Counter, made_pki: Path, path: str) -> None:
    anchors = TrustAnchors.from_pem(made_pki / "pki" / "root.pem")
    reply = ask(counter, timestamp.request(DIGEST, nonce=2**62 + 5), path)
    token = timestamp.read_reply(reply, DIGEST, 2**62 + 5, trust=anchors, policies={config()["timestamp"]["policy"]})
    facts = timestamp.check_token(token, DIGEST, trust=anchors)
    assert facts.generated_at == NOW.replace(microsecond=0)
    assert facts.accuracy == timedelta(seconds=1)
    assert (facts.policy, facts.nonce) == (config()["timestamp"]["policy"], 2**62 + 5)
    report = check_path(facts.tsa_certificate, facts.certificates, anchors, at=facts.generated_at, role=Role.TIMESTAMP)
    assert report.verdict is Verdict.VALID
    for digest, nonce in ((hashlib.sha256(b"x").digest(), 2**62 + 5), (DIGEST, 2**62 + 6), (DIGEST, None)):
        with pytest.raises(TimestampRefused):
            timestamp.read_reply(reply, digest, nonce)


@pytest.mark.parametrize("path", PATHS)
def test_the_stamper_of_the_product_works_over_it(counter: Counter, made_pki: Path, path: str) -> None:
    anchors = TrustAnchors.from_pem(made_pki / "pki" / "root.pem")

    def post(url: str, body: bytes, content_type: str) -> bytes:
        assert content_type == TSA_QUERY
        return ask(counter, body, url)

    stamper = timestamp.HttpStamper(path, post, anchors=anchors, clock=lambda: NOW)
    assert timestamp.check_token(stamper.stamp(DIGEST), DIGEST, trust=anchors).imprint == DIGEST


def test_only_time_imprint_nonce_and_serial_number_differ_between_two_tokens(counter: Counter) -> None:
    """So that a verifier can rebuild every byte."""

    def parts(nonce: int) -> tuple[int, bytes, bytes]:
        reply = ask(counter, timestamp.request(DIGEST, nonce=nonce), "/tsa-rsa")
        token = timestamp.read_reply(reply, DIGEST, nonce)
        serial = timestamp.check_token(token, DIGEST, trust=None).serial
        filled = token.replace(serial.to_bytes(16, "big"), bytes(16)).replace(der.integer(nonce), der.integer(2**62))
        body = der.read(token).children[1].children[0]
        signature = body.children[-1].children[0].children[5].as_octets()
        digest = hashlib.sha256(body.children[2].children[1].children[0].as_octets()).digest()
        return serial, filled.replace(signature, bytes(256)).replace(digest, bytes(32)), token

    first, second = parts(2**62 + 1), parts(2**62 + 2)
    assert first[1] == second[1]
    assert len(first[2]) == len(second[2])
    assert second[0] == first[0] + 1


def test_serial_numbers_keep_their_length_and_do_not_meet_after_a_restart(made_pki: Path) -> None:
    serials = []
    for _ in range(3):
        counter = Counter(made_pki, clock=lambda: NOW)
        for nonce in range(2):
            token = timestamp.read_reply(ask(counter, timestamp.request(DIGEST, nonce=nonce)), DIGEST, nonce)
            serials.append(timestamp.check_token(token, DIGEST, trust=None).serial)
    assert len(set(serials)) == 6
    assert all(1 <= serial >> 120 <= 0x7F for serial in serials)


@pytest.mark.parametrize(
    ("request_bytes", "bit"),
    [
        (query("sha1"), 0),
        (query("sha224"), 0),
        (query(digest=b"short"), 5),
        (query(digest=hashlib.sha512(b"").digest()), 5),
        (query(version=2), 2),
        (query(more=der.oid("2.999.1")), 15),
        (query(more=der.tlv(0xA0, b"")), 16),
        (query(more=der.boolean(True) + der.integer(1)), 16),
        (b"", 5),
        (b"rubbish", 5),
        (query() + b"\x00", 5),
        (der.seq(), 2),
        (b"\x30\x80\x00\x00", 5),
    ],
    ids=["sha1", "sha224", "short", "long", "version", "policy", "extension", "order", "empty", "rubbish", "trailing",
         "nothing", "indefinite"],
)  # fmt: skip
def test_what_cannot_be_stamped_is_declined_with_the_failure_rfc_3161_has_for_it(
    counter: Counter, request_bytes: bytes, bit: int
) -> None:
    assert failure_bits(ask(counter, request_bytes)) == {bit}


def test_a_known_policy_and_no_certificates_may_be_asked_for(counter: Counter) -> None:
    policy = der.oid(config()["timestamp"]["policy"])
    token = timestamp.read_reply(ask(counter, query(more=policy + der.boolean(True))), DIGEST, None)
    bare = ask(counter, query())
    assert len(bare) < len(token)
    with pytest.raises(TimestampRefused, match="certificate-missing"):
        timestamp.read_reply(bare, DIGEST, None)


def test_only_a_posted_query_is_stamped(counter: Counter) -> None:
    assert counter.serve("GET", "/tsa", TSA_QUERY, query()).status == 405
    assert counter.serve("POST", "/tsa", "text/plain", query()).status == 415


def openssl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("options", [[], ["-no_nonce"]], ids=["nonce", "no nonce"])
def test_openssl_verifies_the_answer_and_the_bare_token(
    counter: Counter, made_pki: Path, tmp_path: Path, path: str, name: str, options: list[str]
) -> None:
    root, ca = (str(made_pki / "pki" / one) for one in ("root.pem", "tsa-ca.pem"))
    (tmp_path / "data").write_bytes(b"delil")
    assert (
        openssl(tmp_path, "ts", "-query", "-data", "data", f"-{name}", "-cert", *options, "-out", "q").returncode == 0
    )
    (tmp_path / "r").write_bytes(ask(counter, (tmp_path / "q").read_bytes(), path))
    done = openssl(tmp_path, "ts", "-verify", "-queryfile", "q", "-in", "r", "-CAfile", root)
    assert (done.returncode, done.stdout.strip()) == (0, "Verification: OK"), done.stderr
    assert openssl(tmp_path, "ts", "-reply", "-in", "r", "-token_out", "-out", "t").returncode == 0
    done = openssl(tmp_path, "ts", "-verify", "-data", "data", "-in", "t", "-token_in", "-CAfile", root)
    assert done.returncode == 0, done.stderr
    # the control: other data, and a root that did not issue
    (tmp_path / "data").write_bytes(b"Delil")
    assert openssl(tmp_path, "ts", "-verify", "-data", "data", "-in", "t", "-token_in", "-CAfile", root).returncode != 0
    assert openssl(tmp_path, "ts", "-verify", "-queryfile", "q", "-in", "r", "-CAfile", ca).returncode != 0


@pytest.mark.needs("openssl")
def test_openssl_verifies_a_token_without_certificates_when_they_are_given(
    counter: Counter, made_pki: Path, tmp_path: Path
) -> None:
    folder = made_pki / "pki"
    (tmp_path / "data").write_bytes(b"delil")
    (tmp_path / "chain").write_bytes((folder / "tsa.pem").read_bytes() + (folder / "tsa-ca.pem").read_bytes())
    openssl(tmp_path, "ts", "-query", "-data", "data", "-sha256", "-out", "q")
    (tmp_path / "r").write_bytes(ask(counter, (tmp_path / "q").read_bytes()))
    verify = ["ts", "-verify", "-queryfile", "q", "-in", "r", "-CAfile", str(folder / "root.pem")]
    assert openssl(tmp_path, *verify, "-untrusted", "chain").returncode == 0
    assert openssl(tmp_path, *verify).returncode != 0


@pytest.mark.needs("openssl")
def test_openssl_reads_bad_alg_for_sha1(counter: Counter, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"delil")
    openssl(tmp_path, "ts", "-query", "-data", "data", "-sha1", "-cert", "-out", "q")
    (tmp_path / "r").write_bytes(ask(counter, (tmp_path / "q").read_bytes()))
    text = openssl(tmp_path, "ts", "-reply", "-in", "r", "-text").stdout
    assert "Status: Rejected." in text
    assert "unrecognized or unsupported algorithm identifier" in text


@pytest.mark.loopback
def test_the_clock_is_the_machines_when_none_is_given(demo_pki) -> None:  # type: ignore[no-untyped-def]
    connection = http.client.HTTPConnection("127.0.0.1", demo_pki.port, timeout=10)
    connection.request("POST", "/tsa", timestamp.request(DIGEST, nonce=7), {"Content-Type": TSA_QUERY})
    before = datetime.now(UTC)
    token = timestamp.read_reply(connection.getresponse().read(), DIGEST, 7)
    assert abs(timestamp.check_token(token, DIGEST, trust=None).generated_at - before) < timedelta(seconds=30)
    connection.close()
