"""Codes of the hand-over: what the person carries from the page to the signer, and what both compare (S-017, S-019).

The operation code has thirteen characters of an alphabet without look-alikes (2-9 and A-Z without I and O, 32
signs), which is 65 random bits; it works once and is stored only as a keyed hash. The comparison code has eight
and proves nothing by itself: it lets a person see that page and program speak of the same thing. The token is
what the signer holds after it has claimed the code, 256 bits, stored the same way.

A link code opens what may only be opened by a link (`requests`): twenty signs, a hundred bits, never shown and never
typed. The return token is what the signer brings back to the browser that asked, once it has posted a signature; it
follows from the signer's token by a keyed hash, so that a post that is repeated is answered with the same one.
"""

import secrets

from evidence.fieldcrypt import index_of

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_LENGTH = 13
LINK_LENGTH = 20
COMPARISON_LENGTH = 8


def new_code() -> str:
    """A fresh operation code, without dashes."""
    return _random(CODE_LENGTH)


def new_link_code() -> str:
    """A fresh code for a link alone."""
    return _random(LINK_LENGTH)


def is_link_code(code: str | None) -> bool:
    """Whether this canonical code is one of a link."""
    return code is not None and len(code) == LINK_LENGTH


def new_comparison() -> str:
    """A fresh comparison code, without its dash."""
    return _random(COMPARISON_LENGTH)


def new_token() -> str:
    """What the signer shows from the claim on."""
    return secrets.token_urlsafe(32)


def canonical_code(typed: str) -> str | None:
    """The code as it was meant: blanks and dashes out, ASCII upper case; None for anything that is no code."""
    if len(typed) > 40 or not typed.isascii():
        return None
    code = typed.replace("-", "").replace(" ", "").upper()
    return code if len(code) in (CODE_LENGTH, LINK_LENGTH) and all(sign in ALPHABET for sign in code) else None


def code_hmac(code: str) -> str:
    """The stored form of a code."""
    return index_of(code, "signing.code")


def token_hmac(token: str) -> str:
    """The stored form of a token."""
    return index_of(token, "signing.token")


def return_token(token: str) -> str:
    """What whoever holds `token` takes back to the browser: 64 hexadecimal digits that only we can make of it."""
    return index_of(token, "signing.return")


def return_hmac(returned: str) -> str:
    """The stored form of a return token."""
    return index_of(returned, "signing.returned")


def client_mark(address: str) -> str:
    """A keyed hash of a client's network address, for counting wrong codes without keeping the address."""
    return index_of(address, "signing.client")


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
