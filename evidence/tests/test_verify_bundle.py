"""script/verify on bundles: a sound one is geçerli; whatever is changed, foreign or missing is named (design.md 3)."""

import binascii
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.x509.ocsp import OCSPCertStatus
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import bundle, containers
from evidence.anchors import TrustAnchors
from evidence.bundle import BundleProof, pack
from evidence.facts import EvidenceKind as Kind
from evidence.revocation import Material
from evidence.tests import forge_status
from evidence.tests.bundles import HS02, Exchange, exchange, packed, realm
from evidence.tests.forge import NOW
from evidence.tests.pki import Holder
from evidence.verify import Report, Verdict, check_file
from guards.mime import Address
from guards.zip import read_stored, write_stored


def check(raw: bytes, anchors: TrustAnchors | None = None) -> Report:
    return check_file(raw, anchors=anchors or realm().anchors, now=NOW + timedelta(hours=1))


def said(report: Report) -> str:
    return "\n".join(f"{row.where}: {row.name}: {row.detail_tr}" for row in report.failing)


def resealed(change: Callable[[dict[str, bytes]], None], signer: Holder | None = None) -> bytes:
    """The usual bundle with its members changed, and then everything signed anew by the provider: a fault of its own,
    or a forger who has a key under the same root."""
    members = read_stored(packed())
    change(members)
    listed = [(name, raw) for name, raw in members.items() if name not in NOT_LISTED]
    digests = [one for one in [("mimetype", bundle.MIMETYPE), *listed] if one[0] != bundle.DIGESTS]
    listed = [(name, containers.digest_list(digests) if name == bundle.DIGESTS else raw) for name, raw in listed]
    manifest = containers.manifest(containers.digests(listed))
    signature = exchange().sign(manifest, signer)
    fixed = [("mimetype", bundle.MIMETYPE), (containers.MANIFEST, manifest), (containers.SIGNATURE, signature)]
    return write_stored([*fixed, *listed])


NOT_LISTED = ("mimetype", containers.MANIFEST, containers.SIGNATURE)
TWO = Exchange(realm(), recipients=(Address("", "cagri@hs01.kep.tr"), Address("", "veli@hs02.kep.tr")))


def test_a_sound_bundle_is_valid_and_says_nothing_against_it() -> None:
    report = check(packed())
    assert (report.kind, report.verdict, report.failing, report.notes) == ("bundle", Verdict.VALID, (), ())
    assert check(resealed(lambda members: None)).verdict is Verdict.VALID


def test_a_bundle_of_two_recipients_at_two_providers_is_valid() -> None:
    assert said(check(pack(TWO.content(), TWO.sign))) == ""


def test_a_recipients_bundle_with_its_own_proofs_only_is_valid() -> None:
    proofs = [proof for proof in TWO.proofs() if proof.recipient_no in (0, 2)]
    assert check(pack(TWO.content(proofs=proofs), TWO.sign)).verdict is Verdict.VALID


def test_a_bundle_before_anything_was_read_is_valid() -> None:
    proofs = (exchange().proof(Kind.SUBMITTED),)
    assert check(exchange().pack(proofs=proofs)).verdict is Verdict.VALID


# --- changed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(read_stored(packed())))
def test_a_changed_byte_in_any_member_is_invalid_and_the_member_is_named(name: str) -> None:
    members = read_stored(packed())
    for at in {0, len(members[name]) // 2, len(members[name]) - 1}:
        spoiled = bytearray(members[name])
        spoiled[at] ^= 0x20
        report = check(write_stored([*({**members, name: bytes(spoiled)}).items()]))
        assert report.verdict is Verdict.INVALID
        assert name in said(report)


def _fits_crc(raw: bytes) -> bytes:
    """The bytes of a container with every CRC put right again, so that it is not the CRC that finds a change."""
    fixed = bytearray(raw)
    at = 0
    for _ in range(64):
        if fixed[at : at + 4] != b"PK\3\4":
            break
        size, length = int.from_bytes(fixed[at + 18 : at + 22], "little"), fixed[at + 26]
        body = at + 30 + length
        fixed[at + 14 : at + 18] = binascii.crc32(fixed[body : body + size]).to_bytes(4, "little")
        at = body + size
    return bytes(fixed)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(packed()) - 1), st.integers(1, 255))
def test_no_changed_byte_survives(at: int, mask: int) -> None:
    spoiled = bytearray(packed())
    spoiled[at] ^= mask
    for raw in (bytes(spoiled), _fits_crc(bytes(spoiled))):
        if raw != packed():
            assert check(raw).verdict is Verdict.INVALID


