"""The demo PKI over HTTP, for one machine: `python -m demo.pki_server --data DIR --port 8030`.

    POST /ocsp/<ca>   GET /ocsp/<ca>/<base64>   GET /crl/<ca>.crl   GET /cer/<name>.cer   POST /tsa   POST /tsa-rsa

It answers on 127.0.0.1 only and the protocol has no verb that changes anything: revocation is `demo.pki.revoke`, which
writes the index this process re-reads. One asyncio protocol, connections kept open, requests answered in the order they
came; every answer is computed at once (well under a millisecond), so nothing here waits and nothing needs a thread.
SIGTERM and SIGINT end it with status 0.
"""

import argparse
import asyncio
import base64
import binascii
import logging
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from cryptography.hazmat.primitives import serialization

from demo import pki_profiles as profiles
from demo import pki_store as store
from demo.pki_answers import Authority, Records
from demo.pki_store import DEFAULT_PORT, DemoPkiError
from demo.pki_tsa import Stamper

MAX_HEAD, MAX_BODY, RECEIVED = 16 * 1024, 64 * 1024, 256 * 1024
HOST = "127.0.0.1"
OCSP, CRL, CER = "application/ocsp-response", "application/pkix-crl", "application/pkix-cert"
TSA_QUERY, TSA_REPLY = "application/timestamp-query", "application/timestamp-reply"
_PHRASES = {
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 411: "Length Required",
    413: "Content Too Large", 415: "Unsupported Media Type", 431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}  # fmt: skip
log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """Status, content type and body."""

    status: int
    content_type: str = "text/plain"
    body: bytes = b""


