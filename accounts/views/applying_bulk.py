"""`/basvuru/toplu/`: a main operator applies for the people of a legal person by a list (K-043)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from guards import clock

from ..access import acting_of
from ..applying import bulk, draft, limits, sheet, status
from ..applying.errors import ApplyingError, RowsRefused
from ..applying.limits import Door
from ..applying.step_forms import ListForm
from ..identity import mask_tckn
from ..models import KepAccount
from .applying_steps import refuse, status_of


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """The list goes up; with one finding in it nothing is kept."""
    acting, now = acting_of(request), clock.now()
    bulk.require_right(acting)
    form = ListForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        branches=draft.open_branches(now=now).values(),
    )
    findings: object = ()
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            limits.count(Door.BULK, request, now=now)
            raw = given["liste"].read(sheet.MOST_BYTES + 1)
            mode = KepAccount.Mode(given["hizmet"])
            batch = bulk.upload(acting, raw, branch_code=given["sube"], mode=mode, now=now)
            return redirect("accounts:applying_batch", batch.public_id)
        except RowsRefused as refusal:
            findings = refusal.facts["findings"]
            refuse(form, "liste", refusal)
        except ApplyingError as refusal:
            refuse(form, "liste", refusal)
    context = {"form": form, "findings": findings, "most": sheet.MOST_ROWS, "columns": sheet.COLUMNS, "folder": ""}
    return render(request, "accounts/applying/bulk.html", context, status=status_of(form))


@require_http_methods(["GET", "HEAD"])
def batch(request: HttpRequest, batch: str) -> HttpResponse:
    """The list as it was understood, before and after it is sent."""
    found = bulk.find(acting_of(request), batch)
    rows = [
        {
            "number": member.number,
            "name": f"{member.first_name} {member.last_name}",
            "tckn": mask_tckn(member.tckn),
            "address": member.wanted_address,
            "state": status.words_of(member),
        }
        for member in found.members
    ]
    context = {"batch": found, "rows": rows, "branch": found.members[0].branch, "folder": ""}
    return render(request, "accounts/applying/batch.html", context)


@require_POST
def send(request: HttpRequest, batch: str) -> HttpResponse:
    """Send the whole list."""
    found = bulk.send(acting_of(request), batch, now=clock.now())
    messages.info(request, _("Liste gönderildi. Her kişi kimliğiyle şubeye gider, ardından hesabını kendi açar."))
    return redirect("accounts:applying_batch", found.public_id)


@require_POST
def discard(request: HttpRequest, batch: str) -> HttpResponse:
    """Take the list back before it is sent."""
    bulk.discard(acting_of(request), batch, now=clock.now())
    messages.info(request, _("Liste silindi. Hiçbir başvuru gönderilmedi."))
    return redirect("accounts:applying_bulk")
