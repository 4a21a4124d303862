"""An application while it is being written: begun, changed, its phone checked, its account chosen (K-020, V-045).

Nobody is signed in here. What a browser may touch is the one application it began, or opened by number and code
(`views.applying_session`). Each verb asks for the state before it writes: a draft can be changed, and nothing else can.
A new phone has to be checked again, because a code was sent to the old one.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from evidence import eventlog

from .. import allotment, one_time, persons
from ..identity import KepAddress
from ..identity_errors import AddressTaken
from ..models import Application, Branch, KepAccount, OneTimeCode
from . import states
from .errors import NoBranch, NotADraft, StepSkipped
from .legal import LegalPerson

Purpose = OneTimeCode.Purpose
APPLICANT: Final = "applicant"
_ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_LETTERS: Final = 6
_TRIES: Final = 20

PHONE_FIRST: Final = gettext_noop("telefonunuzu size gönderilen kodla doğrulayın.")
ACCOUNT_FIRST: Final = gettext_noop("istediğiniz hesabı ve şubeyi seçin.")


@dataclass(frozen=True)
class Applicant:
    """The natural person: the applicant, or a legal person's first main operator. Everything in canonical form."""

    tckn: str
    first_name: str
    last_name: str
    phone: str
    birth_date: date | None = None
    email: str = ""


@dataclass(frozen=True)
class WantedAccount:
    """What is applied for (W-003, W-004)."""

    address: KepAddress
    mode: KepAccount.Mode
    branch_code: str
    wants_sms: bool = True
    wants_email: bool = False
    listed: bool = False
    takes_tebligat: bool = False


def begin(
    kind: Application.Kind, applicant: Applicant, legal: LegalPerson | None, *, now: datetime, actor: str = APPLICANT
) -> Application:
    """A new draft with a number of its own. Receive-only until something else is chosen."""
    _refuse_half(kind, legal)
    for _ in range(_TRIES):
        application = Application(number=new_number(now), kind=kind, mode=KepAccount.Mode.RECEIVE_ONLY)
        _write_into(application, applicant, legal)
        try:
            with transaction.atomic():
                return states.begin(application, now=now, actor=actor)
        except IntegrityError:
            if not Application.objects.filter(number=application.number).exists():
                raise
    raise RuntimeError("no free number in twenty tries")


def change(application: Application, applicant: Applicant, legal: LegalPerson | None, *, now: datetime) -> None:
    """Write the draft's details anew; `NotADraft` once it was sent. The account chosen before stays chosen."""
    _refuse_half(Application.Kind(application.kind), legal)
    with transaction.atomic():
        row = _locked(application)
        if applicant.phone != row.phone:
            application.phone_checked_at = None
        if (applicant.first_name, applicant.last_name) != (row.first_name, row.last_name):
            application.wanted_address = ""
        _write_into(application, applicant, legal)
        _unsign(application)
        application.save(update_fields=[*_DETAILS, "phone_checked_at", "wanted_address", *_SIGNATURE])
        _tell("application.changed", application, at=now)


def send_phone_code(application: Application, *, now: datetime) -> OneTimeCode:
    """Send a code to the phone of the draft. Refused: `NotADraft`, `CodeTooSoon`, `CodeNotSent`."""
    if application.state != states.State.DRAFT:
        raise NotADraft("only a draft's phone is checked here")
    return one_time.send(Purpose.PHONE, subject_of(application), phone=application.phone, now=now)


def check_phone(application: Application, code: str, *, now: datetime) -> None:
    """Accept the code, once. Refused: `NotADraft`, and whatever `one_time.spend` refuses.

    A code that went to another number than the one that stands in the draft now proves nothing and is no code.
    """
    if application.state != states.State.DRAFT:
        raise NotADraft("only a draft's phone is checked here")
    with one_time.spending(Purpose.PHONE, subject_of(application), code, now=now) as row:
        current = _locked(application)
        if row.number_index != persons.phone_index(current.phone):
            raise StepSkipped("the code went to another number", why=PHONE_FIRST)
        Application.objects.filter(pk=application.pk).update(phone_checked_at=now)
        _tell("application.phone_checked", application, at=now)
    application.phone_checked_at = now


