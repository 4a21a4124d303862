"""What goes to a phone: the code of a sign-in, codes of other occasions, and notices."""

from django.db import models
from django_otp.models import Device

from evidence.fieldcrypt import EncryptedText
from guards import clock
from guards.ids import public_id

from ..errors import AccountsError


class SmsAttempt(Device):
    """One code of one sign-in attempt, good for one success (V-020..V-025); a resend makes a new row (N-003).

    Key is an integer because django-otp reads device ids so; what the visit remembers is `public_id`.
    The row must outlive the visit: deleting it takes the verified state away.
    """

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    code_hmac = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField()  # when the two secrets were found right; a resend keeps it
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    replaced_at = models.DateTimeField(null=True)  # a new code kills the old one (N-003)

    refusal: AccountsError | None = None
    """Why the last entry on this object was refused."""

    class Meta:
        indexes = [models.Index(fields=["user", "sent_at"])]

    def verify_token(self, token: str) -> bool:
        """What django-otp asks; the rules are in `sms_code`."""
        from ..sms_code import verify  # the verbs stand above the models

        self.refusal = verify(self, token, now=clock.now())
        return self.refusal is None


class OneTimeCode(models.Model):
    """A code sent to a phone for anything but a sign-in: activation, a new pair of secrets, a phone check, a stop.

    `subject` names what it is for ("account:<public_id>", "application:<public_id>", "approval:<public_id>",
    "person:<uuid>"), so that a code of one occasion never opens another (V-012, V-023).
    """

    class Purpose(models.TextChoices):
        ACTIVATION = "activation"  # of an account: 24 h, five tries (W-007)
        RECOVERY = "recovery"  # of forgotten secrets, after the desk has approved it
        PHONE = "phone"  # read out at the desk or typed into an application: the phone is in the person's hand
        STATUS = "status"  # of an application's page
        STOP = "stop"  # by which a holder stops a change made at the desk
        STEP_UP = "step_up"  # full proof of the person again, inside a visit (V-036)

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    purpose = models.CharField(max_length=12, choices=Purpose)
    subject = models.CharField(max_length=64)
    number_index = models.CharField(max_length=64)  # keyed hash of the phone, for limits per number
    code_hmac = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["purpose", "subject"]), models.Index(fields=["number_index", "sent_at"])]


class SmsNotice(models.Model):
    """A notice waiting to go out by SMS; carries no content, link, subject or sender (V-028, N-005)."""

    number = EncryptedText(label="accounts.sms_notice.number")
    text = models.CharField(max_length=300)
    reference = models.CharField(max_length=80, unique=True)  # one notice per occasion and person
    queued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=80, blank=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=models.Q(sent_at__isnull=True), name="sms_due")]
