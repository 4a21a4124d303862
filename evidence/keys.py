"""The only file that opens a private key.

Two keystores, one promise: `open()` gives a `Signer` whose key has been seen to belong to its certificate, by one
signature made and verified at opening, so that a wrong label or a swapped file is found at start and not in a proof.
A key is opened once per process and kept; loading it again for each signature is what makes other signers slow
(measured.md). Only the sealing worker calls `open` (design.md 1.5, V-090).

PKCS #11 modules are not to be called from two threads: python-pkcs11 initialises them without locking, and two threads
ended in a segmentation fault (measured.md). One lock guards every call of every module in the process. A login belongs
to the process too: where the token says that the user is logged in already, the session is opened without a PIN.
"""

import hashlib
import os
import stat
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pkcs11
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from evidence.algorithms import KeyAlgorithm, Scheme, Signer, algorithm_of, der_ecdsa, is_signed
from evidence.carried import cut, path
from evidence.der import DerRefused
from evidence.refusals import BrokenChain, KeyRefused, KeyUnavailable

__all__ = ["FileKeystore", "KeyAlgorithm", "Keystore", "Pkcs11Keystore", "Signer"]

_MODULES = threading.Lock()
_PROBE = b"KEP: does this key belong to this certificate?"
_SCHEMES = {KeyAlgorithm.RSA_SHA256: Scheme("RSA", "sha256"), KeyAlgorithm.P256_SHA256: Scheme("ECDSA", "sha256")}


class Keystore(Protocol):
    """A place where a key lies."""

    def open(self) -> Signer:
        """The key, ready to sign. KeyRefused for a key that must not be used, KeyUnavailable for one out of reach."""


@dataclass(frozen=True)
class FileKeystore:
    """A PEM key file without passphrase, for the embedded profile: refused unless its owner alone can read it."""

    key_path: Path
    certificate_path: Path
    chain_paths: Sequence[Path] = ()

    def open(self) -> Signer:
        """See `Keystore.open`."""
        certificate, chain, algorithm = _certificates(self.certificate_path, self.chain_paths)
        raw = _private_bytes(Path(self.key_path))
        try:
            key = serialization.load_pem_private_key(raw, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyRefused("key-file") from error
        signer: Signer
        if isinstance(key, rsa.RSAPrivateKey) and algorithm is KeyAlgorithm.RSA_SHA256:
            signer = _RsaFileSigner(certificate, chain, key)
        elif isinstance(key, ec.EllipticCurvePrivateKey) and algorithm is KeyAlgorithm.P256_SHA256:
            signer = _EcFileSigner(certificate, chain, key)
        else:
            raise KeyRefused("key-does-not-fit")
        return _probed(signer)


@dataclass(frozen=True)
class Pkcs11Keystore:
    """A key in an HSM or SoftHSM, found by the labels of token and key."""

    module: Path
    token_label: str
    key_label: str
    pin: str = field(repr=False)
    certificate_path: Path
    chain_paths: Sequence[Path] = ()

    def open(self) -> Signer:
        """See `Keystore.open`. The signer keeps its session until `close`."""
        certificate, chain, algorithm = _certificates(self.certificate_path, self.chain_paths)
        with _MODULES:
            session = self._session()
            try:
                key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self.key_label)
            except (pkcs11.NoSuchKey, StopIteration, pkcs11.MultipleObjectsReturned) as error:
                session.close()
                raise KeyUnavailable("key-not-found", token=self.token_label, key=self.key_label) from error
        if not isinstance(key, pkcs11.SignMixin):
            raise KeyUnavailable("key-not-found", token=self.token_label, key=self.key_label)
        return _probed(Pkcs11Signer(certificate, chain, algorithm, session, key))

    def _session(self) -> pkcs11.Session:
        try:
            token = pkcs11.lib(str(self.module)).get_token(token_label=self.token_label)
            try:
                return token.open(user_pin=self.pin)
            except pkcs11.UserAlreadyLoggedIn:
                return token.open()
        except pkcs11.NoSuchToken as error:
            raise KeyUnavailable("token-not-found", token=self.token_label) from error
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinLocked) as error:
            raise KeyRefused("pin", token=self.token_label) from error
        except pkcs11.PKCS11Error as error:
            raise KeyUnavailable("module", token=self.token_label, detail=type(error).__name__) from error


