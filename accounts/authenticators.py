"""Second steps beside the SMS: an authenticator (TOTP, RFC 6238) and recovery codes, through django-otp.

Rows and arithmetic are django-otp's (`TOTPDevice`, `StaticDevice`, `oath.TOTP`); two things are ours. **Nothing lies
open**: the key is sealed under the field key, a recovery code is kept as a keyed hash (V-025, V-094). **One success
each**: a time step is taken by one conditional UPDATE that only moves forward, a recovery code by one DELETE; of fifty
at once one wins (V-021). The package's own `verify_token` promises neither, and cannot read a sealed key.

Both stand in for the SMS of one sign-in attempt, after parola and şifre were right, and share its counter: three wrong
entries, whatever they were, end the attempt's code; ten an hour shut the person out for a while (V-024).
"""

import base64
import binascii
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.views.decorators.debug import sensitive_variables
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from evidence import eventlog
from evidence.fieldcrypt import index_of, open_value, seal_value

from . import security_notices, sms_code
from .errors import AccountsError, CodeSpent
from .life_errors import AppCodeNotRight, AuthenticatorThere
from .models import Person, SmsAttempt
from .security_notices import Occasion

BY_AUTHENTICATOR: Final = "urn:kep:sign-in:two-secrets-and-totp"
BY_RECOVERY_CODE: Final = "urn:kep:sign-in:two-secrets-and-recovery-code"
"""How somebody proved who he is, as evidence states it."""

HOW_MANY_CODES: Final = 10
_CODE_LENGTH: Final = 12
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another; 12 of them are 59 bits
_LABEL: Final = "accounts.authenticator.key"
_KEY_BYTES: Final = 20


@dataclass(frozen=True)
class Held:
    """Which second steps beside SMS a person has."""

    has_authenticator: bool
    recovery_codes_left: int
    since: datetime | None = None

    @property
    def any(self) -> bool:
        """Whether there is another way than SMS."""
        return self.has_authenticator or self.recovery_codes_left > 0


@dataclass(frozen=True)
class Taken:
    """What took the entry, and how evidence names that."""

    device: Device
    method: str


def held_by(person: Person) -> Held:
    """Two queries."""
    device = TOTPDevice.objects.filter(user=person, confirmed=True).first()
    left = StaticToken.objects.filter(device__user=person).count()
    return Held(device is not None, left, device.created_at if device else None)


def waiting_of(person: Person) -> TOTPDevice | None:
    """The authenticator that waits to be confirmed."""
    waiting: TOTPDevice | None = TOTPDevice.objects.filter(user=person, confirmed=False).first()
    return waiting


# --- adding and removing --------------------------------------------------------------------------------------------
def offer(person: Person) -> TOTPDevice:
    """The authenticator that waits to be confirmed; a new key unless one waits already. `AuthenticatorThere`."""
    with transaction.atomic():
        _lock(person)
        if TOTPDevice.objects.filter(user=person, confirmed=True).exists():
            raise AuthenticatorThere("the person has one")
        waiting: TOTPDevice | None = TOTPDevice.objects.filter(user=person, confirmed=False).first()
        if waiting is None:
            sealed = seal_value(secrets.token_bytes(_KEY_BYTES), _LABEL)
            waiting = TOTPDevice.objects.create(
                user=person, name="totp", confirmed=False, key=base64.b64encode(sealed).decode()
            )
    return waiting


def secret_words(device: TOTPDevice) -> str:
    """The key as people type it into an application: base32 in groups of four. Only while it waits to be confirmed."""
    if device.confirmed:
        raise ValueError("a confirmed key is shown to nobody")
    key = base64.b32encode(_key(device)).decode()
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))


def config_url(device: TOTPDevice) -> str:
    """What the square holds (`otpauth://`); it names the provider and no person. Only while it waits."""
    key = secret_words(device).replace(" ", "")
    issuer = f"KEP {settings.KEP_PROVIDER_CODE}"
    parts = urlencode({"secret": key, "issuer": issuer, "digits": device.digits, "period": device.step})
    return f"otpauth://totp/{quote(issuer)}?{parts.replace('+', '%20')}"


@sensitive_variables("code")
def confirm(person: Person, code: str, *, now: datetime) -> None:
    """The application shows the right code: from now on it is a second step. Tells the person (V-016).

    Refused: `AppCodeNotRight`; `AuthenticatorThere` when another window was faster.
    """
    with transaction.atomic():
        _lock(person)
        device = TOTPDevice.objects.filter(user=person, confirmed=False).first()
        if device is None:
            if TOTPDevice.objects.filter(user=person, confirmed=True).exists():
                raise AuthenticatorThere("the person has one")
            raise AppCodeNotRight("none waits to be confirmed")
        step = _step_of(device, code, now=now)
        if step is None:
            raise AppCodeNotRight("not the code of this key now")
        TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True, last_t=step, created_at=now)
        _tell(person, "authenticator.added", Occasion.AUTHENTICATOR_ADDED, now=now)


