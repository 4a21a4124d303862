"""What lies in a box: lists of fifty, newest first, each page a constant number of queries (design.md 5).

Pages go by key, not by offset: the cursor is the place where the last page ended, so that page 2,000 costs what
page 1 costs and a message that arrives meanwhile shifts nothing. Rows are read without what a list does not show:
a signature or a text is not decrypted for it. Counting stops at a limit, because the exact number of a box of a
hundred thousand helps nobody and costs more than its page; what is counted is counted in an index.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format

from accounts.models import KepAccount
from signing.models import SigningOperation

from .compose import PURPOSE
from .models import BoxItem, Draft, Message, Recipient
from .state_names import MessageState

PAGE = 50
MOST_COUNTED, MOST_UNREAD_COUNTED = 10_000, 1_000
_KEY = re.compile(r"[0-9]{1,40}")
_RECIPIENT_SHOWN = ("message_id", "recipient_no", "name", "address", "state")
_ITEM_SHOWN = ("public_id", "placed_at", "opened_at")
_MESSAGE_SHOWN = tuple(
    f"message__{name}"
    for name in (
        "sender_name", "sender_address", "subject", "attachment_count", "kind", "state", "submitted_at", "released_at",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Cursor:
    """A place in a list: between the item at (`at`, `key`) and its neighbour; `backwards` looks to newer ones."""

    at: datetime
    key: int
    backwards: bool = False

    def written(self) -> str:
        """The cursor as it stands in an address."""
        sign = "g" if self.backwards else "i"
        return base64.urlsafe_b64encode(f"{sign}{self.at.isoformat()}|{self.key}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> Cursor | None:
    """The cursor an address carries, or None for anything that is not one: a list then begins at its top."""
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    moment, _, key = plain[1:].partition("|")
    try:
        at = parse_datetime(moment)
    except ValueError:
        return None
    if at is None or at.tzinfo is None or plain[0] not in "gi" or not _KEY.fullmatch(key):
        return None
    try:
        return Cursor(at.astimezone(UTC), int(key), backwards=plain[0] == "g")
    except OverflowError:  # a moment that no calendar holds in UTC
        return None


@dataclass(frozen=True)
class ItemPage:
    """One page of a folder, newest first, with the cursors of its neighbours."""

    items: Sequence[BoxItem]
    newer: Cursor | None
    older: Cursor | None


def inbox(account: KepAccount, cursor: Cursor | None = None) -> ItemPage:
    """Received items with message and own recipient row: two queries whatever the size of the box."""
    rows = (
        BoxItem.objects.filter(account=account, folder=BoxItem.Folder.INBOX)
        .select_related("message", "recipient")
        .only(*_ITEM_SHOWN, *_MESSAGE_SHOWN, "recipient__state", "recipient__term_ends_at")
    )
    return _page(rows, cursor)


def sent(account: KepAccount, cursor: Cursor | None = None) -> ItemPage:
    """Sent items with message and recipients; what came back to the draft without a proof is not among them."""
    rows = (
        BoxItem.objects.filter(account=account, folder=BoxItem.Folder.SENT)
        .exclude(message__state=MessageState.RETURNED)
        .select_related("message__draft")
        .only(*_ITEM_SHOWN, *_MESSAGE_SHOWN, "message__draft__to_lines", "message__draft__cc_lines")
        .prefetch_related(Prefetch("message__recipients", Recipient.objects.only(*_RECIPIENT_SHOWN)))
    )
    return _page(rows, cursor)


def drafts(account: KepAccount) -> Sequence[Draft]:
    """Open drafts, last written first."""
    return (
        Draft.objects.filter(account=account, submitted_at__isnull=True)
        .prefetch_related("attachments")
        .order_by("-updated_at")[:200]
    )


@dataclass(frozen=True)
class Awaiting:
    """A draft whose signature is asked, or given and not used yet."""

    draft: Draft
    operation: SigningOperation


def awaiting(account: KepAccount, *, now: datetime) -> Sequence[Awaiting]:
    """Drafts with a running signing operation, the one that ends first on top."""
    rows = {each.public_id: each for each in _awaiting(account, now=now).prefetch_related("attachments")}
    running = SigningOperation.objects.filter(_running(now), purpose=PURPOSE, reference__in=list(rows))
    return [Awaiting(rows[each.reference], each) for each in running.order_by("expires_at")]


@dataclass(frozen=True)
class Tally:
    """How many rows there are, or that there are more than `number`; false when there are none."""

    number: int
    are_more: bool = False

    def __str__(self) -> str:
        written = number_format(self.number, force_grouping=True)  # 10.000 in Turkish, 10,000 in English
        return f"{written}+" if self.are_more else written

    def __bool__(self) -> bool:
        return self.number > 0


@dataclass(frozen=True)
class Counts:
    """The numbers beside the folders."""

    inbox_unread: Tally
    awaiting: int


def counts(account: KepAccount, *, now: datetime) -> Counts:
    """Unread and awaiting: two queries over partial indexes."""
    return Counts(inbox_unread=unread(account), awaiting=_awaiting(account, now=now).count())


def unread(account: KepAccount) -> Tally:
    """How many received items nobody has opened."""
    # by the columns of the partial index, word for word: only inbox items have a recipient
    rows = BoxItem.objects.filter(account=account, recipient__isnull=False, opened_at__isnull=True)
    return _tally(rows, MOST_UNREAD_COUNTED)


def total(account: KepAccount, folder: BoxItem.Folder) -> Tally:
    """How many items a folder holds; what came back to the draft without a proof lies in none."""
    held = _tally(BoxItem.objects.filter(account=account, folder=folder), MOST_COUNTED)
    if folder != BoxItem.Folder.SENT or held.are_more:
        return held
    went_nowhere = Message.objects.filter(account=account, released_at__isnull=True, due_at__isnull=True)
    return Tally(held.number - went_nowhere.filter(state=MessageState.RETURNED).count())


def _tally(rows: QuerySet[Any], most: int) -> Tally:
    found = rows.values("pk")[: most + 1].count()
    return Tally(min(found, most), found > most)


def _awaiting(account: KepAccount, *, now: datetime) -> QuerySet[Draft]:
    """From the account's few open drafts to their operations: the other way round everybody's would be looked at."""
    running = SigningOperation.objects.filter(_running(now), purpose=PURPOSE, reference=OuterRef("public_id"))
    return Draft.objects.filter(Exists(running), account=account, submitted_at__isnull=True)


def message_of_draft(draft: Draft) -> Message | None:
    """The message that stands for this draft, the latest when it was sent more than once."""
    return draft.messages.order_by("-pk").first()


def _running(now: datetime) -> Q:
    return Q(state__in=SigningOperation.OPEN_STATES, expires_at__gt=now) | Q(state=SigningOperation.State.SIGNED)


def _page(rows, cursor: Cursor | None) -> ItemPage:  # type: ignore[no-untyped-def]
    if cursor is None:
        items = list(rows.order_by("-placed_at", "-pk")[: PAGE + 1])
        return _cut(items, newer=False, older=len(items) > PAGE)
    if cursor.backwards:
        after = Q(placed_at__gt=cursor.at) | Q(placed_at=cursor.at, pk__gt=cursor.key)
        items = list(rows.filter(after).order_by("placed_at", "pk")[: PAGE + 1])
        more = len(items) > PAGE
        return _cut(items[:PAGE][::-1], newer=more, older=True)
    before = Q(placed_at__lt=cursor.at) | Q(placed_at=cursor.at, pk__lt=cursor.key)
    items = list(rows.filter(before).order_by("-placed_at", "-pk")[: PAGE + 1])
    return _cut(items, newer=True, older=len(items) > PAGE)


def _cut(items: list[BoxItem], *, newer: bool, older: bool) -> ItemPage:
    kept = items[:PAGE]
    if not kept:
        return ItemPage((), None, None)
    first, last = kept[0], kept[-1]
    return ItemPage(
        kept,
        Cursor(first.placed_at, first.pk, backwards=True) if newer else None,
        Cursor(last.placed_at, last.pk) if older else None,
    )
