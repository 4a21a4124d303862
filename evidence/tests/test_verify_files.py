"""script/verify on single proofs, KEP messages and originals, and as a command (design.md 3)."""

import json
import os
import subprocess
import sys
from base64 import b64encode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import cades, xades, xml
from evidence.containers import to_pem
from evidence.facts import EvidenceKind as Kind
from evidence.tests import forge, judges
from evidence.tests.bundles import HS02, Exchange, exchange, packed, realm
from evidence.tests.forge import NOW
from evidence.tests.pki import Authority, Holder, LocalStamper
from evidence.verify import Report, Verdict, check_file, kind_of, main
from guards.mime import Address, cut_signed
from guards.mime_write import signed_message

ROOT = Path(__file__).parents[2]
PROOF = exchange().proof(Kind.DELIVERED, 1).xml
ENVELOPE = exchange().envelope(exchange().proof(Kind.SUBMITTED).xml)
ORIGINAL = exchange().original()


def check(raw: bytes, now: datetime = NOW + timedelta(hours=1), **others: Any) -> Report:
    return check_file(raw, anchors=others.pop("anchors", realm().anchors), now=now, **others)


def said(report: Report) -> str:
    return "\n".join(f"{row.where}: {row.name}: {row.detail_tr}" for row in report.failing)


@pytest.mark.parametrize(
    ("raw", "kind"), [(PROOF, "proof"), (ENVELOPE, "envelope"), (ORIGINAL, "original")], ids=["40", "zarf", "orijinal"]
)
def test_a_sound_file_is_recognised_and_valid(raw: bytes, kind: str) -> None:
    report = check(raw)
    assert (report.kind, said(report), report.verdict) == (kind, "", Verdict.VALID)
    assert check(raw, kind=kind).verdict is Verdict.VALID
    assert check(raw, anchors=realm("theirs").anchors).verdict is Verdict.INDETERMINATE


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_proof_is_valid(kind: Kind) -> None:
    recipients = (Address("", "veli@hs02.kep.tr"),)
    given_exchange = Exchange(realm(), recipients=recipients)
    assert said(check(given_exchange.proof(kind, 1 if kind.names_recipient else 0).xml)) == ""


