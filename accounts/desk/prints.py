"""What is printed at the counter: form, undertaking, contract, and the letter that says how the account is opened.

They are the applicant's own papers and carry his whole identity number; each print leaves an event. The letter holds
no code and no secret (V-013): the code is on the phone.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.timezone import localdate

from evidence import eventlog, pdf

from .. import activation, legal_texts, one_time
from ..applying import papers
from ..models import Application, KepAccount
from ..one_time import Purpose
from ..posts import Serving
from . import checklist
from .checklist import Step
from .errors import NoSuchApplication, WrongOrder

_NOT_IN_A_CONTRACT: Final = frozenset({"wanted_address", "papers", "signed_by_e_imza_at"})


class Print(enum.Enum):
    """The papers by their template, and the word their file is named by."""

    FORM = "application_form"
    UNDERTAKING = "undertaking"
    CONTRACT = "contract"
    LETTER = "activation_letter"

    @property
    def word(self) -> str:
        """The beginning of the file's name."""
        return {
            "application_form": "basvuru-formu",
            "undertaking": "taahhutname",
            "contract": "sozlesme",
            "activation_letter": "aktivasyon-mektubu",
        }[self.value]


@dataclass(frozen=True)
class Printed:
    """One paper, ready to be printed."""

    file_name: str
    raw: bytes


def make(application: Application, name: str, *, by: Serving, now: datetime) -> Printed:
    """The paper `name` of an application the clerk may see.

    Refused: `NoSuchApplication` for a paper nobody knows, `WrongOrder` for one that names an address before there is
    one, or a letter before the code was sent; `PaperRefused` when it cannot be made.
    """
    try:
        wanted = Print(name)
    except ValueError as error:
        raise NoSuchApplication("no such paper") from error
    raw = _raw(wanted, application, now=now)
    with transaction.atomic():
        eventlog.append(
            "desk.paper_printed",
            at=now,
            actor=by.actor,
            subject=f"application:{application.public_id}",
            facts={"paper": wanted.value, "branch": by.branch_code},
        )
    return Printed(f"{wanted.word}-{application.number}.pdf", raw)


def _raw(wanted: Print, application: Application, *, now: datetime) -> bytes:
    if wanted is Print.FORM:
        return papers.form(application, now=now)
    account = application.account
    if account is None:
        raise WrongOrder("no address yet")
    if wanted is Print.UNDERTAKING:
        return papers.undertaking(application, now=now)
    if wanted is Print.CONTRACT:
        return pdf.render(wanted.value, _contract(application, account, now=now))
    if not checklist.checklist_of(application).line(Step.ACTIVATION).is_done:
        raise WrongOrder("no code was sent yet")
    return pdf.render(wanted.value, _letter(application, account, now=now))


def _contract(application: Application, account: KepAccount, *, now: datetime) -> Mapping[str, object]:
    shared = papers.form_facts(application, now=now)
    return {
        **{name: value for name, value in shared.items() if name not in _NOT_IN_A_CONTRACT},
        "address": account.address,
        "terms_version": legal_texts.in_force("kepue", on=localdate(now)).version,
    }


def _letter(application: Application, account: KepAccount, *, now: datetime) -> Mapping[str, object]:
    person = activation.person_of(account, now=now)
    if person is None:
        raise WrongOrder("nobody could activate this account")
    code = one_time.living(Purpose.ACTIVATION, activation.subject_of(account), now=now)
    return {
        "number": application.number,
        "made_at": now,
        "holder_name": account.holder.name,
        "person_name": person.full_name,
        "address": account.address,
        "phone_ending": person.phone[-2:],
        "page": f"{settings.KEP_WEB_ORIGIN}/aktivasyon/",
        "code_valid_until": code.expires_at if code else None,
        "branch_name": application.branch.name if application.branch else "",
    }
