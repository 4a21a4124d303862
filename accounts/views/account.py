"""`/hesap/`: what a person sees of his own sign-in, and where he changes it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from guards import clock

from .. import activation, authenticators, open_visits, recovery, security_history, step_up, throttle
from ..account_forms import PasswordForm, PinForm
from ..errors import AccountsError
from ..identity import mask_tckn
from ..models import Person
from ..step_up import needs_step_up
from ..strict_form import StrictForm
from .account_frame import account_page, person_of

FEW, MANY = 5, 100


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """The overview: who one is here, secrets, second steps, visits, and what happened last."""
    person, now = person_of(request), clock.now()
    context = {
        "person": person,
        "tckn": mask_tckn(person.tckn),
        "phone_end": person.phone[-2:],
        "waiting": activation.waiting_for(person, now=now),
        "held": authenticators.held_by(person),
        "visits": open_visits.open_of(person, now=now).count(),
        "lines": security_history.history(person, most=FEW, with_quiet=False),
        "lock": throttle.lock_of(person.tckn_index, now=now),
    }
    return account_page(request, "accounts/account/home.html", context)


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """What happened to the sign-in, newest first."""
    lines = security_history.history(person_of(request), most=MANY)
    return account_page(request, "accounts/account/events.html", {"lines": lines, "most": MANY})


@sensitive_post_parameters("parola", "parola_yeniden")
@require_http_methods(["GET", "HEAD", "POST"])
@needs_step_up
def renew_password(request: HttpRequest) -> HttpResponse:
    """Another parola (W-011)."""
    return _renew(request, PasswordForm, "accounts/account/password.html", "password", "parola")


@sensitive_post_parameters("sifre", "sifre_yeniden")
@require_http_methods(["GET", "HEAD", "POST"])
@needs_step_up
def renew_pin(request: HttpRequest) -> HttpResponse:
    """Another şifre (W-011)."""
    return _renew(request, PinForm, "accounts/account/pin.html", "pin", "sifre")


@sensitive_variables("given")
def _renew(
    request: HttpRequest, make_form: Callable[..., StrictForm], template: str, name: str, field: str
) -> HttpResponse:
    person, now = person_of(request), clock.now()
    if request.method != "POST":
        return account_page(request, template, form=make_form())
    form = make_form(request.POST)
    if not form.is_valid():
        return account_page(request, template, form=form, status=422)
    given: dict[str, Any] = {name: form.cleaned_data[field]}
    try:
        with transaction.atomic():
            kept = request.session.session_key or ""
            recovery.renew(person, **given, proof=step_up.method_of(request), now=now, besides_session=kept)
            _keep_this_visit(request, person)
    except AccountsError as refusal:
        return account_page(request, template, form=make_form(), refusal=refusal)
    done = _("Parolanız değişti.") if name == "password" else _("Şifreniz değişti.")
    messages.success(request, f"{done} {_('Bu oturum dışındaki oturumlarınız kapatıldı.')}")
    return redirect("accounts:account")


def _keep_this_visit(request: HttpRequest, person: Person) -> None:
    """The secrets are part of what a session is checked by; this one goes on, under a new key."""
    old = request.session.session_key
    update_session_auth_hash(request, person)
    open_visits.note_key(old or "", request.session.session_key or "")