@pytest.mark.parametrize(
    "raw", [b"", b"merhaba", b"<html></html>", b"PK\3\4", b"%PDF-1.7", b"From: a\r\n\r\nb", b"\0" * 100, b"<" * 10]
)
def test_anything_else_is_invalid_and_never_an_error(raw: bytes) -> None:
    assert check(raw).verdict is Verdict.INVALID


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400), st.sampled_from([PROOF, ENVELOPE, ORIGINAL, packed()]))
def test_any_bytes_are_judged(raw: bytes, at: int, sound: bytes) -> None:
    for text in (raw, sound[:at] + raw + sound[at:], sound[: len(sound) // 2] + raw, raw + sound):
        if text != sound:
            assert check(text).verdict is not Verdict.VALID


def test_an_unknown_kind_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="kind"):
        check(PROOF, kind="seal")


# --- proofs -------------------------------------------------------------------------------------------------------


@pytest.mark.needs("xmlsec1")
def test_a_comment_inside_an_address_is_refused_though_the_signature_stays_valid(tmp_path: Path) -> None:
    spoiled = PROOF.replace(b"cagri.ozturk@", b"cagri<!-- -->.ozturk@", 1)
    judges.accepts(*judges.xmlsec1(tmp_path, spoiled, realm().root.raw, at=NOW))
    report = check(spoiled)
    assert report.verdict is Verdict.INVALID
    assert "delilin metni" in said(report)


def test_other_liberties_that_leave_an_xml_signature_valid_are_refused() -> None:
    for spoiled in (
        b'<?xml version="1.0"?>' + PROOF,
        PROOF + b"\n",
        b"\n" + PROOF,
        PROOF.replace(b"<ds:Object>", b"<ds:Object></ds:Object><ds:Object>"),
        PROOF.replace(b"<EventTime>", b"<EventTime >"),
        PROOF.replace(b'version="2.1.1"', b"version='2.1.1'"),
    ):
        assert spoiled != PROOF
        assert check(spoiled).verdict is Verdict.INVALID


def test_a_proof_that_carries_a_bare_key_is_invalid() -> None:
    start, end = PROOF.index(b"<ds:X509Data>"), PROOF.index(b"</ds:X509Data>") + len(b"</ds:X509Data>")
    key = realm().hs01.key.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    numbers = key.public_numbers()
    point = b64encode(b"\4" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big"))
    bare = (
        b'<ds:KeyValue><dsig11:ECKeyValue xmlns:dsig11="http://www.w3.org/2009/xmldsig11#"><dsig11:NamedCurve '
        b'URI="urn:oid:1.2.840.10045.3.1.7"></dsig11:NamedCurve><dsig11:PublicKey>' + point
    )
    spoiled = PROOF[:start] + bare + b"</dsig11:PublicKey></dsig11:ECKeyValue></ds:KeyValue>" + PROOF[end:]
    assert check(spoiled).verdict is Verdict.INVALID


def _signed_by(signer: Holder, **changes: Any) -> Report:
    return check(exchange().proof(Kind.DELIVERED, 1, signer, **changes).xml)


def test_a_proof_by_a_person_under_the_same_root_is_invalid() -> None:
    report = _signed_by(realm().person)
    assert report.verdict is Verdict.INVALID
    assert "KEP hizmet sağlayıcısının işlem sertifikası değil" in said(report)


def test_a_proof_by_another_provider_is_invalid() -> None:
    assert "imzalayan sertifika o sağlayıcının değil" in said(_signed_by(realm().hs02))
    assert "Bu delili hs01.kep.tr düzenleyebilir, hs02.kep.tr değil." in said(_signed_by(realm().hs02, issuer=HS02))


def test_a_certificate_under_the_wrong_authority_is_no_transaction_certificate() -> None:
    posing = realm().islem("hs01.kep.tr", common_name="sahte işlem", issuer=realm().eshs_ca)
    report = _signed_by(posing)
    assert report.verdict is Verdict.INVALID
    assert "GVN" not in said(report)


def test_a_stamp_by_an_authority_that_may_not_stamp_is_invalid() -> None:
    facts = exchange().facts(Kind.DELIVERED, 1)
    posing = realm()._leaf("Sahte damga", forge.STAMPER_EXTENSIONS, realm().eshs_ca)
    stamper = LocalStamper(Authority(posing, at=facts.event_at))
    sealed = xades.seal(xml.render(facts), realm().hs01, signing_time=facts.event_at, stamper=stamper)
    report = check(sealed)
    assert report.verdict is Verdict.INVALID
    assert "Delil 40 (1. alıcı): zaman damgası" in said(report)
    assert "zaman damgası sertifikası değil" in said(report)


@pytest.mark.parametrize(
    ("seconds", "verdict", "note"),
    [(-61, Verdict.INVALID, 0), (-59, Verdict.VALID, 0), (60, Verdict.VALID, 0), (61, Verdict.VALID, 1)],
)
def test_a_stamp_before_its_event_is_invalid_and_a_late_one_is_noted(seconds: int, verdict: Verdict, note: int) -> None:
    facts = exchange().facts(Kind.DELIVERED, 1)
    stamper = realm().stamper(facts.event_at + timedelta(seconds=seconds))
    sealed = xades.seal(xml.render(facts), realm().hs01, signing_time=facts.event_at, stamper=stamper)
    report = check(sealed)
    assert (report.verdict, len(report.notes)) == (verdict, note)


def test_a_stamp_from_the_future_cannot_be_judged() -> None:
    report = check(PROOF, now=NOW - timedelta(minutes=10))
    assert report.verdict is Verdict.INDETERMINATE
    assert "saatinizi denetleyin" in said(report)


# --- KEP messages -------------------------------------------------------------------------------------------------


def test_an_envelope_by_a_person_or_another_provider_is_invalid() -> None:
    acceptance = exchange().proof(Kind.SUBMITTED).xml
    for signer, name in ((realm().person, "imzalayan"), (realm().hs02, "yetki")):
        assert f"zarf: KEP iletisi: {name}" in said(check(exchange().envelope(acceptance, signer)))


def test_an_envelope_with_a_proof_of_another_message_is_invalid() -> None:
    other = Exchange(realm(), number="0293aaaa0000000000000000000000ff").proof(Kind.SUBMITTED).xml
    assert "zarftaki delil-10.xml: Zarftaki delil: bu iletinin" in said(check(exchange().envelope(other)))


def test_an_envelope_may_go_without_a_stamp_of_its_own_and_the_report_says_so() -> None:
    raw = exchange().envelope(exchange().proof(Kind.SUBMITTED).xml, stamped=False)
    report = check(raw)
    assert report.verdict is Verdict.VALID
    assert any("zaman damgası yok" in note for note in report.notes)


def test_an_envelope_of_another_program_cannot_be_judged_byte_by_byte() -> None:
    part, block = cut_signed(ENVELOPE).signed_part, cut_signed(ENVELOPE).protected_block
    boundary = part.partition(b'boundary="')[2].partition(b'"')[0]
    part = part.replace(boundary, b"baska-bir-program")
    report = check(signed_message(block, part, exchange().sign(part)))
    assert report.verdict is Verdict.INDETERMINATE
    assert "Başka bir programın biçiminde" in said(report)


def test_a_file_that_only_looks_like_a_message_is_invalid() -> None:
    for raw, kind, name in ((ENVELOPE, "envelope", "zarf: KEP iletisi"), (ORIGINAL, "original", "Orijinal ileti")):
        for spoiled in (raw + b"\r\n", raw.replace(b"\r\n", b"\n"), b"x"):
            report = check(spoiled, kind=kind)
            assert report.verdict is Verdict.INVALID
            assert f"{name}: Biçimi bozuk ya da değişmiş" in said(report)


def test_a_changed_header_of_an_envelope_is_named() -> None:
    spoiled = ENVELOPE.replace(b"X-REM-Event-Code: 10", b"X-REM-Event-Code: 40", 1)
    assert "Başlık imzadan sonra değişmiş: x-rem-event-code." in said(check(spoiled))


# --- originals ----------------------------------------------------------------------------------------------------


def test_a_changed_subject_of_an_original_is_named() -> None:
    spoiled = ORIGINAL.replace(b"Subject: ", b"Subject: x", 1)
    assert "Başlık imzadan sonra değişmiş: subject." in said(check(spoiled))


def test_an_original_by_a_provider_is_invalid() -> None:
    assert "nitelikli elektronik sertifikası değil" in said(check(exchange().original(realm().hs01)))


def _around(signature: bytes) -> bytes:
    cut = cut_signed(ORIGINAL)
    return signed_message(cut.protected_block, cut.signed_part, signature)


def test_the_signature_of_another_message_is_invalid() -> None:
    other = cut_signed(Exchange(realm(), text="başka").original()).signature_der
    assert "İmzalanan içerik değişmiş." in said(check(_around(other)))


def test_a_signature_with_a_stray_certificate_is_invalid() -> None:
    cut = cut_signed(ORIGINAL)
    facts = cades.read(cut.signature_der)
    stuffed = cades.assemble(
        facts.certificate,
        (*facts.certificates[1:], realm().islem_ca.raw),
        facts.signed_attributes,
        facts.signature,
        algorithm=realm().person.algorithm,
        token=facts.token,
    )
    assert "stray-certificate" in said(check(_around(stuffed)))


def test_no_changed_byte_of_a_proof_an_envelope_or_an_original_is_valid() -> None:
    for sound in (PROOF, ENVELOPE, ORIGINAL):
        for at in range(0, len(sound), 97):
            spoiled = bytearray(sound)
            spoiled[at] ^= 1
            assert check(bytes(spoiled)).verdict is not Verdict.VALID


# --- the command --------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "kok.pem").write_bytes(to_pem([realm().root.raw]))
    (tmp_path / "yabanci.pem").write_bytes(to_pem([realm("theirs").root.raw]))
    (tmp_path / "paket.kepdelil").write_bytes(packed())
    (tmp_path / "delil.xml").write_bytes(PROOF)
    (tmp_path / "bozuk.xml").write_bytes(PROOF.replace(b"cagri", b"dagri"))
    return tmp_path


def run(*arguments: str | Path) -> int:
    return main([str(one) for one in arguments], now=NOW + timedelta(hours=1))


def test_it_exits_with_0_1_or_2(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roots = ("--roots", files / "kok.pem")
    assert run(files / "paket.kepdelil", files / "delil.xml", *roots) == 0
    assert capsys.readouterr().out.count("Sonuç: Geçerli") == 2
    assert run(files / "paket.kepdelil", files / "bozuk.xml", *roots) == 1
    assert "Sonuç: Geçersiz - delil\n" in capsys.readouterr().out
    assert run(files / "paket.kepdelil", "--roots", files / "yabanci.pem") == 2
    assert "Sonuç: Belirlenemedi" in capsys.readouterr().out


def test_what_cannot_be_read_is_not_valid(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(files / "yok.xml", "--roots", files / "kok.pem") == 2
    for roots in (files / "yok.pem", files / "delil.xml", files):
        assert run(files / "delil.xml", "--roots", roots) == 2
    assert "GVN" not in capsys.readouterr().out


def test_roots_come_from_the_environment_when_they_are_not_named(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEP_ROOTS", str(files / "yabanci.pem"))
    assert run(files / "delil.xml") == 2
    assert run(files / "delil.xml", "--roots", files / "kok.pem") == 0
    monkeypatch.setenv("KEP_ROOTS", str(files / "kok.pem"))
    assert run(files / "delil.xml") == 0


def test_json_says_the_same(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(files / "bozuk.xml", files / "delil.xml", "--roots", files / "kok.pem", "--json") == 1
    bad, good = json.loads(capsys.readouterr().out)
    assert (bad["verdict"], bad["exit"], bad["kind"]) == ("Geçersiz", 1, "proof")
    assert bad["checks"][0]["where"] == "delil"
    assert (good["verdict"], good["exit"]) == ("Geçerli", 0)
    assert {row["verdict"] for row in good["checks"]} == {"Geçerli"}


def test_a_name_in_a_file_cannot_steer_the_terminal(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "a\x1b[31m.xml").write_bytes(PROOF)
    run(files / "a\x1b[31m.xml", "--roots", files / "kok.pem")
    assert "\x1b" not in capsys.readouterr().out


def test_it_needs_neither_django_nor_a_database(files: Path) -> None:
    program = (
        "import sys; from evidence.verify import main; code = main(sys.argv[1:]); "
        "assert not {'django', 'celery', 'sqlite3'} & set(sys.modules), sorted(sys.modules); sys.exit(code)"
    )
    command = [sys.executable, "-c", program, str(files / "paket.kepdelil"), "--roots", str(files / "kok.pem")]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_the_launcher_runs_anywhere_and_takes_no_module_from_where_the_file_lies(files: Path) -> None:
    for name in ("evidence", "guards", "cryptography", "json"):
        (files / f"{name}.py").write_text("raise SystemExit('yabancı kod')")
    done = subprocess.run(
        [ROOT / "script" / "verify", "paket.kepdelil", "--roots", "kok.pem", "--json"],
        cwd=files,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)[0]["verdict"] == "Geçerli"


def test_files_are_told_apart_by_their_first_bytes_and_headers() -> None:
    assert kind_of(b"\xef\xbb\xbf\n <a") == "proof"
    assert kind_of(ENVELOPE.replace(b"X-REM-", b"REM-").replace(b"REM-Msg-Type", b"REM-MessageType")) == "envelope"
    assert kind_of(b"Subject: x\r\n\r\nmultipart/signed") == ""


def test_a_policy_of_another_world_makes_its_certificates_unfit(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real provider's OIDs are handed in; under them the demo's certificates mean nothing (S-003)."""
    policy = files / "ilke.toml"
    lists = 'person = ["1.2.3.1"]\ntransaction = ["1.2.3.2"]\ntimestamp = ["1.2.3.3"]\nseal = ["1.2.3.4"]\n'
    policy.write_text(f'[policies]\n{lists}[statements]\netsi = ["0.4.0.1862.1.1"]\nbtk = ["1.2.3.5"]\n')
    assert run(files / "delil.xml", "--roots", files / "kok.pem", "--policy", policy) == 1
    policy.write_text("[policies]\n")
    assert run(files / "delil.xml", "--roots", files / "kok.pem", "--policy", policy) == 2
    assert "--roots" in capsys.readouterr().err
