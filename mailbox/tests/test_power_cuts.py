"""The process dies at each named point; after a restart there is one message, one delivery, one proof each.

R-001, R-002, R-008: nothing accepted is lost, nothing is done twice, and the store checker finds nothing. The
worker runs in a forked process of its own that ends without clean-up, as in a power cut; then the clock moves
past the claim, and the next worker finds what is due.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from evidence import integrity as evidence_integrity
from evidence import issue, outside
from evidence.tests import test_packs
from guards import crash_points
from mailbox import delivery, integrity, reading
from mailbox.lot import Lot
from mailbox.models import BoxItem, Envelope, Message
from mailbox.tests.road import Clock, Road

pytestmark = [pytest.mark.loopback, pytest.mark.crash, pytest.mark.django_db(transaction=True)]

WORKER_POINTS = (
    "submit.after_questions",
    "submit.before_commit",
    "submit.after_commit",
    "check.before_stamp_kept",
    "check.after_stamp",
    "check.after_vault",
    "check.before_commit",
    "check.after_commit",
    "seal.after_claim",
    "seal.after_signature",
    "seal.before_store",
    "seal.after_store",
    "release.after_vault",
    "release.before_commit",
    "release.after_commit",
    "deliver.before_commit",
    "deliver.after_commit",
)
WEB_POINTS = ("sign.before_commit", "sign.after_commit", "read.before_commit", "read.after_commit")
KILLED = 137


@pytest.fixture
def road(transactional_db: None, provider: Any) -> Road:
    return Road(provider.directory, Clock())


def dies_at(point: str, work: Callable[[], object]) -> int:
    """Run `work` in a process of its own that ends at `point`; its exit status."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for module in (issue, outside):
                for value in vars(module).values():
                    if hasattr(value, "cache_clear"):
                        value.cache_clear()
            crash_points.watch(lambda name: os._exit(KILLED) if name == point else None)
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def assert_one_of_each(road: Road, *codes: tuple[int, int]) -> Message:
    message = Message.objects.get()
    proofs = issue.sealed_proofs([message.kep_id])[message.kep_id]
    assert [(each.intent.recipient_no, each.intent.code) for each in proofs] == list(codes)
    assert BoxItem.objects.filter(folder="inbox").count() == 1
    assert BoxItem.objects.filter(folder="sent").count() == 1
    assert Envelope.objects.count() == 1
    found = [*evidence_integrity.findings(road.clock.now), *integrity.findings(road.clock.now)]
    assert found == []
    return message


@pytest.mark.parametrize("point", WORKER_POINTS)
def test_a_worker_dies_and_the_next_one_goes_on(road: Road, point: str) -> None:
    road.sign(road.draft())
    assert dies_at(point, road.turn) == KILLED
    road.clock.move(minutes=2)
    road.turn()
    assert_one_of_each(road, (0, 10), (1, 40))


def test_a_worker_that_wakes_after_its_claim_ran_out_finds_the_message_gone_and_says_nothing(road: Road) -> None:
    """Seed 22 of the simulation: put aside between claim and reading, it met recipients that had moved on."""
    road.sign(road.draft())
    road.turn()
    late = Message.objects.prefetch_related("recipients").get()
    failed: list[Exception] = []
    lot = Lot([late], road.clock.now, failed=lambda _, error: failed.append(error), spared=lambda _: None)
    assert delivery.release_all(lot, signer=issue.open_signer(), stamper=outside.stamper()) == 0
    assert failed == []
    assert_one_of_each(road, (0, 10), (1, 40))


def test_death_after_the_first_stamp_keeps_the_bytes(road: Road) -> None:
    """The time-stamp is fetched once: the original's digest is the same before and after the crash (design.md 1.3)."""
    from mailbox.models import OriginalStamp

    road.sign(road.draft())
    assert dies_at("check.after_stamp", road.turn) == KILLED
    first = bytes(OriginalStamp.objects.get().token)
    road.clock.move(minutes=2)
    road.turn()
    assert bytes(OriginalStamp.objects.get().token) == first


def test_the_web_dies_before_the_signature_is_kept(road: Road) -> None:
    """The signer heard no "done"; the operation is still open, the draft is there, signing again works."""
    draft = road.draft()
    assert dies_at("sign.before_commit", lambda: road.sign(draft)) == KILLED
    assert road.turn() == 0
    assert not Message.objects.exists()
    road.sign(draft)
    road.turn()
    assert_one_of_each(road, (0, 10), (1, 40))


def test_the_web_dies_after_the_signature_is_kept(road: Road) -> None:
    """The browser may be gone, the message goes (design.md 4)."""
    draft = road.draft()
    assert dies_at("sign.after_commit", lambda: road.sign(draft)) == KILLED
    road.turn()
    assert_one_of_each(road, (0, 10), (1, 40))


@pytest.mark.parametrize(("point", "is_read"), [("read.before_commit", False), ("read.after_commit", True)])
def test_the_web_dies_while_somebody_opens(road: Road, point: str, is_read: bool) -> None:
    message = road.send()
    item = road.arrived(message)
    assert dies_at(point, lambda: reading.open_message(item, reader=road.reader(), now=road.clock.now)) == KILLED
    road.clock.move(minutes=2)
    road.turn()
    assert (road.arrived(message).opened_at is not None) is is_read
    assert_one_of_each(road, (0, 10), (1, 40), *(((1, 60),) if is_read else ()))
    reading.open_message(road.arrived(message), reader=road.reader(), now=road.clock.now)
    road.turn()
    assert_one_of_each(road, (0, 10), (1, 40), (1, 60))


def test_every_point_in_the_code_has_its_test() -> None:
    """A new crash point without a test is found here."""
    root = Path(__file__).resolve().parents[2]
    named = {
        name
        for app in ("evidence", "signing", "mailbox")
        for path in (root / app).glob("*.py")
        for name in re.findall(r'(?:passing\(|point=)"([a-z_.]+)"', path.read_text())
    }
    assert named == {*WORKER_POINTS, *WEB_POINTS, *test_packs.POINTS}


def test_every_point_is_explained_in_the_documents() -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    written = (docs / "QUEUE.md").read_text() + (docs / "SEALING.md").read_text()
    assert [name for name in (*WORKER_POINTS, *WEB_POINTS) if name not in written] == []
