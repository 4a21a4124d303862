"""`/aktivasyon/`: number, address and code become parola and şifre; and the account of somebody who has both."""

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from guards import clock
from guards.errors import KepError

from .. import access, activation, legal_texts
from ..account_forms import AcceptForm, ActivationForm
from ..activation import AcceptedText
from ..applying import limits
from ..doors import open_door
from ..errors import AccountsError
from ..life_errors import NothingToActivate
from .account_frame import account_page, person_of, shown

_DONE = "kep_activated"


@open_door
@never_cache
@sensitive_post_parameters("tckn", "adres", "kod", "parola", "parola_yeniden", "sifre", "sifre_yeniden")
@require_http_methods(["GET", "HEAD", "POST"])
def activate(request: HttpRequest) -> HttpResponse:
    """Everything of an activation at once. A refusal shows the page again without the secrets."""
    now, texts = clock.now(), _texts()
    if request.method != "POST":
        return _page(request, ActivationForm(texts=_choices(texts)))
    form = ActivationForm(request.POST, texts=_choices(texts))
    if not form.is_valid():
        return _page(request, form, status=422)
    given = form.cleaned_data
    try:
        limits.count(limits.Door.ACTIVATION, request, now=now)
        done = activation.activate(
            tckn=given["tckn"],
            address=given["adres"],
            code=given["kod"].replace(" ", ""),
            password=given["parola"],
            pin=given["sifre"],
            accepted=_accepted(given["kabul"]),
            texts=texts,
            now=now,
        )
    except AccountsError as refusal:
        return _page(request, form, refusal)
    request.session[_DONE] = done.account.address if done.account else ""
    return redirect("accounts:activated")


@open_door
@never_cache
@require_http_methods(["GET", "HEAD"])
def activated(request: HttpRequest) -> HttpResponse:
    """What was done and what comes next; only in the window in which it was done."""
    if _DONE not in request.session:
        return redirect("accounts:activate")
    return render(request, "accounts/account/activated.html", {"address": request.session[_DONE]})


@require_http_methods(["GET", "HEAD", "POST"])
def activate_waiting(request: HttpRequest, public_id: str) -> HttpResponse:
    """The account of somebody who is signed in and has his secrets: the texts are all that is left."""
    person, now, texts = person_of(request), clock.now(), _texts()
    account = activation.waiting_for(person, now=now).filter(public_id=public_id).first()
    if account is None:
        raise NothingToActivate("no such account waits for this person")
    form = AcceptForm(request.POST if request.method == "POST" else None, texts=_choices(texts))
    refusal: KepError | None = None
    if form.is_valid():
        try:
            accepted = _accepted(form.cleaned_data["kabul"])
            activation.activate_signed_in(person, public_id, accepted=accepted, texts=texts, now=now)
        except AccountsError as raised:
            refusal = raised
        else:
            messages.success(request, _("%(address)s etkinleştirildi.") % {"address": account.address})
            access.choose(request, access.account_for(person, public_id, now=now))
            return redirect(settings.LOGIN_REDIRECT_URL)
    status = 422 if form.is_bound else 200
    return account_page(
        request,
        "accounts/account/activate_waiting.html",
        {"account": account},
        form=form,
        refusal=refusal,
        status=status,
    )


def _page(request: HttpRequest, form: Form, refusal: KepError | None = None, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "error": shown(refusal), "waits_signed_in": refusal is not None and refusal.status == 409}
    return render(request, "accounts/account/activate.html", context, status=refusal.status if refusal else status)


def _texts() -> tuple[AcceptedText, ...]:
    today = localtime(clock.now()).date()
    return tuple(AcceptedText(each.text, each.version) for each in legal_texts.of_the_day(today))


def _choices(texts: tuple[AcceptedText, ...]) -> list[tuple[str, str]]:
    return [(f"{each.text}:{each.version}", _(legal_texts.TITLES[each.text])) for each in texts]


def _accepted(values: list[str]) -> tuple[AcceptedText, ...]:
    return tuple(AcceptedText(*value.split(":", 1)) for value in values)
