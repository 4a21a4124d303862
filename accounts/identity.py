"""Identifiers and their one canonical form: T.C. kimlik no, mobile number, KEP address. No Django here.

Each `read_` function takes what somebody typed and returns the only form the product stores, compares and
hashes, or refuses. Nothing is folded on the way: a digit or letter of another script, a full-width form, the
kelvin sign or the dotless ı are refused, because two roads to one account are an attack (V-009, V-010, I-017).
What may vary is what people vary: capital letters of an address, blanks and the prefix of a phone number.

The check digits of a T.C. kimlik no prove form only: whether the person exists is the population service's
word (I-004). 16000000018 and 61000000018 both pass: a swap of neighbours that differ by five goes unseen (I-002).
"""

import re
from dataclasses import dataclass
from typing import Final

from guards.mime_addresses import is_kep_address

from .errors import AddressRefused, PhoneRefused, TcknRefused

_TCKN: Final = re.compile(r"[1-9][0-9]{10}", re.ASCII)
_MOBILE: Final = re.compile(r"(?:\+?90|0)?(5[0-9]{9})", re.ASCII)
_FOREIGNER_PREFIX: Final = "99"


def check_digits(first_nine: str) -> str:
    """The tenth and eleventh digit that belong to the first nine (I-001). ValueError for anything but nine digits."""
    if not (len(first_nine) == 9 and first_nine.isascii() and first_nine.isdigit()):
        raise ValueError("nine ASCII digits are needed")
    digits = [int(digit) for digit in first_nine]
    tenth = (7 * sum(digits[0::2]) - sum(digits[1::2])) % 10
    return f"{tenth}{(sum(digits) + tenth) % 10}"


def is_tckn(text: str) -> bool:
    """Whether `text` is a T.C. kimlik no or a foreigner's number by form (I-001, I-003, I-005)."""
    return _TCKN.fullmatch(text) is not None and text[9:] == check_digits(text[:9])


def read_tckn(text: str) -> str:
    """The eleven digits; `TcknRefused` otherwise. Nothing is stripped and no digit of another script is taken."""
    if not is_tckn(text):
        raise TcknRefused("not an identity number by form")
    return text


def is_foreigner_number(tckn: str) -> bool:
    """Whether a valid number is a foreigner's identity number (I-005)."""
    return tckn.startswith(_FOREIGNER_PREFIX)


def mask_tckn(tckn: str) -> str:
    """First two and last two digits, the rest as stars, for screens (I-006)."""
    return f"{tckn[:2]}{'*' * 7}{tckn[-2:]}"


def read_mobile(text: str) -> str:
    """`+905XXXXXXXXX` of a Turkish mobile number, with blanks and hyphens allowed; `PhoneRefused` otherwise (I-014)."""
    found = _MOBILE.fullmatch(text.replace(" ", "").replace("-", ""))
    if found is None:
        raise PhoneRefused("not a Turkish mobile number")
    return f"+90{found[1]}"


@dataclass(frozen=True, slots=True)
class KepAddress:
    """An address in canonical form. `str()` gives the whole; `provider` is its `hsNN`, `entity` may be empty."""

    local: str
    entity: str
    provider: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def domain(self) -> str:
        """The part after the at sign: `hs01.kep.tr` or `kurum.hs01.kep.tr` (K-041, K-042)."""
        labels = (self.entity, self.provider) if self.entity else (self.provider,)
        return ".".join((*labels, "kep", "tr"))


def read_address(text: str) -> KepAddress:
    """The address in ASCII lower case (K-045, K-048), by the one grammar mail is read with (V-067, V-074).

    `AddressRefused` for anything else: ordinary mail (K-004), letters outside ASCII, display names, blanks.
    """
    canonical = text.lower() if text.isascii() else ""
    if not is_kep_address(canonical):
        raise AddressRefused("not a KEP address by form")
    local, _, domain = canonical.partition("@")
    entity, _, provider = domain.removesuffix(".kep.tr").rpartition(".")
    return KepAddress(local, entity, provider)
