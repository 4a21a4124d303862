"""The second host: where other people's bytes are handed out (V-050, V-053, V-054, design.md 1.7).

An attachment is written by a stranger. If a browser ever takes it for a page, that page must find nothing: no cookie,
no script, no product beside it. So attachments live on a host name of their own, and this middleware answers that
host before anything else of the product exists: before sessions, before static files, before URLs.

- One address only, `/ek/<token>`, GET or HEAD; everything else is 404.
- Cookies that arrive are taken off the request; cookies that would leave are taken off the answer.
- The link names the visit it was made in. The product's own gate looks at that visit, so that one that is ended,
  idle or half signed in opens nothing; a download does not keep an idle visit open.
- The bytes leave as a download under a harmless type, sandboxed, not to be sniffed, kept or framed.

The address of this host comes from settings at each request, because a test server's port is random.
"""

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django_otp.middleware import OTPMiddleware

from accounts.content_links import PATH, ContentLink, ContentLinkRefused, read_link
from guards.download_name import attachment_header
from guards.errors import KepError

from .language import of_reader

log = logging.getLogger(__name__)

HARMLESS_TYPES = frozenset(
    {
        "application/pdf",
        "application/zip",
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.spreadsheet",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "text/plain",
    }
)
"""Types that may be named; everything else leaves as application/octet-stream. No HTML, SVG, XML or script."""

HEADERS = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


class ContentFile(Protocol):
    """What the content view returns."""

    filename: str
    content_type: str
    raw: bytes


class ContentOriginMiddleware:
    """Answers the content host by itself and lets every other host pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_content_host(request):
            return self._get_response(request)
        request.META.pop("HTTP_COOKIE", None)
        request.COOKIES = {}
        with of_reader(request):
            response = _answer(request)
        response.cookies.clear()
        for name, value in HEADERS.items():
            response.headers[name] = value
        if request.is_secure() and settings.SECURE_HSTS_SECONDS:
            response.headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
        return response


def is_content_host(request: HttpRequest) -> bool:
    """Whether the request came in by the content origin's host name; ports and the last dot do not count."""
    host = urlsplit(f"//{request.get_host()}").hostname or ""
    return host.removesuffix(".") == urlsplit(settings.KEP_CONTENT_ORIGIN).hostname


def _answer(request: HttpRequest) -> HttpResponse:
    if not request.path.startswith(PATH):
        return _refusal(_("Burada yalnızca ileti ekleri sunulur."), 404)
    if request.method not in ("GET", "HEAD"):
        return _refusal(_("Bu adres yalnızca indirmeye yarar."), 405)
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return _refusal(_("Bu adres yalnızca güvenli bağlantıyla açılır."), 400)
    try:
        file = _open(request, read_link(request.path.removeprefix(PATH)))
    except KepError as error:
        log.info("content link refused: %s", error.code)
        return _refusal(f"{error.for_person()} ({error.code})", error.status)
    return _download(file)


def _open(request: HttpRequest, link: ContentLink) -> ContentFile:
    """The file behind the link, seen with the eyes of the visit it was made in; `ContentLinkRefused` if that ended."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(link.session_key)
    if request.session.is_empty() or request.session.session_key != link.session_key:
        raise ContentLinkRefused("the visit has ended")
    opened: list[ContentFile] = []

    def view(asked: HttpRequest) -> HttpResponse:
        opened.append(import_string(settings.KEP_CONTENT_VIEW)(asked, link.part))
        return HttpResponse()

    gate = import_string("accounts.gate.SignedInGate")
    AuthenticationMiddleware(OTPMiddleware(gate(view)))(request)
    if not opened:
        raise ContentLinkRefused("the gate did not let the visit in")
    return opened[0]


def _download(file: ContentFile) -> HttpResponse:
    kind = file.content_type.lower()
    response = HttpResponse(file.raw, content_type=kind if kind in HARMLESS_TYPES else "application/octet-stream")
    response.headers["Content-Disposition"] = attachment_header(file.filename)
    return response


def _refusal(sentence: str, status: int) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", content_type="text/plain; charset=utf-8", status=status)
