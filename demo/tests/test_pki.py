"""The demo PKI on disk: made once, found again, private, and wrong only where a test asks for it (S-027)."""

import json
import multiprocessing
import os
import shutil
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from demo import pki, pki_store
from demo.pki_profiles import Fault
from demo.pki_store import DemoPkiDamaged, config
from evidence.trust import DEMO_POLICY, CertificateFacts, Finding, Role, TrustAnchors, Verdict, check_path, facts_of
from signing import profile

TCKN, PIN = "12345678950", "1234"
NAMES = ("root", "eshs-ca", "islem-ca", "tsa-ca")
LEAVES = {
    "islem-hs01": Role.TRANSACTION,
    "islem-hs01-2": Role.TRANSACTION,
    "islem-hs02": Role.TRANSACTION,
    "islem-hs02-2": Role.TRANSACTION,
    "tsa": Role.TIMESTAMP,
    "tsa-rsa": Role.TIMESTAMP,
    "people/ayse": Role.PERSON,
    **{f"ocsp-{name}": Role.OCSP for name in NAMES},
}


def der(directory: Path, name: str) -> bytes:
    certificate = x509.load_pem_x509_certificate((directory / "pki" / f"{name}.pem").read_bytes())
    return certificate.public_bytes(serialization.Encoding.DER)


def anchors(directory: Path) -> TrustAnchors:
    return TrustAnchors.from_pem(directory / "pki" / "root.pem")


def intermediates(directory: Path) -> list[bytes]:
    return [der(directory, name) for name in NAMES[1:]]


def everything(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_second_start_finds_all_as_it_was(own_pki: Path) -> None:
    before = everything(own_pki)
    assert pki.ensure(own_pki) == own_pki / "pki"
    assert everything(own_pki) == before


def test_what_is_missing_is_made_and_nothing_else_changes(own_pki: Path) -> None:
    before = everything(own_pki)
    (own_pki / "pki" / "islem-hs02.pem").unlink()
    pki.ensure(own_pki, providers=("hs01", "hs02", "hs03"))
    after = everything(own_pki)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"pki/index.json", "pki/islem-hs02.pem", "pki/islem-hs02.key"}
    assert set(after) - set(before) == {f"pki/islem-hs03{tail}" for tail in (".pem", ".key", "-2.pem", "-2.key")}


def test_a_leaf_whose_time_is_over_is_made_anew(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=500)
    pki.ensure(tmp_path, now=long_ago)
    before = everything(tmp_path)
    pki.ensure(tmp_path)
    after = everything(tmp_path)
    renewed = {name for name in before if name.endswith(".pem") and before[name] != after[name]}
    assert renewed == {f"pki/ocsp-{name}.pem" for name in NAMES}


def test_keys_are_private_and_everything_is_written_whole(made_pki: Path) -> None:
    folder = made_pki / "pki"
    for inner in (folder, folder / "private", folder / "people"):
        assert stat.S_IMODE(inner.stat().st_mode) == 0o700
    secrets = [*folder.rglob("*.key"), *folder.rglob("*.p12")]
    assert len(secrets) == 4 + 4 + 2 + 4 + 1
    for path in secrets:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert not list(folder.rglob("*.new"))


def _ensure(directory: str) -> None:
    pki.ensure(Path(directory))


