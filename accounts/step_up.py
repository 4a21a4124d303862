"""Full proof of the person again, inside a visit, before acts that matter (V-036).

A sign-in is a full proof; so is parola, şifre and SMS code, or an e-imza, given again in the visit. It holds for ten
minutes and for this visit only. `needs_step_up` sends everybody else by way of `/hesap/dogrula/` and back.

**The steps** are those of the sign-in: parola and şifre first, counted by the same counters (V-006), and only when both
are right a code goes out (V-026). The code belongs to the visit that asked for it (V-023): its subject is the visit.
A proof gives the session a new key (V-030).
"""

import functools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, overload

from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_variables

from evidence import eventlog
from guards import clock

from . import one_time, open_visits, throttle, visit
from .doors import View
from .errors import VisitEnded
from .life_errors import CodeNotRight, CodeUsedUp, FactorNotRight, ProofNeeded
from .models import OneTimeCode, OpenVisit, Person
from .one_time import Purpose

HOLDS: Final = timedelta(minutes=10)
BY_SMS: Final = visit.SIGN_IN_BY_SMS

_PROVED: Final = "kep_proved"
_SECRETS: Final = "kep_secrets_proved_at"


@overload
def needs_step_up(view: View) -> View: ...
@overload
def needs_step_up(*, back_to: str) -> Callable[[View], View]: ...
def needs_step_up(view: View | None = None, *, back_to: str = "") -> View | Callable[[View], View]:
    """A view that runs only for a person proved within ten minutes; others are led to the proof and come back.

    They come back to the same address, or to `back_to` (a name of a page) where the view takes only POST. A script is
    answered `ProofNeeded`. Stand it below `require_http_methods`, so that a wrong method is refused first.
    """
    return functools.partial(_guarded, back_to=back_to) if view is None else _guarded(view, back_to=back_to)


def _guarded(view: View, *, back_to: str) -> View:
    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_proved(request, now=clock.now()):
            return view(request, *args, **kwargs)
        if "application/json" in request.headers.get("Accept", ""):
            refusal = ProofNeeded("no fresh proof")
            return JsonResponse({"code": refusal.code, "message": refusal.for_person()}, status=refusal.status)
        back = resolve_url(back_to) if back_to else request.get_full_path()
        return HttpResponseRedirect(f"{reverse('accounts:step_up')}?{urlencode({'next': back})}")

    return guarded


def is_proved(request: HttpRequest, *, now: datetime) -> bool:
    """Whether the person gave a full proof in this visit within the last ten minutes."""
    try:
        opened_at = visit.visit_of(request).opened_at
    except VisitEnded:
        return False
    kept = request.session.get(_PROVED)
    proved_at = max(opened_at, datetime.fromisoformat(kept["at"])) if kept else opened_at
    return proved_at <= now < proved_at + HOLDS


def method_of(request: HttpRequest) -> str:
    """How the person was proved last in this visit, as evidence states it."""
    kept = request.session.get(_PROVED)
    return kept["method"] if kept else visit.visit_of(request).method


@sensitive_variables("password", "pin")
def check_secrets(request: HttpRequest, person: Person, *, password: str, pin: str, now: datetime) -> OneTimeCode:
    """Parola and şifre of the person signed in; right: a code is on its way to his phone.

    Refused: `FactorNotRight`, `TooManyTries`, `RecoveryNeeded`, `CodeTooSoon`, `CodeNotSent`.
    """
    found = authenticate(request, tckn_index=person.tckn_index, password=password, pin_secret=pin)
    if not isinstance(found, Person) or found.pk != person.pk:
        with transaction.atomic():
            eventlog.append("step_up.refused", at=now, actor=_actor(person), subject=_actor(person))
        if getattr(request, "axes_locked_out", False):
            raise throttle.axes_refusal(request, person.tckn_index, now=now)
        raise FactorNotRight("parola or şifre is wrong")
    code = one_time.send(Purpose.STEP_UP, subject_of(request), phone=person.phone, now=now)
    request.session[_SECRETS] = now.isoformat()
    return code


def send_again(request: HttpRequest, person: Person, *, now: datetime) -> OneTimeCode:
    """A new code after right secrets. Refused: `ProofNeeded` (begin with the secrets), `CodeTooSoon`, `CodeNotSent`."""
    _refuse_skipping(request, now=now)
    return one_time.send(Purpose.STEP_UP, subject_of(request), phone=person.phone, now=now)


def awaits_code(request: HttpRequest, *, now: datetime) -> bool:
    """Whether the secrets were right a moment ago in this visit, so that the code is asked for next."""
    kept = request.session.get(_SECRETS)
    return kept is not None and now < datetime.fromisoformat(kept) + HOLDS


def prove(request: HttpRequest, person: Person, code: str, *, now: datetime) -> None:
    """Take the code: from now on the visit is proved. Not inside a transaction.

    Refused: `ProofNeeded` when the secrets were skipped (V-045), `CodeNotRight`, `CodeUsedUp`, `TooManyTries`.
    """
    _refuse_skipping(request, now=now)
    try:
        one_time.spend(Purpose.STEP_UP, subject_of(request), code, now=now)
    except (CodeNotRight, CodeUsedUp):
        device = throttle.known_device(request, person.tckn_index)
        throttle.count_wrong(person.tckn_index, device, now=now)
        raise
    note_proof(request, person, method=BY_SMS, now=now)


def note_proof(request: HttpRequest, person: Person, *, method: str, now: datetime) -> None:
    """The person signed in has just proved himself in full by `method`; whoever calls has checked it.

    The session gets a new key (V-030). `VisitEnded` when the visit was ended meanwhile.
    """
    open_visits.renew_key(request.session)
    request.session.pop(_SECRETS, None)
    request.session[_PROVED] = {"at": now.isoformat(), "method": method}
    with transaction.atomic():
        throttle.forgive(request, person.tckn_index)
        facts = {"method": method}
        eventlog.append("step_up.completed", at=now, actor=_actor(person), subject=_actor(person), facts=facts)


def _refuse_skipping(request: HttpRequest, *, now: datetime) -> None:
    if not awaits_code(request, now=now):
        raise ProofNeeded("the secrets were not proved before")


def subject_of(request: HttpRequest) -> str:
    """The visit that asks, by a name that outlives a change of its session key (V-023)."""
    row: OpenVisit | None = open_visits.current_of(request)
    if row is None:
        raise VisitEnded("no open visit in this session")
    return f"visit:{row.public_id}"


def _actor(person: Person) -> str:
    return f"person:{person.pk}"
