"""The ordinary e-mail address for notices: read strictly, because it goes into the head of a mail later."""

import re

from django.utils.translation import gettext_noop

from .errors import DetailRefused

WRONG_MAIL = gettext_noop("E-posta adresi ad@kurum.com.tr biçiminde olmalı; Türkçe harf ve boşluk kullanmayın.")
_MAIL = re.compile(
    r"[A-Za-z0-9!#$&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}",
    re.ASCII,
)
_MOST = 254


def read_mail(text: str) -> str:
    """The address with its domain in small letters; `DetailRefused` for what is none, and for a KEP address.

    A KEP address takes no ordinary mail (K-004), so no notice could reach it.
    """
    local, _, domain = text.rpartition("@")
    if len(text) > _MOST or len(local) > 64 or _MAIL.fullmatch(text) is None or domain.lower().endswith(".kep.tr"):
        raise DetailRefused("not an e-mail address", why=WRONG_MAIL)
    return f"{local}@{domain.lower()}"
