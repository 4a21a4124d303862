"""What a certificate claims, read into plain values, and what is refused before it is read (S-003, V-062)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from evidence import der
from evidence.tests import forge
from evidence.tests.forge import NOW, PERSON, PERSON_EXTENSIONS, make, name, world
from evidence.tests.forge_status import with_an_unused_bit
from evidence.trust import DEMO_POLICY, CertificateRefused, QcLimit, facts_of


def facts_with(*extensions: forge.Extension, subject: x509.Name | None = None) -> Any:
    return facts_of(
        make(name("Deneme", "12345678950") if subject is None else subject, extensions, issuer=world().eshs).raw
    )


def test_a_persons_certificate_reads_as_one() -> None:
    facts = facts_of(world().person.raw)
    assert facts.common_name == "Ayşe Işık"
    assert facts.tckn == "12345678950"
    assert facts.subject_name == "CN=Ayşe Işık,2.5.4.5=12345678950,C=TR"
    assert facts.issuer_name == "CN=ESHS,C=TR"
    assert facts.serial_hex == f"{world().person.certificate.serial_number:x}"
    assert (facts.not_before, facts.not_after) == (NOW - timedelta(days=30), NOW + timedelta(days=365))
    assert (facts.key_usage, facts.key_usage_critical) == ({"nonRepudiation"}, True)
    assert facts.policies == (PERSON,)
    assert facts.user_notices == ("Bu sertifika nitelikli elektronik sertifikadır.",)
    assert facts.qc_statements == (forge.ETSI, forge.BTK)
    assert (facts.is_qualified, facts.is_seal, facts.is_ca, facts.limit) == (True, False, False, None)
    assert (facts.algorithm, facts.signature_hash) == ("RSA-2048", "sha256")
    assert len(facts.fingerprint_sha256) == 64


def test_what_identifies_a_person_is_not_in_the_representation_that_logs_would_show() -> None:
    shown = repr(facts_of(world().person.raw))
    assert "12345678950" not in shown
    assert "Ayşe" not in shown


@pytest.mark.parametrize(
    ("serial", "tckn"),
    [
        ("12345678950", "12345678950"),
        ("TCKN-12345678950", "12345678950"),
        ("TCKN12345678950", "12345678950"),
        ("PNOTR-12345678950", "12345678950"),
        ("PNOTR-1234567895", None),
        ("VATTR-12345678950", None),
        ("02345678950", None),
        ("123456789500", None),
        ("1234567890", None),  # a VKN, as seals carry
        ("12345678950 ", None),
        ("12345678950\n", None),
        ("１２３４５６７８９５０", None),
        ("tckn-12345678950", None),
    ],
)
def test_the_identity_number_is_eleven_ascii_digits_after_a_known_prefix(serial: str, tckn: str | None) -> None:
    assert facts_with(*PERSON_EXTENSIONS, subject=name("Deneme", serial)).tckn == tckn


def test_no_number_or_two_numbers_are_no_identity() -> None:
    assert facts_with(subject=name("Deneme")).tckn is None
    two = x509.Name([*name("Deneme", "12345678950"), x509.NameAttribute(NameOID.SERIAL_NUMBER, "98765432150")])
    assert facts_with(subject=two).tckn is None


@pytest.mark.parametrize("arc", ["2.16.792.1.2.1.1.5.7.50.1", "2.16.792.1.2.1.1.5.7.50.2"])
def test_a_mali_muhur_or_e_muhur_is_recognised(arc: str) -> None:
    assert facts_with(forge.policies(arc)).is_seal
    assert not facts_with(forge.policies(arc + "1")).is_seal


def test_statements_must_both_be_there_and_be_der() -> None:
    assert not facts_with(forge.statements(forge.ETSI)).is_qualified
    assert not facts_with(forge.statements(forge.BTK)).is_qualified
    assert not facts_with().is_qualified
    both = der.seq(der.seq(der.oid(forge.ETSI)), der.seq(der.oid(forge.BTK)))
    assert facts_with(forge.statements(raw=both)).is_qualified
    three = der.seq(der.seq(der.oid(forge.ETSI), der.null(), der.null()))
    assert facts_with(forge.statements(raw=three)).qc_statements == ()
    for broken in (
        both + b"\x00",
        both[:-1],
        b"",
        der.seq(der.oid(forge.ETSI), der.oid(forge.BTK)),
        der.seq(der.seq()),
    ):
        assert facts_with(forge.statements(raw=broken)).qc_statements == ()


def limit_of(*money: bytes) -> QcLimit | None:
    raw = der.seq(der.seq(der.oid("0.4.0.1862.1.2"), der.seq(*money)))
    found = facts_with(forge.statements(raw=raw)).limit
    assert found is None or isinstance(found, QcLimit)
    return found


def test_a_limit_is_read_with_its_currency() -> None:
    assert limit_of(der.printable("TRY"), der.integer(5), der.integer(3)) == QcLimit("TRY", 5, 3)
    assert limit_of(der.integer(949), der.integer(0), der.integer(0)) == QcLimit("949", 0, 0)
    assert limit_of(der.printable("TRY"), der.integer(5)) is None
    bare = der.seq(der.seq(der.oid("0.4.0.1862.1.2")), der.seq(der.oid("0.4.0.1862.1.3"), der.integer(20)))
    facts = facts_with(forge.statements(raw=bare))
    assert (facts.qc_statements, facts.limit) == (("0.4.0.1862.1.2", "0.4.0.1862.1.3"), None)


def test_a_notice_without_text_is_no_notice() -> None:
    reference = x509.UserNotice(x509.NoticeReference("Kurum", [1]), None)
    for qualifiers in ([x509.UserNotice(None, "  ")], [reference], ["http://example/cps"], None):
        information = x509.PolicyInformation(x509.ObjectIdentifier(PERSON), qualifiers)
        assert facts_with((x509.CertificatePolicies([information]), False)).user_notices == ()


def test_addresses_of_answers_and_lists_are_read_and_other_kinds_left_out() -> None:
    def url(text: str) -> x509.UniformResourceIdentifier:
        return x509.UniformResourceIdentifier(text)

    access = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, url("http://a/cer")),
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, url("http://a/ocsp")),
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.DNSName("a")),
        ]
    )
    some = frozenset([x509.ReasonFlags.key_compromise])
    points = x509.CRLDistributionPoints(
        [
            x509.DistributionPoint([url("ldap://a/crl"), url("http://a/crl")], None, None, None),
            x509.DistributionPoint([x509.DNSName("a")], None, None, None),
            x509.DistributionPoint(None, next(iter(name("Parça").rdns)), None, None),
            x509.DistributionPoint([url("http://part/crl")], None, some, None),
            x509.DistributionPoint([url("http://other/crl")], None, None, [x509.DirectoryName(name("Başka"))]),
        ]
    )
    facts = facts_with((access, False), (points, False))
    assert facts.ocsp_urls == ("http://a/ocsp",)
    assert facts.crl_urls == ("ldap://a/crl", "http://a/crl")


@pytest.mark.parametrize(
    ("kind", "shown", "strong"),
    [
        ("rsa1024", "RSA-1024", False),
        ("rsa2048", "RSA-2048", True),
        ("p256", "P-256", True),
        ("p384", "P-384", True),
        ("k1", "secp256k1", False),
        ("ed25519", "1.3.101.112", False),
    ],
)
def test_a_key_is_named_and_weighed(kind: str, shown: str, strong: bool) -> None:
    made = make(name("Deneme"), (), issuer=world().eshs, holder=forge.key("facts", kind))
    assert (facts_of(made.raw).algorithm, facts_of(made.raw).is_strong) == (shown, strong)


def test_the_strength_of_hashes_is_dated_data() -> None:
    """S-005."""
    later = replace(DEMO_POLICY, hashes=frozenset({"sha384"}))
    assert facts_of(world().person.raw).is_strong
    assert not facts_of(world().person.raw, policy=later).is_strong
    signed_without = make(name("Deneme"), (), holder=forge.key("facts", "ed25519"))
    assert (facts_of(signed_without.raw).signature_hash, facts_of(signed_without.raw).is_strong) == ("", False)


def test_host_names_are_read() -> None:
    hosts = x509.SubjectAlternativeName([x509.DNSName("hs01.kep.tr"), x509.RFC822Name("a@b"), x509.DNSName("x")])
    assert facts_with((hosts, False)).san_dns == ("hs01.kep.tr", "x")


def test_a_certificate_with_nothing_in_it_reads_as_empty() -> None:
    facts = facts_with(subject=x509.Name([]))
    assert (facts.common_name, facts.subject_name, facts.tckn) == ("", "", None)
    assert (facts.key_usage, facts.extended_key_usage, facts.policies, facts.san_dns) == (set(), set(), (), ())
    assert (facts.ocsp_urls, facts.crl_urls) == ((), ())


def test_rubbish_is_refused_with_one_error() -> None:
    for raw in (
        b"",
        b"\x30\x00",
        b"\xff" * 100,
        world().person.raw[:-1],
        world().person.raw + b"\x00",
        b"\x00" * 65537,
    ):
        with pytest.raises(CertificateRefused):
            facts_of(raw)


def test_only_version_3_with_a_positive_serial_number_is_read() -> None:
    """The library lets all of these pass."""
    raw = make(name("Deneme"), (), issuer=world().eshs, serial=1).raw
    head = b"\xa0\x03\x02\x01\x02\x02\x01\x01"
    assert raw.count(head) == 1
    assert facts_of(raw).serial_hex == "1"
    for other in (
        head[:4] + b"\x00" + head[5:],
        head[:4] + b"\x01" + head[5:],
        head[:-1] + b"\x00",
        head[:-1] + b"\xff",
    ):
        with pytest.raises(CertificateRefused):
            facts_of(raw.replace(head, other))


def test_a_certificate_larger_than_any_real_one_is_not_read() -> None:
    def padded(size: int) -> bytes:
        padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), b"\x04" * size), False
        return make(name("Deneme"), [padding], issuer=world().eshs).raw

    assert facts_of(padded(60_000)).common_name == "Deneme"
    with pytest.raises(CertificateRefused):
        facts_of(padded(65_536))


def test_a_signature_with_an_unused_bit_is_refused() -> None:
    """The byte in front of it would otherwise have two spellings under no signature."""

    def new() -> bytes:
        return make(name("Deneme"), (), issuer=world().eshs).raw

    with pytest.raises(CertificateRefused):
        facts_of(with_an_unused_bit(new, lambda raw: x509.load_der_x509_certificate(raw).signature))


def test_any_changed_byte_gives_facts_or_that_one_error() -> None:
    """The library reads fields late and raises many things: nothing but our error may come out (V-062)."""
    raw, read = world().person.raw, 0
    for at in range(len(raw)):
        for bit in (0x01, 0x04, 0x80):
            try:
                facts_of(raw[:at] + bytes((raw[at] ^ bit,)) + raw[at + 1 :])
                read += 1
            except CertificateRefused:
                continue
    assert 0 < read < 3 * len(raw)