def test_a_digest_changed_in_the_list_names_the_list() -> None:
    members = read_stored(packed())
    listed = containers.digests([(name, raw) for name, raw in members.items() if name not in NOT_LISTED])
    members[containers.MANIFEST] = containers.manifest([*listed[:-1], (listed[-1][0], listed[0][1])])
    report = check(write_stored([*members.items()]))
    assert "META-INF/ASiCManifest.xml: Paket: Üye listesi imzadan sonra değişmiş." in said(report)
    assert "README.en.txt: Paket: Üye değişmiş" in said(report)


def test_a_broken_signature_does_not_blame_the_list() -> None:
    members = read_stored(packed())
    members[containers.SIGNATURE] = exchange().sign(members[containers.MANIFEST])[:-1] + b"\0"
    report = check(write_stored([*members.items()]))
    assert report.verdict is Verdict.INVALID
    assert containers.MANIFEST not in said(report)


def test_a_member_left_out_is_invalid_even_when_nothing_else_is_touched() -> None:
    members = read_stored(packed())
    for name in list(members):
        rest = [(other, raw) for other, raw in members.items() if other != name]
        assert check(write_stored(rest)).verdict is Verdict.INVALID


# --- foreign ------------------------------------------------------------------------------------------------------


def test_a_whole_bundle_of_another_world_cannot_be_judged_without_its_root() -> None:
    forged = packed("theirs")
    report = check(forged)
    assert report.verdict is Verdict.INDETERMINATE
    assert "kök sertifikalardan birine ulaşmıyor" in said(report)
    assert check(forged, realm("theirs").anchors).verdict is Verdict.VALID


def test_a_manifest_signed_by_a_person_under_the_same_root_is_invalid() -> None:
    report = check(exchange().pack(realm().person))
    assert report.verdict is Verdict.INVALID
    assert "META-INF/signature.p7s: Paket imzası: imzalayan" in said(report)
    assert "işlem sertifikası değil" in said(report)


def test_a_manifest_signed_by_another_provider_is_invalid() -> None:
    report = check(exchange().pack(realm().hs02))
    assert report.verdict is Verdict.INVALID
    assert "META-INF/signature.p7s: Paket imzası: yetki" in said(report)


def test_a_manifest_signature_without_its_certificate_is_invalid() -> None:
    members = read_stored(packed())
    bare = members[containers.SIGNATURE].replace(realm().hs01.certificate, b"")
    report = check(write_stored([*({**members, containers.SIGNATURE: bare}).items()]))
    assert report.verdict is Verdict.INVALID
    assert containers.SIGNATURE in said(report)


def test_a_manifest_without_time_stamp_is_invalid() -> None:
    raw = pack(exchange().content(), lambda manifest: exchange().sign(manifest, stamped=False))
    assert "Paket imzası: zaman damgası" in said(check(raw))


def test_an_envelope_signed_by_a_person_is_invalid() -> None:
    proofs = exchange().proofs()
    raw = exchange().pack(proofs=proofs, envelope=exchange().envelope(proofs[0].xml, realm().person))
    report = check(raw)
    assert report.verdict is Verdict.INVALID
    assert "ileti.eml: KEP iletisi: imzalayan" in said(report)


def test_an_original_signed_by_a_provider_is_invalid() -> None:
    original = exchange().original(realm().hs01)
    proofs = [exchange().proof(Kind.SUBMITTED, original_digest=hashlib.sha256(original).digest())]
    envelope = exchange().envelope(proofs[0].xml, original=original, original_digest=hashlib.sha256(original).digest())
    report = check(exchange().pack(proofs=proofs, envelope=envelope, original=original))
    assert report.verdict is Verdict.INVALID
    assert "orijinal.eml: Göndericinin imzası: imzalayan" in said(report)
    assert "zincir/ara.pem" not in said(report)


def _proof_signed_by(signer: Holder, **changes: Any) -> bytes:
    acceptance, _, reading = exchange().proofs()
    delivery = exchange().proof(Kind.DELIVERED, 1, signer, **changes)
    return exchange().pack(proofs=(acceptance, delivery, reading))


def test_a_proof_signed_by_a_person_under_the_same_root_is_invalid() -> None:
    report = check(_proof_signed_by(realm().person))
    assert report.verdict is Verdict.INVALID
    assert "deliller/02-40-1.xml: Delil 40 (1. alıcı): imzalayan" in said(report)