def choose(application: Application, account: WantedAccount, *, now: datetime) -> None:
    """Write down address, service and branch (K-046, W-003, W-004).

    Refused: `NotADraft`, `StepSkipped` before the phone is checked, `NoBranch`, `AddressNotAllowed`, `AddressTaken`.
    The address is kept for nobody: it is given at the branch, to whoever is first (K-033).
    """
    allotment.refuse(application, account.address)
    if not allotment.is_free(str(account.address)):
        raise AddressTaken("address is or was somebody's")
    branch = open_branches(now=now).get(account.branch_code)
    if branch is None:
        raise NoBranch("no such open branch")
    with transaction.atomic():
        row = _locked(application)
        if row.phone_checked_at is None:
            raise StepSkipped("phone first", why=PHONE_FIRST)
        application.wanted_address, application.branch, application.mode = str(account.address), branch, account.mode
        application.wants_sms, application.wants_email = account.wants_sms, account.wants_email
        application.takes_tebligat = account.takes_tebligat
        application.listed = account.listed or application.legal is not None  # legal persons always are (K-063)
        _unsign(application)
        application.save(update_fields=[*_ACCOUNT, *_SIGNATURE])
        _tell("application.account_chosen", application, at=now)


def require_ready(application: Application) -> None:
    """`NotADraft` or `StepSkipped` unless everything is there that must be before it is sent (V-045)."""
    if application.state != states.State.DRAFT:
        raise NotADraft("sent already")
    if application.phone_checked_at is None:
        raise StepSkipped("phone first", why=PHONE_FIRST)
    if not application.wanted_address or application.branch_id is None:
        raise StepSkipped("account first", why=ACCOUNT_FIRST)


def open_branches(*, now: datetime) -> Mapping[str, Branch]:
    """Branches that take applications now, by code, in the order of province and name. One query."""
    rows = Branch.objects.filter(opened_at__lte=now).order_by("province", "name")
    return {row.code: row for row in rows if row.closed_at is None or row.closed_at > now}


def new_number(now: datetime) -> str:
    """`B-2026-7K3M9Q`: a year and six letters that are read aloud without a mistake. It opens nothing."""
    return f"B-{now:%Y}-{''.join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))}"


def subject_of(application: Application) -> str:
    """What codes of this application are sent for."""
    return f"application:{application.public_id}"


_DETAILS: Final = (
    "tckn", "tckn_index", "first_name", "last_name", "birth_date", "phone", "email", "legal",
)  # fmt: skip
_ACCOUNT: Final = (
    "wanted_address", "branch", "mode", "wants_sms", "wants_email", "listed", "takes_tebligat",
)  # fmt: skip
_SIGNATURE: Final = ("signed_by_e_imza_at", "signature_digest")


def _unsign(application: Application) -> None:
    """A signature belongs to what was signed; whoever changes it signs again. The old one stays in the vault."""
    application.signed_by_e_imza_at = application.signature_digest = None


def _write_into(application: Application, applicant: Applicant, legal: LegalPerson | None) -> None:
    application.tckn, application.tckn_index = applicant.tckn, persons.tckn_index(applicant.tckn)
    application.first_name, application.last_name = applicant.first_name, applicant.last_name
    application.birth_date = applicant.birth_date.isoformat() if applicant.birth_date else None
    application.phone, application.email = applicant.phone, applicant.email or None
    application.legal = legal.to_json() if legal else None


def _locked(application: Application) -> Application:
    """The row as it stands, locked; `NotADraft` once it was sent."""
    row = Application.objects.select_for_update().get(pk=application.pk)
    if row.state != states.State.DRAFT:
        raise NotADraft("sent already", state=row.state)
    return row


def _refuse_half(kind: Application.Kind, legal: LegalPerson | None) -> None:
    is_legal = kind in (Application.Kind.PRIVATE_LEGAL, Application.Kind.PUBLIC_LEGAL)
    if is_legal != (legal is not None):
        raise ValueError("a legal person's application names it, and no other does")


def _tell(kind: str, application: Application, *, at: datetime) -> None:
    eventlog.append(kind, at=at, actor=APPLICANT, subject=subject_of(application))
