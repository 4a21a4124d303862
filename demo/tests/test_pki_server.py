"""The demo PKI as a process on loopback: HTTP by its grammar, connections kept, revocation from elsewhere."""

import base64
import hashlib
import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from demo import pki
from demo.pki_server import MAX_BODY, MAX_HEAD, TSA_QUERY
from evidence import timestamp
from evidence.trust import RevocationFetcher, TrustAnchors, Verdict, check_path_revocation

pytestmark = pytest.mark.loopback
DIGEST = hashlib.sha256(b"delil").digest()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(directory: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "demo.pki_server", "--data", str(directory), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"demo-pki: http://127.0.0.1:{port}\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    directory, port = tmp_path_factory.mktemp("served-pki"), free_port()
    pki.ensure(directory, port=port)
    pki.issue_person(directory, "ayse", "Ayşe Işık", "12345678950", "1234")
    with serving(directory, port):
        yield directory, port


@pytest.fixture
def client(server: tuple[Path, int]) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server[1], timeout=10)
    yield connection
    connection.close()


def fetch(client: http.client.HTTPConnection, method: str, url: str, body: bytes = b"", kind: str = "") -> bytes:
    client.request(method, url, body or None, {"Content-Type": kind} if kind else {})
    reply = client.getresponse()
    assert reply.status == 200, reply.status
    return reply.read()


