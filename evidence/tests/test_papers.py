"""Papers show what they were told, the same way every time, in our font, and read nothing of it as markup."""

import hashlib
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import pdf
from evidence.papers import PAPERS
from evidence.tests.papers import MADE_AT, facts_of, hostile, legal, operator, person

ALL = sorted(PAPERS)
MARKUP = '#strong[x] $a^2$ *b* _c_ @ref <label> `raw` \\ // #import "kit.typ": * #read("kit.typ") = Başlık'


def words(raw: bytes) -> str:
    """The text of a PDF as a reader extracts it, blanks folded."""
    found = subprocess.run(["pdftotext", "-layout", "-", "-"], input=raw, capture_output=True, check=True)
    return " ".join(found.stdout.decode().split())


def squeezed(text: str) -> str:
    """Without blanks: a line break of the layout is no difference."""
    return "".join(text.split())


@pytest.mark.parametrize("template", ALL)
def test_a_paper_is_the_same_bytes_every_time(template: str) -> None:
    assert pdf.render(template, facts_of(template)) == pdf.render(template, facts_of(template))


def test_a_paper_is_the_same_bytes_in_another_process() -> None:
    program = (
        "import django; django.setup()\n"
        "import hashlib; from evidence import pdf; from evidence.tests.papers import facts_of\n"
        "print(hashlib.sha256(pdf.render('contract', facts_of('contract'))).hexdigest())"
    )
    root = Path(__file__).parents[2]
    environment = {"DJANGO_SETTINGS_MODULE": "kepweb.settings.testing", "TZ": "America/Lima", "HOME": "/nowhere"}
    other = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    here = hashlib.sha256(pdf.render("contract", facts_of("contract"))).hexdigest()
    assert other.stdout.split()[-1] == here


@pytest.mark.needs("poppler-utils")
@pytest.mark.parametrize("template", ALL)
def test_every_text_it_was_told_stands_on_the_paper(template: str) -> None:
    facts = facts_of(template)
    shown = squeezed(words(pdf.render(template, facts)))
    for text in _texts(facts):
        assert squeezed(text) in shown, text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in ("kind", "mode"):
                yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, datetime):
        yield pdf.moment_words(value)
    elif isinstance(value, date):
        yield pdf.day_words(value)


@pytest.mark.needs("poppler-utils")
@pytest.mark.parametrize("template", ALL)
def test_markup_in_a_name_is_letters_of_a_name(template: str) -> None:
    shown = squeezed(words(pdf.render(template, hostile(template, MARKUP))))
    assert squeezed(MARKUP) in shown


@pytest.mark.parametrize("template", ALL)
def test_no_text_of_a_person_keeps_a_paper_from_being_made(template: str) -> None:
    for text in ("", " ", "\x00", "\n\n", '"]}', "\U0001f600", "\ud800", "ا" * 40, "x" * pdf.MOST_TEXT):
        assert pdf.render(template, hostile(template, text)).startswith(b"%PDF-")


@settings(max_examples=40)
@given(st.text(max_size=60))
def test_any_text_whatever_makes_a_paper(text: str) -> None:
    assert pdf.render("activation_letter", hostile("activation_letter", text)).startswith(b"%PDF-")


@pytest.mark.needs("poppler-utils")
@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("A\u202edc\u202cb", "A[U+202E]dc[U+202C]b"),  # turned direction
        ("Ali\u200bVeli", "Ali[U+200B]Veli"),  # blank without width
        ("Аli", "[U+0410]li"),  # Cyrillic A
        ("\u212aaya", "Kaya"),  # the Kelvin sign composes to K, as everywhere in the product
        ("S\u0327en", "Şen"),  # decomposed
        ("a\u00adb", "a[U+00AD]b"),  # soft hyphen
        ("1.234,56 ₺", "1.234,56 ₺"),
        ("ĞÜŞİÖÇ ığüşöç Iıİi", "ĞÜŞİÖÇ ığüşöç Iıİi"),
    ],
)
def test_what_hides_or_imitates_is_printed_by_its_number(written: str, printed: str) -> None:
    facts = facts_of("application_form", applicant=person(first_name=written))
    assert squeezed(printed) in squeezed(words(pdf.render("application_form", facts)))


def test_every_readable_character_stands_in_both_cuts_of_our_font() -> None:
    readable = {point for point in range(0x3000) if pdf.READABLE.match(chr(point))}
    assert {ord(each) for each in "ĞÜŞİÖÇIığüşöçi₺€“”‘’–…"} <= readable
    assert not [point for point in readable if unicodedata.category(chr(point)) in ("Cf", "Cc", "Cn", "Mn")]
    for cut in ("Regular", "Semibold"):
        assert readable <= set(TTFont(pdf._FONTS / f"SourceSans3-{cut}.ttf").getBestCmap())


def test_no_other_font_is_at_hand() -> None:
    assert {(each.family, each.weight) for each in pdf._fonts().fonts()} == {
        ("Source Sans 3", 400),
        ("Source Sans 3", 600),
    }


@pytest.mark.needs("poppler-utils")
@pytest.mark.parametrize("template", ALL)
def test_no_other_font_is_used(template: str) -> None:
    raw = pdf.render(template, hostile(template, "漢字 ₺ \U0001f600 ﷽"))
    table = subprocess.run(["pdffonts", "-"], input=raw, capture_output=True, check=True).stdout.decode()
    rows = [line.split() for line in table.splitlines()[2:]]
    assert {re.sub(r"^[A-Z]{6}\+", "", row[0]) for row in rows} == {"SourceSans3-Regular", "SourceSans3-Semibold"}
    assert all(row[-5] == "yes" for row in rows), "not embedded"


