"""The pages of the sign-in: two steps at two addresses, a new code, and the way out."""

from collections.abc import Mapping

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from two_factor.plugins.registry import registry

from guards import clock
from guards.errors import KepError

from .. import access, login, sms_code, throttle
from ..doors import open_door
from ..errors import AccountsError, CodeSpent, SignInExpired, VisitEnded, WrongCode
from ..forms import SignInForm
from ..models import Person, SmsAttempt
from .next_page import safe_next


@open_door
@never_cache
@sensitive_post_parameters("tckn", "parola", "sifre")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Step one: T.C. kimlik no, parola, şifre."""
    next_url = safe_next(request)
    if request.method != "POST":
        if is_signed_in(request):
            return redirect(next_url or settings.LOGIN_REDIRECT_URL)
        ended = VisitEnded() if "bitti" in request.GET else None
        return _sign_in_page(request, SignInForm(), next_url, ended, status=200)
    now, form = clock.now(), SignInForm(request.POST)
    if not form.is_valid():
        return _sign_in_page(request, form, next_url, status=422)
    given = form.cleaned_data
    try:
        person = login.check_secrets(request, tckn=given["tckn"], password=given["parola"], pin=given["sifre"], now=now)
        login.begin_attempt(request, person, next_url=next_url, now=now)
    except AccountsError as refusal:
        return _sign_in_page(request, form, next_url, refusal, status=refusal.status)
    return redirect("accounts:sign_in_sms")


@open_door
@never_cache
@sensitive_post_parameters("sms")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_sms(request: HttpRequest) -> HttpResponse:
    """Step two: the SMS code of this attempt."""
    now = clock.now()
    if is_signed_in(request):
        return redirect(settings.LOGIN_REDIRECT_URL)
    try:
        attempt = login.open_attempt(request, now=now)
    except SignInExpired as refusal:
        return begin_again(request, refusal)
    make_form = registry.method_from_device(attempt).get_token_form_class()
    if request.method != "POST":
        return _sms_page(request, make_form(attempt), attempt, status=200)
    form = make_form(attempt, data=request.POST)
    if form.is_valid():
        return signed_in(request, login.finish(request, attempt, now=now))
    wrong = attempt.refusal
    if wrong is None:  # nothing that could be a code was typed
        return _sms_page(request, form, attempt, status=422)
    if isinstance(wrong, WrongCode | CodeSpent):
        login.note_wrong_code(request, attempt, now=now)
    return _sms_page(request, make_form(attempt), attempt, wrong, status=wrong.status)


@open_door
@never_cache
@require_POST
def sms_resend(request: HttpRequest) -> HttpResponse:
    """A new code for the same attempt."""
    now = clock.now()
    try:
        login.send_again(request, now=now)
    except SignInExpired as refusal:
        return begin_again(request, refusal)
    except AccountsError as refusal:
        attempt = login.open_attempt(request, now=now)
        form = registry.method_from_device(attempt).get_token_form_class()(attempt)
        return _sms_page(request, form, attempt, refusal, status=refusal.status)
    return redirect("accounts:sign_in_sms")


@open_door
@never_cache
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the visit. The device cookie stays: it opens nothing, and keeps strangers from locking the owner out."""
    login.end_visit(request, now=clock.now())
    response = redirect("accounts:sign_in")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def signed_in(request: HttpRequest, finished: login.Finished) -> HttpResponse:
    """To where the person wanted to go; by way of the choice when there are several accounts, or none."""
    person = request.user
    held = access.accounts_of(person, now=clock.now()) if isinstance(person, Person) else ()
    target = finished.next_url or resolve_url(settings.LOGIN_REDIRECT_URL)
    if len(held) == 1:
        access.choose(request, held[0])
        if not held[0].acts_for_himself:
            access.note_choice(held[0], now=clock.now())
    else:
        target = f"{resolve_url('accounts:choose_account')}?{urlencode({'next': target})}"
    response = HttpResponseRedirect(target)
    throttle.set_device_cookie(response, finished.device_id)
    return response


def _sign_in_page(
    request: HttpRequest, form: Form, next_url: str, refusal: KepError | None = None, *, status: int
) -> HttpResponse:
    context = {"form": form, "next": next_url, "error": _shown(refusal)}
    return render(request, "accounts/sign_in.html", context, status=status)


def _sms_page(
    request: HttpRequest, form: Form, attempt: SmsAttempt, refusal: KepError | None = None, *, status: int
) -> HttpResponse:
    now, resend_at = clock.now(), sms_code.may_ask_again_at(attempt)
    context = {
        "form": form,
        "phone_end": attempt.user.phone[-2:],
        "sent_at": attempt.sent_at,
        "expires_at": attempt.expires_at,
        "resend_at": resend_at,
        "resend_allowed": now >= resend_at,
        "now": now,
        "error": _shown(refusal),
    }
    return render(request, "accounts/sign_in_sms.html", context, status=status)


def begin_again(request: HttpRequest, refusal: SignInExpired) -> HttpResponse:
    """To the first step; a POST that came too late is told so."""
    if request.method == "POST":
        return _sign_in_page(request, SignInForm(), "", refusal, status=refusal.status)
    return redirect("accounts:sign_in")


def _shown(refusal: KepError | None) -> Mapping[str, str] | None:
    return {"message": refusal.for_person(), "code": refusal.code} if refusal else None


def is_signed_in(request: HttpRequest) -> bool:
    """Whether there is a verified visit."""
    return isinstance(request.user, Person) and request.user.is_verified()  # type: ignore[attr-defined]
