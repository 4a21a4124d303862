"""All the tokens of this machine as one: key files, folders of them, and PKCS#11 libraries.

A token that cannot be read does not hide the others; its reason is kept and shown beside them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from signer.errors import SignerError, TokenMissing
from signer.pin import Pin
from signer.token import Certificate, Token
from signer.token_card import Pkcs11Token
from signer.token_file import Pkcs12Token


class Wallet:
    """Shows the certificates of every token and signs with the one that holds the chosen certificate."""

    def __init__(self, *, tokens: Sequence[Token] = (), folders: Sequence[Path] = ()) -> None:
        self._tokens = tuple(tokens)
        self._folders = tuple(folders)
        self._files: dict[Path, Pkcs12Token] = {}
        self._holders: dict[str, Token] = {}

    def certificates(self, *, now: datetime) -> tuple[tuple[Certificate, ...], tuple[SignerError, ...]]:
        """Every visible certificate once, usable ones first, and why some tokens could not be read."""
        found: dict[str, Certificate] = {}
        holders: dict[str, Token] = {}
        problems: list[SignerError] = []
        for token in self._all():
            try:
                for certificate in token.certificates(now=now):
                    found.setdefault(certificate.id, certificate)
                    holders.setdefault(certificate.id, token)
            except SignerError as error:
                problems.append(error)
        self._holders = holders
        ordered = sorted(found.values(), key=lambda each: (bool(each.unusable), each.owner, each.id))
        return tuple(ordered), tuple(problems)

    def sign(self, certificate_id: str, octets: Sequence[bytes], pin: Pin | None) -> list[bytes]:
        """See `Token.sign`. Refuses with `TokenMissing` a certificate that was never shown."""
        holder = self._holders.get(certificate_id)
        if holder is None:
            raise TokenMissing("no token holds the chosen certificate")
        return holder.sign(certificate_id, octets, pin)

    def _all(self) -> Iterable[Token]:
        yield from self._tokens
        for folder in self._folders:
            for path in sorted(folder.glob("*.p12")):
                # one object per file for as long as the program runs: it counts the wrong PINs
                yield self._files.setdefault(path, Pkcs12Token(path))


def open_wallet(*, files: Iterable[Path], folders: Iterable[Path], modules: Iterable[Path]) -> Wallet:
    """Cards first, then named key files, then folders. Nothing is opened yet."""
    cards: list[Token] = [Pkcs11Token(module) for module in modules]
    return Wallet(tokens=[*cards, *(Pkcs12Token(path) for path in files)], folders=tuple(folders))
