"""`/giris/imza/`: the door of e-imza, and the end of every request that is signed before a browser (design.md 4).

The door needs no session: the signer's page leads here with the return token in the fragment, which no request carries.
The page's script moves it into a form of this origin and out of the address; nothing happens before *bitir* is pressed.
That POST carries this browser's cookies, and only there do token and session meet. There is no field to type a token
into: whoever could be talked into reading one out would open the door to somebody else.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from guards import clock
from guards.errors import KepError
from signing.models import SigningOperation
from signing.requests import APPLICATION, SIGN_IN, STEP_UP

from .. import access, e_imza, throttle
from ..doors import open_door, unattended
from ..e_imza import Finished
from ..e_imza_errors import NotOfThisBrowser
from ..e_imza_forms import NumberForm, ReturnForm
from ..e_imza_proof import Pending
from ..errors import AccountsError
from ..models import Person
from .e_imza_words import why
from .next_page import safe_next

State = SigningOperation.State

_WORDS: Final = {
    SIGN_IN: (_("E-imzayla giriş"), _("Bu bir giriş isteğidir. İmzalarsanız bu tarayıcıda hesabınıza girilir.")),
    STEP_UP: (_("Kimlik doğrulama"), _("İmzalarsanız bu oturumdaki kişinin siz olduğunuz doğrulanır.")),
    APPLICATION: (
        _("Başvuruyu imzalama"),
        _("İmzalarsanız başvurunuz, programda gösterilen metinle imzalanır."),
    ),
}


@dataclass(frozen=True)
class Watched:
    """Where the request stands, for its page: waiting, signed, over, refused or done."""

    state: str
    comparison: str = ""
    signer_url: str = ""
    expires_at: datetime | None = None
    is_claimed: bool = False
    refusal_code: str = ""
    refusal_text: str = ""


@open_door
@never_cache
@sensitive_post_parameters("tckn")
@require_http_methods(["GET", "HEAD", "POST"])
def door(request: HttpRequest) -> HttpResponse:
    """Begin a sign-in (POST), or come back from the signer (the fragment, which the page's script reads)."""
    next_url = safe_next(request)
    if request.method != "POST":
        return _door(request, NumberForm(), next_url, status=200)
    if _is_signed_in(request):
        return redirect(next_url or settings.LOGIN_REDIRECT_URL)
    form = NumberForm(request.POST)
    if not form.is_valid():
        return _door(request, form, next_url, status=422)
    try:
        e_imza.ask_sign_in(request, form.cleaned_data["tckn"], clock.now(), next_url=next_url)
    except AccountsError as refusal:
        return _door(request, form, next_url, refusal, status=refusal.status)
    return redirect("accounts:e_imza_waiting")


@never_cache
@require_POST
def step_up(request: HttpRequest) -> HttpResponse:
    """Begin the proof of the person signed in; `next` is where it leads back to."""
    e_imza.ask_step_up(request, clock.now(), next_url=safe_next(request))
    return redirect("accounts:e_imza_waiting")


@open_door
@never_cache
@require_http_methods(["GET", "HEAD"])
def waiting(request: HttpRequest) -> HttpResponse:
    """The request of this browser: what to compare, the way to the signer, and how long it lasts."""
    pending = e_imza.pending_of(request)
    if pending is None and not _is_signed_in(request):
        return redirect("accounts:e_imza")
    now = clock.now()
    title, said = _WORDS[pending.purpose if pending else SIGN_IN]
    watched = _watched(pending, now=now) if pending else Watched("done")
    context = {
        "watched": watched,
        "purpose": pending.purpose if pending else "",
        "title": title,
        "said": said,
        "now": now,
        "state_url": resolve_url("accounts:e_imza_state") if watched.state in ("waiting", "signed") else "",
        "again_url": _again(pending),
        "home_url": resolve_url(settings.LOGIN_REDIRECT_URL),
    }
    return render(request, "accounts/e_imza/waiting.html", context)


@open_door
@unattended
@never_cache
@require_GET
def state(request: HttpRequest) -> HttpResponse:
    """The state word of the waiting page, for its watcher."""
    pending = e_imza.pending_of(request)
    if pending is None:
        return JsonResponse({"state": "done", "held": False, "claimed": False, "url": ""})
    watched = _watched(pending, now=clock.now())
    return JsonResponse({"state": watched.state, "held": False, "claimed": watched.is_claimed, "url": ""})


@open_door
@never_cache
@sensitive_post_parameters("isaret")
@require_POST
def finish(request: HttpRequest) -> HttpResponse:
    """*Bitir*: the token that came back meets the browser that asked."""
    form = ReturnForm(request.POST)
    try:
        if not form.is_valid():
            raise NotOfThisBrowser("not the form of this page")
        finished = e_imza.finish(request, form.cleaned_data["isaret"], now=clock.now())
    except AccountsError as refusal:
        return _door(request, NumberForm(), "", refusal, status=refusal.status)
    if finished.purpose == SIGN_IN:
        return _signed_in(request, finished)
    return HttpResponseRedirect(finished.next_url or resolve_url(settings.LOGIN_REDIRECT_URL))


@open_door
@never_cache
@require_POST
def give_up(request: HttpRequest) -> HttpResponse:
    """The person does not want it any more: back to where it began."""
    return HttpResponseRedirect(_again(e_imza.give_up(request, now=clock.now())))


def _signed_in(request: HttpRequest, finished: Finished) -> HttpResponse:
    """To where the person wanted to go; by way of the choice when there are several accounts, or none."""
    held = access.accounts_of(finished.person, now=clock.now()) if finished.person else ()
    target = finished.next_url or resolve_url(settings.LOGIN_REDIRECT_URL)
    if len(held) == 1:
        access.choose(request, held[0])
    elif target != resolve_url("accounts:new_secrets"):  # new secrets need no account
        target = f"{resolve_url('accounts:choose_account')}?{urlencode({'next': target})}"
    response = HttpResponseRedirect(target)
    throttle.set_device_cookie(response, finished.device_id)
    return response


def _watched(pending: Pending, *, now: datetime) -> Watched:
    operation = e_imza.operation_of(pending)
    if operation is None or operation.state in (State.EXPIRED, State.CONSUMED):
        return Watched("over")
    refusal = operation.refusal_code
    said = why(refusal)
    if operation.state == State.CANCELLED:
        return Watched("refused" if refusal else "over", refusal_code=refusal, refusal_text=said)
    if operation.expires_at <= now:
        return Watched("over")
    code = operation.code_shown if operation.state == State.ASKED else None
    return Watched(
        "signed" if operation.state == State.SIGNED else "waiting",
        comparison=operation.comparison,
        signer_url=f"{settings.KEP_SIGNER_ORIGIN}/#{code}@{settings.KEP_WEB_ORIGIN}" if code else "",
        expires_at=operation.expires_at,
        is_claimed=operation.state != State.ASKED,
        refusal_code=refusal,
        refusal_text=said,
    )


def _again(pending: Pending | None) -> str:
    """Where a request of this kind is begun."""
    if pending is None or pending.purpose == SIGN_IN:
        query = {"next": pending.next_url} if pending and pending.next_url else {}
        return resolve_url("accounts:e_imza") + (f"?{urlencode(query)}" if query else "")
    return pending.next_url or resolve_url(settings.LOGIN_REDIRECT_URL)


def _door(
    request: HttpRequest, form: Form, next_url: str, refusal: KepError | None = None, *, status: int
) -> HttpResponse:
    error = {"message": refusal.for_person(), "code": refusal.code} if refusal else None
    pending = e_imza.pending_of(request)
    context = {
        "purpose": pending.purpose if pending else SIGN_IN,
        "title": _WORDS[pending.purpose][0] if pending else "",
        "again_url": _again(pending),
        "form": form,
        "return_form": ReturnForm(),
        "next": next_url,
        "error": error,
        "is_signed_in": _is_signed_in(request),
        "home_url": resolve_url(settings.LOGIN_REDIRECT_URL),
    }
    return render(request, "accounts/e_imza/door.html", context, status=status)


def _is_signed_in(request: HttpRequest) -> bool:
    return isinstance(request.user, Person) and request.user.is_verified()  # type: ignore[attr-defined]
