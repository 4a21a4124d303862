"""Asks a process whether it answers, again and again, and never waits for it. Standard library only.

One question is under way at a time, on a socket that does not block: each `turn` does what can be done now and returns.
So one supervisor without threads can ask many processes, the ones that hang among them.
"""

import errno
import select
import socket
from dataclasses import dataclass, field

EVERY = 3.0
"""Seconds between the end of a question and the next one."""
UNTIL_FIRST = 0.5
"""The same before the first good answer of a new process: until then it is given the long patience of a beginner."""
PATIENCE = 10.0
"""Seconds for one answer, as long as the slowest request of a busy web process takes."""


@dataclass
class Probe:
    """What is asked of whom: `address` is a path or (host, port), `expected` stands in a good answer's first bytes."""

    address: str | tuple[str, int]
    question: bytes
    expected: bytes
    good_at: float | None = None
    """When the last good answer came (monotonic), since `forget`."""
    _line: socket.socket | None = field(default=None, repr=False)
    _is_asked: bool = False
    _heard: bytes = b""
    _next_at: float = 0.0
    _until: float = 0.0

    def forget(self) -> None:
        """The process is a new one: nothing is known of it."""
        self._hang_up(0.0)
        self.good_at, self._next_at = None, 0.0

    def turn(self, now: float) -> None:
        """Get on with the question under way, or begin the next one; `now` is the monotonic clock."""
        try:
            if self._line is None:
                if now >= self._next_at:
                    self._begin(now)
            elif self._gets_on():
                self.good_at = now
                self._hang_up(now)
            elif now > self._until:
                self._hang_up(now)
        except OSError:
            self._hang_up(now)

    def _begin(self, now: float) -> None:
        self._line = socket.socket(socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET)
        self._line.setblocking(False)
        self._is_asked, self._heard, self._until = False, b"", now + PATIENCE
        status = self._line.connect_ex(self.address)
        if status not in (0, errno.EINPROGRESS):
            raise OSError(status, "not there")

    def _gets_on(self) -> bool:
        """Send or read what can be sent or read now; whether the good answer is there."""
        assert self._line is not None  # noqa: S101 - the caller looked
        readable, writable, _ = select.select([self._line], [] if self._is_asked else [self._line], [], 0)
        if writable:
            if status := self._line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(status, "not there")
            self._line.send(self.question)
            self._is_asked = True
        elif readable:
            piece = self._line.recv(4096)
            self._heard += piece
            if not piece and self.expected not in self._heard:
                raise OSError(errno.ECONNRESET, "hung up")
        return self.expected in self._heard

    def _hang_up(self, now: float) -> None:
        if self._line is not None:
            self._line.close()
        self._line, self._next_at = None, now + (UNTIL_FIRST if self.good_at is None else EVERY)


def asks_http(port: int, path: str, expected: bytes) -> Probe:
    """A probe that asks an HTTP process on loopback for `path`."""
    question = f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode()
    return Probe(("127.0.0.1", port), question, expected)
