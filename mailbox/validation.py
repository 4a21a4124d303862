"""What a certificate verdict rested on, kept beside the original so that it can be repeated offline (A-021).

OCSP answers are small and belong to one signature; a CRL serves many messages and lies in the vault once. The
certificates are sealed, because a person's certificate names the identity number (V-094).
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from evidence import rows, vault
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


def lists_of(judged: Judgement) -> tuple[bytes, ...]:
    """The CRLs among what a judgement rests on: they must be in the vault before `keep_material` names them."""
    return tuple(each.crl for each in judged.materials if each.crl)


def keep_material(judged: Iterable[tuple[Message, Judgement]], *, now: datetime) -> None:
    """Store the material of each judgement, in the transaction of what it led to; what is kept already stands."""
    material = [_row(message, judgement, now=now) for message, judgement in judged]
    rows.insert(ValidationMaterial, _MATERIAL, material, skip_known=True)


_MATERIAL = ("message_id", "certificate_path", "answers", "source", "maturity", "checked_at")


def _row(message: Message, judged: Judgement, *, now: datetime) -> tuple[object, ...]:
    answers = [
        {
            "ocsp": base64.b64encode(each.ocsp).decode() if each.ocsp else None,
            "crl": hashlib.sha256(each.crl).hexdigest() if each.crl else None,
        }
        for each in judged.materials
    ]
    revocation = judged.revocation
    path = [base64.b64encode(seal_value(each, _LABEL)).decode() for each in judged.path.path]
    source = (revocation.source if revocation else "") or ""
    maturity = (revocation.state if revocation else "") or ""
    return message.pk, path, answers, source, maturity, now


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
