"""How often somebody may be wrong: two counters, and what keeps the owner in (V-006..V-008).

**By person and device**, quick: django-axes counts wrong tries per (identity number, device) and locks that pair for
fifteen minutes after five. A device is known to a person once a whole sign-in was finished on it; its cookie holds
a random id, signed, and the row keeps the id's keyed hash. Every other browser, with or without a cookie, is
one and the same *unknown* device: throwing cookies away gains nothing.

**By person**, slow: wrong tries in a row from unknown devices are counted in `WrongTries`, over all factors, SMS codes
too. From the fifth on each has to wait, a quarter of an hour, then twice as long each time, a day at most; at a
hundred unknown devices are shut out until the person has proved himself in another way. The row belongs to the
number's hash, not to a person: a number nobody holds waits exactly as long (V-008).

**A lock is no weapon**: a known device asks neither the shared bucket nor the slow counter. It has a counter of its
own, and after ten wrong tries in a row it is an unknown device again.

A try is counted *before* the secrets are hashed and given back when they were right, under the row's lock. So a
hundred parallel tries are a hundred tries. A finished sign-in sets the counters to zero.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.db.models import F, Max, Sum
from django.http import HttpRequest, HttpResponse

from evidence.fieldcrypt import index_of

from .clock_words import clock_words
from .errors import RecoveryNeeded, TooManyTries
from .models import KnownDevice, Person, WrongTries

FREE_TRIES = 5
FIRST_WAIT = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=24)
SHUT_OUT_AT = 100
DEVICE_TRIES = 10
DEVICE_COOKIE_LIFE = timedelta(days=365)
UNKNOWN = "unknown"

_SALT = "accounts.device"


@dataclass(frozen=True)
class Try:
    """One counted try, so that it can be given back."""

    tckn_index: str
    device: KnownDevice | None
    earlier_at: datetime | None = None


# --- devices --------------------------------------------------------------------------------------------------------
def known_device(request: HttpRequest, tckn_index: str) -> KnownDevice | None:
    """The row of this browser for this identity number, while it has tries left; asked once per request."""
    kept: dict[str, KnownDevice | None] = request.__dict__.setdefault("kep_known_device", {})
    if tckn_index not in kept:
        device_id = _device_id(request)
        rows = KnownDevice.objects.filter(person__tckn_index=tckn_index, wrong_tries__lt=DEVICE_TRIES)
        kept[tckn_index] = rows.filter(device_index=device_index(device_id)).first() if device_id else None
    return kept[tckn_index]


def remember_device(request: HttpRequest, person: Person, *, now: datetime) -> str:
    """Make this browser known to the person; returns the device id for `set_device_cookie`."""
    device_id = _device_id(request) or secrets.token_urlsafe(24)
    KnownDevice.objects.update_or_create(
        person=person,
        device_index=device_index(device_id),
        defaults={"wrong_tries": 0, "last_seen_at": now},
        create_defaults={"first_seen_at": now, "last_seen_at": now},
    )
    return device_id


def set_device_cookie(response: HttpResponse, device_id: str) -> None:
    """Give the browser its device id, signed; scripts cannot read it."""
    response.set_cookie(
        settings.KEP_DEVICE_COOKIE_NAME,
        TimestampSigner(salt=_SALT).sign(device_id),
        max_age=DEVICE_COOKIE_LIFE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _device_id(request: HttpRequest) -> str | None:
    cookie = request.COOKIES.get(settings.KEP_DEVICE_COOKIE_NAME, "")
    try:
        return TimestampSigner(salt=_SALT).unsign(cookie, max_age=DEVICE_COOKIE_LIFE)
    except BadSignature:
        return None


def device_index(device_id: str) -> str:
    """The keyed hash by which a browser's random id is kept."""
    return index_of(device_id, "accounts.device")


# --- the slow counter -----------------------------------------------------------------------------------------------
def take_try(tckn_index: str, device: KnownDevice | None, *, now: datetime) -> Try:
    """Count one try before it is looked at. Refused, and then not counted: `TooManyTries`, `RecoveryNeeded`."""
    if device is not None:
        KnownDevice.objects.filter(pk=device.pk).update(wrong_tries=F("wrong_tries") + 1)
        return Try(tckn_index, device)
    with transaction.atomic():
        row, _ = WrongTries.objects.select_for_update().get_or_create(tckn_index=tckn_index, defaults={"last_at": now})
        if row.count >= SHUT_OUT_AT:
            raise RecoveryNeeded("too many wrong tries in a row")
        until = row.last_at + wait_after(row.count)
        if now < until:
            raise TooManyTries("wait", count=row.count, until=until, at=clock_words(until, now=now))
        WrongTries.objects.filter(pk=tckn_index).update(count=row.count + 1, last_at=now)
        return Try(tckn_index, None, earlier_at=row.last_at)


