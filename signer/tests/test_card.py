"""What a real card reports and SoftHSM never does: last try, locked, pulled out, broken (S-026)."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11 import Attribute, KeyType, ObjectClass, TokenFlag

from signer.errors import (
    ModuleUnavailable,
    PinLocked,
    PinMissing,
    SignerError,
    TokenFailed,
    TokenMissing,
    UnusableKey,
    WrongPin,
)
from signer.pin import Pin
from signer.tests.test_key_file import OCTETS, assert_signed
from signer.tests.workshop import NOW, PIN, Holder, authority, person
from signer.token import PinState
from signer.token_card import Pkcs11Token
from signer.token_file import _signature

READY = TokenFlag.TOKEN_INITIALIZED | TokenFlag.USER_PIN_INITIALIZED


class FakeCard(AbstractContextManager["FakeCard"]):
    """Library, token and session in one: as much PKCS#11 as a signer sees, with a PIN that can run out."""

    label = "AKİS 1   "
    serial = b"0001"

    def __init__(self, holder: Holder, *, tries: int = 3, flags: TokenFlag = READY) -> None:
        self.holder = holder
        self.tries = tries
        self.base = flags
        self.open_error: Exception | None = None
        self.sign_error: Exception | None = None
        self.key_ids = [b"\x01"]
        self.always_authenticates = False
        self.finalized = 0
        self.asked_again = 0
        self.seen_pin: Any = None
        self.logged_in = False

    @property
    def flags(self) -> TokenFlag:
        low = {2: TokenFlag.USER_PIN_COUNT_LOW, 1: TokenFlag.USER_PIN_FINAL_TRY, 0: TokenFlag.USER_PIN_LOCKED}
        return self.base | low.get(self.tries, TokenFlag(0))

    def load(self, module: str) -> "FakeCard":
        return self

    def finalize(self) -> None:
        self.finalized += 1

    def get_tokens(self) -> Iterator["FakeCard"]:
        yield self

    def open(self, user_pin: Any = None) -> "FakeCard":
        if user_pin is None:
            return self
        if self.open_error:
            raise self.open_error
        self.seen_pin = user_pin.encode("utf-8")
        if self.tries == 0:
            raise pkcs11.PinLocked
        if self.seen_pin != PIN:
            self.tries -= 1
            raise pkcs11.PinIncorrect
        self.logged_in, self.tries = True, 3
        return self

    def __exit__(self, *_: object) -> None:
        self.logged_in = False

    def get_objects(self, wanted: dict[Attribute, Any]) -> list[dict[Attribute, bytes]]:
        assert wanted[Attribute.CLASS] is ObjectClass.CERTIFICATE
        pairs = ((self.holder.der, b"\x01"), (authority().der, b"\x02"))
        return [{Attribute.VALUE: der, Attribute.ID: key_id} for der, key_id in pairs]

    def get_key(self, object_class: ObjectClass, id: bytes) -> "FakeKey":
        assert self.logged_in
        if id not in self.key_ids:
            raise pkcs11.NoSuchKey
        return FakeKey(self)


class FakeKey:
    key_type = KeyType.RSA

    def __init__(self, card: FakeCard) -> None:
        self.card = card

    def __getitem__(self, attribute: Attribute) -> bool:
        assert attribute is Attribute.ALWAYS_AUTHENTICATE
        return self.card.always_authenticates

    def sign(self, octets: bytes, *, mechanism: pkcs11.Mechanism, pin: Any) -> bytes:
        assert mechanism is pkcs11.Mechanism.SHA256_RSA_PKCS
        if self.card.sign_error:
            raise self.card.sign_error
        if pin is not None:
            self.card.asked_again += 1
            assert pin.encode("utf-8") == PIN
        return _signature(self.card.holder.key, octets)


@pytest.fixture
def card() -> FakeCard:
    return FakeCard(person())


def token_of(card: FakeCard) -> Pkcs11Token:
    return Pkcs11Token(Path("/kart.so"), load=card.load)


def sign(card: FakeCard, octets: bytes = PIN) -> list[bytes]:
    with Pin(bytearray(octets)) as pin:
        return token_of(card).sign(card.holder.id, [OCTETS], pin)


def test_the_person_is_shown_and_the_authority_goes_into_the_chain(card: FakeCard) -> None:
    (shown,) = token_of(card).certificates(now=NOW)

    assert (shown.owner, shown.held_by, shown.chain) == ("Ayşe Yıldız", "AKİS 1", (authority().der,))


