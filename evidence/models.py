"""What the evidence floor keeps: intents, sealed proofs, the labour of sealing, and the event log.

Law and labour are apart. `EvidenceIntent` and `SealedEvidence` are insert-only: the intent holds the exact
bytes that will be signed, written in the transaction of the legal step; the sealed proof holds those bytes
signed and time-stamped. `SealWork` is the labour between them, mutable, and gone when the proof exists.

Messages are named by their KEP id: this floor knows no mailbox.
"""

from django.db import models

from .fieldcrypt import EncryptedBytes
from .insert_only import insert_only
from .parking import Work, parked_index


@insert_only()
class EvidenceIntent(models.Model):
    """The bytes of one proof before its signature. One per (message, recipient, code): A-001."""

    evidence_id = models.CharField(max_length=64, unique=True)
    kep_id = models.CharField(max_length=128)
    recipient_no = models.PositiveIntegerField()  # 0 = the whole message, never NULL (design.md 1.2)
    code = models.PositiveSmallIntegerField()
    unsigned = EncryptedBytes(label="evidence.intent.unsigned")
    digest = models.BinaryField(max_length=32)  # SHA-256 of the plain unsigned bytes
    event_at = models.DateTimeField()
    prepared_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kep_id", "recipient_no", "code"], name="one_proof_per_step"),
        ]


@insert_only()
class SealedEvidence(models.Model):
    """One proof, signed with the işlem sertifikası and time-stamped; immutable (K-113, K-114)."""

    intent = models.OneToOneField(EvidenceIntent, on_delete=models.PROTECT, related_name="sealed")
    xml = EncryptedBytes(label="evidence.sealed.xml")
    digest = models.BinaryField(max_length=32)  # SHA-256 of the plain sealed bytes
    signer_fingerprint = models.CharField(max_length=64)  # SHA-256 of the signing certificate, hex
    stamped_at = models.DateTimeField()  # genTime of the signature time-stamp
    stamped_by = models.CharField(max_length=200)
    sealed_at = models.DateTimeField()
    stamped_late = models.BooleanField()  # more than 60 s after the event: flagged, never re-dated


class SealWork(Work):
    """The labour of sealing one intent; deleted in the transaction that inserts the sealed proof."""

    intent = models.OneToOneField(EvidenceIntent, on_delete=models.PROTECT, related_name="work")

    class Meta:
        indexes = [models.Index(fields=["due_at"]), parked_index("seal_work_parked")]


@insert_only(except_null_to_value=("idx",))
class Event(models.Model):
    """One line of the event log (K-160). `idx` is filled once by the sequencer of a later issue."""

    idx = models.BigIntegerField(null=True, unique=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=64)
    actor = models.CharField(max_length=80, blank=True)
    subject = models.CharField(max_length=160, blank=True)
    body = models.BinaryField()
    salt = models.BinaryField(max_length=16)
    leaf_hash = models.BinaryField(max_length=32)

    class Meta:
        indexes = [models.Index(fields=["subject"]), models.Index(fields=["kind", "at"])]


@insert_only()
class VaultPlace(models.Model):
    """Where an object of the vault lies that has no file of its own (`evidence.packs`)."""

    digest = models.BinaryField(max_length=32, unique=True)
    pack = models.CharField(max_length=32)
    offset = models.PositiveBigIntegerField()  # of the stored form in the pack, bytes
    length = models.PositiveIntegerField()


class SealRequest(Work):
    """A page asks the sealing worker for a sealed file: only that worker opens the işlem key (design.md 1.5).

    `kind` says what it is ("bundle"; later issues add theirs), `reference` what it is about and `version` which
    state of it, so that the same question is answered once. The floor that owns a kind fills the requests of it.
    """

    kind = models.CharField(max_length=24)
    reference = models.CharField(max_length=128)
    version = models.CharField(max_length=64)
    asked_by = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    result = models.BinaryField(max_length=32, null=True)  # vault digest of the finished file
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "reference", "version"], name="one_seal_per_question")]
        indexes = [
            models.Index(fields=["kind", "due_at"], condition=models.Q(finished_at__isnull=True), name="seal_due"),
            parked_index("seal_request_parked"),
        ]


class ClockReading(models.Model):
    """How far the clock of one machine is known to be off, by the time-stamps it got (evidence/clock_drift.py)."""

    host = models.CharField(max_length=64, unique=True)
    drift_ms = models.IntegerField()  # authority's clock minus ours: the least that is certain, 0 where it may be right
    measured_at = models.DateTimeField()


class PeriodicRun(models.Model):
    """One run of one job for one stretch of time: who inserts the row has the run (R-015, evidence/periodic.py)."""

    job = models.CharField(max_length=40)
    period = models.DateTimeField()  # its beginning
    claimed_until = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=64)
    tries = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "period"], name="one_run_per_period")]
