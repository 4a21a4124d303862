"""Signatures that wait: what the pipeline finds when its clock starts.

Made ahead through the product's own verbs, as page and signer make them (`campaigns.senders`), and completed. A text is
4 KB of Turkish words drawn from the seed, so that no two messages are the same bytes.
"""

import functools
import json
import os
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from campaigns.senders import Sender, sender_of, senders_of, sign_message

from accounts.access import Acting, account_for
from accounts.models import KepAccount, Person
from accounts.persons import tckn_index
from accounts.visit import SIGN_IN_BY_SMS
from guards.clock import now as clock
from mailbox.reading import Reader
from signing import operations

from . import place

TEXT_BYTES = 4096
_WORDS = (
    "sözleşme ihtarname bildirim kira ödeme süresi tebliğ dilekçe başvuru karar belge imza tarafımıza ilgili "
    "madde uyarınca gereğini saygılarımızla arz ederiz yazımız ekinde sunulan evrak değerlendirme iade sayın"
)
WORDS = _WORDS.split()


@functools.cache
def people() -> tuple[dict[str, Any], ...]:
    """The demo's people as their file tells of them."""
    return tuple(json.loads(Path(os.environ[place.PEOPLE]).read_text())["people"])


@functools.cache
def cast() -> tuple[tuple[Sender, ...], tuple[str, ...]]:
    """Who writes, and the addresses that may be written to."""
    writers = tuple(senders_of(people()))
    addresses = sorted({address for each in people() for address in each["addresses"]})
    return writers, tuple(addresses)


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
    _send(sender_of(entries[sender]), entries[recipient]["addresses"][0], subject, text_of(chance))


def _send(sender: Sender, to: str, subject: str, text: str) -> None:
    signed = sign_message(sender, [to], subject=subject, text=text)
    operations.complete(signed.token, signed.signature, now=clock())


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
