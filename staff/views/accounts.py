"""Orders about an account: looking it up by its address, and asking that it be suspended, let go on, or closed."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import AccountsError
from accounts.guarded import closing, lookup
from accounts.guarded.forms import CloseForm, WhyForm
from accounts.lifecycle import Closing, Suspension
from accounts.models import Approval, KepAccount
from accounts.posts import Serving
from accounts.step_up import needs_step_up
from accounts.views import looked_up
from accounts.views.approval_shown import CLOSINGS, SUSPENSIONS
from accounts.views.asking import AskPage, asked, posted
from accounts.views.desk_parts import fields_of, only_fields
from accounts.views.desk_people import STATES, requests_about
from guards import clock

from ..forms import AddressForm, SuspendForm
from .parts import for_office, office_page


@require_http_methods(["GET", "HEAD", "POST"])
@for_office
def search(request: HttpRequest, by: Serving) -> HttpResponse:
    """Which account. A POST, so that each look is one and is written down."""
    form, refusal = AddressForm(), None
    if request.method == "POST":
        only_fields(request, *fields_of(AddressForm))
        form = AddressForm(request.POST)
        if form.is_valid():
            now = clock.now()
            try:
                found = lookup.find_account(form.cleaned_data["adres"], by=by, now=now)
            except AccountsError as not_found:
                refusal = not_found
            else:
                looked_up.remember(request, found, now=now)
                return redirect("staff:account", found.public_id)
    context = {"form": form}
    return office_page(request, by, "staff/accounts.html", context, current="accounts", form=form, refusal=refusal)


@require_safe
@for_office
def account(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """The account's state, and what can be asked for."""
    found = looked_up.account(request, public_id, now=clock.now())
    state = KepAccount.State(found.state)
    ordered = Suspension(found.suspended_for) if found.suspended_for else None
    context = {
        "account": found,
        "state": STATES[state],
        "suspended_for": SUSPENSIONS[ordered] if ordered else "",
        "may_suspend": state in (KepAccount.State.ACTIVE, KepAccount.State.SUSPENDED),
        "may_resume": ordered in closing.ORDERED,
        "may_close": state != KepAccount.State.CLOSED,
        "asked": requests_about(f"account:{found.public_id}", by),
    }
    return office_page(request, by, "staff/account.html", context, current="accounts")


@require_http_methods(["GET", "HEAD", "POST"])
@for_office
@needs_step_up
def ask_suspend(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """Ask that the account be suspended by order of the provider or an authority."""
    now = clock.now()
    found, form = looked_up.account(request, public_id, now=now), SuspendForm(posted(request))
    lead = _(
        "Onaylanınca hesap adına giriş ve gönderim durur, gelen iletiler alınmaya devam eder. "
        "Okunmamış iletilerin süresi askı boyunca işlemez."
    )
    page = _page(found, _("Hesabı askıya alma"), lead)

    def ask() -> Approval:
        given = form.cleaned_data
        reason = Suspension(given["neden"])
        return closing.ask_to_suspend(found, reason=reason, why=given["gerekce"], by=by, now=now)

    return asked(request, by, page, form, ask)


@require_http_methods(["GET", "HEAD", "POST"])
@for_office
@needs_step_up
def ask_resume(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """Ask that the suspension be lifted."""
    now = clock.now()
    found, form = looked_up.account(request, public_id, now=now), WhyForm(posted(request))
    lead = _("Onaylanınca hesap yeniden kullanılır; okunmamış iletilerin süresi kaldığı yerden işler.")
    page = _page(found, _("Askıyı kaldırma"), lead)

    def ask() -> Approval:
        return closing.ask_to_resume(found, why=form.cleaned_data["gerekce"], by=by, now=now)

    return asked(request, by, page, form, ask)


@require_http_methods(["GET", "HEAD", "POST"])
@for_office
@needs_step_up
def ask_close(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """Ask that the account be closed."""
    now = clock.now()
    found = looked_up.account(request, public_id, now=now)
    choices = [(each.value, CLOSINGS[each]) for each in closing.reasons_for(found)]
    form = CloseForm(posted(request), choices=choices)
    lead = _("Onaylanınca hesap kapanır. Adres kimseye verilmez; deliller saklama süresi boyunca alınabilir.")
    page = _page(found, _("Hesabı kapatma"), lead)

    def ask() -> Approval:
        given = form.cleaned_data
        return closing.ask_to_close(found, reason=Closing(given["neden"]), why=given["gerekce"], by=by, now=now)

    return asked(request, by, page, form, ask)


def _page(account: KepAccount, title: str, lead: str) -> AskPage:
    return AskPage(
        title=title,
        about=f"{account.holder.name}, {account.address}",
        lead=lead,
        button=_("Onaya gönder"),
        back_url=reverse("staff:account", args=[account.public_id]),
        current="accounts",
        after="staff:approval",
        home=reverse("staff:approvals"),
    )
