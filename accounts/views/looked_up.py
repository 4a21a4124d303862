"""Whom this visit has looked up: pages about somebody open only after his document was typed, for half an hour.

Kept in the session, so that an address copied from another clerk's screen shows nothing, and a page that stands open
in a second window still means the person whose name stands in its address (V-042, V-049).
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.http import HttpRequest

from ..guarded.errors import NotLookedUp
from ..models import AccountHolder, KepAccount, Operator, Person
from ..operators import running

LASTS: Final = timedelta(minutes=30)
MOST: Final = 40
_KEY: Final = "kep_desk_looked_up"


def remember(request: HttpRequest, found: Person | KepAccount, *, now: datetime) -> None:
    """Open the pages of what was found; a person's accounts, and those he may act for, come with him."""
    names = [name_of(found)]
    if isinstance(found, Person):
        names += [name_of(each) for each in accounts_of(found, now=now)]
    kept = {**_kept(request, now=now), **dict.fromkeys(names, now.isoformat())}
    request.session[_KEY] = dict(list(kept.items())[-MOST:])


def person(request: HttpRequest, key: UUID, *, now: datetime) -> Person:
    """The person of this page; `NotLookedUp` for an unknown one alike."""
    found = Person.objects.filter(pk=key).first()
    if found is None or name_of(found) not in _kept(request, now=now):
        raise NotLookedUp("not looked up in this visit")
    return found


def account(request: HttpRequest, public_id: str, *, now: datetime) -> KepAccount:
    """The account of this page; `NotLookedUp` for an unknown one alike."""
    if f"account:{public_id}" not in _kept(request, now=now):
        raise NotLookedUp("not looked up in this visit")
    found = KepAccount.objects.filter(public_id=public_id).select_related("holder__person").first()
    if found is None:
        raise NotLookedUp("no such account")
    return found


def accounts_of(found: Person, *, now: datetime) -> list[KepAccount]:
    """The person's own accounts in any state, and those he is an operator of. Two queries."""
    own = KepAccount.objects.filter(holder__person=found).select_related("holder").order_by("address")
    offices = Operator.objects.filter(running(now), person=found).select_related("account__holder")
    others = [each.account for each in offices.order_by("account__address")]
    return [*own, *(each for each in others if each.holder.kind != AccountHolder.Kind.NATURAL)]


def name_of(found: Person | KepAccount) -> str:
    """How the visit remembers it."""
    return f"person:{found.pk}" if isinstance(found, Person) else f"account:{found.public_id}"


def _kept(request: HttpRequest, *, now: datetime) -> dict[str, str]:
    kept: dict[str, str] = request.session.get(_KEY, {})
    return {name: at for name, at in kept.items() if now < datetime.fromisoformat(at) + LASTS}
