"""The corporate application: a legal person applies for its own people by a list (K-013, K-043).

A main operator who may manage operators uploads the list, sees it as it was understood, and sends it. Uploading makes
drafts, all or none; sending moves all of them, or none. Every address lies in the entity's own domain (K-043); where
the list names none, the plainest free one is taken, and no two people of a list get the same. Nobody's account is
opened by this: each of them is seen at the branch with an identity document (K-025), and activates by himself.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_noop

from evidence import eventlog
from guards.errors import KepError
from guards.ids import could_be_public_id, public_id

from .. import allotment, persons
from ..access import Acting
from ..identity import read_address, read_mobile, read_name, read_tckn
from ..identity_errors import AddressNotAllowed, AddressTaken, Why
from ..models import AccountHolder, Application, Branch, KepAccount
from . import draft, sheet, states
from .errors import BulkNotAllowed, NoBranch, NoSuchBatch, RowsRefused, SheetRefused
from .mail_address import read_mail
from .sheet import Finding, Row, SheetFault
from .states import Event, State

TWICE: Final = gettext_noop("Bu T.C. kimlik no listede birden çok kez var.")
ADDRESS_TWICE: Final = gettext_noop("Bu adres listede birden çok kez var.")
NO_ADDRESS: Final = gettext_noop("Bu ad için boş adres bulunamadı. Adres sütununa istediğiniz adresi yazın.")
WRONG_DAY: Final = gettext_noop("Tarihi gün.ay.yıl biçiminde yazın, örneğin 05.03.1984.")
APPLIED: Final = gettext_noop("Bu kişi için süren bir başvurunuz var.")

_OPEN: Final = (State.DOCUMENTS_AWAITED, State.UNDER_REVIEW, State.APPROVED)


@dataclass(frozen=True)
class Batch:
    """One list of one account."""

    public_id: str
    sponsor: KepAccount
    members: tuple[Application, ...]

    @property
    def is_draft(self) -> bool:
        """Whether it was not sent yet."""
        return any(member.state == State.DRAFT for member in self.members)


def require_right(acting: Acting) -> None:
    """`BulkNotAllowed` unless a main operator with the right to manage operators acts for a legal person."""
    operator = acting.operator
    is_legal = acting.account.holder.kind != AccountHolder.Kind.NATURAL
    if operator is None or not (is_legal and operator.is_main and acting.rights.may_manage_operators):
        raise BulkNotAllowed("no main operator of a legal person")


def upload(acting: Acting, raw: bytes, *, branch_code: str, mode: KepAccount.Mode, now: datetime) -> Batch:
    """Read the list and keep its people as drafts, all of them or none.

    Refused: `BulkNotAllowed`, `NoBranch`, `SheetRefused` for what is no list, `RowsRefused` with every finding.
    """
    require_right(acting)
    branch = draft.open_branches(now=now).get(branch_code)
    if branch is None:
        raise NoBranch("no such open branch")
    try:
        read = sheet.read(raw)
    except SheetFault as fault:
        raise SheetRefused("not a list", why=fault.why) from fault
    findings = list(read.findings)
    broken = {finding.line for finding in findings}
    batch = public_id()
    members: list[tuple[Row, Application]] = []
    for row in read.rows:
        if row.line not in broken:
            member = Application(
                number=draft.new_number(now),
                kind=Application.Kind.MEMBER,
                batch=batch,
                sponsor=acting.account,
                branch=branch,
                mode=mode,
            )
            findings.extend(_fill(member, row))
            members.append((row, member))
    findings.extend(_doubles(members))
    findings.extend(_already_applied(members, acting.account))
    if not findings:
        findings.extend(_give_addresses(members))
    if findings:
        shown = tuple(sorted(findings, key=lambda each: each.line))
        raise RowsRefused("findings", findings=shown[: sheet.MOST_FINDINGS], count=len(shown))
    kept = tuple(member for _, member in members)
    actor = f"person:{acting.person.pk}"
    with transaction.atomic():
        states.begin_all(kept, now=now, actor=actor)
        _tell("application.list_kept", acting, batch, branch, len(kept), now=now)
    return Batch(batch, acting.account, kept)


def find(acting: Acting, batch: str) -> Batch:
    """A list of the acting account; `NoSuchBatch` for every other alike (V-042). One query."""
    require_right(acting)
    rows = Application.objects.filter(batch=batch, sponsor=acting.account).exclude(state=State.WITHDRAWN)
    members = tuple(rows.select_related("branch").order_by("pk")) if batch and could_be_public_id(batch) else ()
    if not members:
        raise NoSuchBatch("no such list of this account")
    return Batch(batch, acting.account, members)


def send(acting: Acting, batch: str, *, now: datetime) -> Batch:
    """Send every draft of the list, or none: each then waits for its papers at the branch.

    Refused: `BulkNotAllowed`, `NoSuchBatch` when there is nothing to send, `StaleApplication` for the second of two.
    """
    found = find(acting, batch)
    if not all(member.state == State.DRAFT for member in found.members):
        raise NoSuchBatch("sent already")
    with transaction.atomic():
        states.advance_all(found.members, Event.SUBMITTED, now=now, actor=f"person:{acting.person.pk}")
        _tell("application.list_sent", acting, batch, found.members[0].branch, len(found.members), now=now)
    return found


def discard(acting: Acting, batch: str, *, now: datetime) -> None:
    """Take a list back that was not sent. Refused like `send`."""
    found = find(acting, batch)
    if not all(member.state == State.DRAFT for member in found.members):
        raise NoSuchBatch("sent already")
    with transaction.atomic():
        states.advance_all(found.members, Event.WITHDRAWN, now=now, actor=f"person:{acting.person.pk}")
        _tell("application.list_withdrawn", acting, batch, found.members[0].branch, len(found.members), now=now)


def _fill(member: Application, row: Row) -> Iterator[Finding]:
    """Write the row into the application in canonical form; every refusal of a value is a finding."""
    readers = {
        "tckn": read_tckn,
        "ad": read_name,
        "soyad": read_name,
        "telefon": read_mobile,
        "eposta": read_mail,
        "dogum_tarihi": _read_day,
    }
    found: dict[str, str] = {}
    for column, reader in readers.items():
        try:
            found[column] = str(reader(row[column])) if row[column] else ""
        except KepError as refusal:
            yield Finding(row.line, column, refusal.for_person())
        except ValueError:
            yield Finding(row.line, column, WRONG_DAY)
    if len(found) < len(readers):
        return
    member.tckn, member.tckn_index = found["tckn"], persons.tckn_index(found["tckn"])
    member.first_name, member.last_name = found["ad"], found["soyad"]
    member.phone, member.email = found["telefon"], found["eposta"] or None
    member.birth_date = found["dogum_tarihi"] or None


def _read_day(text: str) -> date:
    """`05.03.1984` or `1984-03-05`. ValueError for anything else, and for a day that never was."""
    if not text.isascii():
        raise ValueError("not a date")
    day, _, rest = text.partition(".")
    month, _, year = rest.partition(".")
    read = parse_date(text if not rest else f"{year:0>4}-{month:0>2}-{day:0>2}")
    if read is None or not 1900 <= read.year <= 2100:
        raise ValueError("not a date")
    return read


def _doubles(members: Sequence[tuple[Row, Application]]) -> Iterator[Finding]:
    times = Counter(member.tckn_index for _, member in members if member.tckn_index)
    for row, member in members:
        if times[member.tckn_index] > 1:
            yield Finding(row.line, "tckn", TWICE)


def _already_applied(members: Sequence[tuple[Row, Application]], sponsor: KepAccount) -> Iterator[Finding]:
    """People for whom this sponsor has an application that is not decided yet. One query."""
    rows = Application.objects.filter(sponsor=sponsor, state__in=_OPEN)
    known = set(rows.values_list("tckn_index", flat=True))
    for row, member in members:
        if member.tckn_index in known:
            yield Finding(row.line, "tckn", APPLIED)


def _give_addresses(members: Sequence[tuple[Row, Application]]) -> Iterator[Finding]:
    """The address of each: what the list names first, then the plainest free one that nobody else of the list has."""
    used: set[str] = set()
    named = [(row, member) for row, member in members if row["adres"]]
    for row, member in named:
        try:
            address = read_address(row["adres"])
            if not address.entity:
                raise AddressNotAllowed("not in the entity's domain", why=Why.ENTITY_DOMAIN_NEEDED)
            allotment.refuse(member, address)
            if not allotment.is_free(str(address)):
                raise AddressTaken("address is or was somebody's")
        except KepError as refusal:
            yield Finding(row.line, "adres", refusal.for_person())
            continue
        if str(address) in used:
            yield Finding(row.line, "adres", ADDRESS_TWICE)
        used.add(str(address))
        member.wanted_address = str(address)
    for row, member in members:
        if not row["adres"]:
            proposed = allotment.proposals_for(member)
            free = next((each for each in proposed if each not in used and read_address(each).entity), "")
            if not free:
                yield Finding(row.line, "adres", NO_ADDRESS)
            used.add(free)
            member.wanted_address = free


def _tell(kind: str, acting: Acting, batch: str, branch: Branch | None, number: int, *, now: datetime) -> None:
    eventlog.append(
        kind,
        at=now,
        actor=f"person:{acting.person.pk}",
        subject=f"account:{acting.account.public_id}",
        facts={"list": batch, "people": number, "branch": branch.code if branch else ""},
    )
