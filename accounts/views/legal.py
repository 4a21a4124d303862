"""The legal texts, for everybody: the version in force, and every version there ever was (K-006)."""

from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from guards.clock import now as clock

from .. import legal_texts
from ..doors import open_door
from ..legal_texts import LegalVersion


@dataclass(frozen=True)
class VersionLine:
    """A version as lists show it."""

    version: LegalVersion
    title: str
    state: str
    """`in_force`, `ahead` or `past`."""


@open_door
@require_safe
def texts(request: HttpRequest) -> HttpResponse:
    """All texts, each in its version in force."""
    today = _today()
    return render(
        request, "accounts/legal_texts.html", {"lines": [_line(each, today) for each in legal_texts.of_the_day(today)]}
    )


@open_door
@require_safe
def text(request: HttpRequest, name: str) -> HttpResponse:
    """The version in force today."""
    return _page(request, legal_texts.in_force(name, on=_today()))


@open_door
@require_safe
def text_version(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """One version, in force or not."""
    return _page(request, legal_texts.find(name, version))


@open_door
@require_safe
def text_file(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """The exact bytes that were published, to be kept or hashed."""
    raw = legal_texts.raw_of(legal_texts.find(name, version))
    response = HttpResponse(raw, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{version}.txt"'
    return response


def _page(request: HttpRequest, version: LegalVersion) -> HttpResponse:
    today = _today()
    context = {
        "shown": _line(version, today),
        "title": legal_texts.title_of(version),
        "blocks": legal_texts.blocks_of(version),
        "versions": [_line(each, today) for each in legal_texts.versions(version.text)],
    }
    return render(request, "accounts/legal_text.html", context)


def _line(version: LegalVersion, today: date) -> VersionLine:
    if version == legal_texts.in_force(version.text, on=today):
        state = "in_force"
    else:
        state = "ahead" if version.in_force_from > today else "past"
    return VersionLine(version, gettext(legal_texts.TITLES[version.text]), state)


def _today() -> date:
    return localtime(clock()).date()
