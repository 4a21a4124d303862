"""Whose OCSP answer is heard, and about what (S-012)."""

from dataclasses import replace
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp as ocsp_form
from cryptography.x509.oid import ExtendedKeyUsageOID

from evidence.tests import forge
from evidence.tests.forge import NOW, make, name, responder, world
from evidence.tests.forge_status import HOUR, STRANGER, answer, crl, revoked, with_an_unused_bit
from evidence.tests.judging_status import SOON, changes, is_no_answer, judge
from evidence.trust import (
    RevocationFinding,
    RevocationReport,
    Verdict,
    check_revocation,
)


def test_an_answer_about_another_certificate_does_not_count() -> None:
    other = make(name("Başkası", "98765432150"), forge.PERSON_EXTENSIONS, issuer=world().eshs)
    assert is_no_answer(judge(answer(other)), RevocationFinding.OCSP_OTHER_CERTIFICATE)
    assert judge(answer(other), leaf=other).verdict is Verdict.VALID


def test_an_answer_about_the_same_number_under_another_issuer_does_not_count() -> None:
    twin = make(
        name("İkiz", "12345678950"),
        forge.PERSON_EXTENSIONS,
        issuer=world().islem,
        serial=world().person.certificate.serial_number,
    )
    about_twin = answer(twin, issuer=world().islem)
    assert is_no_answer(judge(about_twin), RevocationFinding.OCSP_OTHER_CERTIFICATE)


def test_the_name_and_the_key_of_the_issuer_must_both_be_the_answers() -> None:
    serial = world().person.certificate.serial_number
    same_name = make(name("İkiz"), (), issuer=world("theirs").eshs, serial=serial)
    renamed = make(name("Başka"), [forge.constraints(True), forge.CA_USAGE], holder=world().eshs.key)
    same_key = make(name("İkiz"), (), issuer=renamed, serial=serial)
    for twin, issuer in ((same_name, world("theirs").eshs), (same_key, renamed)):
        assert is_no_answer(judge(answer(twin, issuer=issuer)), RevocationFinding.OCSP_OTHER_CERTIFICATE)


def test_an_answer_that_names_the_certificate_by_a_hash_we_do_not_use_does_not_count() -> None:
    assert is_no_answer(judge(answer(named_by=hashes.SHA384())), RevocationFinding.OCSP_OTHER_CERTIFICATE)


def test_of_several_responders_carried_the_named_one_counts() -> None:
    other = make(
        name("Öbür yanıt"),
        forge.RESPONDER_EXTENSIONS,
        issuer=world().eshs,
        not_before=datetime(2000, 1, 1, tzinfo=NOW.tzinfo),
        not_after=datetime(2099, 1, 1, tzinfo=NOW.tzinfo),
    )
    assert judge(answer(beside=[other])).verdict is Verdict.VALID
    assert judge(answer(beside=[other] * 7)).verdict is Verdict.VALID
    assert is_no_answer(judge(answer(beside=[other] * 8)), RevocationFinding.OCSP_STRANGER)


def test_a_strangers_answer_does_not_count() -> None:
    theirs = world("theirs")
    assert is_no_answer(judge(answer(responder=theirs.responder)), RevocationFinding.OCSP_STRANGER)
    assert is_no_answer(judge(answer(embed=False)), RevocationFinding.OCSP_STRANGER)
    of_another_ca = responder(world().islem, label="islem")
    assert is_no_answer(judge(answer(responder=of_another_ca)), RevocationFinding.OCSP_STRANGER)


WITHOUT = {
    "the purpose": [one for one in forge.RESPONDER_EXTENSIONS if not isinstance(one[0], x509.ExtendedKeyUsage)],
    "nocheck": [one for one in forge.RESPONDER_EXTENSIONS if not isinstance(one[0], x509.OCSPNoCheck)],
    "being a leaf": [
        forge.constraints(True),
        *(one for one in forge.RESPONDER_EXTENSIONS if not isinstance(one[0], x509.BasicConstraints)),
    ],
    "the right purpose": [
        forge.purposes(ExtendedKeyUsageOID.EMAIL_PROTECTION),
        *(one for one in forge.RESPONDER_EXTENSIONS if not isinstance(one[0], x509.ExtendedKeyUsage)),
    ],
}


@pytest.mark.parametrize("what", WITHOUT)
def test_a_responder_must_be_made_for_answering(what: str) -> None:
    unfit = responder(world().eshs, label="unfit", extensions=WITHOUT[what])
    assert is_no_answer(judge(answer(responder=unfit)), RevocationFinding.OCSP_STRANGER)


def test_a_person_does_not_answer_for_the_authority_that_issued_the_persons_certificate() -> None:
    assert is_no_answer(judge(answer(responder=world().person)), RevocationFinding.OCSP_STRANGER)


def test_a_responder_must_be_in_force_when_it_answers() -> None:
    expired = responder(world().eshs, label="old", not_after=datetime(2020, 1, 1, tzinfo=NOW.tzinfo))
    early = responder(world().eshs, label="early", not_before=datetime(2098, 1, 1, tzinfo=NOW.tzinfo))
    for out_of_time in (expired, early):
        assert is_no_answer(judge(answer(responder=out_of_time)), RevocationFinding.OCSP_STRANGER)


