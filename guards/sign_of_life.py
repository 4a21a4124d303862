"""A worker's sign of life: "I get on", given wherever work gets on, so that silence means stuck (R-014).

Whoever watches is told in the ways it asked for. `KEP_HEARTBEAT_FILE` names a file whose time of change script/server
looks at; `NOTIFY_SOCKET` is systemd's (`WatchdogSec=`). Without either this does nothing. It is cheap enough to be
given for each row: more often than once a second nobody is told.

The pieces between two signs are what must be short: one row of a lot, one try of a commit, one call to the outside (ten
seconds at most). A watcher that waits forty seconds never ends a worker that is only busy.
"""

import contextlib
import os
import socket
import time
from pathlib import Path

EVERY = 1.0
"""Seconds between two signs at least."""

_last = 0.0


def heard() -> None:
    """Work has got on. Never raises: a sign that cannot be given is one that nobody hears."""
    global _last
    now = time.monotonic()
    if now - _last < EVERY:
        return
    _last = now
    with contextlib.suppress(OSError):
        if path := os.environ.get("KEP_HEARTBEAT_FILE"):
            Path(path).touch()
    with contextlib.suppress(OSError):
        if address := os.environ.get("NOTIFY_SOCKET"):
            _notify(address)


def _notify(address: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.settimeout(1)
        line.sendto(b"WATCHDOG=1", f"\0{address[1:]}" if address.startswith("@") else address)
