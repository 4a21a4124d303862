"""Turkish letters: lower and upper case, and the fold to bare ASCII. No Django here.

Python's own case mappings know no Turkish: `'İ'.lower()` is two code points and `'I'.lower()` is `i` (I-015). What is
folded here is a *key* for search or a *proposal* of an address. Identifiers that somebody types are never folded:
folding at the door would make `ışıl` and `işil` one account (I-017).
"""

import unicodedata
from typing import Final

_BASE_LETTERS: Final = str.maketrans("çğıöşüÇĞİIÖŞÜâîûÂÎÛ", "cgiosucgiiosuaiuaiu")
_ASCII_LOWER: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_WITHOUT_DECOMPOSITION: Final = str.maketrans(
    {
        "ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l",
        "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "þ": "th", "Þ": "th", "ə": "e", "Ə": "e", "ħ": "h", "Ħ": "h",
    }
)  # fmt: skip
"""Latin letters of foreigners' names that no normal form takes apart."""


def turkish_lower(text: str) -> str:
    """Lower case as Turkish writes it: İ to i, I to ı (I-016). Composed on the way, so that both forms of İ agree."""
    return unicodedata.normalize("NFC", text).replace("İ", "i").replace("I", "ı").lower()


def turkish_upper(text: str) -> str:
    """Upper case as Turkish writes it: i to İ, ı to I (I-016)."""
    return unicodedata.normalize("NFC", text).replace("i", "İ").replace("ı", "I").upper()


def fold_name(text: str) -> str:
    """The search key of a name or title (I-018): letters and digits only, Turkish letters as their base letters.

    `IŞIK`, `ışık` and `isik` come to the same key, composed or decomposed. Never used to compare identifiers.
    """
    composed = unicodedata.normalize("NFC", text).translate(_BASE_LETTERS)
    bare = (char for char in unicodedata.normalize("NFKD", composed) if not unicodedata.combining(char))
    return "".join(char for char in bare if char.isalnum()).translate(_ASCII_LOWER)


def fold_words(text: str) -> tuple[str, ...]:
    """The words of a name as an address could write them: ASCII letters and digits, in order (I-019).

    Hyphens, dots, apostrophes and blanks part words. A letter of another script has no ASCII form and is left out, so
    a name wholly in another script has no words.
    """
    composed = unicodedata.normalize("NFC", text).translate(_WITHOUT_DECOMPOSITION)
    parted = "".join(char if char.isalnum() or unicodedata.combining(char) else " " for char in composed)
    folded = ("".join(char for char in fold_name(word) if char.isascii()) for word in parted.split())
    return tuple(word for word in folded if word)