def certificate(directory: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((directory / "pki" / f"{name}.pem").read_bytes())


def question(directory: Path, leaf: x509.Certificate, ca: str = "eshs-ca") -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(leaf, certificate(directory, ca), hashes.SHA256())
    return builder.build().public_bytes(serialization.Encoding.DER)


def test_one_connection_serves_everything_in_turn(server: tuple[Path, int], client: http.client.HTTPConnection) -> None:
    directory, _ = server
    client.connect()
    kept = client.sock
    for nonce in (1, 2):
        for path in ("/tsa", "/tsa-rsa"):
            reply = fetch(client, "POST", path, timestamp.request(DIGEST, nonce=nonce), TSA_QUERY)
            timestamp.read_reply(reply, DIGEST, nonce)
        asked = question(directory, certificate(directory, "people/ayse"))
        posted = fetch(client, "POST", "/ocsp/eshs-ca", asked, "application/ocsp-request")
        got = fetch(client, "GET", "/ocsp/eshs-ca/" + quote(base64.b64encode(asked), safe=""))
        for raw in (posted, got):
            assert ocsp.load_der_ocsp_response(raw).certificate_status is ocsp.OCSPCertStatus.GOOD
        x509.load_der_x509_crl(fetch(client, "GET", "/crl/eshs-ca.crl"))
        assert x509.load_der_x509_certificate(fetch(client, "GET", "/cer/root.cer")) == certificate(directory, "root")
    assert client.sock is kept


def test_the_fetcher_of_the_product_settles_a_whole_path_over_the_addresses_in_the_certificates(
    server: tuple[Path, int], client: http.client.HTTPConnection
) -> None:
    directory, port = server
    path = [
        certificate(directory, name).public_bytes(serialization.Encoding.DER)
        for name in ("people/ayse", "eshs-ca", "root")
    ]
    anchors, now = TrustAnchors.from_pem(directory / "pki" / "root.pem"), datetime.now(UTC)
    origin = f"http://127.0.0.1:{port}"

    def post(url: str, body: bytes, kind: str) -> bytes:
        return fetch(client, "POST", url.removeprefix(origin), body, kind)

    def get(url: str) -> bytes:
        return fetch(client, "GET", url.removeprefix(origin))

    def unreachable(url: str, body: bytes, kind: str) -> bytes:
        raise ConnectionRefusedError

    for reach, state in ((post, "MATURE"), (unreachable, "PREMATURE")):
        fetcher = RevocationFetcher(post=reach, get=get, anchors=anchors)
        materials = [fetcher.get(path[at], path[at + 1], at=now, now=now) for at in (0, 1)]
        report = check_path_revocation(path, materials, at=now, anchors=anchors, now=now)
        assert (report.verdict, report.state, report.findings) == (Verdict.VALID, state, ())


def test_a_revocation_written_by_another_process_is_told_without_a_restart(
    server: tuple[Path, int], client: http.client.HTTPConnection
) -> None:
    directory, _ = server
    pki.issue_person(directory, "gecici", "Geçici Kişi", "98765432150", "1234")
    leaf = certificate(directory, "people/gecici")
    asked = question(directory, leaf)

    def status() -> ocsp.OCSPCertStatus:
        raw = fetch(client, "POST", "/ocsp/eshs-ca", asked, "application/ocsp-request")
        return ocsp.load_der_ocsp_response(raw).certificate_status

    assert status() is ocsp.OCSPCertStatus.GOOD
    before = x509.load_der_x509_crl(fetch(client, "GET", "/crl/eshs-ca.crl"))
    assert before.get_revoked_certificate_by_serial_number(leaf.serial_number) is None
    revoke = (
        f"from pathlib import Path; from demo import pki; pki.revoke(Path({str(directory)!r}), {leaf.serial_number})"
    )
    subprocess.run([sys.executable, "-c", revoke], check=True, timeout=60)
    assert status() is ocsp.OCSPCertStatus.REVOKED
    after = x509.load_der_x509_crl(fetch(client, "GET", "/crl/eshs-ca.crl"))
    assert after.get_revoked_certificate_by_serial_number(leaf.serial_number) is not None


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("options", [["-sha1"], ["-sha256"], ["-no_nonce"]], ids=lambda options: options[0])
def test_openssl_asks_and_believes_the_answer(server: tuple[Path, int], options: list[str]) -> None:
    directory, port = server
    pki.issue_person(directory, "iptal", "İptal Edilmiş", "98765432150", "1234", revoked=True)

    def ask(leaf: str, ca: str) -> str:
        named = [one for one in options if one.startswith("-sha")]
        command = ["openssl", "ocsp", "-issuer", f"{ca}.pem", *named, "-cert", f"{leaf}.pem", "-CAfile", "root.pem"]
        command += ["-url", f"http://127.0.0.1:{port}/ocsp/{ca}", *(one for one in options if one == "-no_nonce")]
        folder = directory / "pki"
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
        assert "Response verify OK" in done.stderr, done.stderr
        assert "WARNING" not in done.stderr
        return done.stdout

    assert "people/ayse.pem: good" in ask("people/ayse", "eshs-ca")
    assert "people/iptal.pem: revoked" in ask("people/iptal", "eshs-ca")
    assert "Reason: keyCompromise" in ask("people/iptal", "eshs-ca")
    assert "islem-hs02.pem: good" in ask("islem-hs02", "islem-ca")
    assert "tsa-ca.pem: good" in ask("tsa-ca", "root")


def talk(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send bytes as they are, and everything that comes back until the server hangs up or says no more."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        for piece in pieces:
            line.sendall(piece)
            time.sleep(pause)
        line.shutdown(socket.SHUT_WR)
        received = b""
        while more := line.recv(65536):
            received += more
        return received


def status_lines(received: bytes) -> list[int]:
    return [int(piece[:3]) for piece in received.split(b"HTTP/1.1 ")[1:]]


def test_requests_may_come_together_or_in_pieces(server: tuple[Path, int]) -> None:
    _, port = server
    body = timestamp.request(DIGEST, nonce=1)
    head = f"POST /tsa HTTP/1.1\r\nHost: x\r\ncontent-type: {TSA_QUERY}; x=y\r\nContent-Length: {len(body)}\r\n\r\n"
    one = head.encode() + body
    assert status_lines(talk(port, one * 3)) == [200, 200, 200]
    assert status_lines(talk(port, one[:20], one[20:-5], one[-5:] + one[:30], one[30:], pause=0.05)) == [200, 200]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /crl/root.crl HTTP/1.1\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n\r\n", [200]),
        (b"GET /crl/root.crl HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\n\r\n", [200]),
        (b"GET /crl/root.crl HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\n\r\n", [200, 404]),
        (b"nonsense\r\n\r\n", [400]),
        (b"GET http://evil/ HTTP/1.1\r\n\r\n", [400]),
        (b"GET / HTTP/2\r\n\r\n", [400]),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", [400]),
        (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", [400]),
        (b"POST /tsa HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", [400]),
        (b"POST /tsa HTTP/1.1\r\nContent-Length: -1\r\n\r\n", [400]),
        (b"POST /tsa HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n", [400]),
        (b"POST /tsa HTTP/1.1\r\n\r\n", [411]),
        (b"POST /tsa HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [411]),
        (b"POST /tsa HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), [413]),
        (b"POST /tsa HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", [413]),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD, [431]),
        (b"GET / HTTP/1.1\r\n", []),
    ],
)
def test_what_is_no_request_is_refused_and_the_line_closed(
    server: tuple[Path, int], sent: bytes, status: list[int]
) -> None:
    assert status_lines(talk(server[1], sent)) == status


def test_it_listens_on_loopback_only(server: tuple[Path, int]) -> None:
    inside = Path("/proc/net/tcp")
    if not inside.exists():
        pytest.skip("only on Linux: the kernel's list of sockets")
    listening = [line.split()[1] for line in inside.read_text().splitlines()[1:] if line.split()[3] == "0A"]
    assert [one for one in listening if one.endswith(f":{server[1]:04X}")] == [f"0100007F:{server[1]:04X}"]


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_even_with_a_line_open(made_pki: Path, name: signal.Signals) -> None:
    port = free_port()
    with serving(made_pki, port) as process, socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(b"GET /crl/root.crl HTTP/1.1\r\n\r\n")
        assert line.recv(12) == b"HTTP/1.1 200"
        process.send_signal(name)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")


def test_without_a_pki_or_a_port_it_says_so_and_ends(made_pki: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "demo.pki_server", "--port", str(free_port()), "--data"]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "root.pem" in done.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command[4] = str(taken.getsockname()[1])
        done = subprocess.run([*command, str(made_pki)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "address already in use" in done.stderr.lower()
