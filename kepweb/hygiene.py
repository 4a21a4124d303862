"""What nobody needs any more is thrown away once an hour: ended visits, old throttle rows, drafts of dead writes.

Nothing here is evidence and nothing here is due: every removal is right at any time and may be done twice, by two
workers at once, or a day late (R-015). So it is a sweep like the others and remembers its hour in memory only.
"""

import logging
import time
from datetime import timedelta
from importlib import import_module
from itertools import chain
from pathlib import Path

from axes.models import AccessAttempt, AccessLog
from django.conf import settings

from accounts.hygiene import forget_old
from guards.clock import now as clock

log = logging.getLogger(__name__)

EVERY_SECONDS = 3600.0
THROTTLE_ROWS_KEPT = timedelta(days=30)
DEAD_WRITE = timedelta(hours=1)
"""A draft file of the vault older than this belongs to a process that died."""

_next_at = 0.0


def tidy() -> int:
    """Tidy up if the hour is over. Always 0: there is never more to do at once."""
    global _next_at
    if time.monotonic() < _next_at:
        return 0
    _next_at = time.monotonic() + EVERY_SECONDS
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    before = clock() - THROTTLE_ROWS_KEPT
    AccessAttempt.objects.filter(attempt_time__lt=before).delete()
    AccessLog.objects.filter(attempt_time__lt=before).delete()
    forget_old(now=clock())
    removed = remove_dead_writes(Path(settings.KEP_VAULT_DIR), older_than=time.time() - DEAD_WRITE.total_seconds())
    log.info("tidied: %d dead writes", removed)
    return 0


def remove_dead_writes(vault: Path, *, older_than: float) -> int:
    """Remove draft files (`.name`) below `vault` last touched before `older_than` (Unix time); how many."""
    removed = 0
    for draft in chain(vault.glob("??/??/.*"), vault.glob("packs/??/.*")):
        try:
            if draft.stat().st_mtime < older_than:
                draft.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # its writer, or another worker, was faster
    return removed
