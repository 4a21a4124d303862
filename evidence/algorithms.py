"""Which algorithms exist for us, how DER and XML name them, and the one place that checks a signature value.

Algorithms are data: two ways to sign (`KeyAlgorithm`), and a slightly wider list that we read in signatures of others.
SHA-1 and shorter are refused by having no row here, RSA below 2048 bits and curves other than P-256 and P-384 by
`weakness` (V-091, K-107, S-005). An identifier has exactly the spellings listed; anything else is not that algorithm.
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from evidence import der
from evidence.der import DerRefused, Node

MIN_RSA_BITS, MAX_RSA_BITS = 2048, 16384
_NULL = der.null()


class KeyAlgorithm(Enum):
    """How a key of ours signs. The value is the URI that `ds:SignatureMethod` carries."""

    RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    P256_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"

    @property
    def identifier(self) -> bytes:
        """The AlgorithmIdentifier of the signature, as we write it in CMS."""
        return _SHA256_WITH_RSA if self is KeyAlgorithm.RSA_SHA256 else _ECDSA_WITH_SHA256


class Signer(Protocol):
    """A key that is open and ready, with its certificate. Made by `evidence.keys` only."""

    @property
    def certificate(self) -> bytes:
        """DER of the certificate that belongs to the key."""

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER of the certificates above it, its issuer first, without the root."""

    @property
    def algorithm(self) -> KeyAlgorithm:
        """How `sign` signs."""

    def sign(self, octets: bytes) -> bytes:
        """Signature over SHA-256 of `octets`: RSA PKCS #1 v1.5 as it is, ECDSA as the DER SEQUENCE of r and s."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a signature AlgorithmIdentifier says: `family` is RSA, RSA-PSS or ECDSA, `digest` a name of `DIGESTS`.

    `digest` is empty where the identifier leaves it to another field (rsaEncryption in CMS).
    """

    family: str
    digest: str
    salt: int = 0


