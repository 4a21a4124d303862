"""What a person takes out of the box: the KEP message, the original, single proofs, the proof bundle (K-103, K-104).

Nothing here is content of an unread item: every verb refuses it (`NotReadYet`), because reading is an act with
its own proof. A bundle carries a manifest signed with the işlem key, which a web process cannot open: the page
asks by a `SealRequest`, the sealing worker answers, and the finished file lies in the vault.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from evidence import eventlog, issue, vault
from evidence.algorithms import Signer
from evidence.bundle import BundleContent, BundleProof, pack
from evidence.models import SealedEvidence, SealRequest
from evidence.timestamp import Stamper

from .errors import ProofNotThere
from .models import BoxItem, Envelope, Message
from .reading import refuse_unread
from .validation import kept_material

BUNDLE = "bundle"


@dataclass(frozen=True)
class File:
    """A file to hand out: its name, type and exact bytes."""

    name: str
    content_type: str
    raw: bytes


def kep_message(item: BoxItem) -> File:
    """The KEP message as the provider signed it; `ProofNotThere` before it is released."""
    refuse_unread(item)
    envelope = Envelope.objects.filter(message=item.message).first()
    if envelope is None:
        raise ProofNotThere("not released yet")
    return File(f"{_stem(item.message)}-kep.eml", "message/rfc822", vault.get(bytes(envelope.digest)))


def original(item: BoxItem) -> File:
    """The original exactly as accepted (or refused); `ProofNotThere` while it is being checked."""
    refuse_unread(item)
    if item.message.original_digest is None:
        raise ProofNotThere("original is not final yet")
    return File(f"{_stem(item.message)}-orijinal.eml", "message/rfc822", vault.get(bytes(item.message.original_digest)))


def proof(item: BoxItem, *, code: int, recipient_no: int) -> File:
    """One sealed proof; a recipient gets those of the whole message and its own, nobody else's (V-042)."""
    for each in proofs_for(item):
        if each.intent.code == code and each.intent.recipient_no == recipient_no:
            return File(f"{_stem(item.message)}-delil-{code}-{recipient_no}.xml", "application/xml", bytes(each.xml))
    raise ProofNotThere("no such proof here")


def proofs_for(item: BoxItem) -> list[SealedEvidence]:
    """The sealed proofs this box may see, in the order they came to be."""
    everything = issue.sealed_proofs([item.message.kep_id])[item.message.kep_id]
    if item.recipient is None:
        return everything
    return [each for each in everything if each.intent.recipient_no in (0, item.recipient.recipient_no)]


def asked_bundle(item: BoxItem) -> SealRequest | None:
    """The request for the bundle of the proofs that exist now, if somebody has asked; looking changes nothing."""
    return SealRequest.objects.filter(kind=BUNDLE, reference=item.public_id, version=_version(item)).first()


def ask_bundle(item: BoxItem, *, asked_by: str, now: datetime) -> SealRequest:
    """Ask for the bundle of the proofs that exist now; the same question twice is the same request."""
    version = _version(item)
    request, created = SealRequest.objects.get_or_create(
        kind=BUNDLE,
        reference=item.public_id,
        version=version,
        defaults={"asked_by": asked_by, "asked_at": now, "due_at": now},
    )
    if created:
        with transaction.atomic():
            eventlog.append("bundle.asked", at=now, actor=asked_by, subject=item.message.kep_id)
            issue.ring_sealer()
    return request


def _version(item: BoxItem) -> str:
    """Which proofs a bundle made now would hold; `ProofNotThere` before acceptance, `NotReadYet` before opening."""
    refuse_unread(item)
    proofs = proofs_for(item)
    if not any(each.intent.code == 10 for each in proofs):
        raise ProofNotThere("no bundle before acceptance")
    return hashlib.sha256(b"".join(bytes(each.digest) for each in proofs)).hexdigest()


def finished_bundle(item: BoxItem, request: SealRequest) -> File | None:
    """The packed bundle once the sealing worker has made it, else None."""
    if request.result is None:
        return None
    return File(f"{_stem(item.message)}.kepdelil", "application/vnd.etsi.asic-e+zip", vault.get(bytes(request.result)))


def make_bundle(request: SealRequest, *, signer: Signer, stamper: Stamper, now: datetime) -> None:
    """Answer one claimed request: pack, sign the manifest, keep the file, mark the request finished."""
    item = (
        BoxItem.objects.filter(public_id=request.reference)
        .select_related("message", "recipient")
        .prefetch_related("message__recipients")
        .get()
    )
    content = bundle_content(item, proofs_for(item))
    raw = pack(
        content,
        lambda manifest: issue.sign_envelope(manifest, signer=signer, stamper=stamper, now=now),
    )
    digest = vault.put(raw)
    with transaction.atomic():
        is_ours = SealRequest.objects.filter(pk=request.pk, finished_at__isnull=True).update(
            result=digest, finished_at=now, claimed_until=None
        )
        if is_ours:  # another worker may have been faster, after a claim that ran out
            eventlog.append("bundle.sealed", at=now, subject=item.message.kep_id, facts={"sha256": digest.hex()})


def bundle_content(item: BoxItem, proofs: Sequence[SealedEvidence]) -> BundleContent:
    """Everything a stranger needs to check this message without us (design.md 3, Proof bundle)."""
    message = item.message
    kept = kept_material(message)
    return BundleContent(
        envelope=vault.get(bytes(Envelope.objects.get(message=message).digest)),
        original=vault.get(bytes(message.original_digest)),
        proofs=tuple(BundleProof(each.intent.code, each.intent.recipient_no, bytes(each.xml)) for each in proofs),
        person_path=kept.path if kept else (),
        materials=kept.materials if kept else (),
    )


def _stem(message: Message) -> str:
    """A file name that says which message, in ASCII, without its subject."""
    return message.kep_id.partition("@")[0].removesuffix(".kep")
