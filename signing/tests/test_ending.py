"""Every way an operation ends: late, cancelled, changed, prolonged, used (design.md 1.9, S-017, S-025)."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from guards.refusal_texts import text_of_code
from signing import operations
from signing.errors import (
    OperationOver,
    StaleOperation,
    UnknownCode,
)
from signing.models import SigningOperation
from signing.tests.handover import (
    NOW,
    OWNER,
    Holder,
    asked,
    claimed,
    later,
    offered,
    signed,
    state_of,
)

State = SigningOperation.State
CLIENT = "192.0.2.1"
Issue = Callable[..., Holder]


@pytest.mark.django_db
def test_past_its_term_every_step_is_refused(holder: Holder) -> None:
    token, operation = offered(holder)
    signature, late = holder.sign_operation(operation), later(minutes=10)
    for act in (
        lambda: operations.offer_certificate(token, holder.certificate, [], now=late),
        lambda: operations.document(token, now=late),
        lambda: operations.complete(token, signature, now=late),
    ):
        with pytest.raises(OperationOver):
            act()
    assert operations.expire_due(late) == 1
    assert state_of(operation) == State.EXPIRED


@pytest.mark.django_db
def test_cancelling_ends_every_step_for_the_owner_only(holder: Holder) -> None:
    token, operation = offered(holder)

    assert not operations.cancel(operation.pk, person=uuid4(), now=NOW)
    assert operations.cancel(operation.pk, person=OWNER, now=NOW)
    assert not operations.cancel(operation.pk, person=OWNER, now=NOW)
    with pytest.raises(OperationOver):
        operations.complete(token, holder.sign_operation(operation), now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("user", "", ""),
        ("pin_locked", "IMZ-03", "PIN'i kilitlenmiş"),
        ("timeout", "IMZ-17", "iki dakika"),
        ("clock_differs", "IMZ-19", "saati"),
        ("document_differs", "IMZ-18", "duyurulandan farklı"),
    ],
)
def test_the_signer_says_why_it_stops_and_the_page_can_tell(reason: str, code: str, words: str) -> None:
    taken = claimed()

    assert operations.cancel_by_token(taken.token, reason, now=NOW)

    ended = SigningOperation.objects.get(pk=taken.operation.pk)
    assert (ended.state, ended.refusal_code, ended.closed_at) == (State.CANCELLED, code, NOW)
    assert words in text_of_code(code)


@pytest.mark.django_db
def test_a_signed_operation_cannot_be_cancelled_by_page_or_signer(holder: Holder) -> None:
    token, operation = signed(holder)

    assert not operations.cancel(operation.pk, person=OWNER, now=NOW)
    assert not operations.cancel_by_token(token, "user", now=NOW)
    assert state_of(operation) == State.SIGNED


@pytest.mark.django_db
def test_a_changed_draft_ends_open_signed_and_expired_operations(holder: Holder) -> None:
    _, done = signed(holder)
    assert operations.cancel_for(reference="taslak1", purpose="message") == 1
    assert state_of(done) == State.CANCELLED

    waiting = asked().operation
    operations.expire_due(later(minutes=10))
    assert operations.cancel_for(reference="taslak1", purpose="message") == 1
    with pytest.raises(OperationOver):
        operations.extend(waiting.pk, person=OWNER, now=later(minutes=11))


@pytest.mark.django_db
def test_more_time_means_a_new_code_and_the_old_ones_are_dead(holder: Holder) -> None:
    given = asked()
    taken = operations.claim(given.code, client=CLIENT, now=NOW)
    operations.offer_certificate(taken.token, holder.certificate, [], now=NOW)

    longer = operations.extend(given.operation.pk, person=OWNER, now=later(minutes=9))

    assert (longer.operation.state, longer.operation.expires_at) == (State.ASKED, later(minutes=19))
    for act in (
        lambda: operations.document(taken.token, now=later(minutes=9)),
        lambda: operations.claim(given.code, client=CLIENT, now=later(minutes=9)),
    ):
        with pytest.raises(UnknownCode):
            act()
    assert operations.claim(longer.code, client=CLIENT, now=later(minutes=18))


@pytest.mark.django_db
def test_a_stranger_gets_no_more_time() -> None:
    given = asked()
    with pytest.raises(OperationOver):
        operations.extend(given.operation.pk, person=uuid4(), now=NOW)


@pytest.mark.django_db
def test_a_signature_is_consumed_or_turned_down_once(holder: Holder) -> None:
    _, used = signed(holder)
    operations.consume([used], now=NOW)
    with pytest.raises(StaleOperation):
        operations.consume([used], now=NOW)
    with pytest.raises(StaleOperation):
        operations.turn_down(used, "IMZ-20", now=NOW)
    assert state_of(used) == State.CONSUMED

    _, unused = signed(holder)
    operations.turn_down(unused, "IMZ-20", now=NOW)
    unused.refresh_from_db()
    assert (unused.state, unused.refusal_code) == (State.CANCELLED, "IMZ-20")
