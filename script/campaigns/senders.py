"""The demo's people who send, with their e-imza files, and their way from a new draft to the signature in hand.

Each message goes through the product's own verbs, as page and signing program call them: draft, file, operation asked,
code claimed, certificate offered, document fetched. The signature is made with the key in the person's e-imza file,
over the attributes as the desktop signer builds them. What is left is the completing POST. Django must be set up.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from accounts.access import account_for
from accounts.models import KepAccount, Person
from accounts.persons import tckn_index
from accounts.visit import SIGN_IN_BY_SMS, Visit
from guards.clock import now as clock
from mailbox import compose
from signer.attributes import signed_attributes
from signing import operations

SENDERS = ("sender", "main_operator", "municipality_operator", "stranger")
"""Roles of the demo's people who may sign for an account."""


@dataclass(frozen=True)
class Sender:
    """A person with an open e-imza file and the account he sends for."""

    person: Person
    account: KepAccount
    certificate: bytes
    key: rsa.RSAPrivateKey = field(repr=False)


@dataclass(frozen=True)
class Signed:
    """A signature one post away from being acknowledged."""

    operation: UUID
    token: str = field(repr=False)
    signature: bytes


def sender_of(entry: Mapping[str, Any]) -> Sender:
    """The person of one entry of `demo.json`. RuntimeError when the e-imza file is not what the demo makes."""
    key, certificate, _ = pkcs12.load_key_and_certificates(Path(entry["p12"]).read_bytes(), entry["p12_pin"].encode())
    if not isinstance(key, rsa.RSAPrivateKey) or certificate is None:
        raise RuntimeError(f"{entry['p12']} holds no RSA key with its certificate")
    person = Person.objects.get(tckn_index=tckn_index(entry["tckn"]))
    account = KepAccount.objects.select_related("holder").get(address=entry["addresses"][0])
    return Sender(person, account, certificate.public_bytes(Encoding.DER), key)


def senders_of(people: Sequence[Mapping[str, Any]]) -> list[Sender]:
    """Those of the demo's people who may send."""
    return [sender_of(each) for each in people if each["role"] in SENDERS]


def sign_message(
    sender: Sender, to: Sequence[str], *, subject: str, text: str, files: Sequence[compose.FileGiven] = ()
) -> Signed:
    """Write one message, the first recipient in To and the others in Cc, and sign it."""
    now = clock()
    acting = account_for(sender.person, sender.account.public_id, now=now)
    draft = compose.new_draft(acting, now=now)
    compose.save_draft(draft, to=to[:1], cc=to[1:], subject=subject, text=text, now=now)
    if files:
        compose.attach(draft, files, now=now)
    asked = compose.ask_signature(draft, acting=acting, visit=Visit(now, now, SIGN_IN_BY_SMS), now=now)
    claimed = operations.claim(asked.code, client="127.0.0.1", now=now)
    offered = operations.offer_certificate(claimed.token, sender.certificate, [], now=now)
    if offered.signing_time is None:
        raise RuntimeError("an offered operation has its signing time")
    digest = hashlib.sha256(operations.document(claimed.token, now=now)).digest()
    octets = signed_attributes(sender.certificate, digest, offered.signing_time)
    return Signed(asked.operation.pk, claimed.token, sender.key.sign(octets, padding.PKCS1v15(), hashes.SHA256()))
