"""The verbs of an operation: each step once, each refusal typed, nothing half done (S-003, S-017..S-025)."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, connections

from demo.pki_profiles import Fault
from evidence import cades
from evidence.errors import VaultUnavailable
from evidence.models import Event
from guards.refusal_texts import text_of_code
from signing import operations
from signing.codes import ALPHABET
from signing.errors import (
    CertificateUnfit,
    OperationOver,
    SignatureUnfit,
    SigningError,
    StaleOperation,
    TooManyCodes,
    UnknownCode,
)
from signing.models import CodeMiss, SigningOperation
from signing.tests.handover import (
    CONTENT,
    NOW,
    OTHER_TCKN,
    OWNER,
    Holder,
    asked,
    claimed,
    later,
    offered,
    rung,
    signed,
)

State = SigningOperation.State
CLIENT = "192.0.2.1"
Issue = Callable[..., Holder]


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    rung.clear()
    yield
    rung.clear()


@pytest.fixture
def holder(issue: Issue) -> Holder:
    return issue()


def state_of(operation: SigningOperation) -> str:
    return SigningOperation.objects.values_list("state", flat=True).get(pk=operation.pk)


# --- asking ---------------------------------------------------------------------------------------------------------
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


# --- claiming -------------------------------------------------------------------------------------------------------
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
    outcomes = _in_parallel(10, lambda number: operations.claim(given.code, client=f"192.0.2.{number}", now=NOW).token)

    assert sum(isinstance(each, str) for each in outcomes) == 1
    assert sum(isinstance(each, UnknownCode) for each in outcomes) == 9


# --- the certificate ------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_fitting_certificate_opens_the_document_and_fixes_the_time(holder: Holder) -> None:
    token, operation = offered(holder, now=NOW + timedelta(milliseconds=700))

    assert operation.state == State.OFFERED
    assert operation.signing_time == NOW
    assert len(operation.chain) == 1, "the issuing authority, found by us; the root stays out"
    assert operations.document(token, now=NOW) == CONTENT


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fault",
    [
        Fault.EXPIRED, Fault.NOT_YET_VALID, Fault.NO_NON_REPUDIATION, Fault.NO_USER_NOTICE, Fault.NO_ETSI_STATEMENT,
        Fault.NO_BTK_STATEMENT, Fault.NO_TCKN, Fault.WEAK_KEY, Fault.CA_CERTIFICATE, Fault.SEAL,
        Fault.TRANSACTION_POLICY, Fault.BROKEN_SIGNATURE,
    ],
)  # fmt: skip
def test_an_unfit_certificate_gets_no_document_and_leaves_the_way_open(
    issue: Issue, holder: Holder, fault: Fault
) -> None:
    token = claimed().token
    bad = issue(key="rsa1024" if fault is Fault.WEAK_KEY else "p256", faults=frozenset({fault}))

    with pytest.raises(CertificateUnfit) as refused:
        operations.offer_certificate(token, bad.certificate, [], now=NOW)

    assert refused.value.for_person()
    with pytest.raises(OperationOver):
        operations.document(token, now=NOW)
    assert operations.offer_certificate(token, holder.certificate, [], now=NOW).state == State.OFFERED


@pytest.mark.django_db
def test_a_kind_of_key_that_we_cannot_assemble_is_refused_before_the_document(issue: Issue) -> None:
    token = claimed().token
    with pytest.raises(CertificateUnfit) as refused:
        operations.offer_certificate(token, issue(key="p384").certificate, [], now=NOW)
    assert "anahtar türüyle" in refused.value.for_person()
    with pytest.raises(OperationOver):
        operations.document(token, now=NOW)


@pytest.mark.django_db
def test_another_persons_certificate_is_refused_by_its_identity_number(issue: Issue) -> None:
    token = claimed().token
    with pytest.raises(CertificateUnfit) as refused:
        operations.offer_certificate(token, issue(OTHER_TCKN).certificate, [], now=NOW)
    assert "başka bir kişiye ait" in refused.value.for_person()
    assert OTHER_TCKN not in str(refused.value)


@pytest.mark.django_db
@pytest.mark.parametrize("junk", [b"", b"0", b"\x30\x03\x02\x01\x01", bytes(5000)])
def test_junk_for_a_certificate_is_refused(junk: bytes) -> None:
    with pytest.raises(CertificateUnfit):
        operations.offer_certificate(claimed().token, junk, [], now=NOW)


@pytest.mark.django_db
def test_junk_in_the_chain_neither_helps_nor_crashes(holder: Holder) -> None:
    token = claimed().token
    try:
        operation = operations.offer_certificate(token, holder.certificate, [b"junk"], now=NOW)
    except SigningError:
        return
    assert len(operation.chain) == 1


@pytest.mark.django_db
def test_the_document_waits_for_the_certificate(holder: Holder) -> None:
    token = claimed().token
    with pytest.raises(OperationOver):
        operations.document(token, now=NOW)
    with pytest.raises(UnknownCode):
        operations.document("x" * 43, now=NOW)


# --- the signature --------------------------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("key", ["rsa2048", "p256"])
def test_a_signature_is_assembled_verified_kept_and_rung_for(issue: Issue, key: str) -> None:
    holder = issue(key=key)

    _, operation = signed(holder)

    assert (operation.state, operation.signed_at) == (State.SIGNED, NOW)
    facts = cades.verify_detached(bytes(operation.cms), bytes(operation.content_digest))
    assert facts.certificate == holder.certificate
    assert rung == [True], "inside the transaction, so that it rings at its commit"
    assert operations.take_signed("message", 10) == [operation]
    assert operations.take_signed("giris", 10) == []


@pytest.mark.django_db
def test_a_signature_over_anything_else_is_refused_and_nothing_is_kept(issue: Issue, holder: Holder) -> None:
    token, operation = offered(holder)
    good = holder.sign_operation(operation)
    flipped = bytes([*good[:-1], good[-1] ^ 1])
    for bad in (
        flipped,
        good + b"\0",
        b"",
        b"junk",
        issue(OTHER_TCKN).sign_operation(operation),
        holder.sign_operation(operation, content=b"baska"),
        holder.sign(CONTENT),
    ):
        with pytest.raises(SignatureUnfit):
            operations.complete(token, bad, now=NOW)
    assert (state_of(operation), rung) == (State.OFFERED, [])

    operations.complete(token, good, now=NOW)
    assert state_of(operation) == State.SIGNED


@pytest.mark.django_db
def test_the_same_signature_again_is_answered_as_done_and_another_one_is_not(issue: Issue) -> None:
    holder = issue(key="p256")
    token, operation = offered(holder)
    first, second = holder.sign_operation(operation), holder.sign_operation(operation)
    assert first != second, "ECDSA is random"

    operations.complete(token, first, now=NOW)
    kept = SigningOperation.objects.get(pk=operation.pk).cms
    assert operations.complete(token, first, now=later(minutes=30)).state == State.SIGNED
    with pytest.raises(OperationOver):
        operations.complete(token, second, now=NOW)
    assert SigningOperation.objects.get(pk=operation.pk).cms == kept
    assert rung == [True]


@pytest.mark.django_db
def test_a_signature_of_one_operation_does_not_fit_another(holder: Holder) -> None:
    _, first = signed(holder)
    taken = operations.claim(asked(content=b"baska ileti", reference="t2").code, client=CLIENT, now=NOW)
    operations.offer_certificate(taken.token, holder.certificate, [], now=NOW)
    with pytest.raises(SignatureUnfit):
        operations.complete(taken.token, holder.sign_operation(first), now=NOW)


@pytest.mark.django_db
def test_a_certificate_offered_in_between_does_not_lend_its_name_to_an_older_signature(
    issue: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = issue(key="rsa2048"), issue(key="p256")
    token, operation = offered(first)
    signature = first.sign_operation(operation)
    assemble = operations._assembled

    def offer_meanwhile(held: SigningOperation, octets: bytes) -> bytes:
        cms = assemble(held, octets)
        operations.offer_certificate(token, second.certificate, [], now=NOW)
        return cms

    monkeypatch.setattr(operations, "_assembled", offer_meanwhile)
    with pytest.raises(OperationOver):
        operations.complete(token, signature, now=NOW)
    assert state_of(operation) == State.OFFERED


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_parallel_signatures_and_a_cancel_one_act_wins(issue: Issue) -> None:
    holder = issue(key="p256")
    token, operation = offered(holder)
    signatures = [holder.sign_operation(operation) for _ in range(5)]

    def act(number: int) -> object:
        if number == 5:
            return operations.cancel(operation.pk, person=OWNER, now=NOW)
        return operations.complete(token, signatures[number], now=NOW).state

    outcomes = _in_parallel(6, act)

    final = state_of(operation)
    wins = [each for each in outcomes if each is True or each == State.SIGNED]
    assert len(wins) == 1
    assert final == (State.CANCELLED if wins == [True] else State.SIGNED)
    assert len(rung) == (final == State.SIGNED)


# --- ending ---------------------------------------------------------------------------------------------------------
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
    operations.consume(used, now=NOW)
    for act in (operations.consume, lambda operation, now: operations.turn_down(operation, "IMZ-20", now=now)):
        with pytest.raises(StaleOperation):
            act(used, now=NOW)
    assert state_of(used) == State.CONSUMED

    _, unused = signed(holder)
    operations.turn_down(unused, "IMZ-20", now=NOW)
    unused.refresh_from_db()
    assert (unused.state, unused.refusal_code) == (State.CANCELLED, "IMZ-20")


def _in_parallel(count: int, act: Callable[[int], object]) -> list[object]:
    """Run `act` in threads that start together; a refusal is an outcome too."""
    outcomes: list[object] = [None] * count
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait(10)
        try:
            outcomes[number] = act(number)
        except SigningError as refusal:
            outcomes[number] = refusal
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes
