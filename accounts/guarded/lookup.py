"""Finding somebody or an account at the desk: by the identity number on the document, or a legal person's KEP address.

Each look is counted (`desk.limits`) and written down with clerk and branch (V-049). What is found is a person or an
account and never content. A natural person's account is found by the number on his document only.
"""

from datetime import datetime

from django.db import transaction

from evidence import eventlog

from .. import persons
from ..desk import limits
from ..desk.limits import Counted
from ..identity import read_address, read_tckn
from ..models import AccountHolder, KepAccount, Person
from ..posts import Serving
from .errors import NobodyFound


def find(text: str, *, by: Serving, now: datetime) -> Person | KepAccount:
    """The person with this identity number, or the legal person's account with this address; `text` as typed.

    Refused: `TcknRefused`, `AddressRefused` by form, `NobodyFound`, `DeskBusy`.
    """
    wanted = text.strip()
    found = _account(wanted) if "@" in wanted else _person(wanted)
    _note(found, by, now=now)
    if found is None:
        raise NobodyFound("nobody by this number or address")
    return found


def find_account(text: str, *, by: Serving, now: datetime) -> KepAccount:
    """The account with this address, whoever holds it: for the back office, whose orders name addresses.

    Refused: `AddressRefused`, `NobodyFound`, `DeskBusy`.
    """
    address = str(read_address(text.strip()))
    found = KepAccount.objects.filter(address=address).select_related("holder").first()
    _note(found, by, now=now)
    if found is None:
        raise NobodyFound("no such account")
    return found


def _note(found: Person | KepAccount | None, by: Serving, *, now: datetime) -> None:
    limits.count(Counted.SEARCH, by, now=now)
    subject = _subject(found) if found else ""
    with transaction.atomic():
        facts: dict[str, str | int | None] = {"branch": by.branch_code, "found": int(found is not None)}
        eventlog.append("desk.looked_up", at=now, actor=by.actor, subject=subject, facts=facts)


def _person(text: str) -> Person | None:
    number = read_tckn(text)
    return Person.objects.filter(tckn_index=persons.tckn_index(number)).first()


def _account(text: str) -> KepAccount | None:
    address = str(read_address(text))
    rows = KepAccount.objects.exclude(holder__kind=AccountHolder.Kind.NATURAL).select_related("holder")
    return rows.filter(address=address).first()


def _subject(found: Person | KepAccount) -> str:
    return f"person:{found.pk}" if isinstance(found, Person) else f"account:{found.public_id}"
