"""What a sign-in by e-imza leaves behind: the row that its visit is verified by."""

from django.db import models
from django_otp.models import Device


class EImzaProof(Device):
    """One sign-in by one signed request, which no second sign-in can use: `operation` is unique (S-022, V-018).

    django-otp verifies the visit by this row, so it must outlive the visit. It takes no code: `verify_token` of the
    base class says no to everything.
    """

    operation = models.UUIDField(unique=True)  # of the signing floor
    certificate_digest = models.BinaryField(max_length=32)  # SHA-256 of the certificate that signed
    proved_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["proved_at"])]
