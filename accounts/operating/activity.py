"""Who did what for an account: the page on which an account sees every act with the person who did it (K-133, V-044).

The acts of this floor are events whose subject is the account. What stands in rows of floors above is brought by the
floor itself: it registers a source here when it is ready, because nothing here may know it. A source says person,
moment and which act, never a subject line or text: who manages operators need not be allowed to read.

Named are persons who hold or held an office at the account, and its holder. Of anybody else (somebody invited who has
not accepted, a clerk) the page says what he was, and not who.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext

from evidence.models import Event

from ..access import CHOSEN
from ..models import KepAccount, Operator
from . import words

PAGE: Final = 50
A_MOMENT: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class Deed:
    """One act: when, by whom ("person:<uuid>", "system" or empty), its kind in `words.ACTS`, what was done to what."""

    at: datetime
    actor: str
    kind: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """A deed as it is shown. `detail` holds names of rights, or the number of a message."""

    at: datetime
    who: str
    did: str
    detail: str


Source = Callable[[KepAccount, datetime, int], Iterable[Deed]]
"""(account, before, limit) -> its newest deeds before that moment, at most `limit`."""

_sources: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Add the deeds of a floor above, once, when its app is ready."""
    _sources[name] = source


def lines(account: KepAccount, *, before: datetime, limit: int = PAGE) -> list[Line]:
    """The newest deeds before that moment: `limit`, and those that happened in the same instant as the last of them.

    A constant number of queries: two, and those of the sources.
    """
    found = list(_events(account, before, limit + 1))
    for source in _sources.values():
        found.extend(source(account, before, limit + 1))
    found.sort(key=lambda each: each.at, reverse=True)
    if len(found) > limit:  # the next page begins before the last one's moment
        found = [each for each in found if each.at >= found[limit - 1].at]
    names = _names(account)
    return [_line(each, names) for each in found]


def last_chosen(account: KepAccount, operator: Operator) -> datetime | None:
    """When this operator last began to act for the account. One query."""
    rows = Event.objects.filter(
        subject=f"account:{account.public_id}", kind=CHOSEN, actor=f"person:{operator.person_id}"
    )
    return rows.order_by("-at").values_list("at", flat=True).first()


def _events(account: KepAccount, before: datetime, limit: int) -> Iterable[Deed]:
    rows = Event.objects.filter(subject=f"account:{account.public_id}", at__lt=before, kind__in=words.ACTS)
    for row in rows.order_by("-at", "-pk")[:limit]:
        yield Deed(row.at, row.actor, row.kind, json.loads(bytes(row.body))["facts"])


def _names(account: KepAccount) -> dict[str, str]:
    """Everybody who may be named on this page, by reference. One query."""
    rows = Operator.objects.filter(account=account).select_related("person")
    names = {f"person:{each.person_id}": each.person.full_name for each in rows}
    if account.holder.person_id is not None:
        names[f"person:{account.holder.person_id}"] = account.holder.name
    return names


def _line(deed: Deed, names: Mapping[str, str]) -> Line:
    who = _who(deed, names)
    return Line(deed.at, who, str(words.ACTS[deed.kind]), _detail(deed.facts, names, who))


def _who(deed: Deed, names: Mapping[str, str]) -> str:
    if deed.facts.get("branch"):
        return gettext("%(branch)s şubesi görevlisi") % {"branch": deed.facts["branch"]}
    if deed.actor in names:
        return names[deed.actor]
    return gettext("Davet edilen kişi") if "invitation" in deed.facts else gettext("Hizmet sağlayıcı")


def _detail(facts: Mapping[str, object], names: Mapping[str, str], who: str) -> str:
    whom = names.get(str(facts.get("person") or ""), "")
    given, taken = (_switches(facts.get(key)) for key in ("given", "taken"))
    parts = (
        str(facts.get("message") or ""),
        whom if whom != who else "",
        gettext("verilen: %(rights)s") % {"rights": given} if given else "",
        gettext("alınan: %(rights)s") % {"rights": taken} if taken else "",
    )
    return " · ".join(each for each in parts if each)


def _switches(named: object) -> str:
    return ", ".join(words.switch_names(frozenset(str(named or "").split())))
