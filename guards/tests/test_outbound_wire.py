"""A head that is known by heart says what the standard library says of it, and takes as many bytes."""

import http.client
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.outbound_wire import Response

HEADS = [
    b"HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 \r\nContent-Length: -5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: five\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 5\n\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\n\nrest\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nno colon\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2_000 + b"\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"nonsense\r\n\r\n",
    b"",
]


class _Socket:
    def __init__(self, raw: bytes) -> None:
        self.file = io.BufferedReader(io.BytesIO(raw))  # type: ignore[arg-type]  # readable enough

    def makefile(self, mode: str) -> io.BufferedReader:
        return self.file


def _said(kind: type[http.client.HTTPResponse], raw: bytes) -> tuple[object, ...]:
    """Everything that can be asked of the response, or the kind of its refusal."""
    source = _Socket(raw)
    response = kind(source)  # type: ignore[arg-type]
    try:
        response.begin()
        seen = (
            response.status, response.code, response.reason, response.version, response.length,
            response.will_close, response.chunked, response.headers.items(), response.msg.items(),
        )  # fmt: skip
        return *seen, response.read()
    except (http.client.HTTPException, ValueError) as error:
        return (type(error),)


@pytest.mark.parametrize("head", HEADS)
def test_a_known_head_is_read_as_an_unknown_one(head: bytes) -> None:
    for body in (b"abcde", b"fghij", b"3\r\nabc\r\n0\r\n\r\n", b""):
        expected = _said(http.client.HTTPResponse, head + body)
        assert _said(Response, head + body) == expected
        assert _said(Response, head + body) == expected  # from memory


@given(
    st.lists(
        st.sampled_from([b"\r\n", b"\n", b"Content-Length: 3", b"Connection: close", b" x", b"A: b", b":", b"\r"])
    ),
    st.binary(max_size=20),
)
def test_any_head_is_read_as_the_library_reads_it(pieces: list[bytes], rest: bytes) -> None:
    raw = b"HTTP/1.1 200 OK\r\n" + b"".join(pieces) + b"\r\n\r\n" + rest
    assert _said(Response, raw) == _said(http.client.HTTPResponse, raw)