def test_it_signs_and_closes_the_library_each_time(card: FakeCard) -> None:
    (signature,) = sign(card)

    assert_signed(card.holder, OCTETS, signature)
    assert card.finalized == 1
    assert not card.logged_in


def test_the_card_gets_the_very_buffer_that_is_wiped(card: FakeCard) -> None:
    sign(card)

    assert card.seen_pin == bytes(len(PIN))


def test_a_wrong_pin_counts_down_to_a_lock_and_warns_before_the_last_try(card: FakeCard) -> None:
    with pytest.raises(WrongPin) as refused:
        sign(card, b"0000")
    assert (refused.value.tries_left, refused.value.final_try) == (None, False)
    assert token_of(card).certificates(now=NOW)[0].pin is PinState.COUNT_LOW

    with pytest.raises(WrongPin) as refused:
        sign(card, b"0000")
    assert refused.value.final_try
    assert "Son deneme" in refused.value.for_person()
    assert "Son deneme" in token_of(card).certificates(now=NOW)[0].pin.value

    with pytest.raises(PinLocked):
        sign(card, b"0000")
    card.seen_pin = None
    with pytest.raises(PinLocked):
        sign(card)
    assert card.seen_pin is None, "a locked card is not even asked"
    assert token_of(card).certificates(now=NOW)[0].unusable == "PIN kilitli"


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (pkcs11.PinLocked(), PinLocked),
        (pkcs11.PinLenRange(), WrongPin),
        (pkcs11.PinInvalid(), WrongPin),
        (pkcs11.PinExpired(), UnusableKey),
        (pkcs11.UserPinNotInitialized(), UnusableKey),
        (pkcs11.TokenNotPresent(), TokenMissing),
        (pkcs11.DeviceRemoved(), TokenMissing),
        (pkcs11.GeneralError(), TokenFailed),
    ],
)
def test_every_error_at_the_login_has_its_own_answer(
    card: FakeCard, raised: Exception, told: type[SignerError]
) -> None:
    card.open_error = raised
    with pytest.raises(told) as refused:
        sign(card)
    assert type(refused.value) is told
    assert card.finalized == 1


@pytest.mark.parametrize(
    ("raised", "told"),
    [(pkcs11.DeviceRemoved(), TokenMissing), (pkcs11.FunctionFailed(), TokenFailed)],
)
def test_a_card_pulled_out_or_failing_while_it_signs(card: FakeCard, raised: Exception, told: type[Exception]) -> None:
    card.sign_error = raised
    with pytest.raises(told):
        sign(card)
    assert not card.logged_in


def test_no_pin_is_told_before_the_card_is_touched(card: FakeCard) -> None:
    with pytest.raises(PinMissing):
        token_of(card).sign(card.holder.id, [OCTETS], None)
    assert card.finalized == 0


def test_a_certificate_without_its_key_is_unusable(card: FakeCard) -> None:
    card.key_ids = []
    with pytest.raises(UnusableKey):
        sign(card)


def test_another_card_in_the_reader_is_missing_not_wrong(card: FakeCard) -> None:
    with Pin(bytearray(PIN)) as pin, pytest.raises(TokenMissing):
        token_of(card).sign(hashlib.sha256(b"baska").hexdigest(), [OCTETS], pin)


def test_a_key_that_always_asks_gets_the_pin_again(card: FakeCard) -> None:
    card.always_authenticates = True
    with Pin(bytearray(PIN)) as pin:
        token_of(card).sign(card.holder.id, [OCTETS, OCTETS], pin)
    assert card.asked_again == 2


def test_a_card_that_signs_with_another_key_is_found_out() -> None:
    card = FakeCard(person())
    card.holder = Holder(person("Ali Veli").key, person().certificate, authority().certificate)
    with pytest.raises(TokenFailed):
        sign(card)


def test_a_token_that_was_never_initialised_is_passed_over() -> None:
    card = FakeCard(person(), flags=TokenFlag.USER_PIN_INITIALIZED)

    assert token_of(card).certificates(now=NOW) == ()


def test_a_module_that_does_not_load_is_named() -> None:
    with pytest.raises(ModuleUnavailable) as refused:
        Pkcs11Token(Path("/yok/kart.so")).certificates(now=NOW)
    assert "/yok/kart.so" in refused.value.for_person()
