"""Beat with a sign of life: a ringing clock that stands still is found and started again like any worker (R-014)."""

from typing import Any

from celery.beat import PersistentScheduler

from guards.sign_of_life import heard


class WatchedScheduler(PersistentScheduler):  # type: ignore[misc]  # celery is untyped
    """The usual schedule; it says at each turn that it turns, and while it waits for a broker that it waits."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        heard()
        return super().tick(*args, **kwargs)

    def _ensure_connected(self) -> Any:
        def still_trying(error: Exception, interval: float) -> None:
            heard()

        return self.connection.ensure_connection(still_trying, self.app.conf.broker_connection_max_retries)
