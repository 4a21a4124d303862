"""Opens what lies unread in the boxes, as soon as it lies there: `python -m benches.reader READY`.

Each item by `open_message` in a transaction of its own, as the page's POST does it; only the way through HTTP is left
out. Items are found by their keys, a little behind the newest, because on PostgreSQL commits may overtake one another.
"""

import sys
import time
from pathlib import Path

import django

OVERLAP = 500
PAUSE = 0.05


def main() -> None:
    """Read until the process is ended."""
    django.setup()
    from guards.clock import now as clock
    from mailbox.models import BoxItem
    from mailbox.reading import Reader, open_message

    from .writers import reader_of

    inbox = BoxItem.objects.filter(folder=BoxItem.Folder.INBOX)
    last = inbox.order_by("-pk").values_list("pk", flat=True).first() or 0
    readers: dict[int, Reader] = {}
    Path(sys.argv[1]).touch()
    while True:
        unread = (
            inbox.filter(pk__gt=last - OVERLAP, opened_at__isnull=True)
            .select_related("message", "message__submitted_by", "recipient", "account")
            .prefetch_related("message__recipients")
        )
        items = list(unread.order_by("pk")[:50])
        for item in items:
            now = clock()
            if item.account_id not in readers:
                readers[item.account_id] = reader_of(item.account, now=now)
            open_message(item, reader=readers[item.account_id], now=now)
            last = max(last, item.pk)
        if not items:
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
