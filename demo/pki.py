"""The demo PKI: a whole certificate world for one machine, made on the first start and found again on the next.

    root (P-384, 20 years)
      eshs-ca    persons' qualified certificates      people/<slug>.p12
      islem-ca   providers' işlem certificates        islem-hs01.pem, islem-hs01-2.pem, ... with .key
      tsa-ca     time-stamping certificates           tsa.pem (P-256), tsa-rsa.pem
    and for each of the four an OCSP responder        ocsp-<ca>.pem

All below `<directory>/pki`. An `<ca>.pem` is also the chain file of what that authority issued (issuer first, no root).
Keys of işlem certificates lie beside them, so that one file can be handed to the sealing worker; all other keys are in
`private/`. The same names come out in every directory with other keys: two directories are two PKIs that only a
fingerprint can tell apart, which is what tests of a forged world need. Production never imports this package.
"""

import argparse
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import AuthorityInformationAccessOID

from demo import pki_profiles as profiles
from demo import pki_store as store
from demo.pki_profiles import Draft, Fault
from demo.pki_store import DEFAULT_PORT, DemoPkiDamaged, DemoPkiError, Entry, Index, PrivateKey, Revocation

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
PROVIDER = re.compile(r"hs[0-9]{2}")
KEYS = ("p256", "p384", "rsa1024", "rsa2048", "rsa3072", "rsa4096")


class AlreadyIssued(DemoPkiError):
    """The short name belongs to another person's token, or its PIN is another. Fact: `slug`."""

    code = "DPK-03"
    user_message = "“{slug}” adıyla başka bir e-imza dosyası var."


class UnknownSerial(DemoPkiError):
    """No certificate with this serial number was issued here. Fact: `serial` (hex)."""

    code = "DPK-04"
    user_message = "Bu seri numarasıyla verilmiş bir deneme sertifikası yok."


@dataclass(frozen=True)
class Issued:
    """A certificate with its private key, held in memory only."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def der(self) -> bytes:
        """The certificate's bytes."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


def ensure(
    directory: Path,
    *,
    providers: Iterable[str] = ("hs01", "hs02"),
    port: int | None = None,
    now: datetime | None = None,
    transaction_key: str = "p256",
    timestamp_key: str = "p256",
) -> Path:
    """Make what is missing below `directory` and return the PKI's folder; a second call changes nothing.

    A leaf whose time is over is missing too.

    `port` is where `demo.pki_server` will answer, written into certificates issued from now on; left out, it stays as
    it was (8030 at first).
    `transaction_key` is the kind of the işlem keys made by this call (`p256`, or `rsa2048` for the bench), and
    `timestamp_key` that of the authority at `/tsa`.
    Refused: ValueError for a provider that is no `hsNN`; `DemoPkiDamaged` where a file others depend on is gone.
    """
    moment = now or datetime.now(UTC)
    with store.locked(directory) as folder:
        index = store.read_index(directory)
        if port is not None and port != index.port:
            index.port = port
            store.write_index(directory, index)
        for name in profiles.AUTHORITIES:
            _ensure_authority(directory, index, name, moment)
        for name in profiles.AUTHORITIES:
            key = folder / "private" / f"ocsp-{name}.key"
            _ensure_leaf(directory, index, f"ocsp-{name}", profiles.responder(name, moment), "p256", key)
        for name, kind in (("tsa", timestamp_key), ("tsa-rsa", "rsa2048")):
            key = folder / "private" / f"{name}.key"
            _ensure_leaf(directory, index, name, profiles.timestamp(name, moment), kind, key)
        for provider in providers:
            if not PROVIDER.fullmatch(provider):
                raise ValueError(f"not a provider code: {provider!r}")
            for number, name in ((1, f"islem-{provider}"), (2, f"islem-{provider}-2")):
                draft = profiles.transaction(provider, number, moment)
                _ensure_leaf(directory, index, name, draft, transaction_key, folder / f"{name}.key")
    return folder


