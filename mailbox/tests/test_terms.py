"""Deemed reading: 24 hours, one proof, whoever comes first (design.md 1.1.2, K-122)."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from evidence import issue
from evidence.models import EvidenceIntent
from mailbox import reading, tasks
from mailbox.errors import MailboxError
from mailbox.models import Message, Recipient
from mailbox.state_names import RecipientState
from mailbox.terms import UnknownPolicy, term_end
from mailbox.tests.road import Clock, Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]


def sealed_codes(message: Message) -> list[int]:
    return [each.intent.code for each in issue.sealed_proofs([message.kep_id])[message.kep_id]]


def test_unread_for_24_hours_gives_one_61(road: Road) -> None:
    message = road.send()
    road.clock.move(hours=24)
    road.turn()
    road.clock.move(hours=24)
    road.turn()
    assert sealed_codes(message) == [10, 40, 61]
    recipient = Recipient.objects.get(message=message)
    assert recipient.state == RecipientState.DEEMED_READ
    assert recipient.closed_at is not None


def test_a_second_before_the_term_nothing_is_deemed(road: Road) -> None:
    message = road.send()
    road.clock.move(hours=24, seconds=-1)
    road.turn()
    assert sealed_codes(message) == [10, 40]


def test_opened_a_second_before_the_term_gives_60_and_never_61(road: Road) -> None:
    message = road.send()
    road.clock.move(hours=24, seconds=-1)
    reading.open_message(road.arrived(message), reader=road.reader(), now=road.clock.now)
    road.clock.move(hours=48)
    road.turn()
    assert sealed_codes(message) == [10, 40, 60]


def test_opened_after_the_term_before_the_worker_noticed_gives_61_and_no_60(road: Road) -> None:
    """The law has already spoken: docs/QUEUE.md, Two readings."""
    message = road.send()
    road.clock.move(hours=25)
    item = reading.open_message(road.arrived(message), reader=road.reader(), now=road.clock.now)
    road.turn()
    assert sealed_codes(message) == [10, 40, 61]
    assert item.opened_at == road.clock.now


def test_the_proof_of_deemed_reading_states_the_end_of_the_term(road: Road) -> None:
    from evidence.xml import read

    message = road.send()
    road.clock.move(hours=30)
    road.turn()
    facts = read(bytes(EvidenceIntent.objects.get(kep_id=message.kep_id, code=61).unsigned))
    assert facts.reasons[0][0].number == 15
    assert "doldu" in facts.reasons[0][1]
    assert facts.event_at == road.clock.now


@pytest.mark.django_db(transaction=True)
def test_both_racing_make_one_proof(transactional_db: None, provider: object) -> None:
    """The reader opens at the last second while the worker believes that the term has ended."""
    road = Road(provider.directory, Clock())  # type: ignore[attr-defined]
    for _ in range(5):
        message = road.send()
        race_open_against_end(road, message)
        codes = set(EvidenceIntent.objects.filter(kep_id=message.kep_id).values_list("code", flat=True))
        assert len(codes & {60, 61}) == 1


def race_open_against_end(road: Road, message: Message) -> None:
    """Two threads take the two steps from DELIVERED at once."""
    item, reader = road.arrived(message), road.reader()
    before, after = road.clock.now, item.recipient.term_ends_at
    gate = threading.Barrier(2)

    def run(step: Callable[[], object]) -> None:
        gate.wait()
        try:
            step()
        finally:
            connections.close_all()

    steps = (
        lambda: reading.open_message(item, reader=reader, now=before),
        lambda: tasks.end_terms_due(after),
    )
    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    "policy", ["", "hours", "hours:", "hours:-1", "hours:٢٤", "days:1", "end_of_next_business_day"]
)
def test_a_policy_nobody_counts_is_refused(policy: str, clock: Clock) -> None:
    with pytest.raises(UnknownPolicy) as refused:
        term_end(policy, delivered_at=clock.now)
    assert isinstance(refused.value, MailboxError)
