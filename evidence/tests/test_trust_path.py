"""From a leaf to a root: each rule of V-061 and S-012 refused alone, beside a control that passes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from evidence import chain
from evidence.certificate import issued_by
from evidence.tests import forge
from evidence.tests.forge import NOW, PERSON, PERSON_EXTENSIONS, Made, make, name, world
from evidence.tests.judging import authority, codes, free_authority, judge, only, person
from evidence.trust import AnchorsRefused, Finding, Role, TrustAnchors, Verdict, check_path


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


def test_role_roots_and_policy_are_asked_anew_of_a_path_that_is_remembered() -> None:
    leaf, pool, ours = person().raw, world().pool, world().anchors
    stricter = TrustAnchors(ours.roots, replace(ours.policy, min_rsa_bits=16_384, curves=frozenset()))
    for _ in range(2):
        assert check_path(leaf, pool, ours, at=NOW, role=Role.PERSON).verdict is Verdict.VALID
        assert codes(check_path(leaf, pool, ours, at=NOW, role=Role.TIMESTAMP)) == only(Finding.NOT_A_TIMESTAMP)
        assert codes(check_path(leaf, pool, world("theirs").anchors, at=NOW, role=Role.PERSON))[0] == (
            Finding.UNKNOWN_ROOT.value[0],
            1,
        )
        assert Finding.WEAK_ALGORITHM.value[0] in {
            code for code, _ in codes(check_path(leaf, pool, stricter, at=NOW, role=Role.PERSON))
        }


def test_an_expired_authority_is_invalid() -> None:
    old = make(
        name("ESHS eski"),
        [forge.constraints(True, 0), forge.policies(PERSON), forge.CA_USAGE],
        issuer=world().root,
        not_after=NOW - timedelta(seconds=1),
    )
    assert codes(judge(person(issuer=old), pool=(old.raw,))) == only(Finding.EXPIRED, 1)


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
