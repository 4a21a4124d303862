"""A `.p12` key file as a token.

Two things a card does for itself are done here. A `.p12` hides its certificate behind the PIN, so the
certificate is read from a file of the same name beside it (`ayse.p12` and `ayse.cer`, PEM or DER, issuers
after it); `kep-imza export` makes that file. And a `.p12` counts no tries, so this program does: three wrong
PINs and it will not open the file again until it is started anew. That is a brake on a person at the
keyboard, not on somebody who has a copy of the file.
"""

import re
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from signer.errors import KeyFileUnreadable, PinLocked, PinMissing, TokenMissing, UnusableKey, WrongPin
from signer.pin import Pin
from signer.token import Certificate, PinState, describe, verify

TRIES = 3
LARGEST = 1_048_576
COMPANIONS = (".cer", ".crt", ".pem")
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class KeyFileLocked(PinLocked):
    """Three wrong PINs in this run of the program."""

    user_message = (
        "Bu sertifika dosyası için üç kez yanlış PIN girildi; program kapatılıp açılana dek dosyayı açmayacak."
        " İletiniz taslakta duruyor."
    )


class Pkcs12Token:
    """See `Token`. The file is read at each use, so that a replaced file is seen."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wrong = 0
        self._one_at_a_time = threading.Lock()

    def certificates(self, *, now: datetime) -> tuple[Certificate, ...]:
        """See `Token`. Refuses with `KeyFileUnreadable` when no companion file shows the certificate."""
        leaf, *issuers = self._companion()
        found = describe(leaf, pool=issuers, held_by=self._path.name, pin=self._pin_state(), now=now)
        return () if found is None else (found,)

    def sign(self, certificate_id: str, octets: Sequence[bytes], pin: Pin | None) -> list[bytes]:
        """See `Token`. Whoever is locked out stays so even with the right PIN."""
        if pin is None:
            raise PinMissing("no PIN")
        with self._one_at_a_time:
            key, certificate, _ = self._open(pin)
        der = certificate.public_bytes(Encoding.DER)
        if certificate.fingerprint(hashes.SHA256()).hex() != certificate_id:
            raise UnusableKey("another certificate in the key file", why="dosyadaki sertifika, gösterilenden farklı")
        signatures = [_signature(key, item) for item in octets]
        for item, signature in zip(octets, signatures, strict=True):
            verify(der, item, signature)
        return signatures

    def companion_pem(self, pin: Pin) -> bytes:
        """What `kep-imza export` writes beside the file: the certificate and its issuers, no key."""
        with self._one_at_a_time:
            _, certificate, issuers = self._open(pin)
        return b"".join(each.public_bytes(Encoding.PEM) for each in (certificate, *issuers))

    def _open(
        self, pin: Pin
    ) -> tuple[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, x509.Certificate, list[x509.Certificate]]:
        if self._wrong >= TRIES:
            raise KeyFileLocked("too many wrong PINs")
        raw = self._read(self._path)
        try:
            key, certificate, issuers = pkcs12.load_key_and_certificates(raw, pin.octets())
        except ValueError as error:  # a wrong PIN and a broken file are one and the same here
            self._wrong += 1
            if self._wrong >= TRIES:
                raise KeyFileLocked("too many wrong PINs") from error
            raise WrongPin("wrong PIN or broken file", tries_left=TRIES - self._wrong) from error
        self._wrong = 0
        if certificate is None or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise UnusableKey("no usable key in the file", why="dosyada imza anahtarı yok")
        return key, certificate, issuers

    def _companion(self) -> list[bytes]:
        for suffix in COMPANIONS:
            path = self._path.with_suffix(suffix)
            if path.is_file():
                return _certificates_in(self._read(path), path)
        raise KeyFileUnreadable(
            "no certificate file beside the key file",
            file=self._path.name,
            hint=f"Önce bir kez «kep-imza export {self._path.name}» çalıştırın; sertifikayı dosyanın yanına yazar.",
        )

    def _read(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                raw = file.read(LARGEST + 1)
        except FileNotFoundError as error:
            raise TokenMissing("key file is gone") from error
        except OSError as error:
            hint = "Dosya izinlerini denetleyin."
            raise KeyFileUnreadable("key file unreadable", file=path.name, hint=hint) from error
        if len(raw) > LARGEST:
            raise KeyFileUnreadable("key file too large", file=path.name, hint="Bu bir sertifika dosyası değil.")
        return raw

    def _pin_state(self) -> PinState:
        return {0: PinState.READY, TRIES - 1: PinState.FINAL_TRY, TRIES: PinState.LOCKED}.get(
            self._wrong, PinState.COUNT_LOW
        )


def _certificates_in(raw: bytes, path: Path) -> list[bytes]:
    try:
        pems = _PEM.findall(raw)
        if not pems:
            return [x509.load_der_x509_certificate(raw).public_bytes(Encoding.DER)]
        return [x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER) for pem in pems]
    except ValueError as error:
        raise KeyFileUnreadable("not a certificate", file=path.name, hint="Bu bir sertifika dosyası değil.") from error


def _signature(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, octets: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(octets, ec.ECDSA(hashes.SHA256()))
