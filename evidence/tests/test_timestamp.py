"""Time-stamps: asked for, judged by openssl, and each way to be wrong refused with its own reason (A-006, A-007)."""

import hashlib
import http.client
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as s
from cryptography.x509.oid import ExtendedKeyUsageOID

from evidence import cms, der, timestamp
from evidence.algorithms import DIGESTS
from evidence.refusals import TimestampRefused, TimestampUnavailable
from evidence.tests import judges
from evidence.tests.pki import KINDS, NOW, TIME_STAMPING, TSA_POLICY, Authority, Holder, pki
from evidence.timestamp import HttpStamper, check_token
from guards.errors import KepError

CONTENT = b"damgalanan baytlar"
DIGEST = hashlib.sha256(CONTENT).digest()
OURS = pki()


@dataclass
class Wire:
    """The round trip to an authority, which can be cut or bent."""

    authority: Authority
    answer: Callable[[bytes], bytes] | None = None
    asked: bytes = b""

    def __call__(self, url: str, body: bytes, content_type: str) -> bytes:
        assert (url, content_type) == ("http://zd.example/tsa", "application/timestamp-query")
        self.asked = body
        return self.answer(body) if self.answer else self.authority.answer(body)


def stamper(wire: Wire, **changes: Any) -> HttpStamper:
    settings: dict[str, Any] = {"policies": {TSA_POLICY}, "anchors": OURS.anchors, "clock": lambda: NOW}
    return HttpStamper("http://zd.example/tsa", wire, **(settings | changes))


def refusal(token: bytes, digest: bytes = DIGEST, **settings: Any) -> str:
    with pytest.raises(TimestampRefused) as refused:
        check_token(token, digest, **({"trust": None} | settings))
    return refused.value.reason


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_says_when_by_whom_and_over_what(kind: str) -> None:
    token = stamper(Wire(Authority(OURS.tsa(kind)))).stamp(DIGEST)
    facts = check_token(token, DIGEST, trust=OURS.anchors)
    assert (facts.generated_at, facts.policy, facts.imprint) == (NOW, TSA_POLICY, DIGEST)
    assert facts.tsa_certificate == OURS.tsa(kind).certificate
    assert facts.certificates == (OURS.tsa(kind).certificate, OURS.tsa_ca.raw)
    assert facts.accuracy == timedelta(seconds=1)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("kind", KINDS)
def test_openssl_accepts_the_answer_with_our_query_and_the_bare_token(kind: str, tmp_path: Path) -> None:
    wire = Wire(Authority(OURS.tsa(kind)))
    token = stamper(wire).stamp(DIGEST)
    judges.accepts(*judges.openssl_ts(tmp_path, token, CONTENT, OURS.root.raw, at=NOW))
    (tmp_path / "query.tsq").write_bytes(wire.asked)
    (tmp_path / "answer.tsr").write_bytes(der.seq(wire.authority.status, token))
    at = str(int(NOW.timestamp()))
    judges.accepts(
        "openssl", "ts", "-verify", "-queryfile", tmp_path / "query.tsq", "-in", tmp_path / "answer.tsr",
        "-CAfile", tmp_path / "root.pem", "-attime", at,
    )  # fmt: skip
    shown = judges.run("openssl", "ts", "-query", "-in", tmp_path / "query.tsq", "-text").stdout
    assert "Hash Algorithm: sha256" in shown
    assert "Certificate required: yes" in shown
    assert "Nonce: 0x" in shown


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_tokens_of_openssl_s_own_authority_are_read(digest: str, tmp_path: Path) -> None:
    """Another program's spelling of the algorithms: rsaEncryption, NULL parameters, no nonce."""
    token = made_by_openssl(tmp_path, OURS.tsa("rsa2048"), digest)
    facts = check_token(token, hashlib.new(digest, CONTENT).digest(), trust=OURS.anchors)
    assert (facts.digest_algorithm, facts.policy) == (digest, "1.2.3.4")
    assert timestamp.imprint_algorithm(token) == digest


