"""Links to content on the second host: short-lived, bound to one sign-in and one part (V-054, design.md 1.7).

Attachments are served on a host that knows no cookies, so the link itself must say who asks. It carries the visit
in which it was made, sealed under the field key, and the name of the part; it is signed, lives five minutes, and
works only while that visit goes on: signing out ends every link of it.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest

from evidence.errors import CipherTextRefused
from evidence.fieldcrypt import open_value, seal_value
from guards.errors import KepError

LIFE = timedelta(minutes=5)
PATH = "/ek/"
_SALT = "accounts.content_links"
_LABEL = "accounts.content_links.visit"


class ContentLinkRefused(KepError):
    """The link was changed, is older than five minutes, or its visit has ended."""

    code = "EKL-01"
    status = 403
    user_message = (
        "Bu bağlantının süresi doldu ya da oturumunuz kapandı. Dosyanız duruyor; ileti sayfasına dönüp yeniden indirin."
    )


@dataclass(frozen=True)
class ContentLink:
    """What a link says once it has been checked: the visit it belongs to and the part it names."""

    session_key: str
    part: str


def signed_content_url(request: HttpRequest, part: str) -> str:
    """The address of `part` on the content origin for the visit of `request`; good for five minutes.

    `part` is the caller's own name of it and comes back to the content view unchanged. ValueError when the request
    belongs to no stored visit.
    """
    session_key = request.session.session_key
    if not session_key:
        raise ValueError("a content link needs a visit")
    visit = base64.urlsafe_b64encode(seal_value(session_key.encode(), _LABEL)).decode()
    return f"{settings.KEP_CONTENT_ORIGIN}{PATH}{signing.dumps([visit, part], salt=_SALT)}"


def read_link(token: str) -> ContentLink:
    """What the token says; `ContentLinkRefused` when it is not ours, was changed, or is too old."""
    try:
        visit, part = signing.loads(token, salt=_SALT, max_age=LIFE)
        session_key = open_value(base64.urlsafe_b64decode(visit), _LABEL).decode()
    except (signing.BadSignature, CipherTextRefused, binascii.Error, ValueError) as error:
        raise ContentLinkRefused(type(error).__name__) from error
    return ContentLink(session_key, part)
