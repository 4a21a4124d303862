"""The signer's own page, for a browser on this machine and nobody else (design.md 1.7 and 4).

It listens on the loopback addresses only and calls itself `localhost`, while the provider's embedded web calls
itself `127.0.0.1`: another host name, so no cookie is shared. It reads none and sets none.

Any page in the browser can send requests here, so arriving means nothing:
 * Host must be exactly `localhost:<port>`: a name that was pointed here by somebody's DNS is refused.
 * The page itself is given only to a navigation of a whole tab; its style and script only to itself.
 * An act is a POST with exactly our Origin, `Sec-Fetch-Site: same-origin`, and the token of this start in a
   header of our own, which no other origin can send without a preflight, and preflights get 403.
 * An open operation answers only to the tab that opened it: that tab got a key, another one does not know it.
 * Nobody may frame it or include what it serves; its policy lets it load from and talk to itself only.
 * The operation code comes in the fragment, which no request carries, and the script removes it at once.
   Nothing at all happens before the person clicks.

Log lines hold method, path and status. Headers, bodies and codes are not logged.
"""

import html
import http.server
import json
import logging
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from signer.errors import InvalidArgument, SignerError
from signer.page_state import state_of
from signer.pin import LONGEST, Pin
from signer.session import OPEN, Session

log = logging.getLogger("kep-imza")

START_HEADER = "X-Imza-Baslangic"
KEY_HEADER = "X-Imza-Islem"
LONGEST_BODY = 4096
_OPENING = frozenset({"/islem/ac", "/islem/baglanti"})
"""Acts that begin an operation; every other one needs the key that these give."""
_STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class LoopbackPage:
    """The page of one session. `serve()` blocks until `stop()`."""

    def __init__(self, session: Session, *, port: int, allowed: Sequence[str]) -> None:
        """Port 0 takes a free one. Refuses with `InvalidArgument` a port that somebody else listens on."""
        self.session = session
        self.lock = threading.Lock()
        self.start_token = secrets.token_urlsafe(32)
        self.operation_key = ""
        self._servers = _listen(self, port)
        self.host = f"localhost:{self._servers[0].server_address[1]}"
        self.origin = f"http://{self.host}"
        self.files = _files(self.start_token, allowed)

    @property
    def address(self) -> str:
        """What to open in the browser."""
        return f"{self.origin}/"

    def serve(self, *, every: float = 0.5) -> None:
        """Answer until stopped; every so many seconds look for what ran out of time."""
        first, *others = self._servers
        threads = [threading.Thread(target=other.serve_forever, args=(every,), daemon=True) for other in others]
        for thread in threads:
            thread.start()
        first.serve_forever(every)
        for thread in threads:
            thread.join()
        for server in self._servers:
            server.server_close()
        with self.lock:
            if self.session.stage in OPEN:
                self.session.cancel()  # the provider's page learns at once that nothing will come

    def stop(self) -> None:
        """End `serve()`, from a signal handler or another thread."""
        for server in self._servers:
            threading.Thread(target=server.shutdown, daemon=True).start()

    def tick(self) -> None:
        """Let the session end what ran out of time, unless somebody is busy with it."""
        if self.lock.acquire(blocking=False):
            try:
                self.session.tick()
            finally:
                self.lock.release()

    # --- the acts: each takes the body and gives the new state ----------------------------------------------

    def open(self, body: bytearray) -> dict[str, Any]:
        """Spend the code; this tab gets the key of the operation."""
        fields = _fields_of(body, "code", "origin")
        return self._opened(fields, by_link=False)

    def follow(self, body: bytearray) -> dict[str, Any]:
        """The same with a code that came in the address of this page and that nobody typed."""
        return self._opened(_fields_of(body, "code", "origin"), by_link=True)

    def _opened(self, fields: dict[str, str], *, by_link: bool) -> dict[str, Any]:
        self.session.open(fields["code"], origin=fields["origin"], by_link=by_link)
        self.operation_key = secrets.token_urlsafe(24)
        return self.state(bytearray()) | {"key": self.operation_key}

    def look(self, body: bytearray) -> dict[str, Any]:
        """List the certificates anew."""
        self.session.look_for_certificates()
        return self.state(body)

    def choose(self, body: bytearray) -> dict[str, Any]:
        """Choose a certificate and show the message."""
        self.session.choose(_fields_of(body, "certificate")["certificate"])
        return self.state(body)

    def sign(self, body: bytearray) -> dict[str, Any]:
        """The body is the PIN itself, in the buffer that it was read into."""
        with Pin(body) as pin:
            self.session.sign(pin)
        return self.state(body)

    def cancel(self, body: bytearray) -> dict[str, Any]:
        """The person said no."""
        if self.session.stage in OPEN:
            self.session.cancel()
        return self.state(body)

    def state(self, body: bytearray) -> dict[str, Any]:
        """Where it stands."""
        self.session.tick()
        return state_of(self.session)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, family: socket.AddressFamily, address: tuple[str, int], page: LoopbackPage) -> None:
        self.address_family = family
        self.page = page
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        if self.address_family is socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super(http.server.HTTPServer, self).server_bind()  # without looking up this machine's name

    def service_actions(self) -> None:
        self.page.tick()


