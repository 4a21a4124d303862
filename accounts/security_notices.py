"""Notices of odd sign-ins and of every change of a factor, to the phone that is known (V-016, W-011).

They announce and carry nothing: no name, number, address, link or code (V-028). Whether they arrive changes nothing.
"""

import enum
from datetime import datetime

from django.conf import settings
from django.utils.timezone import localtime

from guards.ids import public_id

from .models import Person
from .notices import queue_notices


class Occasion(enum.Enum):
    """What the person is told of; the value is ASCII and fits one SMS part with what stands around it (N-002)."""

    NEW_DEVICE = "taninmayan bir cihazdan giris yapildi"
    PASSWORD = "parolaniz degistirildi"  # noqa: S105 - a sentence
    PIN = "sifreniz degistirildi"
    BOTH_SECRETS = "parolaniz ve sifreniz yenilendi"
    RECOVERY_BEGUN = "subede parola ve sifre yenilemesi baslatildi"
    AUTHENTICATOR_ADDED = "dogrulama uygulamasi eklendi"
    AUTHENTICATOR_REMOVED = "dogrulama uygulamasi kaldirildi"
    PHONE = "kayitli telefon numaraniz degistirildi"
    RECOVERY_CODES = "kurtarma kodlariniz yenilendi"
    RECOVERY_CODE_USED = "bir kurtarma koduyla giris yapildi"


def tell(person: Person, occasion: Occasion, *, now: datetime, phone: str = "") -> None:
    """Queue the notice to the person's own phone, or to one that was his, inside the transaction of the act."""
    when = localtime(now).strftime("%d.%m.%Y %H:%M")
    text = f"KEP {settings.KEP_PROVIDER_CODE}: {when}, {occasion.value}. Siz degilseniz hemen bir subeye basvurun."
    queue_notices([(phone or person.phone, text, f"security:{public_id()}")], now=now)