def test_a_responder_with_a_weak_key_does_not_count() -> None:
    weak = make(
        name("Yanıt"),
        forge.RESPONDER_EXTENSIONS,
        issuer=world().eshs,
        holder=forge.key("weak", "rsa1024"),
        not_before=datetime(2000, 1, 1, tzinfo=NOW.tzinfo),
        not_after=datetime(2099, 1, 1, tzinfo=NOW.tzinfo),
    )
    assert is_no_answer(judge(answer(responder=weak)), RevocationFinding.OCSP_STRANGER)


def test_a_badly_signed_answer_does_not_count() -> None:
    assert is_no_answer(judge(answer(signing_key=STRANGER)), RevocationFinding.OCSP_BROKEN_SIGNATURE)


def test_a_responder_may_have_an_rsa_key() -> None:
    held = forge.key("responder", "rsa2048")
    with_rsa = make(
        name("Yanıt"),
        forge.RESPONDER_EXTENSIONS,
        issuer=world().eshs,
        holder=held,
        not_before=datetime(2000, 1, 1, tzinfo=NOW.tzinfo),
        not_after=datetime(2099, 1, 1, tzinfo=NOW.tzinfo),
    )
    assert judge(answer(responder=with_rsa)).verdict is Verdict.VALID
    forged = answer(responder=with_rsa, signing_key=forge.key("another", "rsa2048"))
    assert is_no_answer(judge(forged), RevocationFinding.OCSP_BROKEN_SIGNATURE)


def test_an_answer_signed_without_a_hash_we_know_does_not_count() -> None:
    unknown = answer(signing_key=forge.key("stranger", "ed25519"))
    assert is_no_answer(judge(unknown), RevocationFinding.OCSP_BROKEN_SIGNATURE)


def test_hashes_that_no_longer_hold_carry_no_answer() -> None:
    """S-005: dated data; here SHA-256 is taken off the list."""
    later = replace(world().anchors, policy=replace(world().anchors.policy, hashes=frozenset({"sha384"})))

    def judged_later(ocsp: bytes | None, crl: bytes | None) -> RevocationReport:
        return check_revocation(
            world().person.raw, world().eshs.raw, at=NOW, ocsp=ocsp, crl=crl, anchors=later, now=SOON
        )

    by_issuer = answer(responder=world().eshs, embed=False)
    assert is_no_answer(judged_later(by_issuer, None), RevocationFinding.OCSP_BROKEN_SIGNATURE)
    assert is_no_answer(judged_later(answer(), None), RevocationFinding.OCSP_STRANGER)
    assert is_no_answer(judged_later(None, crl()), RevocationFinding.CRL_BROKEN_SIGNATURE)


def test_every_single_changed_byte_of_an_answer_or_a_list_is_noticed() -> None:
    for changed in changes(answer()):
        assert judge(changed).verdict is Verdict.INDETERMINATE
    for changed in changes(crl((world().person, NOW - HOUR))):
        assert judge(crl=changed).verdict is Verdict.INDETERMINATE


def test_a_signature_has_one_spelling() -> None:
    """With "unused" bits the byte in front of it could be changed under no signature at all."""

    def of_answer(raw: bytes) -> bytes:
        return ocsp_form.load_der_ocsp_response(raw).signature

    def of_responder(raw: bytes) -> bytes:
        return ocsp_form.load_der_ocsp_response(raw).certificates[0].signature

    def new_responder() -> bytes:
        return answer(responder=responder(world().eshs, label="spelling"))

    for respelled in (with_an_unused_bit(answer, of_answer), with_an_unused_bit(new_responder, of_responder)):
        assert is_no_answer(judge(respelled), RevocationFinding.OCSP_UNREADABLE)
    respelled = with_an_unused_bit(crl, lambda raw: x509.load_der_x509_crl(raw).signature)
    assert is_no_answer(judge(crl=respelled), RevocationFinding.CRL_UNREADABLE)


def test_an_answer_larger_than_any_real_one_is_not_read() -> None:
    assert judge(answer(nonce=b"x" * 60_000)).verdict is Verdict.VALID
    assert is_no_answer(judge(answer(nonce=b"x" * 65_536)), RevocationFinding.OCSP_UNREADABLE)


def test_a_forged_revocation_condemns_nobody() -> None:
    forged = revoked(NOW - HOUR, signing_key=STRANGER)
    assert is_no_answer(judge(forged), RevocationFinding.OCSP_BROKEN_SIGNATURE)
    assert judge(forged, crl()).verdict is Verdict.VALID


def test_an_answer_that_declines_or_does_not_know_is_cannot_tell() -> None:
    declined = ocsp_form.OCSPResponseBuilder.build_unsuccessful(ocsp_form.OCSPResponseStatus.TRY_LATER)
    raw = declined.public_bytes(forge.serialization.Encoding.DER)
    assert is_no_answer(judge(raw), RevocationFinding.OCSP_DECLINED)
    unknown = answer(status=ocsp_form.OCSPCertStatus.UNKNOWN)
    assert is_no_answer(judge(unknown), RevocationFinding.OCSP_UNKNOWN)
    for rubbish in (b"", b"\x30\x00", b"\x00" * 70_000):
        assert is_no_answer(judge(rubbish), RevocationFinding.OCSP_UNREADABLE)
