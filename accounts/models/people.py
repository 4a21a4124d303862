"""Natural persons: who can sign in, on which browsers, and what is open at this moment.

A person signs in; an account owns mail (`holding`); between them stands the right to act (`operators`).
"""

import uuid

from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.utils.crypto import salted_hmac

from evidence.fieldcrypt import EncryptedText
from evidence.insert_only import insert_only
from guards.ids import public_id

from ..person_lookup import PersonLookup


class Person(AbstractBaseUser):
    """A natural person who can sign in. Found by a keyed hash of the TCKN; the TCKN itself is encrypted (V-094)."""

    class IdentityState(models.TextChoices):
        FORM_ONLY = "FORM_ONLY"  # the number passes its check digits, and nobody has seen who holds it (I-004)
        ESTABLISHED = "ESTABLISHED"  # seen at a branch, or proved by a qualified certificate (K-025)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tckn_index = models.CharField(max_length=64, unique=True)
    tckn = EncryptedText(label="accounts.person.tckn")
    phone = EncryptedText(label="accounts.person.phone")  # E.164
    phone_index = models.CharField(max_length=64)
    phone_changed_at = models.DateTimeField(null=True)  # no secret is reset at the desk for 72 h (design.md 1.9)
    email = EncryptedText(label="accounts.person.email", null=True)  # for notices without content
    birth_date = EncryptedText(label="accounts.person.birth_date", null=True)  # ISO 8601; no şifre may hold it (V-005)
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80)
    pin_hash = models.CharField(max_length=200, blank=True)  # şifre, the second secret (W-008); empty: none set yet
    identity_state = models.CharField(max_length=12, choices=IdentityState, default=IdentityState.FORM_ONLY)
    identity_established_at = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    language = models.CharField(max_length=5, default="tr")

    USERNAME_FIELD = "tckn_index"
    REQUIRED_FIELDS: list[str] = []
    objects = PersonLookup()

    @property
    def has_secrets(self) -> bool:
        """Whether both secrets are set, so that signing in by them is possible at all."""
        return bool(self.pin_hash) and self.has_usable_password()

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


class OpenVisit(models.Model):
    """A finished sign-in as its person sees it in *Oturumlar*, and as it is ended from outside (V-032..V-035).

    The session itself is Django's row; this one says whose it is, so that all visits of a person can be found.
    """

    public_id = models.CharField(max_length=26, unique=True, default=public_id)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="open_visits")
    session_key = models.CharField(max_length=40, unique=True)
    method = models.CharField(max_length=80)  # how the person proved who he is, as evidence states it
    browser = models.CharField(max_length=80, blank=True)  # family and system, never the whole header
    from_address = EncryptedText(label="accounts.open_visit.from_address", null=True)
    device_index = models.CharField(max_length=64, blank=True)
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=24, blank=True)

    class Meta:
        indexes = [models.Index(fields=["person", "opened_at"])]


@insert_only()
class TermsAccepted(models.Model):
    """Which version of which text a person accepted, for which account, and when."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="accepted_terms")
    account = models.ForeignKey("accounts.KepAccount", null=True, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=24)  # "kepue", "kvkk", "kosullar"
    version = models.CharField(max_length=16)
    at = models.DateTimeField()
