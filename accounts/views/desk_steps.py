"""The page of one application: six steps at the left, the one that is open at the right (picture 07).

A page left in the middle is found as it was: every step is a row. What a step refuses is said above its form, with what
was typed still in it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from guards import clock

from ..desk import (
    activation_step,
    address_step,
    checklist,
    contract_step,
    identity_step,
    papers_step,
    phone_step,
    queue,
)
from ..desk.checklist import Step
from ..desk.errors import NoSuchApplication, WrongOrder
from ..desk.forms import AddressForm, CodeForm, ContractForm, IdentityForm, PapersForm, PhoneForm
from ..desk.frame import WAITING
from ..errors import AccountsError
from ..posts import Serving
from . import desk_contexts
from .desk_parts import desk_page, fields_of, for_clerks, only_fields

Act = Callable[[Any, str, Serving, datetime], None]
"""What a valid form does; each is called with the form of its own step."""


@require_safe
@for_clerks
def application(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """The application at the step whose turn it is, or what became of it."""
    return shown(request, by, public_id, None)


@sensitive_post_parameters("tckn", "ad", "soyad", "dogum", "kod")
@require_http_methods(["GET", "HEAD", "POST"])
@for_clerks
def step(request: HttpRequest, by: Serving, public_id: str, word: str) -> HttpResponse:
    """One step: what was recorded, or its form; a POST does it."""
    asked = _step_of(word)
    if request.method != "POST":
        return shown(request, by, public_id, asked)
    now, make_form = clock.now(), _FORMS[asked]
    only_fields(request, *fields_of(make_form))
    if asked is Step.ADDRESS:
        form: forms.Form = AddressForm(desk_contexts.proposals(queue.look_at(public_id, by, now=now)), request.POST)
    else:
        form = make_form(request.POST)
    if not form.is_valid():
        return shown(request, by, public_id, asked, form=form)
    try:
        _ACTS[asked](form, public_id, by, now)
    except AccountsError as refusal:
        return shown(request, by, public_id, asked, form=form, refusal=refusal)
    return redirect("accounts:desk_application", public_id)


@sensitive_post_parameters("telefon")
@require_POST
@for_clerks
def send_code(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """Send a code to the phone that is to be checked."""
    only_fields(request, *fields_of(PhoneForm))
    form = PhoneForm(request.POST)
    if not form.is_valid():
        return shown(request, by, public_id, Step.PHONE, form=form)
    try:
        phone_step.send_code(public_id, phone=form.cleaned_data["telefon"], by=by, now=clock.now())
    except AccountsError as refusal:
        return shown(request, by, public_id, Step.PHONE, form=form, refusal=refusal)
    return redirect("accounts:desk_step", public_id, Step.PHONE.value)


@require_POST
@for_clerks
def reopen(request: HttpRequest, by: Serving, public_id: str, word: str) -> HttpResponse:
    """Open a checked step again, and the later ones that stood on it."""
    only_fields(request)
    asked = _step_of(word)
    try:
        queue.reopen(public_id, asked, by=by, now=clock.now())
    except AccountsError as refusal:
        return shown(request, by, public_id, asked, refusal=refusal)
    return redirect("accounts:desk_step", public_id, asked.value)


@require_POST
@for_clerks
def activation_again(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """A new activation code, when the first one ran out (W-007)."""
    only_fields(request)
    try:
        activation_step.send_again(public_id, by=by, now=clock.now())
    except AccountsError as refusal:
        return shown(request, by, public_id, None, refusal=refusal)
    return redirect("accounts:desk_application", public_id)


def shown(
    request: HttpRequest,
    by: Serving,
    public_id: str,
    asked: Step | None,
    *,
    form: forms.Form | None = None,
    refusal: AccountsError | None = None,
) -> HttpResponse:
    now = clock.now()
    found = queue.look_at(public_id, by, now=now)
    lines = checklist.checklist_of(found)
    is_waiting = found.state in WAITING
    if asked is not None and not (lines.line(asked).is_done or (is_waiting and lines.line(asked).is_next)):
        if request.method != "POST":
            return redirect("accounts:desk_application", public_id)
        refusal, form, asked = refusal or WrongOrder("not its turn"), None, None
    shown = asked or (lines.next_step if is_waiting else None)
    context = desk_contexts.context_of(found, lines, shown, form=form, now=now)
    template = "accounts/desk/application.html"
    return desk_page(
        request, by, template, context, current="applications", applicant=found, form=form, refusal=refusal
    )


def _step_of(word: str) -> Step:
    try:
        return Step(word)
    except ValueError as error:
        raise NoSuchApplication("no such step") from error


def _identity(form: IdentityForm, public_id: str, by: Serving, now: datetime) -> None:
    identity_step.confirm(public_id, seen=form.seen(), by=by, now=now)


def _papers(form: forms.Form, public_id: str, by: Serving, now: datetime) -> None:
    papers_step.confirm(public_id, were_compared=form.cleaned_data["asillari_goruldu"], by=by, now=now)


def _phone(form: forms.Form, public_id: str, by: Serving, now: datetime) -> None:
    given = form.cleaned_data
    phone_step.confirm(public_id, code=given["kod"], in_hand=given["elinde"], by=by, now=now)


def _address(form: forms.Form, public_id: str, by: Serving, now: datetime) -> None:
    address_step.choose(public_id, address=form.cleaned_data["address"], by=by, now=now)


def _contract(form: forms.Form, public_id: str, by: Serving, now: datetime) -> None:
    contract_step.confirm(public_id, was_signed_here=form.cleaned_data["imzalandi"], by=by, now=now)


def _activation(form: forms.Form, public_id: str, by: Serving, now: datetime) -> None:
    activation_step.begin(public_id, by=by, now=now)


_FORMS: Final[dict[Step, type[forms.Form]]] = {
    Step.IDENTITY: IdentityForm,
    Step.PAPERS: PapersForm,
    Step.PHONE: CodeForm,
    Step.ADDRESS: AddressForm,
    Step.CONTRACT: ContractForm,
    Step.ACTIVATION: forms.Form,
}
_ACTS: Final[dict[Step, Act]] = {
    Step.IDENTITY: _identity,
    Step.PAPERS: _papers,
    Step.PHONE: _phone,
    Step.ADDRESS: _address,
    Step.CONTRACT: _contract,
    Step.ACTIVATION: _activation,
}
