"""The provider's own people: branches, who serves where in which role, and what needs a second pair of eyes."""

from django.db import models

from evidence.fieldcrypt import EncryptedText
from guards.ids import public_id

from .people import Person


class Branch(models.Model):
    """A counter of the provider, open to applicants."""

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    code = models.CharField(max_length=16, unique=True)  # short, stands in event log and on papers
    name = models.CharField(max_length=120)
    province = models.CharField(max_length=40)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)


class Post(models.Model):
    """A person's post with the provider, from a date until a date. A clerk's post names a branch, others none."""

    class Role(models.TextChoices):
        CLERK = "clerk"  # şube personeli
        BACK_OFFICE = "back_office"  # yönetim

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="posts")
    role = models.CharField(max_length=16, choices=Role)
    branch = models.ForeignKey(Branch, null=True, on_delete=models.PROTECT, related_name="posts")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    granted_by = models.CharField(max_length=80)
    ended_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_clerk_has_a_branch",
                condition=models.Q(role="clerk", branch__isnull=False)
                | (~models.Q(role="clerk") & models.Q(branch=None)),
            ),
            models.UniqueConstraint(
                fields=["person", "role"], condition=models.Q(ends_at__isnull=True), name="one_running_post_per_role"
            ),
        ]


class Approval(models.Model):
    """An act that one person asked for and another must allow (V-046); see `accounts.approvals`.

    `facts` is what will be done, encrypted; it is written when asked and never changed, so that what was approved
    is what is done. Each end is one conditional UPDATE from the state before it.
    """

    class State(models.TextChoices):
        ASKED = "ASKED"
        APPROVED = "APPROVED"  # allowed; done at `not_before`, if nobody stops it
        DONE = "DONE"
        REFUSED = "REFUSED"
        WITHDRAWN = "WITHDRAWN"
        STOPPED = "STOPPED"  # by the holder
        LAPSED = "LAPSED"
        FAILED = "FAILED"  # what was allowed is no longer possible

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    kind = models.CharField(max_length=32)
    subject = models.CharField(max_length=64)  # "person:<uuid>", "account:<public_id>", ...
    facts = EncryptedText(label="accounts.approval.facts")  # JSON
    why = EncryptedText(label="accounts.approval.why", null=True)
    state = models.CharField(max_length=12, choices=State, default=State.ASKED)
    branch = models.ForeignKey(Branch, null=True, on_delete=models.PROTECT, related_name="+")  # where it was asked
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    lapses_at = models.DateTimeField()
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=32, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "asked_at"]), models.Index(fields=["subject", "kind"])]
        constraints = [
            models.CheckConstraint(
                name="four_eyes",
                condition=models.Q(decided_by__isnull=True) | ~models.Q(decided_by=models.F("asked_by")),
            ),
            models.UniqueConstraint(
                fields=["subject", "kind"],
                condition=models.Q(state__in=["ASKED", "APPROVED"]),
                name="one_open_approval_per_subject",
            ),
        ]
