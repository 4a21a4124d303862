"""From a typed refusal to a page: what happened, what is safe, what to do, and the code (design.md 6).

Domain verbs raise a `KepError`; a view that has nothing better to say lets it pass, and this middleware draws the one
error page, or JSON for a script of ours, with the status that the refusal names. Tables that cannot be read or written
now (a full disk, a lost connection, a lock that lasts) are such a refusal too, and a line for the people who run this.
Unknown exceptions are not caught here: they are faults of ours, 500.
"""

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _

from guards.errors import KepError

log = logging.getLogger(__name__)


class TablesUnavailable(KepError):
    """The database did not do its work now; the transaction is undone."""

    code = "DEP-07"
    status = 503
    temporary = True
    user_message = (
        "Kayıt alanı şu anda yanıt vermiyor. Daha önce kaydedilmiş her şey duruyor. "
        "Birkaç dakika sonra yeniden deneyin."
    )


class RefusalMiddleware:
    """Turns a `KepError` that a view let pass into an answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Called by Django for what a view raised; None lets it pass on."""
        if isinstance(exception, OperationalError):
            log.error("the database failed: %s", type(exception).__name__, exc_info=exception)
            exception = TablesUnavailable("the database failed")
        if not isinstance(exception, KepError):
            return None
        status, page = exception.status, request.resolver_match and request.resolver_match.view_name
        log.info("%s refused with %d: %s %s", page, status, exception.code, type(exception).__name__)
        if "application/json" in request.headers.get("Accept", ""):
            return JsonResponse({"code": exception.code, "message": exception.for_person()}, status=status)
        error = {"title": _("İşlem yapılmadı"), "message": exception.for_person(), "code": exception.code}
        back = {"back_url": resolve_url(settings.LOGIN_REDIRECT_URL), "back_label": _("Gelen kutusuna dön")}
        return render(request, "kepweb/error.html", {"error": error, **back}, status=status)
