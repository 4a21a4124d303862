"""The client of the hand-over: five requests under /imza/v1/ of one origin (design.md 4, S-017..S-024).

What it trusts is short. It speaks only to an origin on the list it was started with: HTTPS, or plain HTTP to
this very machine. TLS certificates are checked by the system's roots, and there is no way to leave that out.
It follows no redirect, uses no proxy and no cookie, reads no more bytes than were announced, and takes an
answer only if it has exactly the fields of the protocol with their types. Everything else is `BadAnswer`.

The operation code, the token, the document and all headers stay out of logs.
"""

import base64
import binascii
import http.client
import json
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from signer import VERSION
from signer.errors import (
    BadAnswer,
    DocumentDiffers,
    DocumentUnreadable,
    InsecureConnection,
    InvalidArgument,
    OperationOver,
    OriginRefused,
    ServerRefused,
    Unreachable,
)
from signer.message import clean

SIGNER = f"kep-imza/{VERSION}"
LOOPBACK = ("127.0.0.1", "localhost")
LONGEST_ORIGIN = 255
LARGEST_DOCUMENT = 26_214_400
LARGEST_ANSWER = 65_536
PATIENCE = 20.0
"""Seconds to wait for the provider at each read."""
OVER = "IMZ-12"
"""The provider's code for an operation that is used, cancelled or past its term."""

_CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CODE = re.compile(rf"[{_CODE_LETTERS}]{{12,20}}")
LINK_LENGTH = 20
"""Signs of a code that only a link carries; people type thirteen."""
_RETURN_TOKEN = re.compile(r"[0-9a-f]{64}")
_COMPARISON = re.compile(rf"[{_CODE_LETTERS}]{{4}}-[{_CODE_LETTERS}]{{4}}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_HOST = re.compile(r"(?!-)[a-z0-9-]+(\.[a-z0-9-]+)*")


@dataclass(frozen=True)
class Claimed:
    """What the provider says about the operation before it knows who signs."""

    token: str = field(repr=False)
    purpose: str
    comparison: str
    origin: str
    expires_at: datetime
    account: str
    content_type: str
    size: int


@dataclass(frozen=True)
class Offer:
    """What the provider proposes once the certificate fits; nothing of it is believed without a look."""

    document_path: str
    signing_time: datetime
    digest: bytes


def normal_origin(text: str) -> str:
    """`scheme://host[:port]` in its one spelling.

    Refuses with `InvalidArgument` what is no origin, and with `OriginRefused` plain HTTP to another machine.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise InvalidArgument("not an origin", what="sağlayıcı adresi") from error
    host = parts.hostname or ""
    rest = (parts.path.rstrip("/"), parts.query, parts.fragment, parts.username or "", parts.password or "")
    if len(text) > LONGEST_ORIGIN or any(rest) or not _HOST.fullmatch(host) or parts.scheme not in ("http", "https"):
        raise InvalidArgument("not an origin", what="sağlayıcı adresi")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise OriginRefused("plain HTTP to another machine", origin=text)
    default = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, default) else "")


def normal_code(text: str) -> str:
    """The operation code without dashes and blanks, in capitals. Refuses others with `InvalidArgument`."""
    code = re.sub(r"[\s-]", "", text).upper()
    if not _CODE.fullmatch(code):
        raise InvalidArgument("not an operation code", what="işlem kodu")
    return code


class Provider:
    """One provider at one allowed origin. Every method refuses with `Unreachable`, `InsecureConnection`,
    `BadAnswer`, `ServerRefused`, and `OperationOver` where the operation cannot go on."""

    def __init__(self, origin: str, *, allowed: Sequence[str]) -> None:
        """Refuses an origin that is not on the list with `OriginRefused`, before any byte is sent."""
        self.origin = normal_origin(origin)
        if self.origin not in {normal_origin(each) for each in allowed}:
            raise OriginRefused("origin not on the list", origin=self.origin)

    def claim(self, code: str) -> Claimed:
        """Spend the code (`normal_code`) for the operation's token."""
        answer = self._ask("/imza/v1/claim", {"code": code, "signer": SIGNER}, _CLAIM)
        if answer["origin"] != self.origin:
            raise BadAnswer("the operation belongs to another origin")
        if not _COMPARISON.fullmatch(answer["comparison"]) or not 0 < answer["size"] <= LARGEST_DOCUMENT:
            raise BadAnswer("comparison code or size out of form")
        return Claimed(
            token=_word(answer["token"]),
            purpose=_line(answer["purpose"], 24),
            comparison=answer["comparison"],
            origin=answer["origin"],
            expires_at=_moment(answer["expires_at"]),
            account=_line(answer["account"], 400),
            content_type=_line(answer["content_type"], 80),
            size=answer["size"],
        )

    def offer(self, token: str, certificate: bytes, chain: Sequence[bytes]) -> Offer:
        """Show the certificate; the provider judges it before it gives the document away."""
        sent = {"token": token, "certificate": _base64(certificate), "chain": [_base64(each) for each in chain]}
        answer = self._ask("/imza/v1/certificate", sent, _OFFER)
        if answer["document_url"] != "/imza/v1/document":
            raise BadAnswer("the document lies elsewhere")
        try:
            digest = binascii.unhexlify(answer["digest"])
        except ValueError as error:
            raise BadAnswer("digest is not hexadecimal") from error
        if len(digest) != 32:  # S-020
            raise BadAnswer("digest length does not fit SHA-256")
        return Offer(answer["document_url"], _moment(answer["signing_time"]), digest)

    def document(self, token: str, offer: Offer, *, size: int) -> bytes:
        """The bytes to sign. Refuses with `DocumentDiffers` any other number of bytes than was announced."""
        status, kind, raw = self._exchange("GET", offer.document_path, None, {"X-Imza-Token": token}, limit=size)
        if status != 200:
            raise _refusal(status, kind, raw)
        if kind != "application/octet-stream":
            raise BadAnswer("the document is not given as bytes")
        if len(raw) != size:
            raise DocumentDiffers("other size than announced")
        return raw

    def deliver(self, token: str, signature: bytes) -> None:
        """Post the signature; returns only when the provider says that it is stored."""
        answer = self._ask("/imza/v1/signature", {"token": token, "signature": _base64(signature)}, _STATE)
        if answer["state"] != "SIGNED":
            raise BadAnswer("the operation is not signed")

    def deliver_request(self, token: str, signature: bytes) -> str:
        """As `deliver`, of a request: what must be brought back to the browser that asked."""
        answer = self._ask("/imza/v1/signature", {"token": token, "signature": _base64(signature)}, _RETURN)
        if answer["state"] != "SIGNED" or not _RETURN_TOKEN.fullmatch(answer["return_token"]):
            raise BadAnswer("not signed, or nothing to bring back")
        return str(answer["return_token"])

    def cancel(self, token: str, reason: str) -> None:
        """Tell the provider that nothing will come."""
        self._ask("/imza/v1/cancel", {"token": token, "reason": reason}, _STATE)

    def _ask(self, path: str, sent: Mapping[str, object], form: Mapping[str, type]) -> dict[str, Any]:
        body = json.dumps(sent).encode()
        headers = {"Content-Type": "application/json"}
        status, kind, raw = self._exchange("POST", path, body, headers, limit=LARGEST_ANSWER)
        if status != 200:
            raise _refusal(status, kind, raw)
        return _object(kind, raw, form)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], *, limit: int
    ) -> tuple[int, str, bytes]:
        connection = self._connection()
        try:
            connection.request(method, path, body, {"Accept": "application/json", "User-Agent": SIGNER, **headers})
            answer = connection.getresponse()
            # one byte more than may come; an error's text may be longer than a tiny document
            raw = answer.read(max(limit, LARGEST_ANSWER if answer.status != 200 else 0) + 1)
            if len(raw) > max(limit, LARGEST_ANSWER if answer.status != 200 else 0):
                raise BadAnswer("more bytes than announced")
            return answer.status, answer.headers.get_content_type(), raw
        except ssl.SSLError as error:
            raise InsecureConnection("TLS failed") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{type(error).__name__}") from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.origin)
        host = parts.hostname or ""
        if parts.scheme == "https":
            return http.client.HTTPSConnection(host, parts.port, timeout=PATIENCE, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, parts.port, timeout=PATIENCE)


