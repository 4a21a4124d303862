"""How values look on a screen, one rule in one place.

Exact first, relative after it: a time is written out to the second with its zone, a deadline by the clock
before the minutes that are left. Times are stored in UTC and shown in Istanbul time (TSİ). Turkish writes
its case endings after figures ("14.05’e kadar"), and the ending follows the last number that is spoken, so
the endings are computed here; English gets the bare clock and puts its preposition in the sentence.
An identity number never leaves here whole. Nothing here asks the clock: `now` is an argument.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BaseForm, BoundField
from django.templatetags.static import static
from django.utils import formats, timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext, pgettext

register = template.Library()

_DAYS_BY_NAME = 7
"""Days that get a heading of their own in a list; older ones share one."""


@dataclass(frozen=True)
class DayOfRows:
    """The rows of a list that stand under one heading."""

    heading: str
    rows: Sequence[Any]


@dataclass(frozen=True)
class SigningStep:
    """One of the four bars: its word, and `done`, `current` or `ahead`."""

    word: str
    state: str


@dataclass(frozen=True)
class FieldError:
    """One line of an error summary: where it leads, what it says, its code."""

    field_id: str
    message: str
    code: str = ""


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, extra_class: str = "") -> SafeString:
    """An outline icon of the sprite, hidden from readers: a word always stands beside it. Written once per process: a
    page shows fifty of them, and asking for the address of the sprite costs more than the rest."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true" focusable="false"><use href="{}#tabler-{}"></use></svg>',
        f" {extra_class}" if extra_class else "",
        static("img/icons.svg"),
        name,
    )


@register.simple_tag
def trail(shown: Any) -> SafeString:
    """Evidence in one line: its points, drawn, and the word of the last step. The drawing is decorative: the word says
    the same. `shown` has `points`, `word` and `is_final`; there are few of them, so each is written once."""
    return _written_trail(tuple(shown.points), str(shown.word), shown.is_final)


@register.filter
def tsi(value: datetime | None) -> str:
    """`23 Kasım 2026 14:05:09 (TSİ)`; an empty string for no time."""
    return _with_zone(value, "j F Y H:i:s")


@register.filter
def tsi_minute(value: datetime | None) -> str:
    """`24 Kasım 2026 14:05 (TSİ)`."""
    return _with_zone(value, "j F Y H:i")


@register.filter
def iso(value: datetime | None) -> str:
    """The machine form for `<time datetime>`: UTC, seconds."""
    if value is None:
        return ""
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


@register.filter
def clock(value: datetime | None) -> str:
    """`14:32`, Istanbul time."""
    return "" if value is None else timezone.localtime(value).strftime("%H:%M")


@register.filter
def clock_to(value: datetime | None) -> str:
    """`14:42’ye` ("to 14:42")."""
    return _clock_with_ending(value, _TO)


@register.filter
def clock_at(value: datetime | None) -> str:
    """`14:02’de` ("at 14:02")."""
    return _clock_with_ending(value, _AT)


@register.filter
def clock_from(value: datetime | None) -> str:
    """`14:03’ten` ("from 14:03")."""
    return _clock_with_ending(value, _FROM)


@register.filter
def left(until: datetime | None, now: datetime) -> str:
    """`9 dk 40 sn`: what is left, as an extra beside the exact time; `süre doldu` once it is over."""
    if until is None:
        return ""
    seconds = int((until - now).total_seconds())
    if seconds <= 0:
        return gettext("süre doldu")
    hours, minutes, seconds = seconds // 3600, seconds % 3600 // 60, seconds % 60
    if hours:
        return gettext("%(hours)d sa %(minutes)d dk") % {"hours": hours, "minutes": minutes}
    if minutes:
        return gettext("%(minutes)d dk %(seconds)d sn") % {"minutes": minutes, "seconds": seconds}
    return gettext("%(seconds)d sn") % {"seconds": seconds}


