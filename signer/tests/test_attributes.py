"""The octets that the card signs, compared with a second writer (S-020, S-021)."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from signer.attributes import signed_attributes
from signer.tests.provider import attributes_by_asn1crypto
from signer.tests.workshop import NOW, person

DIGEST = hashlib.sha256(b"icerik").digest()


@pytest.mark.parametrize("kind", ["rsa2048", "p256"])
@pytest.mark.parametrize("serial", [1, 0x7F, 0x80, 0xFF00FF, 0x1F00000000000000000001, 2**158 + 5])
def test_the_attributes_are_byte_for_byte_what_another_library_writes(kind: str, serial: int) -> None:
    certificate = person("Ayşe Yıldız", kind, serial=serial).der

    assert signed_attributes(certificate, DIGEST, NOW) == attributes_by_asn1crypto(certificate, DIGEST, NOW)


def test_a_time_in_another_zone_is_signed_in_utc() -> None:
    certificate = person().der
    istanbul = NOW.astimezone(timezone(timedelta(hours=3)))

    assert signed_attributes(certificate, DIGEST, istanbul) == signed_attributes(certificate, DIGEST, NOW)


def test_a_time_after_2049_becomes_generalized_time() -> None:
    raw = signed_attributes(person().der, DIGEST, datetime(2050, 1, 1, tzinfo=UTC))

    assert b"\x18\x0f20500101000000Z" in raw


@pytest.mark.parametrize(
    ("digest", "at"),
    [
        (DIGEST[:20], NOW),
        (DIGEST, NOW.replace(tzinfo=None)),
        (DIGEST, NOW.replace(microsecond=1)),
    ],
)
def test_a_short_digest_or_an_unclear_time_is_refused(digest: bytes, at: datetime) -> None:
    with pytest.raises(ValueError, match=r"digest|time"):
        signed_attributes(person().der, digest, at)
