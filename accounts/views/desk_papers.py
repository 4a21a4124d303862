"""Papers at the counter: scans in, scans out, and what is printed to be signed.

A scan is handed out as a file and never shown inside a page; each one that is taken out leaves an event, because it
shows more of the applicant than our pages do (V-049).
"""

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evidence import eventlog
from guards import clock

from ..applying import documents
from ..applying.documents import PaperKind
from ..desk import decision, papers_step, prints, queue
from ..desk.checklist import Step
from ..desk.errors import NoSuchApplication
from ..desk.forms import RejectForm
from ..errors import AccountsError
from ..posts import Serving
from . import desk_shown, desk_steps
from .desk_parts import desk_page, fields_of, for_clerks, only_fields


@require_POST
@for_clerks
def add(request: HttpRequest, by: Serving, public_id: str, kind: str) -> HttpResponse:
    """Keep one scan under its kind of paper."""
    only_fields(request, "dosya")
    paper, given = _kind_of(kind), request.FILES.get("dosya")
    step = Step.CONTRACT if paper in papers_step.SIGNED_HERE else Step.PAPERS
    raw, name = _read(given) if given else (b"", "")
    try:
        papers_step.file(public_id, paper, raw, file_name=name, by=by, now=clock.now())
    except AccountsError as refusal:
        return desk_steps.shown(request, by, public_id, step, refusal=refusal)
    return redirect("accounts:desk_step", public_id, step.value)


@require_POST
@for_clerks
def remove(request: HttpRequest, by: Serving, public_id: str, document_id: str) -> HttpResponse:
    """Take a scan back that was filed by mistake."""
    only_fields(request)
    papers_step.withdraw(public_id, document_id, by=by, now=clock.now())
    return redirect("accounts:desk_application", public_id)


@require_safe
@for_clerks
def document(request: HttpRequest, by: Serving, public_id: str, document_id: str) -> HttpResponse:
    """One scan as a file."""
    now = clock.now()
    application = queue.look_at(public_id, by, now=now)
    found = documents.find(documents.application_subject(application), document_id)
    with transaction.atomic():
        eventlog.append(
            "desk.paper_taken_out",
            at=now,
            actor=by.actor,
            subject=documents.application_subject(application),
            facts={"document": found.public_id, "kind": found.kind, "branch": by.branch_code},
        )
    return documents.download(found)


@require_safe
@for_clerks
def printed(request: HttpRequest, by: Serving, public_id: str, paper: str) -> HttpResponse:
    """A paper of this application as PDF, to be printed and signed."""
    now = clock.now()
    made = prints.make(queue.look_at(public_id, by, now=now), paper, by=by, now=now)
    response = HttpResponse(made.raw, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{made.file_name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@for_clerks
def reject(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """What a rejection means, and the rejection with its reason."""
    now, form, refusal = clock.now(), RejectForm(), None
    if request.method == "POST":
        only_fields(request, *fields_of(RejectForm))
        form = RejectForm(request.POST)
        if form.is_valid():
            try:
                decision.reject(public_id, why=form.cleaned_data["gerekce"], by=by, now=now)
                return redirect("accounts:desk_application", public_id)
            except AccountsError as refused:
                refusal = refused
    found = queue.look_at(public_id, by, now=now)
    if refusal is None and not decision.may_reject(found):
        return redirect("accounts:desk_application", public_id)
    context = {"application": desk_shown.row_of(found), "form": form}
    return desk_page(
        request,
        by,
        "accounts/desk/reject.html",
        context,
        current="applications",
        applicant=found,
        form=form,
        refusal=refusal,
    )


def _kind_of(word: str) -> PaperKind:
    try:
        return PaperKind(word)
    except ValueError as error:
        raise NoSuchApplication("no such kind of paper") from error


def _read(given: "UploadedFile[bytes]") -> tuple[bytes, str]:
    """The bytes, one more than is taken at the most, so that a larger file is refused and not read to its end."""
    return given.read(documents.MOST_BYTES + 1), given.name or ""
