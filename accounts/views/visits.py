"""`/hesap/oturumlar/`: one's own visits and known browsers, and how they are ended (V-033)."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from evidence import eventlog
from guards import clock
from guards.ids import could_be_public_id

from .. import open_visits, security_history
from ..life_errors import NoSuchVisit
from ..models import KnownDevice, OpenVisit, Person
from .account_frame import account_page, person_of


@dataclass(frozen=True)
class DeviceShown:
    """A browser on which the person finished a sign-in: it is not shut out by strangers' tries (V-007)."""

    key: str
    browser: str
    first_seen_at: datetime
    last_seen_at: datetime
    is_this: bool


@require_safe
def visits(request: HttpRequest) -> HttpResponse:
    """The open visits, this one first, and the known browsers."""
    person, now = person_of(request), clock.now()
    this = open_visits.current_of(request)
    shown = sorted(open_visits.open_of(person, now=now), key=lambda each: this is None or each.pk != this.pk)
    context = {
        "visits": [(each, security_history.way_words(each.method)) for each in shown],
        "this": this,
        "others": sum(1 for each in shown if this is None or each.pk != this.pk),
        "devices": _devices(person, this),
    }
    return account_page(request, "accounts/account/visits.html", context)


@require_POST
def end_visit(request: HttpRequest, public_id: str) -> HttpResponse:
    """End one visit. Another person's is refused like one that does not exist."""
    person = person_of(request)
    rows = OpenVisit.objects.filter(person=person, public_id=public_id, ended_at=None)
    found = rows.first() if could_be_public_id(public_id) else None
    if found is None or not open_visits.end(found, reason="by_person", now=clock.now()):
        raise NoSuchVisit("no open visit of this person")
    messages.success(request, _("Oturum kapatıldı."))
    return redirect("accounts:visits")


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """End every visit but this one."""
    kept = request.session.session_key or ""
    count = open_visits.end_all(person_of(request), reason="by_person", now=clock.now(), besides_session=kept)
    messages.success(request, _("Bu oturum dışında %(count)d oturum kapatıldı.") % {"count": count})
    return redirect("accounts:visits")


@require_POST
def forget_device(request: HttpRequest, key: str) -> HttpResponse:
    """Make a known browser unknown again."""
    person, now = person_of(request), clock.now()
    with transaction.atomic():
        rows = KnownDevice.objects.filter(person=person, device_index=key if could_be_public_id(key) else "")
        if not rows.delete()[0]:
            raise NoSuchVisit("no known browser of this person")
        eventlog.append("device.forgotten", at=now, actor=f"person:{person.pk}", subject=f"person:{person.pk}")
    messages.success(request, _("Cihaz artık tanınmıyor; bir sonraki girişte size haber verilir."))
    return redirect("accounts:visits")


def _devices(person: Person, this: OpenVisit | None) -> list[DeviceShown]:
    rows = list(KnownDevice.objects.filter(person=person).order_by("-last_seen_at"))
    visits = OpenVisit.objects.filter(person=person, device_index__in=[each.device_index for each in rows])
    named = dict(visits.order_by("pk").values_list("device_index", "browser"))
    return [
        DeviceShown(
            each.device_index,
            named.get(each.device_index, ""),
            each.first_seen_at,
            each.last_seen_at,
            this is not None and this.device_index == each.device_index,
        )
        for each in rows
    ]
