"""Identifiers and their one canonical form: T.C. kimlik no, VKN, MERSİS, DETSİS, phone, KEP address. No Django here.

Each `read_` function takes what somebody typed and returns the only form the product stores, compares and
hashes, or refuses. Nothing is folded on the way: a digit or letter of another script, a full-width form, the
kelvin sign or the dotless ı are refused, because two roads to one account are an attack (V-009, V-010, I-017).
What may vary is what people vary: capital letters of an address, blanks and the prefix of a phone number, the blanks
and hyphens of a MERSİS number.

The check digits of a T.C. kimlik no prove form only: whether the person exists is the population service's
word (I-004). 16000000018 and 61000000018 both pass: a swap of neighbours that differ by five goes unseen (I-002).
"""

import enum
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from guards.mime_addresses import is_kep_address
from guards.spoken import gettext_noop

from .errors import AddressRefused, PhoneRefused, TcknRefused
from .identity_errors import IdentifierRefused, NameRefused

_TCKN: Final = re.compile(r"[1-9][0-9]{10}", re.ASCII)
_MOBILE: Final = re.compile(r"(?:\+?90|0)?(5[0-9]{9})", re.ASCII)
_FOREIGNER_PREFIX: Final = "99"
_VKN: Final = re.compile(r"[0-9]{10}", re.ASCII)
_MERSIS: Final = re.compile(r"[0-9]{16}", re.ASCII)
_DETSIS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_REGISTRY: Final = re.compile(r"[0-9](?:[0-9 /-]{0,18}[0-9])?", re.ASCII)
_UETS: Final = re.compile(r"[0-9]{15}", re.ASCII)
_MOST_NAME_LETTERS: Final = 80
_NAME_SIGNS: Final = frozenset(" -'’.")

WRONG_VKN: Final = gettext_noop("Vergi kimlik numarası 10 rakamdır. Yazımını denetleyin; boşluk ve harf kullanmayın.")
WRONG_MERSIS: Final = gettext_noop("MERSİS numarası 16 rakamdır. Ticaret sicil belgesindeki numarayı yazın.")
WRONG_DETSIS: Final = gettext_noop("DETSİS numarası en çok 12 rakamdır. Kurumunuzun DETSİS kaydındaki numarayı yazın.")
WRONG_REGISTRY: Final = gettext_noop("Ticaret sicil no en çok 20 işarettir: rakam, boşluk, kısa çizgi ve bölü.")
WRONG_UETS: Final = gettext_noop("UETS adresi 15 rakamdır. Adresi 5-5-5 biçiminde yazın.")


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


def is_vkn(text: str) -> bool:
    """Whether `text` is a tax number of a legal person by form: ten ASCII digits with a right check digit (I-007)."""
    if _VKN.fullmatch(text) is None:
        return False
    total = 0
    for place, digit in enumerate(text[:9], start=1):
        shifted = (int(digit) + 10 - place) % 10
        total += 9 if shifted == 9 else shifted * 2 ** (10 - place) % 9
    return int(text[9]) == -total % 10


def read_vkn(text: str) -> str:
    """The ten digits; `IdentifierRefused` otherwise. Nothing is stripped."""
    if not is_vkn(text):
        raise IdentifierRefused("not a tax number by form", why=WRONG_VKN)
    return text


def read_tax_number(text: str) -> str:
    """A VKN, or the identity number that has been a natural person's tax number since 2006: told by length (I-008)."""
    return read_tckn(text) if len(text) == 11 else read_vkn(text)


def read_mersis(text: str) -> str:
    """The sixteen digits; blanks and hyphens between them are dropped (I-009). `IdentifierRefused` otherwise."""
    digits = _without_gaps(text)
    if _MERSIS.fullmatch(digits) is None:
        raise IdentifierRefused("not a MERSİS number by form", why=WRONG_MERSIS)
    return digits


def shown_mersis(mersis: str) -> str:
    """The number in groups of four, as papers write it (I-009)."""
    return "-".join(mersis[at : at + 4] for at in range(0, 16, 4))


def mersis_fits(mersis: str) -> bool:
    """Whether the number has the usual build: 0 and a VKN, or a trader's TCKN, then five digits (I-010).

    A soft check: where it fails the clerk is warned, and nothing is refused.
    """
    return (mersis[0] == "0" and is_vkn(mersis[1:11])) or is_tckn(mersis[:11])


def mersis_holds_tckn(mersis: str) -> bool:
    """Whether the number is a natural trader's, built on his identity number (I-010)."""
    return is_tckn(mersis[:11])


