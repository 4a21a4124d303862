"""What is left of a closed account for its former holder: its proofs, for as long as they are kept (K-035).

A natural person is the former holder of her own account; for a legal person its main operators still speak, whose
offices closing leaves running. Nobody else: sub-operators lost their rights with the account. Nothing can be done for
the account here, and nothing unread can be opened. Whoever names an account that is not so his hears what he hears
for one that does not exist (V-042).
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from guards.ids import could_be_public_id

from .errors import AccessRefused
from .models import KepAccount, Operator, Person
from .operators import running


@dataclass(frozen=True)
class Former:
    """A person looking back at a closed account."""

    person: Person
    account: KepAccount


def closed_accounts_of(person: Person, *, now: datetime) -> "QuerySet[KepAccount]":
    """The closed accounts whose proofs this person may have, the last closed first."""
    mains = Operator.objects.filter(running(now), person=person, is_main=True).values("account")
    theirs = Q(holder__person=person) | Q(holder__person=None, pk__in=mains)
    closed = KepAccount.objects.filter(theirs, state=KepAccount.State.CLOSED)
    return closed.select_related("holder").order_by("-closed_at", "address")


def former_of(person: object, public_id: str, *, now: datetime) -> Former:
    """The person looking back at the closed account with this public id; `AccessRefused` for every reason alike."""
    if not isinstance(person, Person) or not could_be_public_id(public_id):
        raise AccessRefused("no such closed account for this person")
    account = closed_accounts_of(person, now=now).filter(public_id=public_id).first()
    if account is None:
        raise AccessRefused("no such closed account for this person")
    return Former(person, account)