@register.filter
def day_heading(value: datetime, now: datetime) -> str:
    """`Bugün, 23 Kasım`, `Cuma, 20 Kasım`, `Önceki günler`; days are counted in Istanbul."""
    day, today = timezone.localtime(value).date(), timezone.localtime(now).date()
    written = formats.date_format(day, "j F")
    if day == today:
        return gettext("Bugün, %(day)s") % {"day": written}
    if 0 < (today - day).days < _DAYS_BY_NAME:
        return f"{formats.date_format(day, 'l')}, {written}"
    return gettext("Önceki günler")


@register.filter
def by_day(rows: Iterable[Any], now: datetime) -> list[DayOfRows]:
    """Rows (newest first, each with `at`) under the headings of their days."""
    days: list[tuple[str, list[Any]]] = []
    headings: dict[date, str] = {}
    for row in rows:
        day = timezone.localtime(row.at).date()
        heading = headings.get(day) or headings.setdefault(day, day_heading(row.at, now))
        if not days or days[-1][0] != heading:
            days.append((heading, []))
        days[-1][1].append(row)
    return [DayOfRows(heading, tuple(found)) for heading, found in days]


@register.filter
def row_time(value: datetime, now: datetime) -> str:
    """The clock under a day's own heading, else the day: `14:05`, `12 Kas`, `12 Kas 2025`."""
    at = timezone.localtime(value)
    day, today = at.date(), timezone.localtime(now).date()
    if 0 <= (today - day).days < _DAYS_BY_NAME:
        return f"{at:%H:%M}"
    return _short_day(day, day.year == today.year, translation.get_language())


@register.filter
def kilobytes(size: int | None) -> str:
    """`412 kB`, `1,8 MB`, `0 bayt`. Steps of 1,024, so that the limit of 26,214,400 bytes reads `25 MB`."""
    if size is None:
        return ""
    if size < 1024:
        return ngettext("%(size)d bayt", "%(size)d bayt", size) % {"size": size}
    if size < 1024 * 1024:
        return f"{formats.number_format(round(size / 1024))} kB"
    millions = round(size / 1024 / 1024, 1)
    return f"{formats.number_format(millions, 0 if millions == int(millions) else 1)} MB"


@register.filter
def mask_tckn(tckn: str) -> str:
    """`54*******50`: the first two and the last two figures; anything shorter is masked whole."""
    if len(tckn) < 8:
        return "*" * len(tckn)
    return f"{tckn[:2]}{'*' * (len(tckn) - 4)}{tckn[-2:]}"


