"""Persons, holders, KEP accounts and the operators who act for them.

A person signs in; an account owns mail. Between them stands the right to act: the holder of a natural
person's account acts by himself, everybody else through an `Operator` row with single rights and dates
(K-130..K-133). No login is ever shared, and every act names person and account.
"""

import uuid

from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django_otp.models import Device

from evidence.fieldcrypt import EncryptedText
from guards import clock
from guards.ids import public_id

from .errors import AccountsError
from .person_lookup import PersonLookup


class Person(AbstractBaseUser):
    """A natural person who can sign in. Found by a keyed hash of the TCKN; the TCKN itself is encrypted (V-094)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tckn_index = models.CharField(max_length=64, unique=True)
    tckn = EncryptedText(label="accounts.person.tckn")
    phone = EncryptedText(label="accounts.person.phone")  # E.164
    phone_index = models.CharField(max_length=64)
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80)
    pin_hash = models.CharField(max_length=200)  # şifre, the second secret (W-008)
    is_active = models.BooleanField(default=True)
    language = models.CharField(max_length=5, default="tr")

    USERNAME_FIELD = "tckn_index"
    REQUIRED_FIELDS: list[str] = []
    objects = PersonLookup()

    @property
    def full_name(self) -> str:
        """Name and surname as written in the population register."""
        return f"{self.first_name} {self.last_name}"

    def get_full_name(self) -> str:
        return self.full_name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Both secrets: a change of either one ends every visit (V-032)."""
        salt = "accounts.person.session_auth_hash"
        return salted_hmac(salt, f"{self.password}\0{self.pin_hash}", secret=secret, algorithm="sha256").hexdigest()

    def __str__(self) -> str:
        return str(self.pk)  # never the index or the number: this text reaches logs


class AccountHolder(models.Model):
    """Whoever the account belongs to in law (K-013)."""

    class Kind(models.TextChoices):
        NATURAL = "natural"
        PRIVATE_LEGAL = "private_legal"
        PUBLIC_LEGAL = "public_legal"

    kind = models.CharField(max_length=16, choices=Kind)
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="holderships")
    name = models.CharField(max_length=200)
    mersis = models.CharField(max_length=16, blank=True)
    detsis = models.CharField(max_length=12, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="natural_holder_is_a_person",
                condition=models.Q(kind="natural", person__isnull=False)
                | (~models.Q(kind="natural") & models.Q(person__isnull=True)),
            )
        ]


class KepAccount(models.Model):
    """One KEP address with its box. Closed addresses stay for ever and are never allotted again (K-033)."""

    class Mode(models.TextChoices):
        RECEIVE_ONLY = "receive_only"
        SEND_AND_RECEIVE = "send_and_receive"

    class State(models.TextChoices):
        PENDING_ACTIVATION = "PENDING_ACTIVATION"
        ACTIVE = "ACTIVE"
        SUSPENDED = "SUSPENDED"
        CLOSED = "CLOSED"

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    address = models.CharField(max_length=254, unique=True)
    holder = models.ForeignKey(AccountHolder, on_delete=models.PROTECT, related_name="accounts")
    mode = models.CharField(max_length=20, choices=Mode)
    state = models.CharField(max_length=20, choices=State, default=State.PENDING_ACTIVATION)
    listed = models.BooleanField(default=False)  # directory consent of natural persons (K-063)
    opened_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="address_is_lower_case", condition=models.Q(address=Lower("address"))),
        ]


class Operator(models.Model):
    """A person's right to act for an account, switch by switch, from a date until a date (K-130, K-131, W-006)."""

    account = models.ForeignKey(KepAccount, on_delete=models.PROTECT, related_name="operators")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="operatorships")
    is_main = models.BooleanField(default=False)
    role = models.CharField(max_length=40, blank=True)
    may_read = models.BooleanField(default=False)
    may_compose = models.BooleanField(default=False)
    may_sign_and_send = models.BooleanField(default=False)
    wants_sms = models.BooleanField(default=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "person"], condition=models.Q(ends_at__isnull=True), name="one_running_operatorship"
            ),
        ]


class WrongTries(models.Model):
    """The slow counter (V-006): wrong tries in a row against one identity number, from any unknown device.

    Keyed by the index and not by the person, because numbers nobody holds are counted as well: if they were
    not, waiting would tell who has an account (V-008).
    """

    tckn_index = models.CharField(primary_key=True, max_length=64)
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()


class KnownDevice(models.Model):
    """A browser on which this person once finished a sign-in: a stranger's wrong tries cannot lock it out (V-007).

    It has its own counter; too many wrong tries in a row and it is a stranger's device like any other.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="known_devices")
    device_index = models.CharField(max_length=64)  # keyed hash of the cookie's random id
    wrong_tries = models.PositiveIntegerField(default=0)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "device_index"], name="one_row_per_known_device")]


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
        from .sms_code import verify  # the verbs stand above the models

        self.refusal = verify(self, token, now=clock.now())
        return self.refusal is None


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
