"""`/basvuru/durum/`: where an application stands, opened by its number and a code to the phone."""

from datetime import datetime
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from guards import clock

from ..applying import checklist, documents, limits, states, status, submitting
from ..applying.errors import ApplyingError
from ..applying.legal import legal_of
from ..applying.limits import Door
from ..applying.states import Event
from ..applying.step_forms import CodeForm, NumberForm
from ..doors import open_door
from ..errors import AccountsError
from ..identity import mask_tckn
from ..models import Application
from .applying_session import forget, remember, with_application
from .applying_steps import next_page, refuse, status_of

_ASKED: Final = "kep_application_asked"
"""The number somebody typed; it may be nobody's."""
_LONGEST: Final = 20


@open_door
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """The number; the answer is the same whether or not there is such an application (V-008)."""
    form = NumberForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        try:
            limits.count(Door.STATUS, request, now=now)
            request.session[_ASKED] = form.cleaned_data["no"][:_LONGEST]
            status.send_code(form.cleaned_data["no"], now=now)
            return redirect("accounts:applying_status_code")
        except ApplyingError as refusal:
            refuse(form, None, refusal)
    return render(request, "accounts/applying/status.html", {"form": form}, status=status_of(form))


@open_door
@never_cache
@sensitive_post_parameters("kod")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The code; then this browser may touch the application."""
    number = str(request.session.get(_ASKED, ""))
    if not number:
        return redirect("accounts:applying_status")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        try:
            limits.count(Door.STATUS, request, now=now)
            application = status.open_by_code(number, form.cleaned_data["kod"], now=now)
            del request.session[_ASKED]
            remember(request, application, now=now)
            return redirect("accounts:applying_mine")
        except AccountsError as refusal:
            refuse(form, "kod", refusal)
    return render(
        request, "accounts/applying/status_code.html", {"form": form, "number": number}, status=status_of(form)
    )


@open_door
@never_cache
@require_http_methods(["GET", "HEAD"])
@with_application
def mine(request: HttpRequest, application: Application, *, now: datetime) -> HttpResponse:
    """The application as it stands: state, history, papers, and what comes next."""
    if application.state == Application.State.DRAFT:
        return redirect(next_page(application))
    filed = documents.of(documents.application_subject(application))
    lines = checklist.lines(application, filed)
    legal = legal_of(application)
    context = {
        "application": application,
        "applicant": legal.name if legal else f"{application.first_name} {application.last_name}",
        "tckn": mask_tckn(application.tckn),
        "state_words": status.words_of(application),
        "next_words": status.next_of(application),
        "history": status.history(application),
        "missing": [line for line in lines if line.is_open],
        "takes_papers": application.state in ("DOCUMENTS_AWAITED", "UNDER_REVIEW"),
        "may_withdraw": states.may(application, Event.WITHDRAWN),
        "prints": application.state not in states.ENDS,
    }
    return render(request, "accounts/applying/mine.html", context)


@open_door
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@with_application
def withdraw(request: HttpRequest, application: Application, *, now: datetime) -> HttpResponse:
    """Say what is lost, then take the application back."""
    if request.method != "POST":
        if not states.may(application, Event.WITHDRAWN):
            return redirect("accounts:applying_mine")
        return render(request, "accounts/applying/withdraw.html", {"application": application})
    submitting.withdraw(application, now=now)
    forget(request)
    messages.info(request, _("Başvurunuz geri çekildi. Dilediğinizde yeni bir başvuru yapabilirsiniz."))
    return redirect("accounts:applying")
