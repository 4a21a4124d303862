"""A `.p12` as a token: shown without a PIN, tries counted here (S-026, S-027)."""

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from signer.errors import KeyFileUnreadable, PinMissing, TokenMissing, UnusableKey, WrongPin
from signer.pin import Pin
from signer.tests.workshop import NOW, PIN, Holder, authority, key_file, person
from signer.token import PinState
from signer.token_file import KeyFileLocked, Pkcs12Token

OCTETS = b"imzalanacak"


def pin(octets: bytes = PIN) -> Pin:
    return Pin(bytearray(octets))


def assert_signed(holder: Holder, octets: bytes, signature: bytes) -> None:
    key = holder.certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, octets, padding.PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(signature, octets, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("kind", ["rsa2048", "p256"])
def test_a_list_is_signed_under_one_pin(tmp_path: Path, kind: str) -> None:
    holder = person("Ayşe Yıldız", kind)
    token = Pkcs12Token(key_file(tmp_path, holder))

    first, second = token.sign(holder.id, [OCTETS, b"ikinci"], pin())

    assert_signed(holder, OCTETS, first)
    assert_signed(holder, b"ikinci", second)
    with pytest.raises(InvalidSignature):
        assert_signed(holder, b"ikinci", first)


def test_the_certificate_is_shown_without_a_pin(tmp_path: Path) -> None:
    token = Pkcs12Token(key_file(tmp_path, person()))

    (shown,) = token.certificates(now=NOW)

    assert (shown.owner, shown.issuer, shown.held_by) == ("Ayşe Yıldız", "Deneme ESHS", "ayse.p12")
    assert (shown.id, shown.der) == (person().id, person().der)
    assert shown.chain == (authority().der,)
    assert shown.not_after == person().certificate.not_valid_after_utc
    assert shown.unusable == ""
    assert shown.pin is PinState.READY


@pytest.mark.parametrize(
    ("holder", "why"),
    [
        pytest.param({"days": -1}, "süresi dolmuş", id="expired"),
        pytest.param({"non_repudiation": False}, "imza sertifikası değil", id="no non-repudiation (S-002)"),
        pytest.param({"kind": "rsa1024"}, "anahtarı kısa", id="short key (S-005)"),
        pytest.param({"kind": "p384"}, "anahtar türü desteklenmiyor", id="other curve"),
    ],
)
def test_a_certificate_that_cannot_sign_says_why(tmp_path: Path, holder: dict[str, object], why: str) -> None:
    token = Pkcs12Token(key_file(tmp_path, person("Ali Veli", **holder)))  # type: ignore[arg-type]

    assert [each.unusable for each in token.certificates(now=NOW)] == [why]


def test_three_wrong_pins_close_the_file_even_for_the_right_one(tmp_path: Path) -> None:
    token = Pkcs12Token(key_file(tmp_path, person()))

    for left in (2, 1):
        with pytest.raises(WrongPin) as refused:
            token.sign(person().id, [OCTETS], pin(b"0000"))
        assert refused.value.tries_left == left
    assert "Son deneme" in refused.value.for_person()
    assert token.certificates(now=NOW)[0].pin is PinState.FINAL_TRY
    with pytest.raises(KeyFileLocked):
        token.sign(person().id, [OCTETS], pin(b"0000"))
    with pytest.raises(KeyFileLocked):
        token.sign(person().id, [OCTETS], pin())
    assert token.certificates(now=NOW)[0].unusable == "PIN kilitli"


def test_a_right_pin_gives_all_tries_back(tmp_path: Path) -> None:
    token = Pkcs12Token(key_file(tmp_path, person()))
    with pytest.raises(WrongPin):
        token.sign(person().id, [OCTETS], pin(b"0000"))

    token.sign(person().id, [OCTETS], pin())

    with pytest.raises(WrongPin) as refused:
        token.sign(person().id, [OCTETS], pin(b"0000"))
    assert refused.value.tries_left == 2


def test_no_pin_costs_no_try(tmp_path: Path) -> None:
    token = Pkcs12Token(key_file(tmp_path, person()))

    with pytest.raises(PinMissing):
        token.sign(person().id, [OCTETS], None)

    assert token.certificates(now=NOW)[0].pin is PinState.READY


def test_a_file_whose_certificate_is_another_one_signs_nothing(tmp_path: Path) -> None:
    token = Pkcs12Token(key_file(tmp_path, person("Ali Veli")))

    with pytest.raises(UnusableKey):
        token.sign(person().id, [OCTETS], pin())


def test_a_file_without_a_certificate_beside_it_tells_how_to_make_one(tmp_path: Path) -> None:
    token = Pkcs12Token(key_file(tmp_path, person(), companion=False))

    with pytest.raises(KeyFileUnreadable) as refused:
        token.certificates(now=NOW)
    assert "kep-imza export" in refused.value.for_person()

    (tmp_path / "ayse.cer").write_bytes(token.companion_pem(pin()))
    assert token.certificates(now=NOW)[0].id == person().id


def test_a_missing_file_junk_and_a_huge_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(TokenMissing):
        Pkcs12Token(tmp_path / "yok.p12").sign(person().id, [OCTETS], pin())
    (tmp_path / "cop.p12").write_bytes(b"cop")
    (tmp_path / "cop.pem").write_bytes(b"cop")
    with pytest.raises(KeyFileUnreadable):
        Pkcs12Token(tmp_path / "cop.p12").certificates(now=NOW)
    with pytest.raises(WrongPin):  # a wrong PIN and a broken file look alike
        Pkcs12Token(tmp_path / "cop.p12").sign(person().id, [OCTETS], pin())
    (tmp_path / "dev.p12").write_bytes(bytes(1_100_000))
    with pytest.raises(KeyFileUnreadable):
        Pkcs12Token(tmp_path / "dev.p12").sign(person().id, [OCTETS], pin())