@register.filter
def code_groups(code: str) -> str:
    """A code for reading aloud in groups of four, the last taking up to five: `H8QF-3MXW-92TDK`."""
    bare = code.replace("-", "")
    groups = [bare[at : at + 4] for at in range(0, len(bare), 4)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return "-".join(groups)


@register.filter
def digest_head(digest: str, groups: int = 4) -> str:
    """The beginning of a hexadecimal digest, two bytes a group: `41D7 0C9E B2A8 55F3 …`."""
    bare, shown = digest.upper(), 4 * groups
    head = " ".join(bare[at : at + 4] for at in range(0, min(len(bare), shown), 4))
    return f"{head} …" if len(bare) > shown else head


@register.filter
def file_icon(name: str) -> str:
    """The sprite's icon for a file name; the name itself stands beside it."""
    return "file-type-pdf" if name[-4:].lower() == ".pdf" else "file-text"


@register.filter
def signing_steps(state: str) -> list[SigningStep]:
    """The four steps of a signature, told from where it stands. Only the last may say *kabul edildi*, and
    only once proof 10 is sealed (design.md 1.4)."""
    words = (
        (gettext("Hazırlanıyor"), gettext("Hazırlandı")),
        (gettext("İmza bekleniyor"), gettext("İmzalandı")),
        (gettext("Doğrulanıyor"), gettext("Doğrulandı")),
        (gettext("Kabul edildi"), gettext("Kabul edildi")),
    )
    reached = ("preparing", "waiting", "verifying", "accepted").index(state)
    steps = []
    for number, (present, past) in enumerate(words):
        if number < reached:
            steps.append(SigningStep(past, "done"))
        else:
            steps.append(SigningStep(present, "current" if number == reached else "ahead"))
    return steps


@register.filter
def as_text(value: object) -> str:
    """A fact for a table: a time by the rule of times, anything else as it is."""
    return tsi(value) if isinstance(value, datetime) else str(value)


@register.filter
def described_by(field: BoundField, hint_id: str) -> SafeString:
    """The field's input, told to readers together with a hint that the template wrote itself."""
    ids = f"{hint_id} {field.auto_id}_error" if field.errors else hint_id
    return field.as_widget(attrs={"aria-describedby": ids})


@register.filter
def form_errors(form: BaseForm) -> list[FieldError]:
    """A form's errors in the order of its fields, as the error summary wants them."""
    found = [
        FieldError("", str(message), _code_of(error))
        for error in form.non_field_errors().as_data()
        for message in error
    ]
    for field in form:
        for error in field.errors.as_data():
            found.extend(FieldError(field.id_for_label, str(message), _code_of(error)) for message in error)
    return found


def _code_of(error: Any) -> str:
    """Our own codes have a dash (GRS-02); Django's ("required") are no words for a person."""
    code = error.code or ""
    return code if "-" in code else ""


def _with_zone(value: datetime | None, pattern: str) -> str:
    if value is None:
        return ""
    zone = pgettext("the time zone of Istanbul, shown after a time", "TSİ")
    return f"{formats.date_format(timezone.localtime(value), pattern)} ({zone})"


@lru_cache(maxsize=4096)
def _short_day(day: date, is_this_year: bool, language: str | None) -> str:
    """`12 Kas` or `12 Kas 2025`; the language is named because the answer is kept."""
    return formats.date_format(day, "j M" if is_this_year else "j M Y")


# What follows a spoken number, by its last word: (to, at, from). Vowel harmony and hard consonants decide.
_TO, _AT, _FROM = 0, 1, 2
_UNITS = {
    0: ("a", "da", "dan"),  # sıfır
    1: ("e", "de", "den"),  # bir
    2: ("ye", "de", "den"),  # iki
    3: ("e", "te", "ten"),  # üç
    4: ("e", "te", "ten"),  # dört
    5: ("e", "te", "ten"),  # beş
    6: ("ya", "da", "dan"),  # altı
    7: ("ye", "de", "den"),  # yedi
    8: ("e", "de", "den"),  # sekiz
    9: ("a", "da", "dan"),  # dokuz
}
_TENS = {
    10: ("a", "da", "dan"),  # on
    20: ("ye", "de", "den"),  # yirmi
    30: ("a", "da", "dan"),  # otuz
    40: ("a", "ta", "tan"),  # kırk
    50: ("ye", "de", "den"),  # elli
}


def _clock_with_ending(value: datetime | None, case: int) -> str:
    if value is None:
        return ""
    at = timezone.localtime(value)
    shown = at.strftime("%H:%M")
    if not (translation.get_language() or "").startswith("tr"):
        return shown
    spoken = at.minute or at.hour
    ending = _TENS[spoken] if spoken in _TENS else _UNITS[spoken % 10]
    return f"{shown}’{ending[case]}"


@lru_cache(maxsize=256)
def _written_trail(points: tuple[str, ...], word: str, is_final: bool) -> SafeString:
    return format_html(
        '<span class="trail"{}>{}<span class="trail__word">{}</span></span>',
        mark_safe(' data-final="true"') if is_final else "",
        _drawn_trail(points),
        word,
    )


def _drawn_trail(points: tuple[str, ...]) -> SafeString:
    drawn: list[str] = []
    for number, state in enumerate(points):
        x = 6 + 15 * number
        if number:
            way = "trail__way" if state != "awaited" else "trail__way trail__way--awaited"
            drawn.append(f'<path class="{way}" d="M{x - 10} 6h5"/>')
        if state == "awaited":
            drawn.append(f'<circle class="trail__awaited" cx="{x}" cy="6" r="4"/>')
        elif state == "negative":
            drawn.append(f'<path class="trail__negative" d="M{x - 3.5} 2.5l7 7m0-7l-7 7"/>')
        else:
            drawn.append(f'<circle class="trail__exists" cx="{x}" cy="6" r="4.75"/>')
    return mark_safe(  # noqa: S308 - numbers and constants only
        f'<svg class="trail__points" viewBox="0 0 42 12" aria-hidden="true" focusable="false">{"".join(drawn)}</svg>'
    )
