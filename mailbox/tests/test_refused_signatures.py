"""Signatures that must not send: another's, broken, expired, revoked, over a changed draft (K-093, K-094).

What the hand-over refuses never reaches a message. What gets past it, here by writing the row directly, meets the
same questions again in CHECKING, and the refusal is proof 11 with its reason; the draft is back either way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from cryptography import x509
from django.test import Client
from django.urls import reverse

from accounts.errors import AccessRefused
from accounts.models import KepAccount
from accounts.tests.cast import make_account, make_operator, make_person, sign_in
from demo import pki
from demo.pki_profiles import Fault
from evidence import issue, vault, xml
from evidence.anchors import Verdict
from evidence.facts import EvidenceKind, Reason
from evidence.models import EvidenceIntent
from guards import crash_points
from guards.mime import cut_signed
from mailbox import compose, integrity, submit, verdicts
from mailbox.models import BoxItem, Draft, Message, OriginalStamp
from mailbox.original import read_original
from mailbox.state_names import MessageState
from mailbox.tests.road import EImza, Road
from signing import operations
from signing.errors import CertificateUnfit, OperationOver, SignatureUnfit
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database]


def sign_past_the_door(road: Road, draft: Draft, imza: EImza) -> Message:
    """A SIGNED operation whose certificate the door would have refused, and the message it becomes."""
    operation = road.sign(draft, road.ayses_imza)
    forged = SigningOperation.objects.get(pk=operation.pk)
    forged.cms = cms_by(imza, forged)
    forged.save(update_fields=["cms"])
    road.turn()
    return Message.objects.get(operation=operation.pk)


def cms_by(imza: EImza, operation: SigningOperation) -> bytes:
    """The same content signed with another certificate, complete and true in its maths."""
    from evidence import cades, outside
    from evidence.algorithms import KeyAlgorithm

    attributes = cades.signed_attributes(imza.certificate, bytes(operation.content_digest), operation.signing_time)
    return cades.assemble(
        imza.certificate,
        outside.intermediates()[:1],
        attributes,
        imza.sign(attributes),
        algorithm=KeyAlgorithm.RSA_SHA256,
        token=None,
    )


def assert_refused(road: Road, message: Message, reason: Reason) -> None:
    """REJECTED, exactly one proof, 11 with this reason; the draft is open again and nothing arrived."""
    message.refresh_from_db()
    assert message.state == MessageState.REJECTED
    sealed = issue.sealed_proofs([message.kep_id])[message.kep_id]
    assert [each.intent.code for each in sealed] == [11]
    facts = xml.read(bytes(sealed[0].intent.unsigned))
    assert facts.kind is EvidenceKind.NOT_SUBMITTED
    assert [each for each, _ in facts.reasons] == [reason]
    assert facts.original_digest == bytes(message.original_digest)
    draft = Draft.objects.get(pk=message.draft_id)
    assert draft.submitted_at is None
    assert draft.returned_code
    assert not BoxItem.objects.filter(folder="inbox").exists()
    assert list(integrity.findings(road.clock.now)) == []


def assert_nothing_sent(draft: Draft, code: str) -> None:
    """No message, no proof; the draft stays and says why."""
    assert not Message.objects.exists()
    assert not EvidenceIntent.objects.exists()
    draft.refresh_from_db()
    assert draft.submitted_at is None
    assert draft.returned_code == code


def test_another_persons_certificate_is_refused_at_the_door(road: Road) -> None:
    with pytest.raises(CertificateUnfit) as refused:
        road.sign(road.draft(), road.e_imza(road.mehmet))
    assert "TCKN" in refused.value.for_person() or "kimlik" in refused.value.for_person()
    assert not Message.objects.exists()


def test_another_persons_signature_past_the_door_is_proof_11(road: Road) -> None:
    message = sign_past_the_door(road, road.draft(), road.e_imza(road.mehmet))
    assert_refused(road, message, Reason.INVALID_USER_SIGNATURE)


FAULTS = sorted(set(Fault) - {Fault.REVOKED, Fault.TCKN_PREFIXED})
"""Revocation is asked when the message is checked; the prefixed number is another spelling and no fault."""


@pytest.mark.parametrize("fault", FAULTS)
def test_an_unfit_certificate_is_refused_at_the_door_with_its_own_sentence(road: Road, fault: str) -> None:
    draft = road.draft()
    with pytest.raises(CertificateUnfit) as refused:
        road.sign(draft, road.e_imza(road.ayse, **{fault: True}))
    assert refused.value.for_person() not in ("", CertificateUnfit.user_message)
    road.turn()
    assert not Message.objects.exists()
    draft.refresh_from_db()
    assert draft.submitted_at is None


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {Fault.EXPIRED}))
def test_an_unfit_certificate_past_the_door_is_proof_11(road: Road, fault: str) -> None:
    message = sign_past_the_door(road, road.draft(), road.e_imza(road.ayse, **{fault: True}))
    assert_refused(road, message, Reason.INVALID_USER_SIGNATURE)


def test_a_certificate_that_had_run_out_is_proof_11_with_its_own_reason(road: Road) -> None:
    message = sign_past_the_door(road, road.draft(), road.e_imza(road.ayse, expired=True))
    assert_refused(road, message, Reason.USER_CERT_EXPIRED_OR_REVOKED)


def test_a_strangers_certificate_that_had_run_out_is_a_wrong_signature_all_the_same(road: Road) -> None:
    message = sign_past_the_door(road, road.draft(), road.e_imza(road.mehmet, expired=True))
    assert_refused(road, message, Reason.INVALID_USER_SIGNATURE)


def test_the_number_spelled_with_its_prefix_is_accepted(road: Road) -> None:
    operation = road.sign(road.draft(), road.e_imza(road.ayse, tckn_prefixed=True))
    road.turn()
    assert Message.objects.get(operation=operation.pk).state == MessageState.ACCEPTED


def test_a_revoked_certificate_is_proof_11_with_its_own_reason(road: Road) -> None:
    message = sign_past_the_door(road, road.draft(), road.e_imza(road.ayse, revoked=True))
    assert_refused(road, message, Reason.USER_CERT_EXPIRED_OR_REVOKED)


def test_a_certificate_revoked_between_signature_and_check_is_found(road: Road) -> None:
    operation = road.sign(road.draft())
    serial = x509.load_der_x509_certificate(road.ayses_imza.certificate).serial_number
    pki.revoke(road.pki_directory, serial, at=road.clock.now - timedelta(hours=1))
    road.turn()
    assert_refused(road, Message.objects.get(operation=operation.pk), Reason.USER_CERT_EXPIRED_OR_REVOKED)


def test_a_certificate_revoked_after_the_stamp_was_in_force_when_it_signed(road: Road) -> None:
    """The time-stamp proves when the signature existed; what is revoked later takes nothing back (S-014)."""
    operation = road.sign(road.draft())
    with stopping_at("check.after_stamp"):
        road.turn()
    stamp = OriginalStamp.objects.get()
    serial = x509.load_der_x509_certificate(road.ayses_imza.certificate).serial_number
    pki.revoke(road.pki_directory, serial, at=stamp.stamped_at + timedelta(seconds=1))
    road.clock.move(minutes=2)
    road.turn()
    message = Message.objects.get(operation=operation.pk)
    assert message.state == MessageState.ACCEPTED
    original = read_original(vault.get(bytes(message.original_digest)))
    assert verdicts.persons_signature(message, original, now=road.clock.now).verdict is Verdict.VALID


@contextmanager
def stopping_at(point: str) -> Iterator[None]:
    """Whoever passes this crash point fails there."""

    def fail(name: str) -> None:
        if name == point:
            raise RuntimeError(name)

    crash_points.watch(fail)
    try:
        yield
    finally:
        crash_points.watch(None)


def test_a_signature_over_other_bytes_is_refused_at_the_door(road: Road) -> None:
    draft = road.draft()
    asked = compose.ask_signature(draft, acting=road.acting(), visit=road.visit(), now=road.clock.now)
    claimed = operations.claim(asked.code, client="127.0.0.1", now=road.clock.now)
    operations.offer_certificate(claimed.token, road.ayses_imza.certificate, [], now=road.clock.now)
    with pytest.raises(SignatureUnfit):
        operations.complete(claimed.token, road.ayses_imza.sign(b"something else"), now=road.clock.now)
    road.turn()
    assert not Message.objects.exists()


def test_a_draft_changed_after_signing_is_not_sent(road: Road) -> None:
    """The page cancels at once; a change that slipped past it (written to the row) is found at submission."""
    draft = road.draft()
    road.sign(draft)
    Draft.objects.filter(pk=draft.pk).update(version=draft.version + 1)
    road.turn()
    assert_nothing_sent(draft, "IMZ-20")


def test_saving_the_draft_ends_the_signature(road: Road) -> None:
    draft = road.draft()
    operation = road.sign(draft)
    compose.save_draft(draft, to=[road.mehmets.address], cc=[], subject="Başka konu", text="x", now=road.clock.now)
    road.turn()
    assert SigningOperation.objects.get(pk=operation.pk).state == SigningOperation.State.CANCELLED
    assert not Message.objects.exists()


def test_a_visit_that_ended_before_the_signature_sends_nothing(road: Road) -> None:
    draft = road.draft()
    asked = compose.ask_signature(draft, acting=road.acting(), visit=road.visit(), now=road.clock.now)
    Draft.objects.filter(pk=draft.pk).update(visit_ends_at=road.clock.now - timedelta(seconds=1))
    road.answer(asked.code, road.ayses_imza)
    road.turn()
    assert_nothing_sent(draft, "GRS-10")


def test_a_right_withdrawn_before_submission_sends_nothing(road: Road) -> None:
    company = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
    right = make_operator(company, road.ayse)
    acting = road.acting(road.ayse, company)
    draft = compose.new_draft(acting, now=road.clock.now)
    compose.save_draft(draft, to=[road.mehmets.address], cc=[], subject="Konu", text="x", now=road.clock.now)
    road.sign(draft)
    right.may_sign_and_send = False
    right.save()
    road.turn()
    assert_nothing_sent(draft, "YTK-01")


def test_a_recipient_closed_before_submission_sends_nothing(road: Road) -> None:
    draft = road.draft()
    road.sign(draft)
    KepAccount.objects.filter(pk=road.mehmets.pk).update(state=KepAccount.State.CLOSED, closed_at=road.clock.now)
    road.turn()
    assert_nothing_sent(draft, "ALC-04")


def test_a_recipient_closed_after_acceptance_is_proof_41(road: Road) -> None:
    road.sign(road.draft())
    road.turn("deliver")
    road.turn("seal")
    KepAccount.objects.filter(pk=road.mehmets.pk).update(state=KepAccount.State.CLOSED, closed_at=road.clock.now)
    road.turn()
    message = Message.objects.get()
    sealed = issue.sealed_proofs([message.kep_id])[message.kep_id]
    assert [(each.intent.recipient_no, each.intent.code) for each in sealed] == [(0, 10), (1, 41)]
    assert xml.read(bytes(sealed[1].intent.unsigned)).reasons[0][0] is Reason.UNKNOWN_RECIPIENT


PROTECTED = ("From", "To", "Cc", "Subject", "Date", "Message-ID", "X-TR-REM-iletiTip")


def test_every_header_of_an_original_is_protected_and_tried_here(road: Road) -> None:
    message = road.send(cc=road.ayses.address)
    signed = cut_signed(vault.get(bytes(message.original_digest)))
    outer = [each.name for each in signed.outer if each.name not in ("mime-version", "content-type")]
    assert outer == [each.name for each in signed.inner if not each.name.startswith("content-")]
    assert outer == [each.lower() for each in PROTECTED]


@pytest.mark.parametrize("header", PROTECTED)
def test_each_protected_header_changed_after_signing_is_proof_11(
    road: Road, header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody changes the outer header on the way: inner and outer differ (design.md 1.3)."""
    honest = submit.wrap_signed

    def dishonest(signed_part: bytes, signature: bytes) -> bytes:
        raw = honest(signed_part, signature)
        head, blank, rest = raw.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        at = next(number for number, line in enumerate(lines) if line.startswith(header.encode() + b":"))
        changed = b"baska.biri@hs01.kep.tr" if header in ("From", "To", "Cc") else b"degisti"
        lines[at] = header.encode() + b": " + changed
        while lines[at + 1 : at + 2] and lines[at + 1][:1] in (b" ", b"\t"):
            del lines[at + 1]
        return b"\r\n".join(lines) + blank + rest

    monkeypatch.setattr(submit, "wrap_signed", dishonest)
    operation = road.sign(road.draft(cc=road.ayses.address))
    road.turn()
    message = Message.objects.get(operation=operation.pk)
    assert_refused(road, message, Reason.INVALID_MESSAGE_FORMAT)
    client = Client()
    sign_in(client, road.ayse)
    page = client.get(reverse("mailbox:message", args=[message.items.get().public_id]))
    assert page.status_code == 200
    assert reverse("mailbox:download_proof", args=[message.items.get().public_id, 11, 0]) in page.content.decode()


