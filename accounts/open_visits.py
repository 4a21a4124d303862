"""The open visits of a person: whose session is whose, so that a visit can be ended from outside (V-032..V-035).

A visit is Django's session row; the row here says whose it is and on which browser. Ending deletes the session: the
next request of that browser, whenever it comes, is nobody's. A request that is being answered at this moment cannot
write its session back, because a session that is gone is not made anew.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from evidence import eventlog
from evidence.eventlog import Happening
from guards.client_address import client_address

from .errors import VisitEnded
from .models import OpenVisit, Person

MOST_AT_ONCE: Final = 5
"""Visits of one person at the same time; a sixth ends the one that was heard of longest ago (V-035)."""


def begin(request: HttpRequest, person: Person, *, method: str, now: datetime, device_index: str = "") -> OpenVisit:
    """Write down the visit that was opened in this request's session just now; ends the oldest beyond five.

    Call it once the session has its final key, inside the transaction of the sign-in.
    """
    session = request.session
    if session.session_key is None:
        raise ValueError("the session has no key yet")
    with transaction.atomic():
        Person.objects.select_for_update().only("pk").get(pk=person.pk)  # two sign-ins at once are counted one by one
        others = list(open_of(person, now=now))
        for surplus in others[MOST_AT_ONCE - 1 :]:
            end(surplus, reason="most_at_once", now=now, actor="system")
        row = OpenVisit.objects.create(
            person=person,
            session_key=session.session_key,
            method=method,
            browser=browser_words(request.headers.get("User-Agent", "")),
            from_address=_where(request),
            device_index=device_index,
            opened_at=now,
            seen_at=now,
        )
    return row


def open_of(person: Person, *, now: datetime) -> "QuerySet[OpenVisit]":
    """The visits of this person that still count at `now`, last heard of first."""
    alive = OpenVisit.objects.filter(person=person, ended_at=None, opened_at__gt=now - settings.KEP_VISIT_TOTAL)
    return alive.filter(seen_at__gt=now - settings.KEP_VISIT_IDLE).order_by("-seen_at", "-pk")


def end(visit: OpenVisit, *, reason: str, now: datetime, actor: str = "") -> bool:
    """End this visit: its session is gone when the transaction commits. False when it had ended before."""
    return bool(_end([visit], reason=reason, now=now, actor=actor or f"person:{visit.person_id}"))


def end_all(person: Person, *, reason: str, now: datetime, besides_session: str = "", actor: str = "") -> int:
    """End every visit of the person, but for the one in the session with this key; how many were open (V-032)."""
    rows = OpenVisit.objects.filter(person=person, ended_at=None).exclude(session_key=besides_session)
    return _end(list(rows), reason=reason, now=now, actor=actor or f"person:{person.pk}")


def note_end(session: SessionBase, *, reason: str, now: datetime) -> None:
    """The visit in this session ends by itself (signed out, over): the row says so; the session is the caller's."""
    if session.session_key:
        OpenVisit.objects.filter(session_key=session.session_key, ended_at=None).update(ended_at=now, end_reason=reason)


def note_seen(session: SessionBase, *, now: datetime) -> None:
    """The person was here."""
    OpenVisit.objects.filter(session_key=session.session_key, ended_at=None).update(seen_at=now)


def renew_key(session: SessionBase) -> None:
    """Give the visit a new session key, as at each rise of rights (V-030), and keep its row with it.

    `VisitEnded` when somebody has ended it meanwhile: a visit that was ended must not go on under another key.
    """
    old = session.session_key
    session.cycle_key()
    rows = OpenVisit.objects.filter(session_key=old, ended_at=None)
    if not rows.update(session_key=session.session_key):
        session.flush()
        raise VisitEnded("ended while its key was renewed")


def note_key(old: str, new: str) -> None:
    """The visit goes on under another session key, because its person has changed a secret in it (V-030)."""
    OpenVisit.objects.filter(session_key=old, ended_at=None).update(session_key=new)


def current_of(request: HttpRequest) -> OpenVisit | None:
    """The row of this request's own visit."""
    key = request.session.session_key
    return OpenVisit.objects.filter(session_key=key, ended_at=None).first() if key else None


def browser_words(user_agent: str) -> str:
    """Family and system of a browser, as its person would name them: `Firefox, Linux`. Never the whole header."""
    family = next((name for mark, name in _FAMILIES if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if re.search(mark, user_agent)), "")
    return ", ".join(each for each in (family, system) if each)


_FAMILIES: Final = (  # the order matters: each names those before it as well
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    (r"iPhone", "iPhone"),
    (r"iPad", "iPad"),
    (r"Android", "Android"),
    (r"Windows", "Windows"),
    (r"Macintosh|Mac OS X", "macOS"),
    (r"CrOS", "ChromeOS"),
    (r"Linux|X11", "Linux"),
)


def _end(visits: Iterable[OpenVisit], *, reason: str, now: datetime, actor: str) -> int:
    happened = []
    with transaction.atomic():
        for each in visits:
            if OpenVisit.objects.filter(pk=each.pk, ended_at=None).update(ended_at=now, end_reason=reason):
                _sessions(each.session_key).delete()
                facts = {"visit": each.public_id, "reason": reason}
                happened.append(Happening("visit.ended", now, actor, f"person:{each.person_id}", facts))
        eventlog.append_all(happened)
    return len(happened)


def _sessions(session_key: str) -> SessionBase:
    made: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return made


def _where(request: HttpRequest) -> str:
    return client_address(
        request.META.get("REMOTE_ADDR", ""),
        request.headers.get("X-Forwarded-For", ""),
        is_behind_proxy=bool(settings.SECURE_PROXY_SSL_HEADER),
    )
