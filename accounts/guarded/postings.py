"""Who serves for the provider: posts are given and ended by two people of the back office (V-046).

Ended is ended: the visits of whoever held the post end in the same transaction, and what he opens next is refused by
the row itself (V-032, V-043). Nobody gives himself a post or ends his own.

**The first ones.** While fewer than two people run the back office there is no second pair of eyes; then and only then
`manage.py kepstaff` on the machine itself gives such a post.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from evidence import eventlog

from .. import approvals, open_visits, persons, recovery
from ..approvals import facts_of
from ..identity import read_mobile, read_name, read_tckn
from ..models import Approval, Branch, Person, Post
from ..operators import running
from ..posts import Serving
from .errors import NoSuchPost, PostTaken

GRANT = "post.grant"
END = "post.end"
_OFFICE = frozenset({Post.Role.BACK_OFFICE.value})


@dataclass(frozen=True)
class Candidate:
    """Who is to serve, as his papers say it; all as typed. Somebody known keeps the name and phone on record."""

    tckn: str
    first_name: str
    last_name: str
    phone: str


def ask_to_grant(
    candidate: Candidate, *, role: str, branch: Branch | None, why: str, by: Serving, now: datetime
) -> Approval:
    """Ask that somebody be given a post; a clerk's names an open branch, the back office has none.

    Refused: `TcknRefused`, `PhoneRefused`, `NameRefused`, `PostTaken`, `NoSuchPost`, whatever `approvals.ask` refuses.
    """
    tckn = read_tckn(candidate.tckn)
    facts = {
        "tckn": tckn,
        "first_name": read_name(candidate.first_name),
        "last_name": read_name(candidate.last_name),
        "phone": read_mobile(candidate.phone),
        "role": role,
        "branch": branch.code if branch else "",
    }
    known = Person.objects.filter(tckn_index=persons.tckn_index(tckn)).first()
    _refuse(known, role, branch, now=now)
    subject = f"number:{persons.tckn_index(tckn)[:57]}"
    if known is not None:
        facts |= {"person": str(known.pk), "first_name": known.first_name, "last_name": known.last_name}
        subject = f"person:{known.pk}"
    return approvals.ask(GRANT, subject=subject, facts=facts, why=why, by=by, now=now)


def ask_to_end(post: Post, *, why: str, by: Serving, now: datetime) -> Approval:
    """Ask that this running post be ended. Refused: `NoSuchPost`, whatever `approvals.ask` refuses."""
    if not Post.objects.filter(running(now), pk=post.pk).exists():
        raise NoSuchPost("has ended")
    facts = {"person": str(post.person_id), "post": post.public_id}
    return approvals.ask(END, subject=f"post:{post.public_id}", facts=facts, why=why, by=by, now=now)


def begin(candidate: Candidate, *, role: str, branch: Branch | None, granted_by: str, now: datetime) -> Post:
    """Give the post, by four eyes or on the machine. Whoever has no secrets gets a code to set them (V-013).

    His visits end: those of whoever serves are shorter (V-031). Refused: `PostTaken`, `NoSuchPost`; `CodeTooSoon`,
    `CodeNotSent`; as by `persons.enroll`.
    """
    with transaction.atomic():
        person = persons.enroll(
            tckn=candidate.tckn,
            first_name=candidate.first_name,
            last_name=candidate.last_name,
            phone=candidate.phone,
            now=now,
            established=True,
        )
        _refuse(person, role, branch, now=now)
        try:
            with transaction.atomic():
                post = Post.objects.create(
                    person=person, role=role, branch=branch, starts_at=now, granted_by=granted_by
                )
        except IntegrityError as error:
            raise PostTaken("a running post in this role") from error
        open_visits.end_all(person, reason="post_granted", now=now, actor=granted_by)
        facts = {"post": post.public_id, "role": role, "branch": branch.code if branch else ""}
        eventlog.append("post.granted", at=now, actor=granted_by, subject=f"person:{person.pk}", facts=facts)
        if not person.has_secrets:
            recovery.begin(person, now=now)
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
    branch = Branch.objects.get(code=facts["branch"]) if facts["branch"] else None
    candidate = Candidate(facts["tckn"], facts["first_name"], facts["last_name"], facts["phone"])
    begin(candidate, role=facts["role"], branch=branch, granted_by=f"person:{approval.asked_by_id}", now=now)


def _end(approval: Approval, now: datetime) -> None:
    facts, actor = facts_of(approval), f"person:{approval.asked_by_id}"
    post = Post.objects.select_related("person").get(public_id=facts["post"])
    if not Post.objects.filter(running(now), pk=post.pk).update(ends_at=now, ended_by=actor):
        raise NoSuchPost("has ended meanwhile")
    open_visits.end_all(post.person, reason="post_ended", now=now, actor=actor)
    told = {"post": post.public_id, "role": post.role}
    eventlog.append("post.ended", at=now, actor=actor, subject=f"person:{post.person_id}", facts=told)


def _refuse(person: Person | None, role: str, branch: Branch | None, *, now: datetime) -> None:
    is_clerk = role == Post.Role.CLERK
    if role not in Post.Role.values or is_clerk != (branch is not None):
        raise NoSuchPost("role and branch do not fit")
    if branch is not None and branch.closed_at is not None and branch.closed_at <= now:
        raise NoSuchPost("the branch has closed")
    lasting = Q(ends_at=None) | Q(ends_at__gt=now)
    if person is not None and Post.objects.filter(lasting, person=person, role=role).exists():
        raise PostTaken("a running post in this role")


def register() -> None:
    """The kinds of this file."""
    approvals.register(GRANT, title=gettext_noop("Görev verme"), execute=_grant, roles=_OFFICE)
    approvals.register(END, title=gettext_noop("Görevi sona erdirme"), execute=_end, roles=_OFFICE)
