"""What the pages of the counter share: who asks, which fields a form may bring, and how a refusal is shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from guards.errors import KepError

from ..desk import frame
from ..desk.errors import UnknownField
from ..models import Application, Post
from ..posts import Serving, serving

DeskView = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Fault:
    """One line of an error summary."""

    field_id: str
    message: str
    code: str = ""


def for_clerks(view: DeskView) -> DeskView:
    """Only a clerk on duty comes in, and the view is told as whom: `view(request, by, ...)`. `NotServing` (403)."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, serving(request, Post.Role.CLERK), *args, **kwargs)

    return asked


def only_fields(request: HttpRequest, *names: str) -> None:
    """`UnknownField` when the request brings anything our form does not have (V-041)."""
    brought = {*request.POST, *request.FILES} - {"csrfmiddlewaretoken", *names}
    if brought:
        raise UnknownField("fields that no form of ours has", count=len(brought))


def fields_of(form: type[forms.Form] | forms.Form) -> tuple[str, ...]:
    """The names a form may bring."""
    return tuple(form.base_fields)


def faults_of(form: forms.Form | None, refusal: KepError | None) -> list[Fault]:
    """What is wrong, in the order of the fields; a verb's refusal leads to no field."""
    faults = [Fault("", refusal.for_person(), refusal.code)] if refusal else []
    if form is None or not form.is_bound:
        return faults
    for error in form.non_field_errors().as_data():
        faults.extend(Fault("", str(message), _code(error)) for message in error)
    for field in form:
        for error in field.errors.as_data():
            faults.extend(Fault(field.id_for_label, str(message), _code(error)) for message in error)
    return faults


def desk_page(
    request: HttpRequest,
    by: Serving,
    template: str,
    context: Mapping[str, object],
    *,
    current: str,
    applicant: Application | None = None,
    form: forms.Form | None = None,
    refusal: KepError | None = None,
    home: str = "",
) -> HttpResponse:
    """A page in the frame of the provider's own people; its status is the refusal's, or 422 for a form with faults."""
    faults = faults_of(form, refusal)
    name = applicant_name(applicant) if applicant else ""
    full = {**context, "frame": frame.frame_of(by, current=current, applicant=name, home=home), "errors": faults}
    status = refusal.status if refusal else 422 if faults else 200
    return render(request, template, full, status=status)


def applicant_name(application: Application) -> str:
    """The natural person who applies; for a legal person its first main operator."""
    return f"{application.first_name} {application.last_name}"


def _code(error: Any) -> str:
    """Our own codes have a dash; Django's are no words for a person."""
    code = error.code or ""
    return code if "-" in code else ""