def test_a_proof_signed_by_another_provider_is_invalid() -> None:
    for signer, changes in ((realm().hs02, {}), (realm().hs02, {"issuer": HS02})):
        report = check(_proof_signed_by(signer, **changes))
        assert report.verdict is Verdict.INVALID
        assert "deliller/02-40-1.xml: Delil 40 (1. alıcı): yetki" in said(report)


# --- not of this message ------------------------------------------------------------------------------------------

OTHER = Exchange(realm(), number="0293aaaa0000000000000000000000ff", subject="Bambaşka bir ileti")


def _with_delivery(delivery: BundleProof) -> Report:
    acceptance, _, reading = exchange().proofs()
    return check(exchange().pack(proofs=(acceptance, delivery, reading)))


def test_a_proof_of_another_message_is_found() -> None:
    report = _with_delivery(OTHER.proof(Kind.DELIVERED, 1))
    assert report.verdict is Verdict.INVALID
    assert "deliller/02-40-1.xml" in said(report)
    assert "KEP ileti no, orijinal iletinin özeti, ileti no, konu" in said(report)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"kep_id": OTHER.kep_id}, "KEP ileti no"),
        ({"original_digest": bytes(32)}, "özeti"),
        ({"original_message_id": OTHER.message_id}, "ileti no"),
        ({"subject": "Başka"}, "konu"),
        ({"sender": exchange().facts(Kind.SUBMITTED).recipients[0]}, "gönderici"),
        ({"recipients": exchange().facts(Kind.SUBMITTED).recipients * 2}, "alıcılar"),
    ],
)
def test_a_proof_that_differs_in_one_fact_is_found(changes: dict[str, Any], word: str) -> None:
    report = _with_delivery(exchange().proof(Kind.DELIVERED, 1, **changes))
    assert report.verdict is Verdict.INVALID
    (row,) = [row for row in report.failing if row.name == "Delil 40 (1. alıcı): bu iletinin"]
    assert word in row.detail_tr


def test_a_proof_filed_under_another_name_is_found() -> None:
    def rename(members: dict[str, bytes]) -> None:
        items = [(name.replace("02-40-1", "02-41-1"), raw) for name, raw in members.items()]
        members.clear()
        members.update(items)

    report = check(resealed(rename))
    assert report.verdict is Verdict.INVALID
    assert "dosya adı" in said(report)


def test_the_envelope_of_another_message_is_found() -> None:
    report = check(exchange().pack(envelope=OTHER.envelope(OTHER.proof(Kind.SUBMITTED).xml)))
    assert report.verdict is Verdict.INVALID
    for name in ("KEP iletisi: içindeki orijinal", "KEP iletisi: içindeki delil", "KEP iletisi: başlıklar"):
        assert f"ileti.eml: {name}" in said(report)


def test_the_original_of_another_message_is_found() -> None:
    report = check(exchange().pack(original=OTHER.original()))
    assert report.verdict is Verdict.INVALID
    assert "ileti.eml: KEP iletisi: içindeki orijinal" in said(report)
    assert "deliller/01-10-0.xml" in said(report)


def test_an_envelope_under_other_headers_is_found() -> None:
    acceptance = exchange().proof(Kind.SUBMITTED)
    envelope = exchange().envelope(acceptance.xml, subject="Başka konu")
    report = check(exchange().pack(proofs=(acceptance,), envelope=envelope))
    assert "ileti.eml: KEP iletisi: başlıklar" in said(report)


def test_an_envelope_that_states_another_digest_is_found() -> None:
    acceptance = exchange().proof(Kind.SUBMITTED)
    envelope = exchange().envelope(acceptance.xml, original_digest=bytes(32))
    assert "ileti.eml: KEP iletisi: orijinal" in said(check(exchange().pack(proofs=(acceptance,), envelope=envelope)))


@pytest.mark.parametrize("name", ["zincir/zd/02-40-1.bin", "zincir/zd/02-40-1.tst"])
def test_a_stamp_file_that_is_not_the_proofs_is_found(name: str) -> None:
    other = name.replace("02-40-1", "03-60-1")
    report = check(resealed(lambda members: members.update({name: members[other]})))
    assert f"{name}: Paket: damga dosyası" in said(report)


