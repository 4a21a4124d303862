"""`/giris/uygulama/`: the second step of a sign-in without SMS, by an authenticator or a recovery code."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from guards import clock
from guards.errors import KepError

from .. import authenticators, login
from ..account_forms import AppCodeForm
from ..authenticators import Taken
from ..doors import open_door
from ..errors import CodeSpent, SignInExpired
from ..life_errors import AppCodeNotRight
from .account_frame import shown
from .sign_in import begin_again, is_signed_in, signed_in


@open_door
@never_cache
@sensitive_post_parameters("kod")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_other(request: HttpRequest) -> HttpResponse:
    """Stands behind the first step like the SMS page: without an open attempt it leads back to the beginning."""
    now = clock.now()
    if is_signed_in(request):
        return redirect(settings.LOGIN_REDIRECT_URL)
    try:
        attempt = login.open_attempt(request, now=now)
    except SignInExpired as refusal:
        return begin_again(request, refusal)
    if request.method != "POST":
        return _page(request, AppCodeForm())
    form = AppCodeForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    taken = authenticators.verify(attempt, form.cleaned_data["kod"], now=now)
    if isinstance(taken, Taken):
        return signed_in(request, login.finish(request, attempt, now=now, device=taken.device, method=taken.method))
    if isinstance(taken, AppCodeNotRight | CodeSpent):
        login.note_wrong_code(request, attempt, now=now)
    return _page(request, AppCodeForm(), taken)


def _page(
    request: HttpRequest, form: AppCodeForm, refusal: KepError | None = None, *, status: int = 200
) -> HttpResponse:
    context = {"form": form, "error": shown(refusal)}
    return render(request, "accounts/sign_in_other.html", context, status=refusal.status if refusal else status)