def made_by_openssl(folder: Path, holder: Holder, digest: str) -> bytes:
    (folder / "tsa.pem").write_bytes(judges.pem(holder.certificate))
    (folder / "ca.pem").write_bytes(judges.pem(*holder.chain))
    (folder / "tsa.key").write_bytes(holder.key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
    (folder / "serial").write_text("01")
    (folder / "content").write_bytes(CONTENT)
    (folder / "tsa.cnf").write_text(
        f"[tsa]\ndefault_tsa=t\n[t]\nserial={folder}/serial\ncrypto_device=builtin\nsigner_cert={folder}/tsa.pem\n"
        f"certs={folder}/ca.pem\nsigner_key={folder}/tsa.key\nsigner_digest=sha256\ndefault_policy=1.2.3.4\n"
        "other_policies=1.2.3.5\ndigests=sha256,sha512\naccuracy=secs:1\nordering=no\ntsa_name=yes\n"
        "ess_cert_id_chain=no\ness_cert_id_alg=sha256\n"
    )
    judges.accepts("openssl", "ts", "-query", "-data", folder / "content", f"-{digest}", "-cert", "-no_nonce",
                   "-out", folder / "q")  # fmt: skip
    judges.accepts("openssl", "ts", "-reply", "-config", folder / "tsa.cnf", "-section", "t", "-queryfile",
                   folder / "q", "-token_out", "-out", folder / "t")  # fmt: skip
    return (folder / "t").read_bytes()


def test_a_token_over_another_digest_is_refused() -> None:
    token = Authority(OURS.tsa("p256")).token(DIGEST)
    assert refusal(token, hashlib.sha256(b"ba" + CONTENT).digest()) == "imprint"
    assert refusal(token, hashlib.sha512(CONTENT).digest()) == "imprint"
    assert refusal(token, b"") == "imprint"


def test_an_imprint_whose_length_is_not_its_algorithm_s_is_refused() -> None:
    sha512 = der.seq(der.oid(DIGESTS["sha512"][0]))
    assert refusal(Authority(OURS.tsa("p256")).token(DIGEST, sha512)) == "imprint"


RSA_ENCRYPTION = der.seq(der.oid("1.2.840.113549.1.1.1"), der.null())
RSA_SHA1 = der.seq(der.oid("1.2.840.113549.1.1.5"), der.null())
SHA1 = der.seq(der.oid("1.3.14.3.2.26"))
SHA256_NULL = der.seq(der.oid(DIGESTS["sha256"][0]), der.null())
UNSIGNED = cms.attribute("1.2.840.113549.1.9.16.2.14", der.null())


@pytest.mark.parametrize(
    ("kind", "fault", "reason"),
    [
        ("p256", {"leave_out": "content-type"}, "content-type-missing"),
        ("p256", {"leave_out": "message-digest"}, "message-digest-missing"),
        ("p256", {"leave_out": "signing-certificate"}, "signing-certificate-missing"),
        ("p256", {"content_digest": bytes(32)}, "message-digest"),
        ("p256", {"content_type": cms.DATA}, "content-type"),
        ("p256", {"bound": (OURS.tsa("rsa2048").certificate,)}, "signing-certificate"),
        ("p256", {"bound": (OURS.tsa("p256").certificate, OURS.root.raw)}, "signing-certificate"),
        ("p256", {"accuracy": der.seq(der.integer(2))}, "accuracy"),
        ("p256", {"accuracy": der.seq(der.integer(1), der.implicit(0, b"\x01"))}, "accuracy"),
        ("p256", {"accuracy": der.seq(der.integer(-1))}, "accuracy"),
        ("p256", {"at": NOW + timedelta(days=400)}, "certificate-not-valid-then"),
        ("p256", {"at": NOW - timedelta(days=31)}, "certificate-not-valid-then"),
        ("p256", {"more_attributes": (cms.attribute("1.2.3.4", der.null()),)}, "signed-attribute"),
        ("p256", {"unsigned": (UNSIGNED,)}, "unsigned-data"),
        ("p256", {"digest_identifier": SHA1}, "sha1"),
        ("rsa2048", {"signature_identifier": RSA_SHA1}, "sha1"),
        ("rsa2048", {"signature_identifier": RSA_ENCRYPTION}, "algorithm-spelling"),
        ("rsa2048", {"digest_identifier": SHA256_NULL}, "algorithm-spelling"),
        ("p256", {"digest_identifier": SHA256_NULL}, "algorithm-spelling"),
        ("p256", {"certificates": (OURS.eshs_ca.raw,), "bind_chain": False}, "stray-certificate"),
        ("p256", {"certificates": (OURS.tsa_ca.raw, OURS.tsa_ca.raw)}, "certificate-twice"),
        ("p256", {"extra_info": (der.boolean(True),)}, "token-fields"),
        ("p256", {"extra_info": (der.explicit(0, der.explicit(4, der.seq())),)}, "authority-name"),
        ("p256", {"extra_info": (der.explicit(1, der.seq(der.oid("1.2.3"), der.boolean(True), der.octets(b""))),)},
         "critical-extension"),
    ],
)  # fmt: skip
def test_a_token_with_one_thing_wrong_is_refused_by_name(kind: str, fault: dict[str, Any], reason: str) -> None:
    assert check_token(Authority(OURS.tsa(kind)).token(DIGEST, nonce=7), DIGEST, trust=OURS.anchors).nonce == 7
    assert refusal(Authority(OURS.tsa(kind), **fault).token(DIGEST, nonce=7)) == reason


@pytest.mark.parametrize(
    ("purposes", "critical"),
    [
        ((), True),
        ((TIME_STAMPING,), False),
        ((ExtendedKeyUsageOID.EMAIL_PROTECTION,), True),
        ((TIME_STAMPING, ExtendedKeyUsageOID.EMAIL_PROTECTION), True),
    ],
)
def test_only_a_certificate_for_stamps_alone_may_stamp(purposes: tuple[Any, ...], critical: bool) -> None:
    holder = OURS.tsa_with(purposes=purposes, critical=critical)
    assert refusal(Authority(holder).token(DIGEST)) == "extended-key-usage"


def test_a_token_of_an_authority_under_another_root_is_refused_only_where_roots_are_named() -> None:
    """The names of both worlds are equal; only the keys differ."""
    token = Authority(pki("theirs").tsa("p256")).token(DIGEST)
    assert check_token(token, DIGEST, trust=None).imprint == DIGEST
    assert refusal(token, trust=OURS.anchors) == "unknown-issuer"


def test_an_intermediate_whose_own_signature_is_changed_is_refused_by_the_roots() -> None:
    changed = bytearray(OURS.tsa_ca.raw)
    changed[-1] ^= 1
    token = Authority(OURS.tsa("p256"), certificates=(bytes(changed),), bind_chain=False).token(DIGEST)
    assert refusal(token, trust=OURS.anchors) == "issuer-signature"


def test_a_token_with_the_authority_s_certificate_alone_is_enough() -> None:
    token = Authority(OURS.tsa("p256"), certificates=(), bind_chain=False).token(DIGEST)
    assert check_token(token, DIGEST, trust=None).certificates == (OURS.tsa("p256").certificate,)
    assert refusal(token, trust=OURS.anchors) == "unknown-issuer"


def test_a_signature_by_another_key_is_refused() -> None:
    right, wrong = OURS.tsa("p256"), pki("theirs").tsa("p256")
    forged = Authority(_Impostor(right, wrong))  # type: ignore[arg-type]
    assert refusal(forged.token(DIGEST)) == "signature"


@dataclass
class _Impostor:
    """The right certificate with another key behind it."""

    shown: Holder
    behind: Holder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shown, name)

    def sign(self, octets: bytes) -> bytes:
        return self.behind.sign(octets)


