"""Which CRL is heard, and what it settles (S-012, S-014)."""

from typing import Any

import pytest
from cryptography import x509

from evidence import answers
from evidence.tests import forge
from evidence.tests.forge import NOW, make, name, world
from evidence.tests.forge_status import HOUR, STRANGER, crl
from evidence.tests.judging_status import SECOND, SOON, is_no_answer, judge
from evidence.trust import (
    RevocationFinding,
    Verdict,
    check_revocation,
)


def test_a_list_larger_than_any_real_one_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = crl()
    monkeypatch.setattr(answers, "MAX_CRL_BYTES", len(raw))
    assert judge(crl=raw).verdict is Verdict.VALID
    monkeypatch.setattr(answers, "MAX_CRL_BYTES", len(raw) - 1)
    assert is_no_answer(judge(crl=raw), RevocationFinding.CRL_UNREADABLE)


def test_a_list_alone_is_premature_until_one_made_after_the_signature_is_at_hand() -> None:
    before = judge(crl=crl())
    assert (before.verdict, before.source, before.state) == (Verdict.VALID, "crl", "PREMATURE")
    same = judge(crl=crl(this_update=NOW))
    assert same.state == "PREMATURE"
    after = judge(crl=crl(this_update=NOW + SECOND))
    assert (after.verdict, after.state) == (Verdict.VALID, "MATURE")


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
