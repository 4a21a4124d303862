"""Revocation judged: S-011, S-012 and S-014 row by row. `NOW` is the signing time; checks happen a little later."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp as ocsp_form
from cryptography.x509.oid import ExtendedKeyUsageOID

from evidence import answers
from evidence.tests import forge
from evidence.tests.forge import NOW, make, name, responder, world
from evidence.tests.forge_status import HOUR, MINUTE, STRANGER, answer, crl, revoked, with_an_unused_bit
from evidence.trust import (
    Material,
    RevocationFinding,
    RevocationReport,
    TrustReason,
    Verdict,
    check_path_revocation,
    check_revocation,
)

SECOND = timedelta(seconds=1)
SOON = NOW + 5 * MINUTE


def judge(
    ocsp: bytes | None = None,
    crl: bytes | None = None,
    *,
    at: datetime = NOW,
    now: datetime = SOON,
    recorded: bool = False,
    leaf: forge.Made | None = None,
) -> RevocationReport:
    return check_revocation(
        (leaf or world().person).raw,
        world().eshs.raw,
        at=at,
        ocsp=ocsp,
        crl=crl,
        anchors=world().anchors,
        now=now,
        recorded=recorded,
    )


def found(report: RevocationReport) -> list[str]:
    return [finding.code for finding in report.findings]


def is_no_answer(report: RevocationReport, finding: RevocationFinding) -> bool:
    """Cannot tell, for this reason and no other."""
    undecided = report.verdict is Verdict.INDETERMINATE and report.state is None and report.source is None
    return undecided and report.findings == (TrustReason(*finding.value, Verdict.INDETERMINATE),)


def test_a_good_answer_made_after_the_signature_is_valid_and_mature() -> None:
    report = judge(answer())
    assert (report.verdict, report.source, report.state) == (Verdict.VALID, "ocsp", "MATURE")
    assert report.next_update == NOW + 11 * MINUTE
    assert (report.revoked_at, report.reason, report.findings) == (None, None, ())


SHA1 = hashes.SHA1()  # noqa: S303 - names an issuer, protects nothing


@pytest.mark.parametrize("how", [{"named_by": SHA1}, {"by_hash": True}, {"named_by": hashes.SHA256()}])
def test_the_responder_may_choose_how_it_names_certificates_and_itself(how: dict[str, Any]) -> None:
    assert judge(answer(**how)).verdict is Verdict.VALID


def test_the_issuer_may_answer_itself() -> None:
    assert judge(answer(responder=world().eshs, embed=False)).verdict is Verdict.VALID


def test_no_material_is_cannot_tell() -> None:
    assert is_no_answer(judge(), RevocationFinding.NOTHING)


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


def changes(raw: bytes) -> Iterator[bytes]:
    """Every byte with its lowest bit changed, then every byte with its highest."""
    for bit in (0x01, 0x80):
        for at in range(len(raw)):
            yield raw[:at] + bytes((raw[at] ^ bit,)) + raw[at + 1 :]


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


def test_a_list_larger_than_any_real_one_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = crl()
    monkeypatch.setattr(answers, "MAX_CRL_BYTES", len(raw))
    assert judge(crl=raw).verdict is Verdict.VALID
    monkeypatch.setattr(answers, "MAX_CRL_BYTES", len(raw) - 1)
    assert is_no_answer(judge(crl=raw), RevocationFinding.CRL_UNREADABLE)


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


def test_an_expired_answer_does_not_count_live_but_does_when_it_was_recorded_after_the_signature() -> None:
    raw = answer()
    assert judge(raw, now=NOW + 11 * MINUTE).verdict is Verdict.VALID
    late = NOW + 11 * MINUTE + SECOND
    assert is_no_answer(judge(raw, now=late), RevocationFinding.OCSP_NOT_CURRENT)
    assert judge(raw, now=late + timedelta(days=3650), recorded=True).verdict is Verdict.VALID


def test_an_answer_older_than_the_signature_counts_only_within_the_policy() -> None:
    def aged(minutes: int) -> bytes:
        return answer(this_update=NOW - minutes * MINUTE, next_update=NOW + HOUR)

    report = judge(aged(10))
    assert (report.verdict, report.state) == (Verdict.VALID, "MATURE"), "no grace for OCSP"
    assert is_no_answer(judge(aged(11)), RevocationFinding.OCSP_NOT_CURRENT)
    assert is_no_answer(judge(aged(11), recorded=True), RevocationFinding.OCSP_NOT_CURRENT)


def test_an_answer_that_ended_before_the_signature_never_counts() -> None:
    raw = answer(this_update=NOW - 5 * MINUTE, next_update=NOW - SECOND)
    assert is_no_answer(judge(raw, recorded=True), RevocationFinding.OCSP_NOT_CURRENT)


def test_an_answer_counts_to_its_last_second() -> None:
    raw = answer(this_update=NOW - 5 * MINUTE, next_update=NOW)
    assert judge(raw, now=NOW).verdict is Verdict.VALID


def test_an_answer_from_the_future_does_not_count() -> None:
    raw = answer(this_update=SOON + 3 * MINUTE, next_update=SOON + HOUR)
    assert is_no_answer(judge(raw), RevocationFinding.OCSP_NOT_CURRENT)
    assert judge(answer(this_update=SOON + 2 * MINUTE, next_update=SOON + HOUR)).verdict is Verdict.VALID


def test_an_answer_without_an_end_lives_as_long_as_the_policy_says() -> None:
    raw = answer(this_update=NOW, next_update=None)
    assert judge(raw, now=NOW + 10 * MINUTE).verdict is Verdict.VALID
    assert is_no_answer(judge(raw, now=NOW + 10 * MINUTE + SECOND), RevocationFinding.OCSP_NOT_CURRENT)


@pytest.mark.parametrize(("moment", "verdict"), [(-SECOND, "INVALID"), (0 * SECOND, "INVALID"), (SECOND, "VALID")])
def test_revoked_at_or_before_the_proved_time_is_invalid_and_after_it_valid(moment: timedelta, verdict: str) -> None:
    for report in (judge(revoked(NOW + moment)), judge(crl=crl((world().person, NOW + moment)))):
        assert report.verdict is Verdict[verdict]
        assert (report.revoked_at, report.reason, report.state) == (NOW + moment, "keyCompromise", "MATURE")
        before = TrustReason(*RevocationFinding.REVOKED.value, Verdict.INVALID)
        assert report.findings == ((before,) if verdict == "INVALID" else ())


def test_a_plain_signature_judged_as_of_now_is_invalid_once_revoked() -> None:
    """Nothing proves its time, so `at` is now (S-011)."""
    assert judge(revoked(NOW + MINUTE), at=SOON).verdict is Verdict.INVALID


def test_a_revocation_never_grows_old() -> None:
    raw = revoked(NOW - HOUR, this_update=NOW - HOUR, next_update=NOW - HOUR + 10 * MINUTE)
    assert judge(raw, now=NOW + timedelta(days=3650)).verdict is Verdict.INVALID
    old_list = crl((world().person, NOW - HOUR), next_update=NOW - MINUTE)
    assert judge(crl=old_list, now=NOW + timedelta(days=3650)).verdict is Verdict.INVALID


def test_a_list_alone_is_premature_until_one_made_after_the_signature_is_at_hand() -> None:
    before = judge(crl=crl())
    assert (before.verdict, before.source, before.state) == (Verdict.VALID, "crl", "PREMATURE")
    same = judge(crl=crl(this_update=NOW))
    assert same.state == "PREMATURE"
    after = judge(crl=crl(this_update=NOW + SECOND))
    assert (after.verdict, after.state) == (Verdict.VALID, "MATURE")


def test_the_list_is_heard_only_where_no_answer_counts() -> None:
    listed = crl((world().person, NOW - HOUR))
    assert judge(answer(), listed).source == "ocsp"
    unusable = judge(answer(signing_key=STRANGER), listed)
    assert (unusable.source, unusable.verdict) == ("crl", Verdict.INVALID)


def test_both_unusable_names_both() -> None:
    report = judge(b"", b"")
    assert report.verdict is Verdict.INDETERMINATE
    assert found(report) == [RevocationFinding.OCSP_UNREADABLE.value[0], RevocationFinding.CRL_UNREADABLE.value[0]]


def test_an_expired_list_does_not_count_live() -> None:
    raw = crl(this_update=NOW + SECOND, next_update=NOW + HOUR)
    assert judge(crl=raw, now=NOW + HOUR).state == "MATURE"
    assert is_no_answer(judge(crl=raw, now=NOW + HOUR + SECOND), RevocationFinding.CRL_NOT_CURRENT)
    assert judge(crl=raw, now=NOW + 99 * HOUR, recorded=True).state == "MATURE"
    ended = crl(this_update=NOW - 2 * HOUR, next_update=NOW - HOUR)
    assert is_no_answer(judge(crl=ended, recorded=True), RevocationFinding.CRL_NOT_CURRENT)


def test_a_list_of_another_authority_or_badly_signed_does_not_count() -> None:
    assert is_no_answer(judge(crl=crl(issuer=world().islem)), RevocationFinding.CRL_OTHER_SCOPE)
    assert is_no_answer(judge(crl=crl(issuer=world("theirs").eshs)), RevocationFinding.CRL_BROKEN_SIGNATURE)
    assert is_no_answer(judge(crl=crl(signing_key=STRANGER)), RevocationFinding.CRL_BROKEN_SIGNATURE)


def test_an_authority_that_may_not_sign_lists_is_not_heard() -> None:
    mute = make(
        name("Susan"),
        [forge.constraints(True, 0), forge.policies(forge.PERSON), forge.usage("key_cert_sign")],
        issuer=world().root,
    )
    leaf = make(name("Deneme", "12345678950"), forge.PERSON_EXTENSIONS, issuer=mute)
    report = check_revocation(
        leaf.raw, mute.raw, at=NOW, ocsp=None, crl=crl(issuer=mute), anchors=world().anchors, now=SOON
    )
    assert is_no_answer(report, RevocationFinding.CRL_BROKEN_SIGNATURE)


def scope(**given: Any) -> tuple[x509.ExtensionType, bool]:
    blank = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**blank, **given}), True


@pytest.mark.parametrize(
    "extension",
    [
        scope(only_contains_ca_certs=True),
        scope(only_contains_attribute_certs=True),
        scope(indirect_crl=True),
        scope(relative_name=next(iter(name("Parça").rdns))),
        scope(only_some_reasons=frozenset([x509.ReasonFlags.key_compromise])),
        scope(full_name=[x509.UniformResourceIdentifier("http://baska.example/liste.crl")]),
        (x509.DeltaCRLIndicator(1), True),
        (x509.DeltaCRLIndicator(1), False),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), b"\x05\x00"), True),
    ],
    ids=[
        "authorities",
        "attributes",
        "indirect",
        "relative",
        "some reasons",
        "elsewhere",
        "delta",
        "quiet delta",
        "strange",
    ],
)
def test_a_list_that_does_not_speak_for_the_certificate_does_not_count(
    extension: tuple[x509.ExtensionType, bool],
) -> None:
    assert is_no_answer(judge(crl=crl(extensions=[extension])), RevocationFinding.CRL_OTHER_SCOPE)
    assert judge(crl=crl(extensions=[scope(only_contains_user_certs=True)])).verdict is Verdict.VALID


def test_a_list_speaks_for_the_kind_of_certificate_and_the_place_it_names() -> None:
    place = "http://127.0.0.1/persons.crl"
    points = x509.CRLDistributionPoints(
        [x509.DistributionPoint([x509.UniformResourceIdentifier(place)], None, None, None)]
    )
    leaf = make(name("Deneme", "12345678950"), [*forge.PERSON_EXTENSIONS, (points, False)], issuer=world().eshs)
    here = scope(full_name=[x509.DNSName("a"), x509.UniformResourceIdentifier(place)])
    assert judge(crl=crl(extensions=[here]), leaf=leaf).verdict is Verdict.VALID
    for scoped, verdict in (
        (scope(only_contains_ca_certs=True), Verdict.VALID),
        (scope(only_contains_user_certs=True), Verdict.INDETERMINATE),
    ):
        report = check_revocation(
            world().eshs.raw,
            world().root.raw,
            at=NOW,
            ocsp=None,
            crl=crl(issuer=world().root, extensions=[scoped]),
            anchors=world().anchors,
            now=SOON,
        )
        assert report.verdict is verdict


def test_what_is_unknown_and_not_critical_is_passed_over() -> None:
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), b"\x05\x00"), False
    since = x509.InvalidityDate(NOW.replace(tzinfo=None)), False
    raw = crl((world().person, NOW - HOUR), extensions=[strange], entry_extensions=[since])
    assert judge(crl=raw).verdict is Verdict.INVALID


def test_a_list_signed_without_a_hash_we_know_does_not_count() -> None:
    raw = crl(signing_key=forge.key("stranger", "ed25519"))
    assert is_no_answer(judge(crl=raw), RevocationFinding.CRL_BROKEN_SIGNATURE)


def test_an_entry_under_an_unknown_critical_rule_makes_the_list_unusable() -> None:
    other_issuer = x509.CertificateIssuer([x509.DirectoryName(name("Başka makam"))]), True
    raw = crl((world().person, NOW - HOUR), entry_extensions=[other_issuer])
    assert is_no_answer(judge(crl=raw), RevocationFinding.CRL_UNREADABLE)


def test_an_issuer_that_did_not_issue_the_certificate_decides_nothing() -> None:
    report = check_revocation(
        world().person.raw,
        world().islem.raw,
        at=NOW,
        ocsp=answer(issuer=world().islem, responder=world().islem, embed=False),
        crl=crl(issuer=world().islem),
        anchors=world().anchors,
        now=SOON,
    )
    assert is_no_answer(report, RevocationFinding.NOTHING)


def test_moments_without_a_zone_are_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="zone"):
        judge(answer(), at=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="zone"):
        judge(answer(), now=NOW.replace(tzinfo=None))


def along_the_path(leaf: Material, authority: Material) -> RevocationReport:
    path = (world().person.raw, world().eshs.raw, world().root.raw)
    return check_path_revocation(path, [leaf, authority], at=NOW, anchors=world().anchors, now=SOON)


def test_a_revoked_authority_takes_its_leaves_along() -> None:
    """S-012: sub-CA revoked before."""
    of_root = {"issuer": world().root}
    good, listed = Material(ocsp=answer()), Material(crl=crl(**of_root))  # type: ignore[arg-type]
    report = along_the_path(good, listed)
    assert (report.verdict, report.state) == (Verdict.VALID, "PREMATURE")
    mature = Material(crl=crl(issuer=world().root, this_update=NOW + SECOND))
    assert along_the_path(good, mature).state == "MATURE"
    gone = Material(crl=crl((world().eshs, NOW - HOUR), issuer=world().root))
    revoked_authority = along_the_path(good, gone)
    assert revoked_authority.verdict is Verdict.INVALID
    assert [(one.code, one.position) for one in revoked_authority.findings] == [("IPT-20", 1)]
    assert revoked_authority.revoked_at == NOW - HOUR
    unknown = along_the_path(good, Material())
    assert [(one.code, one.position) for one in unknown.findings] == [("IPT-01", 1)]
    assert (unknown.verdict, unknown.state) == (Verdict.INDETERMINATE, None)
    assert unknown.next_update == NOW + 11 * MINUTE
    assert along_the_path(Material(), Material()).next_update is None
    assert (report.next_update, along_the_path(good, good).next_update) == (NOW + 11 * MINUTE, NOW + 11 * MINUTE)
    for path, materials in (((world().person.raw,), []), ((world().person.raw,), [good]), ((b"", b""), [good, good])):
        with pytest.raises(ValueError, match="one material"):
            check_path_revocation(path, materials, at=NOW, anchors=world().anchors, now=SOON)


def test_the_policy_decides_how_old_an_answer_may_be() -> None:
    strict = replace(world().anchors, policy=replace(world().anchors.policy, ocsp_lifetime=MINUTE))
    raw = answer(this_update=NOW - 2 * MINUTE, next_update=NOW + HOUR)
    report = check_revocation(
        world().person.raw, world().eshs.raw, at=NOW, ocsp=raw, crl=None, anchors=strict, now=SOON
    )
    assert is_no_answer(report, RevocationFinding.OCSP_NOT_CURRENT)
