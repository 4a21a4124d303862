"""What the demo PKI's authorities say about their certificates: OCSP answers and CRLs.

Both come from `index.json`, re-read whenever the file has changed, so that a revocation written by `demo.pki.revoke` in
another process is told at the next question. An OCSP answer lives ten minutes, echoes the nonce and names the issuer by
whatever hash the question used; it carries the certificate of the authority's own delegated responder. A CRL is signed
once an hour and lives a day; a revocation drops the one that is kept.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.hashes import Hash
from cryptography.x509 import ocsp

from demo import pki_store as store
from demo.pki_store import Index, PrivateKey, config
from evidence import der


@dataclass(frozen=True)
class _KeptList:
    """A signed CRL, when it was made, and the index it was made from."""

    raw: bytes
    made_at: datetime
    index: Index


class Records:
    """The index as it stands on disk now."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: tuple[int, int, int] | None = None
        self._index = Index()

    def current(self) -> Index:
        """The index, the same object until the file changes. OSError if it is gone."""
        stat = (store.folder_of(self._directory) / "index.json").stat()
        seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if seen != self._seen:
            self._index = store.read_index(self._directory)
            self._seen = seen
        return self._index


class Authority:
    """One authority at the counter: answers about what it issued, and lists what it revoked."""

    def __init__(self, name: str, directory: Path, records: Records) -> None:
        folder = store.folder_of(directory)
        self.name, self._records = name, records
        self.certificate = store.read_certificate(folder / f"{name}.pem")
        self._key = store.read_key(folder / "private" / f"{name}.key")
        self._responder = store.read_certificate(folder / f"ocsp-{name}.pem")
        self._responder_key = store.read_key(folder / "private" / f"ocsp-{name}.key")
        self._names = _IssuerHashes(self.certificate)
        self._kept: _KeptList | None = None

    def answer(self, request: bytes, now: datetime) -> bytes:
        """An OCSPResponse to any bytes: malformed, unauthorized (another issuer), or good, revoked or unknown."""
        try:
            asked = ocsp.load_der_ocsp_request(request)
            named, serial = (asked.issuer_name_hash, asked.issuer_key_hash), asked.serial_number
            algorithm, extensions = asked.hash_algorithm, asked.extensions
        except (ValueError, NotImplementedError, x509.DuplicateExtension):
            return _unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        if named != self._names.by(algorithm):
            return _unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        index = self._records.current()
        entry, revoked = index.issued.get(serial), index.revoked.get(serial)
        status = ocsp.OCSPCertStatus.GOOD
        if entry is None or entry.ca != self.name:
            status, revoked = ocsp.OCSPCertStatus.UNKNOWN, None
        elif revoked is not None:
            status = ocsp.OCSPCertStatus.REVOKED
        this_update = now.replace(microsecond=0)
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                *named,
                serial,
                algorithm,
                status,
                this_update,
                this_update + timedelta(minutes=config()["revocation"]["ocsp_minutes"]),
                revoked.at if revoked else None,
                x509.ReasonFlags(revoked.reason) if revoked else None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self._responder)
            .certificates([self._responder])
        )
        for extension in extensions:
            if isinstance(extension.value, x509.OCSPNonce):
                builder = builder.add_extension(extension.value, False)
        return builder.sign(self._responder_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def revocation_list(self, now: datetime) -> bytes:
        """The CRL: the kept one for an hour, a new one as soon as the index has changed."""
        index = self._records.current()
        fresh_for = timedelta(minutes=config()["revocation"]["crl_cached_minutes"])
        kept = self._kept
        if kept is None or kept.index.revoked != index.revoked or not timedelta(0) <= now - kept.made_at < fresh_for:
            kept = self._kept = _KeptList(_sign_list(self.certificate, self._key, self.name, index, now), now, index)
        return kept.raw


class _IssuerHashes:
    """The issuer's name and key under any hash a question may use (RFC 6960, 4.1.1)."""

    def __init__(self, issuer: x509.Certificate) -> None:
        self._name = issuer.subject.public_bytes()
        spki = issuer.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._key = der.read(spki).parts(der.SEQUENCE, 2)[1].as_bits()

    def by(self, algorithm: hashes.HashAlgorithm) -> tuple[bytes, bytes]:
        """Name hash and key hash."""
        return _digest(self._name, algorithm), _digest(self._key, algorithm)


def _digest(octets: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    hasher = Hash(algorithm)
    hasher.update(octets)
    return hasher.finalize()


def _unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(serialization.Encoding.DER)


def _sign_list(issuer: x509.Certificate, key: PrivateKey, name: str, index: Index, now: datetime) -> bytes:
    this_update = now.replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(this_update)
        .next_update(this_update + timedelta(hours=config()["revocation"]["crl_hours"]))
        .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False)
    )
    for serial, revocation in index.revoked.items():
        entry = index.issued.get(serial)
        if entry is not None and entry.ca == name:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(revocation.at)
                .add_extension(x509.CRLReason(x509.ReasonFlags(revocation.reason)), False)
                .build()
            )
    algorithm = hashes.SHA384() if name == "root" else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.DER)
