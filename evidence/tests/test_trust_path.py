"""Path validation: each rule of V-061 and S-012 refused alone, beside a control that passes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from evidence import chain
from evidence.certificate import issued_by
from evidence.tests import forge
from evidence.tests.forge import NOW, PERSON, PERSON_EXTENSIONS, TRANSACTION, Made, make, name, world
from evidence.trust import DEMO_POLICY, AnchorsRefused, Finding, PathReport, Role, TrustAnchors, Verdict, check_path

ROLES = [
    (Role.PERSON, "person"),
    (Role.TRANSACTION, "transaction"),
    (Role.TIMESTAMP, "stamper"),
    (Role.OCSP, "responder"),
]


def judge(
    leaf: Made | bytes, *, role: Role = Role.PERSON, at: datetime = NOW, pool: tuple[bytes, ...] | None = None
) -> PathReport:
    raw = leaf.raw if isinstance(leaf, Made) else leaf
    return check_path(raw, world().pool if pool is None else pool, world().anchors, at=at, role=role)


def codes(report: PathReport) -> list[tuple[str, int]]:
    return [(reason.code, reason.position) for reason in report.reasons]


def only(finding: Finding, position: int = 0) -> list[tuple[str, int]]:
    return [(finding.value[0], position)]


def person(*extensions: forge.Extension, issuer: Made | None = None, **others: Any) -> Made:
    return make(name("Deneme", "12345678950"), extensions or PERSON_EXTENSIONS, issuer=issuer or world().eshs, **others)


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
    if role is other_role:
        return
    report = judge(getattr(world(), attribute), role=other_role)
    assert report.verdict is Verdict.INVALID
    assert len(report.reasons) == 1


def test_a_world_rebuilt_under_the_same_names_is_indeterminate() -> None:
    theirs = world("theirs")
    report = judge(theirs.person, pool=theirs.pool)
    assert report.verdict is Verdict.INDETERMINATE
    assert codes(report) == only(Finding.UNKNOWN_ROOT, 1)
    control = check_path(theirs.person.raw, theirs.pool, theirs.anchors, at=NOW, role=Role.PERSON)
    assert control.verdict is Verdict.VALID


def test_a_foreign_root_carried_in_the_message_is_not_believed() -> None:
    theirs = world("theirs")
    report = judge(theirs.person, pool=(*theirs.pool, theirs.root.raw))
    assert codes(report) == only(Finding.UNKNOWN_ROOT, 2)


def test_a_leaf_whose_issuer_is_not_at_hand_is_indeterminate() -> None:
    assert codes(judge(world().person, pool=())) == only(Finding.UNKNOWN_ROOT)


def test_every_single_changed_byte_of_the_leaf_or_its_issuer_is_noticed() -> None:
    """Changed in the issuer it may read as another world's: then cannot tell. Valid it is never."""
    leaf, issuer = world().transaction.raw, world().islem.raw
    for bit in (0x01, 0x80):
        for at in range(len(leaf)):
            changed = leaf[:at] + bytes((leaf[at] ^ bit,)) + leaf[at + 1 :]
            assert judge(changed, role=Role.TRANSACTION).verdict is not Verdict.VALID
        for at in range(len(issuer)):
            changed = issuer[:at] + bytes((issuer[at] ^ bit,)) + issuer[at + 1 :]
            assert judge(leaf, role=Role.TRANSACTION, pool=(changed,)).verdict is not Verdict.VALID


def test_a_leaf_signed_by_a_strangers_key_in_the_issuers_name_is_invalid() -> None:
    forged = person(signing_key=forge.key("stranger"))
    assert codes(judge(forged)) == only(Finding.BROKEN_SIGNATURE)
    assert judge(person()).verdict is Verdict.VALID


