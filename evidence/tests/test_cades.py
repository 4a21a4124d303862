"""CAdES as we write it: exactly four signed attributes, accepted by openssl and pyHanko, every part held together."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms

from evidence import cades, der
from evidence.refusals import CmsRefused, TimestampRefused, TimestampUnavailable
from evidence.tests import judges
from evidence.tests.pki import KINDS, NOW, Holder, one_by_one, pki

CONTENT = b"Content-Type: text/plain\r\n\r\nMerhaba\r\n"
DIGEST = hashlib.sha256(CONTENT).digest()
OURS = pki()


def by_person(holder: Holder, stamp_kind: str | None = "p256") -> bytes:
    """A person's signature in the steps of the product: attributes, signature of the token, assembly, time-stamp."""
    attributes = cades.signed_attributes(holder.certificate, DIGEST, NOW)
    signature = holder.sign(attributes)
    plain = cades.assemble(
        holder.certificate, holder.chain, attributes, signature, algorithm=holder.algorithm, token=None
    )
    if stamp_kind is None:
        return plain
    token = OURS.stamper(stamp_kind).stamp(hashlib.sha256(cades.read(plain).signature).digest())
    return cades.with_token(plain, token)


def by_provider(kind: str, stamp_kind: str = "p256") -> bytes:
    return cades.sign_detached(DIGEST, OURS.islem(kind), signing_time=NOW, stamper=OURS.stamper(stamp_kind))


def by_a_person(kind: str) -> bytes:
    return by_person(OURS.person(kind), kind)


EVERY = [
    pytest.param(make, kind, id=f"{make.__name__}-{kind}") for make in (by_a_person, by_provider) for kind in KINDS
]


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(("make", "kind"), EVERY)
def test_openssl_accepts_the_signature_and_its_time_stamp(
    make: Callable[[str], bytes], kind: str, tmp_path: Path
) -> None:
    signature = make(kind)
    judges.accepts(*judges.openssl_cms(tmp_path, signature, CONTENT, OURS.root.raw, at=NOW))
    facts = cades.verify_detached(signature, DIGEST)
    assert facts.token is not None
    judges.accepts(*judges.openssl_ts(tmp_path, facts.token, facts.signature, OURS.root.raw, at=NOW))


@pytest.mark.needs("openssl")
def test_openssl_refuses_other_content_and_another_root(tmp_path: Path) -> None:
    """The judge would notice: a control for the test above."""
    signature = by_provider("p256")
    line = judges.openssl_cms(tmp_path, signature, CONTENT + b"x", OURS.root.raw, at=NOW)
    assert judges.run(*line).returncode == 4
    line = judges.openssl_cms(tmp_path, signature, CONTENT, pki("theirs").root.raw, at=NOW)
    assert "unable to get local issuer certificate" in judges.run(*line).stderr


