"""Many time-stamps at once: each checked like a single one, and an authority that goes away costs no order (A-006)."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from evidence import der
from evidence.refusals import TimestampRefused, TimestampUnavailable
from evidence.tests.pki import NOW, TSA_POLICY, Authority, pki
from evidence.timestamp import HttpStamper, check_token
from guards.errors import KepError
from guards.outbound import OutboundClient, OutboundUnavailable, Reply
from guards.tests.test_outbound import _Handler, serving

pytestmark = pytest.mark.loopback

OURS = pki()
DIGESTS = [hashlib.sha256(str(number).encode()).digest() for number in range(40)]


def stamper(client: OutboundClient, url: str, *, together: bool = True, **more: object) -> HttpStamper:
    """As `evidence.outside` builds it, with the clock of the test world."""

    def post(url: str, body: bytes, content_type: str) -> bytes:
        return client.post(url, body, content_type).body

    def post_many(url: str, bodies: Sequence[bytes], content_type: str) -> list[bytes | KepError]:
        return [
            reply.body if isinstance(reply, Reply) else reply for reply in client.post_many(url, bodies, content_type)
        ]

    settings: dict[str, object] = {"policies": {TSA_POLICY}, "anchors": OURS.anchors, "clock": lambda: NOW}
    settings["post_many"] = post_many if together else None
    return HttpStamper(url, post, **(settings | more))  # type: ignore[arg-type]


class Serving:
    """An authority behind a real socket that can be bent for single digests; `asked` counts the requests."""

    def __init__(self, bend: Callable[[bytes, int], bytes | None]) -> None:
        self.asked, self._bend, self._authority = 0, bend, Authority(OURS.tsa("p256"))
        self._lock = threading.Lock()

    def __call__(self, handler: _Handler) -> None:
        digest = der.read(handler.body).children[1].children[1].as_octets()
        with self._lock:
            self.asked += 1
            reply = self._bend(digest, self.asked)
            if reply is None:
                reply = self._authority.answer(handler.body)
        if reply:
            handler.send(200, reply, Content_Type="application/timestamp-reply")
        else:
            handler.close_connection = True


def reasons(tokens: Sequence[bytes | KepError]) -> list[str]:
    return [token.reason if isinstance(token, KepError) else "" for token in tokens]


@pytest.mark.parametrize("together", [True, False], ids=["together", "one by one"])
def test_each_digest_gets_its_own_checked_token_in_order(together: bool) -> None:
    authority = Serving(lambda digest, count: None)
    with serving(authority) as server:
        client = OutboundClient([server.origin])
        tokens = stamper(client, server.origin, together=together).stamp_many(DIGESTS)
        client.close()
    assert (authority.asked, server.connections) == (len(DIGESTS), 8 if together else 1)
    facts = [check_token(token, digest, trust=OURS.anchors) for token, digest in zip(tokens, DIGESTS, strict=True)]  # type: ignore[arg-type]
    assert len({each.nonce for each in facts}) == len(DIGESTS)


@pytest.mark.parametrize("together", [True, False], ids=["together", "one by one"])
def test_an_authority_that_dies_midway_leaves_its_tokens_in_order_and_the_rest_is_a_hold(together: bool) -> None:
    authority = Serving(lambda digest, count: b"" if count > 11 else None)
    with serving(authority) as server:
        client = OutboundClient([server.origin])
        tokens = stamper(client, server.origin, together=together).stamp_many(DIGESTS)
        client.close()
    assert len(tokens) == len(DIGESTS)
    given = [(token, digest) for token, digest in zip(tokens, DIGESTS, strict=True) if isinstance(token, bytes)]
    assert 3 <= len(given) <= 11
    for token, digest in given:
        assert check_token(token, digest, trust=OURS.anchors).imprint == digest
    assert {type(token) for token in tokens} == {bytes, TimestampUnavailable}
    assert not any(isinstance(token, bytes) for token in tokens[20:])
    assert authority.asked < len(DIGESTS)


def test_a_wrong_token_is_refused_for_its_own_digest_only() -> None:
    """Another imprint, another answer than a token, an authority that says no, one that says later."""
    wrong = Authority(OURS.tsa("p256")).token(hashlib.sha256(b"baska").digest())
    bent = {
        DIGESTS[2]: der.seq(der.seq(der.integer(0)), wrong),
        DIGESTS[5]: b"<html>",
        DIGESTS[7]: der.seq(der.seq(der.integer(2), der.bits(b"\x80", 7))),
        DIGESTS[9]: der.seq(der.seq(der.integer(2), der.bits(b"\x00\x02", 1))),
    }
    with serving(Serving(lambda digest, count: bent.get(digest))) as server:
        client = OutboundClient([server.origin])
        tokens = stamper(client, server.origin).stamp_many(DIGESTS)
        client.close()
    expected = [""] * len(DIGESTS)
    expected[2], expected[5], expected[7], expected[9] = "imprint", "not-der", "not-granted", "authority-cannot-now"
    assert reasons(tokens) == expected
    assert isinstance(tokens[9], TimestampUnavailable)
    assert {type(tokens[at]) for at in (2, 5, 7)} == {TimestampRefused}


def test_answers_that_were_swapped_on_the_way_are_refused() -> None:
    """Two of our own requests, each with the other's token: nonce and imprint tell."""
    answers: dict[bytes, bytes] = {}

    def post_many(url: str, bodies: Sequence[bytes], content_type: str) -> list[bytes | KepError]:
        answers.update((body, Authority(OURS.tsa("p256")).answer(body)) for body in bodies)
        return [answers[body] for body in reversed(bodies)]

    swapped = HttpStamper("http://zd.example/tsa", lambda *_: b"", anchors=OURS.anchors, clock=lambda: NOW,
                          post_many=post_many)  # fmt: skip
    assert reasons(swapped.stamp_many(DIGESTS[:2])) == ["imprint", "imprint"]
    assert reasons(swapped.stamp_many([DIGESTS[0], DIGESTS[0]])) == ["nonce", "nonce"]


def test_what_does_not_get_through_is_a_hold_and_what_is_not_taken_is_refused() -> None:
    away = HttpStamper("http://tsa.example", lambda *_: b"", post_many=lambda *_: [OutboundUnavailable("x")] * 2)
    assert [type(each) for each in away.stamp_many(DIGESTS[:2])] == [TimestampUnavailable] * 2
    closed = OutboundClient(["http://other.example"])
    refused = stamper(closed, "http://tsa.example").stamp_many(DIGESTS[:2])
    assert [type(each) for each in refused] == [TimestampRefused] * 2
    assert stamper(closed, "http://tsa.example").stamp_many([]) == []


@pytest.mark.parametrize("off", [timedelta(), timedelta(minutes=4), timedelta(minutes=6), timedelta(minutes=-6)])
def test_whoever_watches_the_clocks_hears_what_the_authority_said(off: timedelta) -> None:
    """Also of a token that is refused for its time: that is the drift that must be seen (R-040)."""
    heard: list[tuple[datetime, datetime]] = []
    with serving(Serving(lambda digest, count: None)) as server:
        client = OutboundClient([server.origin])
        watched = stamper(
            client, server.origin, clock=lambda: NOW + off, observe=lambda said, _, now: heard.append((said, now))
        )
        tokens = watched.stamp_many(DIGESTS[:3])
        client.close()
    assert heard == [(NOW, NOW + off)] * 3
    assert reasons(tokens) == ["time" if abs(off) > timedelta(minutes=5) else ""] * 3
