"""`/hesap/dogrulayici/` and `/hesap/kurtarma-kodlari/`: second steps beside the SMS, by their person."""

import io

import qrcode
import qrcode.image.svg
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from guards import clock
from guards.errors import KepError

from .. import authenticators
from ..account_forms import AuthenticatorForm
from ..errors import AccountsError
from ..models import Person
from ..step_up import needs_step_up
from .account_frame import account_page, person_of


@sensitive_post_parameters("kod")
@require_http_methods(["GET", "HEAD", "POST"])
@needs_step_up
def authenticator(request: HttpRequest) -> HttpResponse:
    """What is there; with a waiting key its square and words; a posted code confirms it."""
    person = person_of(request)
    if request.method != "POST":
        return _page(request, person, AuthenticatorForm())
    form = AuthenticatorForm(request.POST)
    if not form.is_valid():
        return _page(request, person, form, status=422)
    try:
        authenticators.confirm(person, form.cleaned_data["kod"].replace(" ", ""), now=clock.now())
    except AccountsError as refusal:
        return _page(request, person, AuthenticatorForm(), refusal)
    messages.success(request, _("Doğrulama uygulaması eklendi. SMS gelmediğinde girişte kullanabilirsiniz."))
    return redirect("accounts:account")


@require_POST
@needs_step_up(back_to="accounts:authenticator")
def authenticator_begin(request: HttpRequest) -> HttpResponse:
    """Make a key that waits to be confirmed."""
    person = person_of(request)
    try:
        authenticators.offer(person)
    except AccountsError as refusal:
        return _page(request, person, AuthenticatorForm(), refusal)
    return redirect("accounts:authenticator")


@require_POST
@needs_step_up(back_to="accounts:authenticator")
def authenticator_remove(request: HttpRequest) -> HttpResponse:
    """Take it away."""
    if authenticators.remove(person_of(request), now=clock.now()):
        messages.success(request, _("Doğrulama uygulaması kaldırıldı. Girişte SMS kodu kullanılır."))
    return redirect("accounts:account")


@require_http_methods(["GET", "HEAD", "POST"])
@needs_step_up
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """How many are left; a POST makes new ones and shows them, this once."""
    person = person_of(request)
    codes: tuple[str, ...] = ()
    if request.method == "POST":
        codes = tuple(_grouped(code) for code in authenticators.new_recovery_codes(person, now=clock.now()))
    context = {"held": authenticators.held_by(person), "codes": codes}
    return account_page(request, "accounts/account/recovery_codes.html", context)


def _page(
    request: HttpRequest,
    person: Person,
    form: AuthenticatorForm,
    refusal: KepError | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    device = authenticators.waiting_of(person)
    context = {
        "held": authenticators.held_by(person),
        "words": authenticators.secret_words(device) if device else "",
        "square": _square(authenticators.config_url(device)) if device else "",
        "config_url": authenticators.config_url(device) if device else "",
    }
    return account_page(
        request, "accounts/account/authenticator.html", context, form=form, refusal=refusal, status=status
    )


def _square(text: str) -> SafeString:
    """The QR code as a drawing inside the page, on its own white ground: no address is asked for it."""
    made = qrcode.make(text, image_factory=qrcode.image.svg.SvgPathFillImage, border=4)
    stream = io.BytesIO()
    made.save(stream)
    drawing = stream.getvalue().decode().partition("?>")[2].strip()
    return mark_safe(drawing)  # noqa: S308 - drawn here from squares, no text of anybody in it


def _grouped(code: str) -> str:
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))
