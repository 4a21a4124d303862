"""Which parola and şifre may be chosen: length, no composition, no common word and none of one's own life."""

import unicodedata

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import check_password, make_password

from accounts.errors import SecretsRefused
from accounts.models import Person
from accounts.persons import renew_secrets, set_secrets
from accounts.secret_rules import fault, password_fault, pin_fault
from accounts.tests.cast import PASSWORD, PIN, make_account, make_operator, make_person

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def someone() -> Person:
    person = make_person("Işıl Çağrı", "Öztürk", tckn="10000000146", phone="+905321234567")
    person.birth_date = "1985-07-19"
    person.save()
    make_account("isil.ozturk@hs01.kep.tr", holder=person)
    company = make_account("guneslojistik@hs01.kep.tr", holder="Güneş Lojistik A.Ş.")
    make_operator(company, person)
    return person


@pytest.mark.parametrize(
    "password",
    [
        "mavi-liman-kavak",
        "kırmızı balık gölde",
        "\u0131\u015f\u0131kl\u0131 yol 7",
        "aaaaaaaab1cd",
        "işıl öztürk denizde yüzer",  # a name may stand in it; it may not be all of it
        "日本語のパスワード",
        "🦔🌲🛶🥁🎻🧭🪁🌋",
        "x" * 60 + "yzq ömür",
    ],
)
def test_what_nobody_would_guess_is_taken_whatever_it_is_made_of(someone: Person, password: str) -> None:
    assert password_fault(password, someone) == ""


@pytest.mark.parametrize(
    "password",
    [
        "isilozturk",
        "IŞILÖZTÜRK",
        "ÖzTüRk1985",
        "Isil.Cagri.85",
        "1985ozturk!",
        "19071985",
        "19.07.1985",
        "cagri190785",
        "10000000146",
        "tckn10000000146"[4:] + "!!",
        "05321234567",
        "5321234567",
        "isil.ozturk@hs01.kep.tr",
        "guneslojistik",
        "GüneşLojistik1",
        "hs01hs01",
        "kepsifre1",
        "parola123",
        unicodedata.normalize("NFD", "öztürkışıl"),
        "password1",
        "galatasaray",
        "12345678",
        "abababababab",
        "şşşşşşşşşş",
        "kısa123",
    ],
)
def test_what_somebody_would_try_who_knows_the_person_is_refused(someone: Person, password: str) -> None:
    assert password_fault(password, someone)


@pytest.mark.parametrize("length", [8, 64, 65, 200, 1000])
def test_no_character_is_cut_off(someone: Person, length: int) -> None:
    password = ("çok uzun bir cümle, " * 60)[:length]
    set_secrets(someone, password=password, pin=PIN)
    assert check_password(password, someone.password)
    assert not check_password(password[:-1], someone.password)


def test_a_letter_is_one_letter_composed_or_not(someone: Person, settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["accounts.hashers.KepArgon2"]
    composed = "gümüş çöl yılı"
    assert len(unicodedata.normalize("NFD", "şşşş öğü")) > 8
    assert password_fault(unicodedata.normalize("NFD", "aşü çğö"), someone), "seven letters, however they are written"
    set_secrets(someone, password=unicodedata.normalize("NFD", composed), pin=PIN)
    assert check_password(composed, someone.password)


@pytest.mark.parametrize(
    "pin",
    [
        "190785",
        "850719",
        "071985",
        "19071985",
        "19850719",
        "121212",
        "123123",
        "555555",
        "012345",
        "987654",
        "890123",
        "100000",
        "000014",
        "321234",
        "123456",
        "53212345",
    ],
)
def test_a_sifre_is_no_date_repeat_run_or_piece_of_a_number(someone: Person, pin: str) -> None:
    assert fault(someone, pin=pin)


@pytest.mark.parametrize("pin", ["480163", "907164", "1907851", "0480163", "4801630058"])
def test_another_sifre_of_six_or_more_is_taken(pin: str) -> None:
    assert pin_fault(pin, tckn="10000000146", phone="+905321234567", birth_date=None) == ""


@pytest.mark.parametrize(
    "pin", ["48016", "48016a", "４８０１６３", "٤٨٠١٦٣", "480 163", "", "-480163", "4801.3", "²³⁴⁵⁶⁷"]
)
def test_a_sifre_is_ascii_digits(pin: str) -> None:
    assert pin_fault(pin, tckn="10000000146")


def test_the_two_differ_also_when_one_of_them_is_known_as_a_hash_only(someone: Person) -> None:
    set_secrets(someone, password=PASSWORD, pin="48016357")
    with pytest.raises(SecretsRefused, match="chosen"):
        renew_secrets(someone, password="48016357")
    someone.password = make_password("92750481")
    with pytest.raises(SecretsRefused, match="chosen"):
        renew_secrets(someone, pin="92750481")
    renew_secrets(someone, pin="92750482")
