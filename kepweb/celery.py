"""Celery carries bells, nothing more (design.md 1.6).

Two queues, `deliver` and `seal`; one task, which sets an event and carries no fact. A worker runs with `-P solo` and
gets one thread from the bootstep below, in which the `WorkLoop` of its queue does all the work. In this shape, and in
none of the prefork ones, work goes on without a broker, no fork copies a database or key handle, and two threads
never touch the işlem key. More cores means more worker processes.

The queue a worker serves is its role, `KEP_PROCESS_ROLE`, because the role also decides who may open the key.
"""

import logging
import os
import threading
from typing import Any

from celery import Celery, bootsteps, signals
from django.conf import settings
from kombu import Queue

from guards.sign_of_life import heard

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kepweb.settings.embedded")

log = logging.getLogger(__name__)

QUEUES = ("deliver", "seal")
STOP_SECONDS = 25.0
"""How long a stopping worker waits for the batch in hand (R-017)."""

app = Celery("kep")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = tuple(Queue(name) for name in QUEUES)
app.conf.task_default_queue = "deliver"
app.conf.task_create_missing_queues = False

WAKE = threading.Event()


@app.task(name="kep.wake_up")
def wake_up() -> None:
    """Somebody rang: let the loop of this process look at its rows now."""
    WAKE.set()


class LoopStep(bootsteps.StartStopStep):  # type: ignore[misc]  # celery is untyped
    """Starts the work loop with the worker and ends it before the worker goes."""

    requires = {"celery.worker.components:Pool"}

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, parent: Any) -> None:
        from . import bell, long_life
        from .work_loop import WorkLoop, sweeps_of

        queue = settings.KEP_PROCESS_ROLE
        loop = WorkLoop(
            sweeps_of(queue),
            wake=WAKE,
            ending=self._ending,
            poll_seconds=settings.KEP_POLL_SECONDS,
            gather_seconds=settings.KEP_GATHER_SECONDS,
            after_work=lambda: bell.ring_others(queue),
            heard=heard,
        )
        long_life.settle()
        self._thread = threading.Thread(target=loop.run, name=f"work-loop-{queue}", daemon=True)
        self._thread.start()

    def stop(self, parent: Any) -> None:
        self._ending.set()
        WAKE.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
            if self._thread.is_alive():
                log.warning("the batch in hand did not end in time; its claims will run out")

    terminate = stop


app.steps["worker"].add(LoopStep)


@signals.setup_logging.connect
def _keep_logging(**_: object) -> None:
    """Celery leaves logging alone: Django's settings have set it up, with its masks (V-025)."""