def test_a_broken_signature_is_one_by_the_named_issuer_and_its_named_key() -> None:
    """Without key identifiers the name is all that is claimed; another name or key is another world's (S-012)."""
    stranger = forge.key("stranger")
    unnamed_key = person(signing_key=stranger, key_ids=False)
    assert codes(judge(unnamed_key)) == only(Finding.BROKEN_SIGNATURE)
    only_serial = x509.AuthorityKeyIdentifier(
        None, [x509.DirectoryName(world().root.certificate.subject)], world().eshs.certificate.serial_number
    )
    by_serial = person(*PERSON_EXTENSIONS, (only_serial, False), signing_key=stranger, key_ids=False)
    assert codes(judge(by_serial)) == only(Finding.BROKEN_SIGNATURE)
    elsewhere = Made(make(name("Başka ESHS"), [forge.CA_USAGE], holder=world().eshs.key).certificate, world().eshs.key)
    assert codes(judge(person(issuer=elsewhere, signing_key=stranger))) == only(Finding.UNKNOWN_ROOT)


def test_an_authority_the_root_did_not_sign_is_invalid() -> None:
    fake = make(
        name("ESHS"),
        [forge.constraints(True, 0), forge.policies(PERSON), forge.CA_USAGE],
        issuer=world().root,
        holder=forge.key("fake eshs"),
        signing_key=forge.key("fake eshs"),
    )
    assert codes(judge(person(issuer=fake), pool=(fake.raw,))) == only(Finding.BROKEN_SIGNATURE, 1)


def test_time_is_judged_at_the_moment_asked_for() -> None:
    leaf = person(not_before=NOW - timedelta(days=2), not_after=NOW - timedelta(days=1))
    assert codes(judge(leaf)) == only(Finding.EXPIRED)
    assert judge(leaf, at=NOW - timedelta(days=1)).verdict is Verdict.VALID
    assert judge(leaf, at=NOW - timedelta(days=1) + timedelta(seconds=1)).verdict is Verdict.INVALID
    assert judge(leaf, at=NOW - timedelta(days=2)).verdict is Verdict.VALID
    assert codes(judge(leaf, at=NOW - timedelta(days=2, seconds=1))) == only(Finding.NOT_YET_VALID)
    with pytest.raises(ValueError, match="zone"):
        judge(leaf, at=NOW.replace(tzinfo=None))


def test_an_expired_authority_is_invalid() -> None:
    old = make(
        name("ESHS eski"),
        [forge.constraints(True, 0), forge.policies(PERSON), forge.CA_USAGE],
        issuer=world().root,
        not_after=NOW - timedelta(seconds=1),
    )
    assert codes(judge(person(issuer=old), pool=(old.raw,))) == only(Finding.EXPIRED, 1)


def authority(*extensions: forge.Extension, label: str, issuer: Made | None = None) -> Made:
    return make(name(label), extensions, issuer=issuer or world().root)


def test_an_issuer_must_be_an_authority_that_may_sign_certificates() -> None:
    right = authority(forge.constraints(True, 0), forge.policies(PERSON), forge.CA_USAGE, label="doğru")
    no_ca = authority(forge.constraints(False), forge.policies(PERSON), forge.CA_USAGE, label="ca değil")
    no_constraints = authority(forge.policies(PERSON), forge.CA_USAGE, label="kısıtsız")
    no_sign = authority(
        forge.constraints(True, 0), forge.policies(PERSON), forge.usage("crl_sign"), label="imzalayamaz"
    )
    no_usage = authority(forge.constraints(True, 0), forge.policies(PERSON), label="kullanımsız")
    assert judge(person(issuer=right), pool=(right.raw,)).verdict is Verdict.VALID
    for wrong in (no_ca, no_constraints, no_sign, no_usage):
        assert codes(judge(person(issuer=wrong), pool=(wrong.raw,))) == only(Finding.NOT_AN_AUTHORITY, 1)


def test_a_persons_certificate_cannot_issue_another() -> None:
    report = judge(person(issuer=world().person), pool=(*world().pool, world().person.raw))
    assert report.verdict is Verdict.INVALID
    assert (Finding.NOT_AN_AUTHORITY.value[0], 1) in codes(report)


def test_a_path_longer_than_an_authority_allows_is_invalid() -> None:
    middle = authority(
        forge.constraints(True, 0), forge.policies(PERSON), forge.CA_USAGE, label="alt", issuer=world().eshs
    )
    report = judge(person(issuer=middle), pool=(*world().pool, middle.raw))
    too_long = Finding.PATH_TOO_LONG.value[0]
    assert codes(report) == [(too_long, 2), (too_long, 3)], "the middle one may issue none, the root one level"


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


