"""What the person is shown of a request that is no message: a sign-in, a proof of himself, an application.

The bytes are JSON in exactly one spelling, read here and nowhere else. They name their purpose and the provider's
origin, and both must be what this program itself knows: the purpose it was asked for, the origin it is connected to. A
provider that hands on the request of another one, or dresses one purpose as another, is found out before the PIN is
asked (S-022, V-018). Nothing of the words that say what a signature would do comes from the provider: they are written
here. Only an application carries a text, which is shown whole, with hidden letters spelled out.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from signer.errors import DocumentDiffers, DocumentUnreadable
from signer.message import spelled_out

FORM = "kep-istek/1"
LONGEST_TEXT = 20_000
LONGEST_LIFE = timedelta(minutes=30)
CONTENT_TYPES: Mapping[str, str] = {
    "sign_in": "application/vnd.kep.giris+json",
    "step_up": "application/vnd.kep.dogrulama+json",
    "application": "application/vnd.kep.basvuru+json",
}
HEADINGS: Mapping[str, str] = {
    "sign_in": "Bu bir GİRİŞ isteği",
    "step_up": "Bu bir KİMLİK DOĞRULAMA isteği",
    "application": "Bu bir BAŞVURU imzası",
}
"""The first thing that is said, from the moment the code is spent."""
_MEANINGS: Mapping[str, str] = {
    "sign_in": (
        "İmzalarsanız bu isteği başlatan tarayıcıda hesabınıza girilir. İsteği bu bilgisayarda siz başlatmadıysanız"
        " imzalamayın."
    ),
    "step_up": (
        "İmzalarsanız açık oturumunuzda kimliğiniz doğrulanmış olur. İsteği bu bilgisayarda siz başlatmadıysanız"
        " imzalamayın."
    ),
    "application": "İmzalarsanız aşağıdaki başvuru sizin imzanızı taşır. Okumadan imzalamayın.",
}
_KEYS = frozenset({"form", "purpose", "origin", "challenge", "asked_at", "expires_at", "text"})
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class RequestShown:
    """Everything of a request that is put before the person."""

    purpose: str
    heading: str
    meaning: str
    origin: str
    asked_at: datetime
    expires_at: datetime
    text: str


def read(raw: bytes, *, purpose: str, origin: str) -> RequestShown:
    """What to show of `raw`, asked for `purpose` by the provider at `origin`.

    Refuses with `DocumentUnreadable` what is not spelled as a request is, with `DocumentDiffers` what belongs to
    another purpose or another provider.
    """
    try:
        said = json.loads(raw.decode("utf-8"))
        is_spelled_so = isinstance(said, dict) and _ENCODER.encode(said).encode() == raw
    except (ValueError, RecursionError) as error:
        raise DocumentUnreadable("not JSON") from error
    if not is_spelled_so or said.keys() != _KEYS or any(type(each) is not str for each in said.values()):
        raise DocumentUnreadable("not spelled as a request is")
    if said["form"] != FORM or not _CHALLENGE.fullmatch(said["challenge"]):
        raise DocumentUnreadable("another form, or no challenge of 256 bits")
    if said["purpose"] != purpose or said["origin"] != origin:
        raise DocumentDiffers("the request is for another purpose or another provider")
    asked_at, expires_at = _moment(said["asked_at"]), _moment(said["expires_at"])
    text = said["text"]
    if not timedelta() < expires_at - asked_at <= LONGEST_LIFE:
        raise DocumentUnreadable("a term that is none")
    if len(text) > LONGEST_TEXT or bool(text) is not (purpose == "application"):
        raise DocumentUnreadable("a text that cannot be shown whole, or where none belongs")
    return RequestShown(purpose, HEADINGS[purpose], _MEANINGS[purpose], origin, asked_at, expires_at, spelled_out(text))


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise DocumentUnreadable("not a time in UTC") from error
