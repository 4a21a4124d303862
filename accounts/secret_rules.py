"""Which parola and which şifre may be chosen (V-001..V-005, W-008).

There are no rules of composition and no forced change (V-003): what is refused is what others would guess. A parola of
eight characters or more is taken, and every character counts one, in NFC (V-001). It is refused when it is among the
common ones, or when nothing of it is left once the words of its own context are taken out: name, identity number,
birth date, phone, KEP addresses, the provider (V-002). A şifre is six digits or more and no repeat, run, birth date,
nor a piece of identity number or phone (V-005).

Words are compared folded: capitals, Turkish letters and marks make no difference to somebody who guesses.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_noop

from .models import KepAccount, Person

FEWEST_LEFT: Final = 5
"""Characters of a parola that must be left once the words of its context are taken out."""
SHORTEST_WORD: Final = 3
"""Shorter pieces of a name say nothing."""

_DIGITS: Final = "01234567890123456789"
_FOLDS: Final = str.maketrans({"ı": "i", "İ": "i", "I": "i"})


def fault(person: Person, *, password: str | None = None, pin: str | None = None) -> str:
    """Why these may not be chosen, as the rest of a Turkish sentence; empty when they may. One not given stays."""
    if pin is not None and (why := pin_fault(pin, tckn=person.tckn, phone=person.phone, birth_date=person.birth_date)):
        return why
    if _are_alike(person, password, pin):
        return gettext_noop("parola ile şifre birbirinden farklı olmalı.")
    return password_fault(password, person) if password is not None else ""


def pin_fault(pin: str, *, tckn: str, phone: str = "", birth_date: str | None = None) -> str:
    """Why this şifre may not be chosen; `birth_date` is ISO 8601 (V-005)."""
    if not (pin.isascii() and pin.isdigit() and len(pin) >= 6):
        return gettext_noop("şifre en az 6 rakam olmalı.")
    if _repeats(pin) or pin in _DIGITS or pin in _DIGITS[::-1]:
        return gettext_noop("şifre tek bir rakamın yinelenmesi ya da sıralı rakamlar olamaz.")
    if pin in tckn:
        return gettext_noop("şifre T.C. kimlik numaranızın parçası olamaz.")
    if phone and pin in phone:
        return gettext_noop("şifre telefon numaranızın parçası olamaz.")
    if any(pin in date or date in pin for date in _written_dates(birth_date)):
        return gettext_noop("şifre doğum tarihiniz olamaz.")
    return ""


def password_fault(password: str, person: Person) -> str:
    """Why this parola may not be chosen by this person (V-001, V-002)."""
    try:
        validate_password(unicodedata.normalize("NFC", password), person)
    except ValidationError as error:
        return " ".join(error.messages)
    folded = _fold(password)
    if _repeats(folded) or len(set(folded)) < 4:
        return gettext_noop("parola aynı birkaç karakterin yinelenmesi olamaz.")
    left = folded
    for word in sorted(_context(person), key=len, reverse=True):
        left = left.replace(word, "")
    left = re.sub(r"[\W_]+", "", left)
    if left != re.sub(r"[\W_]+", "", folded) and len(left) < FEWEST_LEFT:
        return gettext_noop(
            "parola adınız, kimlik numaranız, doğum yılınız, KEP adresiniz gibi bilinen bilgilerden oluşamaz."
        )
    return ""


def _are_alike(person: Person, password: str | None, pin: str | None) -> bool:
    if password is not None and pin is not None:
        return password == pin
    if password is not None:
        return check_password(password, person.pin_hash) if person.pin_hash else False
    return pin is not None and person.has_usable_password() and check_password(pin, person.password)


def _context(person: Person) -> set[str]:
    """The words somebody would try who knows the person, folded."""
    pieces = [person.first_name, person.last_name, settings.KEP_PROVIDER_CODE, settings.KEP_PROVIDER_NAME, "pttkep"]
    known = Q(holder__person=person.pk) | Q(operators__person=person.pk)
    for address in KepAccount.objects.filter(known).values_list("address", flat=True).distinct():
        pieces.append(address)
    words = {word for piece in pieces for word in re.split(r"[\W_]+", _fold(piece)) if len(word) >= SHORTEST_WORD}
    digits = {person.tckn, person.phone.removeprefix("+90"), *_written_dates(person.birth_date)}
    year = {person.birth_date[:4]} if person.birth_date else set()
    return words | digits | year | {"sifre", "parola", "kep"}


def _written_dates(birth_date: str | None) -> Iterator[str]:
    """How people write a date in digits, at least six of them."""
    if not birth_date:
        return
    year, month, day = birth_date.split("-")
    for first, second in ((day, month), (month, day)):
        yield from (f"{first}{second}{year}", f"{first}{second}{year[2:]}", f"{year}{first}{second}")
        yield f"{year[2:]}{first}{second}"


def _repeats(text: str) -> bool:
    """Whether the text is one piece of at most three characters over and over: 111111, 121212, 123123."""
    return any(text == (text[:size] * len(text))[: len(text)] for size in (1, 2, 3) if len(text) >= 2 * size)


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.translate(_FOLDS)).lower().translate(_FOLDS)
    return "".join(letter for letter in plain if not unicodedata.combining(letter))
