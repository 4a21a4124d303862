"""Registering a person and setting the two secrets; finding a person by identity number.

Parola and şifre are two secrets, hashed apart, and must differ (W-008). The şifre is six digits or more and
neither a repeat, a run, nor a piece of the identity number (V-005). There are no rules of composition (V-003).
"""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_noop

from evidence.fieldcrypt import index_of

from .errors import SecretsRefused
from .identity import read_mobile, read_tckn
from .models import Person

_DIGITS = "01234567890123456789"


def tckn_index(tckn: str) -> str:
    """The keyed hash a person is found by; `tckn` is in canonical form."""
    return index_of(tckn, "accounts.person.tckn")


def phone_index(phone: str) -> str:
    """The keyed hash of a phone number in E.164, for limits per number."""
    return index_of(phone, "accounts.person.phone")


def register(*, tckn: str, first_name: str, last_name: str, phone: str, password: str, pin: str) -> Person:
    """A new person with both secrets set.

    Refused: `TcknRefused`, `PhoneRefused`, `SecretsRefused`; IntegrityError when the number is already registered.
    """
    number, mobile = read_tckn(tckn), read_mobile(phone)
    person = Person(
        tckn_index=tckn_index(number),
        tckn=number,
        phone=mobile,
        phone_index=phone_index(mobile),
        first_name=first_name,
        last_name=last_name,
    )
    set_secrets(person, password=password, pin=pin)
    person.save(force_insert=True)
    return person


def set_secrets(person: Person, *, password: str, pin: str) -> None:
    """Hash both secrets into the row, without saving it; `SecretsRefused` says in Turkish what is wrong."""
    if why := _why_not(person, password, pin):
        raise SecretsRefused("secrets may not be chosen", why=why)
    person.set_password(password)
    person.pin_hash = make_password(pin)


def pin_fault(pin: str, *, tckn: str) -> str:
    """Why this şifre may not be chosen, as the rest of a Turkish sentence; empty when it may (V-005)."""
    if not (pin.isascii() and pin.isdigit() and len(pin) >= 6):
        return gettext_noop("şifre en az 6 rakam olmalı.")
    if len(set(pin)) == 1 or pin in _DIGITS or pin in _DIGITS[::-1]:
        return gettext_noop("şifre tek bir rakamın yinelenmesi ya da sıralı rakamlar olamaz.")
    if pin in tckn:
        return gettext_noop("şifre T.C. kimlik numaranızın parçası olamaz.")
    return ""


def _why_not(person: Person, password: str, pin: str) -> str:
    if why := pin_fault(pin, tckn=person.tckn):
        return why
    if password == pin:
        return gettext_noop("parola ile şifre birbirinden farklı olmalı.")
    try:
        validate_password(password, person)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""
