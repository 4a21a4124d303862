"""A card (or HSM) behind a PKCS#11 library as a token.

What was learnt from real libraries and is kept here:
 * A login belongs to the process, not to a session: whoever opens a second session is logged in too. So the
   library is opened for one act and finalised at its end, and only one act runs at a time, on every library.
 * A slot may show a token that was never initialised; it is passed over.
 * A wrong PIN is told by the error, but whether a try is left only by the flags, so these are read again
   after each refusal and shown before each try (S-026).
 * A module that is missing or built for another processor raises the library's plainest error; a card pulled
   out on the way raises whatever comes first. Both get their own Turkish sentence here.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pkcs11
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import Attribute, CertificateType, KeyType, Mechanism, ObjectClass, TokenFlag

from signer.errors import ModuleUnavailable, PinLocked, PinMissing, TokenFailed, TokenMissing, UnusableKey, WrongPin
from signer.pin import Pin
from signer.token import Certificate, PinState, describe, verify

_ONE_AT_A_TIME = threading.Lock()


class Pkcs11Token:
    """See `Token`. One object per library; cards may come and go between two calls."""

    def __init__(self, module: Path, *, load: Callable[[str], Any] = pkcs11.lib) -> None:
        self._module = module
        self._load = load

    def certificates(self, *, now: datetime) -> tuple[Certificate, ...]:
        """See `Token`. Refuses with `ModuleUnavailable`; a library without a card gives an empty tuple."""
        with self._library() as library:
            return tuple(found for token in _initialised(library) for found in _described(token, now=now))

    def sign(self, certificate_id: str, octets: Sequence[bytes], pin: Pin | None) -> list[bytes]:
        """See `Token`."""
        if pin is None:  # private keys stay invisible without a login: the search would find nothing
            raise PinMissing("no PIN")
        with self._library() as library:
            token, key_id, der = _holder_of(library, certificate_id)
            if _pin_state(token) is PinState.LOCKED:
                raise PinLocked("the token says its PIN is locked")
            with _logged_in(token, library, pin) as session:
                key = _private_key(session, key_id)
                signatures = [_signature(key, item, pin) for item in octets]
        for item, signature in zip(octets, signatures, strict=True):
            verify(der, item, signature)
        return signatures

    @contextmanager
    def _library(self) -> Iterator[Any]:
        with _ONE_AT_A_TIME:
            try:
                library = self._load(str(self._module))
            except pkcs11.PKCS11Error as error:
                raise ModuleUnavailable("PKCS#11 library not loaded", module=str(self._module)) from error
            try:
                yield library
            except (pkcs11.TokenNotPresent, pkcs11.DeviceRemoved, pkcs11.TokenNotRecognised) as error:
                raise TokenMissing("the token went away") from error
            except pkcs11.PKCS11Error as error:
                raise TokenFailed(f"PKCS#11 {type(error).__name__}") from error
            finally:
                library.finalize()


class _Encoded:
    """Hands the library the PIN's own buffer: it calls `.encode()` on what it is given, a `str` by custom."""

    def __init__(self, pin: Pin) -> None:
        self._pin = pin

    def encode(self, encoding: str) -> bytearray:
        return self._pin.octets()


def _initialised(library: Any) -> Iterator[Any]:
    for token in library.get_tokens():
        if token.flags & TokenFlag.TOKEN_INITIALIZED:
            yield token


def _described(token: Any, *, now: datetime) -> Iterator[Certificate]:
    pool = [der for der, _ in _certificate_objects(token)]
    for der in pool:
        found = describe(der, pool=pool, held_by=token.label.strip() or "kart", pin=_pin_state(token), now=now)
        if found is not None:
            yield found


def _certificate_objects(token: Any) -> list[tuple[bytes, bytes]]:
    with token.open() as session:
        wanted = {Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.CERTIFICATE_TYPE: CertificateType.X_509}
        return [(bytes(each[Attribute.VALUE]), bytes(each[Attribute.ID])) for each in session.get_objects(wanted)]


def _holder_of(library: Any, certificate_id: str) -> tuple[Any, bytes, bytes]:
    for token in _initialised(library):
        for der, key_id in _certificate_objects(token):
            if hashlib.sha256(der).hexdigest() == certificate_id:
                return token, key_id, der
    raise TokenMissing("no token holds the chosen certificate")


@contextmanager
def _logged_in(token: Any, library: Any, pin: Pin) -> Iterator[Any]:
    try:
        session = token.open(user_pin=_Encoded(pin))
    except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange) as error:
        state = _pin_state_now(library, token.serial)
        if state is PinState.LOCKED:
            raise PinLocked("that was the last try") from error
        raise WrongPin("wrong PIN", final_try=state is PinState.FINAL_TRY) from error
    except pkcs11.PinLocked as error:
        raise PinLocked("the token says its PIN is locked") from error
    except (pkcs11.PinExpired, pkcs11.UserPinNotInitialized) as error:
        raise UnusableKey("the PIN must be set first", why="kartın PIN'i önce kart programıyla belirlenmeli") from error
    with session:
        yield session


def _private_key(session: Any, key_id: bytes) -> Any:
    try:
        return session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=key_id)
    except (pkcs11.NoSuchKey, pkcs11.MultipleObjectsReturned, StopIteration) as error:
        raise UnusableKey("no private key under that CKA_ID", why="kartta bu sertifikanın anahtarı yok") from error


def _signature(key: Any, octets: bytes, pin: Pin) -> bytes:
    # A key with CKA_ALWAYS_AUTHENTICATE wants the PIN again for each signature.
    again = _Encoded(pin) if _always_authenticates(key) else None
    if key.key_type == KeyType.RSA:
        return bytes(key.sign(octets, mechanism=Mechanism.SHA256_RSA_PKCS, pin=again))
    if key.key_type == KeyType.EC:
        pair = bytes(key.sign(hashlib.sha256(octets).digest(), mechanism=Mechanism.ECDSA, pin=again))
        half = len(pair) // 2
        return encode_dss_signature(int.from_bytes(pair[:half], "big"), int.from_bytes(pair[half:], "big"))
    raise UnusableKey("unknown kind of key", why="anahtar türü desteklenmiyor")


def _always_authenticates(key: Any) -> bool:
    try:
        return bool(key[Attribute.ALWAYS_AUTHENTICATE])
    except (pkcs11.AttributeTypeInvalid, pkcs11.AttributeSensitive):
        return False


def _pin_state(token: Any) -> PinState:
    flags = token.flags
    if flags & TokenFlag.USER_PIN_LOCKED:
        return PinState.LOCKED
    if flags & TokenFlag.USER_PIN_FINAL_TRY:
        return PinState.FINAL_TRY
    if flags & TokenFlag.USER_PIN_COUNT_LOW:
        return PinState.COUNT_LOW
    return PinState.READY


def _pin_state_now(library: Any, serial: bytes) -> PinState:
    """The flags are a snapshot of when the token was listed, so list it again."""
    for token in library.get_tokens():
        if token.serial == serial:
            return _pin_state(token)
    return PinState.READY