_CLAIM: Mapping[str, type] = {
    "token": str,
    "purpose": str,
    "comparison": str,
    "origin": str,
    "expires_at": str,
    "account": str,
    "content_type": str,
    "size": int,
}
_OFFER: Mapping[str, type] = {"document_url": str, "signing_time": str, "digest": str}
_STATE: Mapping[str, type] = {"state": str}
_RETURN: Mapping[str, type] = {"state": str, "return_token": str}
_ERROR: Mapping[str, type] = {"code": str, "message": str}


def _refusal(status: int, kind: str, raw: bytes) -> Exception:
    if not 400 <= status < 600:
        return BadAnswer(f"status {status}")
    answer = _object(kind, raw, _ERROR)
    if answer["code"] == OVER:
        return OperationOver(f"refused with {status}")
    message = f"{_line(answer['message'], 600)} ({_line(answer['code'], 16)})"
    return ServerRefused(f"refused with {status}", message=message, server_code=answer["code"], status=status)


def _object(kind: str, raw: bytes, form: Mapping[str, type]) -> dict[str, Any]:
    if kind != "application/json":
        raise BadAnswer("not JSON")
    try:
        answer = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except ValueError as error:
        raise BadAnswer("not JSON") from error
    if not isinstance(answer, dict) or answer.keys() != form.keys():
        raise BadAnswer("other fields than the protocol knows")
    if any(type(answer[name]) is not kind_of for name, kind_of in form.items()):
        raise BadAnswer("a field of another type")
    return answer


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise BadAnswer("a field twice")
    return dict(pairs)


def _moment(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise BadAnswer("not a time in UTC")
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadAnswer("not a time in UTC") from error


def _line(text: str, longest: int) -> str:
    """One line to be shown: no controls, no direction overrides, not too long."""
    try:
        if len(text) > longest:
            raise BadAnswer("a text is too long")
        return clean(text)
    except DocumentUnreadable as error:
        raise BadAnswer("a text with hidden letters") from error


def _word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{20,200}", text):
        raise BadAnswer("the token is out of form")
    return text


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
