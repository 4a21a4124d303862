"""A question is asked once and its code is spent once (S-017, V-021)."""

from collections.abc import Callable

import pytest
from django.db import connection

from evidence.errors import VaultUnavailable
from evidence.models import Event
from signing import operations
from signing.codes import ALPHABET
from signing.errors import (
    TooManyCodes,
    UnknownCode,
)
from signing.models import CodeMiss, SigningOperation
from signing.tests.handover import (
    CONTENT,
    NOW,
    OWNER,
    Holder,
    asked,
    in_parallel,
    later,
    state_of,
)

State = SigningOperation.State
CLIENT = "192.0.2.1"
Issue = Callable[..., Holder]


@pytest.mark.django_db
def test_asking_keeps_the_bytes_and_gives_a_code_of_65_bits() -> None:
    given = asked()

    assert len(given.code) == 13
    assert set(given.code) <= set(ALPHABET)
    assert not set("01IO") & set(ALPHABET)
    assert operations.content_of(given.operation) == CONTENT
    assert given.operation.expires_at == later(minutes=10)
    assert len({asked(reference=f"t{number}").code for number in range(50)}) == 50


@pytest.mark.django_db
def test_a_new_question_for_the_same_draft_ends_the_older_one() -> None:
    first, second = asked(), asked()

    assert (state_of(first.operation), state_of(second.operation)) == (State.CANCELLED, State.ASKED)
    with pytest.raises(UnknownCode):
        operations.claim(first.code, client=CLIENT, now=NOW)


@pytest.mark.django_db
def test_a_vault_that_takes_nothing_leaves_no_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(raw: bytes) -> bytes:
        raise VaultUnavailable("disk full")

    monkeypatch.setattr(operations.vault, "put", full)
    with pytest.raises(VaultUnavailable):
        asked()
    assert not SigningOperation.objects.exists()


@pytest.mark.django_db
def test_neither_code_nor_token_stands_in_the_database(holder: Holder) -> None:
    given = asked()
    taken = operations.claim(given.code, client=CLIENT, now=NOW)
    operations.offer_certificate(taken.token, holder.certificate, [], now=NOW)

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM signing_signingoperation")
        row = b"|".join(each if isinstance(each, bytes) else str(each).encode() for each in cursor.fetchone())
    for secret in (given.code, taken.token, "10000000146", "ayse@hs01"):
        assert secret.encode() not in row


@pytest.mark.django_db
def test_the_event_log_tells_the_steps_and_no_secret(holder: Holder) -> None:
    given = asked()
    taken = operations.claim(given.code, client=CLIENT, now=NOW)
    operation = operations.offer_certificate(taken.token, holder.certificate, [], now=NOW)
    operations.complete(taken.token, holder.sign_operation(operation), now=NOW)

    kinds = list(Event.objects.order_by("id").values_list("kind", flat=True))
    bodies = b"".join(bytes(each) for each in Event.objects.values_list("body", flat=True))
    assert kinds == ["signing.asked", "signing.claimed", "signing.signed"]
    for secret in (given.code, taken.token, "10000000146", CLIENT):
        assert secret.encode() not in bodies


@pytest.mark.django_db
@pytest.mark.parametrize("spelling", [str.lower, lambda code: f" {code[:4]}-{code[4:8]}-{code[8:]} "])
def test_a_code_is_taken_in_any_spelling(spelling: Callable[[str], str]) -> None:
    given = asked()

    taken = operations.claim(spelling(given.code), client=CLIENT, now=NOW)

    assert (taken.operation.pk, taken.operation.state) == (given.operation.pk, State.CLAIMED)
    assert taken.operation.code_shown is None
    assert len(taken.token) >= 43, "256 random bits"


@pytest.mark.django_db
def test_a_code_works_once() -> None:
    given = asked()
    operations.claim(given.code, client=CLIENT, now=NOW)
    with pytest.raises(UnknownCode):
        operations.claim(given.code, client=CLIENT, now=NOW)


@pytest.mark.django_db
def test_unknown_used_expired_and_cancelled_codes_get_one_answer() -> None:
    used, expired, dropped = asked(reference="a"), asked(reference="b"), asked(reference="c")
    operations.claim(used.code, client=CLIENT, now=NOW)
    operations.cancel(dropped.operation.pk, person=OWNER, now=NOW)

    told = set()
    for code, at in ((used.code, NOW), (expired.code, later(minutes=10)), (dropped.code, NOW), ("2" * 13, NOW)):
        with pytest.raises(UnknownCode) as refused:
            operations.claim(code, client=CLIENT, now=at)
        told.add((refused.value.code, refused.value.for_person(), refused.value.status))
    assert len(told) == 1


@pytest.mark.django_db
def test_after_five_wrong_codes_a_client_waits_and_others_do_not() -> None:
    given = asked()
    for number in range(5):
        with pytest.raises(UnknownCode):
            operations.claim(f"{number + 2}" * 13, client=CLIENT, now=later(seconds=number))
    with pytest.raises(TooManyCodes) as refused:
        operations.claim(given.code, client=CLIENT, now=later(minutes=1))
    assert "10 dakika" in refused.value.for_person()

    assert operations.claim(given.code, client="192.0.2.2", now=later(minutes=1))
    again = asked(now=later(minutes=11))
    assert operations.claim(again.code, client=CLIENT, now=later(minutes=11)), "ten minutes later it may try again"


@pytest.mark.django_db
def test_a_client_is_remembered_by_a_keyed_hash_only() -> None:
    with pytest.raises(UnknownCode):
        operations.claim("yanlis", client=CLIENT, now=NOW)
    assert CLIENT not in CodeMiss.objects.get().client


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_ten_parallel_claims_one_wins() -> None:
    given = asked()
    outcomes = in_parallel(10, lambda number: operations.claim(given.code, client=f"192.0.2.{number}", now=NOW).token)

    assert sum(isinstance(each, str) for each in outcomes) == 1
    assert sum(isinstance(each, UnknownCode) for each in outcomes) == 9
