"""The one door through which this program calls out (V-084, design.md 6).

Addresses of OCSP responders and CRLs stand in certificates, and certificates come from strangers: they are hostile
input. So the client knows the few origins it may call, and everything else is refused before a name is looked up.
A name that resolves to an inner address is refused too, unless that very host was allowed as inner: an attacker who
controls a name must not reach our network through us. It connects to the address that was checked, follows no
redirect, keeps no cookie, reads no proxy setting, and stops at a size and a time. Connections are kept per thread,
because a time-stamp is needed for every proof; `post_many` keeps several, each with one request under way: requests
that change something are not to be pipelined on one (RFC 9112, 9.3.2), and threads would only wait for one another.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final
from urllib.parse import urlsplit

from guards.errors import KepError
from guards.outbound_wire import Connection, seconds_left

_CHUNK: Final = 65_536
_PORTS: Final = {"http": 80, "https": 443}
_LANES: Final = 8
"""Connections to one origin that `post_many` uses at the same time."""
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


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, good for being sent again."""

    method: str
    target: _Target
    body: bytes | None
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A request that was sent and is not answered yet."""

    position: int
    call: _Call
    connection: Connection
    kept: bool
    """Whether the connection had been idle: then the other side may have closed it."""
    deadline: float


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

    def post_many(
        self, url: str, bodies: Sequence[bytes], content_type: str
    ) -> list[Reply | OutboundRefused | OutboundUnavailable]:
        """POST each of `bodies`, several under way at once; the answers, or the refusal of that one, in their order.

        Limits and time-outs are those of `post`, for each. The first `OutboundUnavailable` ends the sending, and so do
        `timeout_s` seconds for all of them together: what was not sent is refused as unavailable without any waiting.
        Raises OutboundRefused for an address that is not called at all.
        """
        asking = self._prepared("POST", url, b"", content_type)
        calls = [replace(asking, body=body) for body in bodies]
        answers: dict[int, Reply | OutboundRefused | OutboundUnavailable] = {}
        under_way: deque[_UnderWay] = deque()
        ending, trouble = time.monotonic() + self._timeout_s, ""
        for position, call in enumerate(calls):
            while under_way and (trouble or len(under_way) == _LANES):
                trouble = self._take(under_way.popleft(), answers) or trouble
            if not trouble and time.monotonic() > ending:
                trouble = "the calls took too long"
            if trouble:
                answers[position] = OutboundUnavailable("not sent", origin=call.target.origin, because=trouble)
                continue
            try:
                under_way.append(self._send(position, call))
            except (OutboundRefused, OutboundUnavailable) as error:
                answers[position], trouble = error, error.reason
        for asked in under_way:
            self._take(asked, answers)
        return [answers[position] for position in range(len(calls))]

    def _take(self, asked: _UnderWay, answers: dict[int, Reply | OutboundRefused | OutboundUnavailable]) -> str:
        """Put the answer in its place; what is wrong with the other side, if it did not answer."""
        try:
            answers[asked.position] = self._receive(asked)
        except OutboundRefused as error:
            answers[asked.position] = error
        except OutboundUnavailable as error:
            answers[asked.position] = error
            return error.reason
        return ""

    def close(self) -> None:
        """Close the connections of this thread."""
        for connections in self._connections().values():
            for connection in connections:
                connection.close()
        self._connections().clear()

    def _connections(self) -> dict[str, list[Connection]]:
        """Idle connections of this thread by origin."""
        try:
            return self._kept.connections  # type: ignore[no-any-return]
        except AttributeError:
            self._kept.connections = {}
            return self._kept.connections  # type: ignore[no-any-return]

    def _prepared(self, method: str, url: str, body: bytes | None, content_type: str, authorization: str = "") -> _Call:
        target = _target(url)
        if target.origin not in self._allow:
            raise OutboundRefused("origin not allowed", origin=target.origin)
        headers = {"Accept-Encoding": "identity", "User-Agent": "kep/1"}
        if body is not None:
            headers["Content-Type"] = content_type
        if authorization:
            headers["Authorization"] = authorization
        return _Call(method, target, body, headers)

    def _call(self, method: str, url: str, body: bytes | None, content_type: str, authorization: str = "") -> Reply:
        return self._receive(self._send(0, self._prepared(method, url, body, content_type, authorization)))

    def _send(self, position: int, call: _Call) -> _UnderWay:
        """Send on an idle connection; where the other side had closed it, once more on a new one."""
        deadline = time.monotonic() + self._timeout_s
        idle = self._connections().get(call.target.origin)
        if idle:
            kept = idle.pop()
            try:
                _request(kept, call, deadline)
                return _UnderWay(position, call, kept, True, deadline)
            except _GONE:
                pass
            except (OSError, http.client.HTTPException) as error:
                raise _no_answer(call, error) from error
        return self._send_anew(position, call, deadline)

    def _send_anew(self, position: int, call: _Call, deadline: float) -> _UnderWay:
        try:
            connection = self._connect(call.target, deadline)
            _request(connection, call, deadline)
        except (OSError, http.client.HTTPException) as error:
            raise _no_answer(call, error) from error
        return _UnderWay(position, call, connection, False, deadline)

    def _receive(self, asked: _UnderWay) -> Reply:
        try:
            return self._answer(asked)
        except _GONE as error:
            if not asked.kept:
                raise _no_answer(asked.call, error) from error
        except (OSError, http.client.HTTPException) as error:
            raise _no_answer(asked.call, error) from error
        again = self._send_anew(asked.position, asked.call, asked.deadline)
        try:
            return self._answer(again)
        except (OSError, http.client.HTTPException) as error:
            raise _no_answer(asked.call, error) from error

    def _answer(self, asked: _UnderWay) -> Reply:
        """The answer; the connection is kept for the next request if nothing speaks against it."""
        keep, response = False, None
        try:
            response = asked.connection.getresponse()
            answer = self._read(response, asked.call.target)
            keep = not response.will_close
            return answer
        finally:
            if keep:
                self._connections().setdefault(asked.call.target.origin, []).append(asked.connection)
            else:
                if response is not None:
                    response.close()  # it has the socket when the other side said that it will close
                asked.connection.close()

    def _connect(self, target: _Target, deadline: float) -> Connection:
        literal = _is_address(target.host)
        found = [target.host] if literal else self._resolve(target.host, target.port)
        if not literal and target.host not in self._inner_hosts:
            inner = [address for address in found if not ipaddress.ip_address(address.partition("%")[0]).is_global]
            if inner:
                raise OutboundRefused("name leads to an inner address", origin=target.origin)
        last: OSError | None = None
        for address in found:
            try:
                sock = socket.create_connection((address, target.port), timeout=seconds_left(deadline))
            except OSError as error:
                last = error
                continue
            return self._on_socket(sock, target)
        raise last or OSError("name leads to no address")

    def _on_socket(self, sock: socket.socket, target: _Target) -> Connection:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.scheme == "https":
                context = self._tls or ssl.create_default_context()
                sock = context.wrap_socket(sock, server_hostname=target.host)
        except OSError:
            sock.close()
            raise
        return Connection(target.host, target.port, sock)

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


def _request(connection: Connection, call: _Call, deadline: float) -> None:
    connection.timed.deadline = deadline
    try:
        connection.request(call.method, call.target.path, body=call.body, headers=call.headers)
        connection.timed.flush()
    except (OSError, http.client.HTTPException):
        connection.close()
        raise


def _no_answer(call: _Call, error: Exception) -> OutboundUnavailable:
    return OutboundUnavailable("no answer", origin=call.target.origin, error=type(error).__name__)


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
