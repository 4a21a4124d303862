"""The file name of a download, written so that no name can do harm and every Turkish name survives (V-054).

RFC 6266: an ASCII stand-in for old clients, and the true name in UTF-8 (RFC 8187) for all others. Controls, line
ends and path separators never reach the header; the name of a file is a stranger's text.
"""

import unicodedata
from urllib.parse import quote

_TURKISH = str.maketrans("çğıöşüÇĞİÖŞÜâîûÂÎÛ", "cgiosuCGIOSUaiuAIU")
_RFC8187_PLAIN = "!#$&+-.^_`|~"


def attachment_header(filename: str) -> str:
    """The value of `Content-Disposition` that makes a browser save `filename` and never show it.

    An empty or unusable name becomes `ek`. Never raises.
    """
    name = "".join(
        letter for letter in filename.replace("/", "_").replace("\\", "_") if unicodedata.category(letter)[0] != "C"
    ).strip(" .")
    name = name or "ek"
    plain = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in " -_.()") else "_"
        for letter in name.translate(_TURKISH)
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_RFC8187_PLAIN)}"
