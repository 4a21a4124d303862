"""Bells ring after the commit, never fail and hardly wait (R-010, design.md 1.6)."""

import time

import pytest
from django.db import transaction
from kombu.exceptions import OperationalError

from kepweb import bell


@pytest.fixture(autouse=True)
def rested(monkeypatch):
    """Nobody has failed to ring yet."""
    monkeypatch.setattr(bell, "_quiet_until", 0.0)
    bell.unheard.clear()
    bell._producers.cache_clear()


@pytest.fixture
def heard(monkeypatch):
    """What would have been sent, by queue."""
    rung = []
    monkeypatch.setattr(bell.wake_up, "apply_async", lambda **options: rung.append(options["queue"]))
    return rung


@pytest.mark.django_db(transaction=True)
def test_a_bell_rings_after_the_commit_and_not_before(heard):
    with transaction.atomic():
        bell.ring_seal()
        assert heard == []
    assert heard == ["seal"]


@pytest.mark.django_db(transaction=True)
def test_a_step_that_is_undone_rings_no_bell(heard):
    with transaction.atomic():
        bell.ring_deliver()
        transaction.set_rollback(True)
    assert heard == []


def test_without_a_broker_ringing_is_counted_and_quick():
    began = time.monotonic()
    assert [bell.ring_now("seal") for _ in range(50)] == [False] * 50
    assert time.monotonic() - began < 2
    assert bell.unheard == {"seal": 50}


def test_after_a_failure_nobody_knocks_for_some_seconds(monkeypatch):
    knocks = []

    def knock(**_):
        knocks.append(1)
        raise OperationalError

    monkeypatch.setattr(bell.wake_up, "apply_async", knock)
    bell.ring_now("deliver")
    bell.ring_now("deliver")
    monkeypatch.setattr(bell, "_quiet_until", time.monotonic() - 1)
    bell.ring_now("deliver")
    assert len(knocks) == 2
    assert bell.unheard["deliver"] == 3


def test_work_on_one_queue_rings_the_others(heard):
    bell.ring_others("deliver")
    assert heard == ["seal"]


def test_a_queue_nobody_works_on_has_no_bell():
    with pytest.raises(ValueError, match="no such queue"):
        bell.ring_now("relay")