class Counter:
    """Everything that is answered, by method and path; no sockets here."""

    def __init__(self, directory: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Load keys and certificates from `directory`. `DemoPkiDamaged` where one is missing."""
        folder, records = store.folder_of(directory), Records(directory)
        self._clock = clock
        self._authorities = {name: Authority(name, directory, records) for name in profiles.AUTHORITIES}
        chain = [self._authorities["tsa-ca"].certificate]
        self._stampers = {
            f"/{name}": Stamper(
                store.read_key(folder / "private" / f"{name}.key"),
                store.read_certificate(folder / f"{name}.pem"),
                chain,
            )
            for name in ("tsa", "tsa-rsa")
        }

    def serve(self, method: str, path: str, content_type: str, body: bytes) -> Answer:
        """The answer to one request. Never raises for what is in it; 503 while the index cannot be read."""
        try:
            return self._serve(method, path, content_type, body)
        except (DemoPkiError, OSError) as error:
            log.warning("index not readable: %s", type(error).__name__)
            return Answer(503)

    def _serve(self, method: str, path: str, content_type: str, body: bytes) -> Answer:
        if (stamper := self._stampers.get(path)) is not None:
            if method != "POST":
                return Answer(405)
            if content_type != TSA_QUERY:
                return Answer(415)
            return Answer(200, TSA_REPLY, stamper.reply(body, self._clock()))
        _, _, rest = path.partition("/ocsp/")
        if rest:
            return self._answer_status(method, rest, body)
        if path.startswith("/crl/") and path.endswith(".crl"):
            authority = self._authorities.get(path[5:-4])
            if authority is not None:
                return Answer(200, CRL, authority.revocation_list(self._clock())) if method == "GET" else Answer(405)
        if path.startswith("/cer/") and path.endswith(".cer"):
            authority = self._authorities.get(path[5:-4])
            if authority is not None:
                raw = authority.certificate.public_bytes(serialization.Encoding.DER)
                return Answer(200, CER, raw) if method == "GET" else Answer(405)
        return Answer(404)

    def _answer_status(self, method: str, rest: str, body: bytes) -> Answer:
        name, _, encoded = rest.partition("/")
        authority = self._authorities.get(name)
        if authority is None:
            return Answer(404)
        if method == "GET":
            try:
                body = base64.b64decode(unquote_to_bytes(encoded), validate=True)
            except binascii.Error:
                return Answer(400)
        elif method != "POST" or encoded:
            return Answer(405)
        return Answer(200, OCSP, authority.answer(body, self._clock()))


class Connection(asyncio.BufferedProtocol):
    """One client: bytes in, answers out, until either side hangs up or the request makes no sense.

    It keeps the buffer it reads into: asyncio would make one of this size for every request of 200 bytes.
    """

    def __init__(self, counter: Counter, open_connections: set["Connection"]) -> None:
        self._counter, self._others = counter, open_connections
        self._waiting, self._arriving = bytearray(), bytearray(RECEIVED)
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server's transport is one
        self.transport = transport
        self._others.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._others.discard(self)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._arriving

    def buffer_updated(self, nbytes: int) -> None:
        self._waiting += memoryview(self._arriving)[:nbytes]
        while not self.transport.is_closing() and self._answer_one():
            pass

    def _answer_one(self) -> bool:
        """Answer the first request if it has come whole; whether it had."""
        end = self._waiting.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self._waiting) >= MAX_HEAD:
                self._send(Answer(431), keep=False)
            return False
        head = _read_head(bytes(self._waiting[:end]))
        if isinstance(head, Answer):
            self._send(head, keep=False)
            return False
        whole = end + 4 + head.length
        if len(self._waiting) < whole:
            return False
        body = bytes(self._waiting[end + 4 : whole])
        del self._waiting[:whole]
        self._send(self._counter.serve(head.method, head.path, head.content_type, body), keep=head.keep)
        return True

    def _send(self, answer: Answer, *, keep: bool) -> None:
        self.transport.write(
            b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n%s"
            % (
                answer.status,
                _PHRASES[answer.status].encode(),
                answer.content_type.encode(),
                len(answer.body),
                b"keep-alive" if keep else b"close",
                answer.body,
            )
        )
        if not keep:
            self.transport.close()


class _Head(NamedTuple):
    method: str
    path: str
    length: int
    content_type: str
    keep: bool


@lru_cache(maxsize=256)
def _read_head(raw: bytes) -> _Head | Answer:
    """The parts of a request's head that matter here, or the answer to a head that cannot be understood.

    Kept: one client sends the same head again and again.
    """
    lines = raw.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0") or not words[1].startswith("/"):
        return Answer(400)
    fields: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or name != name.strip() or name in fields:
            return Answer(400)
        fields[name] = value.strip()
    if "transfer-encoding" in fields:
        return Answer(411)
    length = fields.get("content-length", "0" if words[0] != "POST" else "")
    if not length:
        return Answer(411)
    if not (length.isascii() and length.isdigit()):
        return Answer(400)
    if int(length[:9]) > MAX_BODY or len(length) > 9:
        return Answer(413)
    asked = fields.get("connection", "").lower()
    keep = asked != "close" if words[2] == "HTTP/1.1" else asked == "keep-alive"
    media = fields.get("content-type", "").partition(";")[0].strip().lower()
    return _Head(words[0], words[1], int(length), media, keep)


async def run(directory: Path, port: int, clock_offset: timedelta = timedelta()) -> None:
    """Serve until SIGTERM or SIGINT. `DemoPkiDamaged` if the PKI is not there, OSError if the port is taken.

    `clock_offset` is how far the clock of these authorities is ahead: to see what a provider does whose own is wrong.
    """
    counter = Counter(directory, lambda: datetime.now(UTC) + clock_offset)
    loop, ending, connections = asyncio.get_running_loop(), asyncio.Event(), set[Connection]()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ending.set)
    server = await loop.create_server(lambda: Connection(counter, connections), HOST, port)
    print(f"demo-pki: http://{HOST}:{server.sockets[0].getsockname()[1]}", flush=True)
    await ending.wait()
    server.close()
    for connection in tuple(connections):
        connection.transport.close()


def main() -> int:
    """The command line; 0 at an orderly end, 2 where the PKI or the port cannot be had."""
    parser = argparse.ArgumentParser(prog="demo.pki_server", description="Serve the demo PKI on loopback.")
    parser.add_argument("--data", type=Path, default=Path("var"))
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--clock-offset", type=float, default=0.0, metavar="SECONDS", help="clock ahead by so much")
    given = parser.parse_args()
    try:
        asyncio.run(run(given.data, given.port, timedelta(seconds=given.clock_offset)))
    except (DemoPkiError, OSError) as error:
        print(f"demo-pki: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
