"""Lists: inbox, sent, drafts, awaiting signature."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.access import acting_of
from guards.clock import now as clock
from mailbox import folders
from mailbox.compose import lines
from mailbox.errors import MayNotRead, MayNotSend
from mailbox.models import BoxItem, Draft
from signing.models import SigningOperation

from .shown import KIND_LABELS, Addressee, Remaining, Trail, remaining_of, trail_of, trail_of_all

_ANY_ID = "ANY-ID"


@dataclass(frozen=True)
class MessageRow:
    """One line of the inbox or of the sent items; `more` counts recipients after the first one."""

    name: str
    address: str
    subject: str
    attachment_count: int
    kind_label: str
    trail: Trail
    at: datetime
    url: str
    more: int = 0
    is_strong_kind: bool = False
    is_unread: bool = False
    remaining: Remaining | None = None
    flag: str = ""

    def __getitem__(self, name: str) -> object:
        """Templates ask by key before they ask by name, and fifty rows have seven hundred answers."""
        return getattr(self, name)


@dataclass(frozen=True)
class DraftRow:
    public_id: str
    recipient_name: str
    recipient_address: str
    more: int
    subject: str
    attachment_count: int
    at: datetime
    note: str
    url: str


@dataclass(frozen=True)
class AwaitingRow:
    public_id: str
    recipient_name: str
    recipient_address: str
    more: int
    subject: str
    attachment_count: int
    state_label: str
    expires_at: datetime | None
    at: datetime
    url: str


def inbox(request: HttpRequest) -> HttpResponse:
    """`/gelen/`: received items. Listing headers is not reading (K-121)."""
    acting, now = acting_of(request), clock()
    if not acting.rights.may_read:
        raise MayNotRead("no right to read")
    found = folders.inbox(acting.account, folders.read_cursor(request.GET.get("sayfa", "")))
    page = {
        "rows": [inbox_row(item, url, now=now) for item, url in _with_address(found)],
        "total": folders.total(acting.account, BoxItem.Folder.INBOX),
        **_neighbours(found, "mailbox:inbox"),
    }
    return render(request, "mailbox/inbox.html", {"page": page, "folder": "inbox", "now": now})


def sent(request: HttpRequest) -> HttpResponse:
    """`/giden/`: sent items; `yolda` until proof 40 exists (K-117)."""
    acting, now = acting_of(request), clock()
    if not acting.rights.may_read:
        raise MayNotRead("no right to read")
    found = folders.sent(acting.account, folders.read_cursor(request.GET.get("sayfa", "")))
    page = {
        "rows": [sent_row(item, url) for item, url in _with_address(found)],
        "total": folders.total(acting.account, BoxItem.Folder.SENT),
        **_neighbours(found, "mailbox:sent"),
    }
    return render(request, "mailbox/sent.html", {"page": page, "folder": "sent", "now": now})


def drafts(request: HttpRequest) -> HttpResponse:
    """`/taslaklar/`: what is being written for the account."""
    acting = acting_of(request)
    if not acting.rights.may_compose:
        raise MayNotSend("no right to compose")
    rows = [_draft_row(each) for each in folders.drafts(acting.account)]
    page = {"rows": rows, "total": len(rows)}
    return render(request, "mailbox/drafts.html", {"page": page, "folder": "drafts", "now": clock()})


def awaiting(request: HttpRequest) -> HttpResponse:
    """`/imza-bekleyenler/`: drafts whose signature is asked or not used yet."""
    acting, now = acting_of(request), clock()
    if not acting.rights.may_compose:
        raise MayNotSend("no right to compose")
    rows = [_awaiting_row(each) for each in folders.awaiting(acting.account, now=now)]
    page = {"rows": rows, "total": len(rows)}
    return render(request, "mailbox/awaiting.html", {"page": page, "folder": "awaiting", "now": now})


def _neighbours(found: folders.ItemPage, name: str) -> dict[str, str | None]:
    base = reverse(name)
    return {
        "previous_url": f"{base}?sayfa={found.newer.written()}" if found.newer else None,
        "next_url": f"{base}?sayfa={found.older.written()}" if found.older else None,
    }


def _with_address(found: folders.ItemPage) -> Iterator[tuple[BoxItem, str]]:
    """Each item with the address of its page, which is looked up once for all of them."""
    pattern = reverse("mailbox:message", args=[_ANY_ID])
    return ((item, pattern.replace(_ANY_ID, item.public_id)) for item in found.items)


def inbox_row(item: BoxItem, url: str, *, now: datetime) -> MessageRow:
    """A received item as its list shows it."""
    message = item.message
    return MessageRow(
        name=message.sender_name,
        address=message.sender_address,
        subject=message.subject,
        attachment_count=message.attachment_count,
        kind_label=KIND_LABELS.get(message.kind, message.kind),
        is_unread=item.opened_at is None,
        trail=trail_of(message, item.recipient),
        at=item.placed_at,
        remaining=remaining_of(item.recipient, now=now),
        url=url,
    )


def sent_row(item: BoxItem, url: str) -> MessageRow:
    """A sent item as its list shows it."""
    message = item.message
    recipients = list(message.recipients.all())
    if recipients:
        first, more = Addressee(recipients[0].name, recipients[0].address), len(recipients) - 1
    else:  # still in CHECKING, or refused: the rows do not exist, the draft knows
        address, more = _first_addressee(message.draft) if message.draft else ("", 0)
        first = Addressee("", address)
    return MessageRow(
        name=first.name,
        address=first.address,
        more=more,
        subject=message.subject,
        attachment_count=message.attachment_count,
        kind_label=KIND_LABELS.get(message.kind, message.kind),
        trail=trail_of_all(message, recipients),
        at=message.submitted_at,
        url=url,
    )


def _first_addressee(draft: Draft) -> tuple[str, int]:
    everybody = (*lines(draft.to_lines), *lines(draft.cc_lines))
    return (everybody[0], len(everybody) - 1) if everybody else ("", 0)


def _draft_row(draft: Draft) -> DraftRow:
    address, more = _first_addressee(draft)
    return DraftRow(
        public_id=draft.public_id,
        recipient_name="",
        recipient_address=address,
        more=more,
        subject=draft.subject,
        attachment_count=len(draft.attachments.all()),
        at=draft.updated_at,
        note=_("Gönderilemedi, taslağa döndü") if draft.returned_code else "",
        url=reverse("mailbox:compose", args=[draft.public_id]),
    )


def _awaiting_row(awaiting_one: folders.Awaiting) -> AwaitingRow:
    draft, operation = awaiting_one.draft, awaiting_one.operation
    address, more = _first_addressee(draft)
    is_signed = operation.state == SigningOperation.State.SIGNED
    return AwaitingRow(
        public_id=draft.public_id,
        recipient_name="",
        recipient_address=address,
        more=more,
        subject=draft.subject,
        attachment_count=len(draft.attachments.all()),
        state_label=_("İmzalandı, doğrulanıyor") if is_signed else _("İmza bekleniyor"),
        expires_at=None if is_signed else operation.expires_at,
        at=operation.asked_at,
        url=reverse("mailbox:sign", args=[draft.public_id]),
    )
