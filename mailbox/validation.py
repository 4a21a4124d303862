"""What a certificate verdict rested on, kept beside the original so that it can be repeated offline (A-021).

OCSP answers are small and belong to one signature; a CRL serves many messages and lies in the vault once. The
certificates are sealed, because a person's certificate names the identity number (V-094).
"""

import base64
from dataclasses import dataclass
from datetime import datetime

from evidence import vault
from evidence.fieldcrypt import open_value, seal_value
from evidence.revocation import Material
from signing.judgement import Judgement

from .models import Message, ValidationMaterial

_LABEL = "mailbox.validation_material.certificate"


@dataclass(frozen=True)
class KeptMaterial:
    """The path, leaf first, and for each certificate below the root what was answered about it."""

    path: tuple[bytes, ...]
    materials: tuple[Material, ...]
    checked_at: datetime


def keep_material(message: Message, judged: Judgement, *, now: datetime) -> None:
    """Store the material of `judged` once; a second call for the same message changes nothing."""
    revocation = judged.revocation
    if revocation is None or ValidationMaterial.objects.filter(message=message).exists():
        return
    answers = [
        {
            "ocsp": base64.b64encode(each.ocsp).decode() if each.ocsp else None,
            "crl": vault.put(each.crl).hex() if each.crl else None,
        }
        for each in judged.materials
    ]
    ValidationMaterial.objects.get_or_create(
        message=message,
        defaults={
            "certificate_path": [base64.b64encode(seal_value(each, _LABEL)).decode() for each in judged.path.path],
            "answers": answers,
            "source": revocation.source or "",
            "maturity": revocation.state or "",
            "checked_at": now,
        },
    )


def kept_material(message: Message) -> KeptMaterial | None:
    """What was kept, or None while nothing was: the message is still being checked, or was refused before."""
    row = ValidationMaterial.objects.filter(message=message).first()
    if row is None:
        return None
    return KeptMaterial(
        path=tuple(open_value(base64.b64decode(each), _LABEL) for each in row.certificate_path),
        materials=tuple(
            Material(
                ocsp=base64.b64decode(each["ocsp"]) if each["ocsp"] else None,
                crl=vault.get(bytes.fromhex(each["crl"])) if each["crl"] else None,
            )
            for each in row.answers
        ),
        checked_at=row.checked_at,
    )
