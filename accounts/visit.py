"""The visit: what a finished sign-in left in the session, and until when it counts (V-031, design.md 1.9).

A visit ends after half an hour without a request of the person's own (a quarter for whoever serves the provider), and
after twelve hours in any case. Both are decided here on the server from two moments kept in the session; the later one
is written at most once a minute, so that reading mail does not write a session row per click.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.db import DatabaseError
from django.http import HttpRequest

from . import open_visits
from .errors import VisitEnded

log = logging.getLogger(__name__)

SIGN_IN_BY_SMS = "urn:kep:sign-in:two-secrets-and-sms"
"""How somebody proved who he is, as evidence states it: T.C. kimlik no, parola, şifre and SMS code."""

SIGN_IN_BY_E_IMZA = "urn:kep:sign-in:e-imza"
"""The same, by a request signed with the person's qualified certificate, whose revocation was asked about (V-018)."""

_KEY = "kep_visit"
_WRITE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Visit:
    """A verified visit: opened by all four factors at `opened_at` by `method`, last heard of at `seen_at`."""

    opened_at: datetime
    seen_at: datetime
    method: str
    posts: tuple[str, ...] = ()
    """Roles the person served in when the visit was opened; whoever is given a post signs in anew."""

    @property
    def idle(self) -> timedelta:
        """How long it may be idle (V-031)."""
        limit: timedelta = settings.KEP_VISIT_IDLE_STAFF if self.posts else settings.KEP_VISIT_IDLE
        return limit

    @property
    def ends_at(self) -> datetime:
        """The latest moment of this visit, however busy it is."""
        return self.opened_at + settings.KEP_VISIT_TOTAL

    def is_open(self, now: datetime) -> bool:
        """Whether the visit still counts at `now`: not idle for too long, not over its total time."""
        return now < self.ends_at and now < self.seen_at + self.idle


def begin(session: SessionBase, *, now: datetime, method: str = SIGN_IN_BY_SMS, posts: Collection[str] = ()) -> None:
    """Write the visit into the session of a person whose factors were all right just now; `posts` are his roles."""
    moments = {"opened_at": now.isoformat(), "seen_at": now.isoformat()}
    session[_KEY] = {**moments, "method": method, "posts": sorted(posts)}


def visit_of(request: HttpRequest) -> Visit:
    """The visit of this request; `VisitEnded` when the session holds none."""
    kept: dict[str, Any] | None = request.session.get(_KEY)
    if kept is None:
        raise VisitEnded("no visit in this session")
    opened_at, seen_at = (datetime.fromisoformat(kept[name]) for name in ("opened_at", "seen_at"))
    return Visit(opened_at, seen_at, kept["method"], tuple(kept.get("posts", ())))


def roles_in(request: HttpRequest) -> tuple[str, ...]:
    """The roles of whoever visits, as they were when he signed in; empty for anybody else. They open nothing."""
    try:
        return visit_of(request).posts
    except VisitEnded:
        return ()


def touch(session: SessionBase, *, now: datetime) -> None:
    """Note that the person was here, unless that was noted within the last minute.

    Where it cannot be written (a full disk) the page is shown all the same (R-005), and the visit ends by what was
    noted last. That is so as well when another request has ended the visit meanwhile: it is not written back.
    """
    kept = session[_KEY]
    if now - datetime.fromisoformat(kept["seen_at"]) >= _WRITE_EVERY:
        was_modified = session.modified
        session[_KEY] = {**kept, "seen_at": now.isoformat()}
        try:
            session.save()
            open_visits.note_seen(session, now=now)
        except (UpdateError, DatabaseError):
            log.warning("a visit could not be noted")
        session.modified = was_modified
