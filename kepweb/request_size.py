"""No request is larger than the largest thing anybody may send (V-097, design.md 1.1.3).

The limit is asked of the headers, before a byte of the body is read: a stranger cannot fill the disk for uploads,
and somebody who attaches too much hears so at once and keeps his draft. A body without a stated length is empty to
Django, so there is nothing to get round it with.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

FORM_OVERHEAD = 4_194_304
"""Bytes beside the files: the other fields, multipart headers, and what a person typed."""


class RequestSizeMiddleware:
    """Answers 413 for a body that could never become a message."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        stated = request.META.get("CONTENT_LENGTH") or "0"
        if stated.isascii() and stated.isdigit() and int(stated) <= settings.KEP_ORIGINAL_LIMIT + FORM_OVERHEAD:
            return self._get_response(request)
        error = {
            "title": _("Dosyalar gönderilmedi"),
            "message": _("Eklerin toplamı 25 MB sınırını aşıyor. Taslağınız son kaydedildiği gibi duruyor. "
                         "Ekleri küçültüp yeniden deneyin."),
            "code": "ILT-02",
        }  # fmt: skip
        page = render(
            request, "kepweb/error.html", {"error": error, "shell": None}, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        )
        page.headers["Connection"] = "close"  # the body stays unread
        return page
