"""The signer's last step, at a rate: posts prepared signatures to `/imza/v1/signature` and keeps what was acknowledged.

    client.py --stock FILE... --out DIR --port P [--header "Name: value"] [--rate R] [--threads N]

A process of its own, without Django: several threads, real HTTP on sockets that are kept open. An acknowledgement is
one answer 200 with state SIGNED. Its id is appended to a file and forced to disk *before* the thread goes on, so that
what this program was told survives whatever happens to it. A POST that got no answer, or one that says "cannot now"
(5xx, 429), is repeated until it is answered, and its message counted once (R-006). Everything else is an error.

With `--rate` messages fall due at even distances whether or not earlier ones have been answered (an open loop: a slow
provider is not spared). With `--gated` how many may be posted so far is told by lines of digits on stdin.

Each thread writes `acks-<n>.jsonl`: `{"posted": id}` before the first POST, then `{"acked": id, "due", "sent",
"answered", "tries", "put_off"}` (seconds since the epoch; `sent` is the POST that was answered, `put_off` how often
it was clearly told "not now") or `{"refused": id, ...}`.
"""

import argparse
import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATH = "/imza/v1/signature"
PATIENCE = 30.0
LONGEST_PAUSE = 2.0
LONGEST_IDLE = 1.0
GIVE_UP_AFTER = 900.0
"""Seconds after which a message that nobody answers counts as an error."""


@dataclass
class Stock:
    """What is to be posted, handed out in order, each when it is due and allowed."""

    messages: Sequence[Mapping[str, Any]]
    rate: float
    began: float
    allowed: int
    next: int = 0

    def __post_init__(self) -> None:
        self._turn = threading.Condition()

    def take(self) -> tuple[Mapping[str, Any], float] | None:
        """The next message and when it was due; None at the end. Waits until it is due and allowed."""
        with self._turn:
            while self.next < len(self.messages) and self.next >= self.allowed:
                self._turn.wait()
            if self.next >= len(self.messages):
                self._turn.notify_all()
                return None
            position, self.next = self.next, self.next + 1
        due = self.began + position / self.rate if self.rate else time.time()
        time.sleep(max(0.0, due - time.time()))
        return self.messages[position], due

    def allow(self, count: int) -> None:
        """So many may be posted from now on."""
        with self._turn:
            self.allowed = count
            self._turn.notify_all()


class Poster(threading.Thread):
    """One connection to the provider."""

    def __init__(self, stock: Stock, file: Path, *, port: int, headers: Mapping[str, str]) -> None:
        super().__init__(daemon=True)
        self._stock, self._file, self._port = stock, file, port
        self._headers = {**headers, "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0
        self.errors = 0

    def run(self) -> None:
        """Post until the stock is empty."""
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            while (taken := self._stock.take()) is not None:
                message, due = taken
                _write(descriptor, {"posted": message["operation"]})
                _write(descriptor, self._post(message, due))
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
            if self._connection is not None:
                self._connection.close()

    def _post(self, message: Mapping[str, Any], due: float) -> dict[str, Any]:
        body = json.dumps({"token": message["token"], "signature": message["signature"]}).encode()
        tries, put_off, until = 0, 0, time.time() + GIVE_UP_AFTER
        while True:
            tries += 1
            sent = time.time()
            status, raw = self._exchange(body)
            answered = time.time()
            if status == 200 and _is_signed(raw):
                return {
                    "acked": message["operation"],
                    "due": due,
                    "sent": sent,
                    "answered": answered,
                    "tries": tries,
                    "put_off": put_off,
                }
            is_final = status is not None and status < 500 and status != 429
            if is_final or answered > until:
                self.errors += 1
                return {"refused": message["operation"], "status": status, "answer": raw[:200].decode(errors="replace")}
            put_off += status in (429, 503) and _is_refusal(raw)
            time.sleep(min(0.1 * 2 ** min(tries, 6), LONGEST_PAUSE))

    def _exchange(self, body: bytes) -> tuple[int | None, bytes]:
        """Status and body; None when there was no whole answer."""
        if self._connection is not None and time.monotonic() - self._used_at > LONGEST_IDLE:
            self._connection.close()  # the provider closes what idles; a POST into a closing connection proves nothing
            self._connection = None
        self._used_at = time.monotonic()
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
            self._connection.request("POST", PATH, body, self._headers)
            answer = self._connection.getresponse()
            raw = answer.read()
        except (OSError, http.client.HTTPException):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return None, b""
        return answer.status, raw


def _is_signed(raw: bytes) -> bool:
    try:
        return bool(json.loads(raw) == {"state": "SIGNED"})
    except ValueError:
        return False


def _is_refusal(raw: bytes) -> bool:
    """Whether this is a clear answer: a typed refusal with its code and its sentence (R-033)."""
    try:
        return set(json.loads(raw)) == {"code", "message"}
    except (ValueError, TypeError):
        return False


def _write(descriptor: int, line: Mapping[str, Any]) -> None:
    os.write(descriptor, f"{json.dumps(line)}\n".encode())


def _listen(stock: Stock) -> None:
    for line in sys.stdin:
        stock.allow(int(line))


def main() -> int:
    """Post everything; 0 when everything was acknowledged."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stock", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--gated", action="store_true")
    given = parser.parse_args()
    messages = [json.loads(line) for path in given.stock for line in path.read_text().splitlines()]
    headers = dict(each.split(": ", 1) for each in given.header)
    stock = Stock(messages, given.rate, time.time(), 0 if given.gated else len(messages))
    posters = [
        Poster(stock, given.out / f"acks-{number}.jsonl", port=given.port, headers=headers)
        for number in range(given.threads)
    ]
    for poster in posters:
        poster.start()
    if given.gated:
        threading.Thread(target=_listen, args=(stock,), daemon=True).start()
    for poster in posters:
        poster.join()
    return 1 if any(poster.errors for poster in posters) else 0


if __name__ == "__main__":
    sys.exit(main())
