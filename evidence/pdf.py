"""The printed papers: facts in, PDF/A-3b out.

`render` gives the same bytes for the same facts on every machine: one font family of our own, none of the system's,
no clock, no network, no file beyond the templates beside this module. What people wrote arrives in the template as
values and never as markup, and a character that does not stand in our font, or that could hide or re-order others, is
printed by its number, so that a paper never shows something else than what it was told.

A paper is tagged for screen readers. No independent validator of PDF/A was at hand: what is claimed is what typst
writes and what the tests read back.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict
from zoneinfo import ZoneInfo

import typst
from django.conf import settings

from .errors import EvidenceError
from .papers import PAPERS

_HERE = Path(__file__).parent
_TEMPLATES, _FONTS = _HERE / "pdf_templates", _HERE / "pdf_fonts"
_ISTANBUL = ZoneInfo("Europe/Istanbul")
_MONTHS = (
    "Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık",
)  # fmt: skip
MOST_TEXT = 2_000
"""Characters of one text: longer ones are no name, address or sentence of a paper."""
MOST_LINES = 1_000
"""Rows of one list."""
READABLE: Final = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u017f\u0218-\u021b\u1e9e\u2010-\u2014\u2018-\u201e\u2020-\u2022\u2026\u2030\u20ac\u20ba"
    "\u2116\u2122\u2212]"
)
"""Latin letters, figures and punctuation that stand in both cuts of our font. No soft hyphen, blank without width,
turn of direction or letter of another script that looks like one of ours."""


class PaperRefused(EvidenceError):
    """No paper can be made of this: an unknown template, facts that do not fit it, or a template that does not compile.

    A fault of the caller or of the template, never of a person; nothing is half made.
    """

    code = "PDF-01"
    user_message = (
        "Belge şu anda hazırlanamıyor; teknik ekibe haber verildi. Kaydettiğiniz bilgiler duruyor. "
        "Biraz sonra yeniden deneyin."
    )
    status = 500


@dataclass(frozen=True)
class Attachment:
    """A file inside the PDF: its name (ASCII), type, what it is in Turkish, and its exact bytes."""

    name: str
    content_type: str
    description: str
    raw: bytes


def render(template: str, facts: Mapping[str, object], *, attachments: Sequence[Attachment] = ()) -> bytes:
    """The paper `template` (a name of `papers.PAPERS`) with these facts: a tagged PDF/A-3b, the same bytes every time.

    `facts` has exactly the keys and types of the template's class; datetimes are aware and printed in Istanbul time.
    `PaperRefused` for anything else.
    """
    described = PAPERS.get(template)
    if described is None:
        raise PaperRefused("unknown-template", template=template)
    made_at = facts.get("made_at")
    if not isinstance(made_at, datetime) or made_at.tzinfo is None:
        raise PaperRefused("facts", where="made_at")
    written = {
        "facts": _written(dict(facts), described, template),
        "house": {"provider": readable(settings.KEP_PROVIDER_NAME), "domain": readable(settings.KEP_PROVIDER_DOMAIN)},
        "attachments": [_attached(each) for each in attachments],
    }
    try:
        made = typst.compile(
            _TEMPLATES / f"{template}.typ",
            root=_TEMPLATES,
            font_paths=_fonts(),
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={"told": json.dumps(written, ensure_ascii=False)},
            pdf_standards="a-3b",
            timestamp=int(made_at.timestamp()),
        )
    except typst.TypstError as error:
        raise PaperRefused("template", template=template, found=error.message) from error
    return bytes(made)


def readable(text: str) -> str:
    """`text` composed (NFC), each character that is not `READABLE` written as `[U+202E]`."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(each if READABLE.match(each) else f"[U+{ord(each):04X}]" for each in composed)


def moment_words(moment: datetime) -> str:
    """`23 Kasım 2026 14:05:09 (TSİ)`, whatever language is spoken around."""
    local = moment.astimezone(_ISTANBUL)
    return f"{day_words(local)} {local:%H:%M:%S} (TSİ)"


def day_words(day: date) -> str:
    """`23 Kasım 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


@cache
def _fonts() -> typst.Fonts:
    """Our own font and no other, read once per process: with others about, a missing glyph is borrowed silently."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(_FONTS)])


def _attached(each: Attachment) -> dict[str, object]:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", each.name):
        raise PaperRefused("attachment-name")
    return {
        "name": each.name,
        "type": each.content_type,
        "description": readable(each.description),
        "raw": list(each.raw),
    }


def _written(value: object, hint: Any, where: str) -> object:
    """`value` as JSON for the template if it is what `hint` says, else `PaperRefused` that names the place."""
    if is_typeddict(hint):
        return _written_keys(value, hint, where)
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        if value is None and NoneType in get_args(hint):
            return None
        (hint,) = (each for each in get_args(hint) if each is not NoneType)
        return _written(value, hint, where)
    if origin is Literal:
        if not (isinstance(value, str) and value in get_args(hint)):
            raise PaperRefused("facts", where=where)
        return str(value)
    if origin is not None:
        return _written_list(value, get_args(hint)[0], where)
    return _written_plain(value, hint, where)


def _written_keys(value: object, hint: Any, where: str) -> dict[str, object]:
    hints = get_type_hints(hint)
    if not isinstance(value, Mapping) or set(value) != set(hints):
        raise PaperRefused("facts", where=where)
    if any(name.startswith("masked_") and "*" not in str(value[name]) for name in hints):
        raise PaperRefused("not-masked", where=where)  # strangers read this paper (I-006)
    return {name: _written(value[name], each, f"{where}.{name}") for name, each in hints.items()}


def _written_list(value: object, hint: Any, where: str) -> list[object]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MOST_LINES:
        raise PaperRefused("facts", where=where)
    return [_written(each, hint, where) for each in value]


def _written_plain(value: object, hint: Any, where: str) -> object:
    if hint is bool and isinstance(value, bool):
        return value
    if hint is str and isinstance(value, str) and len(value) <= MOST_TEXT:
        return readable(value)
    if hint is datetime and isinstance(value, datetime) and value.tzinfo is not None:
        return moment_words(value)
    if hint is date and isinstance(value, date) and not isinstance(value, datetime):
        return day_words(value)
    raise PaperRefused("facts", where=where)
