"""From a typed refusal to a page: what happened, what is safe, what to do, and the code (design.md 6).

Domain verbs raise a `KepError`; a view that has nothing better to say lets it pass, and this middleware draws the one
error page, or JSON for a script of ours, with the status that the refusal names. Tables that cannot be read or written
now (a full disk, a lost connection, a lock that lasts) are such a refusal too, and a line for the people who run this;
a connection that may be of no use is closed, and the page is drawn without asking them again. A
layer above the views (session, gate) meets the same errors where no view is: `answer_to_what_nobody_caught` is asked
there. Unknown exceptions are not caught here: they are faults of ours, 500.
"""

import logging
import sys
from collections.abc import Callable

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from evidence.interruptions import is_interruption, let_go
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
        return answer(request, exception)


def answer(request: HttpRequest, exception: BaseException) -> HttpResponse | None:
    """The page, or for a program the JSON, of a refusal; None for what is no refusal but a fault of ours."""
    if isinstance(exception, OperationalError) or is_interruption(exception):
        log.error("the database failed: %s", type(exception).__name__, exc_info=exception)
        let_go(exception)
        exception = TablesUnavailable("the database failed")
    if not isinstance(exception, KepError):
        return None
    status, page = exception.status, request.resolver_match and request.resolver_match.view_name
    log.info("%s refused with %d: %s %s", page, status, exception.code, type(exception).__name__)
    response = _drawn(request, exception)
    if exception.retry_after:
        response.headers["Retry-After"] = str(exception.retry_after)
    return response


def _drawn(request: HttpRequest, exception: KepError) -> HttpResponse:
    status = exception.status
    if _is_for_a_program(request):
        return JsonResponse({"code": exception.code, "message": exception.for_person()}, status=status)
    error = {"title": _("İşlem yapılmadı"), "message": exception.for_person(), "code": exception.code}
    back = {"back_url": resolve_url(settings.LOGIN_REDIRECT_URL), "back_label": _("Gelen kutusuna dön")}
    if isinstance(exception, TablesUnavailable):
        # messages and whoever is signed in are in the very tables: the page is drawn without them
        plain = {"request": request, "csrf_token": get_token(request), "provider_code": settings.KEP_PROVIDER_CODE}
        return HttpResponse(render_to_string("kepweb/error.html", {"error": error, **back, **plain}), status=status)
    return render(request, "kepweb/error.html", {"error": error, **back}, status=status)


def answer_to_what_nobody_caught(request: HttpRequest) -> HttpResponse | None:
    """The same for the exception that Django is handling now, from a layer above the views."""
    exception = sys.exc_info()[1]
    return answer(request, exception) if exception is not None else None


def _is_for_a_program(request: HttpRequest) -> bool:
    """A script of ours says that it takes JSON; the person's signing program is answered in nothing else."""
    return "application/json" in request.headers.get("Accept", "") or request.path_info.startswith("/imza/v1/")
