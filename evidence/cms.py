"""SignedData with one signer (RFC 5652), read strictly, for signatures and time-stamps alike.

Only one shape is let through: one SignerInfo, named by issuer and serial, with signed attributes in DER order, its
certificate carried, nothing by halves. Several signers, attribute certificates, a signature without signed attributes
and its like are refused by name, because each is a known way to make two readers see two things (V-060). What the
attributes must say is the caller's rule: `evidence.cades` for signatures, `evidence.timestamp` for tokens.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from evidence import der
from evidence.algorithms import AlgorithmRefused, Scheme, is_signed, read_digest, read_scheme, weakness
from evidence.carried import MAX_CARRIED, Certificate, cut
from evidence.der import DerRefused, Node
from evidence.refusals import CmsRefused

MAX_BYTES = 4 * 1024 * 1024
"""A detached signature with its chain and revocation data stays far below."""
SIGNED_DATA, DATA = "1.2.840.113549.1.7.2", "1.2.840.113549.1.7.1"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_TIME, COUNTER_SIGNATURE = "1.2.840.113549.1.9.5", "1.2.840.113549.1.9.6"
SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
ALGORITHM_PROTECTION, SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.52", "1.2.840.113549.1.9.16.2.14"
_SIGNED_DATA_OID = der.oid(SIGNED_DATA)


@dataclass(frozen=True, slots=True, eq=False)
class SignedData:
    """One signed message in pieces; `_raw` fields are exact bytes with tag and length."""

    version: int
    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    carries_revocation: bool
    signer: Certificate
    digest: str
    digest_identifier_raw: bytes
    scheme: Scheme
    signature_identifier_raw: bytes
    signature: bytes
    attributes: dict[str, Node]
    """Signed attribute OID to its single value."""
    signed_attributes: bytes
    """As signed: the SET OF with tag 31."""
    unsigned: dict[str, Node]
    """Unsigned attribute OID to its single value."""
    before_signer: bytes
    signer_fields: bytes
    """What stands in SignedData before the SignerInfos, and inside SignerInfo before unsigned attributes."""

    def is_signed(self) -> bool:
        """Whether the signature value is that of the signer's key over the signed attributes."""
        return is_signed(self.signer.key, self.scheme, self.signature, self.signed_attributes)

    def content_digest(self) -> bytes:
        """The digest of the encapsulated content, by the signer's algorithm."""
        return hashlib.new(self.digest, self.content or b"").digest()


def parse(raw: bytes, *, max_bytes: int = MAX_BYTES) -> SignedData:
    """The pieces of a ContentInfo that holds SignedData. CmsRefused, whose `reason` names the first broken rule."""
    try:
        return _parse(raw, max_bytes)
    except AlgorithmRefused as refusal:
        raise CmsRefused(refusal.reason) from refusal
    except DerRefused as refusal:
        raise CmsRefused("not-der", detail=refusal.reason) from refusal


def _parse(raw: bytes, max_bytes: int) -> SignedData:
    kind, wrapped = der.read(raw, max_bytes=max_bytes).parts(der.SEQUENCE, 2)
    if kind.raw != _SIGNED_DATA_OID:
        raise CmsRefused("not-signed-data")
    body = wrapped.parts(0xA0, 1)[0]
    parts = body.expect(der.SEQUENCE).children
    if len(parts) < 4:
        raise CmsRefused("certificate-missing" if len(parts) == 3 else "not-der")
    version, digests, encapsulated = parts[0].as_integer(), parts[1].expect(der.SET).children, parts[2]
    content_type, content = _content(encapsulated)
    if version != (1 if content_type == DATA else 3):
        raise CmsRefused("version")
    if parts[3].tag != 0xA0:
        raise CmsRefused("certificate-missing")
    certificates = _certificates(parts[3])
    rest = parts[4:]
    revocation = len(rest) == 2 and rest[0].tag == 0xA1
    if revocation:
        der.check_all(rest[0])
    if len(rest) != 1 + revocation:
        raise CmsRefused("not-der")
    signers = rest[-1].expect(der.SET).children
    if len(signers) != 1:
        raise CmsRefused("signer-count", count=len(signers))
    return _read_signer(
        signers[0],
        version=version,
        digests=digests,
        content_type=content_type,
        content=content,
        certificates=certificates,
        carries_revocation=revocation,
        before_signer=body.source[body.body : rest[-1].start],
    )