@dataclass(frozen=True, eq=False)
class _RsaFileSigner:
    certificate: bytes
    chain: tuple[bytes, ...]
    _key: rsa.RSAPrivateKey = field(repr=False)
    algorithm: KeyAlgorithm = KeyAlgorithm.RSA_SHA256

    def sign(self, octets: bytes) -> bytes:
        return self._key.sign(octets, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True, eq=False)
class _EcFileSigner:
    certificate: bytes
    chain: tuple[bytes, ...]
    _key: ec.EllipticCurvePrivateKey = field(repr=False)
    algorithm: KeyAlgorithm = KeyAlgorithm.P256_SHA256

    def sign(self, octets: bytes) -> bytes:
        return self._key.sign(octets, ec.ECDSA(hashes.SHA256()))


class Pkcs11Signer:
    """A key inside a token. Signs one after the other, whatever thread asks."""

    def __init__(
        self,
        certificate: bytes,
        chain: tuple[bytes, ...],
        algorithm: KeyAlgorithm,
        session: pkcs11.Session,
        key: pkcs11.SignMixin,
    ) -> None:
        self.certificate = certificate
        self.chain = chain
        self.algorithm = algorithm
        self._session = session
        self._key = key

    def sign(self, octets: bytes) -> bytes:
        """See `Signer.sign`. KeyUnavailable when the token does not answer as it should."""
        with _MODULES:
            try:
                if self.algorithm is KeyAlgorithm.RSA_SHA256:
                    return bytes(self._key.sign(octets, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))
                digest = hashlib.sha256(octets).digest()
                return der_ecdsa(bytes(self._key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA)))
            except pkcs11.PKCS11Error as error:
                raise KeyUnavailable("token-did-not-sign", detail=type(error).__name__) from error

    def close(self) -> None:
        """End the session; the signer cannot sign afterwards."""
        with _MODULES, suppress(pkcs11.PKCS11Error):
            self._session.close()


def _certificates(certificate_path: Path, chain_paths: Sequence[Path]) -> tuple[bytes, tuple[bytes, ...], KeyAlgorithm]:
    """The key's certificate and those above it, seen to have signed one another; roots are left out."""
    (certificate, *beside), chain = _pem(Path(certificate_path)), []
    for raw in [*beside, *(raw for one in chain_paths for raw in _pem(Path(one)))]:
        if not cut(raw).is_self_issued:
            chain.append(raw)
    try:
        line = path(certificate, chain)
    except (BrokenChain, DerRefused) as error:
        raise KeyRefused("certificate-chain") from error
    if line != (certificate, *chain):
        raise KeyRefused("certificate-order")
    algorithm = algorithm_of(cut(certificate).key)
    if algorithm is None:
        raise KeyRefused("key-kind")
    return certificate, tuple(chain), algorithm


def _pem(source: Path) -> list[bytes]:
    try:
        found = x509.load_pem_x509_certificates(source.read_bytes())
    except OSError as error:
        raise KeyUnavailable("certificate-file", path=str(source)) from error
    except ValueError as error:
        raise KeyRefused("certificate-file", path=str(source)) from error
    return [one.public_bytes(serialization.Encoding.DER) for one in found]


def _private_bytes(source: Path) -> bytes:
    try:
        with source.open("rb") as stream:
            if stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077:
                raise KeyRefused("key-file-readable-by-others", path=str(source))
            return stream.read()
    except OSError as error:
        raise KeyUnavailable("key-file", path=str(source)) from error


def _probed(signer: Signer) -> Signer:
    """`signer`, once a signature of it was seen to verify with its certificate."""
    if not is_signed(cut(signer.certificate).key, _SCHEMES[signer.algorithm], signer.sign(_PROBE), _PROBE):
        raise KeyRefused("key-does-not-fit")
    return signer
