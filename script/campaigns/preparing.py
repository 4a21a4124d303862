"""Writes a stock of messages up to the last step: signed by their senders, one POST away from being acknowledged.

    preparing.py --data DIR --out FILE --count N --size BYTES --seed S

Run as a Django process of the deployment, before the storm. Each message goes through the product's own verbs: draft,
file, operation asked, code claimed, certificate offered, document fetched; the signature is made with the key in the
person's e-imza file, over the attributes as the desktop signer builds them. What is left is the completing POST,
which the client makes. The operations' ten minutes are pushed out so that they outlive the campaign; nothing else is
touched.
"""

import argparse
import base64
import hashlib
import json
import random
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

SENDERS = ("sender", "main_operator", "municipality_operator", "stranger")
BATCH = 10
"""Messages of one transaction; a moment passes after each, in which others may write too."""
PAUSE = 0.01
LIFE = timedelta(hours=11)
"""Below the twelve hours of a visit, in which the signature must come."""
FILES = 8


@dataclass(frozen=True)
class Sender:
    """A person with an open e-imza file and the account he sends for."""

    person: Any
    account: Any
    certificate: bytes
    key: rsa.RSAPrivateKey


def senders_of(people: list[dict[str, Any]]) -> list[Sender]:
    """The demo's people who may send."""
    from accounts.models import KepAccount, Person
    from accounts.persons import tckn_index

    found = []
    for entry in people:
        if entry["role"] not in SENDERS:
            continue
        key, certificate, _ = pkcs12.load_key_and_certificates(
            Path(entry["p12"]).read_bytes(), entry["p12_pin"].encode()
        )
        if not isinstance(key, rsa.RSAPrivateKey) or certificate is None:
            raise SystemExit(f"{entry['p12']} holds no RSA key with its certificate")
        person = Person.objects.get(tckn_index=tckn_index(entry["tckn"]))
        account = KepAccount.objects.get(address=entry["addresses"][0])
        found.append(Sender(person, account, certificate.public_bytes(Encoding.DER), key))
    return found


def prepare(sender: Sender, recipients: list[str], *, number: int, file: bytes) -> dict[str, Any]:
    """One message, prepared and signed; what the client needs of it."""
    from accounts.access import account_for
    from accounts.visit import SIGN_IN_BY_SMS, Visit
    from guards import clock
    from mailbox import compose
    from signer.attributes import signed_attributes
    from signing import operations

    now = clock.now()
    acting = account_for(sender.person, sender.account.public_id, now=now)
    draft = compose.new_draft(acting, now=now)
    compose.save_draft(
        draft, to=recipients[:1], cc=recipients[1:], subject=f"Deneme iletisi {number}", text="Ektedir.\n", now=now
    )
    compose.attach(draft, [compose.FileGiven(f"ek-{number}.bin", file)], now=now)
    asked = compose.ask_signature(draft, acting=acting, visit=Visit(now, now, SIGN_IN_BY_SMS), now=now)
    claimed = operations.claim(asked.code, client="127.0.0.1", now=now)
    offered = operations.offer_certificate(claimed.token, sender.certificate, [], now=now)
    digest = hashlib.sha256(operations.document(claimed.token, now=now)).digest()
    if offered.signing_time is None:
        raise SystemExit("the certificate was not taken")
    octets = signed_attributes(sender.certificate, digest, offered.signing_time)
    signature = sender.key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    return {
        "operation": str(asked.operation.pk),
        "token": claimed.token,
        "signature": base64.b64encode(signature).decode(),
        "recipients": recipients,
    }


def main() -> int:
    """Prepare this part of the stock."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    given = parser.parse_args()
    django.setup()
    from django.db import transaction

    from guards import clock
    from signing.models import SigningOperation

    chance = random.Random(given.seed)  # noqa: S311 - not a secret: a run must be repeatable
    people = json.loads((given.data / "demo.json").read_text())["people"]
    senders = senders_of(people)
    addresses = sorted({address for each in people for address in each["addresses"]})
    files = [chance.randbytes(given.size) for _ in range(FILES)]
    with given.out.open("w", encoding="utf-8") as out:
        for first in range(0, given.count, BATCH):
            with transaction.atomic():
                prepared = []
                for number in range(first, min(first + BATCH, given.count)):
                    sender = chance.choice(senders)
                    others = [each for each in addresses if each != sender.account.address]
                    recipients = chance.sample(others, chance.choice((1, 1, 1, 2)))
                    prepared.append(prepare(sender, recipients, number=number, file=chance.choice(files)))
                SigningOperation.objects.filter(pk__in=[each["operation"] for each in prepared]).update(
                    expires_at=clock.now() + LIFE
                )
            out.writelines(json.dumps(each) + "\n" for each in prepared)
            time.sleep(PAUSE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