def _content(encapsulated: Node) -> tuple[str, bytes | None]:
    parts = encapsulated.expect(der.SEQUENCE).children
    if len(parts) == 1:
        return parts[0].as_oid(), None
    if len(parts) != 2:
        raise CmsRefused("not-der")
    return parts[0].as_oid(), parts[1].parts(0xA0, 1)[0].as_octets()


def _certificates(bag: Node) -> tuple[bytes, ...]:
    members = bag.children
    if not members:
        raise CmsRefused("certificate-missing")
    if len(members) > MAX_CARRIED:
        raise CmsRefused("too-many-certificates")
    if any(member.tag != der.SEQUENCE for member in members):
        raise CmsRefused("certificate-kind")
    raws = tuple(member.raw for member in members)
    if len(set(raws)) != len(raws):
        raise CmsRefused("certificate-twice")
    return raws


def _read_signer(
    node: Node,
    *,
    version: int,
    digests: tuple[Node, ...],
    content_type: str,
    content: bytes | None,
    certificates: tuple[bytes, ...],
    carries_revocation: bool,
    before_signer: bytes,
) -> SignedData:
    fields = node.expect(der.SEQUENCE).children
    if len(fields) < 5:
        raise CmsRefused("not-der")
    if fields[1].tag != der.SEQUENCE:
        raise CmsRefused("signer-identifier")
    if fields[0].as_integer() != 1:
        raise CmsRefused("signer-version")
    if fields[3].tag != 0xA0:
        raise CmsRefused("signed-attributes-missing")
    digest = read_digest(fields[2])
    if [one.raw for one in digests] != [fields[2].raw]:
        raise CmsRefused("digest-algorithms")
    scheme = read_scheme(fields[4])
    if len(fields) not in (6, 7):
        raise CmsRefused("not-der")
    if scheme.digest not in ("", digest):
        raise CmsRefused("digest-algorithms")
    signer = _find(certificates, fields[1])
    if weak := weakness(signer.key):
        raise CmsRefused(weak)
    return SignedData(
        version=version,
        content_type=content_type,
        content=content,
        certificates=certificates,
        carries_revocation=carries_revocation,
        signer=signer,
        digest=digest,
        digest_identifier_raw=fields[2].raw,
        scheme=Scheme(scheme.family, digest, scheme.salt),
        signature_identifier_raw=fields[4].raw,
        signature=fields[5].as_octets(),
        attributes=_attributes(fields[3], ordered=True),
        signed_attributes=b"\x31" + fields[3].raw[1:],
        unsigned=_attributes(fields[6], ordered=False) if len(fields) == 7 else {},
        before_signer=before_signer,
        signer_fields=node.source[node.body : fields[5].end],
    )


def _find(certificates: tuple[bytes, ...], identifier: Node) -> Certificate:
    issuer, serial = (part.raw for part in identifier.parts(der.SEQUENCE, 2))
    found = [
        certificate
        for certificate in map(cut, certificates)
        if certificate.serial == serial and certificate.issuer == issuer
    ]
    if len(found) != 1:
        raise CmsRefused("certificate-missing")
    return found[0]


def _attributes(node: Node, *, ordered: bool) -> dict[str, Node]:
    """OID to value. Each attribute once, with one value; the signed ones in DER order, because they are re-tagged."""
    node.expect(0xA0 if ordered else 0xA1)
    attributes = node.children
    if not attributes:
        raise CmsRefused("not-der")
    if ordered and not der.is_sorted(attributes):
        raise CmsRefused("attributes-not-sorted")
    found: dict[str, Node] = {}
    for attribute in attributes:
        oid, values = attribute.parts(der.SEQUENCE, 2)
        name, members = oid.as_oid(), values.expect(der.SET).children
        if name in found or len(members) != 1:
            raise CmsRefused("attribute-twice", oid=name)
        found[name] = members[0]
    return found


# --- writing ---------------------------------------------------------------------------------------------------


def attribute(oid: str, value: bytes) -> bytes:
    """One attribute with one value."""
    return der.seq(der.oid(oid), der.tlv(der.SET, value))


