"""`manage.py kepmetrics`: the metrics listener, a process and a port of its own (design.md 6).

It answers `GET /metrics` in the text form of Prometheus and `GET /healthz`, on `KEP_METRICS_BIND`, which is loopback
unless the operator says otherwise. It is never part of the public listener. What it says is kept for two seconds, so
that whoever asks often costs no more; while the database does not answer it says 503.
"""

import http.server
import logging
import signal
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from guards.clock import now as clock
from kepweb import metrics

log = logging.getLogger(__name__)

KEPT_SECONDS = 2.0
PATIENCE = 5.0
"""Seconds a client may take for its request."""
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Command(BaseCommand):
    """The command; see the module."""

    help = "Ölçümleri Prometheus biçiminde, kendi kapısında sunar (KEP_METRICS_BIND)."

    def handle(self, *args: Any, **options: Any) -> None:
        host, _, port = settings.KEP_METRICS_BIND.rpartition(":")
        server = Listener((host.strip("[]"), int(port)), Answers)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        log.info("metrics on %s", settings.KEP_METRICS_BIND)
        server.serve_forever(poll_interval=0.5)
        server.server_close()


class Listener(http.server.ThreadingHTTPServer):
    """One page for all who ask."""

    daemon_threads = True

    def __init__(self, *args: Any) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[float, bytes] | None = None
        super().__init__(*args)

    def page(self) -> bytes:
        """The page, at most two seconds old."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] >= KEPT_SECONDS:
                try:
                    self._kept = (time.monotonic(), metrics.page(clock()).encode())
                finally:
                    connection.close()  # this thread ends with its client
            return self._kept[1]


class Answers(http.server.BaseHTTPRequestHandler):
    """One client."""

    server: Listener
    timeout = PATIENCE
    server_version, sys_version = "kep", ""

    def do_GET(self) -> None:
        """The two pages; 404 for anything else."""
        path = self.path.partition("?")[0]
        if path == "/healthz":
            self._say(200, b"ok\n")
        elif path == "/metrics":
            try:
                self._say(200, self.server.page())
            except DatabaseError as error:
                log.warning("no metrics: %s", type(error).__name__)
                self._say(503, b"no answer from the database\n")
        else:
            self._say(404, b"not here\n")

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", TEXT)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: who asks how often is no news."""