DIGESTS: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "sha256": ("2.16.840.1.101.3.4.2.1", hashes.SHA256()),
    "sha384": ("2.16.840.1.101.3.4.2.2", hashes.SHA384()),
    "sha512": ("2.16.840.1.101.3.4.2.3", hashes.SHA512()),
}
"""Digest name (as hashlib knows it) to OID and the object `cryptography` wants."""
SHA1_OIDS = frozenset({"1.3.14.3.2.26", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1", "1.3.14.3.2.29"})
_DIGEST_OF_OID = {oid: name for name, (oid, _) in DIGESTS.items()}
_RSA_ENCRYPTION, _RSA_PSS, _MGF1 = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8"
_RSA_WITH = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
_ECDSA_WITH = {"1.2.840.10045.4.3.2": "sha256", "1.2.840.10045.4.3.3": "sha384", "1.2.840.10045.4.3.4": "sha512"}
_SHA256_WITH_RSA = der.seq(der.oid("1.2.840.113549.1.1.11"), _NULL)
_ECDSA_WITH_SHA256 = der.seq(der.oid("1.2.840.10045.4.3.2"))
SHA256_IDENTIFIER = der.seq(der.oid(DIGESTS["sha256"][0]))
"""As we write it in CMS: without parameters (RFC 5754, 2)."""
_PKCS1 = padding.PKCS1v15()
_ECDSA = {name: ec.ECDSA(algorithm) for name, (_, algorithm) in DIGESTS.items()}


class AlgorithmRefused(DerRefused):
    """An algorithm we do not know or no longer trust. `reason` is `sha1` or `unknown-algorithm`."""

    code = "IMZ-63"
    user_message = (
        "İmza, artık güvenilmeyen ya da tanınmayan bir algoritmayla atılmış. Taslağınız duruyor. "
        "Güncel bir sertifika ve imza programıyla yeniden imzalayın."
    )


def read_digest(node: Node) -> str:
    """The digest name of an AlgorithmIdentifier, parameters absent or NULL. Raises AlgorithmRefused, DerRefused."""
    return _digest_named(node.raw)


@lru_cache(maxsize=64)
def _digest_named(raw: bytes) -> str:
    oid, parameters = _identifier(der.read(raw))
    name = _DIGEST_OF_OID.get(oid)
    if name is None:
        raise _refused(oid)
    if parameters is not None and parameters.raw != _NULL:
        raise AlgorithmRefused("unknown-algorithm", oid=oid)
    return name


def read_scheme(node: Node) -> Scheme:
    """The scheme of a signature AlgorithmIdentifier. Raises AlgorithmRefused, DerRefused."""
    return _scheme_named(node.raw)


@lru_cache(maxsize=64)
def _scheme_named(raw: bytes) -> Scheme:
    oid, parameters = _identifier(der.read(raw))
    if oid in _ECDSA_WITH and parameters is None:
        return Scheme("ECDSA", _ECDSA_WITH[oid])
    if oid == _RSA_PSS and parameters is not None:
        return _read_pss(parameters)
    if parameters is not None and parameters.raw == _NULL:
        if oid in _RSA_WITH:
            return Scheme("RSA", _RSA_WITH[oid])
        if oid == _RSA_ENCRYPTION:
            return Scheme("RSA", "")
    raise _refused(oid)


def _read_pss(parameters: Node) -> Scheme:
    """RSASSA-PSS with hash, MGF1 of the same hash and salt length all stated (defaults would mean SHA-1)."""
    hash_node, mask_node, salt_node = parameters.parts(der.SEQUENCE, 3)
    digest = read_digest(hash_node.parts(0xA0, 1)[0])
    mask_oid, mask_digest = _identifier(mask_node.parts(0xA1, 1)[0])
    if mask_oid != _MGF1 or mask_digest is None or read_digest(mask_digest) != digest:
        raise AlgorithmRefused("unknown-algorithm", oid=_RSA_PSS)
    salt = salt_node.parts(0xA2, 1)[0].as_integer()
    if not 0 <= salt <= 64:
        raise AlgorithmRefused("unknown-algorithm", oid=_RSA_PSS)
    return Scheme("RSA-PSS", digest, salt)


def _identifier(node: Node) -> tuple[str, Node | None]:
    parts = node.expect(der.SEQUENCE).children
    if not 1 <= len(parts) <= 2:
        raise DerRefused("not an algorithm identifier", at=node.start)
    return parts[0].as_oid(), parts[1] if len(parts) == 2 else None


def _refused(oid: str) -> AlgorithmRefused:
    return AlgorithmRefused("sha1" if oid in SHA1_OIDS else "unknown-algorithm", oid=oid)


def weakness(key: PublicKeyTypes) -> str:
    """Why this key is not good enough, or an empty string."""
    if isinstance(key, rsa.RSAPublicKey):
        return "" if MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS else "rsa-key-size"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "" if isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1) else "curve"
    return "key-kind"


def algorithm_of(key: PublicKeyTypes) -> KeyAlgorithm | None:
    """How one of our keys of this kind signs; None for a kind we do not sign with."""
    if weakness(key):
        return None
    if isinstance(key, rsa.RSAPublicKey):
        return KeyAlgorithm.RSA_SHA256
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return KeyAlgorithm.P256_SHA256
    return None


def is_signed(key: PublicKeyTypes, scheme: Scheme, signature: bytes, octets: bytes) -> bool:
    """Whether `signature` is that of `key` over `octets`. False also when key and scheme are of different families."""
    algorithm = DIGESTS[scheme.digest][1]
    try:
        if isinstance(key, rsa.RSAPublicKey) and scheme.family == "RSA":
            key.verify(signature, octets, _PKCS1, algorithm)
        elif isinstance(key, rsa.RSAPublicKey) and scheme.family == "RSA-PSS":
            key.verify(signature, octets, padding.PSS(padding.MGF1(algorithm), scheme.salt), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and scheme.family == "ECDSA":
            key.verify(signature, octets, _ECDSA[scheme.digest])
        else:
            return False
    except InvalidSignature:
        return False
    return True


def plain_ecdsa(signature: bytes) -> bytes:
    """r and s of 32 bytes each, as XML signatures want them, from the DER SEQUENCE. DerRefused if it is none."""
    r, s = (number.as_integer() for number in der.read(signature).parts(der.SEQUENCE, 2))
    if not (0 < r < 1 << 256 and 0 < s < 1 << 256):
        raise DerRefused("not a P-256 signature", at=0)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def der_ecdsa(signature: bytes) -> bytes:
    """The DER SEQUENCE of r and s, as CMS wants it, from the plain form of XML and PKCS #11."""
    half = len(signature) // 2
    return der.seq(
        der.integer(int.from_bytes(signature[:half], "big")), der.integer(int.from_bytes(signature[half:], "big"))
    )
