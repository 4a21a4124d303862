"""Registering a person, and which secrets may be chosen (V-001..V-005, V-094, W-008)."""

import pytest
from django.contrib.auth.hashers import check_password
from django.db import IntegrityError

from accounts.errors import PhoneRefused, SecretsRefused, TcknRefused
from accounts.identity import check_digits
from accounts.models import Person
from accounts.persons import pin_fault, set_secrets, tckn_index
from accounts.tests.cast import PASSWORD, PIN, make_person, new_tckn

pytestmark = pytest.mark.django_db


def test_a_person_is_found_by_the_keyed_hash_and_reads_back_whole() -> None:
    tckn = new_tckn()
    make_person("Işıl", "Doğan", tckn=tckn, phone="0555 123 45 67")
    found = Person.objects.get(tckn_index=tckn_index(tckn))
    assert (found.tckn, found.phone, found.full_name) == (tckn, "+905551234567", "Işıl Doğan")
    assert check_password(PASSWORD, found.password)
    assert check_password(PIN, found.pin_hash)


def test_a_number_is_registered_once() -> None:
    tckn = new_tckn()
    make_person(tckn=tckn)
    with pytest.raises(IntegrityError):
        make_person(tckn=tckn)


def test_malformed_identifiers_are_refused() -> None:
    with pytest.raises(TcknRefused):
        make_person(tckn="12345678951")
    with pytest.raises(PhoneRefused):
        make_person(phone="02121234567")
    assert Person.objects.count() == 0


@pytest.mark.parametrize("length", [8, 15, 64, 200])
def test_any_parola_of_eight_characters_or_more_may_be_chosen(length: int) -> None:
    person = make_person()
    chosen = ("ne güzel bir gün! " * 12)[:length]
    set_secrets(person, password=chosen, pin=PIN)
    assert check_password(chosen, person.password)


@pytest.mark.parametrize(
    ("password", "pin", "word"),
    [
        ("kısa-12", PIN, "En az 8"),
        ("password1", PIN, "çok genel"),
        ("48016300", "48016300", "farklı"),
        (PASSWORD, "12345", "6 rakam"),
        (PASSWORD, "abcdef", "6 rakam"),
        (PASSWORD, "４８０１６３", "6 rakam"),
        (PASSWORD, "111111", "sıralı"),
        (PASSWORD, "345678", "sıralı"),
        (PASSWORD, "876543", "sıralı"),
        (PASSWORD, "890123", "sıralı"),
    ],
)
def test_a_refused_choice_says_why_and_changes_nothing(password: str, pin: str, word: str) -> None:
    person = make_person()
    before = (person.password, person.pin_hash)
    with pytest.raises(SecretsRefused) as refusal:
        set_secrets(person, password=password, pin=pin)
    assert word in refusal.value.for_person()
    assert (person.password, person.pin_hash) == before


def test_the_sifre_is_no_piece_of_the_identity_number() -> None:
    first_nine = "480163927"
    tckn = first_nine + check_digits(first_nine)
    assert "T.C. kimlik" in pin_fault("801639", tckn=tckn)
    assert pin_fault("592748", tckn=tckn) == ""


def test_a_person_is_never_named_by_his_number_in_a_log_line() -> None:
    person = make_person()
    assert str(person) == str(person.pk)
    assert person.tckn not in repr(person)