class _Refused(Exception):
    """A request that gets a bare status and no explanation."""

    def __init__(self, status: HTTPStatus) -> None:
        self.status = status
        super().__init__(status.phrase)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "kep-imza"
    sys_version = ""
    timeout = 15
    rbufsize = 0  # a read buffer of the stream would keep a copy of the PIN

    def do_GET(self) -> None:
        """The page to a navigation, its parts to the page."""
        try:
            self._be_local()
            self._be_fetched_properly()
            found = self.server.page.files.get(self.path)
            if found is None:
                raise _Refused(HTTPStatus.NOT_FOUND)
            self._answer(HTTPStatus.OK, *found)
        except _Refused as refusal:
            self._answer(refusal.status, "text/plain; charset=utf-8", refusal.status.phrase.encode())

    def do_POST(self) -> None:
        """One act of the page's script."""
        try:
            self._be_local()
            self._be_our_script()
            act = self._act()
            body = self._body()
            with self.server.page.lock:
                self._be_the_opener()
                status, answer = self._carry_out(act, body)
            memoryview(body)[:] = bytes(len(body))
            self._answer(status, "application/json", json.dumps(answer).encode())
        except _Refused as refusal:
            self.close_connection = True
            self._answer(refusal.status, "text/plain; charset=utf-8", refusal.status.phrase.encode())

    def _carry_out(
        self, act: Callable[[bytearray], dict[str, Any]], body: bytearray
    ) -> tuple[HTTPStatus, dict[str, Any]]:
        try:
            return HTTPStatus.OK, act(body)
        except SignerError as error:
            session = self.server.page.session
            elsewhere = self.path in _OPENING and session.stage in OPEN  # another tab's operation: not its business
            told = {"code": error.code, "message": error.for_person() if elsewhere else session.said(error)}
            return HTTPStatus.CONFLICT, state_of(None if elsewhere else session) | {"error": told}

    def _act(self) -> Callable[[bytearray], dict[str, Any]]:
        page = self.server.page
        acts: dict[str, Callable[[bytearray], dict[str, Any]]] = {
            "/islem/ac": page.open,
            "/islem/baglanti": page.follow,
            "/islem/sertifikalar": page.look,
            "/islem/sertifika": page.choose,
            "/islem/imzala": page.sign,
            "/islem/iptal": page.cancel,
            "/islem/durum": page.state,
        }
        if self.path not in acts:
            raise _Refused(HTTPStatus.NOT_FOUND)
        return acts[self.path]

    def _be_local(self) -> None:
        if self.headers.get_all("Host") != [self.server.page.host]:
            raise _Refused(HTTPStatus.FORBIDDEN)

    def _be_fetched_properly(self) -> None:
        site, mode, dest = (self.headers.get(f"Sec-Fetch-{name}") for name in ("Site", "Mode", "Dest"))
        if site is None:
            return  # not a browser: it learns nothing that this machine's owner could not read in the files
        if self.path == "/":
            if (mode, dest) != ("navigate", "document"):
                raise _Refused(HTTPStatus.FORBIDDEN)
        elif site != "same-origin":
            raise _Refused(HTTPStatus.FORBIDDEN)

    def _be_our_script(self) -> None:
        page = self.server.page
        if (
            self.headers.get_all("Origin") != [page.origin]
            or self.headers.get_all("Sec-Fetch-Site") != ["same-origin"]
            or not secrets.compare_digest(self.headers.get(START_HEADER, "").encode(), page.start_token.encode())
        ):
            raise _Refused(HTTPStatus.FORBIDDEN)

    def _be_the_opener(self) -> None:
        page = self.server.page
        if self.path in _OPENING:
            return
        if not page.operation_key or not secrets.compare_digest(
            self.headers.get(KEY_HEADER, "").encode(), page.operation_key.encode()
        ):
            raise _Refused(HTTPStatus.FORBIDDEN)

    def _body(self) -> bytearray:
        """Read into one buffer that is never copied: it may be the PIN."""
        length = self.headers.get("Content-Length", "")
        limit = LONGEST + 1 if self.path == "/islem/imzala" else LONGEST_BODY
        kind = "application/octet-stream" if self.path == "/islem/imzala" else "application/json"
        if self.headers.get_content_type() != kind or "Transfer-Encoding" in self.headers or not length.isascii():
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        if not length.isdigit() or len(length) > 6 or int(length) > limit:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = bytearray(int(length))
        rest = memoryview(body)
        while rest:
            count = self.rfile.readinto(rest)
            if not count:
                raise _Refused(HTTPStatus.BAD_REQUEST)
            rest = rest[count:]
        return body

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Everything else (OPTIONS, HEAD, broken requests): 403 without a word, and the connection ends."""
        self.close_connection = True
        self._answer(HTTPStatus.FORBIDDEN, "text/plain; charset=utf-8", b"")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Method, path without query, status; never the request line of something that is no request of ours."""
        path = self.path.split("?")[0] if getattr(self, "path", "") in self._known_paths() else "?"
        log.info("%s %s %s", self.command or "?", path, arguments[-2] if len(arguments) >= 2 else "?")

    def _known_paths(self) -> set[str]:
        return {*self.server.page.files} | {
            f"/islem/{name}" for name in ("ac", "baglanti", "sertifikalar", "sertifika", "imzala", "iptal", "durum")
        }


