"""`SigningOperation`: one signature asked of one person, given as plain values (design.md 2, floor 3).

This floor knows no account and no mailbox. Whoever asks hands in the person's uuid, TCKN and phone and a few
words to show, and later reads the operations of its own `purpose`.

States:

    ASKED ──claimed──► CLAIMED ──fitting certificate──► OFFERED ──signature──► SIGNED ──taken──► CONSUMED
      └──────────────────────┴──────────────────────────────┴──► CANCELLED | EXPIRED

SIGNED is durable before the signer hears "done": a worker turns it into a submission whether or not the
browser is still there. CONSUMED is set by the floor above in the transaction that makes use of the signature.

A request that is signed in a browser's presence (`requests`) goes the same way; there CONSUMED is set in the browser's
own POST, nobody else looks at SIGNED, and one that is not fetched in time expires.

SIGNED is the one state with work to do, so `due_at` and the other columns of `Work` speak of it only: who wants to use
the signature claims the row for a minute, and puts it back when that failed.
"""

import uuid

from django.db import models

from evidence.fieldcrypt import EncryptedBytes, EncryptedText
from evidence.parking import Work, parked_index


class SigningOperation(Work):
    """One signature asked of one person over one sequence of bytes; the code works once, for ten minutes."""

    class State(models.TextChoices):
        ASKED = "ASKED"
        CLAIMED = "CLAIMED"
        OFFERED = "OFFERED"
        SIGNED = "SIGNED"
        CONSUMED = "CONSUMED"
        CANCELLED = "CANCELLED"
        EXPIRED = "EXPIRED"

    OPEN_STATES = (State.ASKED, State.CLAIMED, State.OFFERED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    purpose = models.CharField(max_length=24)  # "message", or one of `requests.PURPOSES`; later issues add theirs
    state = models.CharField(max_length=12, choices=State, default=State.ASKED)

    # who: plain values, no foreign key upwards
    person = models.UUIDField()
    tckn = EncryptedText(label="signing.operation.tckn")
    acting_for = EncryptedText(label="signing.operation.acting_for")  # account name and address, shown by the signer
    reference = models.CharField(max_length=64)  # of the floor above: the draft's public id
    reference_version = models.CharField(max_length=64)  # digest of what was shown; a changed draft cancels

    # what: the bytes are in the vault under their digest, those of `requests` in the row
    content = EncryptedBytes(label="signing.operation.content", null=True)
    content_digest = models.BinaryField(max_length=32)
    content_size = models.PositiveIntegerField()
    content_type = models.CharField(max_length=80)

    # the hand-over
    code_hmac = models.CharField(max_length=64, unique=True)
    code_shown = EncryptedText(label="signing.operation.code", null=True)  # for the asking page only; gone once claimed
    comparison = models.CharField(max_length=8)
    token_hmac = models.CharField(max_length=64, null=True, unique=True)
    return_hmac = models.CharField(max_length=64, null=True, unique=True)  # what must come back to the asking browser
    signing_time = models.DateTimeField(null=True)
    certificate = EncryptedBytes(label="signing.operation.certificate", null=True)  # it names the person and the TCKN
    chain = models.JSONField(default=list)  # base64 DER of the intermediates the signer sent
    cms = EncryptedBytes(label="signing.operation.cms", null=True)
    refusal_code = models.CharField(max_length=16, blank=True)  # last refusal, for the page

    asked_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    signed_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["purpose", "state"]),
            models.Index(fields=["person", "reference"]),
            models.Index(fields=["reference"]),
            models.Index(fields=["state", "expires_at"]),
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="operation_due"),
            parked_index("operation_parked"),
        ]
        constraints = [
            models.CheckConstraint(
                name="signed_has_its_cms",
                condition=~models.Q(state__in=["SIGNED", "CONSUMED"])
                | models.Q(cms__isnull=False, signed_at__isnull=False),
            )
        ]


class CodeMiss(models.Model):
    """A wrong operation code from one client address: five of them and the client waits (S-017)."""

    client = models.CharField(max_length=64)  # keyed hash of the address
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["client", "at"])]
