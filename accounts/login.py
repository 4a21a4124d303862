"""Signing in: number, parola and şifre first, then the SMS code; and what a visit is in between (W-008, K-080).

**Step one** takes the three first factors at once and says right or wrong, never which. Right: the visit that was
there is thrown away, a code is sent, and the new visit holds one thing, the attempt's public id. It is anonymous:
nobody is signed in, every page but the next step is closed to it (V-038), and after a quarter of an hour it is over.

**Step two** takes the code. Only then is there a user in the session, verified by the attempt's row (django-otp), with
the two moments the visit is measured by. Each step has a session id of its own: one that was known before a step
is worth nothing after it (V-030). A code opens only the attempt that asked for it (V-023).

**What counts as wrong** is one counter over all factors (`throttle`), set to zero by a finished sign-in only. A right
parola and şifre alone forgive nothing.

Every try that was looked at is a line in the event log, with the number's keyed hash and no secret. Tries that had to
wait are not: whoever floods the door must not be able to flood the log.
"""

from dataclasses import dataclass
from datetime import datetime

import django_otp
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth import login as auth_login
from django.contrib.auth import logout as auth_logout
from django.db import transaction
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from django_otp.models import Device

from evidence import eventlog
from guards.client_address import client_address

from . import open_visits, persons, posts, security_notices, sms_code, throttle, visit
from .backends import compute_both
from .errors import SignInExpired, WrongFactor
from .models import Person, SmsAttempt
from .security_notices import Occasion

BACKEND = "accounts.backends.TwoSecretsBackend"

_ATTEMPT = "kep_attempt"
_NEXT = "kep_next"


@sensitive_variables("tckn", "password", "pin")
def check_secrets(request: HttpRequest, *, tckn: str, password: str, pin: str, now: datetime) -> Person:
    """The person whose number, parola and şifre these are; `tckn` is in canonical form.

    Refused: `WrongFactor` for every wrong combination alike; `TooManyTries` and `RecoveryNeeded` by the counters.
    """
    index = persons.tckn_index(tckn)
    person = authenticate(request, tckn_index=index, password=password, pin_secret=pin)
    if isinstance(person, Person):
        return person
    if getattr(request, "kep_try_was_counted", False):
        _log("sign_in.refused", request, now=now, subject=f"number:{index}", step="secrets")
    if getattr(request, "axes_locked_out", False):
        compute_both(password, pin)  # the package refused before our backend was asked
        raise throttle.axes_refusal(request, index, now=now)
    raise WrongFactor("a factor is wrong")


def begin_attempt(request: HttpRequest, person: Person, *, next_url: str, now: datetime) -> None:
    """Throw the visit away, send a code, and keep nothing but the attempt. Refused: `CodeTooSoon`, `SmsUnavailable`.

    The same person asking again from the same window, half a minute after the code went out, keeps the code he has.
    """
    attempt = _attempt_of(request)
    if not (
        attempt
        and attempt.user_id == person.pk
        and now < attempt.sent_at + sms_code.BETWEEN_ATTEMPTS
        and sms_code.is_alive(attempt, now=now)
    ):
        attempt = sms_code.ask(person, now=now)
        _log("sign_in.code_sent", request, now=now, subject=f"person:{person.pk}", attempt=attempt.public_id)
    request.session.flush()
    request.session[_ATTEMPT] = attempt.public_id
    request.session[_NEXT] = next_url


def open_attempt(request: HttpRequest, *, now: datetime) -> SmsAttempt:
    """The attempt this half-signed-in visit holds; `SignInExpired` when there is none or it is over."""
    attempt = _attempt_of(request)
    if attempt is None or not attempt.user.is_active or not sms_code.is_alive(attempt, now=now):
        raise SignInExpired("no open attempt in this visit")
    return attempt


def send_again(request: HttpRequest, *, now: datetime) -> SmsAttempt:
    """A new code for the open attempt. Refused: `SignInExpired`, `CodeTooSoon`, `SmsUnavailable`."""
    attempt = sms_code.ask_again(open_attempt(request, now=now), now=now)
    request.session[_ATTEMPT] = attempt.public_id
    _log("sign_in.code_sent", request, now=now, subject=f"person:{attempt.user_id}", attempt=attempt.public_id)
    return attempt


