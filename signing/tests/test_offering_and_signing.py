"""Only the person's own qualified certificate opens the document; only its true signature is kept (S-003, S-021)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from demo.pki_profiles import Fault
from evidence import cades
from signing import operations
from signing.errors import (
    CertificateUnfit,
    OperationOver,
    SignatureUnfit,
    SigningError,
    UnknownCode,
)
from signing.models import SigningOperation
from signing.tests.handover import (
    CONTENT,
    NOW,
    OTHER_TCKN,
    OWNER,
    Holder,
    asked,
    claimed,
    in_parallel,
    later,
    offered,
    rung,
    signed,
    state_of,
)

State = SigningOperation.State
CLIENT = "192.0.2.1"
Issue = Callable[..., Holder]


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


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["rsa2048", "p256"])
def test_a_signature_is_assembled_verified_kept_and_rung_for(issue: Issue, key: str) -> None:
    holder = issue(key=key)

    _, operation = signed(holder)

    assert (operation.state, operation.signed_at) == (State.SIGNED, NOW)
    facts = cades.verify_detached(bytes(operation.cms), bytes(operation.content_digest))
    assert facts.certificate == holder.certificate
    assert rung == [True], "inside the transaction, so that it rings at its commit"
    assert operations.take_signed("message", 10, now=NOW) == [operation]
    assert operations.take_signed("giris", 10, now=NOW) == []


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
def test_the_same_signature_that_was_faster_on_another_way_is_answered_as_done(
    holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signer that lost the connection posts again while the first post is still at work: both are told "signed"."""
    token, operation = offered(holder)
    signature = holder.sign_operation(operation)
    assemble = operations._assembled

    def post_meanwhile(held: SigningOperation, octets: bytes) -> bytes:
        monkeypatch.setattr(operations, "_assembled", assemble)
        operations.complete(token, signature, now=NOW)
        return assemble(held, octets)

    monkeypatch.setattr(operations, "_assembled", post_meanwhile)
    assert operations.complete(token, signature, now=NOW).state == State.SIGNED
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

    outcomes = in_parallel(6, act)

    final = state_of(operation)
    wins = [each for each in outcomes if each is True or each == State.SIGNED]
    assert len(wins) == 1
    assert final == (State.CANCELLED if wins == [True] else State.SIGNED)
    assert len(rung) == (final == State.SIGNED)
