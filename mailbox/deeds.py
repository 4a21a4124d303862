"""What persons did with an account's mail, for the account's own page *Kim ne yaptı* (K-133): sent, opened; no subject.

`accounts.operating.activity` asks; it knows nothing of messages, so this floor registers here what it has in rows.
"""

from collections.abc import Iterator
from datetime import datetime

from accounts.models import KepAccount
from accounts.operating import activity
from accounts.operating.activity import Deed

from .models import BoxItem, Message


def register() -> None:
    """Bring this floor's deeds to the page."""
    activity.register("mailbox", deeds_of)


def deeds_of(account: KepAccount, before: datetime, limit: int) -> Iterator[Deed]:
    """The newest `limit` submissions and as many openings before that moment. Two queries."""
    sent = Message.objects.filter(account=account, submitted_at__lt=before).order_by("-submitted_at")
    for at, person, kep_id in sent.values_list("submitted_at", "submitted_by", "kep_id")[:limit]:
        yield Deed(at, f"person:{person}", "message.submitted", {"message": kep_id})
    opened = BoxItem.objects.filter(account=account, opened_at__lt=before, opened_by__isnull=False)
    for at, person, kep_id in opened.order_by("-opened_at").values_list("opened_at", "opened_by", "message__kep_id")[
        :limit
    ]:
        yield Deed(at, f"person:{person}", "message.opened", {"message": kep_id})