def test_a_digest_file_that_does_not_fit_is_found() -> None:
    raw = resealed(lambda members: None)
    members = read_stored(raw)
    members[bundle.DIGESTS] = members[bundle.DIGESTS].replace(b"a", b"b", 1)
    listed = [(name, one) for name, one in members.items() if name not in NOT_LISTED]
    members[containers.MANIFEST] = containers.manifest(containers.digests(listed))
    members[containers.SIGNATURE] = exchange().sign(members[containers.MANIFEST])
    assert "ozetler.sha256: Paket: özetler" in said(check(write_stored([*members.items()])))


def test_a_signature_with_certificates_the_bundle_does_not_ship_is_found() -> None:
    newer = realm().islem("hs01.kep.tr", common_name="hs01.kep.tr işlem yeni")
    report = check(resealed(lambda members: None, newer))
    assert "META-INF/signature.p7s: Paket imzası: sertifikalar" in said(report)


# --- the set ------------------------------------------------------------------------------------------------------


def test_one_proof_left_out_by_somebody_without_the_key_is_found() -> None:
    members = read_stored(packed())
    for stem in ("01-10-0", "02-40-1", "03-60-1"):
        left = [(name, raw) for name, raw in members.items() if stem not in name]
        assert check(write_stored(left)).verdict is Verdict.INVALID


def test_the_last_proof_taken_away_and_everything_made_to_fit_is_found_by_the_signature() -> None:
    members = {name: raw for name, raw in read_stored(packed()).items() if "03-60-1" not in name}
    digests = [(name, raw) for name, raw in members.items() if name not in (*NOT_LISTED[1:], bundle.DIGESTS)]
    members[bundle.DIGESTS] = containers.digest_list(digests)
    listed = [(name, raw) for name, raw in members.items() if name not in NOT_LISTED]
    members[containers.MANIFEST] = containers.manifest(containers.digests(listed))
    report = check(write_stored([*members.items()]))
    assert report.verdict is Verdict.INVALID
    assert "META-INF/signature.p7s: Paket imzası: İmzalanan içerik değişmiş." in said(report)


