"""Looking into the directory: what an address resolves to, and how names are folded for search.

`resolve` answers the one question asked before signing (K-071): can this address take a message, and whose is it?
Ours and in use: yes, listed or not. Ours and unknown, closed or not yet activated: no, with one text for all three,
so that the answer tells nobody's state (design.md 1.1.4, V-098). Another provider's: the directory of providers
will be asked once relaying is open; today it is refused with a text of its own. Outside the closed circuit: no.

The name of a natural person is shown only with his consent (K-063): an unlisted person's address resolves, his
name stays empty. Only somebody who acts for an account can ask (K-068): `asker` is that account.
"""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.errors import AddressRefused
from accounts.folding import fold_name
from accounts.identity import KepAddress, read_address
from accounts.models import AccountHolder, KepAccount

from .errors import AddressCannotReceive, NoSuchProvider, NotKep, ProviderNotOpen, UnknownHere, WrittenTwice
from .providers import provider_of

__all__ = ["Resolved", "Standing", "fold_name", "resolve", "resolve_each"]

_REACHABLE = (KepAccount.State.ACTIVE, KepAccount.State.SUSPENDED)
"""Delivery goes on while an account is suspended (K-031)."""


class Standing(enum.Enum):
    """Where an address stands for this provider."""

    OURS = "ours"
    OTHER_PROVIDER = "other_provider"
    REFUSED = "refused"


@dataclass(frozen=True)
class Resolved:
    """What one address came to. `refusal` is None exactly when a message may be sent there today."""

    address: str
    """Canonical; as it was written where it has no canonical form."""
    state: Standing
    account: KepAccount | None = None
    name: str = ""
    provider: str = ""
    refusal: AddressCannotReceive | None = None

    @property
    def code(self) -> str:
        """The refusal's code, or nothing."""
        return self.refusal.code if self.refusal else ""


def resolve(addresses: Sequence[str], *, asker: KepAccount, now: datetime) -> tuple[Resolved, ...]:
    """One answer per address, in order; one query for any number of addresses.

    The second time an address is written, in whatever capitals, it is `WrittenTwice`. A suspended account is
    reachable; `now` is the moment asked about.
    """
    return resolve_each([(addresses, asker)], now=now)[0]


def resolve_each(questions: Sequence[tuple[Sequence[str], KepAccount]], *, now: datetime) -> list[tuple[Resolved, ...]]:
    """`resolve` for the addresses of many messages, each with its asker: one query for any number of them."""
    read = [[_read(text) for text in addresses] for addresses, _ in questions]
    ours = {str(each) for some in read for each in some if each is not None and provider_of(each).is_ours}
    found = {
        account.address: account
        for account in KepAccount.objects.filter(
            address__in=ours, state__in=_REACHABLE, activated_at__lte=now
        ).select_related("holder")
    }
    return [tuple(_answers(addresses, some, found)) for (addresses, _), some in zip(questions, read, strict=True)]


def _read(text: str) -> KepAddress | None:
    try:
        return read_address(text)
    except AddressRefused:
        return None


def _answers(
    written: Sequence[str], read: Sequence[KepAddress | None], found: dict[str, KepAccount]
) -> Iterator[Resolved]:
    seen: set[str] = set()
    for text, address in zip(written, read, strict=True):
        if address is None:
            yield Resolved(text, Standing.REFUSED, refusal=NotKep("outside the closed circuit", address=text))
        elif str(address) in seen:
            refusal = WrittenTwice("address written twice", address=str(address))
            yield Resolved(str(address), Standing.REFUSED, provider=address.provider, refusal=refusal)
        else:
            seen.add(str(address))
            yield _answer(address, found.get(str(address)))


def _answer(address: KepAddress, account: KepAccount | None) -> Resolved:
    text, provider = str(address), provider_of(address)
    facts = {"address": text, "provider": provider.code}
    if not provider.is_known:
        refusal: AddressCannotReceive = NoSuchProvider("provider not on the list", **facts)
    elif not provider.is_ours:
        closed = ProviderNotOpen("relaying is not open yet", **facts)
        return Resolved(text, Standing.OTHER_PROVIDER, provider=provider.code, refusal=closed)
    elif account is None:
        refusal = UnknownHere("no reachable account", **facts)
    else:
        return Resolved(text, Standing.OURS, account, _name_shown(account), provider.code)
    return Resolved(text, Standing.REFUSED, provider=provider.code, refusal=refusal)


def _name_shown(account: KepAccount) -> str:
    is_natural = account.holder.kind == AccountHolder.Kind.NATURAL
    return account.holder.name if account.listed or not is_natural else ""