def test_the_same_code_works_once_and_the_same_signature_once(road: Road) -> None:
    draft = road.draft()
    asked = compose.ask_signature(draft, acting=road.acting(), visit=road.visit(), now=road.clock.now)
    operation = road.answer(asked.code, road.ayses_imza)
    with pytest.raises(operations.UnknownCode):
        operations.claim(asked.code, client="127.0.0.1", now=road.clock.now)
    taken = operations.take_signed("message", 10, now=road.clock.now)
    assert [each.pk for each in taken] == [operation.pk]
    first = submit.submit(taken[0], now=road.clock.now)
    second = submit.submit(taken[0], now=road.clock.now)
    assert first is not None
    assert second is None
    assert Message.objects.count() == 1


def test_an_operation_that_expired_cannot_be_completed(road: Road) -> None:
    draft = road.draft()
    asked = compose.ask_signature(draft, acting=road.acting(), visit=road.visit(), now=road.clock.now)
    claimed = operations.claim(asked.code, client="127.0.0.1", now=road.clock.now)
    operations.offer_certificate(claimed.token, road.ayses_imza.certificate, [], now=road.clock.now)
    road.clock.move(minutes=11)
    with pytest.raises(OperationOver):
        operations.document(claimed.token, now=road.clock.now)
    draft.refresh_from_db()
    assert draft.submitted_at is None


def test_a_stranger_cannot_sign_for_the_account(road: Road) -> None:
    stranger = make_person("Yabancı", "Kişi")
    with pytest.raises(AccessRefused):
        road.sign(road.draft(), road.e_imza(stranger), person=stranger)
