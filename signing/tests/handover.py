"""One hand-over, step by step, for tests: the asking side, the signer's side, and what rang."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from django.db import connections, transaction

from evidence import cades
from signing import operations
from signing.errors import SigningError
from signing.models import SigningOperation

NOW = datetime.now(UTC).replace(microsecond=0)  # certificates of the demo PKI begin at this day
OWNER = uuid5(UUID(int=0), "ayse")
OWNER_TCKN, OTHER_TCKN = "10000000146", "12345678950"
CONTENT = b"From: ayse@hs01.kep.tr\r\n\r\nimzalanacak\r\n"

rung: list[bool] = []
"""One entry per bell: whether a transaction was open when it rang."""


def ring() -> None:
    """The bell of the tests (KEP_SIGNED_BELL)."""
    rung.append(transaction.get_connection().in_atomic_block)


@dataclass(frozen=True)
class Holder:
    """A certificate and the key behind it: what a card holds."""

    certificate: bytes
    key: Any = field(repr=False)

    def sign(self, octets: bytes) -> bytes:
        """What a card answers."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        return bytes(self.key.sign(octets, ec.ECDSA(hashes.SHA256())))

    def sign_operation(self, operation: SigningOperation, *, content: bytes = CONTENT) -> bytes:
        """The signature over what an honest signer would build for `operation`."""
        assert operation.signing_time is not None
        digest = hashlib.sha256(content).digest()
        return self.sign(cades.signed_attributes(self.certificate, digest, operation.signing_time))


def asked(*, content: bytes = CONTENT, reference: str = "taslak1", now: datetime = NOW) -> operations.Asked:
    """An operation of the owner, as the mailbox asks for it."""
    return operations.ask(
        purpose="message",
        person=OWNER,
        tckn=OWNER_TCKN,
        acting_for="Ayşe Yıldız <ayse@hs01.kep.tr>",
        reference=reference,
        reference_version="1",
        content=content,
        content_type="multipart/mixed",
        now=now,
    )


def claimed(*, now: datetime = NOW) -> operations.Claimed:
    """The same, claimed by a signer."""
    return operations.claim(asked(now=now).code, client="192.0.2.1", now=now)


def offered(holder: Holder, *, now: datetime = NOW) -> tuple[str, SigningOperation]:
    """The same, with the certificate offered: the token and the operation."""
    token = claimed(now=now).token
    return token, operations.offer_certificate(token, holder.certificate, [], now=now)


def signed(holder: Holder, *, now: datetime = NOW) -> tuple[str, SigningOperation]:
    """The same, signed."""
    token, operation = offered(holder, now=now)
    return token, operations.complete(token, holder.sign_operation(operation), now=now)


def state_of(operation: SigningOperation) -> str:
    """The state as it stands in the database."""
    return str(SigningOperation.objects.values_list("state", flat=True).get(pk=operation.pk))


def later(**span: float) -> datetime:
    """NOW plus a span."""
    return NOW + timedelta(**span)


def in_parallel(count: int, act: Callable[[int], object]) -> list[object]:
    """Run `act` in threads that start together; a refusal is an outcome too."""
    outcomes: list[object] = [None] * count
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait(10)
        try:
            outcomes[number] = act(number)
        except SigningError as refusal:
            outcomes[number] = refusal
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes
