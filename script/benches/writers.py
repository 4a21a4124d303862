"""Signatures that wait: what the pipeline finds when its clock starts.

Made ahead through the product's own verbs, as page and signer make them: draft, ask, claim, offer, complete. The
senders are people of the demo with their own e-imza files. A text is 4 KB of Turkish words drawn from the seed, so that
no two messages are the same bytes.
"""

import functools
import hashlib
import json
import os
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from accounts.access import Acting, account_for
from accounts.models import KepAccount, Person
from accounts.persons import tckn_index
from accounts.visit import SIGN_IN_BY_SMS, Visit
from evidence import cades
from guards.clock import now as clock
from mailbox import compose
from mailbox.reading import Reader
from signing import operations

from . import place

SENDERS = ("sender", "stranger", "main_operator", "municipality_operator")
"""Roles of the demo's people who may sign for an account."""
TEXT_BYTES = 4096
_WORDS = (
    "sözleşme ihtarname bildirim kira ödeme süresi tebliğ dilekçe başvuru karar belge imza tarafımıza ilgili "
    "madde uyarınca gereğini saygılarımızla arz ederiz yazımız ekinde sunulan evrak değerlendirme iade sayın"
)
WORDS = _WORDS.split()


@dataclass(frozen=True)
class Writer:
    """Somebody who signs: person, account, e-imza."""

    person: Person
    account: KepAccount
    certificate: bytes
    key: rsa.RSAPrivateKey


@functools.cache
def people() -> tuple[dict[str, Any], ...]:
    """The demo's people as their file tells of them."""
    return tuple(json.loads(Path(os.environ[place.PEOPLE]).read_text())["people"])


@functools.cache
def cast() -> tuple[tuple[Writer, ...], tuple[str, ...]]:
    """Who writes, and the addresses that may be written to."""
    writers = tuple(_writer(each) for each in people() if each["role"] in SENDERS)
    addresses = sorted({address for each in people() for address in each["addresses"]})
    return writers, tuple(addresses)


def _writer(entry: dict[str, Any]) -> Writer:
    key, certificate, _ = pkcs12.load_key_and_certificates(Path(entry["p12"]).read_bytes(), entry["p12_pin"].encode())
    if certificate is None or not isinstance(key, rsa.RSAPrivateKey):
        raise RuntimeError("the demo's e-imza files hold an RSA key with its certificate")
    return Writer(
        Person.objects.get(tckn_index=tckn_index(entry["tckn"])),
        KepAccount.objects.select_related("holder").get(address=entry["addresses"][0]),
        certificate.public_bytes(Encoding.DER),
        key,
    )


def text_of(chance: random.Random, size: int = TEXT_BYTES) -> str:
    """`size` bytes of words in lines."""
    text = ""
    while len(text.encode()) < size:
        text += " ".join(chance.choices(WORDS, k=11)) + "\n"
    return text.encode()[:size].decode(errors="ignore")


def make_signed(number: int, *, seed: int) -> None:
    """So many operations at SIGNED."""
    chance = random.Random(seed)  # noqa: S311 - not a secret: a run must be repeatable
    writers, addresses = cast()
    for position in range(number):
        writer = writers[position % len(writers)]
        to = chance.choice([each for each in addresses if each != writer.account.address])
        _send(writer, to, f"Ölçüm {seed}-{position}", text_of(chance))


def make_one(sender: str, recipient: str, *, subject: str) -> None:
    """One operation at SIGNED, from one role of the demo to another."""
    entries = {each["role"]: each for each in people()}
    chance = random.Random(subject)  # noqa: S311 - as above
    _send(_writer(entries[sender]), entries[recipient]["addresses"][0], subject, text_of(chance))


def _send(writer: Writer, to: str, subject: str, text: str) -> None:
    now = clock()
    acting = account_for(writer.person, writer.account.public_id, now=now)
    draft = compose.new_draft(acting, now=now)
    compose.save_draft(draft, to=[to], cc=[], subject=subject, text=text, now=now)
    asked = compose.ask_signature(draft, acting=acting, visit=_visit(now), now=now)
    claimed = operations.claim(asked.code, client="127.0.0.1", now=now)
    offered = operations.offer_certificate(claimed.token, writer.certificate, [], now=now)
    if offered.signing_time is None:
        raise RuntimeError("an offered operation has its signing time")
    content = operations.document(claimed.token, now=now)
    octets = cades.signed_attributes(writer.certificate, hashlib.sha256(content).digest(), offered.signing_time)
    signature = writer.key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    operations.complete(claimed.token, signature, now=clock())


def _visit(now: datetime) -> Visit:
    opened = now - timedelta(minutes=1)
    return Visit(opened, opened, SIGN_IN_BY_SMS)


def acting_for_account(account: KepAccount, *, now: datetime) -> Acting:
    """Somebody of the demo who may read this account's box."""
    for entry in people():
        if account.address in entry["addresses"]:
            person = Person.objects.get(tckn_index=tckn_index(entry["tckn"]))
            return account_for(person, account.public_id, now=now)
    raise LookupError(f"nobody reads {account.address}")


def reader_of(account: KepAccount, *, now: datetime) -> Reader:
    """That somebody, signed in a minute ago, as who opens what lies in the box."""
    return Reader(acting_for_account(account, now=now), now - timedelta(minutes=1), SIGN_IN_BY_SMS)
