"""What each step of the counter shows: the values its part of the page is drawn from."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final

from django import forms
from django.conf import settings

from .. import activation, allotment, one_time
from ..desk import decision, papers_step, phone_step
from ..desk.checklist import Checklist, Step
from ..desk.forms import AddressForm, CodeForm, ContractForm, IdentityForm, PapersForm, PhoneForm
from ..desk.frame import WAITING
from ..models import Application
from ..one_time import Purpose
from . import desk_shown

State = Application.State
Context = Mapping[str, object]


def context_of(
    application: Application, lines: Checklist, step: Step | None, *, form: forms.Form | None, now: datetime
) -> Context:
    """The page of one application at `step`; None when nothing is left to do at the counter."""
    row = desk_shown.row_of(application)
    shared = {
        "application": row,
        "legal": desk_shown.legal_of(application),
        "lines": [(line, desk_shown.step_word(line.step)) for line in lines.lines],
        "done": lines.done,
        "saved_at": max((line.checked.at for line in lines.lines if line.checked), default=None),
        "step": step.value if step else "",
        "step_template": f"accounts/desk/step_{step.value}.html" if step else "",
        "step_title": desk_shown.step_word(step) if step else "",
        "line": lines.line(step) if step else None,
        "is_waiting": application.state in WAITING,
        "may_reject": decision.may_reject(application),
        "state": application.state,
        "now": now,
    }
    if step is None or not lines.line(step).is_next:
        return {**shared, **_ended(application, now=now)}
    return {**shared, **_PARTS[step](application, form, now)}


def proposals(application: Application) -> tuple[str, ...]:
    """Free addresses for this applicant, the one he wished for first."""
    found = allotment.proposals_for(application)
    wished = application.wanted_address
    return (wished, *(each for each in found if each != wished)) if wished in found else found


def _ended(application: Application, *, now: datetime) -> Context:
    if application.state == State.REJECTED:
        change = application.changes.filter(to_state=State.REJECTED).order_by("-pk").first()
        return {"why": change.why if change else ""}
    account = application.account
    if account is None or application.state != State.AWAITING_ACTIVATION:
        return {}
    code = one_time.living(Purpose.ACTIVATION, activation.subject_of(account), now=now)
    return {"code": code, "phone_end": _phone_end(application, now=now)}


def _identity(application: Application, form: forms.Form | None, now: datetime) -> Context:
    born = application.birth_date
    initial = {
        "ad": application.first_name,
        "soyad": application.last_name,
        "dogum": date.fromisoformat(born) if born else None,
    }
    return {"form": form or IdentityForm(initial=initial)}


def _papers(application: Application, form: forms.Form | None, now: datetime) -> Context:
    return {
        "form": form or PapersForm(),
        "needs": papers_step.needs_of(application),
        "by_e_imza": application.signed_by_e_imza_at,
    }


def _phone(application: Application, form: forms.Form | None, now: datetime) -> Context:
    phone = phone_step.phone_of(application)
    code = one_time.living(Purpose.PHONE, phone_step.subject_of(application), now=now)
    resend_at = code.sent_at + settings.KEP_SMS_RESEND_AFTER if code else None
    return {
        "phone_form": form if isinstance(form, PhoneForm) else PhoneForm(initial={"telefon": _spaced(phone.number)}),
        "form": form if isinstance(form, CodeForm) else CodeForm(),
        "phone": phone,
        "code": code,
        "resend_at": resend_at,
        "may_send": resend_at is None or now >= resend_at,
        "tries_left": settings.KEP_SMS_CODE_TRIES - code.tries if code else 0,
    }


def _address(application: Application, form: forms.Form | None, now: datetime) -> Context:
    free = proposals(application)
    initial = {"secim": free[0]} if free and free[0] == application.wanted_address else {}
    return {"form": form or AddressForm(free, initial=initial), "wished": application.wanted_address}


def _contract(application: Application, form: forms.Form | None, now: datetime) -> Context:
    return {
        "form": form or ContractForm(),
        "needs": papers_step.signed_needs_of(application),
        "by_e_imza": application.signed_by_e_imza_at,
    }


def _activation(application: Application, form: forms.Form | None, now: datetime) -> Context:
    return {"form": form or forms.Form(), "phone_end": _phone_end(application, now=now)}


def _phone_end(application: Application, *, now: datetime) -> str:
    person = activation.person_of(application.account, now=now) if application.account else None
    return person.phone[-2:] if person else ""


def _spaced(number: str) -> str:
    """`+90 555 000 00 47`, as people write it; kept as typed when it is not of that length."""
    if len(number) != 13:
        return number
    return " ".join((number[:3], number[3:6], number[6:9], number[9:11], number[11:]))


_PARTS: Final[dict[Step, Callable[[Application, forms.Form | None, datetime], Context]]] = {
    Step.IDENTITY: _identity,
    Step.PAPERS: _papers,
    Step.PHONE: _phone,
    Step.ADDRESS: _address,
    Step.CONTRACT: _contract,
    Step.ACTIVATION: _activation,
}
