"""The profile of a person's qualified certificate: each fault alone, in its own words, beside a right one (S-002)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from evidence import der
from evidence.tests import forge
from evidence.tests.forge import NOW, PERSON, PERSON_EXTENSIONS, TRANSACTION, make, name, world
from evidence.trust import DEMO_POLICY, CertificateFacts, facts_of
from signing.profile import Fault, qualified

TCKN = "12345678950"
NOTICE = "Bu sertifika nitelikli elektronik sertifikadır."
SOURCES: forge.Extension = (
    x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(
                AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://127.0.0.1:8030/ocsp/eshs-ca")
            )
        ]
    ),
    False,
)
LIST = x509.CRLDistributionPoints(
    [x509.DistributionPoint([x509.UniformResourceIdentifier("http://127.0.0.1/a.crl")], None, None, None)]
)


def facts(
    extensions: Sequence[forge.Extension] = PERSON_EXTENSIONS,
    *,
    subject: x509.Name | None = None,
    key: str = "rsa2048",
    sources: bool = True,
) -> CertificateFacts:
    made = make(
        subject or name("Ayşe Işık", TCKN),
        [*extensions, *([SOURCES] if sources else [])],
        issuer=world().eshs,
        holder=forge.key("profile", key),
    )
    return facts_of(made.raw)


def but(kind: type[x509.ExtensionType], *instead: forge.Extension) -> list[forge.Extension]:
    """The right extensions, with those of one kind taken out and others put in."""
    return [one for one in PERSON_EXTENSIONS if not isinstance(one[0], kind)] + list(instead)


def limit(amount: int) -> forge.Extension:
    money = der.seq(der.printable("TRY"), der.integer(amount), der.integer(0))
    claims = [der.seq(der.oid(one)) for one in (forge.ETSI, forge.BTK)]
    return forge.statements(raw=der.seq(*claims, der.seq(der.oid("0.4.0.1862.1.2"), money)))


WRONG: dict[Fault, Callable[[], CertificateFacts]] = {
    Fault.AUTHORITY: lambda: facts(but(x509.BasicConstraints, forge.constraints(True))),
    Fault.SEAL: lambda: facts(
        but(x509.CertificatePolicies, forge.policies(PERSON, "2.16.792.1.2.1.1.5.7.50.1", notice=NOTICE))
    ),
    Fault.NOT_A_PERSONS: lambda: facts(but(x509.CertificatePolicies, forge.policies(TRANSACTION, notice=NOTICE))),
    Fault.NO_NON_REPUDIATION: lambda: facts(but(x509.KeyUsage, forge.usage("digital_signature"))),
    Fault.KEY_USAGE_NOT_CRITICAL: lambda: facts(but(x509.KeyUsage, forge.usage("content_commitment", critical=False))),
    Fault.NO_USER_NOTICE: lambda: facts(but(x509.CertificatePolicies, forge.policies(PERSON))),
    Fault.NO_ETSI_STATEMENT: lambda: facts(but(x509.UnrecognizedExtension, forge.statements(forge.BTK))),
    Fault.NO_BTK_STATEMENT: lambda: facts(but(x509.UnrecognizedExtension, forge.statements(forge.ETSI))),
    Fault.NO_IDENTITY_NUMBER: lambda: facts(subject=name("Ayşe Işık")),
    Fault.ANOTHER_PERSON: lambda: facts(subject=name("Ayşe Işık", "98765432150")),
    Fault.WEAK: lambda: facts(key="rsa1024"),
    Fault.RESTRICTED_USE: lambda: facts([*PERSON_EXTENSIONS, forge.purposes(ExtendedKeyUsageOID.SERVER_AUTH)]),
    Fault.LIMIT: lambda: facts(but(x509.UnrecognizedExtension, limit(0))),
    Fault.NO_REVOCATION_SOURCE: lambda: facts(sources=False),
}


def found(certificate: CertificateFacts, *, tckn: str = TCKN, at: datetime = NOW) -> list[Fault]:
    return [fault.fault for fault in qualified(certificate, tckn=tckn, at=at)]


def test_a_right_certificate_has_no_fault() -> None:
    assert found(facts()) == []
    assert found(facts(key="p256")) == []
    assert found(facts(but(x509.KeyUsage, forge.usage("digital_signature", "content_commitment")))) == []


@pytest.mark.parametrize("fault", WRONG, ids=lambda fault: fault.name)
def test_each_fault_is_found_alone(fault: Fault) -> None:
    assert found(WRONG[fault]()) == [fault]


def test_every_fault_has_a_test_its_own_code_and_its_own_sentence() -> None:
    assert {*WRONG, Fault.EXPIRED, Fault.NOT_YET_VALID} == set(Fault)
    assert len({fault.value[0] for fault in Fault}) == len(Fault)
    assert len({fault.value[1] for fault in Fault}) == len(Fault)
    for fault in qualified(WRONG[Fault.ANOTHER_PERSON](), tckn=TCKN, at=NOW):
        assert (fault.code, fault.text_tr) == Fault.ANOTHER_PERSON.value
        assert "98765432150" not in fault.text_tr
        assert TCKN not in fault.text_tr


def test_time_is_judged_at_the_moment_of_signing() -> None:
    certificate = facts()
    second = timedelta(seconds=1)
    assert found(certificate, at=certificate.not_before) == []
    assert found(certificate, at=certificate.not_before - second) == [Fault.NOT_YET_VALID]
    assert found(certificate, at=certificate.not_after) == []
    assert found(certificate, at=certificate.not_after + second) == [Fault.EXPIRED]


@pytest.mark.parametrize("serial", [TCKN, f"TCKN-{TCKN}", f"PNOTR-{TCKN}"])
def test_the_owner_is_compared_by_digits_only(serial: str) -> None:
    """S-003."""
    assert found(facts(subject=name("Ayşe Işık", serial))) == []
    assert found(facts(subject=name("Ayşe Işık", serial)), tckn="98765432150") == [Fault.ANOTHER_PERSON]


def test_a_number_that_is_none_cannot_be_asked_about() -> None:
    for tckn in ("", "1234567895", "1234567895０", "1234567895x", f"TCKN-{TCKN}"):
        with pytest.raises(ValueError, match="identity number"):
            qualified(facts(), tckn=tckn, at=NOW)
    with pytest.raises(ValueError, match="zone"):
        qualified(facts(), tckn=TCKN, at=NOW.replace(tzinfo=None))


def test_all_faults_are_collected_in_one_fixed_order() -> None:
    everything = facts(
        [
            forge.constraints(True),
            forge.usage("digital_signature", critical=False),
            forge.policies("2.16.792.1.2.1.1.5.7.50.2"),
            forge.purposes(ExtendedKeyUsageOID.SERVER_AUTH),
            forge.statements(raw=der.seq()),
        ],
        subject=name("Örnek A.Ş.", "1234567890"),
        key="rsa1024",
        sources=False,
    )
    faults = found(everything, at=NOW + timedelta(days=3650))
    assert faults == [
        Fault.AUTHORITY,
        Fault.SEAL,
        Fault.NO_NON_REPUDIATION,
        Fault.KEY_USAGE_NOT_CRITICAL,
        Fault.NO_USER_NOTICE,
        Fault.NO_ETSI_STATEMENT,
        Fault.NO_BTK_STATEMENT,
        Fault.EXPIRED,
        Fault.NO_IDENTITY_NUMBER,
        Fault.WEAK,
        Fault.RESTRICTED_USE,
        Fault.NO_REVOCATION_SOURCE,
    ]
    assert faults == [fault for fault in Fault if fault in faults]


def test_a_certificate_without_key_usage_lacks_non_repudiation_and_nothing_else() -> None:
    assert found(facts(but(x509.KeyUsage))) == [Fault.NO_NON_REPUDIATION]


def test_a_limit_above_zero_is_shown_not_refused_and_zero_is_decided_by_policy() -> None:
    """The two conformity suites disagree about zero, so it is configuration (table 3.1)."""
    limited = facts(but(x509.UnrecognizedExtension, limit(5000)))
    assert found(limited) == []
    assert limited.limit is not None
    assert limited.limit.amount == 5000
    made = make(
        name("Ayşe Işık", TCKN),
        [*but(x509.UnrecognizedExtension, limit(0)), SOURCES],
        issuer=world().eshs,
        holder=forge.key("profile", "rsa2048"),
    )
    lenient = replace(DEMO_POLICY, zero_limit_refused=False)
    assert found(facts_of(made.raw, policy=lenient)) == []
    assert found(facts_of(made.raw)) == [Fault.LIMIT]


@pytest.mark.parametrize("purpose", [ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
def test_purposes_that_include_signing_are_free(purpose: x509.ObjectIdentifier) -> None:
    both = forge.purposes(ExtendedKeyUsageOID.SERVER_AUTH, purpose)
    assert found(facts([*PERSON_EXTENSIONS, both])) == []


def test_a_list_alone_is_source_enough() -> None:
    assert found(facts([*PERSON_EXTENSIONS, (LIST, False)], sources=False)) == []
