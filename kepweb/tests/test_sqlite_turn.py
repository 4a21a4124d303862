"""A writer of SQLite that waits for its turn: short steps, the configured timeout, the same error (kepweb/sqlite)."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import OperationalError, connection, transaction

from evidence.interruptions import is_interruption
from kepweb.sqlite import base
from signing.models import CodeMiss

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="only on SQLite: PostgreSQL has many writers"),
]
NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class Clock:
    """Stands still but for the steps somebody sleeps; may do something after so many of them."""

    def __init__(self, after: int = 10**9, then: object = None) -> None:
        self.now, self.steps, self._after, self._then = 0.0, [], after, then

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.steps.append(seconds)
        if len(self.steps) == self._after:
            self._then()


@pytest.fixture
def neighbour() -> Iterator[sqlite3.Connection]:
    connection.ensure_connection()
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, uri=True)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def write() -> None:
    with transaction.atomic():
        CodeMiss.objects.create(client="x", at=NOON)


def write_outside() -> None:
    CodeMiss.objects.filter(client="y").update(at=NOON)


@pytest.mark.parametrize("work", [write, write_outside])
def test_the_turn_is_taken_within_two_milliseconds_of_its_being_free(monkeypatch, neighbour, work):
    clock = Clock(after=7, then=lambda: neighbour.execute("ROLLBACK"))
    monkeypatch.setattr(base, "time", clock)
    work()
    assert len(clock.steps) == 7
    assert clock.steps[:3] == [0.0005, 0.001, 0.002]
    assert max(clock.steps) == base.LONGEST_STEP


@pytest.mark.parametrize("work", [write, write_outside])
def test_a_lock_that_stays_is_an_interruption_after_the_timeout(monkeypatch, neighbour, work):
    clock = Clock()
    monkeypatch.setattr(base, "time", clock)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 3)
    with pytest.raises(OperationalError) as refused:
        work()
    assert is_interruption(refused.value)
    assert 3 <= clock.now < 3.01
    assert not connection.in_atomic_block
    neighbour.execute("ROLLBACK")
    work()


def test_other_errors_are_not_asked_again(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(base, "time", clock)
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")
    assert clock.steps == []