def note_wrong_code(request: HttpRequest, attempt: SmsAttempt, *, now: datetime) -> None:
    """Count a refused code and write it down; the code itself is nowhere kept."""
    index = attempt.user.tckn_index
    throttle.count_wrong(index, throttle.known_device(request, index), now=now)
    _log("sign_in.refused", request, now=now, subject=f"number:{index}", step="sms", attempt=attempt.public_id)


@dataclass(frozen=True)
class Finished:
    """A finished sign-in: where the person wanted to go, and the id his browser is known by from now on."""

    next_url: str
    device_id: str


def finish(
    request: HttpRequest,
    attempt: SmsAttempt,
    *,
    now: datetime,
    device: Device | None = None,
    method: str = visit.SIGN_IN_BY_SMS,
) -> Finished:
    """Open the visit of the person whose code was accepted just now. The attempt must be used up: ValueError else.

    `device` is what took the code where it was not the attempt itself: an authenticator, a list of recovery codes.
    """
    if not SmsAttempt.objects.filter(pk=attempt.pk, used_at__isnull=False).exists():
        raise ValueError("the code of this attempt was not accepted")
    next_url = request.session.pop(_NEXT, "")
    request.session.pop(_ATTEMPT, None)
    device_id = open_visit(request, attempt.user, device=device or attempt, method=method, now=now)
    return Finished(next_url, device_id)


def open_visit(request: HttpRequest, person: Person, *, device: Device, method: str, now: datetime) -> str:
    """Open the visit of a person who was proved by `method` just now; the id his browser is known by comes back.

    `device` is what django-otp verifies the visit by, a row of this person's. Whoever calls has checked every factor.
    The person hears of a sign-in on a browser that was not known, unless it is his first one (V-016).
    """
    is_odd = person.last_login is not None and throttle.known_device(request, person.tckn_index) is None
    with transaction.atomic():
        auth_login(request, person, backend=BACKEND)  # a new session id, a new CSRF token
        visit.begin(request.session, now=now, method=method, posts=posts.roles_of(person, now=now))
        throttle.forgive(request, person.tckn_index)
        device_id = throttle.remember_device(request, person, now=now)
        django_otp.login(request, device)
        opened = open_visits.begin(
            request, person, method=method, now=now, device_index=throttle.device_index(device_id)
        )
        facts = {"method": method, "visit": opened.public_id}
        _append("sign_in.completed", request, now=now, subject=f"person:{person.pk}", **facts)
        if is_odd:
            security_notices.tell(person, Occasion.NEW_DEVICE, now=now)
    return device_id


def end_visit(request: HttpRequest, *, now: datetime, kind: str = "sign_out") -> None:
    """Sign out: the session is gone on the server, whatever the browser keeps (V-032). `kind` is the event's name."""
    if isinstance(request.user, Person):
        with transaction.atomic():
            _append(kind, request, now=now, subject=f"person:{request.user.pk}")
            open_visits.note_end(request.session, reason=kind, now=now)
    auth_logout(request)


def _attempt_of(request: HttpRequest) -> SmsAttempt | None:
    kept = request.session.get(_ATTEMPT)
    return SmsAttempt.objects.filter(public_id=kept).select_related("user").first() if kept else None


def _log(kind: str, request: HttpRequest, *, now: datetime, subject: str, **facts: str) -> None:
    with transaction.atomic():
        _append(kind, request, now=now, subject=subject, **facts)


def _append(kind: str, request: HttpRequest, *, now: datetime, subject: str, **facts: str) -> None:
    where = client_address(
        request.META.get("REMOTE_ADDR", ""),
        request.headers.get("X-Forwarded-For", ""),
        is_behind_proxy=bool(settings.SECURE_PROXY_SSL_HEADER),
    )
    actor = subject if subject.startswith("person:") else ""
    eventlog.append(kind, at=now, actor=actor, subject=subject, facts={"from": where, **facts})
