"""Which provider an address belongs to: by the `hsNN` of its domain, from one configured list (I-024, K-008)."""

from dataclasses import dataclass

from django.conf import settings

from accounts.identity import KepAddress


@dataclass(frozen=True)
class Provider:
    """A provider of the closed circuit by its code, `hs01`."""

    code: str
    is_known: bool
    is_ours: bool


def provider_of(address: KepAddress) -> Provider:
    """The provider in whose domain the address lies; unknown codes are told apart, not refused."""
    code = address.provider
    return Provider(code, is_known=code in settings.KEP_KNOWN_PROVIDERS, is_ours=code == settings.KEP_PROVIDER_CODE)
