"""Looks at the rows of a running provider from outside: when each proof came to be, and how old the oldest work is.

A row's own times are the moments at which a worker's turn began, not the moments at which its commit made the row
true. So this looks: every tenth of a second it asks which sealed proofs are there that were not there before, and
notes the moment. What it says is an upper bound, late by one tenth of a second and the time of its own query at most.
It only reads, on connections of its own.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from campaigns import unfinished
from django.db import close_old_connections, connection

from evidence.models import SealedEvidence

EVERY, SAMPLE_EVERY = 0.1, 2.0
OVERLAP = {"sqlite": 0, "postgresql": 500}
"""Rows looked at again: two writers of PostgreSQL may commit in another order than they drew their numbers."""


class Watch:
    """`sealed`: (KEP id, recipient, code) and when it was first seen; `samples`: moment and age of the oldest work."""

    def __init__(self) -> None:
        self.sealed: dict[tuple[str, int, int], float] = {}
        self.samples: list[tuple[float, float]] = []
        self._last, self._ending = 0, threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(look, every), daemon=True)
            for look, every in ((self._look, EVERY), (self._sample, SAMPLE_EVERY))
        ]

    def start(self) -> None:
        """Look from now on."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """One last look, then none."""
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self._look()

    def _repeat(self, look: Callable[[], None], every: float) -> None:
        while not self._ending.wait(every):
            look()
            close_old_connections()
        connection.close()

    def _look(self) -> None:
        rows = SealedEvidence.objects.filter(pk__gt=self._last - OVERLAP[connection.vendor]).order_by("pk")
        found = list(rows.values_list("pk", "intent__kep_id", "intent__recipient_no", "intent__code"))
        now = time.time()
        for key, kep_id, number, code in found:
            self.sealed.setdefault((kep_id, number, code), now)
            self._last = max(self._last, key)

    def _sample(self) -> None:
        self.samples.append((time.time(), unfinished.oldest(datetime.now(UTC))))
