"""One account at the counter: closing it, opening it again, and changing its operators, each by a request."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from guards import clock

from .. import lifecycle
from ..guarded import closing, offices
from ..guarded.forms import AppointForm, AskForm, CloseForm, WhyForm
from ..identity import mask_tckn
from ..lifecycle import Closing
from ..models import AccountHolder, Approval, KepAccount, Operator
from ..operating import offices as present_offices
from ..operating.words import standing
from ..posts import Serving
from ..step_up import needs_step_up
from . import looked_up
from .approval_shown import CLOSINGS
from .asking import AskPage, asked, posted
from .desk_parts import desk_page, for_clerks
from .desk_people import STATES, requests_about


@dataclass(frozen=True)
class OperatorLine:
    """One operator of a legal person's account, as the counter sees him."""

    public_id: str
    name: str
    tckn: str
    standing: str


@require_safe
@for_clerks
def account(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """The account, its operators, and what can be asked for."""
    now = clock.now()
    found = looked_up.account(request, public_id, now=now)
    is_legal = found.holder.kind != AccountHolder.Kind.NATURAL
    is_closed = found.state == KepAccount.State.CLOSED
    context = {
        "account": found,
        "state": STATES[KepAccount.State(found.state)],
        "is_legal": is_legal,
        "is_closed": is_closed,
        "may_reopen": is_closed and lifecycle.closing_of(found) not in lifecycle.FOR_GOOD,
        "operators": [_line(each) for each in present_offices.present(found, now=now)] if is_legal else [],
        "asked": requests_about(f"account:{found.public_id}", by),
    }
    return desk_page(request, by, "accounts/desk/account.html", context, current="people")


@require_http_methods(["GET", "HEAD", "POST"])
@for_clerks
@needs_step_up
def ask_close(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """Ask that the account be closed."""
    now = clock.now()
    found = looked_up.account(request, public_id, now=now)
    choices = [(each.value, CLOSINGS[each]) for each in closing.reasons_for(found)]
    form = CloseForm(posted(request), choices=choices)
    page = _page(
        found,
        title=_("Hesabı kapatma"),
        lead=_(
            "Onaylanınca hesap kapanır, adına işlem yapan herkesin oturumu sona erer. Adres kimseye verilmez; "
            "deliller saklama süresi boyunca alınabilir."
        ),
        is_destructive=True,
    )

    def ask() -> Approval:
        given = form.cleaned_data
        return closing.ask_to_close(found, reason=Closing(given["neden"]), why=given["gerekce"], by=by, now=now)

    return asked(request, by, page, form, ask)


@require_http_methods(["GET", "HEAD", "POST"])
@for_clerks
@needs_step_up
def ask_reopen(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """Ask that a closed account be given back to its former holder."""
    now = clock.now()
    found, form = looked_up.account(request, public_id, now=now), AskForm(posted(request))
    page = _page(
        found,
        title=_("Hesabı yeniden açma"),
        lead=_(
            "Yalnız eski sahibine, yeni başvurusu alınıp kimliği görüldükten sonra açılır. Onaylanınca aktivasyon "
            "kodu telefonuna gider; o zamana kadar adrese ileti alınmaz."
        ),
    )

    def ask() -> Approval:
        document, why = form.document, form.cleaned_data["gerekce"]
        return closing.ask_to_reopen(found, document=document, why=why, by=by, now=now)

    return asked(request, by, page, form, ask)


@sensitive_post_parameters("tckn", "telefon", "kod")
@require_http_methods(["GET", "HEAD", "POST"])
@for_clerks
@needs_step_up
def ask_appoint(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """Ask that somebody who stands at the counter become an operator of the account."""
    now = clock.now()
    found = looked_up.account(request, public_id, now=now)
    form = AppointForm(found, posted(request))
    page = _page(
        found,
        title=_("İşlem yetkilisi ekleme"),
        lead=_(
            "Yetkili olacak kişi kimliği ve yetki belgesiyle karşınızda olmalı. Burada kayıtlıysa kod kayıtlı "
            "telefonuna gider. Parola ve şifresi yoksa onaydan sonra telefonuna aktivasyon kodu gönderilir."
        ),
    )

    def send_code() -> object:
        given = form.cleaned_data
        return offices.send_code(given["tckn"], phone=given["telefon"], by=by, now=now)

    def ask() -> Approval:
        given = form.cleaned_data
        return offices.ask_to_appoint(
            found, form.newcomer(), grant=form.grant(), code=given["kod"], why=given["gerekce"], by=by, now=now
        )

    return asked(request, by, page, form, ask, send_code=send_code)


@require_http_methods(["GET", "HEAD", "POST"])
@for_clerks
@needs_step_up
def ask_end_office(request: HttpRequest, by: Serving, public_id: str, operator_id: str) -> HttpResponse:
    """Ask that an operator's office be ended."""
    now = clock.now()
    found, form = looked_up.account(request, public_id, now=now), WhyForm(posted(request))
    operator = present_offices.office_of(found, operator_id, now=now)
    page = _page(
        found,
        title=_("Yetkililikten çıkarma"),
        lead=_("%(name)s, onaylanınca bu hesap adına işlem yapamaz ve açık oturumları kapanır.")
        % {"name": operator.person.full_name},
        is_destructive=True,
    )

    def ask() -> Approval:
        return offices.ask_to_end(found, operator_id, why=form.cleaned_data["gerekce"], by=by, now=now)

    return asked(request, by, page, form, ask)


def _page(account: KepAccount, *, title: str, lead: str, **more: Any) -> AskPage:
    return AskPage(
        title=title,
        about=f"{account.holder.name}, {account.address}",
        lead=lead,
        button=_("Onaya gönder"),
        back_url=reverse("accounts:desk_account", args=[account.public_id]),
        current="people",
        **more,
    )


def _line(operator: Operator) -> OperatorLine:
    person = operator.person
    return OperatorLine(operator.public_id, person.full_name, mask_tckn(person.tckn), standing(operator))
