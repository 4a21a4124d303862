"""What nobody needs any more is thrown away once an hour: ended visits, old throttle rows, drafts of dead writes.

Nothing here is evidence: every removal is right at any time, and may be done again or a day late. It is a sweep like
the others, and whose hour it is says `evidence.periodic` (R-015): one worker tidies, the others do their work.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib import import_module
from itertools import chain
from pathlib import Path

from axes.models import AccessAttempt, AccessLog
from django.conf import settings

from accounts.applying.submitting import withdraw_forgotten
from accounts.hygiene import forget_old
from evidence import periodic
from evidence.models import PeriodicRun
from guards.clock import now as clock

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
THROTTLE_ROWS_KEPT = timedelta(days=30)
RUNS_KEPT = timedelta(days=30)
DEAD_WRITE = timedelta(hours=1)
"""A draft file of the vault older than this belongs to a process that died."""


def tidy(now: datetime | None = None) -> int:
    """Tidy up if nobody has in this hour. Always 0: there is never more to do at once."""
    periodic.run_due("tidy", _tidy, every=EVERY, now=now or clock())
    return 0


def _tidy(hours: Sequence[datetime]) -> None:
    """Once for all hours that were missed: what is gone is gone."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    before = clock() - THROTTLE_ROWS_KEPT
    AccessAttempt.objects.filter(attempt_time__lt=before).delete()
    AccessLog.objects.filter(attempt_time__lt=before).delete()
    forget_old(now=clock())
    withdraw_forgotten(now=clock())
    PeriodicRun.objects.filter(finished_at__lt=clock() - RUNS_KEPT).delete()
    removed = remove_dead_writes(Path(settings.KEP_VAULT_DIR), older_than=time.time() - DEAD_WRITE.total_seconds())
    log.info("tidied: %d dead writes, %d hours", removed, len(hours))


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
