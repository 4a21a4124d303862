"""How much one network may ask of the open doors in an hour (V-026, V-097).

Whoever applies, activates or recovers is signed in nowhere, so there is nothing to count by but where the request comes
from: an IPv4 address, or the /64 of an IPv6 address, because a household has that many. A whole office may stand behind
one address, so the figures are generous; codes have limits of their own per number (`one_time`). Each hour has its own
count, raised by one conditional UPDATE: a hundred parallel requests are counted as a hundred.
"""

import enum
import ipaddress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest

from evidence.fieldcrypt import index_of
from guards.client_address import client_address

from ..clock_words import clock_words
from ..models import DoorTally
from .errors import TooManyFromHere

KEPT = timedelta(days=2)
"""How long a count is kept; it means something for an hour."""


class Door(enum.Enum):
    """What is counted."""

    BEGIN = "application.begin"
    CODE = "application.code"
    PAPER = "application.paper"
    STATUS = "application.status"
    BULK = "application.bulk"
    ACTIVATION = "account.activation"
    RECOVERY = "account.recovery"
    E_IMZA = "account.e_imza"

    @property
    def per_hour(self) -> int:
        """The most in one hour from one network."""
        return _PER_HOUR[self.value.partition(".")[2]]


_PER_HOUR = {"begin": 20, "code": 30, "paper": 120, "status": 30, "bulk": 30, "activation": 30, "recovery": 30}
_PER_HOUR["e_imza"] = 120  # a whole office signs in at nine


def count(door: Door, request: HttpRequest, *, now: datetime) -> None:
    """Count one use of the door from this network; `TooManyFromHere` once it was used too often, and then uncounted."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    with transaction.atomic():
        row, _ = DoorTally.objects.get_or_create(door=door.value, network_index=_network(request), hour=hour)
        if not DoorTally.objects.filter(pk=row.pk, count__lt=door.per_hour).update(count=F("count") + 1):
            until = hour + timedelta(hours=1)
            raise TooManyFromHere(f"too many of {door.value}", until=until, at=clock_words(until, now=now))


def sweep(*, now: datetime) -> int:
    """Take counts away that mean nothing any more; how many there were."""
    deleted, _ = DoorTally.objects.filter(hour__lt=now - KEPT).delete()
    return deleted


def _network(request: HttpRequest) -> str:
    address = client_address(
        request.META.get("REMOTE_ADDR", ""),
        request.headers.get("X-Forwarded-For", ""),
        is_behind_proxy=bool(settings.SECURE_PROXY_SSL_HEADER),
    )
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return index_of("unknown", "accounts.network")
    network = ipaddress.ip_network((read, 32 if read.version == 4 else 64), strict=False)
    return index_of(str(network), "accounts.network")
