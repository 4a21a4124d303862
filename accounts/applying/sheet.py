"""Reading the list of a corporate application: bytes in, rows and findings out (K-043). No Django here.

The list is CSV as spreadsheets write it: UTF-8, with or without a byte order mark, parted by semicolons, commas or
tabs, with one line of heads. It comes from outside and goes into a table that others may open in a spreadsheet again,
so a cell that a spreadsheet would take for a formula is a finding, wherever it stands. Nothing is mended: every finding
names its row and column, and a list with one finding is not taken at all.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from guards.spoken import gettext_noop

MOST_BYTES: Final = 262_144
MOST_ROWS: Final = 500
MOST_CELL: Final = 254
MOST_FINDINGS: Final = 100
"""Findings that are shown; a list with more of them is told so."""

COLUMNS: Final = ("tckn", "ad", "soyad", "dogum_tarihi", "telefon", "eposta", "adres")
NEEDED: Final = ("tckn", "ad", "soyad", "telefon")

_FORMULA: Final = re.compile(r"[=+\-@\t\r|%]")
_PHONE_PLUS: Final = re.compile(r"\+[0-9][0-9 -]*", re.ASCII)
_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})

TOO_LARGE = gettext_noop("dosya 256 KB sınırını aşıyor.")
EMPTY = gettext_noop("dosyada hiç satır yok.")
NOT_TEXT = gettext_noop("dosya UTF-8 metin değil. Hesap tablonuzdan CSV UTF-8 olarak kaydedin.")
NOT_CSV = gettext_noop("dosya düzgün bir CSV değil; tırnakların kapandığını denetleyin.")
WRONG_HEADS = gettext_noop(
    "ilk satırdaki sütun adları tckn, ad, soyad, dogum_tarihi, telefon, eposta ve adres olmalı; "
    "dogum_tarihi, eposta ve adres bulunmayabilir."
)
TOO_MANY = gettext_noop("listede en çok 500 kişi olabilir.")

FORMULA = gettext_noop("Hücre formül gibi başlıyor (=, +, -, @). Baştaki işareti kaldırın.")
HIDDEN = gettext_noop("Hücrede görünmeyen bir işaret var. Metni elle yeniden yazın.")
TOO_LONG = gettext_noop("Hücre çok uzun.")
NEEDED_EMPTY = gettext_noop("Bu sütun boş bırakılamaz.")
WRONG_WIDTH = gettext_noop("Satırdaki hücre sayısı sütun sayısıyla aynı değil.")


class SheetFault(ValueError):
    """The file is no list at all; `why` is the rest of a Turkish sentence."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__("not a list")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in one place: the line as a spreadsheet counts it, the column or empty, a Turkish sentence."""

    line: int
    column: str
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """One person of the list as it was written, stripped of blanks at both ends."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Sheet:
    """All rows, and what was found wrong while reading them."""

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]


def read(raw: bytes) -> Sheet:
    """The rows of the list. `SheetFault` when it is no list: too large, no text, no CSV, wrong heads, too many rows."""
    if len(raw) > MOST_BYTES:
        raise SheetFault(TOO_LARGE)
    text = _text(raw)
    lines = list(_lines(text))
    if not lines:
        raise SheetFault(EMPTY)
    (_, heads), body = lines[0], lines[1:]
    columns = tuple(head.strip() for head in heads)
    if len(set(columns)) != len(columns) or not set(NEEDED) <= set(columns) <= set(COLUMNS):
        raise SheetFault(WRONG_HEADS)
    if not body:
        raise SheetFault(EMPTY)
    if len(body) > MOST_ROWS:
        raise SheetFault(TOO_MANY)
    return _judged(columns, body)


def _text(raw: bytes) -> str:
    if b"\0" in raw:
        raise SheetFault(NOT_TEXT)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetFault(NOT_TEXT) from error


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not blank, with their number; the sign that parts the heads parts everything."""
    head = text.partition("\n")[0]
    sign = max(";,\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise SheetFault(NOT_CSV) from error


def _judged(columns: Sequence[str], body: Sequence[tuple[int, list[str]]]) -> Sheet:
    rows, findings = [], []
    for line, cells in body:
        if len(cells) != len(columns):
            findings.append(Finding(line, "", WRONG_WIDTH))
            continue
        named = {column: cell.strip(" ") for column, cell in zip(columns, cells, strict=True)}
        rows.append(Row(line, named))
        for column, cell in named.items():
            if words := _cell_fault(column, cell):
                findings.append(Finding(line, column, words))
    return Sheet(tuple(rows), tuple(findings))


def _cell_fault(column: str, cell: str) -> str:
    if not cell:
        return NEEDED_EMPTY if column in NEEDED else ""
    if len(cell) > MOST_CELL:
        return TOO_LONG
    if _FORMULA.match(cell) and not (column == "telefon" and _PHONE_PLUS.fullmatch(cell)):
        return FORMULA
    if any(unicodedata.category(each) in _HIDDEN for each in cell):
        return HIDDEN
    return ""
