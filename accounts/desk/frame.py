"""The frame of the pages for the provider's own people: where one stands, for whom, and what the menu counts.

`templates/base_desk.html` draws it from `frame`; the entries of the menu are in `templates/parts/desk_menu.html`.
"""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from .. import approvals
from ..models import Application, Post
from ..posts import Serving

WAITING = (
    Application.State.DOCUMENTS_AWAITED,
    Application.State.UNDER_REVIEW,
    Application.State.APPROVED,
    Application.State.ADDRESS_ALLOTTED,
)
"""States in which an application waits for somebody at the counter."""


@dataclass(frozen=True)
class Frame:
    """What stands around a page: `applicant` is empty on pages that are about nobody in particular."""

    home: str
    place: str
    person_name: str
    role: str
    current: str
    applicant: str
    is_clerk: bool
    waiting: int
    deciding: int


def frame_of(by: Serving, *, current: str, applicant: str = "", home: str = "") -> Frame:
    """The frame of somebody on duty; `current` is the key of the menu entry he is at. Two queries for a clerk.

    `home` is where the brand leads; the counter, unless the caller says otherwise.
    """
    is_clerk = by.post.role == Post.Role.CLERK
    waiting = Application.objects.filter(branch=by.branch, state__in=WAITING).count() if by.branch else 0
    return Frame(
        home=home or reverse("accounts:desk"),
        place=by.branch.name if by.branch else _("Yönetim"),
        person_name=by.person.full_name,
        role=_("şube personeli") if is_clerk else _("yönetim personeli"),
        current=current,
        applicant=applicant,
        is_clerk=is_clerk,
        waiting=waiting,
        deciding=approvals.open_for(by).exclude(asked_by=by.person).count(),
    )