def remove(person: Person, *, now: datetime) -> bool:
    """Take the authenticator away; visits that it opened end with it. False when there was none."""
    with transaction.atomic():
        _, by_kind = TOTPDevice.objects.filter(user=person, confirmed=True).delete()
        if not by_kind.get("otp_totp.TOTPDevice"):
            return False
        _tell(person, "authenticator.removed", Occasion.AUTHENTICATOR_REMOVED, now=now)
    return True


def new_recovery_codes(person: Person, *, now: datetime) -> tuple[str, ...]:
    """Ten codes, each good for one sign-in; older ones are dead. They are shown now and never again."""
    codes = tuple("".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH)) for _ in range(HOW_MANY_CODES))
    with transaction.atomic():
        _lock(person)
        device, _ = StaticDevice.objects.get_or_create(user=person, defaults={"name": "recovery"})
        StaticToken.objects.filter(device=device).delete()
        StaticToken.objects.bulk_create([StaticToken(device=device, token=_token(person, code)) for code in codes])
        _tell(person, "recovery_codes.renewed", Occasion.RECOVERY_CODES, now=now)
    return codes


# --- the second step of a sign-in -----------------------------------------------------------------------------------
@sensitive_variables("typed")
def verify(attempt: SmsAttempt, typed: str, *, now: datetime) -> Taken | AccountsError:
    """Take the code of an authenticator, or a recovery code, instead of this attempt's SMS code.

    The refusal is returned and not raised, because the entry that was counted must be committed: `AppCodeNotRight`,
    `CodeSpent`, `TooManyTries`. A person who has neither is refused like one who types a wrong code.
    """
    open_attempt = SmsAttempt.objects.filter(pk=attempt.pk, used_at=None, replaced_at=None)
    live = open_attempt.filter(tries__lt=settings.KEP_SMS_CODE_TRIES, asked_at__gt=now - sms_code.ATTEMPT_LIFE)
    with transaction.atomic():
        person = Person.objects.select_for_update().get(pk=attempt.user_id)
        if refusal := sms_code.too_many_wrong(person.pk, now=now, entered_within=sms_code.ATTEMPT_LIFE):
            return refusal
        if live.exists() and (taken := _take(person, typed, now=now)):
            live.update(used_at=now)
            if taken.method == BY_RECOVERY_CODE:
                security_notices.tell(person, Occasion.RECOVERY_CODE_USED, now=now)
            return taken
        live.update(tries=F("tries") + 1)
    is_spent = open_attempt.filter(tries__gte=settings.KEP_SMS_CODE_TRIES).exists()
    return CodeSpent("three wrong entries") if is_spent else AppCodeNotRight("not a code of this person")


def _take(person: Person, typed: str, *, now: datetime) -> Taken | None:
    entry = typed.replace(" ", "").replace("-", "").lower()
    device = TOTPDevice.objects.filter(user=person, confirmed=True).first()
    if device is not None:
        step = _step_of(device, entry, now=now)
        if step is not None and TOTPDevice.objects.filter(pk=device.pk, last_t__lt=step).update(last_t=step):
            return Taken(device, BY_AUTHENTICATOR)
    codes = StaticToken.objects.filter(device__user=person, token=_token(person, entry))
    kept = StaticDevice.objects.filter(user=person).first()
    if kept is not None and codes.delete()[0]:
        return Taken(kept, BY_RECOVERY_CODE)
    return None


def _step_of(device: TOTPDevice, code: str, *, now: datetime) -> int | None:
    """The time step whose code this is, later than the last one taken; one step before and after the clock's."""
    if not (code.isascii() and code.isdigit() and len(code) == device.digits):
        return None
    totp = TOTP(_key(device), device.step, device.t0, device.digits)
    totp.time = now.timestamp()
    this = totp.t()
    for step in range(max(this - device.tolerance, device.last_t + 1), this + device.tolerance + 1):
        totp.time = device.t0 + step * device.step
        if secrets.compare_digest(f"{totp.token():0{device.digits}d}", code):
            return int(step)
    return None


def _key(device: TOTPDevice) -> bytes:
    try:
        return open_value(base64.b64decode(device.key, validate=True), _LABEL)
    except binascii.Error as error:
        raise ValueError("a key that is not sealed is none of ours") from error


def _token(person: Person, code: str) -> str:
    """The keyed hash of a recovery code, bound to its person: 64 bits, as long as the column is."""
    return index_of(f"{person.pk}:{code}", "accounts.recovery_code")[:16]


def _lock(person: Person) -> None:
    Person.objects.select_for_update().only("pk").get(pk=person.pk)


def _tell(person: Person, kind: str, occasion: Occasion, *, now: datetime) -> None:
    security_notices.tell(person, occasion, now=now)
    eventlog.append(kind, at=now, actor=f"person:{person.pk}", subject=f"person:{person.pk}")