def test_the_nonce_must_come_back_unchanged() -> None:
    with pytest.raises(TimestampRefused, match="nonce"):
        stamper(Wire(Authority(OURS.tsa("p256"), nonce=1))).stamp(DIGEST)


def test_an_answer_kept_from_an_earlier_question_is_refused() -> None:
    wire = Wire(Authority(OURS.tsa("p256")))
    asked = stamper(wire)
    asked.stamp(DIGEST)
    earlier = wire.authority.answer(wire.asked)
    wire.answer = lambda _: earlier
    with pytest.raises(TimestampRefused, match="nonce"):
        asked.stamp(DIGEST)


def test_a_policy_not_on_the_list_is_refused_and_no_list_takes_any() -> None:
    wire = Wire(Authority(OURS.tsa("p256"), policy="1.2.3"))
    with pytest.raises(TimestampRefused, match="policy"):
        stamper(wire).stamp(DIGEST)
    assert stamper(wire, policies=()).stamp(DIGEST)


def test_a_time_far_from_our_clock_is_refused() -> None:
    wire = Wire(Authority(OURS.tsa("p256"), at=NOW + timedelta(minutes=6)))
    with pytest.raises(TimestampRefused, match="time"):
        stamper(wire).stamp(DIGEST)
    assert stamper(wire, clock=lambda: NOW + timedelta(minutes=2)).stamp(DIGEST)