@pytest.mark.parametrize("template", ALL)
def test_it_says_pdf_a_3b_and_is_tagged_in_turkish(template: str) -> None:
    with pikepdf.open(BytesIO(pdf.render(template, facts_of(template)))) as document:
        assert document.open_metadata().pdfa_status == "3B"
        assert document.Root.Lang == "tr-TR"
        assert document.Root.MarkInfo.Marked
        assert document.Root.StructTreeRoot
        assert document.docinfo["/Title"]
        assert str(document.docinfo["/CreationDate"]) == "D:20261124180005Z"
        assert not [name for name in ("/OpenAction", "/AA", "/AcroForm") if name in document.Root]


def test_attachments_are_inside_with_their_exact_bytes() -> None:
    raw = bytes(range(256))
    made = pdf.render(
        "operators_record",
        facts_of("operators_record"),
        attachments=[pdf.Attachment("delil.xml", "application/xml", "Kabul delili", raw)],
    )
    with pikepdf.open(BytesIO(made)) as document:
        assert document.attachments["delil.xml"].get_file().read_bytes() == raw
        assert document.open_metadata().pdfa_status == "3B"
        assert len(document.Root.AF) == 1


@pytest.mark.parametrize("name", ["../kit.typ", "a b.xml", "", "ş.xml", "x" * 101])
def test_an_attachment_has_a_plain_name(name: str) -> None:
    with pytest.raises(pdf.PaperRefused, match="attachment-name"):
        pdf.render(
            "operators_record",
            facts_of("operators_record"),
            attachments=[pdf.Attachment(name, "application/xml", "", b"x")],
        )


@pytest.mark.parametrize("template", ["kit", "../papers", "", "kit.typ", "invoice"])
def test_only_papers_that_are_listed_can_be_made(template: str) -> None:
    with pytest.raises(pdf.PaperRefused, match="unknown-template"):
        pdf.render(template, {"made_at": MADE_AT})


@pytest.mark.parametrize(
    "changed",
    [
        {"made_at": datetime(2026, 11, 24)},  # noqa: DTZ001 - the point: a time without zone
        {"made_at": None},
        {"kind": "company"},
        {"mode": ""},
        {"legal": {}},
        {"legal": legal(mersis=123)},
        {"applicant": person(birth_date=MADE_AT)},
        {"applicant": {**person(), "parola": "x"}},
        {"applicant": "Ali"},
        {"papers": "Kimlik"},
        {"papers": [1]},
        {"wants_sms": "evet"},
        {"wanted_address": "x" * (pdf.MOST_TEXT + 1)},
        {"extra": "x"},
    ],
)
def test_facts_that_do_not_fit_make_no_paper(changed: dict[str, Any]) -> None:
    with pytest.raises(pdf.PaperRefused, match="facts"):
        pdf.render("application_form", facts_of("application_form", **changed))


def test_a_fact_left_out_makes_no_paper() -> None:
    for name in facts_of("contract"):
        facts = facts_of("contract")
        del facts[name]
        with pytest.raises(pdf.PaperRefused, match="facts"):
            pdf.render("contract", facts)


def test_a_paper_for_strangers_shows_no_whole_identity_number() -> None:
    with pytest.raises(pdf.PaperRefused, match="not-masked"):
        pdf.render("operators_record", facts_of("operators_record", operators=[operator(masked_tckn="10000000146")]))


@pytest.mark.needs("poppler-utils")
def test_a_form_signed_by_e_imza_asks_for_no_signature() -> None:
    paper = words(pdf.render("application_form", facts_of("application_form", signed_by_e_imza_at=MADE_AT)))
    assert "elektronik imzayla imzalandı" in paper
    assert "Tarih ve imza" not in paper
    assert "24 Kasım 2026 21:00:05 (TSİ)" in paper


@pytest.mark.needs("poppler-utils")
def test_a_company_signs_with_its_stamp_and_a_person_without() -> None:
    assert "Tarih, imza ve kaşe" in words(pdf.render("undertaking", facts_of("undertaking")))
    alone = facts_of("undertaking", kind="natural", legal=None)
    assert "kaşe" not in words(pdf.render("undertaking", alone))


@pytest.mark.needs("poppler-utils")
def test_many_operators_fill_many_pages_and_none_is_lost() -> None:
    people = [operator(name=f"Yetkili {number:03}") for number in range(60)]
    paper = words(pdf.render("operators_record", facts_of("operators_record", operators=people)))
    assert [number for number in range(60) if f"Yetkili {number:03}" not in paper] == []
    assert re.search(r"Sayfa 1 / 1\d", paper)


@pytest.mark.needs("poppler-utils")
def test_nobody_signs_a_sheet_without_a_sentence() -> None:
    """Wherever the page breaks, the last sentences stand on the page of the signatures."""
    last = {"contract": "sitesindeki aydınlatma metninde", "undertaking": "bu konuda temsile yetkilidir"}
    pages_of_signature = set()
    for template, sentence in last.items():
        for lines in range(0, 24, 2):
            shorter = dict.fromkeys(("company_type", "mersis", "vkn", "registry_no", "activity", "province"), "")
            company = legal(**shorter, postal_address="uzun bir adres satırı " * 4 * lines)
            facts = facts_of(template, legal=company, applicant=person(birth_date=None, phone=""))
            made = subprocess.run(
                ["pdftotext", "-layout", "-", "-"], input=pdf.render(template, facts), capture_output=True, check=True
            )
            sheets = [" ".join(sheet.split()) for sheet in made.stdout.decode().split("\f")]
            (at,) = [number for number, sheet in enumerate(sheets) if "Tarih, imza ve kaşe" in sheet]
            pages_of_signature.add(at)
            assert sentence in sheets[at], (template, lines)
    assert pages_of_signature == {0, 1}, "no page broke between them: the test asked nothing"
