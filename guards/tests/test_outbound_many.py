"""Many calls at once to one origin: in order, several under way, and no waiting for somebody who is gone (V-084)."""

import threading
import time
from collections.abc import Sequence

import pytest

from guards.outbound import OutboundClient, OutboundRefused, OutboundUnavailable, Reply
from guards.tests.test_outbound import _Handler, serving

pytestmark = pytest.mark.loopback

BODIES = [f"soru {number}".encode() for number in range(50)]
TYPE = "text/plain"


def said(answers: Sequence[Reply | OutboundRefused | OutboundUnavailable]) -> list[bytes | str]:
    """The bodies, and the reasons of those that have none."""
    return [answer.body if isinstance(answer, Reply) else answer.reason for answer in answers]


def echo(handler: _Handler) -> None:
    """Answer with what was asked."""
    handler.send(200, handler.body)


def test_answers_come_in_the_order_of_the_questions_over_a_few_kept_connections() -> None:
    with serving(echo) as server:
        client = OutboundClient([server.origin])
        for _ in range(3):
            assert said(client.post_many(f"{server.origin}/tsa", BODIES, TYPE)) == BODIES
        assert client.post(f"{server.origin}/tsa", b"eine", TYPE).body == b"eine"
        assert client.post_many(server.origin, [], TYPE) == []
        client.close()
    assert server.connections == 8
    assert {(method, path, kind) for method, path, _, kind in server.seen} == {("POST", "/tsa", TYPE)}
    assert len(server.seen) == 151


def test_several_are_under_way_at_once() -> None:
    """Each answer waits until eight questions are there: one after the other would never end."""
    together = threading.Barrier(8, timeout=5)

    def answer(handler: _Handler) -> None:
        together.wait()
        echo(handler)

    with serving(answer) as server:
        client = OutboundClient([server.origin])
        assert said(client.post_many(server.origin, BODIES[:16], TYPE)) == BODIES[:16]
        client.close()


def test_the_first_answer_may_be_the_last_to_come() -> None:
    def answer(handler: _Handler) -> None:
        if handler.body == BODIES[0]:
            time.sleep(0.2)
        echo(handler)

    with serving(answer) as server:
        client = OutboundClient([server.origin])
        assert said(client.post_many(server.origin, BODIES, TYPE)) == BODIES
        client.close()


def test_idle_connections_that_the_other_side_had_closed_are_replaced_once_each() -> None:
    def answer(handler: _Handler) -> None:
        echo(handler)
        handler.close_connection = True

    with serving(answer) as server:
        client = OutboundClient([server.origin])
        assert said(client.post_many(server.origin, BODIES, TYPE)) == BODIES
        client.close()
    assert server.connections == len(BODIES)


def test_a_refused_answer_is_the_matter_of_that_one() -> None:
    def answer(handler: _Handler) -> None:
        if handler.body == BODIES[3]:
            handler.send(302, b"", Location="/elsewhere")
        elif handler.body == BODIES[5]:
            handler.send(200, b"x" * 2_000)
        elif handler.body == BODIES[7]:
            handler.send(404, b"yok")
        else:
            echo(handler)

    with serving(answer) as server:
        client = OutboundClient([server.origin], max_bytes=1_000)
        answers = client.post_many(server.origin, BODIES, TYPE)
        client.close()
    assert [type(answer) for answer in answers].count(OutboundRefused) == 2
    expected: list[bytes | str] = list(BODIES)
    expected[3], expected[5], expected[7] = "redirect", "answer too large", b"yok"
    assert said(answers) == expected


@pytest.mark.parametrize("good", [0, 1, 5, 20])
def test_a_service_that_dies_midway_leaves_what_it_gave_and_the_rest_at_once(good: int) -> None:
    dead = threading.Event()

    def answer(handler: _Handler) -> None:
        if int(handler.body.split()[1]) >= good:
            dead.set()
        if dead.is_set():
            handler.close_connection = True
            return  # hangs up without a word
        echo(handler)

    with serving(answer) as server:
        client, began = OutboundClient([server.origin], timeout_s=30), time.monotonic()
        answers = client.post_many(server.origin, BODIES, TYPE)
        client.close()
    assert time.monotonic() - began < 5
    found = said(answers)
    given = [each for each in found if isinstance(each, bytes)]
    assert given == [body for body, each in zip(BODIES, found, strict=True) if isinstance(each, bytes)]
    assert max(0, good - 8) <= len(given) <= good  # those under way at the moment of death may be lost
    assert all(isinstance(each, OutboundUnavailable) for each in answers if not isinstance(each, Reply))
    assert set(found[good + 8 :]) == {"not sent"}
    assert len(server.seen) <= good + 24  # eight under way, each tried once more on a new connection


def test_a_service_that_says_nothing_costs_one_time_out_and_not_one_for_each() -> None:
    stop = threading.Event()
    with serving(lambda handler: stop.wait(5) and None) as server:
        client, began = OutboundClient([server.origin], timeout_s=0.3), time.monotonic()
        try:
            answers = client.post_many(server.origin, BODIES, TYPE)
        finally:
            stop.set()
        client.close()
    assert time.monotonic() - began < 2
    assert set(said(answers[:8])) == {"no answer"}
    assert set(said(answers[8:])) == {"not sent"}


def test_a_slow_service_is_not_asked_for_longer_than_one_call_may_take() -> None:
    def answer(handler: _Handler) -> None:
        time.sleep(0.15)
        echo(handler)

    with serving(answer) as server:
        client = OutboundClient([server.origin], timeout_s=0.4)
        answers = said(client.post_many(server.origin, BODIES, TYPE))
        client.close()
    count = answers.index("not sent")
    assert answers == [*BODIES[:count], *["not sent"] * (len(BODIES) - count)]
    assert 16 <= count <= 40


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_service_that_cannot_now_is_left_alone(status: int) -> None:
    with serving(lambda handler: handler.send(status, b"")) as server:
        client = OutboundClient([server.origin])
        answers = client.post_many(server.origin, BODIES, TYPE)
        client.close()
        assert len(server.seen) == 8
    assert said(answers) == ["cannot now"] * 8 + ["not sent"] * 42


def test_nobody_there_is_known_after_one_try() -> None:
    with serving(echo) as server:
        origin = server.origin
    answers = OutboundClient([origin]).post_many(origin, BODIES, TYPE)
    assert said(answers) == ["no answer"] + ["not sent"] * 49


def test_another_origin_is_refused_before_anything_is_sent() -> None:
    with serving(echo) as server:
        with pytest.raises(OutboundRefused):
            OutboundClient(["http://tsa.example"]).post_many(server.origin, BODIES, TYPE)
        assert server.connections == 0


def test_a_name_that_leads_inside_is_refused_for_all() -> None:
    client = OutboundClient(["http://tsa.example"], resolve=lambda host, port: ["10.0.0.5"])
    answers = client.post_many("http://tsa.example/", BODIES[:3], TYPE)
    assert said(answers) == ["name leads to an inner address", "not sent", "not sent"]
    assert isinstance(answers[0], OutboundRefused)