def test_two_starts_at_once_make_one_pki(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    starts = [context.Process(target=_ensure, args=(str(tmp_path),)) for _ in range(3)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert [start.exitcode for start in starts] == [0, 0, 0]
    issued = json.loads((tmp_path / "pki" / "index.json").read_text())["issued"].values()
    slugs = [entry["slug"] for entry in issued]
    assert sorted(slugs) == sorted(set(slugs))
    pki.ensure(tmp_path)  # finds every certificate issued by the authority that is there


def test_every_certificate_is_valid_in_its_role_and_in_no_other(made_pki: Path) -> None:
    now = datetime.now(UTC)
    for name, role in LEAVES.items():
        for asked in Role:
            report = check_path(der(made_pki, name), intermediates(made_pki), anchors(made_pki), at=now, role=asked)
            assert (report.verdict is Verdict.VALID) == (asked is role), (name, asked, report.reasons)


def test_names_and_numbers_agree_with_the_policy_that_the_verifier_has() -> None:
    numbers = config()["policies"]
    assert DEMO_POLICY.person == {numbers["person"]}
    assert DEMO_POLICY.transaction == {numbers["transaction"]}
    assert DEMO_POLICY.timestamp == {numbers["timestamp"]}
    assert numbers["seal"] in DEMO_POLICY.seal
    assert DEMO_POLICY.etsi_statements == {config()["statements"]["etsi"]}
    assert DEMO_POLICY.btk_statements == {config()["statements"]["btk"]}


def test_lifetimes_and_keys_are_those_of_the_design(made_pki: Path) -> None:
    def years(name: str) -> float:
        facts = facts_of(der(made_pki, name))
        return round((facts.not_after - facts.not_before).days / 365.25, 1)

    assert {name: years(name) for name in NAMES} == {"root": 20, "eshs-ca": 10, "islem-ca": 10, "tsa-ca": 10}
    assert (years("people/ayse"), years("islem-hs01"), years("islem-hs01-2"), years("tsa")) == (3, 2, 3, 5)
    keys = {name: facts_of(der(made_pki, name)).algorithm for name in ("root", *NAMES[1:], *LEAVES)}
    expected = dict.fromkeys(keys, "P-256") | {"root": "P-384", "people/ayse": "RSA-2048", "tsa-rsa": "RSA-2048"}
    assert keys == expected


def test_the_bench_may_have_rsa_transaction_keys(tmp_path: Path) -> None:
    pki.ensure(tmp_path, providers=("hs01",), transaction_key="rsa2048")
    assert facts_of(der(tmp_path, "islem-hs01")).algorithm == "RSA-2048"
    assert facts_of(der(tmp_path, "islem-hs01-2")).algorithm == "RSA-2048"
    with pytest.raises(ValueError, match="kind of key"):
        pki.ensure(tmp_path, providers=("hs02",), transaction_key="dsa")


def test_a_provider_has_two_overlapping_certificates_with_its_host_name(made_pki: Path) -> None:
    first, second = (facts_of(der(made_pki, name)) for name in ("islem-hs01", "islem-hs01-2"))
    assert first.san_dns == second.san_dns == ("hs01.kep.tr",)
    assert first.fingerprint_sha256 != second.fingerprint_sha256
    assert max(first.not_before, second.not_before) < datetime.now(UTC) < first.not_after < second.not_after
    with pytest.raises(ValueError, match="provider"):
        pki.ensure(made_pki, providers=("../hs01",))


def test_a_persons_certificate_follows_the_profile_and_points_to_the_port(tmp_path: Path) -> None:
    pki.ensure(tmp_path, port=9123)
    path = pki.issue_person(tmp_path, "ayse", "Ayşe Işık", TCKN, PIN)
    facts = facts_of(der(tmp_path, "people/ayse"))
    assert profile.qualified(facts, tckn=TCKN, at=datetime.now(UTC)) == ()
    assert facts.ocsp_urls == ("http://127.0.0.1:9123/ocsp/eshs-ca",)
    assert facts.crl_urls == ("http://127.0.0.1:9123/crl/eshs-ca.crl",)
    assert facts.user_notices[0].startswith("Bu sertifika, 5070 sayılı")
    assert len(facts.user_notices[0]) <= 200
    pki.ensure(tmp_path)
    assert pki_store.read_index(tmp_path).port == 9123
    key, certificate, chain = pkcs12.load_key_and_certificates(path.read_bytes(), PIN.encode())
    assert isinstance(key, rsa.RSAPrivateKey)
    assert certificate is not None
    assert certificate.public_key() == key.public_key()
    assert [one.public_bytes(serialization.Encoding.DER) for one in chain] == [der(tmp_path, "eshs-ca")]


def test_asking_again_for_the_same_person_gives_the_same_file(own_pki: Path) -> None:
    path = pki.issue_person(own_pki, "ayse", "Ayşe Işık", TCKN, PIN)
    before = path.read_bytes()
    assert pki.issue_person(own_pki, "ayse", "Ayşe Işık", TCKN, PIN).read_bytes() == before
    for name, tckn, pin in (("Ayşe Işık", TCKN, "4321"), ("Fatma Işık", TCKN, PIN), ("Ayşe Işık", "98765432150", PIN)):
        with pytest.raises(pki.AlreadyIssued):
            pki.issue_person(own_pki, "ayse", name, tckn, pin)
    assert path.read_bytes() == before


@pytest.mark.parametrize("slug", ["", "../root", "Ayşe", "a/b", "-a", "a" * 41])
def test_a_slug_is_a_plain_word(own_pki: Path, slug: str) -> None:
    with pytest.raises(ValueError, match="slug"):
        pki.issue_person(own_pki, slug, "Ayşe Işık", TCKN, PIN)


def test_a_token_needs_a_pin_and_a_known_fault(own_pki: Path) -> None:
    with pytest.raises(ValueError, match="PIN"):
        pki.issue_person(own_pki, "ayse", "Ayşe Işık", TCKN, "")
    with pytest.raises(ValueError, match="no_such_fault"):
        pki.issue_person(own_pki, "ayse", "Ayşe Işık", TCKN, PIN, no_such_fault=True)
    assert not list((own_pki / "pki" / "people").iterdir())


def faulty(directory: Path, fault: Fault) -> CertificateFacts:
    return facts_of(pki.issue(directory, "person", name="Ayşe Işık", tckn=TCKN, faults=[fault]).der)


PROFILE_FAULTS = {
    Fault.EXPIRED: [profile.Fault.EXPIRED],
    Fault.NOT_YET_VALID: [profile.Fault.NOT_YET_VALID],
    Fault.NO_NON_REPUDIATION: [profile.Fault.NO_NON_REPUDIATION],
    Fault.KEY_USAGE_NOT_CRITICAL: [profile.Fault.KEY_USAGE_NOT_CRITICAL],
    Fault.NO_USER_NOTICE: [profile.Fault.NO_USER_NOTICE],
    Fault.NO_ETSI_STATEMENT: [profile.Fault.NO_ETSI_STATEMENT],
    Fault.NO_BTK_STATEMENT: [profile.Fault.NO_BTK_STATEMENT],
    Fault.NO_TCKN: [profile.Fault.NO_IDENTITY_NUMBER],
    Fault.WEAK_KEY: [profile.Fault.WEAK],
    Fault.CA_CERTIFICATE: [profile.Fault.AUTHORITY],
    Fault.LIMIT_ZERO: [profile.Fault.LIMIT],
    Fault.RESTRICTED_USE: [profile.Fault.RESTRICTED_USE],
    Fault.SEAL: [profile.Fault.SEAL, profile.Fault.NO_ETSI_STATEMENT, profile.Fault.NO_BTK_STATEMENT],
    Fault.TRANSACTION_POLICY: [profile.Fault.NOT_A_PERSONS],
    Fault.NO_REVOCATION_SOURCES: [profile.Fault.NO_REVOCATION_SOURCE],
    Fault.TCKN_PREFIXED: [],
    Fault.REVOKED: [],
    Fault.BROKEN_SIGNATURE: [],
}


@pytest.mark.parametrize("fault", Fault)
def test_each_named_fault_is_the_one_thing_wrong_with_the_certificate(own_pki: Path, fault: Fault) -> None:
    faults = profile.qualified(faulty(own_pki, fault), tckn=TCKN, at=datetime.now(UTC))
    assert [one.fault for one in faults] == PROFILE_FAULTS[fault]


def test_a_broken_signature_is_seen_by_the_path_and_a_revoked_one_by_the_index(own_pki: Path) -> None:
    broken = pki.issue(own_pki, "person", name="Ayşe Işık", tckn=TCKN, faults=[Fault.BROKEN_SIGNATURE])
    report = check_path(broken.der, intermediates(own_pki), anchors(own_pki), at=datetime.now(UTC), role=Role.PERSON)
    assert [reason.code for reason in report.reasons] == [Finding.BROKEN_SIGNATURE.value[0]]
    pki.issue_person(own_pki, "iptal", "Ayşe Işık", TCKN, PIN, revoked=True)
    assert pki.serial_of(own_pki, "iptal") in pki_store.read_index(own_pki).revoked


def test_certificates_for_tests_lie_in_no_file_but_are_known(own_pki: Path) -> None:
    before = set(everything(own_pki))
    held = ec.generate_private_key(ec.SECP256R1())
    made = pki.issue(own_pki, "transaction", provider="hs07", key=held)
    assert made.key is held
    assert facts_of(made.der).san_dns == ("hs07.kep.tr",)
    stamper = pki.issue(own_pki, "timestamp", key="rsa3072")
    assert facts_of(stamper.der).algorithm == "RSA-3072"
    assert set(everything(own_pki)) == before
    assert {made.certificate.serial_number, stamper.certificate.serial_number} <= set(
        pki_store.read_index(own_pki).issued
    )
    with pytest.raises(ValueError, match="kind of certificate"):
        pki.issue(own_pki, "root")


def test_serial_numbers_have_one_length(made_pki: Path) -> None:
    lengths = {(serial.bit_length() + 7) // 8 for serial in pki_store.read_index(made_pki).issued}
    assert lengths == {16}


def test_a_revocation_is_kept_once_and_only_for_what_was_issued(own_pki: Path) -> None:
    pki.issue_person(own_pki, "ayse", "Ayşe Işık", TCKN, PIN)
    serial = pki.serial_of(own_pki, "ayse")
    first = datetime(2026, 11, 24, 8, 0, 0, 500, tzinfo=UTC)
    pki.revoke(own_pki, serial, first, x509.ReasonFlags.superseded)
    pki.revoke(own_pki, serial, first + timedelta(days=1))
    kept = pki_store.read_index(own_pki).revoked[serial]
    assert (kept.at, kept.reason) == (first.replace(microsecond=0), "superseded")
    with pytest.raises(pki.UnknownSerial):
        pki.revoke(own_pki, 12345, first)


def test_another_directory_is_another_world_of_the_same_names(made_pki: Path, own_pki: Path) -> None:
    theirs, ours = (facts_of(der(directory, "root")) for directory in (own_pki, made_pki))
    assert theirs.subject_name == ours.subject_name
    assert theirs.fingerprint_sha256 != ours.fingerprint_sha256
    forged = der(own_pki, "islem-hs01")
    now = datetime.now(UTC)
    report = check_path(forged, intermediates(own_pki), anchors(made_pki), at=now, role=Role.TRANSACTION)
    assert (report.verdict, [one.code for one in report.reasons]) == (
        Verdict.INDETERMINATE,
        [Finding.UNKNOWN_ROOT.value[0]],
    )
    at_home = check_path(forged, intermediates(own_pki), anchors(own_pki), at=now, role=Role.TRANSACTION)
    assert at_home.verdict is Verdict.VALID


@pytest.mark.parametrize("name", ["root.pem", "private/root.key", "islem-ca.pem", "private/islem-ca.key"])
def test_an_authority_that_is_gone_is_not_made_anew_under_its_children(own_pki: Path, name: str) -> None:
    (own_pki / "pki" / name).unlink()
    with pytest.raises(DemoPkiDamaged):
        pki.ensure(own_pki)


def test_a_foreign_file_in_the_folder_is_noticed(own_pki: Path, made_pki: Path) -> None:
    shutil.copy(made_pki / "pki" / "islem-hs01.pem", own_pki / "pki" / "islem-hs01.pem")
    with pytest.raises(DemoPkiDamaged):
        pki.ensure(own_pki)


def test_a_broken_index_is_noticed(own_pki: Path) -> None:
    for text in ("", "{}", '{"port": 1, "issued": [], "revoked": {}}', '{"port": "x", "issued": {}, "revoked": {}}'):
        (own_pki / "pki" / "index.json").write_text(text)
        with pytest.raises(DemoPkiDamaged):
            pki_store.read_index(own_pki)


class PowerCut(Exception):
    """The moment nothing more is written."""


class Disk:
    """Writes as the store does, until `left` files are written."""

    def __init__(self, left: int) -> None:
        self.left, self._write = left, pki_store.write

    def write(self, path: Path, raw: bytes, *, mode: int = 0o644) -> None:
        if self.left == 0:
            raise PowerCut
        self.left -= 1
        self._write(path, raw, mode=mode)


def test_a_start_cut_short_at_any_write_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    monkeypatch.setattr(pki, "_new_key", lambda _: key)  # making keys is slow, and no part of this
    cuts = 0
    while True:
        directory, disk = tmp_path / str(cuts), Disk(cuts)
        with monkeypatch.context() as patched:
            patched.setattr(pki_store, "write", disk.write)
            try:
                pki.ensure(directory, providers=("hs01",))
                break
            except PowerCut:
                cuts += 1
        pki.ensure(directory, providers=("hs01",))
        now = datetime.now(UTC)
        for name in ("islem-hs01", "islem-hs01-2"):
            report = check_path(
                der(directory, name), intermediates(directory), anchors(directory), at=now, role=Role.TRANSACTION
            )
            assert report.verdict is Verdict.VALID, (cuts, name)
    assert cuts == 3 * 12, "key, index and certificate of each of twelve"


@pytest.mark.needs("openssl")
def test_openssl_leads_every_certificate_to_the_root(made_pki: Path) -> None:
    folder = made_pki / "pki"
    bundle = "".join((folder / f"{name}.pem").read_text() for name in NAMES[1:])
    (made_pki / "chain.pem").write_text(bundle)
    for name in LEAVES:
        command = [
            "openssl",
            "verify",
            "-x509_strict",
            "-no-CApath",
            "-no-CAstore",
            "-CAfile",
            str(folder / "root.pem"),
        ]
        command += ["-untrusted", str(made_pki / "chain.pem"), str(folder / f"{name}.pem")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
        assert done.returncode == 0, done.stderr
