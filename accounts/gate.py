"""The gate: no view without a verified visit, unless the view or its address says so (V-017, V-031, V-038).

Refusing is the rule and needs no decorator to be remembered. What stands open is marked `@open_door` or listed in
`KEP_OPEN_PATHS`; machine interfaces with a protection of their own are listed in `KEP_MACHINE_PATHS`, and there no
cookie is even looked at. An address nobody serves is closed as well: whoever is not signed in learns nothing about it.

A visit is let in when all factors were proven (django-otp), the person is active, and neither limit is over. One
whose time is over is ended here, on open pages too, so that no page shows the frame of somebody who left.

A page for which no account is chosen, or no longer may be, leads to the page where one is chosen. What a script
asks for is answered with a status and JSON, so that it can say what happened and shows no sign-in page inside.
"""

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.urls import Resolver404, resolve, reverse

from guards import clock
from guards.errors import KepError

from . import login, visit
from .errors import NoAccount, NotActing, VisitEnded


class SignedInGate:
    """Middleware: refuses by default. Stands behind `OTPMiddleware`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _stands_among(request.path_info, settings.KEP_MACHINE_PATHS):
            return self._get_response(request)
        view = _view_of(request)
        had_visit = _has_user(request)
        is_signed_in = had_visit and _let_in(request, view)
        if is_signed_in or _is_open(request, view):
            response = self._get_response(request)
            if is_signed_in:
                response.headers["Cache-Control"] = "no-store"
            return response
        return _to_sign_in(request, had_visit=had_visit)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A view needed an account and none was chosen, or the right to it has ended: to the choice, with a word."""
        if not isinstance(exception, NotActing) or isinstance(exception, NoAccount):
            return None
        if wants_json(request) or request.method not in ("GET", "HEAD"):
            return None
        messages.warning(request, exception.for_person())
        return HttpResponseRedirect(_with_next(reverse("accounts:choose_account"), request))


def wants_json(request: HttpRequest) -> bool:
    """Whether a script asks and not a person: it says that it takes JSON."""
    return "application/json" in request.headers.get("Accept", "")


def _has_user(request: HttpRequest) -> bool:
    return bool(request.user.is_authenticated)


def _let_in(request: HttpRequest, view: object) -> bool:
    """Whether the visit still counts; if not, it ends here and the request goes on as nobody's."""
    now = clock.now()
    try:
        is_open = request.user.is_verified() and visit.visit_of(request).is_open(now)  # type: ignore[union-attr]
    except VisitEnded:
        is_open = False
    if not is_open:
        login.end_visit(request, now=now, kind="visit.over")
        return False
    if view is not None and not getattr(view, "kep_unattended", False):  # no view: the content host, or a 404
        visit.touch(request.session, now=now)
    return True


def _view_of(request: HttpRequest) -> object:
    try:
        return resolve(request.path_info).func
    except Resolver404:
        return None


def _is_open(request: HttpRequest, view: object) -> bool:
    return getattr(view, "kep_open_door", False) or _stands_among(request.path_info, settings.KEP_OPEN_PATHS)


def _stands_among(path: str, listed: tuple[str, ...]) -> bool:
    """An entry that ends with a slash stands for all below it, another for itself only."""
    return any(path == each or (each.endswith("/") and path.startswith(each)) for each in listed)


def _to_sign_in(request: HttpRequest, *, had_visit: bool) -> HttpResponse:
    if wants_json(request):
        return _as_json(VisitEnded("not signed in"))
    address = _with_next(resolve_url(settings.LOGIN_URL), request, **({"bitti": "1"} if had_visit else {}))
    return HttpResponseRedirect(address)


def _with_next(address: str, request: HttpRequest, **more: str) -> str:
    query = {**more, **({"next": request.get_full_path()} if request.method in ("GET", "HEAD") else {})}
    return f"{address}?{urlencode(query)}" if query else address


def _as_json(refusal: KepError) -> HttpResponse:
    response = JsonResponse({"code": refusal.code, "message": refusal.for_person()}, status=refusal.status)
    response.headers["Cache-Control"] = "no-store"
    return response
