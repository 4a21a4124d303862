"""The right to act for somebody else's account: switches with dates, and the invitations they come from."""

from django.db import models

from evidence.fieldcrypt import EncryptedText
from guards.ids import public_id

from .holding import KepAccount
from .people import Person


class Operator(models.Model):
    """A person's right to act for an account, switch by switch, from a date until a date (K-130, K-131, W-006)."""

    class Relation(models.TextChoices):
        EMPLOYEE = "employee"  # çalışan
        SHAREHOLDER = "shareholder"  # hissedar
        BOARD_MEMBER = "board_member"  # yönetim kurulu üyesi
        ACCOUNTANT = "accountant"  # muhasebeci
        LAWYER = "lawyer"  # avukat

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    account = models.ForeignKey(KepAccount, on_delete=models.PROTECT, related_name="operators")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="operatorships")
    is_main = models.BooleanField(default=False)
    role = models.CharField(max_length=40, blank=True)
    relation = models.CharField(max_length=16, choices=Relation, blank=True)
    may_read = models.BooleanField(default=False)
    may_compose = models.BooleanField(default=False)
    may_sign_and_send = models.BooleanField(default=False)
    may_send_tebligat = models.BooleanField(default=False)
    may_read_tebligat = models.BooleanField(default=False)
    may_archive = models.BooleanField(default=False)
    may_delete = models.BooleanField(default=False)
    may_see_balance = models.BooleanField(default=False)
    may_manage_operators = models.BooleanField(default=False)
    wants_sms = models.BooleanField(default=False)
    wants_email = models.BooleanField(default=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    appointed_by = models.CharField(max_length=80, blank=True)  # "person:<uuid>", or "system" for the first ones
    ended_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "person"], condition=models.Q(ends_at__isnull=True), name="one_running_operatorship"
            ),
        ]


class OperatorInvitation(models.Model):
    """An offered operatorship: it becomes an `Operator` when the person accepts it in a full sign-in of his own.

    `typed_name` is all the inviter sees of the person until then, and `typed_phone_index` says which phone he knows.
    """

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    account = models.ForeignKey(KepAccount, on_delete=models.PROTECT, related_name="invitations")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="invitations")
    is_main = models.BooleanField(default=False)
    role = models.CharField(max_length=40, blank=True)
    relation = models.CharField(max_length=16, choices=Operator.Relation, blank=True)
    rights = models.JSONField(default=list)  # names of the switches of `Operator`
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    typed_name = EncryptedText(label="accounts.operator_invitation.typed_name", null=True)
    typed_phone_index = models.CharField(max_length=64, blank=True)
    invited_by = models.CharField(max_length=80)
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    declined_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    operator = models.OneToOneField(Operator, null=True, on_delete=models.PROTECT, related_name="invitation")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "person"],
                condition=models.Q(accepted_at__isnull=True, declined_at__isnull=True, withdrawn_at__isnull=True),
                name="one_open_invitation",
            ),
        ]
