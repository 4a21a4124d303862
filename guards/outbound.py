"""The one door through which this program calls out (V-084, design.md 6).

Addresses of OCSP responders and CRLs stand in certificates, and certificates come from strangers: they are hostile
input. So the client knows the few origins it may call, and everything else is refused before a name is looked up.
A name that resolves to an inner address is refused too, unless that very host was allowed as inner: an attacker who
controls a name must not reach our network through us. It connects to the address that was checked, follows no
redirect, keeps no cookie, reads no proxy setting, and stops at a size and a time. Connections are kept per thread,
because a time-stamp is needed for every proof.
"""

import http.client
import io
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from guards.errors import KepError

_CHUNK: Final = 65_536
_PORTS: Final = {"http": 80, "https": 443}
_GONE = (http.client.RemoteDisconnected, http.client.BadStatusLine, ConnectionResetError, BrokenPipeError)


class OutboundRefused(KepError):
    """A call this program does not make, or an answer it does not take. Trying again cannot help."""

    code = "DIS-01"
    user_message = (
        "Bir dış hizmetin adresi ya da yanıtı kabul edilmedi. İletiniz taslakta duruyor, hiçbir şey gönderilmedi. "
        "Teknik ekibe haber verin."
    )


class OutboundUnavailable(KepError):
    """The other side did not answer in time, or said it cannot now: hold and try again (V-096)."""

    code = "DIS-02"
    temporary: ClassVar[bool] = True
    user_message = (
        "Bir dış hizmet şu anda yanıt vermiyor. İletiniz güvende ve sırada bekliyor; hizmet dönünce işlem "
        "kendiliğinden sürer."
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer below 500. `content_type` in lower case without parameters; empty when none was given."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Target:
    origin: str
    scheme: str
    host: str
    port: int
    path: str


Resolve = Callable[[str, int], list[str]]


def _addresses_of(host: str, port: int) -> list[str]:
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class _Timed:
    """A socket as http.client wants it, whose every wait ends at `deadline`: a peer that drips bytes gains nothing."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.deadline = sock, 0.0

    def sendall(self, raw: bytes) -> None:
        self.sock.settimeout(_left(self.deadline))
        self.sock.sendall(raw)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self))

    def close(self) -> None:
        self.sock.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, timed: _Timed) -> None:
        self._timed, self._file = timed, timed.sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._timed.sock.settimeout(_left(self._timed.deadline))
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Connection(http.client.HTTPConnection):
    """A connection over a socket that is already open; it never opens another one by itself."""

    auto_open = 0

    def __init__(self, target: _Target, sock: socket.socket) -> None:
        super().__init__(target.host, target.port)
        self.sock = self.timed = _Timed(sock)


class OutboundClient:
    """Calls the `allow`ed origins (`https://tsa.example`, `http://127.0.0.1:8030`) and nothing else.

    An origin whose host is written as an address may be an inner one; a host name may resolve to an inner address
    only when it stands in `inner_hosts`. `timeout_s` is for one call as a whole, `max_bytes` for one answer.
    """

    def __init__(
        self,
        allow: Iterable[str],
        *,
        timeout_s: float = 10.0,
        max_bytes: int = 16_777_216,
        inner_hosts: Iterable[str] = (),
        resolve: Resolve = _addresses_of,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow = frozenset(_target(origin).origin for origin in allow)
        self._timeout_s, self._max_bytes = timeout_s, max_bytes
        self._inner_hosts, self._resolve, self._tls = frozenset(inner_hosts), resolve, tls
        self._kept = threading.local()

    def get(self, url: str) -> Reply:
        """GET `url`. Raises OutboundRefused or OutboundUnavailable."""
        return self._call("GET", url, None, "")

    def post(self, url: str, body: bytes, content_type: str, *, authorization: str = "") -> Reply:
        """POST `body`. Raises OutboundRefused or OutboundUnavailable. The call may reach the other side twice.

        `authorization` is the value of that header, for the allowed origin and no other.
        """
        return self._call("POST", url, body, content_type, authorization)

    def close(self) -> None:
        """Close the connections of this thread."""
        for connection in self._connections().values():
            connection.close()
        self._connections().clear()

    def _connections(self) -> dict[str, _Connection]:
        try:
            return self._kept.connections  # type: ignore[no-any-return]
        except AttributeError:
            self._kept.connections = {}
            return self._kept.connections  # type: ignore[no-any-return]

    def _call(self, method: str, url: str, body: bytes | None, content_type: str, authorization: str = "") -> Reply:
        target = _target(url)
        if target.origin not in self._allow:
            raise OutboundRefused("origin not allowed", origin=target.origin)
        headers = {"Accept-Encoding": "identity", "User-Agent": "kep/1"}
        if body is not None:
            headers["Content-Type"] = content_type
        if authorization:
            headers["Authorization"] = authorization
        deadline = time.monotonic() + self._timeout_s
        kept = self._connections().pop(target.origin, None)
        try:
            if kept is not None:
                try:
                    return self._exchange(kept, target, method, body, headers, deadline)
                except _GONE:
                    kept.close()  # the other side had closed the idle connection: once more on a new one
            return self._exchange(self._connect(target, deadline), target, method, body, headers, deadline)
        except (OSError, http.client.HTTPException) as error:
            raise OutboundUnavailable("no answer", origin=target.origin, error=type(error).__name__) from error

    def _connect(self, target: _Target, deadline: float) -> _Connection:
        literal = _is_address(target.host)
        found = [target.host] if literal else self._resolve(target.host, target.port)
        if not literal and target.host not in self._inner_hosts:
            inner = [address for address in found if not ipaddress.ip_address(address.partition("%")[0]).is_global]
            if inner:
                raise OutboundRefused("name leads to an inner address", origin=target.origin)
        last: OSError | None = None
        for address in found:
            try:
                sock = socket.create_connection((address, target.port), timeout=_left(deadline))
            except OSError as error:
                last = error
                continue
            return self._on_socket(sock, target)
        raise last or OSError("name leads to no address")

    def _on_socket(self, sock: socket.socket, target: _Target) -> _Connection:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.scheme == "https":
                context = self._tls or ssl.create_default_context()
                sock = context.wrap_socket(sock, server_hostname=target.host)
        except OSError:
            sock.close()
            raise
        return _Connection(target, sock)

    def _exchange(
        self,
        connection: _Connection,
        target: _Target,
        method: str,
        body: bytes | None,
        headers: dict[str, str],
        deadline: float,
    ) -> Reply:
        done = False
        try:
            connection.timed.deadline = deadline
            connection.request(method, target.path, body=body, headers=headers)
            response = connection.getresponse()
            answer = self._read(response, target)
            done = not response.will_close
            return answer
        finally:
            if done:
                self._connections()[target.origin] = connection
            else:
                connection.close()

    def _read(self, response: http.client.HTTPResponse, target: _Target) -> Reply:
        if 300 <= response.status < 400:
            raise OutboundRefused("redirect", origin=target.origin, status=response.status)
        if response.status >= 500 or response.status == 429:
            raise OutboundUnavailable("cannot now", origin=target.origin, status=response.status)
        if response.length is not None and response.length > self._max_bytes:
            raise OutboundRefused("answer too large", origin=target.origin)
        received = bytearray()
        while piece := response.read1(_CHUNK):
            received += piece
            if len(received) > self._max_bytes:
                raise OutboundRefused("answer too large", origin=target.origin)
        if response.length:
            raise OutboundUnavailable("answer cut short", origin=target.origin)
        response.close()  # frees the connection for the next call
        given = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Reply(response.status, given, bytes(received))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the call took too long")
    return left


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _target(url: str) -> _Target:
    """`url` in parts. OutboundRefused for another scheme, user data, controls, or a host in an odd form."""
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url or len(url) > 2_000:
        raise OutboundRefused("malformed address")
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise OutboundRefused("malformed address") from None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        raise OutboundRefused("malformed address")
    host = parts.hostname.rstrip(".")
    shown = f"[{host}]" if ":" in host else host
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(f"{parts.scheme}://{shown}:{port}", parts.scheme, host, port, path)
