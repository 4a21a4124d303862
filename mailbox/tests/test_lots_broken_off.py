"""What the database breaks off is nobody's fault: nothing is counted, all claims are free at once (R-019)."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.db import Error, InterfaceError, connection

from evidence.interruptions import is_interruption
from evidence.models import SealRequest
from evidence.tests.interrupted import break_off
from mailbox import lot as lots
from mailbox import takeout, tasks
from mailbox.lot import Lot
from mailbox.models import BoxItem
from mailbox.tests.road import Clock, Road

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.database,
    pytest.mark.queue,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def next_test_begins_anew(transactional_db: None) -> Iterator[None]:
    """A connection that was ended, or has no patience, is not handed on."""
    yield
    connection.close()


@pytest.fixture
def two_bundles_asked(transactional_db: None, provider: Any) -> Road:
    """Somebody has sent two messages and asked for the proofs of both; nothing else is to be done."""
    road = Road(provider.directory, Clock())
    for subject in ("Konu", "Başka"):
        road.send(subject=subject)
    for item in BoxItem.objects.select_related("message", "recipient").filter(folder="sent"):
        takeout.ask_bundle(item, asked_by="test", now=road.clock.now)
    assert SealRequest.objects.count() == 2
    return road


def test_a_bundle_that_is_broken_off_is_no_failure_of_its_request(
    two_bundles_asked: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = two_bundles_asked.clock.now
    with monkeypatch.context() as patch:
        met = break_off(patch, takeout, "make_bundle")
        with pytest.raises(Error) as raised:
            tasks.bundles_due(now)
    assert (is_interruption(raised.value), met) == (True, ["make_bundle"])
    columns = ("tries", "failures", "last_error", "claimed_until", "finished_at")
    assert list(SealRequest.objects.values_list(*columns)) == [(0, 0, "", None, None)] * 2
    assert tasks.bundles_due(now) == 2


def test_a_worker_gives_a_sign_of_life_before_each_bundle(
    two_bundles_asked: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    whole = takeout.make_bundle

    def make_bundle(*given: Any, **more: Any) -> None:
        happened.append("bundle")
        whole(*given, **more)

    monkeypatch.setattr(takeout, "make_bundle", make_bundle)
    monkeypatch.setattr(lots, "heard", lambda: happened.append("alive"))
    assert tasks.bundles_due(two_bundles_asked.clock.now) == 2
    assert happened[:4] == ["alive", "bundle", "alive", "bundle"]


def test_rows_that_go_alone_are_all_given_back_when_one_of_them_is_broken_off() -> None:
    """The common question failed; the first row went through alone, and nobody got round to the third."""
    failed: list[int] = []
    spared: set[int] = set()

    def verb(some: Lot[int]) -> int:
        if len(some.rows) > 1:
            raise RuntimeError("one of them")
        if some.rows[0] == 2:
            raise InterfaceError("the connection is closed")
        return 1

    def spare(rows: Sequence[int]) -> None:
        spared.update(rows)

    lot = Lot([1, 2, 3], Clock().now, failed=lambda row, _: failed.append(row), spared=spare)
    with pytest.raises(InterfaceError):
        lot.through(verb)
    assert (failed, spared) == ([], {1, 2, 3})
