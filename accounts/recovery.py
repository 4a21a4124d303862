"""New secrets for somebody who has lost his, and the renewal by somebody who has them (W-011, V-011, V-013, V-032).

A forgotten parola or şifre is renewed by e-imza, or at a branch with two clerks (design.md 1.9). The desk only begins:
`begin` sends a code to the phone that is known, never to one that was typed (V-011), and nobody at the desk sees a
secret (V-013). `recover` is the person's own: number and code together, then both new secrets. `renew` is the same
after any other full proof (a step-up, an e-imza).

**Both end every other visit** and tell the person (V-016). A recovery, where the old secrets may be in other hands,
takes away what those hands may have added: known devices, authenticators and recovery codes. It forgives wrong tries:
the person has proved himself in another way (V-006).
"""

from datetime import datetime
from typing import Final

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.views.decorators.debug import sensitive_variables
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from evidence import eventlog

from . import one_time, open_visits, persons, security_notices, throttle
from .life_errors import NothingChanged, NotReachable, RecoveryRefused
from .models import KnownDevice, OneTimeCode, Person
from .one_time import Purpose
from .security_notices import Occasion

BY_DESK: Final = "urn:kep:recovery:desk-and-sms"
"""How somebody proved who he is who recovers by the code that a branch has sent, as evidence states it."""


def begin(person: Person, *, now: datetime) -> OneTimeCode:
    """Send the recovery code to the person's phone; the present secrets work until new ones are set.

    Whoever calls has seen to two pairs of eyes and to the 72 hours after a change of phone. Refused: `NotReachable`
    for a person who may not sign in, `CodeTooSoon`, `CodeNotSent`.
    """
    if not person.is_active:
        raise NotReachable("the person may not sign in")
    code = one_time.send(Purpose.RECOVERY, _subject(person), phone=person.phone, now=now)
    with transaction.atomic():
        eventlog.append("recovery.begun", at=now, subject=_subject(person), facts={"code": code.public_id})
    return code


@sensitive_variables("tckn", "code", "password", "pin")
def recover(*, tckn: str, code: str, password: str, pin: str, now: datetime) -> Person:
    """Set both secrets by the code the desk has had sent; `tckn` is in canonical form. Not inside a transaction.

    Refused: `RecoveryRefused` for every wrong number or code alike, counted by the code alone (this is the way out of
    the counters of the sign-in, and must not drive them up); `SecretsRefused` once the code was right, without using
    it up.
    """
    index = persons.tckn_index(tckn)
    with transaction.atomic(durable=True):
        person = Person.objects.filter(tckn_index=index, is_active=True).first()
        taken = one_time.take(Purpose.RECOVERY, _subject(person) if person else "nobody", code, now=now)
        if isinstance(taken, OneTimeCode) and person is not None:
            set_new(person, password=password, pin=pin, proof=BY_DESK, now=now)
            return person
        eventlog.append("recovery.refused", at=now, subject=f"number:{index}")
    raise RecoveryRefused("number and code do not fit")


@sensitive_variables("password", "pin")
def set_new(person: Person, *, password: str, pin: str, proof: str, now: datetime) -> None:
    """Both secrets anew for somebody who has forgotten them and was proved by `proof` just now (the desk, an e-imza).

    Ends every visit, forgets devices, authenticators and recovery codes, forgives wrong tries, tells the person.
    Refused: `SecretsRefused`; then nothing has changed.
    """
    with transaction.atomic():
        locked = _locked(person)
        persons.set_secrets(locked, password=password, pin=pin)
        _save(locked)
        KnownDevice.objects.filter(person=locked).delete()
        TOTPDevice.objects.filter(user=locked).delete()
        StaticDevice.objects.filter(user=locked).delete()
        throttle.forgive_all(locked.tckn_index)
        one_time.revoke(Purpose.RECOVERY, _subject(locked), now=now)
        open_visits.end_all(locked, reason="recovered", now=now)
        security_notices.tell(locked, Occasion.BOTH_SECRETS, now=now)
        eventlog.append(
            "secrets.recovered", at=now, actor=_subject(locked), subject=_subject(locked), facts={"proof": proof}
        )
    person.refresh_from_db()


@sensitive_variables("password", "pin")
def renew(
    person: Person,
    *,
    password: str | None = None,
    pin: str | None = None,
    proof: str,
    now: datetime,
    besides_session: str = "",
) -> None:
    """Another parola, another şifre, or both, for somebody signed in who was proved by `proof` within ten minutes.

    Ends every other visit (V-032) and tells the person. Refused: `SecretsRefused`, `NothingChanged` when a new one is
    the present one. ValueError when neither is given.
    """
    if password is None and pin is None:
        raise ValueError("nothing to renew")
    with transaction.atomic():
        locked = _locked(person)
        if (password is not None and check_password(password, locked.password)) or (
            pin is not None and check_password(pin, locked.pin_hash)
        ):
            raise NothingChanged("the present secret")
        persons.renew_secrets(locked, password=password, pin=pin)
        _save(locked)
        open_visits.end_all(locked, reason="secrets_renewed", now=now, besides_session=besides_session)
        changed, kind = _WHAT[password is not None, pin is not None]
        security_notices.tell(locked, changed, now=now)
        eventlog.append(kind, at=now, actor=_subject(locked), subject=_subject(locked), facts={"proof": proof})
    person.refresh_from_db()


_WHAT: Final = {
    (True, True): (Occasion.BOTH_SECRETS, "secrets.renewed"),
    (True, False): (Occasion.PASSWORD, "secrets.password_renewed"),
    (False, True): (Occasion.PIN, "secrets.pin_renewed"),
}


def _locked(person: Person) -> Person:
    return Person.objects.select_for_update().get(pk=person.pk)


def _save(person: Person) -> None:
    person.save(update_fields=["password", "pin_hash"])


def _subject(person: Person) -> str:
    return f"person:{person.pk}"
