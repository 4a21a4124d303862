"""An outside that answers slowly: what is done is kept, and nobody's other work waits behind it (R-016, R-014).

A worker that gives no sign of life for forty seconds is killed (`script/supervisor.py`), and a claim runs out after a
minute.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from evidence import issue, outside
from evidence.models import SealedEvidence, SealRequest, SealWork
from evidence.refusals import TimestampRefused, TimestampUnavailable
from mailbox import checking, takeout, tasks
from mailbox.models import Message
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.database, pytest.mark.queue]


class Stopwatch:
    """A monotonic clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    watch = Stopwatch()
    monkeypatch.setattr("evidence.issue.monotonic", watch)
    monkeypatch.setattr("mailbox.lot.monotonic", watch)
    return watch


class SlowStamper:
    """The real authority, fifteen seconds late."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        self._stopwatch, self._stamper = stopwatch, outside.stamper()

    def stamp(self, digest: bytes) -> bytes:
        self._stopwatch.seconds += 15
        return self._stamper.stamp(digest)

    def stamp_many(self, digests: Sequence[bytes]) -> list[bytes | TimestampUnavailable | TimestampRefused]:
        return [self.stamp(digest) for digest in digests]


def test_a_slow_authority_never_costs_the_seals_that_it_gave(road: Road, stopwatch: Stopwatch) -> None:
    """Fifty stamps of three seconds each outlast the claims of the batch: it must be stored before."""
    for number in range(4):
        road.sign(road.draft(subject=f"Konu {number}"))
    road.turn("deliver")
    assert SealWork.objects.count() == 4
    signer, stamper = issue.open_signer(), SlowStamper(stopwatch)
    stored = issue.seal_due(signer=signer, stamper=stamper, now=road.clock.now, worker="one")
    assert stored == SealedEvidence.objects.count() == 2
    rest = SealWork.objects.all()
    assert [(each.tries, each.claimed_until) for each in rest] == [(0, None), (0, None)]
    assert issue.seal_due(signer=signer, stamper=stamper, now=road.clock.now, worker="two") == 2
    assert not SealWork.objects.exists()


def test_a_slow_check_leaves_the_other_rows_to_the_next_turn(
    road: Road, stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        road.sign(road.draft(subject=f"Konu {number}"))
    tasks.submit_signed(road.clock.now)
    judge, judged = checking._judge, []

    def slow(each: Any, *rest: Any) -> Any:
        stopwatch.seconds += 15
        judged.append(each.message.pk)
        return judge(each, *rest)

    monkeypatch.setattr(checking, "_judge", slow)
    assert tasks.check_due(road.clock.now) == 2
    waiting = Message.objects.exclude(pk__in=judged)
    assert [(each.tries, each.claimed_until) for each in waiting] == [(0, None), (0, None)]
    assert tasks.check_due(road.clock.now) == 2
    assert len(set(judged)) == 4


def test_a_slow_bundle_leaves_the_other_ones_to_the_next_turn(
    road: Road, stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle is asked by a page, a proof is owed by law: the seals of the same worker must get their turn."""
    for number in range(4):
        SealRequest.objects.create(
            kind=takeout.BUNDLE, reference=f"item{number}", version="1", asked_by="", asked_at=road.clock.now,
            due_at=road.clock.now,
        )  # fmt: skip

    def slow(request: SealRequest, **_: Any) -> None:
        stopwatch.seconds += 15
        SealRequest.objects.filter(pk=request.pk).update(finished_at=road.clock.now)

    monkeypatch.setattr(takeout, "make_bundle", slow)
    assert tasks.bundles_due(road.clock.now) == 2
    rest = SealRequest.objects.filter(finished_at=None)
    assert [(each.tries, each.claimed_until) for each in rest] == [(0, None), (0, None)]
    assert tasks.bundles_due(road.clock.now) == 2
