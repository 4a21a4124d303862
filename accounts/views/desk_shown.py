"""How applications, steps, acts are named on the pages of the counter; identity numbers leave here masked (I-006)."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from ..desk.checklist import Step
from ..desk.today import Act
from ..identity import mask_tckn
from ..models import Application, KepAccount

State = Application.State
Kind = Application.Kind


@dataclass(frozen=True)
class Row:
    """One application in a list."""

    public_id: str
    number: str
    name: str
    person: str
    tckn: str
    kind: str
    mode: str
    state: str
    address: str
    submitted_at: datetime | None
    has_branch: bool


@dataclass(frozen=True)
class ShownAct:
    """One line of *Bugünkü işlemler*."""

    at: datetime
    public_id: str
    number: str
    name: str
    what: str
    clerk: str


def row_of(application: Application) -> Row:
    """The application as lists and titles show it."""
    person = f"{application.first_name} {application.last_name}"
    legal = legal_of(application)
    return Row(
        public_id=application.public_id,
        number=application.number,
        name=str(legal.get("name") or person),
        person=person if legal else "",
        tckn=mask_tckn(application.tckn),
        kind=kind_word(application.kind),
        mode=mode_word(application.mode),
        state=state_word(application.state),
        address=application.account.address if application.account else "",
        submitted_at=application.submitted_at,
        has_branch=application.branch_id is not None,
    )


def act_of(act: Act) -> ShownAct:
    """The act with its words."""
    what = step_word(Step(act.step)) if act.step else state_word(act.state)
    name = f"{act.application.first_name} {act.application.last_name}"
    return ShownAct(act.at, act.application.public_id, act.application.number, name, what, act.clerk)


def legal_of(application: Application) -> dict[str, Any]:
    """What the application says of a legal person; empty for a natural one."""
    found: dict[str, Any] = json.loads(application.legal) if application.legal else {}
    return found


def kind_word(kind: str) -> str:
    """The kind of holder inside a sentence."""
    words = {
        Kind.NATURAL: _("gerçek kişi"),
        Kind.PRIVATE_LEGAL: _("özel hukuk tüzel kişisi"),
        Kind.PUBLIC_LEGAL: _("kamu tüzel kişisi"),
        Kind.MEMBER: _("kurumsal başvurudaki kişi"),
    }
    return words[Kind(kind)]


def mode_word(mode: str) -> str:
    """The service mode inside a sentence (K-010)."""
    return _("yalnız alıcı") if mode == KepAccount.Mode.RECEIVE_ONLY else _("gönderici ve alıcı")


def state_word(state: str) -> str:
    """The state of K-020 as a person reads it."""
    words = {
        State.DRAFT: _("Ön başvuru"),
        State.DOCUMENTS_AWAITED: _("Belge bekleniyor"),
        State.UNDER_REVIEW: _("İnceleniyor"),
        State.REJECTED: _("Reddedildi"),
        State.APPROVED: _("Onaylandı"),
        State.ADDRESS_ALLOTTED: _("Adres verildi"),
        State.AWAITING_ACTIVATION: _("Aktivasyon bekleniyor"),
        State.ACTIVE: _("Hesap açıldı"),
        State.WITHDRAWN: _("Geri çekildi"),
    }
    return words[State(state)]


def step_word(step: Step) -> str:
    """The title of a step."""
    words = {
        Step.IDENTITY: pgettext("a step at the counter: the identity document", "Kimlik"),
        Step.PAPERS: _("Belgeler"),
        Step.PHONE: _("Telefon doğrulama"),
        Step.ADDRESS: pgettext("a step at the counter: the address is allotted", "Hesap"),
        Step.CONTRACT: _("Sözleşme ve taahhütname"),
        Step.ACTIVATION: _("İlk parola ve şifre"),
    }
    return words[step]