def without(kind: type, *more: forge.Extension) -> list[forge.Extension]:
    return [one for one in PERSON_EXTENSIONS if not isinstance(one[0], kind)] + list(more)


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


def constrained(
    label: str, *, permitted: list[x509.GeneralName] | None = None, excluded: list[x509.GeneralName] | None = None
) -> Made:
    limits = x509.NameConstraints(permitted, excluded), True
    return authority(forge.constraints(True, 0), forge.policies(PERSON), forge.CA_USAGE, limits, label=label)


def test_name_constraints_of_an_authority_bind_what_it_issues() -> None:
    turkish = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "TR")]))
    german = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE")]))
    host = x509.SubjectAlternativeName([x509.DNSName("hs01.kep.tr")]), False
    cases: list[tuple[Made, bool]] = [
        (constrained("tr", permitted=[turkish]), True),
        (constrained("de", permitted=[german]), False),
        (constrained("tr yok", excluded=[turkish]), False),
        (constrained("kep.tr", permitted=[x509.DNSName("kep.tr")]), True),
        (constrained("ep.tr", permitted=[x509.DNSName("ep.tr")]), False),
        (constrained("hs02", permitted=[x509.DNSName("hs02.kep.tr")]), False),
        (constrained("posta", permitted=[x509.RFC822Name("kep.tr")]), True),
        (constrained("uri", permitted=[x509.UniformResourceIdentifier("kep.tr")]), False),
    ]
    for issuer, passes in cases:
        report = judge(person(*PERSON_EXTENSIONS, host, issuer=issuer), pool=(issuer.raw,))
        assert codes(report) == ([] if passes else only(Finding.NAME_NOT_PERMITTED, 1)), issuer.certificate.subject


def test_every_failure_is_named_once_and_together() -> None:
    bad = person(
        *without(x509.UnrecognizedExtension), not_after=NOW - timedelta(days=1), holder=forge.key("weak", "rsa1024")
    )
    assert codes(judge(bad)) == [
        (Finding.EXPIRED.value[0], 0),
        (Finding.WEAK_ALGORITHM.value[0], 0),
        (Finding.NOT_A_PERSON.value[0], 0),
    ]


def test_of_two_ways_to_the_root_the_valid_one_counts() -> None:
    expired = make(
        name("ESHS"),
        [forge.constraints(True, 0), forge.policies(PERSON), forge.CA_USAGE],
        issuer=world().root,
        holder=world().eshs.key,
        not_after=NOW - timedelta(days=1),
    )
    for pool in ((expired.raw, world().eshs.raw), (world().eshs.raw, expired.raw)):
        assert judge(world().person, pool=pool).verdict is Verdict.VALID
    early = make(
        name("ESHS"),
        [forge.constraints(True, 0), forge.policies(PERSON), forge.CA_USAGE],
        issuer=world().root,
        holder=world().eshs.key,
        not_before=NOW + timedelta(days=1),
    )
    assert codes(judge(world().person, pool=(expired.raw, early.raw))) == only(Finding.EXPIRED, 1)
    assert codes(judge(world().person, pool=(early.raw, expired.raw))) == only(Finding.NOT_YET_VALID, 1)


def free_authority(label: str, issuer: Made | None, *, subject: str = "") -> Made:
    """An authority under any policy, with a key of its own."""
    extensions = [forge.constraints(True), forge.policies("2.5.29.32.0"), forge.CA_USAGE]
    return make(name(subject or label), extensions, issuer=issuer, holder=forge.key(f"free {label}"))


@pytest.mark.parametrize(("authorities", "verdict"), [(6, Verdict.VALID), (7, Verdict.INDETERMINATE)])
def test_a_path_has_at_most_eight_certificates(authorities: int, verdict: Verdict) -> None:
    root = free_authority("geniş kök", None)
    line = [root]
    for at in range(authorities):
        line.append(free_authority(f"kat {at}", line[-1]))
    leaf = person(issuer=line[-1])
    pool = [one.raw for one in line[1:]]
    report = check_path(leaf.raw, pool, TrustAnchors((root.raw,)), at=NOW, role=Role.PERSON)
    assert report.verdict is verdict


