"""Writes a stock of messages up to the last step: signed by their senders, one POST away from being acknowledged.

    preparing.py --data DIR --out FILE --count N --size BYTES --seed S

Run as a Django process of the deployment, before the storm. Each message goes through the product's own verbs (see
`campaigns.senders`); the completing POST is the client's. The operations' ten minutes are pushed out so that they
outlive the campaign; nothing else is touched.
"""

import argparse
import base64
import json
import random
import sys
import time
from datetime import timedelta
from pathlib import Path

import django

BATCH = 10
"""Messages of one transaction; a moment passes after each, in which others may write too."""
PAUSE = 0.01
LIFE = timedelta(hours=11)
"""Below the twelve hours of a visit, in which the signature must come."""
FILES = 8


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
    from campaigns.senders import senders_of, sign_message
    from django.db import transaction

    from guards import clock
    from mailbox.compose import FileGiven
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
                    file = FileGiven(f"ek-{number}.bin", chance.choice(files))
                    subject = f"Deneme iletisi {number}"
                    signed = sign_message(sender, recipients, subject=subject, text="Ektedir.\n", files=[file])
                    prepared.append((signed, recipients))
                SigningOperation.objects.filter(pk__in=[signed.operation for signed, _ in prepared]).update(
                    expires_at=clock.now() + LIFE
                )
            for signed, recipients in prepared:
                signature = base64.b64encode(signed.signature).decode()
                message = {"operation": str(signed.operation), "token": signed.token, "signature": signature}
                out.write(f"{json.dumps({**message, 'recipients': recipients})}\n")
            time.sleep(PAUSE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
