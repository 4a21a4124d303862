"""`/basvuru/`: applying for an account, by whoever comes along; nobody is signed in (K-020, W-001).

The door stands open, so every step asks for the one before it (V-045), and each network may ask so much in an hour.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from guards import clock

from .. import allotment, one_time
from ..applying import draft, limits
from ..applying.errors import ApplyingError, NoBranch
from ..applying.forms import StrictForm
from ..applying.legal_forms import FORMS, LEGAL_FIELDS
from ..applying.limits import Door
from ..applying.step_forms import AccountForm, CodeForm
from ..doors import open_door
from ..errors import AccountsError, CodeTooSoon
from ..identity_errors import AddressNotAllowed, AddressTaken
from ..life_errors import CodeNotSent
from ..models import Application, OneTimeCode
from .applying_session import remember, with_application
from .applying_steps import ACCOUNT, DETAILS, PHONE, bars, next_page, refuse, status_of

Kind = Application.Kind
KINDS: Final[Mapping[str, Kind]] = {
    "gercek": Kind.NATURAL,
    "tuzel": Kind.PRIVATE_LEGAL,
    "kamu": Kind.PUBLIC_LEGAL,
}
"""The kinds as they stand in addresses."""


@open_door
@require_http_methods(["GET", "HEAD"])
def start(request: HttpRequest) -> HttpResponse:
    """Who may apply, with what, and the way to an application that was begun."""
    return render(request, "accounts/applying/start.html", {})


@open_door
@never_cache
@sensitive_post_parameters("tckn", "telefon")
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest, kind: str) -> HttpResponse:
    """The details; a valid form becomes a draft of this browser, and a code goes to the phone."""
    if kind not in KINDS:
        raise Http404("no such kind of applicant")
    now, form_class = clock.now(), FORMS[KINDS[kind]]
    form = form_class(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            limits.count(Door.BEGIN, request, now=now)
            application = draft.begin(KINDS[kind], form.applicant(), form.legal(), now=now)
            remember(request, application, now=now)
            return _to_phone(request, application, now=now)
        except ApplyingError as refusal:
            refuse(form, None, refusal)
    return _details_page(request, form, KINDS[kind])


@open_door
@never_cache
@sensitive_post_parameters("tckn", "telefon")
@require_http_methods(["GET", "HEAD", "POST"])
@with_application
def details(request: HttpRequest, application: Application, *, now: datetime) -> HttpResponse:
    """The details of the draft again, to be mended."""
    if application.state != Application.State.DRAFT:
        return redirect(next_page(application))
    form_class = FORMS[Kind(application.kind)]
    if request.method != "POST":
        form = form_class(initial=dict(form_class.filled_from(application)))
        return _details_page(request, form, Kind(application.kind), application=application)
    form = form_class(request.POST)
    if form.is_valid():
        try:
            draft.change(application, form.applicant(), form.legal(), now=now)
            return _to_phone(request, application, now=now)
        except ApplyingError as refusal:
            refuse(form, None, refusal)
    return _details_page(request, form, Kind(application.kind), application=application)


@open_door
@never_cache
@sensitive_post_parameters("kod")
@require_http_methods(["GET", "HEAD", "POST"])
@with_application
def phone(request: HttpRequest, application: Application, *, now: datetime) -> HttpResponse:
    """The code that came to the phone."""
    if application.state != Application.State.DRAFT or application.phone_checked_at is not None:
        return redirect(next_page(application))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            draft.check_phone(application, form.cleaned_data["kod"], now=now)
            return redirect(next_page(application))
        except AccountsError as refusal:
            refuse(form, "kod", refusal)
    return _phone_page(request, application, form, now=now)


@open_door
@never_cache
@require_POST
@with_application
def phone_code(request: HttpRequest, application: Application, *, now: datetime) -> HttpResponse:
    """A new code, or the first one when the gateway did not take it."""
    try:
        limits.count(Door.CODE, request, now=now)
        draft.send_phone_code(application, now=now)
    except AccountsError as refusal:
        form = CodeForm({})
        form.is_valid()
        form.errors.clear()
        refuse(form, None, refusal)
        return _phone_page(request, application, form, now=now)
    return redirect("accounts:applying_phone")


@open_door
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@with_application
def account(request: HttpRequest, application: Application, *, now: datetime) -> HttpResponse:
    """Address, service, notices and branch."""
    if application.state != Application.State.DRAFT or application.phone_checked_at is None:
        return redirect(next_page(application))
    branches = draft.open_branches(now=now)
    form = AccountForm(
        request.POST if request.method == "POST" else None,
        application=application,
        proposed=allotment.proposals_for(application),
        branches=branches.values(),
    )
    if request.method == "POST" and form.is_valid():
        field = "adres" if form.cleaned_data["adres"] != "baska" else "baska_adres"
        try:
            draft.choose(application, form.account(), now=now)
            return redirect(next_page(application))
        except (AddressNotAllowed, AddressTaken) as refusal:
            refuse(form, field, refusal)
        except NoBranch as refusal:
            refuse(form, "sube", refusal)
        except ApplyingError as refusal:
            refuse(form, None, refusal)
    context = {"form": form, "application": application, "bars": bars(ACCOUNT), "has_branches": bool(branches)}
    return render(request, "accounts/applying/account.html", context, status=status_of(form))


def _to_phone(request: HttpRequest, application: Application, *, now: datetime) -> HttpResponse:
    """On to the next step; a phone that was not checked gets its code now. The page says it when none could leave."""
    if application.phone_checked_at is None:
        try:
            limits.count(Door.CODE, request, now=now)
            draft.send_phone_code(application, now=now)
        except (CodeTooSoon, CodeNotSent) as refusal:
            messages.warning(request, refusal.for_person())
    return redirect(next_page(application))


def _details_page(
    request: HttpRequest, form: StrictForm, kind: Kind, *, application: Application | None = None
) -> HttpResponse:
    context = {
        "form": form,
        "kind": kind.value,
        "application": application,
        "bars": bars(DETAILS),
        "legal_fields": [form[name] for name in LEGAL_FIELDS if name in form.fields],
        "person_fields": [form[name] for name in form.fields if name not in LEGAL_FIELDS],
    }
    return render(request, "accounts/applying/details.html", context, status=status_of(form))


def _phone_page(request: HttpRequest, application: Application, form: StrictForm, *, now: datetime) -> HttpResponse:
    code = one_time.living(OneTimeCode.Purpose.PHONE, draft.subject_of(application), now=now)
    resend_at = code.sent_at + one_time.GAP if code else now
    context = {
        "form": form,
        "application": application,
        "bars": bars(PHONE),
        "phone_end": application.phone[-2:],
        "code": code,
        "resend_at": resend_at,
        "resend_allowed": now >= resend_at,
        "now": now,
    }
    return render(request, "accounts/applying/phone.html", context, status=status_of(form))
