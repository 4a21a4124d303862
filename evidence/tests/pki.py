"""A certificate world for the signing core: leaves with RSA-2048 and with P-256 for each role, and an authority that
answers real RFC 3161 requests in process. Built on `forge`, keys made once per run.

Everything is dated around `NOW`, and judges are told that moment, so the tests hold in any year.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from evidence import cms, der, timestamp
from evidence.algorithms import SHA256_IDENTIFIER, KeyAlgorithm
from evidence.anchors import TrustAnchors
from evidence.carried import cut
from evidence.refusals import TimestampRefused, TimestampUnavailable
from evidence.tests import forge
from evidence.tests.forge import NOW, Key, Made

KINDS = ("rsa2048", "p256")
TSA_POLICY = "2.16.792.9.9.9.3"

__all__ = ["KINDS", "NOW", "TSA_POLICY", "Authority", "Holder", "LocalStamper", "Pki", "one_by_one", "pki"]


@dataclass(frozen=True, eq=False)
class Holder:
    """A `Signer` whose key lies in memory."""

    made: Made
    chain: tuple[bytes, ...]

    @property
    def certificate(self) -> bytes:
        return self.made.raw

    @property
    def key(self) -> Key:
        return self.made.key

    @property
    def algorithm(self) -> KeyAlgorithm:
        return KeyAlgorithm.RSA_SHA256 if isinstance(self.key, rsa.RSAPrivateKey) else KeyAlgorithm.P256_SHA256

    def sign(self, octets: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(octets, ec.ECDSA(hashes.SHA256()))


@dataclass
class Authority:
    """A time-stamp authority. Each field that is set makes its tokens wrong in one way."""

    holder: Holder
    at: datetime = NOW
    policy: str = TSA_POLICY
    bind_chain: bool = True
    certificates: tuple[bytes, ...] | None = None
    imprint: bytes | None = None
    nonce: int | None = None
    accuracy: bytes | None = field(default_factory=lambda: der.seq(der.integer(1)))
    leave_out: str = ""
    more_attributes: tuple[bytes, ...] = ()
    unsigned: tuple[bytes, ...] = ()
    content_digest: bytes | None = None
    content_type: str = timestamp.TST_INFO
    bound: tuple[bytes, ...] | None = None
    digest_identifier: bytes = SHA256_IDENTIFIER
    signature_identifier: bytes | None = None
    status: bytes = field(default_factory=lambda: der.seq(der.integer(0)))
    extra_info: tuple[bytes, ...] = ()
    serial: int = 0x7F000000000000000000000000000000

    def answer(self, request: bytes) -> bytes:
        """The TimeStampResp to a TimeStampReq."""
        _, imprint, *rest = der.read(request).children
        nonce = next((part.as_integer() for part in rest if part.tag == der.INTEGER), None)
        digest = imprint.children[1].as_octets()
        if self.status != der.seq(der.integer(0)):
            return der.seq(self.status)
        return der.seq(self.status, self.token(self.imprint or digest, imprint.children[0].raw, nonce=nonce))

    def token(self, digest: bytes, algorithm: bytes = SHA256_IDENTIFIER, *, nonce: int | None = None) -> bytes:
        """A token over a digest."""
        self.serial += 1
        nonce = self.nonce if self.nonce is not None else nonce
        info = der.seq(
            der.integer(1),
            der.oid(self.policy),
            der.seq(algorithm, der.octets(digest)),
            der.integer(self.serial),
            der.generalized_time(self.at),
            *([self.accuracy] if self.accuracy else []),
            *([der.integer(nonce)] if nonce is not None else []),
            *self.extra_info,
        )
        chain = self.holder.chain if self.certificates is None else self.certificates
        named = self.bound or (self.holder.certificate, *(chain if self.bind_chain else ()))
        bound = tuple(cut(raw) for raw in named)
        attributes = {
            "content-type": cms.attribute(cms.CONTENT_TYPE, der.oid(self.content_type)),
            "message-digest": cms.attribute(
                cms.MESSAGE_DIGEST, der.octets(self.content_digest or hashlib.sha256(info).digest())
            ),
            "signing-certificate": cms.attribute(
                cms.SIGNING_CERTIFICATE_V2, cms.signing_certificate_v2(bound, tuple(one.digest for one in bound))
            ),
        }
        attributes.pop(self.leave_out, None)
        signed = der.set_of_sorted(*attributes.values(), *self.more_attributes)
        content = der.seq(der.oid(timestamp.TST_INFO), der.explicit(0, der.octets(info)))
        identifier = self.signature_identifier or self.holder.algorithm.identifier
        return cms.assemble(
            cms.before_signer(3, self.digest_identifier, content, (self.holder.certificate, *chain)),
            cms.signer_info(
                cut(self.holder.certificate), self.digest_identifier, signed, identifier, self.holder.sign(signed)
            ),
            self.unsigned,
        )


@dataclass
class LocalStamper:
    """A `Stamper` that makes the round trip to an authority in process."""

    authority: Authority

    def stamp(self, digest: bytes) -> bytes:
        return timestamp.read_reply(
            self.authority.answer(timestamp.request(digest, nonce=2**62 + 5)), digest, 2**62 + 5
        )

    def stamp_many(self, digests: Sequence[bytes]) -> list[bytes | TimestampUnavailable | TimestampRefused]:
        return one_by_one(self.stamp, digests)


def one_by_one(
    stamp: Callable[[bytes], bytes], digests: Sequence[bytes]
) -> list[bytes | TimestampUnavailable | TimestampRefused]:
    """`stamp_many` of a stamper that asks one after the other."""
    answers: list[bytes | TimestampUnavailable | TimestampRefused] = []
    for digest in digests:
        try:
            answers.append(stamp(digest))
        except (TimestampUnavailable, TimestampRefused) as error:
            answers.append(error)
    return answers


class Pki:
    """Root (P-384), issuing authorities for persons, providers and stamps, and leaves by kind of key."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.root = forge.make(
            forge.name("Kök"),
            [forge.constraints(True, 1), forge.CA_USAGE],
            holder=forge.key(f"pki {label} root", "p384"),
        )
        self.islem_ca = self._authority("İşlem Sertifikası Makamı", forge.TRANSACTION)
        self.tsa_ca = self._authority("Zaman Damgası Makamı", forge.TIMESTAMP)
        self.eshs_ca = self._authority("ESHS", forge.PERSON)
        self.anchors = TrustAnchors((self.root.raw,))

    def _authority(self, common_name: str, policy: str) -> Made:
        return forge.make(
            forge.name(common_name),
            [forge.constraints(True, 0), forge.CA_USAGE, forge.policies(policy)],
            issuer=self.root,
            holder=forge.key(f"pki {self.label} {common_name}"),
        )

    @cache  # noqa: B019 - one world per label lives as long as the run
    def islem(self, kind: str) -> Holder:
        """A provider's işlem key."""
        extensions = [forge.constraints(False), forge.LEAF_USAGE, forge.policies(forge.TRANSACTION)]
        return self._leaf(f"hs01.kep.tr {kind}", extensions, self.islem_ca, kind)

    @cache  # noqa: B019
    def person(self, kind: str) -> Holder:
        """A person's qualified certificate."""
        return self._leaf(f"Ayşe Işık {kind}", forge.PERSON_EXTENSIONS, self.eshs_ca, kind, serial="12345678950")

    @cache  # noqa: B019
    def tsa(self, kind: str) -> Holder:
        """A time-stamp authority's key, with critical timeStamping usage."""
        return self._leaf(f"Damga {kind}", forge.STAMPER_EXTENSIONS, self.tsa_ca, kind)

    @cache  # noqa: B019
    def tsa_with(self, *, purposes: tuple[x509.ObjectIdentifier, ...], critical: bool) -> Holder:
        """An authority whose certificate says another purpose, or not critically."""
        usage = [forge.purposes(*purposes, critical=critical)] if purposes else []
        label = f"Damga {critical} {' '.join(one.dotted_string for one in purposes)}"
        return self._leaf(label, [forge.constraints(False), *usage], self.tsa_ca, "p256")

    def stamper(self, kind: str = "p256", **faults: object) -> LocalStamper:
        """A stamper of the right world; faults go to `Authority`."""
        return LocalStamper(Authority(self.tsa(kind), **faults))  # type: ignore[arg-type]

    def _leaf(
        self, common_name: str, extensions: object, issuer: Made, kind: str, *, serial: str = "", days: int = 365
    ) -> Holder:
        made = forge.make(
            forge.name(common_name, serial),
            extensions,  # type: ignore[arg-type]
            issuer=issuer,
            holder=forge.key(f"pki {self.label} {common_name}", kind),
            not_after=NOW + timedelta(days=days),
        )
        return Holder(made, (issuer.raw,))


TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


@cache
def pki(label: str = "ours") -> Pki:
    """One world per label for the whole run. Another label gives another world with the same names."""
    return Pki(label)
