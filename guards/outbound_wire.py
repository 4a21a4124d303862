"""What `guards.outbound` puts under the standard library's HTTP client: a socket that keeps a deadline, and heads that
are read once.

`http.client` reads every answer's head with the parser for e-mail, which costs more than everything else about a call.
A time-stamp authority says the same head with token after token; so the library reads each head one time, and its
reading is remembered by the bytes it took. The library stays the only one here that knows what a head means.
"""

import http.client
import io
import socket
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

_LONGEST_KEPT: Final = 1_024
_GOOD: Final = b"HTTP/1.1 200 "
_SAID: Final = (
    "code",
    "status",
    "reason",
    "version",
    "headers",
    "msg",
    "chunked",
    "chunk_left",
    "length",
    "will_close",
)
"""What `HTTPResponse.begin` leaves on a response."""


def seconds_left(deadline: float) -> float:
    """Seconds until `deadline` (monotonic). TimeoutError when it is over."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the call took too long")
    return left


class Timed:
    """A socket as http.client wants it, whose every wait ends at `deadline`: a peer that drips bytes gains nothing."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.deadline = sock, 0.0
        self._unsent: list[bytes] = []

    def sendall(self, raw: bytes) -> None:
        """Keep `raw` for `flush`: head and body of a request travel together, in one packet where they fit."""
        self._unsent.append(raw)

    def flush(self) -> None:
        """Send what was kept."""
        unsent, self._unsent = b"".join(self._unsent), []
        self.sock.settimeout(seconds_left(self.deadline))
        self.sock.sendall(unsent)

    def makefile(self, mode: str) -> io.BufferedReader:
        """The answer's bytes, read before the deadline."""
        return io.BufferedReader(_TimedReader(self))

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, timed: Timed) -> None:
        self._timed, self._file = timed, timed.sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._timed.sock.settimeout(seconds_left(self._timed.deadline))
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class Response(http.client.HTTPResponse):
    """The standard library's response, which takes from memory what it said of this very head before."""

    fp: io.BufferedReader

    def begin(self) -> None:
        """Read the head. A good one that has come whole and is short may be known; any other is read as ever."""
        waiting = self.fp.peek()
        end = waiting.find(b"\r\n\r\n", 0, _LONGEST_KEPT) + 4
        if end < 4 or not waiting.startswith(_GOOD):
            super().begin()
            return
        said, taken = _head(waiting[:end])
        self.fp.read(taken)
        vars(self).update(said)


@lru_cache(maxsize=64)
def _head(head: bytes) -> tuple[Mapping[str, Any], int]:
    """What the library makes of `head`, and how many of its bytes it takes. HTTPException where it takes none."""
    source = _Source(head)
    response = http.client.HTTPResponse(source)  # type: ignore[arg-type]  # all it asks of a socket is a file
    response.begin()
    return {name: getattr(response, name) for name in _SAID}, source.file.tell()


class _Source:
    """Bytes that have come already, as http.client wants a socket."""

    def __init__(self, raw: bytes) -> None:
        self.file = io.BytesIO(raw)

    def makefile(self, mode: str) -> io.BytesIO:
        return self.file


class Connection(http.client.HTTPConnection):
    """A connection over a socket that is already open; it never opens another one by itself."""

    auto_open = 0
    response_class = Response

    def __init__(self, host: str, port: int, sock: socket.socket) -> None:
        super().__init__(host, port)
        self.sock = self.timed = Timed(sock)
