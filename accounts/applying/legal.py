"""The legal person of an application, as it is written down before anybody has checked it (K-023, K-061).

`Application.legal` holds the JSON of a `LegalPerson`; its names are those of `AccountHolder`, because that is what an
allotted address makes of it. Numbers are in the one canonical form of `identity`; texts are what a person wrote, NFC,
one blank between words, and no sign that hides or turns the others round.
"""

import json
import unicodedata
from dataclasses import asdict, dataclass, fields

from django.utils.translation import gettext_noop

from ..models import Application
from .errors import DetailRefused

SHORTEST_NAME = 2


@dataclass(frozen=True, slots=True)
class LegalPerson:
    """A company, association or public body; what does not apply is empty. Lengths are those of `AccountHolder`."""

    name: str
    mersis: str = ""
    vkn: str = ""
    detsis: str = ""
    registry_no: str = ""
    registry_office: str = ""
    company_type: str = ""
    activity: str = ""
    province: str = ""
    postal_address: str = ""

    def to_json(self) -> str:
        """What `Application.legal` keeps."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "LegalPerson":
        """The value again; names this version does not know are left out."""
        given = json.loads(text)
        return cls(**{each.name: str(given.get(each.name) or "") for each in fields(cls)})


def legal_of(application: Application) -> LegalPerson | None:
    """The legal person of the application; None for a natural person's."""
    return LegalPerson.from_json(application.legal) if application.legal else None


def read_text(text: str, *, most: int, least: int = 0) -> str:
    """A line somebody wrote: NFC, one blank between words. `DetailRefused` for what is too short, too long or hidden.

    Controls, format signs (turns of direction, blanks without width), private and unassigned code points are refused
    and never dropped, because what is printed and signed must be what was typed (V-010, V-052).
    """
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if any(unicodedata.category(each) in _HIDDEN for each in line):
        raise DetailRefused("a sign nobody sees", why=HIDDEN_SIGN)
    if len(line) < least or (line and not any(each.isalnum() for each in line)):
        raise DetailRefused("too short", why=TOO_SHORT)
    if len(line) > most:
        raise DetailRefused("too long", why=TOO_LONG)
    return line


_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
HIDDEN_SIGN = gettext_noop("Yazıda görünmeyen bir işaret var. Metni yapıştırmak yerine elle yazın.")
TOO_SHORT = gettext_noop("Bu alan için yazılan çok kısa. Belgede yazdığı gibi, tam yazın.")
TOO_LONG = gettext_noop("Bu alan için yazılan çok uzun. Kısaltarak yazın.")
