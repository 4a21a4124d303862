"""What an ASiC container says about its members: the manifest, the list for sha256sum, certificates in PEM.

Each has one spelling, so that a reader makes it again from the members and compares every byte. The manifest is one
line and its own canonical form (EN 319 162-1); `mimetype`, the manifest itself and its signature are not listed. No
Django here.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from guards.errors import KepError

MANIFEST: Final = "META-INF/ASiCManifest.xml"
SIGNATURE: Final = "META-INF/signature.p7s"

_TYPES: Final = {
    "eml": "message/rfc822",
    "xml": "application/xml",
    "pem": "application/x-pem-file",
    "ocsp": "application/ocsp-response",
    "crl": "application/pkix-crl",
    "bin": "application/octet-stream",
    "tst": "application/vnd.etsi.timestamp-token",
    "txt": "text/plain",
    "sha256": "text/plain",
}


class BundleRefused(KepError):
    """Not a bundle in our spelling, or content no bundle can be made of. Fact `member` names the part at fault."""

    code = "DEL-10"
    user_message = (
        "Delil paketi bozuk ya da eksik ({member}). Bu dosyaya dayanmayın; paketi KEP hesabınızdan yeniden indirin."
    )

    def __init__(self, reason: str, *, member: str) -> None:
        super().__init__(reason, member=member)
        self.member = member


def manifest(listed: Sequence[tuple[str, str]]) -> bytes:
    """One canonical line (EN 319 162-1): the signature, then every member with its SHA-256 in base64."""
    ds = ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
    pieces = [
        '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#">'
        f'<asic:SigReference MimeType="application/pkcs7-signature" URI="{SIGNATURE}"></asic:SigReference>'
    ]
    for name, value in listed:
        pieces.append(
            f'<asic:DataObjectReference MimeType="{_TYPES[name.rpartition(".")[2]]}" URI="{name}">'
            f'<ds:DigestMethod{ds} Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
            f"<ds:DigestValue{ds}>{value}</ds:DigestValue></asic:DataObjectReference>"
        )
    return "".join([*pieces, "</asic:ASiCManifest>"]).encode("ascii")


def digests(members: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """Each member's SHA-256 in base64."""
    return [(name, base64.b64encode(hashlib.sha256(raw).digest()).decode("ascii")) for name, raw in members]


def digest_list(members: Iterable[tuple[str, bytes]]) -> bytes:
    """The lines sha256sum reads."""
    return "".join(f"{hashlib.sha256(raw).hexdigest()}  {name}\n" for name, raw in members).encode("ascii")


def to_pem(certificates: Iterable[bytes]) -> bytes:
    """DER certificates as PEM, one after another."""
    pieces = []
    for der in certificates:
        packed = base64.b64encode(der).decode("ascii")
        lines = "".join(f"{packed[at : at + 64]}\n" for at in range(0, len(packed), 64))
        pieces.append(f"-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n")
    return "".join(pieces).encode("ascii")


_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\n([0-9A-Za-z+/=\n]+)-----END CERTIFICATE-----\n")


def from_pem(raw: bytes) -> tuple[bytes, ...]:
    """The certificates of a PEM member written by `to_pem`."""
    certificates = []
    for found in _PEM.finditer(raw):
        with suppress(binascii.Error):  # damaged beyond reading: as if it were not there; the digests name the member
            certificates.append(base64.b64decode(found[1]))
    return tuple(certificates)


_LISTED = re.compile(
    r'URI="([^"]*)"><ds:DigestMethod[^>]*></ds:DigestMethod><ds:DigestValue[^>]*>([0-9A-Za-z+/=]{44})<'
)


def changed_members(given: bytes, members: Sequence[tuple[str, bytes]]) -> tuple[str, ...]:
    """The members whose digest is not the listed one. A manifest that differs in anything else is refused."""
    own = digests(members)
    if manifest(own) == given:
        return ()
    listed = _LISTED.findall(given.decode("latin-1"))
    if [name for name, _ in listed] != [name for name, _ in own]:
        raise BundleRefused("the manifest lists other members", member=MANIFEST)
    if manifest(listed) != given:
        raise BundleRefused("the manifest is in another form", member=MANIFEST)
    return tuple(name for (name, value), (_, said) in zip(own, listed, strict=True) if value != said)
