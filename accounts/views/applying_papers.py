"""The papers of an application: printed, uploaded, taken back; and sending it (K-021..K-024)."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from evidence.errors import EvidenceError
from guards.download_name import attachment_header

from .. import e_imza
from ..applying import checklist, documents, draft, limits, papers, statement, submitting
from ..applying.documents import PaperKind
from ..applying.errors import ApplyingError
from ..applying.forms import StrictForm
from ..applying.limits import Door
from ..applying.papers import Printed
from ..applying.step_forms import PaperForm
from ..doors import open_door
from ..models import Application
from .applying_session import with_application
from .applying_steps import PAPERS, bars, next_page, refuse, status_of

State = Application.State
_TAKES_PAPERS = (State.DRAFT, State.DOCUMENTS_AWAITED, State.UNDER_REVIEW)


@open_door
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@with_application
def list_papers(request: HttpRequest, application: Application, *, now: datetime) -> HttpResponse:
    """The checklist with what is filed; a POST files one more paper."""
    if next_page(application) not in ("accounts:applying_papers", "accounts:applying_mine"):
        return redirect(next_page(application))
    if application.state not in _TAKES_PAPERS:
        return redirect(next_page(application))
    kinds = [each.kind for each in checklist.wanted(application)]
    form = PaperForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        kinds=kinds,
    )
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["dosya"]
        try:
            limits.count(Door.PAPER, request, now=now)
            raw = file.read(documents.MOST_BYTES + 1)
            documents.keep(
                documents.application_subject(application),
                PaperKind(form.cleaned_data["tur"]),
                raw,
                file_name=file.name,
                uploaded_by=draft.APPLICANT,
                now=now,
            )
            submitting.hand_in(application, now=now)
            return redirect("accounts:applying_papers")
        except (ApplyingError, EvidenceError) as refusal:
            refuse(form, "dosya", refusal)
    return _page(request, application, form)


@open_door
@never_cache
@require_http_methods(["GET", "HEAD"])
@with_application
def paper(request: HttpRequest, application: Application, public_id: str, *, now: datetime) -> HttpResponse:
    """One paper as a file."""
    return documents.download(documents.find(documents.application_subject(application), public_id))


@open_door
@never_cache
@require_POST
@with_application
def withdraw_paper(request: HttpRequest, application: Application, public_id: str, *, now: datetime) -> HttpResponse:
    """Take one paper back."""
    document = documents.find(documents.application_subject(application), public_id)
    documents.withdraw(document, by=draft.APPLICANT, now=now)
    return redirect("accounts:applying_papers")


@open_door
@never_cache
@require_http_methods(["GET", "HEAD"])
@with_application
def printed_form(request: HttpRequest, application: Application, *, now: datetime) -> HttpResponse:
    """The application form as PDF."""
    return _printed(application, Printed.FORM, now=now)


@open_door
@never_cache
@require_http_methods(["GET", "HEAD"])
@with_application
def printed_undertaking(request: HttpRequest, application: Application, *, now: datetime) -> HttpResponse:
    """The undertaking as PDF."""
    return _printed(application, Printed.UNDERTAKING, now=now)


@open_door
@never_cache
@require_POST
@with_application
def sign(request: HttpRequest, application: Application, *, now: datetime) -> HttpResponse:
    """Begin the signature by e-imza; the signed application comes back to the papers, from where it is sent."""
    if next_page(application) != "accounts:applying_papers":
        return redirect(next_page(application))
    back = resolve_url("accounts:applying_papers")
    e_imza.ask_application(request, application, statement.text_of(application), now, next_url=back)
    return redirect("accounts:e_imza_waiting")


@open_door
@never_cache
@require_POST
@with_application
def submit(request: HttpRequest, application: Application, *, now: datetime) -> HttpResponse:
    """Send the application."""
    if application.state == State.DRAFT and next_page(application) != "accounts:applying_papers":
        return redirect(next_page(application))
    sent = submitting.submit(application, now=now)
    if sent.account_id is None:
        messages.info(request, _("Başvurunuz gönderildi. Numaranızı saklayın; durumu onunla izlersiniz."))
    else:
        messages.info(request, _("Hesabınız açıldı. Telefonunuza gelen kodla etkinleştirin."))
    return redirect("accounts:applying_mine")


def _printed(application: Application, which: Printed, *, now: datetime) -> HttpResponse:
    if application.state == State.DRAFT and next_page(application) != "accounts:applying_papers":
        return redirect(next_page(application))
    make = papers.form if which is Printed.FORM else papers.undertaking
    response = HttpResponse(make(application, now=now), content_type="application/pdf")
    response.headers["Content-Disposition"] = attachment_header(f"{which.title}-{application.number}.pdf")
    return response


def _page(request: HttpRequest, application: Application, form: StrictForm) -> HttpResponse:
    filed = documents.of(documents.application_subject(application))
    lines = checklist.lines(application, filed)
    context = {
        "form": form,
        "application": application,
        "bars": bars(PAPERS),
        "lines": lines,
        "open_count": sum(line.is_open for line in lines),
        "is_draft": application.state == State.DRAFT,
    }
    return render(request, "accounts/applying/papers.html", context, status=status_of(form))
