"""Whoever an account belongs to in law, the account with its box, and every change of it.

A KEP address is never given to anybody else (K-033): a closed account stays, with its address, for ever.
"""

from django.db import models
from django.db.models.functions import Lower

from evidence.fieldcrypt import EncryptedText
from evidence.insert_only import insert_only
from guards.ids import public_id

from .people import Person


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
    vkn = models.CharField(max_length=10, blank=True)
    detsis = models.CharField(max_length=12, blank=True)
    registry_no = models.CharField(max_length=20, blank=True)  # ticaret sicil no: unique only with its office (I-011)
    registry_office = models.CharField(max_length=80, blank=True)
    company_type = models.CharField(max_length=24, blank=True)  # `identity.CompanyType`: who must be served (T, K-009)
    activity = models.CharField(max_length=200, blank=True)  # these three stand in the directory (K-061)
    province = models.CharField(max_length=40, blank=True)
    postal_address = models.CharField(max_length=300, blank=True)

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
    takes_tebligat = models.BooleanField(default=False)  # e-tebligat capability (W-004)
    wants_sms = models.BooleanField(default=True)  # a natural holder's own notices; operators have theirs
    wants_email = models.BooleanField(default=False)
    sponsor = models.ForeignKey(  # whose corporate application opened it (K-013, K-043)
        AccountHolder, null=True, on_delete=models.PROTECT, related_name="sponsored"
    )
    suspended_for = models.CharField(max_length=24, blank=True)  # `lifecycle.Suspension`; empty unless suspended
    expires_on = models.DateField(null=True)  # end of the paid term; billing moves it later (K-036)
    opened_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="address_is_lower_case", condition=models.Q(address=Lower("address"))),
            models.CheckConstraint(
                name="only_the_suspended_have_a_reason",
                condition=models.Q(suspended_for="") | models.Q(state="SUSPENDED"),
            ),
        ]


class EntityDomain(models.Model):
    """Whose `kurum.hs01.kep.tr` it is: the first holder who got an address in it, for ever (K-042, K-043).

    The label is unique, so that of two holders who ask in the same second one gets the domain.
    """

    label = models.CharField(max_length=63, unique=True)
    holder = models.ForeignKey(AccountHolder, on_delete=models.PROTECT, related_name="domains")
    since = models.DateTimeField()


@insert_only()
class AccountChange(models.Model):
    """One change of an account, in the transaction that makes it (K-030, K-032, K-066).

    Its history, and the outbox from which a later issue tells the central directory.
    """

    class Kind(models.TextChoices):
        OPENED = "opened"
        ACTIVATED = "activated"
        SUSPENDED = "suspended"
        RESUMED = "resumed"
        CLOSED = "closed"
        REOPENED = "reopened"
        MODE = "mode"
        LISTING = "listing"
        OPERATORS = "operators"
        EXPIRY = "expiry"

    account = models.ForeignKey(KepAccount, on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=16, choices=Kind)
    reason = models.CharField(max_length=32, blank=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)  # "person:<uuid>" or "system"
    branch = models.CharField(max_length=16, blank=True)  # code of the branch where it was done
    note = EncryptedText(label="accounts.account_change.note", null=True)

    class Meta:
        indexes = [models.Index(fields=["account", "at"])]
