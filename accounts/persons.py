"""Registering a person and setting the two secrets; finding a person by identity number.

Parola and şifre are two secrets, hashed apart, and must differ (W-008). What may be chosen stands in `secret_rules`.
"""

from django.contrib.auth.hashers import make_password

from evidence.fieldcrypt import index_of

from . import secret_rules
from .errors import SecretsRefused
from .identity import read_mobile, read_tckn
from .models import Person
from .secret_rules import pin_fault as pin_fault  # where others have always found it


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
    renew_secrets(person, password=password, pin=pin)


def renew_secrets(person: Person, *, password: str | None = None, pin: str | None = None) -> None:
    """Hash a new parola, a new şifre or both into the row, without saving it; one not given stays. As `set_secrets`.

    The one that stays is known as a hash only: that the two differ is asked of that hash (W-008).
    """
    if why := secret_rules.fault(person, password=password, pin=pin):
        raise SecretsRefused("secrets may not be chosen", why=why)
    if password is not None:
        person.set_password(password)
    if pin is not None:
        person.pin_hash = make_password(pin)
