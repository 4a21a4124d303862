"""*İkinci onay*: the requests of a branch, for its clerks."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from ..posts import Serving
from ..step_up import needs_step_up
from . import approval_pages
from .approval_pages import COUNTER
from .desk_parts import for_clerks


@require_safe
@for_clerks
def listed(request: HttpRequest, by: Serving) -> HttpResponse:
    """What waits for a decision at this branch."""
    return approval_pages.listed(request, by, COUNTER)


@require_safe
@for_clerks
def one(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """One request."""
    return approval_pages.one(request, by, public_id, COUNTER)


@require_POST
@for_clerks
@needs_step_up(back_to="accounts:desk_approvals")
def decide(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """Allow, refuse or withdraw it."""
    return approval_pages.decide(request, by, public_id, COUNTER)
