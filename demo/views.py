"""The demo phone: every SMS this installation has sent, in place of a phone of one's own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.doors import open_door
from accounts.models import Person

SHOWN = 50


@dataclass(frozen=True)
class Sms:
    """One text."""

    to: str
    text: str
    sent_at: datetime


@dataclass(frozen=True)
class Phone:
    """One phone of the demo people."""

    number: str
    owner: str


@open_door
@require_safe
def phone(request: HttpRequest) -> HttpResponse:
    """The newest texts first, of all phones or of one: `?telefon=+905...`."""
    selected = request.GET.get("telefon", "").strip().replace(" ", "+")
    sent = [sms for sms in _sent() if not selected or sms.to == selected]
    phones = [Phone(person.phone, person.full_name) for person in Person.objects.order_by("first_name", "last_name")]
    context = {"sms_list": sent[::-1][:SHOWN], "phones": phones, "selected": selected}
    return render(request, "demo/phone.html", context)


def _sent() -> Iterator[Sms]:
    if not settings.KEP_SMS_FILE.exists():
        return
    for line in settings.KEP_SMS_FILE.read_text().splitlines():
        written = json.loads(line)
        yield Sms(written["to"], written["text"], datetime.fromisoformat(written["sent_at"]))
