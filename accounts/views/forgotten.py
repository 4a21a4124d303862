"""Forgotten parola or şifre: the way by e-imza, and where the way by the branch is (W-011, V-011).

The way by e-imza is a sign-in by e-imza that leads to the page where both are set anew. That page believes an e-imza of
the last ten minutes in this very visit, and nothing else: neither an SMS nor the old secrets open it, so that it is no
way around them. Afterwards every visit is over, this one too, and the person signs in with what he has just chosen.
"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from guards import clock
from guards.errors import KepError

from .. import recovery, step_up, visit
from ..doors import open_door
from ..e_imza_errors import FreshEImzaNeeded
from ..e_imza_forms import NewSecretsForm
from ..errors import AccountsError, VisitEnded
from ..models import Person


@open_door
@require_http_methods(["GET", "HEAD"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """What to do; the same for everybody, asked for no number (V-008)."""
    return render(request, "accounts/e_imza/forgotten.html")


@never_cache
@sensitive_post_parameters("parola", "parola_yeniden", "sifre", "sifre_yeniden")
@require_http_methods(["GET", "HEAD", "POST"])
def new_secrets(request: HttpRequest) -> HttpResponse:
    """Both secrets anew, within ten minutes of an e-imza in this visit."""
    person, now = request.user, clock.now()
    if not isinstance(person, Person):
        raise VisitEnded("nobody is signed in")
    if not step_up.is_proved(request, now=now) or step_up.method_of(request) != visit.SIGN_IN_BY_E_IMZA:
        raise FreshEImzaNeeded("no e-imza within ten minutes")
    if request.method != "POST":
        return _page(request, NewSecretsForm(), status=200)
    form = NewSecretsForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    given = form.cleaned_data
    try:
        recovery.set_new(person, password=given["parola"], pin=given["sifre"], proof=visit.SIGN_IN_BY_E_IMZA, now=now)
    except AccountsError as refusal:
        return _page(request, form, refusal, status=refusal.status)
    request.session.flush()  # its row is gone: every visit has ended, this one too
    messages.success(request, _("Parolanız ve şifreniz yenilendi; bütün oturumlarınız kapatıldı. Yenileriyle girin."))
    return redirect("accounts:sign_in")


def _page(request: HttpRequest, form: NewSecretsForm, refusal: KepError | None = None, *, status: int) -> HttpResponse:
    error = {"message": refusal.for_person(), "code": refusal.code} if refusal else None
    return render(request, "accounts/e_imza/new_secrets.html", {"form": form, "error": error}, status=status)