def signer_info(
    signer: Certificate, digest_identifier: bytes, attributes: bytes, identifier: bytes, signature: bytes
) -> bytes:
    """The fields of a SignerInfo up to the signature; `attributes` as signed (tag 31)."""
    return b"".join(
        (
            b"\x02\x01\x01",
            der.seq(signer.issuer, signer.serial),
            digest_identifier,
            b"\xa0" + attributes[1:],
            identifier,
            der.octets(signature),
        )
    )


def before_signer(
    version: int, digest_identifier: bytes, encapsulated: bytes, certificates: tuple[bytes, ...]
) -> bytes:
    """The fields of a SignedData up to the SignerInfos, the certificate bag in DER order."""
    return b"".join(
        (
            der.integer(version),
            der.tlv(der.SET, digest_identifier),
            encapsulated,
            der.explicit(0, *sorted(certificates)),
        )
    )


def assemble(before: bytes, signer_fields: bytes, unsigned: tuple[bytes, ...] = ()) -> bytes:
    """The whole ContentInfo from the two halves and the unsigned attributes."""
    trailer = der.explicit(1, *sorted(unsigned)) if unsigned else b""
    signers = der.tlv(der.SET, der.seq(signer_fields, trailer))
    return der.seq(_SIGNED_DATA_OID, der.explicit(0, der.seq(before, signers)))


def signing_certificate_v2(certificates: tuple[Certificate, ...], digests: tuple[bytes, ...]) -> bytes:
    """The value of signing-certificate-v2: the signer first, then whom else it shall bind. SHA-256 is the DEFAULT."""
    return der.seq(
        der.seq(
            *(
                der.seq(der.octets(digest), der.seq(der.seq(der.explicit(4, one.issuer)), one.serial))
                for one, digest in zip(certificates, digests, strict=True)
            )
        )
    )


def check_signing_certificate(value: Node, signer: Certificate, certificates: tuple[bytes, ...]) -> None:
    """The ESS rule: the first entry is the signer; when others follow, every certificate carried is among them.

    So whoever binds the chain binds all of it, and a changed byte in an intermediate is seen. CmsRefused
    (`signing-certificate`), AlgorithmRefused, DerRefused.
    """
    _check_bound(value.raw, signer.raw, certificates)


@lru_cache(maxsize=512)
def _check_bound(raw: bytes, signer: bytes, certificates: tuple[bytes, ...]) -> None:
    """The rule over bytes; an answer without refusal is remembered, since one signer binds the same again and again."""
    value = der.read(raw)
    parts = value.expect(der.SEQUENCE).children
    if len(parts) not in (1, 2):
        raise CmsRefused("signing-certificate")
    if len(parts) == 2:
        der.check_all(parts[1].expect(der.SEQUENCE))
    entries = parts[0].expect(der.SEQUENCE).children
    if not 1 <= len(entries) <= MAX_CARRIED:
        raise CmsRefused("signing-certificate")
    known = {raw: cut(raw) for raw in certificates}
    bound = [_bound(entry, list(known.values())) for entry in entries]
    if bound[0] is None or bound[0].raw != signer:
        raise CmsRefused("signing-certificate")
    if len(entries) > 1 and any(one not in bound for one in known.values()):
        raise CmsRefused("signing-certificate")


def _bound(entry: Node, certificates: list[Certificate]) -> Certificate | None:
    """The certificate an ESSCertIDv2 names, None if it is not carried."""
    parts = list(entry.expect(der.SEQUENCE).children)
    digest = "sha256"
    if parts and parts[0].tag == der.SEQUENCE:
        digest = read_digest(parts.pop(0))
    if len(parts) not in (1, 2):
        raise CmsRefused("signing-certificate")
    value = parts[0].as_octets()
    found = next((one for one in certificates if hashlib.new(digest, one.raw).digest() == value), None)
    if found is None or len(parts) == 1:
        return found
    if parts[1].raw != der.seq(der.seq(der.explicit(4, found.issuer)), found.serial):
        raise CmsRefused("signing-certificate")
    return found


def check_algorithm_protection(signed: SignedData) -> None:
    """CMSAlgorithmProtection, where present, names exactly the algorithms used (RFC 6211). CmsRefused otherwise."""
    value = signed.attributes.get(ALGORITHM_PROTECTION)
    if value is None:
        return
    expected = der.seq(signed.digest_identifier_raw, b"\xa1" + signed.signature_identifier_raw[1:])
    if value.raw != expected:
        raise CmsRefused("algorithm-protection")
