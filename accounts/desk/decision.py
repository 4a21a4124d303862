"""The other end: an application that is refused, with a reason the applicant can read (K-020)."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from ..applying import states
from ..applying.states import Event
from ..models import Application
from ..notices import queue_notices
from ..posts import Serving
from . import queue
from .errors import ReasonMissing, TooLateToReject
from .frame import WAITING

SHORTEST_REASON = 10
LONGEST_REASON = 500


def may_reject(application: Application) -> bool:
    """Whether the application waits at the counter and has no account yet."""
    return application.state in WAITING and application.account_id is None


def reject(public_id: str, *, why: str, by: Serving, now: datetime) -> None:
    """End the application. What was recorded and the papers stay; a phone that was checked hears that it is decided.

    Refused: `ReasonMissing` (shorter than ten characters), `TooLateToReject` once an address is allotted;
    `NoSuchApplication`, `OwnApplication`, `NotOpen`.
    """
    reason = why.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise ReasonMissing("no reason worth reading")
    with transaction.atomic():
        application = queue.hold(public_id, by)
        if application.account_id is not None:
            raise TooLateToReject("an address is allotted")
        states.advance(application, Event.REJECTED, now=now, actor=by.actor, branch=by.branch_code, why=reason)
        if application.phone_checked_at is not None:
            text = f"KEP {settings.KEP_PROVIDER_CODE}: basvurunuz sonuclandi. Sonucu basvuru durumu sayfasinda yazar."
            queue_notices([(application.phone, text, f"application:{application.public_id}:decided")], now=now)