def issue_person(
    directory: Path,
    slug: str,
    name: str,
    tckn: str,
    pin: str,
    *,
    key: str = "rsa2048",
    now: datetime | None = None,
    **faults: bool,
) -> Path:
    """A person's e-imza as `people/<slug>.p12` (with `people/<slug>.pem` beside it), opened by `pin`.

    Asked again for the same person, slug and PIN, it returns the file that is there. `faults` are the values of
    `Fault` set to True, such as `expired=True`. Refused: `AlreadyIssued` for a slug in use otherwise, ValueError for a
    malformed slug, an empty PIN, or a fault nobody knows.
    """
    if not SLUG.fullmatch(slug) or not pin:
        raise ValueError("a token needs a slug of small letters, digits and dashes, and a PIN")
    wanted = {Fault(fault) for fault, present in faults.items() if present}
    moment = now or datetime.now(UTC)
    with store.locked(directory) as folder:
        path = folder / "people" / f"{slug}.p12"
        draft = profiles.person(name, tckn, moment, wanted)
        if path.exists():
            _check_same_token(path, pin, draft, slug)
            return path
        index = store.read_index(directory)
        issued = _issue(directory, index, draft, _new_key("rsa1024" if Fault.WEAK_KEY in wanted else key), slug, wanted)
        if Fault.REVOKED in wanted:
            index.revoked[issued.certificate.serial_number] = Revocation(
                profiles.whole_seconds(moment), x509.ReasonFlags.key_compromise.value
            )
            store.write_index(directory, index)
        store.write_certificate(path.with_suffix(".pem"), issued.certificate)
        raw = pkcs12.serialize_key_and_certificates(
            name.encode(),
            issued.key,
            issued.certificate,
            [store.read_certificate(folder / f"{draft.ca}.pem")],
            serialization.BestAvailableEncryption(pin.encode()),
        )
        store.write(path, raw, mode=0o600)
    return path


def issue(
    directory: Path,
    kind: str,
    *,
    name: str = "",
    tckn: str = "",
    provider: str = "hs01",
    key: str | PrivateKey | None = None,
    now: datetime | None = None,
    faults: Collection[Fault] = (),
) -> Issued:
    """A certificate for a test, known to the responder but in no file; `kind`: `person`, `transaction`, `timestamp`.

    `key` is one of `KEYS`, or a key to certify; by default what the kind uses. Only persons know faults.
    ValueError for another kind.
    """
    moment = now or datetime.now(UTC)
    if kind == "person":
        draft = profiles.person(name, tckn, moment, faults)
    elif kind == "transaction":
        draft = profiles.transaction(provider, 1, moment)
    elif kind == "timestamp":
        draft = profiles.timestamp("tsa", moment)
    else:
        raise ValueError(f"no such kind of certificate: {kind!r}")
    usual = "rsa1024" if Fault.WEAK_KEY in faults else "rsa2048" if kind == "person" else "p256"
    held = _new_key(key or usual) if key is None or isinstance(key, str) else key
    with store.locked(directory):
        index = store.read_index(directory)
        issued = _issue(directory, index, draft, held, "", faults)
        if Fault.REVOKED in faults:
            serial = issued.certificate.serial_number
            index.revoked[serial] = Revocation(profiles.whole_seconds(moment), x509.ReasonFlags.key_compromise.value)
            store.write_index(directory, index)
    return issued


def revoke(
    directory: Path, serial: int, at: datetime | None = None, reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise
) -> None:
    """Write the certificate into its issuer's CRL and OCSP answers as revoked since `at` (now, if left out).

    A second revocation changes nothing: the first moment is the one that counts. `UnknownSerial` if it is not ours.
    """
    with store.locked(directory):
        index = store.read_index(directory)
        if serial not in index.issued:
            raise UnknownSerial("not issued here", serial=f"{serial:x}")
        if serial not in index.revoked:
            index.revoked[serial] = Revocation(profiles.whole_seconds(at or datetime.now(UTC)), reason.value)
            store.write_index(directory, index)


def serial_of(directory: Path, slug: str) -> int:
    """The serial number of `people/<slug>.pem`. `DemoPkiDamaged` if there is no such person."""
    return store.read_certificate(store.folder_of(directory) / "people" / f"{slug}.pem").serial_number


def _ensure_authority(directory: Path, index: Index, name: str, now: datetime) -> None:
    folder = store.folder_of(directory)
    path, key_path = folder / f"{name}.pem", folder / "private" / f"{name}.key"
    if path.exists() and key_path.exists():
        _check_issued_by(store.read_certificate(path), store.read_certificate(folder / "root.pem"), path.name)
        return
    if any(entry.ca == name and entry.slug != name for entry in index.issued.values()):
        raise DemoPkiDamaged("an authority that has issued certificates is gone", name=path.name)
    draft = profiles.authority(name, now)
    key = _new_key("p384" if name == "root" else "p256")
    store.write_key(key_path, key)
    issued = _issue(directory, index, draft, key, name, signing_key=key if name == "root" else None)
    store.write_certificate(path, issued.certificate)


