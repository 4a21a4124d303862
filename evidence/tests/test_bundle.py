"""The proof bundle: one spelling, made again by whoever reads it (design.md 3, measured.md "Bundle")."""

import io
import zipfile
from dataclasses import replace

import pytest
from lxml import etree  # type: ignore[import-untyped]

from evidence import bundle, cades, containers, xades
from evidence.bundle import open_bundle, pack
from evidence.containers import BundleRefused
from evidence.facts import EvidenceKind
from evidence.tests.bundles import Exchange, exchange, packed, realm
from guards.mime import Address
from guards.zip import read_stored, write_stored

NAMES = [
    "mimetype",
    "META-INF/ASiCManifest.xml",
    "META-INF/signature.p7s",
    "ileti.eml",
    "orijinal.eml",
    "deliller/01-10-0.xml",
    "deliller/02-40-1.xml",
    "deliller/03-60-1.xml",
    "zincir/islem.pem",
    "zincir/ara.pem",
    "zincir/zd.pem",
    "zincir/kisi.pem",
    "zincir/kisi.ocsp",
    *(f"zincir/zd/{stem}.{kind}" for stem in ("01-10-0", "02-40-1", "03-60-1") for kind in ("bin", "tst")),
    *(f"zincir/zd/{stem}.{kind}" for stem in ("ileti", "orijinal") for kind in ("bin", "tst")),
    "ozetler.sha256",
    "BENIOKU.txt",
    "README.en.txt",
]


def test_the_members_stand_in_their_order_and_the_content_is_untouched() -> None:
    given = exchange().content()
    members = read_stored(pack(given, exchange().sign), limits=bundle.LIMITS)
    assert list(members) == NAMES
    assert members["ileti.eml"] == given.envelope
    assert members["orijinal.eml"] == given.original
    assert [members[name] for name in NAMES if name.startswith("deliller/")] == [proof.xml for proof in given.proofs]
    assert members["zincir/kisi.ocsp"] == given.materials[0].ocsp


def test_other_programs_know_it_by_its_first_bytes_and_read_it() -> None:
    raw = packed()
    assert raw[30:38] == b"mimetype"
    assert raw[38:69] == b"application/vnd.etsi.asic-e+zip"
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == NAMES


def test_the_same_content_and_signature_give_the_same_bytes() -> None:
    given = exchange().content()
    signature = read_stored(pack(given, exchange().sign))["META-INF/signature.p7s"]
    assert pack(given, lambda manifest: signature) == pack(given, lambda manifest: signature)


def test_the_manifest_is_its_own_canonical_form_and_covers_every_other_member() -> None:
    manifest = open_bundle(packed()).manifest
    root = etree.fromstring(manifest)
    assert etree.tostring(root, method="c14n", exclusive=True) == manifest
    assert [one.get("URI") for one in root.iterfind("{*}DataObjectReference")] == NAMES[3:]
    assert root.find("{*}SigReference").get("URI") == "META-INF/signature.p7s"


def test_the_stamp_files_are_what_the_signatures_hold() -> None:
    read = open_bundle(packed())
    for proof in read.proofs:
        parts = xades.take_apart(proof.xml)
        assert read.members[f"zincir/zd/{proof.stem}.bin"] == parts.signature_value_element
        assert read.members[f"zincir/zd/{proof.stem}.tst"] == parts.token


def test_the_chain_holds_every_certificate_below_the_root_and_never_the_root() -> None:
    read, world = open_bundle(packed()), realm()
    assert read.certificates("zincir/islem.pem") == (world.hs01.certificate,)
    assert read.certificates("zincir/kisi.pem") == (world.person.certificate,)
    assert read.certificates("zincir/zd.pem") == (world.tsa.certificate,)
    authorities = {world.islem_ca.raw, world.tsa_ca.raw, world.eshs_ca.raw}
    assert set(read.certificates("zincir/ara.pem")) == authorities
    assert not any(world.root.raw in read.certificates(name) for name in NAMES if name.endswith(".pem"))


def test_the_texts_name_the_fingerprints_of_root_and_transaction_certificate() -> None:
    members = open_bundle(packed()).members
    for certificate in (realm().root.raw, realm().hs01.certificate):
        shown = bundle._fingerprint(certificate).encode()
        assert shown in members["BENIOKU.txt"]
        assert shown in members["README.en.txt"]
    assert b"{{" not in members["BENIOKU.txt"] + members["README.en.txt"]
    assert b"%proof" not in members["BENIOKU.txt"] + members["README.en.txt"]


def test_without_the_persons_path_the_texts_say_where_the_root_is_to_be_had() -> None:
    raw = pack(replace(exchange().content(), person_path=(), materials=()), exchange().sign)
    text = open_bundle(raw).members["BENIOKU.txt"].decode()
    assert "bu pakette yazmıyor" in text
    assert "kisi.ocsp" not in text


def test_a_proof_of_another_provider_is_pinned_to_its_own_certificate() -> None:
    given = Exchange(realm(), recipients=(Address("", "veli@hs02.kep.tr"),))
    read = open_bundle(pack(given.content(), given.sign))
    assert read.certificates("zincir/islem.pem") == (realm().hs01.certificate,)
    assert read.certificates("zincir/islem-2.pem") == (realm().hs02.certificate,)
    _, line, *_ = read.members["BENIOKU.txt"].decode().split("--pubkey-cert-pem zincir/islem-2.pem")
    assert line.split("\n")[1].endswith("deliller/02-40-1.xml")