def read_detsis(text: str) -> str:
    """One to twelve digits, kept as text (I-012). `IdentifierRefused` otherwise."""
    if _DETSIS.fullmatch(text) is None:
        raise IdentifierRefused("not a DETSİS number by form", why=WRONG_DETSIS)
    return text


def detsis_fits(detsis: str) -> bool:
    """Whether the number has the eight digits observed so far; another length is worth a warning (I-012)."""
    return len(detsis) == 8


def read_registry_no(text: str) -> str:
    """A ticaret sicil no: digits, hyphens, slashes and single blanks, at most 20 signs (I-011).

    Unique only together with its office. `IdentifierRefused` otherwise.
    """
    if _REGISTRY.fullmatch(text) is None or "  " in text:
        raise IdentifierRefused("not a trade registry number by form", why=WRONG_REGISTRY)
    return text


def read_uets(text: str) -> str:
    """The fifteen digits of a UETS address, written with or without its hyphens (I-013)."""
    digits = _without_gaps(text)
    if _UETS.fullmatch(digits) is None:
        raise IdentifierRefused("not a UETS address by form", why=WRONG_UETS)
    return digits


def _without_gaps(text: str) -> str:
    """Without the blanks and hyphens people put between groups of digits; at the ends they are no gaps."""
    return text if text != text.strip() or not text.isascii() else text.replace(" ", "").replace("-", "")


class CompanyType(enum.StrEnum):
    """What kind of legal person it is in law; it decides who must be served electronically (K-009, T-006)."""

    ANONIM = "anonim"
    LIMITED = "limited"
    SHARE_KOMANDIT = "payli_komandit"  # sermayesi paylara bölünmüş
    KOMANDIT = "komandit"
    KOLLEKTIF = "kollektif"
    KOOPERATIF = "kooperatif"
    DERNEK = "dernek"
    VAKIF = "vakif"
    SENDIKA = "sendika"
    OTHER = "diger"

    @property
    def label(self) -> str:
        """What it is called on screens and papers; Turkish, translated where it is shown."""
        return COMPANY_TITLES[self]

    def must_be_served(self, regime: str) -> bool:
        """Whether the law binds it to electronic service under `kep_2013` or `uets_2018` (T, 1.1; T-006 group 7).

        ValueError for a regime this version does not know.
        """
        if regime == "uets_2018":
            return True  # every private legal person
        if regime == "kep_2013":
            return self in (CompanyType.ANONIM, CompanyType.LIMITED, CompanyType.SHARE_KOMANDIT)
        raise ValueError(f"unknown regime: {regime}")


COMPANY_TITLES: Final = {
    CompanyType.ANONIM: gettext_noop("Anonim şirket"),
    CompanyType.LIMITED: gettext_noop("Limited şirket"),
    CompanyType.SHARE_KOMANDIT: gettext_noop("Sermayesi paylara bölünmüş komandit şirket"),
    CompanyType.KOMANDIT: gettext_noop("Komandit şirket"),
    CompanyType.KOLLEKTIF: gettext_noop("Kollektif şirket"),
    CompanyType.KOOPERATIF: gettext_noop("Kooperatif"),
    CompanyType.DERNEK: gettext_noop("Dernek"),
    CompanyType.VAKIF: gettext_noop("Vakıf"),
    CompanyType.SENDIKA: gettext_noop("Sendika"),
    CompanyType.OTHER: gettext_noop("Diğer"),
}


def read_name(text: str) -> str:
    """A given name or surname: NFC, one blank between words; `NameRefused` otherwise.

    Latin letters only, with blanks, hyphens, dots and apostrophes between them: a Cyrillic а in a Turkish name would
    show one name and be another (V-010). Upper and lower case stay as they were written (I-015).
    """
    name = unicodedata.normalize("NFC", " ".join(text.split(" "))).strip(" ")
    name = re.sub(" +", " ", name)
    if not name or len(name) > _MOST_NAME_LETTERS or not name[0].isalpha():
        raise NameRefused("no name")
    if not all(char in _NAME_SIGNS or _is_latin(char) for char in name):
        raise NameRefused("not the letters of a name")
    return name


def _is_latin(char: str) -> bool:
    """A whole letter of the Latin script: no modifier letter, no full-width form, no lone combining mark."""
    return (
        unicodedata.category(char) in ("Lu", "Ll")
        and unicodedata.name(char, "").startswith("LATIN ")
        and unicodedata.normalize("NFKC", char) == char
    )


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
