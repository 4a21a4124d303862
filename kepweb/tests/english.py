"""Finding Turkish on an English page: every word the page shows or tells, held against the words of the catalogue."""

import html.parser
import re
import tomllib
from functools import cache
from pathlib import Path

import polib
from django.conf import settings
from django.http import HttpResponse

ROOT = Path(settings.BASE_DIR)
TOLD = ("aria-label", "title", "placeholder", "alt")
"""Attributes that are read out or shown; those of scripts begin with `data-`."""
SILENT = frozenset({"script", "style", "code"})
EMPTY = frozenset({"meta", "link", "input", "br", "hr", "img", "use", "path", "circle"})
LETTERS = re.compile(r"[ğışçöüĞİŞÇÖÜâîû]")
WORD = re.compile(r"[^\W\d_]{3,}")
PEOPLE = ("Ayşe Yıldız", "Mehmet Kaya", "Anadolu Makina", "Ltd. Şti.")
QUOTED = ("kayıtlı elektronik posta", "ad.soyad@hs01.kep.tr", "kepdelil", "Bu bir GİRİŞ isteği")
"""Turkish that an English text may name: what KEP stands for, an address, a bundle's ending, words of the signer."""


class Texts(html.parser.HTMLParser):
    """What a page shows and tells, in pieces; parts marked as Turkish are left out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.language = ""
        self._open: list[bool] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = given.get("lang", "")
        is_ours = all(self._open) and tag not in SILENT and given.get("lang") != "tr"
        if is_ours:
            self.pieces += [text for name, text in given.items() if name in TOLD or is_words(name, text)]
        if tag not in EMPTY:
            self._open.append(is_ours)

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if all(self._open):
            self.pieces.append(data)


def is_words(name: str, value: str) -> bool:
    """Whether a script shows this attribute: it is one of `data-`, and no address."""
    return name.startswith("data-") and not value.startswith("/")


@cache
def turkish_words() -> frozenset[str]:
    """Words of the source texts that no English text has."""
    entries = polib.pofile(str(ROOT / "locale" / "en" / "LC_MESSAGES" / "django.po"))
    english = " ".join(text for each in entries for text in (each.msgstr, *each.msgstr_plural.values()))
    turkish = " ".join(each.msgid for each in entries)
    return frozenset(words_of(turkish) - words_of(english))


def words_of(text: str) -> set[str]:
    """The words of a text, as they are compared; holes are none."""
    return {word.casefold() for word in WORD.findall(re.sub(r"%\([a-z_]+\)[sd]|\{[a-z]+\}", " ", text))}


@cache
def certificate_names() -> tuple[str, ...]:
    """Names in the demo's certificates: data, whatever their language."""
    names = tomllib.loads((ROOT / "demo" / "pki.toml").read_text(encoding="utf-8"))["names"]
    plain = [each for each in names.values() if isinstance(each, str)]
    return tuple(sorted((*plain, *names["providers"].values()), key=len, reverse=True))


def turkish_in(text: str, *names: str) -> list[str]:
    """The Turkish words of a text; names of people and certificates, and those given, are left out."""
    for name in (*names, *PEOPLE, *QUOTED, *certificate_names()):
        text = text.replace(name, " ")
    words = re.findall(r"[^\W\d_]+", text)
    return [word for word in words if LETTERS.search(word) or word.casefold() in turkish_words()]


def assert_english(answer: HttpResponse, *names: str) -> str:
    """The page says that it is English and shows no Turkish; its text comes back."""
    texts = Texts(answer.content.decode())
    text = "\n".join(" ".join(piece.split()) for piece in texts.pieces if piece.strip())
    assert texts.language == "en"
    assert turkish_in(text, *names) == []
    return text