def test_a_manifest_signed_with_a_newer_key_lists_that_key() -> None:
    newer = realm().islem("hs01.kep.tr", common_name="hs01.kep.tr işlem 2")
    asked: list[bytes] = []

    def sign(manifest: bytes) -> bytes:
        asked.append(manifest)
        return exchange().sign(manifest, newer)

    read = open_bundle(pack(exchange().content(), sign))
    assert len(asked) == 2
    assert read.certificates("zincir/islem.pem") == (newer.certificate, realm().hs01.certificate)
    assert read.certificates("zincir/islem-2.pem") == (realm().hs01.certificate,)
    assert cades.read(read.signature).certificate == newer.certificate


def test_a_signer_that_changes_each_time_is_given_up() -> None:
    keys = (realm().islem("hs01.kep.tr", common_name=f"hs01 {number}") for number in range(9))
    with pytest.raises(BundleRefused):
        pack(exchange().content(), lambda manifest: exchange().sign(manifest, next(keys)))


@pytest.mark.parametrize(("code", "recipient_no"), [(41, 1), (40, 2)])
def test_a_proof_filed_under_another_step_is_not_packed(code: int, recipient_no: int) -> None:
    acceptance, delivery, reading = exchange().proofs()
    wrong = replace(delivery, code=code, recipient_no=recipient_no)
    with pytest.raises(BundleRefused) as caught:
        pack(exchange().content(proofs=(acceptance, wrong, reading)), exchange().sign)
    assert caught.value.member.startswith("deliller/02-")


def test_no_bundle_without_a_proof() -> None:
    with pytest.raises(BundleRefused):
        pack(replace(exchange().content(), proofs=()), exchange().sign)


def test_a_hundred_proofs_are_numbered_in_three_digits() -> None:
    acceptance = exchange().proof(EvidenceKind.SUBMITTED)
    proofs = (acceptance,) * 100
    read = open_bundle(pack(replace(exchange().content(), proofs=proofs), exchange().sign))
    assert [read.proofs[0].member, read.proofs[99].member] == ["deliller/001-10-0.xml", "deliller/100-10-0.xml"]


Members = list[tuple[str, bytes]]


def _members() -> Members:
    return list(read_stored(packed()).items())


def _without(name: str) -> Members:
    return [one for one in _members() if one[0] != name]


def _renamed(old: str, new: str) -> Members:
    return [(new if name == old else name, raw) for name, raw in _members()]


def _swapped(one: str, other: str) -> Members:
    members = _members()
    a, b = (next(at for at, (name, _) in enumerate(members) if name == wanted) for wanted in (one, other))
    members[a], members[b] = members[b], members[a]
    return members


def _with(name: str, raw: bytes) -> Members:
    return [(here, raw if here == name else was) for here, was in _members()]


REFUSED = {
    **{f"without {name}": _without(name) for name in NAMES},
    "another mimetype": _with("mimetype", b"application/zip"),
    "a stranger": [*_members(), ("yeni.txt", b"x")],
    "a stranger among the proofs": [*_members()[:6], ("deliller/notlar.txt", b"x"), *_members()[6:]],
    "a stranger in the chain": [*_members()[:9], ("zincir/kok.pem", b"x"), *_members()[9:]],
    "a gap in the numbers": _renamed("deliller/02-40-1.xml", "deliller/04-40-1.xml"),
    "a number in another form": _renamed("deliller/02-40-1.xml", "deliller/002-40-1.xml"),
    "texts in another order": _swapped("BENIOKU.txt", "README.en.txt"),
    "chain before proofs": _swapped("deliller/03-60-1.xml", "zincir/islem.pem"),
    "signature before manifest": _swapped("META-INF/ASiCManifest.xml", "META-INF/signature.p7s"),
    "original before envelope": _swapped("ileti.eml", "orijinal.eml"),
    "a manifest with a blank": _with(
        "META-INF/ASiCManifest.xml", dict(_members())["META-INF/ASiCManifest.xml"] + b"\n"
    ),
    "a manifest with another type": _with(
        "META-INF/ASiCManifest.xml",
        dict(_members())["META-INF/ASiCManifest.xml"].replace(b"text/plain", b"text/html_", 1),
    ),
    "an empty manifest": _with("META-INF/ASiCManifest.xml", b""),
    "nothing": [],
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses(name: str) -> None:
    with pytest.raises(BundleRefused) as caught:
        open_bundle(write_stored(REFUSED[name]))
    assert caught.value.member in caught.value.for_person()


def test_changed_members_are_all_told() -> None:
    members = dict(_members())
    members["orijinal.eml"] += b"\r\n"
    members["BENIOKU.txt"] = b"x"
    assert open_bundle(write_stored(list(members.items()))).changed == ("orijinal.eml", "BENIOKU.txt")


def test_a_member_with_a_wrong_checksum_is_named() -> None:
    raw = bytearray(packed())
    at = packed().index(b"Bu paket, yukar")
    raw[at] ^= 1
    with pytest.raises(BundleRefused) as caught:
        open_bundle(bytes(raw))
    assert caught.value.member == "BENIOKU.txt"


def test_pem_is_read_as_it_was_written() -> None:
    world = realm()
    given = (world.root.raw, world.hs01.certificate)
    assert containers.from_pem(containers.to_pem(given)) == given
    assert containers.from_pem(b"") == ()
