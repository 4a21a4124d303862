"""Enrolling a person, with secrets or without; setting the two secrets; finding a person by identity number.

Whoever is enrolled without secrets sets them himself at activation (V-013). A person whom somebody else wrote down is
known by form only (I-004): his phone is whatever that somebody wrote. When he stands at a branch with his papers, or
signs with a qualified certificate, his own phone and name take their place, and whatever secret, device or visit hung
on the unproven phone is gone with it: nobody gets into an account by having written its holder down first. From then
on his phone changes only by the rules of a new factor (V-011), never by being enrolled again.

Parola and şifre are two secrets, hashed apart, and must differ (W-008). What may be chosen stands in `secret_rules`.
"""

from datetime import date, datetime

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django_otp import device_classes

from evidence import eventlog
from evidence.fieldcrypt import index_of

from . import open_visits, secret_rules
from .errors import SecretsRefused
from .identity import read_mobile, read_name, read_tckn
from .models import KnownDevice, Person, SmsAttempt
from .secret_rules import pin_fault as pin_fault  # where others have always found it


def tckn_index(tckn: str) -> str:
    """The keyed hash a person is found by; `tckn` is in canonical form."""
    return index_of(tckn, "accounts.person.tckn")


def phone_index(phone: str) -> str:
    """The keyed hash of a phone number in E.164, for limits per number."""
    return index_of(phone, "accounts.person.phone")


def register(*, tckn: str, first_name: str, last_name: str, phone: str, password: str, pin: str) -> Person:
    """A new person with both secrets set, as the demo seed makes them: whoever it makes is who he says he is.

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
        identity_state=Person.IdentityState.ESTABLISHED,
    )
    set_secrets(person, password=password, pin=pin)
    person.save(force_insert=True)
    return person


def enroll(
    *,
    tckn: str,
    first_name: str,
    last_name: str,
    phone: str,
    now: datetime,
    established: bool,
    birth_date: date | None = None,
    email: str | None = None,
) -> Person:
    """The person with this number: the known one, or a new one without secrets.

    `established` says that the identity was proved now, at a branch or by a qualified certificate (K-025). A person who
    was known by form only then gets these names, this phone, birth date and e-mail, and loses secrets, devices and
    half-finished sign-ins, because nobody proved whose they are. In every other case a known person stays exactly as he
    is, whatever is written here (V-011).

    Refused: `TcknRefused`, `PhoneRefused`, `NameRefused`.
    """
    number, mobile = read_tckn(tckn), read_mobile(phone)
    given = {
        "first_name": read_name(first_name),
        "last_name": read_name(last_name),
        "phone": mobile,
        "phone_index": phone_index(mobile),
        "birth_date": birth_date.isoformat() if birth_date else None,
        "email": email or None,
    }
    with transaction.atomic():
        person = _known(number) or _new(number, given, now=now)
        if established and person.identity_state != Person.IdentityState.ESTABLISHED:
            _establish(person, given, now=now)
    return person


def _known(tckn: str) -> Person | None:
    return Person.objects.select_for_update().filter(tckn_index=tckn_index(tckn)).first()


def _new(tckn: str, given: dict[str, str | None], *, now: datetime) -> Person:
    """A row of his own, unless somebody was faster: then theirs."""
    person = Person(tckn_index=tckn_index(tckn), tckn=tckn, **given)
    person.set_unusable_password()
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError:
        return Person.objects.select_for_update().get(tckn_index=tckn_index(tckn))
    eventlog.append("person.enrolled", at=now, subject=f"person:{person.pk}")
    return person


def _establish(person: Person, given: dict[str, str | None], *, now: datetime) -> None:
    """From known by form to established: one conditional UPDATE, so that of two desks one does it."""
    had_secrets, old_phone = person.has_secrets, person.phone_index
    values: dict[str, object] = {
        **{name: value for name, value in given.items() if value is not None},
        "identity_state": Person.IdentityState.ESTABLISHED,
        "identity_established_at": now,
        "pin_hash": "",
    }
    if given["phone_index"] != old_phone:
        values["phone_changed_at"] = now
    person.set_unusable_password()
    values["password"] = person.password
    unproven = Person.objects.filter(pk=person.pk, identity_state=Person.IdentityState.FORM_ONLY)
    if unproven.update(**values):
        _forget_devices(person, now=now)
        open_visits.end_all(person, reason="established", now=now, actor="system")
        eventlog.append(
            "person.established",
            at=now,
            subject=f"person:{person.pk}",
            facts={"secrets_dropped": int(had_secrets), "phone_changed": int("phone_changed_at" in values)},
        )
    person.refresh_from_db()


def _forget_devices(person: Person, *, now: datetime) -> None:
    """No second step and no known browser outlives the phone they were bound to; SMS rows stay as history."""
    for kind in device_classes():
        if kind is not SmsAttempt:
            kind.objects.filter(user=person).delete()
    SmsAttempt.objects.filter(user=person, used_at=None, replaced_at=None).update(replaced_at=now)
    KnownDevice.objects.filter(person=person).delete()


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
