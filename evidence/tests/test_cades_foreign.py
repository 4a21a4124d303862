"""CMS of other programs: right ones are read, each class of odd one is refused by its own name (V-060, V-062)."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from pyhanko.sign import SimpleSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko_certvalidator.registry import SimpleCertificateStore

from evidence import cades, cms, der
from evidence.algorithms import DIGESTS, SHA256_IDENTIFIER
from evidence.carried import cut
from evidence.refusals import CmsRefused
from evidence.tests import forge, judges
from evidence.tests.forge import Made
from evidence.tests.pki import KINDS, NOW, Holder, pki

CONTENT = b"Content-Type: text/plain\r\n\r\nMerhaba\r\n"
DIGEST = hashlib.sha256(CONTENT).digest()
OURS = pki()


def identifier(oid: str, *parameters: bytes) -> bytes:
    return der.seq(der.oid(oid), *parameters)


NULL = der.null()
RSA_ENCRYPTION = identifier("1.2.840.113549.1.1.1", NULL)
SHA1 = identifier("1.3.14.3.2.26")


def pss(digest: str, salt: int, *, mask: str | None = None) -> bytes:
    algorithm = identifier(DIGESTS[digest][0])
    masked = identifier("1.2.840.113549.1.1.8", identifier(DIGESTS[mask or digest][0]))
    return identifier(
        "1.2.840.113549.1.1.10",
        der.seq(der.explicit(0, algorithm), der.explicit(1, masked), der.explicit(2, der.integer(salt))),
    )


@dataclass
class Workshop:
    """A CMS maker in which each field can be made odd. As it stands it makes a right B-B signature."""

    holder: Holder
    digest: str = "sha256"
    scheme: bytes | None = None
    sign: Any = None
    attributes: dict[str, bytes] | None = None
    more: tuple[bytes, ...] = ()
    leave_out: str = ""
    unsigned: tuple[bytes, ...] = ()
    encapsulated: bytes = der.seq(der.oid(cms.DATA))
    digest_identifier: bytes | None = None
    digests: bytes | None = None
    version: int = 1
    signer_version: int = 1
    signers: int = 1
    unsorted: bool = False
    certificates: tuple[bytes, ...] | None = None
    bag: bytes | None = None
    kind: str = cms.SIGNED_DATA
    identity: bytes | None = None
    more_fields: bytes = b""
    no_attributes: bool = False

    def make(self) -> bytes:
        leaf = cut(self.holder.certificate)
        digest_identifier = self.digest_identifier or identifier(DIGESTS.get(self.digest, DIGESTS["sha256"])[0])
        named = {
            "content-type": cms.attribute(cms.CONTENT_TYPE, der.oid(cms.DATA)),
            "signing-time": cms.attribute(cms.SIGNING_TIME, der.time(NOW)),
            "message-digest": cms.attribute(cms.MESSAGE_DIGEST, der.octets(hashlib.new(self.digest, CONTENT).digest())),
            "signing-certificate": cms.attribute(
                cms.SIGNING_CERTIFICATE_V2, cms.signing_certificate_v2((leaf,), (leaf.digest,))
            ),
        } | (self.attributes or {})
        named.pop(self.leave_out, None)
        attributes = sorted((*named.values(), *self.more), reverse=self.unsorted)
        signed = der.tlv(der.SET, *attributes)
        signature = (self.sign or self.holder.sign)(CONTENT if self.no_attributes else signed)
        signer = der.seq(
            der.integer(self.signer_version),
            self.identity or der.seq(leaf.issuer, leaf.serial),
            digest_identifier,
            b"" if self.no_attributes else b"\xa0" + signed[1:],
            self.scheme or self.holder.algorithm.identifier,
            der.octets(signature),
            der.explicit(1, *self.unsigned) if self.unsigned else b"",
        )
        certificates = (leaf.raw, *self.holder.chain) if self.certificates is None else self.certificates
        return der.seq(
            der.oid(self.kind),
            der.explicit(
                0,
                der.seq(
                    der.integer(self.version),
                    der.tlv(der.SET, self.digests if self.digests is not None else digest_identifier),
                    self.encapsulated,
                    der.explicit(0, *sorted(certificates)) if self.bag is None else self.bag,
                    self.more_fields,
                    der.tlv(der.SET, *[signer] * self.signers),
                ),
            ),
        )


def reason(signature: bytes) -> str:
    with pytest.raises(CmsRefused) as refused:
        cades.verify_over(signature, CONTENT)
    return refused.value.reason


RSA, EC = OURS.person("rsa2048"), OURS.person("p256")
RSA_KEY = RSA.key
P384 = forge.make(
    forge.name("Ayşe P-384"), forge.PERSON_EXTENSIONS, issuer=OURS.eshs_ca, holder=forge.key("ayşe", "p384")
)


def rsa_sign(algorithm: hashes.HashAlgorithm, pad: Any = None) -> Any:
    assert isinstance(RSA_KEY, rsa.RSAPrivateKey)
    return lambda octets: RSA_KEY.sign(octets, pad or padding.PKCS1v15(), algorithm)


def ec_sign(made: Made, algorithm: hashes.HashAlgorithm) -> Any:
    key = made.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return lambda octets: key.sign(octets, ec.ECDSA(algorithm))


def salted(algorithm: hashes.HashAlgorithm, salt: int) -> Any:
    return padding.PSS(padding.MGF1(algorithm), salt)


RIGHT = {
    "rsa-sha256": Workshop(RSA),
    "rsa-encryption": Workshop(RSA, scheme=RSA_ENCRYPTION),
    "rsa-encryption-null-digest": Workshop(
        RSA, scheme=RSA_ENCRYPTION, digest_identifier=identifier(DIGESTS["sha256"][0], NULL)
    ),
    "rsa-sha384": Workshop(
        RSA, "sha384", identifier("1.2.840.113549.1.1.12", NULL), rsa_sign(hashes.SHA384())
    ),
    "rsa-sha512": Workshop(
        RSA, "sha512", identifier("1.2.840.113549.1.1.13", NULL), rsa_sign(hashes.SHA512())
    ),
    "rsa-pss": Workshop(RSA, scheme=pss("sha256", 32), sign=rsa_sign(hashes.SHA256(), salted(hashes.SHA256(), 32))),
    "p256-sha256": Workshop(EC),
    "p256-sha512": Workshop(
        EC, "sha512", identifier("1.2.840.10045.4.3.4"), ec_sign(EC.made, hashes.SHA512())
    ),
    "p384-sha384": Workshop(
        Holder(P384, EC.chain), "sha384", identifier("1.2.840.10045.4.3.3"), ec_sign(P384, hashes.SHA384())
    ),
    "no-signing-time": Workshop(EC, leave_out="signing-time"),
    "protected-algorithms": Workshop(
        EC,
        more=(
            cms.attribute(
                cms.ALGORITHM_PROTECTION,
                der.seq(SHA256_IDENTIFIER, b"\xa1" + EC.algorithm.identifier[1:]),
            ),
        ),
    ),
    "with-policy": Workshop(EC, more=(cms.attribute("1.2.840.113549.1.9.16.2.15", der.null()),)),
    "with-values": Workshop(EC, unsigned=(cms.attribute("1.2.840.113549.1.9.16.2.23", der.seq()),)),
    "with-crl": Workshop(EC, more_fields=der.explicit(1, der.seq(der.null()))),
    "without-chain": Workshop(EC, certificates=(EC.certificate,)),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_signatures_of_other_programs_are_accepted(name: str) -> None:
    workshop = RIGHT[name]
    facts = cades.verify_over(workshop.make(), CONTENT)
    assert facts.digest_algorithm == workshop.digest
    assert facts.signing_time == (None if workshop.leave_out else NOW)


OTHER = OURS.islem("p256")
COUNTER = cms.attribute(cms.COUNTER_SIGNATURE, der.seq())
SKI = der.implicit(0, b"anahtar")
KEY_1024 = forge.key("kısa", "rsa1024")
SHORT = Holder(forge.make(forge.name("Kısa"), forge.PERSON_EXTENSIONS, issuer=OURS.eshs_ca, holder=KEY_1024), EC.chain)
CURVE = Holder(
    forge.make(forge.name("Eğri"), forge.PERSON_EXTENSIONS, issuer=OURS.eshs_ca, holder=forge.key("eğri", "k1")),
    EC.chain,
)
V1 = cms.attribute(cms.SIGNING_CERTIFICATE, der.seq(der.seq(der.seq(der.octets(bytes(20))))))
BY_SHA1 = der.seq(der.seq(der.seq(SHA1, der.octets(hashlib.sha1(EC.certificate).digest()))))  # noqa: S324 - refused
OTHER_SERIAL = der.seq(
    der.seq(
        der.seq(
            der.octets(cut(EC.certificate).digest),
            der.seq(der.seq(der.explicit(4, cut(EC.certificate).issuer)), der.integer(5)),
        )
    )
)
WRONG_PROTECTION = cms.attribute(
    cms.ALGORITHM_PROTECTION, der.seq(SHA256_IDENTIFIER, b"\xa1" + RSA.algorithm.identifier[1:])
)


@pytest.mark.parametrize(
    ("workshop", "expected"),
    [
        (Workshop(EC, leave_out="content-type"), "content-type-missing"),
        (Workshop(EC, leave_out="message-digest"), "message-digest-missing"),
        (Workshop(EC, leave_out="signing-certificate"), "signing-certificate-missing"),
        (Workshop(EC, attributes={"content-type": cms.attribute(cms.CONTENT_TYPE, der.oid("1.2.3"))}), "content-type"),
        (Workshop(EC, attributes={"message-digest": cms.attribute(cms.MESSAGE_DIGEST, der.octets(bytes(32)))}),
         "message-digest"),
        (Workshop(EC, attributes={"message-digest": cms.attribute(cms.MESSAGE_DIGEST, der.octets(bytes(20)))}),
         "message-digest"),
        (Workshop(EC, attributes={"signing-time": cms.attribute(cms.SIGNING_TIME, der.generalized_time(NOW))}),
         "signing-time"),
        (Workshop(EC, attributes={"signing-time": cms.attribute(cms.SIGNING_TIME, der.null())}), "signing-time"),
        (Workshop(EC, attributes={"signing-certificate": cms.attribute(cms.SIGNING_CERTIFICATE_V2, BY_SHA1)}), "sha1"),
        (Workshop(EC, attributes={"signing-certificate": cms.attribute(cms.SIGNING_CERTIFICATE_V2, OTHER_SERIAL)}),
         "signing-certificate"),
        (Workshop(EC, leave_out="signing-certificate", more=(V1,)), "signing-certificate-missing"),
        (Workshop(EC, more=(V1,)), "sha1"),
        (Workshop(EC, more=(cms.attribute(cms.SIGNING_TIME, der.time(NOW.replace(year=2027))),)), "attribute-twice"),
        (Workshop(EC, more=(cms.attribute("1.2.840.113549.1.9.99", der.null()),)), "signed-attribute"),
        (Workshop(EC, more=(WRONG_PROTECTION,)), "algorithm-protection"),
        (Workshop(EC, unsorted=True), "attributes-not-sorted"),
        (Workshop(EC, unsigned=(COUNTER,)), "counter-signature"),
        (Workshop(EC, unsigned=(cms.attribute("1.2.3.4", der.null()),)), "unsigned-attribute"),
        (Workshop(EC, unsigned=(cms.attribute(cms.SIGNATURE_TIMESTAMP, der.seq()),)), "timestamp: not-der"),
        (Workshop(EC, encapsulated=der.seq(der.oid(cms.DATA), der.explicit(0, der.octets(CONTENT)))),
         "encapsulated-content"),
        (Workshop(EC, encapsulated=der.seq(der.oid("1.2.840.113549.1.7.5")), version=3), "content-type"),
        (Workshop(EC, version=3), "version"),
        (Workshop(EC, signers=0), "signer-count"),
        (Workshop(EC, signers=2), "signer-count"),
        (Workshop(EC, signer_version=3), "signer-version"),
        (Workshop(EC, identity=SKI), "signer-identifier"),
        (Workshop(EC, identity=der.seq(cut(EC.certificate).issuer, der.integer(5))), "certificate-missing"),
        (Workshop(EC, certificates=EC.chain), "certificate-missing"),
        (Workshop(EC, bag=b""), "certificate-missing"),
        (Workshop(EC, certificates=()), "certificate-missing"),
        (Workshop(EC, certificates=(EC.certificate, EC.certificate)), "certificate-twice"),
        (Workshop(EC, bag=der.explicit(0, EC.certificate, der.explicit(1, der.null()))), "certificate-kind"),
        (Workshop(EC, certificates=(EC.certificate,) * 11), "too-many-certificates"),
        (Workshop(EC, digest_identifier=SHA1), "sha1"),
        (Workshop(RSA, scheme=identifier("1.2.840.113549.1.1.5", NULL)), "sha1"),
        (Workshop(EC, scheme=identifier("1.2.840.10045.4.1")), "sha1"),
        (Workshop(EC, digest_identifier=identifier("1.2.840.113549.2.5")), "unknown-algorithm"),
        (Workshop(EC, scheme=identifier("1.2.840.10045.4.3.2", NULL)), "unknown-algorithm"),
        (Workshop(RSA, scheme=identifier("1.2.840.113549.1.1.11")), "unknown-algorithm"),
        (Workshop(RSA, scheme=identifier("1.2.840.113549.1.1.10", der.seq())), "not-der"),
        (Workshop(RSA, scheme=pss("sha256", 32, mask="sha512")), "unknown-algorithm"),
        (Workshop(EC, scheme=identifier("1.2.840.10045.4.3.3")), "digest-algorithms"),
        (Workshop(EC, digests=b""), "digest-algorithms"),
        (Workshop(EC, digests=identifier(DIGESTS["sha512"][0])), "digest-algorithms"),
        (Workshop(EC, scheme=RSA.algorithm.identifier), "signature"),
        (Workshop(EC, sign=OTHER.sign), "signature"),
        (Workshop(RSA, sign=lambda octets: bytes(256)), "signature"),
        (Workshop(SHORT), "rsa-key-size"),
        (Workshop(CURVE), "curve"),
        (Workshop(EC, kind="1.2.840.113549.1.7.3"), "not-signed-data"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_an_odd_signature_is_refused_by_name(workshop: Workshop, expected: str) -> None:
    assert reason(workshop.make()) == expected


def test_a_signature_without_signed_attributes_is_refused() -> None:
    """It would cover the content directly, and a content that looks like attributes could be swapped in."""
    assert reason(Workshop(EC, no_attributes=True).make()) == "signed-attributes-missing"


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"\x00",
        lambda raw: raw[:-1],
        lambda raw: b"\x30\x80" + raw[4:] + b"\x00\x00",
        lambda raw: b"\x30\x84\x00" + raw[1:4] + raw[4:],
        lambda raw: b"",
        lambda raw: b"-----BEGIN PKCS7-----",
        lambda raw: raw + bytes(5 * 1024 * 1024),
    ],
)
def test_bytes_that_are_no_der_are_refused(change: Any) -> None:
    assert reason(change(Workshop(EC).make())) == "not-der"


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_signatures_made_by_openssl_are_accepted(kind: str, digest: str, tmp_path: Path) -> None:
    holder = OURS.person(kind)
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "person.pem").write_bytes(judges.pem(holder.certificate))
    (tmp_path / "chain.pem").write_bytes(judges.pem(*holder.chain))
    (tmp_path / "person.key").write_bytes(
        holder.key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    )
    line = [
        "openssl", "cms", "-sign", "-cades", "-binary", "-in", tmp_path / "content", "-signer",
        tmp_path / "person.pem", "-certfile", tmp_path / "chain.pem", "-inkey", tmp_path / "person.key", "-md", digest,
        "-outform", "DER", "-out", tmp_path / "signature.p7s", "-nosmimecap",
    ]  # fmt: skip
    judges.accepts(*line)
    signature = (tmp_path / "signature.p7s").read_bytes()
    facts = cades.verify_over(signature, CONTENT)
    assert (facts.digest_algorithm, facts.certificate) == (digest, holder.certificate)
    stamped = cades.with_token(signature, OURS.stamper().stamp(hashlib.sha256(facts.signature).digest()))
    assert cades.verify_over(stamped, CONTENT).stamp
    judges.accepts(*judges.openssl_cms(tmp_path, stamped, CONTENT, OURS.root.raw, at=NOW))


@pytest.mark.needs("openssl")
def test_a_plain_smime_signature_without_the_certificate_bound_is_refused(tmp_path: Path) -> None:
    """What `openssl cms -sign` and most mail programs make by default is no CAdES."""
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "person.pem").write_bytes(judges.pem(EC.certificate))
    (tmp_path / "person.key").write_bytes(EC.key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
    judges.accepts(
        "openssl", "cms", "-sign", "-binary", "-in", tmp_path / "content", "-signer", tmp_path / "person.pem",
        "-inkey", tmp_path / "person.key", "-outform", "DER", "-out", tmp_path / "signature.p7s",
    )  # fmt: skip
    assert reason((tmp_path / "signature.p7s").read_bytes()) == "signing-certificate-missing"


@pytest.mark.parametrize("kind", KINDS)
def test_signatures_made_by_pyhanko_are_accepted(kind: str) -> None:
    holder = OURS.person(kind)
    store = SimpleCertificateStore()
    store.register_multiple([asn1_x509.Certificate.load(raw) for raw in holder.chain])
    raw_key = holder.key.private_bytes(s.Encoding.DER, s.PrivateFormat.PKCS8, s.NoEncryption())
    signer = SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(holder.certificate),
        signing_key=asn1_keys.PrivateKeyInfo.load(raw_key),
        cert_registry=store,
    )
    info = asyncio.run(
        signer.async_sign_general_data(
            CONTENT, "sha256", detached=True, signed_attr_settings=PdfCMSSignedAttributes(signing_time=NOW)
        )
    )
    facts = cades.verify_over(info.dump(), CONTENT)
    assert facts.signing_time == NOW
    assert cms.ALGORITHM_PROTECTION in facts.signed_attribute_oids
