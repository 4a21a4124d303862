"""The names of the states, apart from the machine so that models and pages can speak of them.

Only `states.advance` may write one. Texts are what the sender reads (design.md 1.4, screens).
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class MessageState(models.TextChoices):
    """States of the message row."""

    CHECKING = "CHECKING", _("Denetleniyor")
    ACCEPTED = "ACCEPTED", _("Kabul edildi")
    REJECTED = "REJECTED", _("Kabul edilmedi")
    RETURNED = "RETURNED", _("Taslağa döndü")


class RecipientState(models.TextChoices):
    """States of each recipient row, from ACCEPTED on."""

    ACCEPTED = "ACCEPTED", _("Yola çıkacak")
    DELIVERING = "DELIVERING", _("Yolda")
    RELAYING = "RELAYING", _("Yolda")
    RELAYED = "RELAYED", _("Alıcının sağlayıcısında")
    REFUSED = "REFUSED", _("Reddedildi")
    RELAY_REJECTED = "RELAY_REJECTED", _("Alıcının sağlayıcısı almadı")
    RELAY_FAILED = "RELAY_FAILED", _("Alıcının sağlayıcısına ulaşılamadı")
    DELIVERED = "DELIVERED", _("Teslim edildi")
    UNDELIVERED = "UNDELIVERED", _("Teslim edilemedi")
    READ = "READ", _("Okundu")
    DEEMED_READ = "DEEMED_READ", _("Okunmuş sayıldı")
