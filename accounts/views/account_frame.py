"""What the pages of `/hesap/` share: the person, the frame they stand in, and a refusal said on the page."""

from collections.abc import Mapping
from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from guards import clock
from guards.errors import KepError

from .. import access
from ..errors import NotActing, VisitEnded
from ..models import Person


def person_of(request: HttpRequest) -> Person:
    """The person signed in; `VisitEnded` for nobody, though the gate lets nobody come so far."""
    if not isinstance(request.user, Person):
        raise VisitEnded("nobody is signed in")
    return request.user


def shown(refusal: KepError | None) -> Mapping[str, str] | None:
    """A refusal as templates show it."""
    return {"message": refusal.for_person(), "code": refusal.code} if refusal else None


def account_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    form: Form | None = None,
    refusal: KepError | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page in the frame of the account acted for; whoever acts for none yet gets the page alone."""
    try:
        access.acting_of(request)
        frame = "base.html"
    except NotActing:
        frame = "base_public.html"
    said = {"frame": frame, "form": form, "error": shown(refusal), "now": clock.now(), "folder": "account"}
    return render(request, template, {**said, **(context or {})}, status=refusal.status if refusal else status)
