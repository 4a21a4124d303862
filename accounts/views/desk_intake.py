"""A new application at the counter: which kind of applicant, then one form, then the checklist."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from guards import clock

from ..desk import intake as desk_intake
from ..desk.errors import NoSuchApplication
from ..desk.intake_forms import INTAKE_FORMS, LEGAL_FIELDS, NOTICE_FIELDS, PERSON_FIELDS
from ..errors import AccountsError
from ..models import Application
from ..posts import Serving
from . import desk_shown
from .desk_parts import desk_page, fields_of, for_clerks, only_fields

Kind = Application.Kind
_KINDS: Final = {"gercek": Kind.NATURAL, "ozel": Kind.PRIVATE_LEGAL, "kamu": Kind.PUBLIC_LEGAL}


@require_safe
@for_clerks
def choose_kind(request: HttpRequest, by: Serving) -> HttpResponse:
    """Who applies."""
    return desk_page(request, by, "accounts/desk/new.html", {}, current="new")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@for_clerks
def intake(request: HttpRequest, by: Serving, word: str) -> HttpResponse:
    """The form of one kind of applicant; sent, it is an application that waits at this branch."""
    kind = _KINDS.get(word)
    if kind is None:
        raise NoSuchApplication("no such kind of applicant")
    make_form = INTAKE_FORMS[kind]
    form, refusal = make_form(), None
    if request.method == "POST":
        only_fields(request, *fields_of(make_form))
        form = make_form(request.POST)
        if form.is_valid():
            try:
                made = desk_intake.take_in(kind, form.applicant(), form.legal(), form.wishes(), by=by, now=clock.now())
                return redirect("accounts:desk_application", made.public_id)
            except AccountsError as refused:
                refusal = refused
    context = {
        "form": form,
        "word": word,
        "kind": desk_shown.kind_word(kind),
        "legal_fields": [form[name] for name in LEGAL_FIELDS if name in form.fields],
        "person_fields": [form[name] for name in PERSON_FIELDS],
        "notices": [form[name] for name in NOTICE_FIELDS if name in form.fields],
    }
    template = "accounts/desk/intake.html"
    return desk_page(request, by, template, context, current="new", form=form, refusal=refusal)
