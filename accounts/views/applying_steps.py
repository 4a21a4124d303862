"""The four steps of an application as bars, and where a draft goes on."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from guards.errors import KepError

from ..applying.forms import StrictForm
from ..models import Application

DETAILS: Final = "details"
PHONE: Final = "phone"
ACCOUNT: Final = "account"
PAPERS: Final = "papers"
_ORDER: Final = (DETAILS, PHONE, ACCOUNT, PAPERS)


@dataclass(frozen=True)
class Bar:
    """One step: its word, and `done`, `current` or `ahead`."""

    word: str
    state: str


def bars(current: str) -> tuple[Bar, ...]:
    """The four steps as seen from one of them."""
    words = (_("Bilgiler"), _("Telefon"), _("Hesap"), _("Belgeler"))
    at = _ORDER.index(current)
    states = ["done" if number < at else "current" if number == at else "ahead" for number in range(len(_ORDER))]
    return tuple(Bar(word, state) for word, state in zip(words, states, strict=True))


def next_page(application: Application) -> str:
    """The name of the page where this application goes on."""
    if application.state != Application.State.DRAFT:
        return "accounts:applying_mine"
    if application.phone_checked_at is None:
        return "accounts:applying_phone"
    if not application.wanted_address or application.branch_id is None:
        return "accounts:applying_account"
    return "accounts:applying_papers"


def refuse(form: StrictForm, field: str | None, refusal: KepError) -> None:
    """Let the form say a verb's refusal, at its field or above all of them; the page answers with its status."""
    form.add_error(field, ValidationError(refusal.for_person(), code=refusal.code))
    form.refused_with = refusal.status


def status_of(form: StrictForm) -> int:
    """What the page of this form answers with."""
    return form.refused_with if form.is_bound and form.errors else HTTPStatus.OK
