"""The bells: one ringing function per queue, and the only place where a task is ever sent (R-010).

A bell says "look at your rows" and nothing else. It rings after the commit of the transaction that made work due,
so that the worker finds the rows. A bell that nobody hears is no loss: workers look by themselves every two
seconds. Therefore ringing never fails and hardly ever waits: a broker that is away is counted, and for some
seconds nobody tries again.

Bells that come thick are one bell: whoever hears one looks a second time after `KEP_GATHER_SECONDS` (kepweb/work_loop),
so within that time of a bell another one of the same process would say nothing new.
"""

import logging
import threading
import time
from collections import Counter
from functools import cache, partial

from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from kombu.pools import ProducerPool, producers

from .celery import QUEUES, app, wake_up

log = logging.getLogger(__name__)

QUIET_SECONDS = 5.0
"""How long nobody rings after the broker did not answer."""
PATIENCE = 0.25
"""Seconds a single bell may wait for the broker."""

_lock = threading.Lock()
_quiet_until = 0.0
_rung_at: dict[str, float] = {}
"""When this process rang last, by queue."""
unheard: Counter[str] = Counter()
"""Bells this process could not ring, by queue, since it started."""


def ring_deliver() -> None:
    """Wake the delivery workers once the running transaction has committed (at once outside of one)."""
    ring_after_commit("deliver")


def ring_seal() -> None:
    """Wake the sealing workers once the running transaction has committed (at once outside of one)."""
    ring_after_commit("seal")


def ring_after_commit(queue: str) -> None:
    """Wake the workers of `queue` once the running transaction has committed (at once outside of one)."""
    transaction.on_commit(partial(ring_now, queue))


def ring_now(queue: str) -> bool:
    """Ring the bell of `queue` now; whether the broker took it. Raises for a queue nobody works on, else never."""
    global _quiet_until
    if queue not in QUEUES:
        raise ValueError(f"no such queue: {queue}")
    now = time.monotonic()
    if now < _quiet_until:
        unheard[queue] += 1
        return False
    if now - _rung_at.get(queue, 0.0) < settings.KEP_GATHER_SECONDS:
        return True
    try:
        with _producers().acquire(block=True, timeout=PATIENCE) as producer:
            wake_up.apply_async(queue=queue, producer=producer, retry=False, expires=30)
    except OperationalError as error:
        with _lock:
            _quiet_until = time.monotonic() + QUIET_SECONDS
            unheard[queue] += 1
        log.warning("broker away (%s): workers will find their rows by themselves", type(error).__name__)
        return False
    _rung_at[queue] = now
    return True


def ring_others(queue: str) -> None:
    """Ring every bell but that of `queue`: what was done there may be due elsewhere."""
    for other in QUEUES:
        if other != queue:
            ring_now(other)


@cache
def _producers() -> ProducerPool:
    """Connections of our own: a bell must not wait as long for the broker as a worker may."""
    once = {"max_retries": 0, "socket_connect_timeout": PATIENCE, "socket_timeout": PATIENCE}
    return producers[app.connection_for_write(transport_options=once)]