def _listen(page: LoopbackPage, port: int) -> list[_Server]:
    """Both loopback addresses, so that nobody else on this machine can answer for the name `localhost`."""
    try:
        servers = [_Server(socket.AF_INET, ("127.0.0.1", port), page)]
    except OSError as error:
        raise InvalidArgument("port taken", what=f"{port} numaralı kapı kullanılıyor") from error
    if socket.has_ipv6 and _has_ipv6_loopback():
        try:
            servers.append(_Server(socket.AF_INET6, ("::1", servers[0].server_address[1]), page))
        except OSError as error:
            servers[0].server_close()
            raise InvalidArgument("port taken on ::1", what=f"{port} numaralı kapı kullanılıyor") from error
    return servers


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _files(start_token: str, allowed: Sequence[str]) -> dict[str, tuple[str, bytes]]:
    """Path to (type, bytes), read once; the page holds the token of this start and the allowed origins."""
    origins = "".join(f"<option>{html.escape(origin)}</option>" for origin in allowed)
    page = (_STATIC / "imza.html").read_text("utf-8")
    page = page.replace("{{baslangic}}", html.escape(start_token)).replace("{{adresler}}", origins)
    files = {"/": ("text/html; charset=utf-8", page.encode())}
    for path in _STATIC.iterdir():
        if path.suffix in _TYPES:
            files[f"/{path.name}"] = (_TYPES[path.suffix], path.read_bytes())
    return files


def _fields_of(body: bytearray, *names: str) -> dict[str, str]:
    try:
        fields = json.loads(body.decode("utf-8"))
    except ValueError as error:
        raise InvalidArgument("not JSON", what="istek") from error
    if not isinstance(fields, dict) or fields.keys() != set(names) or any(type(v) is not str for v in fields.values()):
        raise InvalidArgument("other fields", what="istek")
    return fields
