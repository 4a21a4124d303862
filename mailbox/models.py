"""Drafts, messages, recipients, boxes.

Law and labour stand on the same rows and never mix: `state` is what a court may ask and only
`states.advance` writes it; `due_at`, `claimed_until`, `tries`, `last_error` say how the work goes.
What is done stays done: stamps, validation material, envelopes and transitions are insert-only.
"""

from django.db import models

from accounts.models import AccountChange, KepAccount, Person
from evidence.fieldcrypt import EncryptedBytes, EncryptedText
from evidence.insert_only import insert_only
from evidence.parking import Work, parked_index
from guards.ids import public_id

from .state_names import MessageState, RecipientState


class Labour(Work):
    """How the work on a row goes: when it is due, who holds it, how often it failed (evidence/parking.py)."""

    class Meta:
        abstract = True


class Draft(models.Model):
    """What somebody is writing for an account. Not evidence-bearing, freely deleted (K-097)."""

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    account = models.ForeignKey(KepAccount, on_delete=models.PROTECT, related_name="drafts")
    author = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    to_lines = EncryptedText(label="mailbox.draft.to", default="")
    cc_lines = EncryptedText(label="mailbox.draft.cc", default="")
    subject = EncryptedText(label="mailbox.draft.subject", default="")
    text = EncryptedText(label="mailbox.draft.text", default="")
    version = models.PositiveIntegerField(default=1)  # every change counts up; signing binds to one
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)  # set while a message stands for it; NULL again when returned
    returned_code = models.CharField(max_length=16, blank=True)  # why the last submission came back
    # the visit in which the signature was asked: proof 10 states it, and it must still be good when the signature comes
    signed_in_at = models.DateTimeField(null=True)
    sign_in_method = models.CharField(max_length=80, blank=True)
    visit_ends_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # what was sent stays as a draft for ever: lists and counts look among the open ones only
            models.Index(
                fields=["account", "-updated_at"], condition=models.Q(submitted_at__isnull=True), name="draft_open"
            )
        ]


class DraftAttachment(models.Model):
    """One file of a draft; its bytes are in the vault."""

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="attachments")
    position = models.PositiveIntegerField()
    filename = EncryptedText(label="mailbox.draft_attachment.filename")
    content_type = models.CharField(max_length=120)
    size = models.PositiveIntegerField()
    digest = models.BinaryField(max_length=32)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["draft", "position"], name="one_attachment_per_place")]


class Message(Labour):
    """One original on its legal way, from CHECKING on (design.md 1.4)."""

    kep_id = models.CharField(max_length=80, unique=True)  # <uuid7-hex.kep@hs01.kep.tr> without the brackets
    original_message_id = models.CharField(max_length=254, unique=True)
    operation = models.UUIDField(unique=True)  # the signing operation: one signature, one message
    kind = models.CharField(max_length=12)
    account = models.ForeignKey(KepAccount, on_delete=models.PROTECT, related_name="sent_messages")
    draft = models.ForeignKey(Draft, null=True, on_delete=models.SET_NULL, related_name="messages")
    submitted_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    sender_address = models.CharField(max_length=254)
    sender_name = models.CharField(max_length=200)
    subject = EncryptedText(label="mailbox.message.subject")
    attachment_count = models.PositiveIntegerField(default=0)
    size = models.PositiveIntegerField()
    signed_in_at = models.DateTimeField()
    sign_in_method = models.CharField(max_length=80)
    state = models.CharField(max_length=16, choices=MessageState.choices)
    submitted_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    signed_part_digest = models.BinaryField(max_length=32)  # vault: the octets the person signed
    cms = EncryptedBytes(label="mailbox.message.cms")  # B-B, as assembled from the person's signature
    original_digest = models.BinaryField(max_length=32, null=True)  # vault: the final original (B-T)
    deemed_policy = models.CharField(max_length=32)  # valid when it was submitted, e.g. hours:24
    held_since = models.DateTimeField(null=True)
    hold_reason = models.CharField(max_length=24, blank=True)
    refusal_code = models.CharField(max_length=16, blank=True)  # ours, e.g. IMZ-05, for the page

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="message_due"),
            models.Index(fields=["account", "-submitted_at"]),
            models.Index(
                fields=["account"],
                condition=models.Q(released_at__isnull=True, due_at__isnull=True),
                name="message_went_nowhere",
            ),
            parked_index("message_parked"),
        ]
        constraints = [
            models.CheckConstraint(
                name="accepted_is_final",
                condition=~models.Q(state="ACCEPTED")
                | models.Q(accepted_at__isnull=False, original_digest__isnull=False),
            )
        ]


@insert_only()
class OriginalStamp(models.Model):
    """The signature time-stamp of the original: fetched once by unique insert, then its bytes are final."""

    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="stamp")
    token = EncryptedBytes(label="mailbox.original_stamp.token")
    stamped_at = models.DateTimeField()
    kept_at = models.DateTimeField()


