"""What a person, signed in with all factors, may stop of what was asked at the desk about himself and his own account.

A phone, a reset, a closing he is said to have asked for, an opening. Never an order of the provider or an authority,
and no closing for another reason than his own request.
"""

from datetime import datetime

from django.conf import settings
from django.db.models import Q

from .. import approvals
from ..approval_errors import ApprovalUnknown
from ..approvals import facts_of
from ..lifecycle import Closing
from ..models import Approval, KepAccount, Person
from . import closing, phone, reset

_State = Approval.State


def stoppable(person: Person, *, now: datetime) -> list[Approval]:
    """Requests this person could stop at `now`, the newest first. Two queries."""
    own = KepAccount.objects.filter(holder__person=person).values_list("public_id", flat=True)
    about_me = Q(kind__in=(phone.KIND, reset.KIND), subject=f"person:{person.pk}")
    about_mine = Q(kind__in=(closing.CLOSE, closing.REOPEN), subject__in=[f"account:{each}" for each in own])
    live = Q(state__in=(_State.ASKED, _State.APPROVED)) | Q(
        state=_State.DONE, ended_at__gt=now - settings.KEP_RESET_AFTER_PHONE
    )
    rows = Approval.objects.filter(about_me | about_mine, live).order_by("-pk")
    return [each for each in rows if approvals.can_be_stopped(each, now=now) and _is_his(each)]


def stop(person: Person, public_id: str, *, now: datetime) -> Approval:
    """Stop this one. Refused: `ApprovalUnknown` for everything that is not his to stop, `ApprovalOver`."""
    found = next((each for each in stoppable(person, now=now) if each.public_id == public_id), None)
    if found is None:
        raise ApprovalUnknown("not this person's to stop")
    approvals.stop(found, reason="signed_in", actor=f"person:{person.pk}", now=now)
    return found


def _is_his(approval: Approval) -> bool:
    return approval.kind != closing.CLOSE or facts_of(approval)["reason"] == Closing.REQUEST
