"""A product of two floors: the sign-in, and pages that stand for everything above it."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.i18n import set_language

from accounts import access, visit
from accounts.doors import open_door, unattended


def inbox(request: HttpRequest) -> HttpResponse:
    """A page that needs a visit and an account."""
    acting = access.acting_of(request)
    return HttpResponse(f"inbox of {acting.account.address} for {acting.person.full_name}")


def moments(request: HttpRequest) -> HttpResponse:
    """The visit, for tests that look into it."""
    seen = visit.visit_of(request)
    return JsonResponse({"opened_at": seen.opened_at, "seen_at": seen.seen_at, "method": seen.method})


@unattended
def poll(request: HttpRequest) -> HttpResponse:
    """What a page asks by itself."""
    return JsonResponse({"state": "waiting"})


@open_door
def leaflet(request: HttpRequest) -> HttpResponse:
    """A page for everybody."""
    return HttpResponse(f"signed in: {request.user.is_authenticated}")


def stub(request: HttpRequest, **kwargs: object) -> HttpResponse:
    """A closed page."""
    return HttpResponse("closed")


mailbox_pages = [path("", inbox, name="inbox"), path("kapali/", stub, name="closed_accounts")]
urlpatterns = [
    path("", include("accounts.urls")),
    path(
        "gelen/", include(([path("", inbox, name="inbox"), path("kapali/", stub, name="closed_accounts")], "mailbox"))
    ),
    path("yardim/", include(([path("", stub, name="help"), path("ana/", stub, name="home")], "kepweb"))),
    path("dil/", set_language, name="dil_degistir"),
    path("oturum/", moments),
    path("bekle/", poll),
    path("brosur/", leaflet),
    path("kapali/", stub),
    path("imza/v1/claim", lambda request: HttpResponse(f"cookies: {request.session.accessed}")),
]
