"""What an answer decides about a moment: S-011, S-012 and S-014 row by row."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from evidence.tests.forge import NOW, world
from evidence.tests.forge_status import HOUR, MINUTE, STRANGER, answer, crl, revoked
from evidence.tests.judging_status import SECOND, SOON, found, is_no_answer, judge
from evidence.trust import (
    Material,
    RevocationFinding,
    RevocationReport,
    TrustReason,
    Verdict,
    check_path_revocation,
    check_revocation,
)


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


def test_the_list_is_heard_only_where_no_answer_counts() -> None:
    listed = crl((world().person, NOW - HOUR))
    assert judge(answer(), listed).source == "ocsp"
    unusable = judge(answer(signing_key=STRANGER), listed)
    assert (unusable.source, unusable.verdict) == ("crl", Verdict.INVALID)


def test_both_unusable_names_both() -> None:
    report = judge(b"", b"")
    assert report.verdict is Verdict.INDETERMINATE
    assert found(report) == [RevocationFinding.OCSP_UNREADABLE.value[0], RevocationFinding.CRL_UNREADABLE.value[0]]


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
