"""The papers an applicant prints: the application form and the undertaking, from what he wrote (K-021, K-023, K-024).

They carry the whole identity number, because they are the applicant's own and are signed by hand; they are made when
asked for and kept nowhere. What the desk files is the signed paper.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum

from evidence import pdf

from ..identity import COMPANY_TITLES, CompanyType
from ..models import Application
from . import checklist
from .legal import legal_of


class Printed(Enum):
    """The papers by their template; `title` is the name of the downloaded file."""

    FORM = "application_form"
    UNDERTAKING = "undertaking"

    @property
    def title(self) -> str:
        """The beginning of the file's name."""
        return {"application_form": "basvuru-formu", "undertaking": "taahhutname"}[self.value]


def form(application: Application, *, now: datetime) -> bytes:
    """The application form as PDF/A; papers that are needed and not uploaded stand on it as a list to bring along."""
    return pdf.render(Printed.FORM.value, form_facts(application, now=now))


def undertaking(application: Application, *, now: datetime) -> bytes:
    """The undertaking as PDF/A, for the address that was applied for, or the one that was given."""
    facts = {**_who(application, now=now), "address": _address(application), "mode": application.mode}
    return pdf.render(Printed.UNDERTAKING.value, facts)


def form_facts(application: Application, *, now: datetime) -> Mapping[str, object]:
    """What the application form is told (`evidence.papers.ApplicationFormFacts`)."""
    open_papers = checklist.missing(application)
    return {
        **_who(application, now=now),
        "wanted_address": application.wanted_address,
        "mode": application.mode,
        "wants_sms": application.wants_sms,
        "wants_email": application.wants_email,
        "listed": application.listed,
        "takes_tebligat": application.takes_tebligat,
        "papers": [each.kind.source_label for each in open_papers],
        "branch_name": application.branch.name if application.branch else "",
        "signed_by_e_imza_at": application.signed_by_e_imza_at,
    }


def _who(application: Application, *, now: datetime) -> dict[str, object]:
    legal = legal_of(application)
    return {
        "number": application.number,
        "made_at": now,
        "kind": application.kind,
        "applicant": {
            "first_name": application.first_name,
            "last_name": application.last_name,
            "tckn": application.tckn,
            "birth_date": date.fromisoformat(application.birth_date) if application.birth_date else None,
            "phone": application.phone,
            "email": application.email or "",
        },
        "legal": None
        if legal is None
        else {
            "name": legal.name,
            "company_type": COMPANY_TITLES[CompanyType(legal.company_type)] if legal.company_type else "",
            "mersis": legal.mersis,
            "vkn": legal.vkn,
            "detsis": legal.detsis,
            "registry_no": legal.registry_no,
            "registry_office": legal.registry_office,
            "activity": legal.activity,
            "province": legal.province,
            "postal_address": legal.postal_address,
        },
    }


def _address(application: Application) -> str:
    return application.account.address if application.account else application.wanted_address