@insert_only()
class ValidationMaterial(models.Model):
    """What the certificate verdict at acceptance rested on, kept so that it can be repeated offline (A-021)."""

    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="validation")
    certificate_path = models.JSONField()  # base64 of sealed DER, leaf first: the leaf names person and TCKN
    answers = (
        models.JSONField()
    )  # per certificate below the root: {"ocsp": base64 or null, "crl": vault digest or null}
    source = models.CharField(max_length=8)
    maturity = models.CharField(max_length=12)
    checked_at = models.DateTimeField()


class Recipient(Labour):
    """One addressee of one accepted message; every later proof belongs to one of these rows."""

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="recipients")
    recipient_no = models.PositiveIntegerField()  # position in the evidence, from 1: To first, then Cc
    is_cc = models.BooleanField(default=False)
    address = models.CharField(max_length=254)
    name = models.CharField(max_length=200, blank=True)
    account = models.ForeignKey(KepAccount, null=True, on_delete=models.PROTECT, related_name="received")
    state = models.CharField(max_length=16, choices=RecipientState.choices)
    delivered_at = models.DateTimeField(null=True)
    term_ends_at = models.DateTimeField(null=True)  # deemed reading, by the message's own policy
    closed_at = models.DateTimeField(null=True)  # READ, DEEMED_READ, UNDELIVERED ...

    class Meta:
        ordering = ["recipient_no"]
        constraints = [
            models.UniqueConstraint(fields=["message", "recipient_no"], name="one_recipient_per_place"),
            models.UniqueConstraint(fields=["message", "address"], name="one_place_per_address"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="recipient_due"),
            models.Index(fields=["term_ends_at"], condition=models.Q(state="DELIVERED"), name="recipient_term"),
            parked_index("recipient_parked"),
        ]


class TermHold(models.Model):
    """A stretch in which the reading term of an account's unread mail stands still (design.md 1.1.2).

    Begun and ended by `term_holds` in the transaction of the `AccountChange` that causes it. One that death or
    dissolution has begun never ends.
    """

    class Cause(models.TextChoices):
        PROVIDER = "provider"  # a suspension ordered by us
        AUTHORITY = "authority"  # a suspension ordered by a competent authority, carried out by us
        DEATH = "death"
        DISSOLUTION = "dissolution"

    account = models.ForeignKey(KepAccount, on_delete=models.PROTECT, related_name="term_holds")
    cause = models.CharField(max_length=12, choices=Cause)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    begun_by = models.OneToOneField(AccountChange, on_delete=models.PROTECT, related_name="+")
    ended_by = models.OneToOneField(AccountChange, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["started_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(ended_at__isnull=True), name="one_running_term_hold"
            ),
            models.CheckConstraint(
                name="a_term_hold_ends_after_it_began",
                condition=models.Q(ended_at__isnull=True) | models.Q(ended_at__gte=models.F("started_at")),
            ),
        ]


@insert_only()
class Envelope(models.Model):
    """The KEP message: original and proof 10, signed by the provider; the same bytes for every recipient."""

    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="envelope")
    digest = models.BinaryField(max_length=32)  # vault
    made_at = models.DateTimeField()


class BoxItem(models.Model):
    """A message as it lies in one account's box: the sender's among the sent ones, the recipient's in the inbox."""

    class Folder(models.TextChoices):
        INBOX = "inbox"
        SENT = "sent"

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    account = models.ForeignKey(KepAccount, on_delete=models.PROTECT, related_name="items")
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="items")
    recipient = models.OneToOneField(Recipient, null=True, on_delete=models.PROTECT, related_name="item")
    folder = models.CharField(max_length=8, choices=Folder)
    placed_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)  # first opening by an entitled person; NULL = unread
    opened_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "message", "folder"], name="one_item_per_box"),
            models.CheckConstraint(
                name="inbox_items_have_a_recipient",
                condition=models.Q(folder="sent", recipient__isnull=True)
                | models.Q(folder="inbox", recipient__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["account", "folder", "-placed_at", "-id"]),
            models.Index(  # the columns of the condition too: SQLite looks them up in the row otherwise
                fields=["account", "opened_at", "recipient"],
                condition=models.Q(recipient__isnull=False, opened_at__isnull=True),
                name="item_unopened",
            ),
            models.Index(  # who opened what, newest first, for the account's own page
                fields=["account", "-opened_at"], condition=models.Q(opened_by__isnull=False), name="item_opened_by"
            ),
        ]


@insert_only()
class Transition(models.Model):
    """One step of the state machine: what changed, when, by whom, why."""

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="transitions")
    recipient_no = models.PositiveIntegerField()  # 0 = the message row
    event = models.CharField(max_length=24)
    from_state = models.CharField(max_length=16, blank=True)
    to_state = models.CharField(max_length=16)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    note = models.CharField(max_length=200, blank=True)