@pytest.mark.parametrize(("make", "kind"), EVERY)
def test_pyhanko_trusts_signature_path_and_time_stamp(make: Callable[[str], bytes], kind: str) -> None:
    judges.pyhanko_accepts(make(kind), CONTENT, OURS.root.raw, at=NOW, usage="non_repudiation", stamp=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_s_signature_signs_exactly_four_attributes_in_der_order(kind: str) -> None:
    holder = OURS.person(kind)
    attributes = cades.signed_attributes(holder.certificate, DIGEST, NOW)
    parsed = asn1_cms.CMSAttributes.load(attributes)
    assert [attribute["type"].native for attribute in parsed] == [
        "content_type",
        "signing_time",
        "message_digest",
        "signing_certificate_v2",
    ]
    assert attributes[0] == 0x31
    assert parsed.dump(force=True) == attributes
    assert parsed[0]["values"][0].native == "data"
    assert parsed[1]["values"][0].native == NOW
    assert parsed[2]["values"][0].native == DIGEST
    (bound,) = parsed[3]["values"][0]["certs"]
    assert bound["cert_hash"].native == hashlib.sha256(holder.certificate).digest()
    assert bound["issuer_serial"]["serial_number"].native == holder.made.certificate.serial_number
    assert cades.read(by_person(holder)).signed_attributes == attributes


def test_attributes_are_constant_in_length_and_take_whole_seconds() -> None:
    holder = OURS.person("rsa2048")
    one = cades.signed_attributes(holder.certificate, DIGEST, NOW)
    other = cades.signed_attributes(holder.certificate, hashlib.sha256(b"").digest(), NOW.replace(microsecond=7))
    assert len(one) == len(other)
    assert cades.signed_attributes(holder.certificate, DIGEST, NOW.replace(microsecond=999_999)) == one


def test_a_digest_of_another_length_is_not_signed() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        cades.signed_attributes(OURS.person("p256").certificate, hashlib.sha512(CONTENT).digest(), NOW)


def test_after_2049_the_signing_time_is_written_in_the_other_form() -> None:
    late = datetime(2050, 1, 1, 0, 0, 1, tzinfo=UTC)
    holder = OURS.person("p256")
    attributes = cades.signed_attributes(holder.certificate, DIGEST, late)
    signature = cades.assemble(
        holder.certificate, holder.chain, attributes, holder.sign(attributes), algorithm=holder.algorithm, token=None
    )
    assert cades.verify_emitted(signature, DIGEST).signing_time == late


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_what_was_written(kind: str) -> None:
    holder = OURS.person(kind)
    facts = cades.verify_emitted(by_person(holder), DIGEST, anchors=OURS.anchors)
    assert facts.certificate == holder.certificate
    assert facts.certificates == (holder.certificate, OURS.eshs_ca.raw)
    assert (facts.signing_time, facts.message_digest, facts.digest_algorithm) == (NOW, DIGEST, "sha256")
    assert facts.signing_certificate_ok
    assert facts.stamp is not None
    assert facts.stamp.generated_at == NOW
    assert len(facts.signed_attribute_oids) == 4
    assert facts.unsigned_attribute_oids == ("1.2.840.113549.1.9.16.2.14",)


@pytest.mark.parametrize(("make", "kind"), EVERY)
def test_our_form_is_rebuilt_from_its_holes(make: Callable[[str], bytes], kind: str) -> None:
    signature = make(kind)
    assert cades.rebuild(signature) == signature
    assert cades.rebuild(signature, anchors=OURS.anchors) == signature


def test_the_provider_s_signature_binds_its_chain_too() -> None:
    facts = cades.read(by_provider("p256"))
    assert hashlib.sha256(OURS.islem_ca.raw).digest() in facts.signed_attributes
    assert len(facts.signed_attribute_oids) == 4


def test_without_a_stamper_there_is_no_time_stamp_and_it_can_be_added_once() -> None:
    plain = cades.sign_detached(DIGEST, OURS.islem("p256"), signing_time=NOW, stamper=None)
    facts = cades.verify_emitted(plain, DIGEST)
    assert (facts.token, facts.stamp) == (None, None)
    token = OURS.stamper().stamp(hashlib.sha256(facts.signature).digest())
    stamped = cades.with_token(plain, token)
    assert cades.verify_emitted(stamped, DIGEST).token == token
    with pytest.raises(CmsRefused, match="second-timestamp"):
        cades.with_token(stamped, token)


def test_a_token_over_anything_but_the_signature_value_is_refused() -> None:
    plain = by_person(OURS.person("p256"), None)
    token = OURS.stamper().stamp(DIGEST)
    with pytest.raises(TimestampRefused, match="imprint"):
        cades.with_token(plain, token)
    holder, facts = OURS.person("p256"), cades.read(plain)
    forced = cades.assemble(
        holder.certificate, holder.chain, facts.signed_attributes, facts.signature,
        algorithm=holder.algorithm, token=token,
    )  # fmt: skip
    assert reason(forced) == "timestamp: imprint"
    with pytest.raises(CmsRefused, match="timestamp: imprint"):
        cades.rebuild(forced)


def test_an_outage_of_the_authority_comes_through_and_nothing_is_signed_halfway() -> None:
    class Away:
        def stamp(self, digest: bytes) -> bytes:
            raise TimestampUnavailable("no-answer")

        def stamp_many(self, digests: Sequence[bytes]) -> list[bytes | TimestampUnavailable | TimestampRefused]:
            return one_by_one(self.stamp, digests)

    with pytest.raises(TimestampUnavailable):
        cades.sign_detached(DIGEST, OURS.islem("p256"), signing_time=NOW, stamper=Away())


def reason(signature: bytes, digest: bytes = DIGEST, **settings: object) -> str:
    with pytest.raises(CmsRefused) as refused:
        cades.verify_emitted(signature, digest, **settings)  # type: ignore[arg-type]
    return refused.value.reason


def test_another_digest_is_refused() -> None:
    assert reason(by_person(OURS.person("p256")), hashlib.sha256(b"").digest()) == "message-digest"


def test_another_signature_value_is_refused() -> None:
    holder, other = OURS.person("p256"), OURS.islem("p256")
    attributes = cades.signed_attributes(holder.certificate, DIGEST, NOW)
    swapped = cades.assemble(
        holder.certificate, holder.chain, attributes, other.sign(attributes), algorithm=holder.algorithm, token=None
    )
    assert reason(swapped) == "signature"


def test_a_certificate_that_is_not_the_bound_one_is_refused() -> None:
    """The signature is true for the certificate shown, but the attributes bind another one (V-060)."""
    signed_with, shown = OURS.person("p256"), OURS.islem("p256")
    attributes = cades.signed_attributes(signed_with.certificate, DIGEST, NOW)
    swapped = cades.assemble(
        shown.certificate, shown.chain, attributes, shown.sign(attributes), algorithm=shown.algorithm, token=None
    )
    assert reason(swapped) == "signing-certificate"


def test_a_stray_certificate_and_a_missing_root_are_told_apart() -> None:
    holder = OURS.person("p256")
    attributes = cades.signed_attributes(holder.certificate, DIGEST, NOW)
    signature = holder.sign(attributes)

    def with_chain(*chain: bytes) -> bytes:
        return cades.assemble(holder.certificate, chain, attributes, signature, algorithm=holder.algorithm, token=None)

    assert reason(with_chain(OURS.islem_ca.raw)) == "stray-certificate"
    assert reason(with_chain(pki("theirs").eshs_ca.raw)) == "issuer-signature"
    assert reason(with_chain(OURS.eshs_ca.raw), anchors=pki("theirs").anchors) == "unknown-issuer"
    assert cades.verify_emitted(with_chain(), DIGEST).certificates == (holder.certificate,)
    assert cades.verify_emitted(with_chain(OURS.eshs_ca.raw, OURS.root.raw), DIGEST, anchors=OURS.anchors)


def test_another_order_of_the_certificate_bag_is_read_but_is_not_our_form() -> None:
    signature = by_person(OURS.person("p256"), None)
    content, head = der.read(signature), signature
    bag = content.children[1].children[0].children[3]
    turned = der.explicit(0, *(one.raw for one in reversed(bag.children)))
    changed = head[: bag.start] + turned + head[bag.end :]
    assert cades.verify_detached(changed, DIGEST)
    assert reason(changed) == "bytes"
