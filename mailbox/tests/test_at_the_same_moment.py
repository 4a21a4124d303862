"""Two hands on one row at the same moment: one act happens, the other hears so, nothing is lost (V-047, R-011)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from evidence import issue, outside
from evidence.claims import claim
from evidence.models import SealedEvidence, SealWork
from mailbox import compose, integrity, submit, tasks
from mailbox.compose import FileGiven
from mailbox.errors import StaleState
from mailbox.models import Draft, Message
from mailbox.state_names import MessageState
from mailbox.tests.road import Road
from mailbox.trouble import hold, put_back
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database, pytest.mark.queue]
WAIT = 10.0


def side_by_side(*acts: Callable[[], object]) -> list[object]:
    """What each act gave, or the exception it ended with; they start together in threads of their own."""
    outcomes: list[object] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(number: int, act: Callable[[], object]) -> None:
        start.wait(WAIT)
        try:
            outcomes[number] = act()
        except Exception as error:  # noqa: BLE001 - an outcome like any other
            outcomes[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * WAIT)
    return outcomes


def test_a_draft_that_was_sent_meanwhile_is_not_deleted(road: Road) -> None:
    """The page still shows the draft, the worker has just submitted it: if the check refuses, it must come back."""
    draft = road.draft()
    road.sign(draft)
    seen = Draft.objects.get(pk=draft.pk)
    tasks.submit_signed(road.clock.now)
    with pytest.raises(StaleState):
        compose.discard(seen)
    assert Message.objects.get().draft == draft


def test_a_message_taken_back_while_it_is_checked_is_not_due_again(road: Road) -> None:
    road.sign(road.draft())
    tasks.submit_signed(road.clock.now)
    (first,) = claim(Message.objects.filter(state=MessageState.CHECKING), now=road.clock.now, limit=5)
    submit.withdraw(Message.objects.get(), acting=road.acting(), now=road.clock.now)
    hold(first, outside.RevocationUnknown("no answer"), now=road.clock.now)
    put_back(first, RuntimeError("late"), now=road.clock.now)
    message = Message.objects.get()
    assert (message.state, message.due_at, message.hold_reason) == (MessageState.RETURNED, None, "")
    assert list(integrity.findings(road.clock.move(hours=1))) == []


@pytest.mark.django_db(transaction=True)
def test_files_added_from_two_windows_are_both_kept(road: Road) -> None:
    draft = road.draft()
    before = draft.version
    windows = [Draft.objects.get(pk=draft.pk) for _ in range(4)]

    def add(number: int) -> Callable[[], object]:
        return lambda: compose.attach(
            windows[number], [FileGiven(f"{number}.txt", bytes([number]))], now=road.clock.now
        )

    outcomes = side_by_side(*(add(number) for number in range(4)))
    assert [each for each in outcomes if isinstance(each, Exception)] == []
    assert list(draft.attachments.values_list("position", flat=True)) == [1, 2, 3, 4]
    draft.refresh_from_db()
    assert draft.version == before + 4


@pytest.mark.django_db(transaction=True)
def test_asking_again_while_the_signature_is_being_submitted_ends_in_one_message(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both touch the draft and its operation; were they to lock them in another order, the database would kill one."""
    if connection.vendor == "sqlite":
        pytest.skip("only on PostgreSQL: SQLite lets one writer in at a time")
    draft = road.draft()
    operation = road.sign(draft)
    seen, acting, visit = Draft.objects.get(pk=draft.pk), road.acting(), road.visit()
    consumed, drafted = threading.Event(), threading.Event()
    begin, ask = submit.states.begin, compose.operations.ask

    def begin_late(*args: Any, **more: Any) -> None:
        consumed.set()
        drafted.wait(1)
        begin(*args, **more)

    def ask_late(**more: Any) -> object:
        drafted.set()
        return ask(**more)

    monkeypatch.setattr(submit.states, "begin", begin_late)
    monkeypatch.setattr(compose.operations, "ask", ask_late)

    def again() -> object:
        consumed.wait(WAIT)
        return compose.ask_signature(seen, acting=acting, visit=visit, now=road.clock.now)

    sent, asked = side_by_side(lambda: submit.submit(operation, now=road.clock.now), again)
    assert isinstance(sent, Message), sent
    assert isinstance(asked, StaleState), asked
    assert SigningOperation.objects.get().state == SigningOperation.State.CONSUMED


@pytest.mark.django_db(transaction=True)
def test_a_second_sealer_that_comes_late_stores_what_is_still_owed(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its claim had run out, and the other one commits in the very moment in which it looks."""
    if connection.vendor == "sqlite":
        pytest.skip("only on PostgreSQL: SQLite lets one writer in at a time")
    for number in range(2):
        road.sign(road.draft(subject=f"Konu {number}"))
    road.turn("deliver")
    signer, stamper, now = issue.open_signer(), outside.stamper(), road.clock.now
    works = issue._claim(now=now, worker="late", limit=50)

    def sealed(work: SealWork) -> SealedEvidence:
        unstamped = issue._sign_one(work.intent, signer=signer, now=now)
        raw = unstamped.finish(stamper.stamp(unstamped.stamp_digest))
        return issue._checked_seal(work.intent, raw, signer=signer, now=now)

    late = [(each, sealed(each)) for each in works]
    other = sealed(works[0])
    stored, looked = threading.Event(), threading.Event()

    def first() -> None:
        with issue.transaction.atomic():
            other.save(force_insert=True)
            SealWork.objects.filter(pk=works[0].pk).delete()
            stored.set()
            looked.wait(1)

    def second() -> int:
        stored.wait(WAIT)
        return sum(issue._store_if_owed(work, proof, now=now) for work, proof in late)

    _, count = side_by_side(first, second)
    assert count == 1
    assert SealedEvidence.objects.count() == 2
    assert not SealWork.objects.exists()


def test_sealers_of_one_machine_with_a_long_name_claim_different_work(road: Road) -> None:
    """The mark of a claim is cut to its column; what tells two claims apart must not be what is cut off."""
    for number in range(2):
        road.sign(road.draft(subject=f"Konu {number}"))
    road.turn("deliver")
    name = f"{'makine-' * 9}:4711"
    (first,) = issue._claim(now=road.clock.now, worker=name, limit=1)
    (second,) = issue._claim(now=road.clock.now, worker=name, limit=1)
    assert first.claimed_by != second.claimed_by
