"""Which application this browser may touch: the one it began, or opened by number and code, for half an hour.

Nobody is signed in. The session remembers one public id and when it was last used; every view asks the row again. A
browser without one is led to the page where an application is opened, and hears why.
"""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from guards import clock
from guards.ids import could_be_public_id

from ..applying.errors import NoApplication
from ..models import Application

_KEPT: Final = "kep_application"


def remember(request: HttpRequest, application: Application, *, now: datetime) -> None:
    """Let this browser touch this application from now on, under a new session id (V-030)."""
    request.session.cycle_key()
    request.session[_KEPT] = {"id": application.public_id, "seen": now.isoformat()}


def forget(request: HttpRequest) -> None:
    """Let go of the application."""
    request.session.pop(_KEPT, None)


def application_of(request: HttpRequest, *, now: datetime) -> Application:
    """The application of this browser as its row stands; `NoApplication` without one, or after half an hour's rest."""
    kept = request.session.get(_KEPT) or {}
    public_id, seen = str(kept.get("id", "")), str(kept.get("seen", ""))
    if not public_id or not could_be_public_id(public_id):
        raise NoApplication("no application in this session")
    if now - datetime.fromisoformat(seen) > settings.KEP_VISIT_IDLE:
        forget(request)
        raise NoApplication("too long without a request")
    row = Application.objects.select_related("branch", "account").filter(public_id=public_id).first()
    if row is None:
        raise NoApplication("no such application")
    request.session[_KEPT] = {"id": public_id, "seen": now.isoformat()}
    return row


def with_application(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give the view `application` and `now`; without an application lead to where one is opened."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now = clock.now()
        try:
            application = application_of(request, now=now)
        except NoApplication as refusal:
            messages.warning(request, refusal.for_person())
            return redirect("accounts:applying_status")
        return view(request, application, *args, now=now, **kwargs)

    return wrapped
