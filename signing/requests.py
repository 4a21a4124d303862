"""Requests that are signed in a browser's presence: a sign-in, a proof of oneself inside a visit, an application.

They differ from a message in three ways (design.md 4, S-022, V-018):

 * **What is signed** is a document of its own kind, with a content type of its own: canonical JSON that names its
   purpose, the provider's origin and a challenge of 256 bits. The signature covers origin and challenge together, so
   that it is worth nothing at another provider, for another purpose, or a second time. It can never be read as a
   message, nor a message as one of these.
 * **How it is opened**: by a link code only, which is longer than a code that people type and is never shown. A signer
   refuses to open it when it was typed, and a typed code can never hit one, because the two have other lengths.
 * **How it ends**: whoever posts the signature gets a return token, and the floor above accepts the signature only
   where that token meets the browser that asked. No worker takes it, no bell rings.

The bytes are small, made for strangers too, and kept in the row: the vault is for what has a legal life.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from django.conf import settings

SIGN_IN: Final = "sign_in"
STEP_UP: Final = "step_up"
APPLICATION: Final = "application"

CONTENT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        SIGN_IN: "application/vnd.kep.giris+json",
        STEP_UP: "application/vnd.kep.dogrulama+json",
        APPLICATION: "application/vnd.kep.basvuru+json",
    }
)
PURPOSES: Final = frozenset(CONTENT_TYPES)
"""Purposes of this kind; every other operation is about a message, and a worker takes it."""
FORM: Final = "kep-istek/1"
CHALLENGE_OCTETS: Final = 32
LONGEST_TEXT: Final = 20_000
"""Characters of an application that is signed here; a signer shows as many."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_KEYS: Final = frozenset({"form", "purpose", "origin", "challenge", "asked_at", "expires_at", "text"})


@dataclass(frozen=True)
class SignedRequest:
    """One such document in plain values; `text` is what a person is asked to agree to, empty but for applications."""

    purpose: str
    origin: str
    challenge: bytes
    asked_at: datetime
    expires_at: datetime
    text: str = ""

    def octets(self) -> bytes:
        """The one spelling of it: what is signed."""
        return _ENCODER.encode(
            {
                "form": FORM,
                "purpose": self.purpose,
                "origin": self.origin,
                "challenge": base64.urlsafe_b64encode(self.challenge).rstrip(b"=").decode(),
                "asked_at": _written(self.asked_at),
                "expires_at": _written(self.expires_at),
                "text": self.text,
            }
        ).encode()


def new_request(purpose: str, *, now: datetime, text: str = "") -> SignedRequest:
    """A fresh request of this provider with a challenge nobody has seen. ValueError for a purpose or text of no kind.

    Sign-ins and proofs last `KEP_E_IMZA_LIFE`, an application, which wants to be read, as long as a message.
    """
    if purpose not in PURPOSES:
        raise ValueError("not a purpose of this kind")
    if len(text) > LONGEST_TEXT or bool(text) is not (purpose == APPLICATION):
        raise ValueError("an application has a text that can be shown whole; nothing else has one")
    asked_at = now.astimezone(UTC).replace(microsecond=0)
    life = settings.KEP_SIGNING_LIFE if purpose == APPLICATION else settings.KEP_E_IMZA_LIFE
    challenge = secrets.token_bytes(CHALLENGE_OCTETS)
    return SignedRequest(purpose, settings.KEP_WEB_ORIGIN, challenge, asked_at, asked_at + life, text)


def read_request(octets: bytes) -> SignedRequest:
    """The values of a request, if it is spelled as `SignedRequest.octets` spells it. ValueError for anything else."""
    try:
        said = json.loads(octets.decode("utf-8"))
        if not isinstance(said, dict) or said.keys() != _KEYS or said["form"] != FORM:
            raise ValueError("other fields than a request has")
        challenge = base64.urlsafe_b64decode(said["challenge"] + "=")
        asked_at, expires_at = (datetime.fromisoformat(said[name]) for name in ("asked_at", "expires_at"))
        request = SignedRequest(said["purpose"], said["origin"], challenge, asked_at, expires_at, said["text"])
        is_same = request.octets() == octets
    except (TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise ValueError("not a request") from error
    if not is_same or len(challenge) != CHALLENGE_OCTETS or request.purpose not in PURPOSES:
        raise ValueError("not spelled as a request is")
    return request


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
