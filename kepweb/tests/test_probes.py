"""A supervisor's question is answered, refused or left hanging, and never waited for (script/probe.py, R-014)."""

import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from probe import EVERY, PATIENCE, Probe, asks_http

from conftest import free_port

pytestmark = [pytest.mark.loopback]


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does `answer` with each connection, on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        held = []

        def serve() -> None:
            while True:
                try:
                    line, _ = door.accept()
                except OSError:
                    return
                held.append(line)
                answer(line)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield door.getsockname()[1]
        finally:
            door.shutdown(socket.SHUT_RDWR)
            for line in held:
                line.close()


def turned(probe: Probe, seconds: float) -> tuple[float | None, float]:
    """The good answer's time after turning for so long or until it came, and the longest single turn."""
    longest, until = 0.0, time.monotonic() + seconds
    while time.monotonic() < until and probe.good_at is None:
        before = time.monotonic()
        probe.turn(before)
        longest = max(longest, time.monotonic() - before)
        time.sleep(0.005)
    return probe.good_at, longest


def test_a_process_that_answers_is_well() -> None:
    def answer(line: socket.socket) -> None:
        line.recv(100)
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\nok\n")

    with listening(answer) as port:
        good_at, _ = turned(asks_http(port, "/healthz", b" 200 OK"), 5)
    assert good_at is not None


@pytest.mark.parametrize("answer", [b"HTTP/1.1 500 Internal Server Error\r\n\r\n", b""])
def test_a_process_that_answers_wrongly_is_not_well(answer: bytes) -> None:
    def reply(line: socket.socket) -> None:
        line.recv(100)
        line.sendall(answer)
        line.close()

    with listening(reply) as port:
        good_at, longest = turned(asks_http(port, "/healthz", b" 200 OK"), 0.5)
    assert good_at is None
    assert longest < 0.1


def test_a_process_that_hangs_is_not_waited_for_and_asked_anew() -> None:
    asked = []
    with listening(asked.append) as port:
        probe = asks_http(port, "/healthz", b" 200 OK")
        _, longest = turned(probe, 0.5)
        assert (probe.good_at, len(asked)) == (None, 1)
        assert longest < 0.1
        probe.turn(time.monotonic() + PATIENCE + 1)
        probe.turn(time.monotonic() + PATIENCE + EVERY + 2)
        time.sleep(0.2)
        assert len(asked) == 2
        probe.forget()


@pytest.mark.parametrize("address", [("127.0.0.1", 0), "/nowhere/valkey.sock"])
def test_a_process_that_is_not_there_is_no_error(address: tuple[str, int] | str) -> None:
    where = ("127.0.0.1", free_port()) if isinstance(address, tuple) else address
    assert turned(Probe(where, b"PING\r\n", b"+PONG"), 0.3)[0] is None


def test_a_broker_is_asked_on_its_socket() -> None:
    with tempfile.TemporaryDirectory(prefix="kep-") as folder:
        place = Path(folder) / "s"
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(place))
            door.listen()

            def serve() -> None:
                line, _ = door.accept()
                line.sendall(b"+PO")
                time.sleep(0.1)
                line.sendall(b"NG\r\n")
                line.recv(10)
                line.close()

            server = threading.Thread(target=serve, daemon=True)
            server.start()
            assert turned(Probe(str(place), b"PING\r\n", b"+PONG"), 5)[0] is not None
            server.join(5)