def status(number: int, failure: int | None = None) -> bytes:
    bits = b"" if failure is None else der.bits((0x80000000 >> failure).to_bytes(4, "big"))
    return der.seq(der.integer(number), bits)


@pytest.mark.parametrize("failure", [14, 25])
def test_an_authority_that_cannot_now_is_a_hold(failure: int) -> None:
    with pytest.raises(TimestampUnavailable) as unavailable:
        stamper(Wire(Authority(OURS.tsa("p256"), status=status(2, failure)))).stamp(DIGEST)
    assert unavailable.value.temporary


@pytest.mark.parametrize("said", [status(2, 0), status(2), status(1), status(3), status(4, 14)])
def test_any_other_refusal_of_the_authority_is_final(said: bytes) -> None:
    with pytest.raises(TimestampRefused, match="not-granted") as refused:
        stamper(Wire(Authority(OURS.tsa("p256"), status=said))).stamp(DIGEST)
    assert not refused.value.temporary


class _Away(KepError):
    temporary = True


@pytest.mark.parametrize(
    "trouble", [ConnectionRefusedError(), TimeoutError(), http.client.IncompleteRead(b""), _Away()]
)
def test_no_answer_is_a_hold_that_may_end_by_itself(trouble: Exception) -> None:
    def away(_: bytes) -> bytes:
        raise trouble

    with pytest.raises(TimestampUnavailable, match="no-answer"):
        stamper(Wire(Authority(OURS.tsa("p256")), away)).stamp(DIGEST)


def test_a_refusal_of_our_own_side_is_not_hidden_as_an_outage() -> None:
    def forbidden(_: bytes) -> bytes:
        raise KepError("origin not on the list")

    with pytest.raises(KepError, match="origin") as refused:
        stamper(Wire(Authority(OURS.tsa("p256")), forbidden)).stamp(DIGEST)
    assert not refused.value.temporary


@pytest.mark.parametrize("reply", [b"", b"<html>502</html>", b"\x30\x00", der.seq(status(0)), bytes(70_000)])
def test_an_answer_that_is_no_time_stamp_is_refused(reply: bytes) -> None:
    with pytest.raises(TimestampRefused):
        stamper(Wire(Authority(OURS.tsa("p256")), lambda _: reply)).stamp(DIGEST)
