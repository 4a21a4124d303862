"""Calls to the outside: allow-list, no redirect, no inner address by name, bounded in size and time (V-084)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from guards.outbound import OutboundClient, OutboundRefused, OutboundUnavailable

pytestmark = pytest.mark.loopback


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Callable[["_Handler"], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.seen: list[tuple[str, str, bytes, str]] = []
        self.connections = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 5
    body = b""

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def do_GET(self) -> None:
        self.body = body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, body, self.headers.get("Content-Type", "")))
        self.server.answer(self)

    do_POST = do_GET  # noqa: N815

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(answer: Callable[[_Handler], None]) -> Iterator[_Server]:
    server = _Server(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_it_posts_gets_and_keeps_one_connection() -> None:
    with serving(lambda handler: handler.send(200, b"yanit", Content_Type="Application/X; q=1")) as server:
        client = OutboundClient([server.origin])
        reply = client.post(f"{server.origin}/tsa?x=1", b"soru", "application/timestamp-query")
        assert (reply.status, reply.content_type, reply.body) == (200, "application/x", b"yanit")
        assert client.get(f"{server.origin}/crl").body == b"yanit"
        client.close()
    assert server.seen == [
        ("POST", "/tsa?x=1", b"soru", "application/timestamp-query"),
        ("GET", "/crl", b"", ""),
    ]
    assert server.connections == 1


def test_a_kept_connection_that_died_is_replaced() -> None:
    def answer(handler: _Handler) -> None:
        handler.send(200, b"x")
        handler.close_connection = True

    with serving(answer) as server:
        client = OutboundClient([server.origin])
        for _ in range(3):
            assert client.get(f"{server.origin}/").body == b"x"
        client.close()
    assert server.connections == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x",
        "https://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://127.0.0.1:{port}@evil.example/",
        "http://evil.example#@127.0.0.1:{port}/",
        "ftp://127.0.0.1:{port}/",
        "file:///etc/passwd",
        "//127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/\r\nX: y",
        "http://127.0.0.1:{port}/a b",
        "http://127.0.0.1:{port}\\@evil.example/",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "http:///x",
        "",
        "http://user@127.0.0.1:{port}/",
        "http://2130706433:{port}/",
        "http://127.0.0.1:{port}/" + "a" * 3_000,
        "http://127.0.0.1:{port}/ğ",
    ],
)
def test_another_origin_is_refused_before_anything_is_sent(url: str) -> None:
    with serving(lambda handler: handler.send(200, b"x")) as server:
        with pytest.raises(OutboundRefused):
            OutboundClient([server.origin]).get(url.replace("{port}", str(server.server_port)))
        assert server.connections == 0


def test_a_redirect_is_refused_and_not_followed() -> None:
    with serving(
        lambda handler: handler.send(302, b"", Location=f"http://127.0.0.1:{handler.server.server_port}/b")
    ) as server:
        with pytest.raises(OutboundRefused):
            OutboundClient([server.origin]).get(f"{server.origin}/a")
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    "inner", ["127.0.0.1", "10.0.0.5", "192.168.1.1", "169.254.169.254", "::1", "fe80::1%2", "fc00::1"]
)
def test_a_name_that_leads_inside_is_refused(inner: str) -> None:
    client = OutboundClient(["http://tsa.example"], resolve=lambda host, port: ["93.184.216.34", inner])
    with pytest.raises(OutboundRefused):
        client.get("http://tsa.example/")


def test_a_name_may_lead_inside_when_that_host_is_allowed_to() -> None:
    with serving(lambda handler: handler.send(200, b"x")) as server:
        origin = f"http://tsa.ic:{server.server_port}"
        client = OutboundClient([origin], inner_hosts=["tsa.ic"], resolve=lambda host, port: ["127.0.0.1"])
        assert client.get(f"{origin}/").body == b"x"
        client.close()


def test_an_answer_over_the_limit_is_refused_whether_it_says_its_size_or_not() -> None:
    def unsaid(handler: _Handler) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(b"x" * 1_001)

    for answer in (lambda handler: handler.send(200, b"x" * 1_001), unsaid):
        with serving(answer) as server, pytest.raises(OutboundRefused):
            OutboundClient([server.origin], max_bytes=1_000).get(server.origin)
    with serving(lambda handler: handler.send(200, b"x" * 1_000)) as server:
        client = OutboundClient([server.origin], max_bytes=1_000)
        assert len(client.get(server.origin).body) == 1_000
        client.close()


def test_an_answer_cut_short_is_no_answer() -> None:
    def answer(handler: _Handler) -> None:
        handler.send(200, b"x" * 10, Content_Length="20")
        handler.close_connection = True

    with serving(answer) as server, pytest.raises(OutboundUnavailable):
        OutboundClient([server.origin]).get(server.origin)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_service_that_cannot_now_is_temporary(status: int) -> None:
    with serving(lambda handler: handler.send(status, b"")) as server, pytest.raises(OutboundUnavailable) as caught:
        OutboundClient([server.origin]).get(server.origin)
    assert caught.value.temporary
    assert caught.value.facts["status"] == status


def test_not_found_is_an_answer_for_the_caller_to_judge() -> None:
    with serving(lambda handler: handler.send(404, b"yok")) as server:
        client = OutboundClient([server.origin])
        assert client.get(server.origin).status == 404
        client.close()


def test_nobody_there_is_temporary() -> None:
    with serving(lambda handler: None) as server:
        origin = server.origin
    with pytest.raises(OutboundUnavailable):
        OutboundClient([origin]).get(origin)


def test_a_peer_that_says_nothing_or_drips_bytes_is_given_up() -> None:
    stop = threading.Event()

    def drip(handler: _Handler) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 1_000:
            if stop.wait(0.02):
                return
            try:
                handler.wfile.write(bytes([byte]))
            except OSError:
                return

    def say_nothing(handler: _Handler) -> None:
        stop.wait(5)

    for answer in (drip, say_nothing):
        with serving(answer) as server:
            try:
                with pytest.raises(OutboundUnavailable) as caught:
                    OutboundClient([server.origin], timeout_s=0.2).get(server.origin)
            finally:
                stop.set()
        stop.clear()
        assert caught.value.facts["error"] == "TimeoutError"
