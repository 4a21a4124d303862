"""Who serves for the provider: posts are given and ended by two people of the back office (V-046).

Ended is ended: the visits of whoever held the post end in the same transaction, and what he opens next is refused by
the row itself (V-032, V-043). Nobody gives himself a post or ends his own.

**The first ones.** While fewer than two people run the back office there is no second pair of eyes; then and only then
`manage.py kepstaff` on the machine itself gives such a post.
"""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from evidence import eventlog

from .. import approvals, open_visits
from ..approvals import facts_of
from ..models import Approval, Branch, Person, Post
from ..operators import running
from ..posts import Serving
from .errors import NoPostYet, NoSuchPost, PostTaken

GRANT = "post.grant"
END = "post.end"
_OFFICE = frozenset({Post.Role.BACK_OFFICE.value})


def ask_to_grant(person: Person, *, role: str, branch: Branch | None, why: str, by: Serving, now: datetime) -> Approval:
    """Ask that the person be given a post; a clerk's names an open branch, the back office has none.

    Refused: `NoPostYet`, `PostTaken`, `NoSuchPost`, whatever `approvals.ask` refuses.
    """
    _refuse(person, role, branch, now=now)
    facts = {"person": str(person.pk), "role": role, "branch": branch.code if branch else ""}
    return approvals.ask(GRANT, subject=f"person:{person.pk}", facts=facts, why=why, by=by, now=now)


def ask_to_end(post: Post, *, why: str, by: Serving, now: datetime) -> Approval:
    """Ask that this running post be ended. Refused: `NoSuchPost`, whatever `approvals.ask` refuses."""
    if not Post.objects.filter(running(now), pk=post.pk).exists():
        raise NoSuchPost("has ended")
    facts = {"person": str(post.person_id), "post": post.public_id}
    return approvals.ask(END, subject=f"post:{post.public_id}", facts=facts, why=why, by=by, now=now)


def begin(person: Person, *, role: str, branch: Branch | None, granted_by: str, now: datetime) -> Post:
    """Give the post, by four eyes or on the machine. Refused: `NoPostYet`, `PostTaken`, `NoSuchPost`."""
    _refuse(person, role, branch, now=now)
    try:
        with transaction.atomic():
            post = Post.objects.create(person=person, role=role, branch=branch, starts_at=now, granted_by=granted_by)
            facts = {"post": post.public_id, "role": role, "branch": branch.code if branch else ""}
            open_visits.end_all(person, reason="post_granted", now=now, actor=granted_by)  # shorter from now on (V-031)
            eventlog.append("post.granted", at=now, actor=granted_by, subject=f"person:{person.pk}", facts=facts)
    except IntegrityError as error:
        raise PostTaken("a running post in this role") from error
    return post


def is_short_of_eyes(*, now: datetime) -> bool:
    """Whether fewer than two people run the back office, so that nobody could allow what the other asks."""
    rows = Post.objects.filter(running(now), role=Post.Role.BACK_OFFICE, person__is_active=True)
    return rows.values("person").distinct().count() < 2


def open_branches(*, now: datetime) -> list[Branch]:
    """Branches that have not closed, by name."""
    return list(Branch.objects.filter(Q(closed_at=None) | Q(closed_at__gt=now)).order_by("name"))


def _grant(approval: Approval, now: datetime) -> None:
    facts = facts_of(approval)
    person = Person.objects.get(pk=UUID(facts["person"]))
    branch = Branch.objects.get(code=facts["branch"]) if facts["branch"] else None
    begin(person, role=facts["role"], branch=branch, granted_by=f"person:{approval.asked_by_id}", now=now)


def _end(approval: Approval, now: datetime) -> None:
    facts, actor = facts_of(approval), f"person:{approval.asked_by_id}"
    post = Post.objects.select_related("person").get(public_id=facts["post"])
    if not Post.objects.filter(running(now), pk=post.pk).update(ends_at=now, ended_by=actor):
        raise NoSuchPost("has ended meanwhile")
    open_visits.end_all(post.person, reason="post_ended", now=now, actor=actor)
    told = {"post": post.public_id, "role": post.role}
    eventlog.append("post.ended", at=now, actor=actor, subject=f"person:{post.person_id}", facts=told)


def _refuse(person: Person, role: str, branch: Branch | None, *, now: datetime) -> None:
    is_established = person.identity_state == Person.IdentityState.ESTABLISHED
    if not (is_established and person.has_secrets and person.is_active):
        raise NoPostYet("cannot sign in, or never seen")
    is_clerk = role == Post.Role.CLERK
    if role not in Post.Role.values or is_clerk != (branch is not None):
        raise NoSuchPost("role and branch do not fit")
    if branch is not None and branch.closed_at is not None and branch.closed_at <= now:
        raise NoSuchPost("the branch has closed")
    if Post.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), person=person, role=role).exists():
        raise PostTaken("a running post in this role")


def register() -> None:
    """The kinds of this file."""
    approvals.register(GRANT, title=gettext_noop("Görev verme"), execute=_grant, roles=_OFFICE)
    approvals.register(END, title=gettext_noop("Görevi sona erdirme"), execute=_end, roles=_OFFICE)
