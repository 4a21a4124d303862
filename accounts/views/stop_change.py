"""`/hesap/durdur/`: whoever holds the old phone stops a change of it by the code he got; signed in, by a button.

Open to everybody, because whoever had his phone changed behind his back cannot sign in. Every wrong pair of number and
code is answered alike (V-008).
"""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from guards import clock
from guards.spoken import spoken

from ..approvals import kind_of
from ..doors import open_door
from ..errors import AccountsError
from ..guarded import own, phone
from ..guarded.forms import StopForm
from ..models import Person
from .desk_parts import faults_of, fields_of, only_fields


@dataclass(frozen=True)
class Stoppable:
    """One request somebody signed in can stop."""

    public_id: str
    title: str
    asked_at: datetime


@open_door
@never_cache
@sensitive_post_parameters("tckn", "kod")
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest) -> HttpResponse:
    """The form, and what signed in somebody can stop without a code."""
    now, form = clock.now(), StopForm()
    person = request.user if isinstance(request.user, Person) and request.user.is_verified() else None  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, form, person)
    try:
        if person is not None and "istek" in request.POST:
            only_fields(request, "istek")
            own.stop(person, request.POST["istek"], now=now)
        else:
            only_fields(request, *fields_of(StopForm))
            form = StopForm(request.POST)
            if not form.is_valid():
                return _page(request, form, person)
            phone.stop_by_code(tckn=form.cleaned_data["tckn"], code=form.cleaned_data["kod"], now=now)
    except AccountsError as refusal:
        return _page(request, form, person, refusal)
    return render(request, "accounts/stop_change.html", {"is_done": True})


def _page(
    request: HttpRequest, form: StopForm, person: Person | None, refusal: AccountsError | None = None
) -> HttpResponse:
    now, faults = clock.now(), faults_of(form, refusal)
    mine = own.stoppable(person, now=now) if person else []
    context = {
        "form": form,
        "errors": faults,
        "mine": [Stoppable(each.public_id, spoken(kind_of(each).title), each.asked_at) for each in mine],
        "is_signed_in": person is not None,
    }
    status = refusal.status if refusal else 422 if faults else 200
    return render(request, "accounts/stop_change.html", context, status=status)
