"""Applications for an account, their papers, and the checklist of the branch (K-020..K-026, W-001..W-004)."""

from django.db import models

from evidence.fieldcrypt import EncryptedText
from evidence.insert_only import insert_only
from guards.ids import public_id

from .holding import KepAccount
from .posts import Branch


class Application(models.Model):
    """One application. It moves through the states of K-020 by `applying.states.advance` only.

    What the applicant wrote is encrypted, because nobody has checked it yet and most of it is personal data.
    """

    class Kind(models.TextChoices):
        NATURAL = "natural"
        PRIVATE_LEGAL = "private_legal"
        PUBLIC_LEGAL = "public_legal"
        MEMBER = "member"  # a natural person under a corporate application (K-013)

    class State(models.TextChoices):
        DRAFT = "DRAFT"  # ön başvuru
        DOCUMENTS_AWAITED = "DOCUMENTS_AWAITED"
        UNDER_REVIEW = "UNDER_REVIEW"
        REJECTED = "REJECTED"
        APPROVED = "APPROVED"
        ADDRESS_ALLOTTED = "ADDRESS_ALLOTTED"
        AWAITING_ACTIVATION = "AWAITING_ACTIVATION"
        ACTIVE = "ACTIVE"
        WITHDRAWN = "WITHDRAWN"

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    number = models.CharField(max_length=20, unique=True)  # "B-2026-7K3M9Q": read aloud at the desk, opens nothing
    kind = models.CharField(max_length=16, choices=Kind)
    state = models.CharField(max_length=20, choices=State, default=State.DRAFT)
    batch = models.CharField(max_length=26, blank=True)  # members of one corporate application share it
    sponsor = models.ForeignKey(KepAccount, null=True, on_delete=models.PROTECT, related_name="sponsored_applications")

    # the natural person: the applicant himself, or the first main operator of a legal person
    tckn = EncryptedText(label="accounts.application.tckn")
    tckn_index = models.CharField(max_length=64)
    first_name = EncryptedText(label="accounts.application.first_name")
    last_name = EncryptedText(label="accounts.application.last_name")
    birth_date = EncryptedText(label="accounts.application.birth_date", null=True)
    phone = EncryptedText(label="accounts.application.phone")
    phone_checked_at = models.DateTimeField(null=True)
    email = EncryptedText(label="accounts.application.email", null=True)

    # the legal person
    legal = EncryptedText(label="accounts.application.legal", null=True)  # JSON of `applying.legal.LegalPerson`

    wanted_address = models.CharField(max_length=254, blank=True)
    mode = models.CharField(max_length=20, choices=KepAccount.Mode)
    wants_sms = models.BooleanField(default=True)
    wants_email = models.BooleanField(default=False)
    listed = models.BooleanField(default=False)
    takes_tebligat = models.BooleanField(default=False)

    signed_by_e_imza_at = models.DateTimeField(null=True)  # then no paper is needed (K-022)
    signature_digest = models.BinaryField(max_length=32, null=True)  # vault: the signed application
    branch = models.ForeignKey(Branch, null=True, on_delete=models.PROTECT, related_name="applications")
    account = models.OneToOneField(KepAccount, null=True, on_delete=models.PROTECT, related_name="application")
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["branch", "state", "submitted_at"]),
            models.Index(fields=["tckn_index"]),
            models.Index(fields=["batch"]),
        ]


@insert_only()
class ApplicationChange(models.Model):
    """One step of an application: from where to where, by whom, at which branch, and why (K-020)."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="changes")
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)  # "person:<uuid>", "applicant" or "system"
    branch = models.CharField(max_length=16, blank=True)
    why = EncryptedText(label="accounts.application_change.why", null=True)

    class Meta:
        indexes = [models.Index(fields=["branch", "at"], name="change_by_branch")]


class CheckedStep(models.Model):
    """One step of the desk's checklist that was done; opened again it gets a new row, and this one stays."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="checked_steps")
    step = models.CharField(max_length=24)  # `desk.checklist.Step`
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    branch = models.CharField(max_length=16, blank=True)
    facts = models.JSONField(default=dict)  # what was recorded: kind of identity document, counts, the address
    reopened_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["branch", "at"], name="step_by_branch")]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "step"], condition=models.Q(reopened_at__isnull=True), name="one_check_per_step"
            ),
        ]


class Document(models.Model):
    """An uploaded or scanned paper; its bytes lie in the vault, encrypted, under their digest (K-025).

    `subject` says whose paper it is: "application:<public_id>" or "operator:<public_id>".
    """

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    subject = models.CharField(max_length=64)
    kind = models.CharField(max_length=32)  # `applying.documents.PaperKind`
    digest = models.BinaryField(max_length=32)
    file_name = EncryptedText(label="accounts.document.file_name")
    content_type = models.CharField(max_length=80)  # as found by looking at the bytes, never as sent
    size = models.PositiveIntegerField()
    verdict = models.CharField(max_length=16, blank=True)  # of the malware check (issue 6); empty: not asked yet
    uploaded_at = models.DateTimeField()
    uploaded_by = models.CharField(max_length=80)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["subject"])]