def _ensure_leaf(directory: Path, index: Index, name: str, draft: Draft, key: str, key_path: Path) -> None:
    folder = store.folder_of(directory)
    path = folder / f"{name}.pem"
    if path.exists() and key_path.exists():
        present = store.read_certificate(path)
        _check_issued_by(present, store.read_certificate(folder / f"{draft.ca}.pem"), path.name)
        if present.not_valid_after_utc > draft.not_before:
            return
    issued = _issue(directory, index, draft, _new_key(key), name)
    store.write_key(key_path, issued.key)
    store.write_certificate(path, issued.certificate)


def _issue(
    directory: Path,
    index: Index,
    draft: Draft,
    key: PrivateKey,
    slug: str,
    faults: Collection[Fault] = (),
    signing_key: PrivateKey | None = None,
) -> Issued:
    """Sign the draft with its authority's key and enter it into the index, under the caller's lock."""
    folder = store.folder_of(directory)
    self_signed = signing_key is not None
    issuer_key = signing_key or store.read_key(folder / "private" / f"{draft.ca}.key")
    issuer_name = draft.subject if self_signed else store.read_certificate(folder / f"{draft.ca}.pem").subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(draft.subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(profiles.new_serial())
        .not_valid_before(draft.not_before)
        .not_valid_after(draft.not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    sources = _revocation_sources(draft.ca, index.port) if draft.points_to_revocation else ()
    for extension, critical in (*draft.extensions, *sources):
        builder = builder.add_extension(extension, critical)
    certificate = builder.sign(issuer_key, _hash_for(issuer_key))
    if Fault.BROKEN_SIGNATURE in faults:
        raw = certificate.public_bytes(serialization.Encoding.DER)
        certificate = x509.load_der_x509_certificate(raw[:-1] + bytes((raw[-1] ^ 1,)))
    index.issued[certificate.serial_number] = Entry(draft.ca, draft.kind, slug)
    store.write_index(directory, index)
    return Issued(certificate, key)


def _revocation_sources(ca: str, port: int) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    base = f"http://127.0.0.1:{port}"
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, url in (
            (AuthorityInformationAccessOID.OCSP, f"{base}/ocsp/{ca}"),
            (AuthorityInformationAccessOID.CA_ISSUERS, f"{base}/cer/{ca}.cer"),
        )
    ]
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(f"{base}/crl/{ca}.crl")], None, None, None)
    return (x509.AuthorityInformationAccess(access), False), (x509.CRLDistributionPoints([point]), False)


def _hash_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    """SHA-384 for the root's larger curve, SHA-256 for all others."""
    larger = isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size > 256
    return hashes.SHA384() if larger else hashes.SHA256()


def _new_key(kind: str) -> PrivateKey:
    if kind not in KEYS:
        raise ValueError(f"no such kind of key: {kind!r}")
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))  # 1024: the named fault, for tests
    return ec.generate_private_key(ec.SECP384R1() if kind == "p384" else ec.SECP256R1())


def _check_issued_by(certificate: x509.Certificate, issuer: x509.Certificate, name: str) -> None:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise DemoPkiDamaged("not issued by the authority that is here", name=name) from error


def _check_same_token(path: Path, pin: str, draft: Draft, slug: str) -> None:
    try:
        _, certificate, _ = pkcs12.load_key_and_certificates(path.read_bytes(), pin.encode())
    except ValueError as error:
        raise AlreadyIssued("the PIN does not open the token", slug=slug) from error
    if certificate is None or certificate.subject != draft.subject:
        raise AlreadyIssued("the token is another person's", slug=slug)


def main() -> None:
    """`python -m demo.pki --data DIR [--port N] [--provider hs01 ...]`: make what is missing and say where it is."""
    parser = argparse.ArgumentParser(prog="demo.pki", description="Make the demo PKI.")
    parser.add_argument("--data", type=Path, default=Path("var"))
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--provider", action="append", default=None)
    given = parser.parse_args()
    print(ensure(given.data, providers=given.provider or ("hs01", "hs02"), port=given.port))


if __name__ == "__main__":
    main()
