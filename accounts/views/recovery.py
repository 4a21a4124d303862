"""`/hesap/kurtarma/`: the code of the desk, for somebody who has lost parola or şifre (`forgotten` shows the ways)."""

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from guards import clock
from guards.errors import KepError

from .. import recovery
from ..account_forms import RecoveryForm
from ..applying import limits
from ..doors import open_door
from ..errors import AccountsError
from .account_frame import shown


@open_door
@never_cache
@sensitive_post_parameters("tckn", "kod", "parola", "parola_yeniden", "sifre", "sifre_yeniden")
@require_http_methods(["GET", "HEAD", "POST"])
def recover(request: HttpRequest) -> HttpResponse:
    """Number and code of the desk, and both secrets anew."""
    if request.method != "POST":
        return _page(request, RecoveryForm())
    form = RecoveryForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    given, now = form.cleaned_data, clock.now()
    try:
        limits.count(limits.Door.RECOVERY, request, now=now)
        recovery.recover(
            tckn=given["tckn"],
            code=given["kod"].replace(" ", ""),
            password=given["parola"],
            pin=given["sifre"],
            now=now,
        )
    except AccountsError as refusal:
        return _page(request, form, refusal)
    return redirect("accounts:recovered")


@open_door
@require_safe
def recovered(request: HttpRequest) -> HttpResponse:
    """Both secrets are new; on to the sign-in."""
    return render(request, "accounts/account/recovered.html")


def _page(request: HttpRequest, form: Form, refusal: KepError | None = None, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "error": shown(refusal)}
    return render(request, "accounts/account/recover.html", context, status=refusal.status if refusal else status)
