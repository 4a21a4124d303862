"""Branches: opened and closed by the back office, each with its event. A branch is never deleted.

Its code stands in event log, histories and on papers, so it never changes and is never used again.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Count, Q

from accounts.models import Approval, Branch, Post
from accounts.operators import running
from accounts.posts import Serving
from evidence import eventlog

from .errors import BranchInUse, BranchRefused, NoSuchBranch

_CODE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_CODE: Final = 16


def listed(*, now: datetime) -> Sequence[Branch]:
    """Every branch, open ones first, with `serving`: how many clerks serve there at `now`. One query."""
    begun = Q(posts__starts_at__lte=now)
    serving = Count("posts", filter=begun & (Q(posts__ends_at=None) | Q(posts__ends_at__gt=now)))
    return list(Branch.objects.annotate(serving=serving).order_by("closed_at", "name"))


def open_new(*, code: str, name: str, province: str, by: Serving, now: datetime) -> Branch:
    """Open a branch. Refused: `BranchRefused`."""
    if _CODE.fullmatch(code) is None or len(code) > LONGEST_CODE:
        raise BranchRefused("not a code")
    try:
        with transaction.atomic():
            branch = Branch.objects.create(code=code, name=name, province=province, opened_at=now)
            eventlog.append("branch.opened", at=now, actor=by.actor, subject=f"branch:{code}")
    except IntegrityError as error:
        raise BranchRefused("the code is taken") from error
    return branch


def close(public_id: str, *, by: Serving, now: datetime) -> Branch:
    """Close a branch where nobody serves and nothing waits. Refused: `NoSuchBranch`, `BranchInUse`."""
    with transaction.atomic():
        branch = Branch.objects.select_for_update().filter(public_id=public_id, closed_at=None).first()
        if branch is None:
            raise NoSuchBranch("no such open branch")
        waits = Approval.objects.filter(branch=branch, state__in=("ASKED", "APPROVED")).exists()
        if waits or Post.objects.filter(running(now), branch=branch).exists():
            raise BranchInUse("somebody serves or something waits")
        Branch.objects.filter(pk=branch.pk).update(closed_at=now)
        eventlog.append("branch.closed", at=now, actor=by.actor, subject=f"branch:{branch.code}")
    branch.refresh_from_db()
    return branch
