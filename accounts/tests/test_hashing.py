"""Parola and şifre at rest (V-001, V-004)."""

import hashlib
import unicodedata
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password

from accounts.hashers import KepArgon2

TURKISH = "Şığöü-Çİ-gül bahçesi"


@pytest.fixture(autouse=True)
def real_hasher(settings: Any) -> None:
    """The product's own hasher: the suite uses a cheap one elsewhere."""
    settings.PASSWORD_HASHERS = ["accounts.hashers.KepArgon2"]


def test_the_cost_is_the_agreed_one() -> None:
    stored = make_password("mavi-liman")
    assert stored.startswith("kep_argon2$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("length", [8, 64, 65, 200])
def test_every_character_counts_at_any_length(length: int) -> None:
    secret = ("uzun parola " * 20)[:length]
    stored = make_password(secret)
    assert len(stored) <= 128, "the column must hold it"
    assert check_password(secret, stored)
    assert not check_password(secret[:-1], stored)
    assert not check_password(secret[:-1] + "X", stored)


def test_a_letter_is_the_same_letter_composed_or_decomposed() -> None:
    composed, decomposed = unicodedata.normalize("NFC", TURKISH), unicodedata.normalize("NFD", TURKISH)
    assert composed != decomposed
    assert check_password(decomposed, make_password(composed))
    assert check_password(composed, make_password(decomposed))


def test_turkish_letters_are_not_folded() -> None:
    stored = make_password("ışık")
    assert not check_password("isik", stored)
    assert not check_password("IŞIK", stored)


def test_the_table_alone_cannot_be_searched(settings: Any) -> None:
    stored = make_password("480163")
    assert check_password("480163", stored)
    settings.KEP_PASSWORD_PEPPER = b"another pepper, as a thief of the table would have to guess"
    assert not check_password("480163", stored)
    plain = hashlib.sha256(b"480163").hexdigest()
    assert plain not in stored


def test_the_same_secret_is_stored_differently_each_time() -> None:
    assert make_password("480163") != make_password("480163")


def test_a_broken_row_fits_nothing() -> None:
    hasher = KepArgon2()
    stored = hasher.encode("480163", "0123456789abcdef")
    assert hasher.verify("480163", stored)
    assert not hasher.verify("480163", stored[:-1] + ("A" if stored[-1] != "A" else "B"))
