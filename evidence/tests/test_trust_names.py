"""Name constraints of an authority, form by form (RFC 5280, 4.2.1.10)."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from evidence.names import names_permitted
from evidence.tests import forge


def directory(*pairs: tuple[x509.ObjectIdentifier, str]) -> x509.DirectoryName:
    return x509.DirectoryName(x509.Name([x509.NameAttribute(kind, value) for kind, value in pairs]))


COUNTRY, HOST, MAIL = NameOID.COUNTRY_NAME, x509.DNSName, x509.RFC822Name
SUBJECT = x509.Name([x509.NameAttribute(COUNTRY, "TR"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "PTT")])
TR, PTT = directory((COUNTRY, "TR")), x509.DirectoryName(SUBJECT)
TNB = directory((COUNTRY, "TR"), (NameOID.ORGANIZATION_NAME, "TNB"))
LONGER = directory((COUNTRY, "TR"), (NameOID.ORGANIZATION_NAME, "PTT"), (NameOID.COMMON_NAME, "x"))
EVERYTHING = [HOST("hs01.kep.tr"), MAIL("ayse@hs01.kep.tr")]


def permitted(
    *trees: x509.GeneralName,
    excluded: tuple[x509.GeneralName, ...] = (),
    names: list[x509.GeneralName] | None = None,
    subject: x509.Name = SUBJECT,
) -> bool:
    limits = x509.NameConstraints(list(trees) or None, list(excluded) or None)
    authority = forge.make(forge.name("Sınırlı"), [forge.constraints(True), (limits, True), forge.CA_USAGE])
    alternatives: list[forge.Extension] = [(x509.SubjectAlternativeName(names), False)] if names else []
    return names_permitted(authority.certificate, forge.make(subject, alternatives, issuer=authority).certificate)


def test_an_authority_without_constraints_may_name_anything() -> None:
    authority = forge.world().root
    assert names_permitted(authority.certificate, forge.world().person.certificate)


@pytest.mark.parametrize(("tree", "lies_within"), [(TR, True), (PTT, True), (TNB, False), (LONGER, False)])
def test_a_directory_name_lies_below_the_tree_it_begins_with(tree: x509.DirectoryName, lies_within: bool) -> None:
    assert permitted(tree) is lies_within
    assert permitted(excluded=(tree,)) is not lies_within


@pytest.mark.parametrize(
    ("tree", "lies_within"),
    [
        ("hs01.kep.tr", True),
        ("kep.tr", True),
        ("KEP.TR", True),
        ("", True),
        ("ep.tr", False),
        ("hs02.kep.tr", False),
        ("a.hs01.kep.tr", False),
    ],
)
def test_a_host_lies_in_its_domains(tree: str, lies_within: bool) -> None:
    assert permitted(HOST(tree), names=[HOST("hs01.kep.tr")]) is lies_within
    assert permitted(excluded=(HOST(tree),), names=[HOST("hs01.kep.tr")]) is not lies_within


@pytest.mark.parametrize(
    ("tree", "lies_within"),
    [
        ("ayse@hs01.kep.tr", True),
        ("fatma@hs01.kep.tr", False),
        ("hs01.kep.tr", True),
        ("HS01.kep.tr", True),
        ("kep.tr", False),
        (".kep.tr", True),
        (".hs01.kep.tr", False),
    ],
)
def test_an_address_lies_in_its_host_or_in_a_domain_with_a_dot(tree: str, lies_within: bool) -> None:
    assert permitted(MAIL(tree), names=[MAIL("ayse@hs01.kep.tr")]) is lies_within
    assert permitted(excluded=(MAIL(tree),), names=[MAIL("ayse@hs01.kep.tr")]) is not lies_within


def test_a_constraint_says_nothing_about_names_of_another_form() -> None:
    assert permitted(TR, names=EVERYTHING)
    assert permitted(HOST("kep.tr"), names=EVERYTHING)
    assert permitted(MAIL("hs01.kep.tr"), names=EVERYTHING)
    assert permitted(excluded=(TNB, HOST("hs02.kep.tr"), MAIL("hs02.kep.tr")), names=EVERYTHING)


def test_every_name_must_be_permitted_and_no_name_excluded() -> None:
    assert permitted(HOST("kep.tr"), HOST("example"), names=[HOST("hs01.kep.tr"), HOST("a.example")])
    assert not permitted(HOST("kep.tr"), names=[HOST("hs01.kep.tr"), HOST("a.example")])
    assert not permitted(HOST("kep.tr"), excluded=(HOST("hs01.kep.tr"),), names=[HOST("hs01.kep.tr")])
    assert not permitted(TNB, HOST("kep.tr"), names=[HOST("hs01.kep.tr")])


def test_an_empty_subject_is_no_name() -> None:
    assert permitted(TNB, names=[HOST("hs01.kep.tr")], subject=x509.Name([]))


def test_a_rule_about_a_form_that_is_not_understood_permits_nothing() -> None:
    for tree in (x509.UniformResourceIdentifier("kep.tr"), x509.RegisteredID(x509.ObjectIdentifier("2.999"))):
        assert not permitted(tree)
        assert not permitted(excluded=(tree,))
