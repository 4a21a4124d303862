"""Branches: the list, opening one, closing one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.errors import AccountsError
from accounts.posts import Serving
from accounts.step_up import needs_step_up
from accounts.views.desk_parts import fields_of, only_fields
from guards import clock

from .. import branches
from ..forms import BranchForm
from .parts import for_office, office_page


@require_http_methods(["GET", "HEAD", "POST"])
@for_office
@needs_step_up
def listed(request: HttpRequest, by: Serving) -> HttpResponse:
    """Every branch; a POST opens a new one."""
    form, refusal, now = BranchForm(), None, clock.now()
    if request.method == "POST":
        only_fields(request, *fields_of(BranchForm))
        form = BranchForm(request.POST)
        if form.is_valid():
            given = form.cleaned_data
            try:
                branch = branches.open_new(code=given["kod"], name=given["ad"], province=given["il"], by=by, now=now)
            except AccountsError as error:
                refusal = error
            else:
                messages.success(request, _("%(name)s açıldı.") % {"name": branch.name})
                return redirect("staff:branches")
    return _page(request, by, form, refusal)


@require_POST
@for_office
@needs_step_up(back_to="staff:branches")
def close(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """Close a branch where nobody serves and nothing waits."""
    only_fields(request)
    try:
        branch = branches.close(public_id, by=by, now=clock.now())
    except AccountsError as refusal:
        return _page(request, by, BranchForm(), refusal)
    messages.success(request, _("%(name)s kapatıldı.") % {"name": branch.name})
    return redirect("staff:branches")


def _page(request: HttpRequest, by: Serving, form: BranchForm, refusal: AccountsError | None) -> HttpResponse:
    context = {"branches": branches.listed(now=clock.now()), "form": form}
    return office_page(request, by, "staff/branches.html", context, current="branches", form=form, refusal=refusal)
