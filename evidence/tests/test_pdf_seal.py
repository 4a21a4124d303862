"""The seal on a paper: other programs accept it, and no byte of a sealed paper can be another one."""

import hashlib
import random
import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from functools import cache
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.general import load_certs_from_pemder_data
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from evidence import pdf, pdf_seal
from evidence.errors import SealMismatch
from evidence.refusals import CmsRefused, KeyNotInForce, KeyUnavailable, TimestampUnavailable
from evidence.tests import forge
from evidence.tests.judges import pem, run
from evidence.tests.papers import facts_of
from evidence.tests.pki import KINDS, NOW, Holder, pki
from guards.errors import KepError

OURS = pki()


@cache
def printed() -> bytes:
    return pdf.render("operators_record", facts_of("operators_record"))


@cache
def sealed(kind: str = "p256") -> bytes:
    return pdf_seal.seal(printed(), signer=OURS.islem(kind), stamper=OURS.stamper(), now=NOW)


def pyhanko_says(raw: bytes, root: bytes = OURS.root.raw) -> object:
    context = ValidationContext(
        trust_roots=list(load_certs_from_pemder_data(pem(root))),
        moment=NOW,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    (signature,) = PdfFileReader(BytesIO(raw)).embedded_signatures
    return validate_pdf_signature(
        signature,
        signer_validation_context=context,
        ts_validation_context=context,
        key_usage_settings=KeyUsageConstraints(key_usage={"digital_signature"}),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_pyhanko_trusts_seal_and_time_stamp_and_sees_the_whole_file_covered(kind: str) -> None:
    status = pyhanko_says(sealed(kind))
    assert status.bottom_line, status.pretty_print_details()
    assert status.timestamp_validity.trusted
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert status.modification_level == ModificationLevel.NONE
    assert status.docmdp_ok


def test_pyhanko_does_not_trust_it_under_another_root() -> None:
    assert not pyhanko_says(sealed(), root=pki("others").root.raw).bottom_line


@pytest.mark.needs("poppler-utils")
@pytest.mark.parametrize("kind", KINDS)
def test_pdfsig_finds_the_signature_valid_and_the_document_covered(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "belge.pdf"
    place.write_bytes(sealed(kind))
    said = run("pdfsig", "-nocert", place).stdout
    assert "Signature is Valid" in said
    assert "Total document signed" in said
    assert "Signature Type: ETSI.CAdES.detached" in said
    place.write_bytes(sealed(kind).replace(b"/Pages", b"/Paged", 1))
    assert "Signature is Valid" not in run("pdfsig", "-nocert", place).stdout


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("kind", KINDS)
def test_openssl_accepts_the_signature_that_lies_in_the_paper(kind: str, tmp_path: Path) -> None:
    raw = sealed(kind)
    _, ends, resumes, _ = map(int, re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", raw).groups())  # type: ignore[union-attr]
    (tmp_path / "content").write_bytes(raw[:ends] + raw[resumes:])
    (tmp_path / "signature").write_bytes(pdf_seal._contents(raw[ends:resumes]))
    (tmp_path / "root.pem").write_bytes(pem(OURS.root.raw))
    said = subprocess.run(
        ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "signature", "-content", "content",
         "-CAfile", "root.pem", "-no-CApath", "-no-CAstore", "-purpose", "any",
         "-attime", str(int(NOW.timestamp())), "-out", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr


def test_the_printed_bytes_stay_its_beginning_and_its_marks_stay() -> None:
    raw = sealed()
    assert raw.startswith(printed())
    with pikepdf.open(BytesIO(raw)) as document:
        assert document.open_metadata().pdfa_status == "3B"
        assert document.Root.MarkInfo.Marked
        (field,) = document.Root.AcroForm.Fields
        assert [int(each) for each in field.Rect] == [0, 0, 0, 0]
        assert field.F == 4 + 128, "printed and locked, as PDF/A asks of a field"
        assert field.V.SubFilter == "/ETSI.CAdES.detached"
        assert str(field.V.M) == f"D:{NOW:%Y%m%d%H%M%S}Z"
        assert document.Root.Perms.DocMDP.objgen == field.V.objgen
        assert field.V.Reference[0].TransformParams.P == 1, "no change is allowed after it"


def test_our_own_check_tells_whose_seal_it_is_and_when_it_was_stamped() -> None:
    facts = pdf_seal.check_seal(sealed(), unsealed=printed())
    assert facts.certificate == OURS.islem("p256").certificate
    assert facts.stamp.generated_at == NOW


def test_no_changed_byte_passes_our_own_check() -> None:
    raw = sealed()
    dice = random.Random(20261124)
    begins = raw.index(b"/Contents <", len(printed()))
    ends = raw.index(b">", begins)
    places = [*range(begins, begins + 14_000, 5), *range(ends - 40, len(raw)), *dice.sample(range(begins), 400)]
    passed = []
    for at in places:
        changed = raw[:at] + bytes([raw[at] ^ 1 << dice.randrange(8)]) + raw[at + 1 :]
        try:
            pdf_seal.check_seal(changed, unsealed=printed())
        except KepError:
            continue
        passed.append(at)
    assert passed == []
    assert len(places) > 3_000


@pytest.mark.parametrize("more", [b"\n", b"%", b"%%EOF\n", b"/ByteRange [0 1 2 3]"])
def test_nothing_may_follow_the_seal(more: bytes) -> None:
    with pytest.raises(pdf_seal.PdfRefused):
        pdf_seal.check_seal(sealed() + more, unsealed=printed())


def test_a_seal_on_another_paper_is_not_one_on_this() -> None:
    other = pdf.render("operators_record", facts_of("operators_record", asked_by="Başkası"))
    with pytest.raises(pdf_seal.PdfRefused, match="not-on-top-of-it"):
        pdf_seal.check_seal(sealed(), unsealed=other)
    with pytest.raises(pdf_seal.PdfRefused):
        pdf_seal.check_seal(printed(), unsealed=printed())


@pytest.mark.parametrize("raw", [b"", b"%PDF-1.7\n", b"Merhaba", b"\x00" * 5000])
def test_what_is_no_pdf_is_not_sealed(raw: bytes) -> None:
    with pytest.raises(pdf_seal.PdfRefused, match="not-a-pdf"):
        pdf_seal.seal(raw, signer=OURS.islem("p256"), stamper=OURS.stamper(), now=NOW)


def test_a_sealed_paper_is_not_sealed_again() -> None:
    with pytest.raises(pdf_seal.PdfRefused, match="has-a-form"):
        pdf_seal.seal(sealed(), signer=OURS.islem("p256"), stamper=OURS.stamper(), now=NOW)


class Faulty:
    """The provider's key with a fault."""

    def __init__(self, holder: Holder, *, flips: bool = False, away: bool = False, certificate: bytes = b"") -> None:
        self._holder, self._flips, self._away = holder, flips, away
        self.certificate = certificate or holder.certificate
        self.chain, self.algorithm = holder.chain, holder.algorithm

    def sign(self, octets: bytes) -> bytes:
        if self._away:
            raise KeyUnavailable("token-did-not-sign")
        made = self._holder.sign(octets)
        return made[:-1] + bytes([made[-1] ^ 1]) if self._flips else made


def seal_with(signer: object, **faults: object) -> bytes:
    return pdf_seal.seal(printed(), signer=signer, stamper=OURS.stamper(**faults), now=NOW)  # type: ignore[arg-type]


def test_our_own_wrong_output_is_not_handed_out() -> None:
    with pytest.raises(SealMismatch):
        seal_with(Faulty(OURS.islem("rsa2048"), flips=True))
    with pytest.raises(SealMismatch):  # a certificate of somebody else's key
        seal_with(Faulty(OURS.islem("p256"), certificate=pki("others").islem("p256").certificate))


def test_a_key_that_does_not_sign_and_an_authority_that_does_not_answer_are_holds() -> None:
    with pytest.raises(KeyUnavailable):
        seal_with(Faulty(OURS.islem("p256"), away=True))

    class Away:
        def stamp(self, digest: bytes) -> bytes:
            raise TimestampUnavailable("no-answer")

        def stamp_many(self, digests: object) -> list[bytes]:
            raise AssertionError("one paper has one stamp")

    with pytest.raises(TimestampUnavailable):
        pdf_seal.seal(printed(), signer=OURS.islem("p256"), stamper=Away(), now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("days", [-400, 400])
def test_nothing_is_sealed_under_a_certificate_that_is_not_in_force(days: int) -> None:
    signer = OURS.islem("p256")
    with pytest.raises(KeyNotInForce):
        pdf_seal.seal(printed(), signer=signer, stamper=OURS.stamper(), now=NOW + timedelta(days=days))


def test_a_certificate_that_ran_out_between_signature_and_time_stamp_seals_nothing() -> None:
    extensions = [forge.constraints(False), forge.LEAF_USAGE, forge.policies(forge.TRANSACTION)]
    ending = OURS._leaf("biten", extensions, OURS.islem_ca, "p256", days=1)
    day = timedelta(days=1)
    late = OURS.stamper(at=NOW + day + timedelta(seconds=1))
    with pytest.raises(KeyNotInForce):
        pdf_seal.seal(printed(), signer=ending, stamper=late, now=NOW + day)
    assert pdf_seal.seal(printed(), signer=ending, stamper=OURS.stamper(at=NOW + day), now=NOW + day)


def test_a_stamp_over_another_signature_does_not_pass() -> None:
    class Mixed:
        def stamp(self, digest: bytes) -> bytes:
            return OURS.stamper().stamp(hashlib.sha256(digest).digest())

    with pytest.raises(SealMismatch):
        pdf_seal.seal(printed(), signer=OURS.islem("p256"), stamper=Mixed(), now=NOW)  # type: ignore[arg-type]


def test_a_seal_without_time_stamp_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    verify = pdf_seal.cades.verify_detached
    monkeypatch.setattr(pdf_seal.cades, "verify_detached", lambda *given: replace(verify(*given), stamp=None))
    with pytest.raises(pdf_seal.PdfRefused, match="no-timestamp"):
        pdf_seal.check_seal(sealed(), unsealed=printed())


def test_a_chain_too_long_for_the_room_is_refused_and_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_seal, "ROOM_FOR_STAMP", -3_500)
    with pytest.raises(pdf_seal.PdfRefused, match="no-room"):
        seal_with(OURS.islem("p256"))


def test_a_foreign_signature_form_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> None:
        raise CmsRefused("signature")

    monkeypatch.setattr(pdf_seal.cades, "verify_detached", refuse)
    with pytest.raises(SealMismatch, match="own check"):
        seal_with(OURS.islem("p256"))
