"""A card and its signer for tests of e-imza: real certificates of the running demo PKI, real signatures."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import Person
from demo import pki
from demo.pki_profiles import Fault
from evidence import cades
from guards import clock
from signing import codes, operations
from signing.models import SigningOperation
from signing.requests import PURPOSES


@dataclass(frozen=True)
class Card:
    """One certificate and its key."""

    certificate: bytes
    serial: int
    key: Any = field(repr=False)

    def sign(self, octets: bytes) -> bytes:
        """What the card answers."""
        return bytes(self.key.sign(octets, ec.ECDSA(hashes.SHA256())))


def card_of(pki_directory: Path, tckn: str, *, faults: Collection[Fault] = (), name: str = "Ayşe Yıldız") -> Card:
    """A fresh card of the person with this number."""
    issued = pki.issue(pki_directory, "person", name=name, tckn=tckn, key="p256", faults=faults)
    return Card(issued.der, x509.load_der_x509_certificate(issued.der).serial_number, issued.key)


def newest() -> SigningOperation:
    """The request that was asked for last."""
    return SigningOperation.objects.filter(purpose__in=PURPOSES).latest("asked_at", "pk")


def claim(operation: SigningOperation | None = None) -> str:
    """The signer's token for it: what following the link gives."""
    code = (operation or newest()).code_shown
    assert code is not None, "no code is shown any more"
    return operations.claim(code, client="192.0.2.7", now=clock.now()).token


def sign(card: Card, operation: SigningOperation | None = None) -> str:
    """The whole way of an honest signer; what it takes back to the browser."""
    token = claim(operation)
    offered = operations.offer_certificate(token, card.certificate, [], now=clock.now())
    digest = hashlib.sha256(operations.document(token, now=clock.now())).digest()
    assert offered.signing_time is not None
    octets = cades.signed_attributes(card.certificate, digest, offered.signing_time)
    operations.complete(token, card.sign(octets), now=clock.now())
    return codes.return_token(token)


def begin(client: Client, tckn: str, **more: str) -> HttpResponse:
    """The number, as the form posts it."""
    return client.post(reverse("accounts:e_imza"), {"tckn": tckn, **more})


def finish(client: Client, returned: str, **more: str) -> HttpResponse:
    """The press of *Girişi bitir*."""
    return client.post(reverse("accounts:e_imza_finish"), {"isaret": returned, **more})


def sign_in_by_card(client: Client, person: Person, card: Card, **more: str) -> HttpResponse:
    """A whole sign-in by e-imza; the last answer."""
    assert begin(client, person.tckn, **more).status_code == 302
    return finish(client, sign(card))
