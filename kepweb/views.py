"""Pages of the house itself: the door, health, help, and the pages of requests that no view ever saw."""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_safe
from django.views.defaults import server_error as page_of_server_error

from accounts import access, visit
from accounts.models import Post
from guards.clock import now as clock

from . import readiness
from .refusals import answer_to_what_nobody_caught


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The door: to the inbox, whose own gate sends whoever is not signed in to the sign-in page.

    Whoever serves the provider and has chosen no account comes to his own door; no query is asked.
    """
    roles = () if access.ACCOUNT_KEY in request.session else visit.roles_in(request)
    if Post.Role.CLERK in roles:
        return redirect("accounts:desk")
    return redirect(settings.KEP_OFFICE_URL if Post.Role.BACK_OFFICE in roles else settings.LOGIN_REDIRECT_URL)


@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers; asks nothing else and reads no session."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when every needed part works, else 503; names the parts, no versions and no addresses (V-088)."""
    answers = readiness.recent_answers(clock())
    return JsonResponse(dict(readiness.as_json(answers)), status=200 if readiness.is_ready(answers) else 503)


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Help for everybody, signed in or not."""
    return render(request, "kepweb/help.html")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a request that did not come from our own page; nothing was changed."""
    return render(request, "403_csrf.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 for a request that cannot be read, or is more than one form may hold: then it says what is too much."""
    title, message, code = _("İstek anlaşılamadı"), "", "SYF-400"
    if isinstance(exception, TooManyFilesSent):
        title, code = _("Dosyalar gönderilmedi"), "SYF-401"
        message = _("Bir seferde en çok %(limit)d dosya eklenebilir. Taslağınız son kaydedildiği gibi duruyor. "
                    "Dosyaları birkaç seferde ekleyin.") % {"limit": settings.DATA_UPLOAD_MAX_NUMBER_FILES}  # fmt: skip
    elif isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
        title, code = _("Yazdıklarınız gönderilmedi"), "SYF-402"
        message = _("Yazılanlar tek bir forma sığmıyor. Taslağınız son kaydedildiği gibi duruyor; önceki sayfaya "
                    "dönerseniz yazdıklarınız oradadır. Metni kısaltın ya da dosya olarak ekleyin.")  # fmt: skip
    return render(request, "400.html", {"title": title, "message": message, "code": code}, status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """What no view raised and no layer caught: tables that cannot be read now are a 503 here too, all else is a 500."""
    return answer_to_what_nobody_caught(request) or page_of_server_error(request)
