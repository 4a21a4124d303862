"""The inbox of the back office: every request of every branch, and its own."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from accounts.posts import Serving
from accounts.step_up import needs_step_up
from accounts.views import approval_pages
from accounts.views.approval_pages import Door

from .parts import for_office

OFFICE = Door("staff:approvals", "staff:approval", "staff:approval_decide", "staff:approvals")


@require_safe
@for_office
def listed(request: HttpRequest, by: Serving) -> HttpResponse:
    """What waits for a decision anywhere."""
    return approval_pages.listed(request, by, OFFICE)


@require_safe
@for_office
def one(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """One request."""
    return approval_pages.one(request, by, public_id, OFFICE)


@require_POST
@for_office
@needs_step_up(back_to="staff:approvals")
def decide(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """Allow, refuse or withdraw it."""
    return approval_pages.decide(request, by, public_id, OFFICE)
