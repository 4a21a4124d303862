"""The counter of a branch: what waits, the search, taking an application that has no branch, and today's acts."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from guards import clock

from ..desk import queue, today
from ..desk.errors import DeskBusy
from ..desk.forms import SearchForm
from ..posts import Serving
from . import desk_shown
from .desk_parts import desk_page, fields_of, for_clerks, only_fields


@sensitive_post_parameters("ara")
@require_http_methods(["GET", "HEAD", "POST"])
@for_clerks
def applications(request: HttpRequest, by: Serving) -> HttpResponse:
    """What waits at this branch. A search is a POST, so that no identity number stands in an address."""
    now, form, refusal, found = clock.now(), SearchForm(), None, None
    if request.method == "POST":
        only_fields(request, *fields_of(SearchForm))
        form = SearchForm(request.POST)
        if form.is_valid():
            try:
                found = [desk_shown.row_of(each) for each in queue.find(form.cleaned_data["ara"], by, now=now)]
            except DeskBusy as busy:
                refusal = busy
    page = queue.waiting_at(by, page=_page_number(request))
    context = {
        "form": form,
        "found": found,
        "rows": [desk_shown.row_of(each) for each in page.rows],
        "page": page,
        "now": now,
    }
    template = "accounts/desk/applications.html"
    return desk_page(request, by, template, context, current="applications", form=form, refusal=refusal)


@require_POST
@for_clerks
def take(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """Take an application that no branch has for this branch."""
    only_fields(request)
    application = queue.take(public_id, by, now=clock.now())
    return redirect("accounts:desk_application", application.public_id)


@require_safe
@for_clerks
def acts_of_today(request: HttpRequest, by: Serving) -> HttpResponse:
    """What was done at this branch today, by whom."""
    now = clock.now()
    acts = [desk_shown.act_of(act) for act in today.acts_of(by, now=now)]
    return desk_page(request, by, "accounts/desk/today.html", {"acts": acts, "now": now}, current="today")


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("sayfa", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 1
