"""The legal texts of the provider, version by version: KEPUE, KVKK notice, terms (K-006, `/yasal/`).

A published version never changes: its file is pinned here by SHA-256, and a file that is not what was published is
shown to nobody. A change is a new file and a new line in `PUBLISHED`, with the day from which it is in force; the old
one stays readable for ever, because people accepted it by its number (`TermsAccepted`). Texts are Turkish, whoever
reads them, and hold no markup but headings (`# `) and items (`- `): what a text says is in its bytes.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Literal

from django.utils.translation import gettext_noop

from .errors import AccountsError

_FOLDER: Final = Path(__file__).parent / "legal"


class LegalTextUnknown(AccountsError):
    """No such text or version was ever published."""

    status = 404
    code = "YSL-01"
    user_message = "Bu metin ya da sürümü yayımlanmadı. Yürürlükteki metinler yasal metinler sayfasındadır."


class LegalTextChanged(AccountsError):
    """The file of a published version is not what was published: it is not shown, and people must look."""

    status = 503
    code = "YSL-02"
    user_message = "Bu metin şu anda gösterilemiyor; teknik ekibe haber verildi. Onaylarınız ve kayıtlarınız duruyor."


@dataclass(frozen=True)
class LegalVersion:
    """One published version: `text` and `version` are what `TermsAccepted` keeps."""

    text: str
    version: str
    in_force_from: date
    digest: str
    """SHA-256 of the file, hex."""

    @property
    def number(self) -> tuple[int, ...]:
        """The version for comparing: 1.10 comes after 1.9."""
        return tuple(int(part) for part in self.version.split("."))


@dataclass(frozen=True)
class Block:
    """One piece of a text: a heading, a paragraph or a list of items."""

    kind: Literal["heading", "paragraph", "items"]
    lines: tuple[str, ...]

    @property
    def first(self) -> str:
        """The heading or paragraph."""
        return self.lines[0]


TITLES: Final = {
    "kepue": gettext_noop("KEP uygulama esasları (KEPUE)"),
    "kvkk": gettext_noop("Kişisel verilere ilişkin aydınlatma metni"),
    "kosullar": gettext_noop("Kullanım koşulları"),
}
"""The texts in the order of lists and footers, by the name in their address."""

_FIRST_DAY: Final = date(2026, 11, 24)
PUBLISHED: Final = (
    LegalVersion("kepue", "1.0", _FIRST_DAY, "939ffafc669aa91730f5d53909aac6eb1e5c0ddb91442e9012598eb84ff6678d"),
    LegalVersion("kvkk", "1.0", _FIRST_DAY, "b054da80af758c98782553230e1480965f42ec1e420ade125743bddf1ee3bf75"),
    LegalVersion("kosullar", "1.0", _FIRST_DAY, "8d2edb3cc9d063fe2f7dde5b487f22db1471b900003151d2913d2ff5d86b348f"),
)


def versions(text: str) -> list[LegalVersion]:
    """All versions of a text, newest first. `LegalTextUnknown`."""
    found = sorted((each for each in PUBLISHED if each.text == text), key=lambda each: each.number, reverse=True)
    if not found:
        raise LegalTextUnknown("no such text")
    return found


def find(text: str, version: str) -> LegalVersion:
    """One version by its number as written. `LegalTextUnknown`."""
    for each in versions(text):
        if each.version == version:
            return each
    raise LegalTextUnknown("no such version")


def in_force(text: str, *, on: date) -> LegalVersion:
    """The version in force on a day; before the first one was in force, the first one. `LegalTextUnknown`."""
    known = versions(text)
    return next((each for each in known if each.in_force_from <= on), known[-1])


def of_the_day(on: date) -> tuple[LegalVersion, ...]:
    """What whoever activates an account on that day (in Istanbul) accepts: each text in its version in force."""
    return tuple(in_force(text, on=on) for text in TITLES)


def raw_of(version: LegalVersion) -> bytes:
    """The exact bytes that were published. `LegalTextChanged` if the file is another one now."""
    try:
        raw = (_FOLDER / f"{version.text}-{version.version}.txt").read_bytes()
    except OSError as error:
        raise LegalTextChanged("the file is gone", text=version.text, version=version.version) from error
    if hashlib.sha256(raw).hexdigest() != version.digest:
        raise LegalTextChanged("the file is another one", text=version.text, version=version.version)
    return raw


def title_of(version: LegalVersion) -> str:
    """The first line of the text."""
    return raw_of(version).decode().partition("\n")[0]


def blocks_of(version: LegalVersion) -> list[Block]:
    """The text without its title, in pieces, in their order."""
    return list(_blocks(raw_of(version).decode().splitlines()[1:]))


def _blocks(lines: list[str]) -> Iterator[Block]:
    items: list[str] = []
    for line in [*lines, ""]:
        if line.startswith("- "):
            items.append(line.removeprefix("- "))
            continue
        if items:
            yield Block("items", tuple(items))
            items = []
        if line.startswith("# "):
            yield Block("heading", (line.removeprefix("# "),))
        elif line:
            yield Block("paragraph", (line,))
