"""The papers about one operator: filed, fetched, taken back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from guards import clock
from guards.errors import KepError

from ..access import Acting, acting_of
from ..applying import documents
from ..applying.documents import PaperKind
from ..errors import AccountsError
from ..operating import forms, papers
from ..operating.forms import PaperForm
from ..step_up import needs_step_up
from .operators import shown


@require_http_methods(["GET", "HEAD", "POST"])
@needs_step_up
def papers_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """The papers, and the form by which one is filed."""
    acting, now = acting_of(request), clock.now()
    if request.method != "POST":
        return _page(request, acting, public_id, PaperForm(), status=200)
    form = PaperForm(request.POST, request.FILES)
    forms.refuse_more(request.POST, form)
    if not form.is_valid():
        return _page(request, acting, public_id, form, status=422)
    file, kind = form.cleaned_data["file"], PaperKind(form.cleaned_data["kind"])
    try:
        papers.add(acting, public_id, kind, _bytes_of(file), file_name=file.name, now=now)
    except AccountsError as refusal:
        return _page(request, acting, public_id, form, refusal, status=refusal.status)
    messages.success(request, _("Belge eklendi."))
    return redirect("accounts:operator_papers", public_id)


@require_safe
@needs_step_up
def download(request: HttpRequest, public_id: str, paper_id: str) -> HttpResponse:
    """One paper, as a download."""
    return documents.download(papers.find(acting_of(request), public_id, paper_id, now=clock.now()))


@require_POST
@needs_step_up(back_to="accounts:operators")  # type: ignore[untyped-decorator]
def withdraw(request: HttpRequest, public_id: str, paper_id: str) -> HttpResponse:
    """Take a paper back."""
    papers.withdraw(acting_of(request), public_id, paper_id, now=clock.now())
    messages.success(request, _("Belge kaldırıldı; saklama kaydı durur."))
    return redirect("accounts:operator_papers", public_id)


def _page(
    request: HttpRequest,
    acting: Acting,
    public_id: str,
    form: PaperForm,
    refusal: KepError | None = None,
    *,
    status: int,
) -> HttpResponse:
    operator, filed = papers.of(acting, public_id, now=clock.now())
    context = {
        "operator": operator,
        "person_name": operator.person.full_name,
        "papers": [(each, PaperKind(each.kind).label) for each in filed],
        "form": form,
        "error": shown(refusal),
        "folder": "operators",
    }
    return render(request, "accounts/operators/papers.html", context, status=status)


def _bytes_of(file: object) -> bytes:
    """One octet more than is taken is enough to refuse it."""
    raw: bytes = file.read(documents.MOST_BYTES + 1)  # type: ignore[attr-defined]
    return raw