def test_an_authority_may_change_its_key_under_its_name() -> None:
    """The new key is certified by the old one; such a self-issued step counts for no length (RFC 5280, 4.2.1.9)."""
    extensions = [forge.constraints(True, 0), forge.policies(PERSON), forge.CA_USAGE]
    new = make(name("ESHS"), extensions, issuer=world().eshs, holder=forge.key("eshs new"))
    report = judge(person(issuer=new), pool=(*world().pool, new.raw))
    assert (report.verdict, len(report.path)) == (Verdict.VALID, 4)


def test_an_authority_may_keep_its_key_under_another_name() -> None:
    root = free_authority("geniş kök", None)
    old = free_authority("eski ad", root)
    extensions = [forge.constraints(True), forge.policies(PERSON), forge.CA_USAGE]
    renamed = make(name("yeni ad"), extensions, issuer=old, holder=old.key)
    leaf = person(issuer=renamed)
    report = check_path(leaf.raw, (old.raw, renamed.raw), TrustAnchors((root.raw,)), at=NOW, role=Role.PERSON)
    assert (report.verdict, len(report.path)) == (Verdict.VALID, 4)


def test_authorities_that_sign_each_other_cost_no_more_than_a_few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six of them make hundreds of paths, none of which ends (V-062)."""
    circle = [free_authority(f"halka {at}", None) for at in range(6)]
    crossed = [
        make(
            one.certificate.subject,
            [forge.constraints(True), forge.policies("2.5.29.32.0"), forge.CA_USAGE],
            issuer=other,
            holder=one.key,
        )
        for one in circle
        for other in circle
        if one is not other
    ]
    pool = tuple(one.raw for one in crossed)
    looks = 0

    def counted(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        nonlocal looks
        looks += 1
        return issued_by(certificate, issuer)

    monkeypatch.setattr(chain, "issued_by", counted)
    assert codes(judge(person(issuer=circle[0]), pool=pool))[0][0] == Finding.UNKNOWN_ROOT.value[0]
    assert looks <= chain.MAX_STEPS * (len(pool) + 1) + (chain.MAX_PATH + 1) * len(pool)


def test_copies_of_an_authority_signed_by_itself_do_not_hide_the_one_the_root_signed() -> None:
    extensions = [forge.constraints(True, 0), forge.policies(PERSON), forge.CA_USAGE]
    copies = [make(name("ESHS"), extensions, holder=world().eshs.key) for _ in range(20)]
    pool = (*(copy.raw for copy in copies), world().eshs.raw)
    assert judge(world().person, pool=pool).verdict is Verdict.VALID


def test_more_certificates_than_anybody_needs_are_refused() -> None:
    rubbish = tuple(bytes((at,)) for at in range(chain.MAX_POOL - 3))
    assert judge(world().person, pool=(*rubbish, *world().pool)).verdict is Verdict.VALID
    assert codes(judge(world().person, pool=(*rubbish, *world().pool, b"one more"))) == only(Finding.TOO_MANY)


def test_rubbish_beside_the_leaf_is_passed_over_and_as_leaf_is_invalid() -> None:
    assert judge(world().person, pool=(b"", b"\x30\x00", *world().pool)).verdict is Verdict.VALID
    for raw in (b"", b"\x30\x00", world().person.raw + b"\x00", b"\x00" * 70_000):
        assert codes(judge(raw)) == only(Finding.UNREADABLE)


def test_anchors_are_self_signed_authorities_and_nothing_else() -> None:
    pem = world().root.certificate.public_bytes(serialization.Encoding.PEM)
    assert TrustAnchors.from_pem(pem).roots == (world().root.raw,)
    tampered = bytearray(world().root.raw)
    tampered[-1] ^= 1
    for wrong in ((), (world().eshs.raw,), (world().person.raw,), (bytes(tampered),), (b"rubbish",)):
        with pytest.raises(AnchorsRefused):
            TrustAnchors(wrong)
    with pytest.raises(AnchorsRefused):
        TrustAnchors.from_pem(b"no certificate here")
    with pytest.raises(AnchorsRefused):
        TrustAnchors.from_pem("/nonexistent/kok.pem")
    leaf_as_root = make(name("yaprak"), [forge.constraints(False), forge.LEAF_USAGE])
    with pytest.raises(AnchorsRefused):
        TrustAnchors((leaf_as_root.raw,))
