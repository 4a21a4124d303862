"""*Kim ne yaptı*, and the sealed record of present operators."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header, urlencode
from django.views.decorators.http import require_POST, require_safe

from evidence import sealed_papers
from guards import clock

from ..access import acting_of
from ..operating import activity, offices, record


@require_safe
def activity_page(request: HttpRequest) -> HttpResponse:
    """Who did what for the account, newest first; `once` (an ISO moment) is where an older page begins."""
    acting = acting_of(request)
    offices.refuse_looking(acting)
    now = clock.now()
    lines = activity.lines(acting.account, before=_moment(request.GET.get("once", "")) or _after(now))
    older = f"?{urlencode({'once': lines[-1].at.isoformat()})}" if len(lines) >= activity.PAGE else ""
    context = {"rows": lines, "older": older, "is_newest": "once" not in request.GET, "folder": "operators", "now": now}
    return render(request, "accounts/operators/activity.html", context)


@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Ask the sealing worker for a record of this moment."""
    return redirect("accounts:operator_record", record.ask(acting_of(request), now=clock.now()).version)


@require_safe
def fetch(request: HttpRequest, version: str) -> HttpResponse:
    """The sealed PDF once it is there; until then a page that says so."""
    acting = acting_of(request)
    asked = record.asked(acting, version)
    sealed = sealed_papers.finished(asked)
    if sealed is None:
        context = {"version": version, "number": record.number_of(asked), "folder": "operators"}
        return render(request, "accounts/operators/record_waiting.html", context, status=202)
    response = HttpResponse(sealed, content_type="application/pdf")
    response.headers["Content-Disposition"] = content_disposition_header(True, f"{record.number_of(asked)}.pdf") or ""
    return response


def _moment(text: str) -> datetime | None:
    """An aware moment as an address writes it; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _after(now: datetime) -> datetime:
    """What was done this very instant belongs on the page."""
    return now.replace(microsecond=0) + activity.A_MOMENT