SETS: dict[str, tuple[list[tuple[Kind, int]], str]] = {
    "no acceptance": ([(Kind.DELIVERED, 1)], "Kabul delili (10) yok."),
    "acceptance and refusal": ([(Kind.SUBMITTED, 0), (Kind.NOT_SUBMITTED, 0)], "(11) olamaz"),
    "acceptance twice": ([(Kind.SUBMITTED, 0), (Kind.SUBMITTED, 0)], "iki kez"),
    "read without delivery": ([(Kind.SUBMITTED, 0), (Kind.READ, 1)], "1. alıcı için 60 var, dayandığı 40 yok."),
    "deemed read without delivery": ([(Kind.SUBMITTED, 0), (Kind.DEEMED_READ, 1)], "61 var, dayandığı 40 yok."),
    "read and deemed read": (
        [(Kind.SUBMITTED, 0), (Kind.DELIVERED, 1), (Kind.READ, 1), (Kind.DEEMED_READ, 1)],
        "60 ve 61 birlikte olamaz",
    ),
    "delivered and not delivered": (
        [(Kind.SUBMITTED, 0), (Kind.DELIVERED, 1), (Kind.NOT_DELIVERED, 1)],
        "40 ve 41 birlikte olamaz",
    ),
    "taken and not taken": ([(Kind.SUBMITTED, 0), (Kind.RELAYED, 2), (Kind.NOT_RELAYED, 2)], "20 ve 21"),
    "not taken and yet delivered": ([(Kind.SUBMITTED, 0), (Kind.NOT_RELAYED, 2), (Kind.DELIVERED, 2)], "21 ve 40"),
    "delivered to one, read by the other": (
        [(Kind.SUBMITTED, 0), (Kind.DELIVERED, 1), (Kind.READ, 2)],
        "2. alıcı için 60 var",
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_a_set_that_the_steps_do_not_allow_is_invalid(name: str) -> None:
    steps, word = SETS[name]
    proofs = [TWO.proof(kind, number) for kind, number in steps]
    content = TWO.content(proofs=proofs, envelope=TWO.envelope(TWO.proof(Kind.SUBMITTED).xml))
    report = check(pack(content, TWO.sign))
    assert report.verdict is Verdict.INVALID
    assert any(word in row.detail_tr for row in report.failing if row.name == "Delil takımı")


@pytest.mark.parametrize(
    "steps",
    [
        [(Kind.DELIVERED, 1), (Kind.DEEMED_READ, 1)],
        [(Kind.NOT_DELIVERED, 1)],
        [(Kind.RELAYED, 2), (Kind.DELIVERED, 2), (Kind.READ, 2)],
        [(Kind.NOT_RELAYED, 2)],
        [(Kind.RELAY_FAILED, 2)],
        [(Kind.RELAY_FAILED, 2), (Kind.RELAYED, 2), (Kind.DELIVERED, 2)],
        [(Kind.READ, 1), (Kind.DELIVERED, 1)],
    ],
)
def test_every_road_a_message_can_take_is_valid(steps: list[tuple[Kind, int]]) -> None:
    proofs = [TWO.proof(Kind.SUBMITTED), *(TWO.proof(kind, number) for kind, number in steps)]
    assert said(check(pack(TWO.content(proofs=proofs), TWO.sign))) == ""


def test_a_step_dated_before_the_one_it_follows_is_invalid() -> None:
    acceptance, delivery, _ = exchange().proofs()
    early = exchange().proof(Kind.READ, 1, event_at=NOW + timedelta(seconds=39))
    assert "60 delili, 40 delilinden önceki bir anı" in said(
        check(exchange().pack(proofs=(acceptance, delivery, early)))
    )


def test_between_two_providers_a_few_minutes_are_forgiven() -> None:
    acceptance = TWO.proof(Kind.SUBMITTED)
    for minutes, verdict in ((4, Verdict.VALID), (6, Verdict.INVALID)):
        delivery = TWO.proof(Kind.DELIVERED, 2, event_at=NOW + timedelta(seconds=10) - timedelta(minutes=minutes))
        assert check(pack(TWO.content(proofs=(acceptance, delivery)), TWO.sign)).verdict is verdict


# --- the sender's certificate -------------------------------------------------------------------------------------


def _with_material(material: Material) -> Report:
    return check(exchange().pack(materials=(material, Material())))


def test_a_certificate_revoked_before_the_signature_is_invalid() -> None:
    answer = exchange().answer(status=OCSPCertStatus.REVOKED, revoked_at=NOW - timedelta(days=1), this_update=NOW)
    report = _with_material(Material(ocsp=answer))
    assert report.verdict is Verdict.INVALID
    assert "zincir/kisi: Göndericinin imzası: iptal durumu" in said(report)


def test_a_certificate_revoked_after_the_signature_is_valid_and_told() -> None:
    answer = exchange().answer(status=OCSPCertStatus.REVOKED, revoked_at=NOW + timedelta(minutes=1), this_update=NOW)
    report = _with_material(Material(ocsp=answer))
    assert report.verdict is Verdict.VALID
    assert any("imzadan sonra iptal" in note for note in report.notes)


def test_material_that_says_nothing_about_this_certificate_cannot_be_judged_by() -> None:
    for material in (Material(ocsp=b"\x30\x00"), Material(crl=b"\x30\x00")):
        assert _with_material(material).verdict is Verdict.INDETERMINATE


def test_without_material_the_report_says_that_revocation_was_not_looked_at() -> None:
    report = check(exchange().pack(materials=()))
    assert report.verdict is Verdict.VALID
    assert any("iptal bilgisi yok" in note for note in report.notes)


def test_a_revoked_authority_takes_its_leaf_along() -> None:
    list_of_root = forge_status.crl((realm().eshs_ca, NOW - timedelta(days=1)), issuer=realm().root)
    report = check(exchange().pack(materials=(Material(ocsp=exchange().answer()), Material(crl=list_of_root))))
    assert report.verdict is Verdict.INVALID
    assert "zincir/ara-1" in said(report)


def test_the_senders_own_address_is_not_taken_from_the_envelope() -> None:
    acceptance = exchange().proof(Kind.SUBMITTED)
    envelope = exchange().envelope(acceptance.xml, sender_address="baskasi@hs01.kep.tr")
    report = check(exchange().pack(proofs=(acceptance,), envelope=envelope))
    assert report.verdict is Verdict.INVALID
    assert "ileti.eml: KEP iletisi: başlıklar" in said(report)


def test_an_unstamped_original_is_judged_at_this_moment_and_says_so() -> None:
    raw = exchange().original(stamped=False)
    assert check(raw).verdict is Verdict.VALID
    assert any("zaman damgası yok" in note for note in check(raw).notes)
    report = check_file(raw, anchors=realm().anchors, now=NOW.replace(year=2067))
    assert report.verdict is Verdict.INVALID
    assert "süresi o anda dolmuştu" in said(report)
