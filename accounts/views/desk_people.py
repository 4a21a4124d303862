"""People and accounts at the counter: looking up, and asking for what needs a second pair of eyes.

Nothing on these pages changes anything by itself: each button leaves a request (`approvals`), which another clerk or
the back office decides at *İkinci onay*. Whoever asks has been proved in full within ten minutes (V-036).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from guards import clock

from .. import approvals
from ..errors import AccountsError
from ..guarded import lookup, phone, reset
from ..guarded.forms import AskForm, LookForm, PhoneForm
from ..identity import mask_tckn
from ..models import Approval, KepAccount, Person
from ..posts import Serving
from ..step_up import needs_step_up
from . import looked_up
from .approval_shown import ApprovalRow, masked_phone, rows_of
from .asking import AskPage, asked, posted
from .desk_parts import desk_page, fields_of, for_clerks, only_fields

SHOWN: Final = 5
STATES: Final = {
    KepAccount.State.PENDING_ACTIVATION: gettext_lazy("Aktivasyon bekliyor"),
    KepAccount.State.ACTIVE: gettext_lazy("Etkin"),
    KepAccount.State.SUSPENDED: gettext_lazy("Askıda"),
    KepAccount.State.CLOSED: gettext_lazy("Kapalı"),
}


@dataclass(frozen=True)
class AccountRow:
    """One account of a list."""

    public_id: str
    name: str
    address: str
    state: str
    is_own: bool


@dataclass(frozen=True)
class PersonShown:
    """The head of a person's pages."""

    key: UUID
    name: str
    tckn: str
    phone: str
    is_established: bool
    has_secrets: bool
    phone_changed_at: datetime | None


@sensitive_post_parameters("ara")
@require_http_methods(["GET", "HEAD", "POST"])
@for_clerks
def search(request: HttpRequest, by: Serving) -> HttpResponse:
    """Whom to look up. A POST, so that no identity number stands in an address."""
    form, refusal = LookForm(), None
    if request.method == "POST":
        only_fields(request, *fields_of(LookForm))
        form = LookForm(request.POST)
        if form.is_valid():
            now = clock.now()
            try:
                found = lookup.find(form.cleaned_data["ara"], by=by, now=now)
            except AccountsError as not_found:
                refusal = not_found
            else:
                looked_up.remember(request, found, now=now)
                if isinstance(found, Person):
                    return redirect("accounts:desk_person", found.pk)
                return redirect("accounts:desk_account", found.public_id)
    context = {"form": form}
    return desk_page(request, by, "accounts/desk/people.html", context, current="people", form=form, refusal=refusal)


@require_safe
@for_clerks
def person(request: HttpRequest, by: Serving, key: UUID) -> HttpResponse:
    """Somebody who stands at the counter: his accounts, what is asked about him, what can be asked for."""
    now = clock.now()
    found = looked_up.person(request, key, now=now)
    context = {
        "person": person_shown(found),
        "accounts": [account_row(each, found) for each in looked_up.accounts_of(found, now=now)],
        "asked": requests_about(f"person:{found.pk}", by),
    }
    return desk_page(request, by, "accounts/desk/person.html", context, current="people")


@require_http_methods(["GET", "HEAD", "POST"])
@for_clerks
@needs_step_up
def ask_reset(request: HttpRequest, by: Serving, key: UUID) -> HttpResponse:
    """Ask that the person be sent a code to set new secrets."""
    now = clock.now()
    found, form = looked_up.person(request, key, now=now), AskForm(posted(request))
    page = AskPage(
        title=_("Parola ve şifre yenileme"),
        about=_about(found),
        lead=_(
            "Onaylanınca kişinin kayıtlı telefonuna bir kod gider; parola ve şifreyi kendisi belirler. "
            "Telefonu son 72 saat içinde değiştiyse kod bu süre dolunca gider."
        ),
        button=_("Onaya gönder"),
        back_url=reverse("accounts:desk_person", args=[key]),
        current="people",
    )

    def ask() -> Approval:
        why = form.cleaned_data["gerekce"]
        return reset.ask(found, document=form.document, why=why, by=by, now=now)

    return asked(request, by, page, form, ask)


@sensitive_post_parameters("telefon", "kod")
@require_http_methods(["GET", "HEAD", "POST"])
@for_clerks
@needs_step_up
def ask_phone(request: HttpRequest, by: Serving, key: UUID) -> HttpResponse:
    """Ask for another phone, with the code that the person reads out from it."""
    now = clock.now()
    found, form = looked_up.person(request, key, now=now), PhoneForm(posted(request))
    page = AskPage(
        title=_("Telefon değişikliği"),
        about=_about(found),
        lead=_(
            "Yeni telefon kişinin elinde olmalı: gelen kodu size okur. Eski telefona, değişikliği durdurabileceği "
            "bir kod gider. Değişiklikten sonra 72 saat boyunca gişede parola ve şifre yenilenemez."
        ),
        button=_("Onaya gönder"),
        back_url=reverse("accounts:desk_person", args=[key]),
        current="people",
    )

    def send_code() -> object:
        return phone.send_code(found, phone=form.cleaned_data["telefon"], by=by, now=now)

    def ask() -> Approval:
        given = form.cleaned_data
        return phone.ask(
            found,
            phone=given["telefon"],
            code=given["kod"],
            document=form.document,
            why=given["gerekce"],
            by=by,
            now=now,
        )

    return asked(request, by, page, form, ask, send_code=send_code)


def person_shown(found: Person) -> PersonShown:
    """The head of a person's pages; numbers leave here masked (I-006)."""
    return PersonShown(
        key=found.pk,
        name=found.full_name,
        tckn=mask_tckn(found.tckn),
        phone=masked_phone(found.phone),
        is_established=found.identity_state == Person.IdentityState.ESTABLISHED,
        has_secrets=found.has_secrets,
        phone_changed_at=found.phone_changed_at,
    )


def account_row(account: KepAccount, of: Person) -> AccountRow:
    """One account of somebody's page."""
    state = str(STATES[KepAccount.State(account.state)])
    is_own = account.holder.person_id == of.pk
    return AccountRow(account.public_id, account.holder.name, account.address, state, is_own)


def requests_about(subject: str, by: Serving) -> list[ApprovalRow]:
    """What this branch asked about it lately, the newest first."""
    rows = approvals.asked_about(subject, by)[:SHOWN]
    return rows_of(rows, by)


def _about(found: Person) -> str:
    return f"{found.full_name}, {mask_tckn(found.tckn)}"