def give_back(counted: Try) -> None:
    """The secrets were right: the try does not count."""
    if counted.device is not None:
        KnownDevice.objects.filter(pk=counted.device.pk, wrong_tries__gt=0).update(wrong_tries=F("wrong_tries") - 1)
    else:
        WrongTries.objects.filter(pk=counted.tckn_index, count__gt=0).update(
            count=F("count") - 1, last_at=counted.earlier_at
        )


def count_wrong(tckn_index: str, device: KnownDevice | None, *, now: datetime) -> None:
    """Count a wrong SMS code: the counter is one over all factors. Never refuses: codes have their own limits."""
    if device is not None:
        KnownDevice.objects.filter(pk=device.pk).update(wrong_tries=F("wrong_tries") + 1)
        return
    with transaction.atomic():
        WrongTries.objects.get_or_create(tckn_index=tckn_index, defaults={"last_at": now})
        WrongTries.objects.filter(pk=tckn_index).update(count=F("count") + 1, last_at=now)


def forgive(request: HttpRequest, tckn_index: str) -> None:
    """A finished sign-in: nothing counts any more, for this person and this device."""
    WrongTries.objects.filter(pk=tckn_index).delete()
    AccessAttempt.objects.filter(username=axes_username(request, {"tckn_index": tckn_index})).delete()


def forgive_all(tckn_index: str) -> None:
    """The person has proved himself by something that is not counted here: nothing counts any more, on any device."""
    WrongTries.objects.filter(pk=tckn_index).delete()
    AccessAttempt.objects.filter(username__startswith=f"{tckn_index}:").delete()


@dataclass(frozen=True)
class Lock:
    """How the slow counter stands for a person: unknown devices wait until `until`, or for a recovery without end."""

    count: int
    until: datetime | None


def lock_of(tckn_index: str, *, now: datetime) -> Lock | None:
    """The lock that unknown devices meet now; None when there is none. Known devices never meet it (V-007)."""
    row = WrongTries.objects.filter(pk=tckn_index).first()
    if row is None:
        return None
    if row.count >= SHUT_OUT_AT:
        return Lock(row.count, None)
    until = row.last_at + wait_after(row.count)
    return Lock(row.count, until) if now < until else None


def wait_after(count: int) -> timedelta:
    """How long an unknown device waits after so many wrong tries in a row."""
    if count < FREE_TRIES:
        return timedelta()
    doublings = min(count - FREE_TRIES, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


# --- django-axes ----------------------------------------------------------------------------------------------------
def axes_username(request: HttpRequest, credentials: dict[str, str] | None) -> str:
    """What axes counts by: `index:device`, never an identity number and never a cookie's value."""
    tckn_index = (credentials or {}).get("tckn_index") or ""
    device = known_device(request, tckn_index)
    return f"{tckn_index}:{device.device_index if device else UNKNOWN}"


def axes_refusal(request: HttpRequest, tckn_index: str, *, now: datetime) -> TooManyTries:
    """The refusal for a pair that axes has locked, with the moment the lock ends."""
    attempts = AccessAttempt.objects.filter(username=axes_username(request, {"tckn_index": tckn_index}))
    seen = attempts.aggregate(last_at=Max("attempt_time"), count=Sum("failures_since_start"))
    until = (seen["last_at"] or now) + settings.AXES_COOLOFF_TIME
    if known_device(request, tckn_index) is None:
        slow = WrongTries.objects.filter(pk=tckn_index).first()
        until = max(until, slow.last_at + wait_after(slow.count)) if slow else until
    count = seen["count"] or settings.AXES_FAILURE_LIMIT
    return TooManyTries("locked", count=count, until=until, at=clock_words(until, now=now))


def locked_out(request: HttpRequest, response: HttpResponse, credentials: dict[str, str] | None) -> HttpResponse:
    """What the axes middleware answers: the page the sign-in view has already made of the refusal."""
    return response
