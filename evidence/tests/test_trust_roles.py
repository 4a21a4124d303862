"""What a certificate may be: roles, policies, strength; each rule refused alone beside a control (V-061)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from evidence.tests import forge
from evidence.tests.forge import NOW, PERSON, PERSON_EXTENSIONS, TRANSACTION, Made, make, name, world
from evidence.tests.judging import authority, codes, free_authority, judge, only, person, without
from evidence.trust import DEMO_POLICY, Finding, Role, Verdict, check_path

ROLES = [
    (Role.PERSON, "person"),
    (Role.TRANSACTION, "transaction"),
    (Role.TIMESTAMP, "stamper"),
    (Role.OCSP, "responder"),
]


@pytest.mark.parametrize(("role", "attribute"), ROLES)
def test_a_right_certificate_is_valid_in_its_role_and_the_path_is_given_leaf_first(role: Role, attribute: str) -> None:
    leaf: Made = getattr(world(), attribute)
    report = judge(leaf, role=role)
    assert report.verdict is Verdict.VALID
    assert report.reasons == ()
    assert report.path[0] == leaf.raw
    assert report.path[-1] == world().root.raw
    assert len(report.path) == 3


@pytest.mark.parametrize(("role", "attribute"), ROLES)
@pytest.mark.parametrize(("other_role", "_other"), ROLES)
def test_no_certificate_acts_in_another_role(role: Role, attribute: str, other_role: Role, _other: str) -> None:
    report = judge(getattr(world(), attribute), role=other_role)
    assert report.verdict is (Verdict.VALID if role is other_role else Verdict.INVALID)
    assert len(report.reasons) == (role is not other_role)


def test_the_policy_of_the_issuing_authority_constrains_the_leaf() -> None:
    """A person's authority may not make a provider's certificate, whatever it writes into it, nor the other way."""
    as_provider = make(
        name("hs01.kep.tr"),
        [forge.constraints(False), forge.LEAF_USAGE, forge.policies(TRANSACTION)],
        issuer=world().eshs,
    )
    assert codes(judge(as_provider, role=Role.TRANSACTION)) == only(Finding.NOT_A_TRANSACTION)
    as_person = person(issuer=world().islem)
    assert codes(judge(as_person)) == only(Finding.NOT_A_PERSON)
    stamper = make(name("Damga"), forge.STAMPER_EXTENSIONS, issuer=world().eshs)
    assert codes(judge(stamper, role=Role.TIMESTAMP)) == only(Finding.NOT_A_TIMESTAMP)


def test_an_authority_under_any_policy_is_not_constrained_and_one_without_policies_may_issue_none() -> None:
    anything = authority(forge.constraints(True, 0), forge.policies("2.5.29.32.0"), forge.CA_USAGE, label="her")
    nothing = authority(forge.constraints(True, 0), forge.CA_USAGE, label="hiç")
    assert judge(person(issuer=anything), pool=(anything.raw,)).verdict is Verdict.VALID
    assert codes(judge(person(issuer=nothing), pool=(nothing.raw,))) == only(Finding.NOT_A_PERSON)


NOT_PERSONS: dict[str, Callable[[], list[forge.Extension]]] = {
    "without nonRepudiation": lambda: without(x509.KeyUsage, forge.usage("digital_signature")),
    "without statements": lambda: without(x509.UnrecognizedExtension),
    "without the ETSI statement": lambda: without(x509.UnrecognizedExtension, forge.statements(forge.BTK)),
    "without the BTK statement": lambda: without(x509.UnrecognizedExtension, forge.statements(forge.ETSI)),
    "statements not in DER": lambda: without(x509.UnrecognizedExtension, forge.statements(raw=b"\x30\x81\x00")),
    "a seal beside the person": lambda: without(
        x509.CertificatePolicies, forge.policies(PERSON, "2.16.792.1.2.1.1.5.7.50.1", notice="x")
    ),
    "a provider beside the person": lambda: without(
        x509.CertificatePolicies, forge.policies(PERSON, TRANSACTION, notice="x")
    ),
    "any policy": lambda: without(x509.CertificatePolicies, forge.policies("2.5.29.32.0", notice="x")),
    "no policy": lambda: without(x509.CertificatePolicies),
    "a stamper as well": lambda: [*PERSON_EXTENSIONS, forge.purposes(ExtendedKeyUsageOID.TIME_STAMPING)],
}


@pytest.mark.parametrize("what", NOT_PERSONS)
def test_a_certificate_that_is_not_a_persons_is_refused(what: str) -> None:
    assert codes(judge(person(*NOT_PERSONS[what]()))) == only(Finding.NOT_A_PERSON)


def test_a_qualified_certificate_is_never_a_providers() -> None:
    qualified = make(
        name("hs01.kep.tr"),
        [
            forge.constraints(False),
            forge.LEAF_USAGE,
            forge.policies(TRANSACTION),
            forge.statements(forge.ETSI, forge.BTK),
        ],
        issuer=world().islem,
    )
    assert codes(judge(qualified, role=Role.TRANSACTION)) == only(Finding.NOT_A_TRANSACTION)


@pytest.mark.parametrize(
    "purposes",
    [
        forge.purposes(ExtendedKeyUsageOID.TIME_STAMPING, critical=False),
        forge.purposes(ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.EMAIL_PROTECTION),
        forge.purposes(ExtendedKeyUsageOID.EMAIL_PROTECTION),
        None,
    ],
    ids=["not critical", "two purposes", "another purpose", "no purpose"],
)
def test_a_stamper_has_one_critical_purpose(purposes: forge.Extension | None) -> None:
    extensions = [one for one in forge.STAMPER_EXTENSIONS if not isinstance(one[0], x509.ExtendedKeyUsage)]
    stamper = make(name("Damga"), [*extensions, *([purposes] if purposes else [])], issuer=world().tsa_ca)
    assert codes(judge(stamper, role=Role.TIMESTAMP)) == only(Finding.NOT_A_TIMESTAMP)


CANNOT_SIGN = forge.usage("key_encipherment")


@pytest.mark.parametrize(
    ("role", "issuer", "extensions", "finding"),
    [
        (Role.TRANSACTION, "islem", [forge.policies(TRANSACTION)], Finding.NOT_A_TRANSACTION),
        (Role.TIMESTAMP, "tsa_ca", list(forge.STAMPER_EXTENSIONS[2:]), Finding.NOT_A_TIMESTAMP),
        (Role.OCSP, "eshs", list(forge.RESPONDER_EXTENSIONS[2:]), Finding.NOT_A_RESPONDER),
    ],
)
def test_a_key_that_may_not_sign_acts_in_no_role(
    role: Role, issuer: str, extensions: list[forge.Extension], finding: Finding
) -> None:
    for key_usage, expected in ((CANNOT_SIGN, only(finding)), (forge.usage("digital_signature"), [])):
        leaf = make(name("Yaprak"), [key_usage, *extensions], issuer=getattr(world(), issuer))
        assert codes(judge(leaf, role=role)) == expected


@pytest.mark.parametrize("purpose", [ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.OCSP_SIGNING])
def test_a_provider_does_not_also_stamp_or_answer(purpose: x509.ObjectIdentifier) -> None:
    both = [forge.LEAF_USAGE, forge.policies(TRANSACTION), forge.purposes(purpose)]
    leaf = make(name("hs01.kep.tr"), both, issuer=world().islem)
    assert codes(judge(leaf, role=Role.TRANSACTION)) == only(Finding.NOT_A_TRANSACTION)


def test_a_policy_without_numbers_for_a_role_takes_what_is_of_no_other_role() -> None:
    open_policy = replace(DEMO_POLICY, person=frozenset(), timestamp=frozenset())
    anchors = replace(world().anchors, policy=open_policy)
    middle = free_authority("açık", world().root)
    for role, extensions in ((Role.PERSON, PERSON_EXTENSIONS), (Role.TIMESTAMP, forge.STAMPER_EXTENSIONS)):
        own = [forge.policies("2.999.77", notice="x"), *without_policies(extensions)]
        leaf = make(name("Yaprak", "12345678950"), own, issuer=middle)
        for policy, verdict in ((anchors, Verdict.VALID), (world().anchors, Verdict.INVALID)):
            assert check_path(leaf.raw, (middle.raw,), policy, at=NOW, role=role).verdict is verdict


def without_policies(extensions: tuple[forge.Extension, ...]) -> list[forge.Extension]:
    return [one for one in extensions if not isinstance(one[0], x509.CertificatePolicies)]


def test_an_authority_never_signs_in_a_role() -> None:
    acting = person(forge.constraints(True), *without(x509.BasicConstraints))
    assert codes(judge(acting)) == only(Finding.AUTHORITY_AS_SIGNER)
    root = judge(world().root, role=Role.TRANSACTION)
    assert (codes(root), root.path) == (only(Finding.AUTHORITY_AS_SIGNER), (world().root.raw,))


@pytest.mark.parametrize("kind", ["rsa1024", "k1"])
def test_a_weak_or_unknown_key_is_refused(kind: str) -> None:
    assert codes(judge(person(holder=forge.key("weak", kind)))) == only(Finding.WEAK_ALGORITHM)


def test_hashes_that_no_longer_hold_make_a_path_invalid_but_for_the_roots_own() -> None:
    """S-005: dated data; here SHA-256, which signs all of this world, is taken off the list."""
    later = replace(world().anchors, policy=replace(DEMO_POLICY, hashes=frozenset({"sha384"})))
    report = check_path(world().person.raw, world().pool, later, at=NOW, role=Role.PERSON)
    weak = Finding.WEAK_ALGORITHM.value[0]
    assert codes(report) == [(weak, 0), (weak, 1)]


def test_an_unknown_critical_extension_is_refused_and_a_plain_one_is_passed_over() -> None:
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), b"\x05\x00")
    assert codes(judge(person(*PERSON_EXTENSIONS, (strange, True)))) == only(Finding.UNKNOWN_CRITICAL)
    assert judge(person(*PERSON_EXTENSIONS, (strange, False))).verdict is Verdict.VALID


def test_every_failure_is_named_once_and_together() -> None:
    bad = person(
        *without(x509.UnrecognizedExtension), not_after=NOW - timedelta(days=1), holder=forge.key("weak", "rsa1024")
    )
    assert codes(judge(bad)) == [
        (Finding.EXPIRED.value[0], 0),
        (Finding.WEAK_ALGORITHM.value[0], 0),
        (Finding.NOT_A_PERSON.value[0], 0),
    ]
