"""Writing: drafts on the server, and the octets that will be signed.

A draft is the person's own; nothing about it is evidence (K-097). Every change counts its version up and ends
an open signing operation, so that a signature can only ever belong to what was shown. `ask_signature` builds
the original's signed part once, from the draft as it stands, and hands it to the signing floor; from then on
those bytes are the message, and nobody builds them again.
"""

import mimetypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.access import Acting
from accounts.visit import Visit
from directory.search import Resolved, resolve, resolve_each
from evidence import vault
from evidence.facts import Party
from guards.ids import could_be_public_id, uuid7_hex
from guards.mime import Address
from signing import operations
from signing.operations import Asked

from . import backlog
from .errors import MayNotSend, NoRecipient, NoSubject, RecipientRefused, StaleState, TooManyRecipients
from .models import Draft, DraftAttachment
from .original import SIGNATURE_ROOM, AttachmentContent, DraftContent, OriginalTooLarge, build_signed_part

PURPOSE = "message"
SIGNED_PART_TYPE = "multipart/mixed"
_SAFE_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class FileGiven:
    """A file as it was uploaded: name and bytes; the type is decided by us, not by the sender's browser."""

    name: str
    raw: bytes


def new_draft(acting: Acting, *, now: datetime) -> Draft:
    """An empty draft of the acting account; `MayNotSend` for receive-only accounts (K-011) and without the right."""
    if not acting.rights.may_compose:
        raise MayNotSend("no right to compose")
    return Draft.objects.create(account=acting.account, author=acting.person, created_at=now, updated_at=now)


def save_draft(draft: Draft, *, to: Sequence[str], cc: Sequence[str], subject: str, text: str, now: datetime) -> Draft:
    """Keep what was written, as it was written: addresses are not judged here. Unchanged input changes nothing.

    `TooManyRecipients` when there are more than one message may have: text, subject and the first of them are kept.
    """
    most = settings.KEP_MOST_RECIPIENTS
    kept_cc = cc[: max(0, most - len(to))]
    given = {"to_lines": "\n".join(to[:most]), "cc_lines": "\n".join(kept_cc), "subject": subject, "text": text}
    if any(getattr(draft, name) != value for name, value in given.items()):
        _change(draft, given, now=now)
    refuse_too_many(to, cc)
    return draft


def attach(draft: Draft, files: Sequence[FileGiven], *, now: datetime) -> Draft:
    """Add files at the end, in order. Empty files are files. The bytes are on disk before the row names them.

    `OriginalTooLarge`, with nothing stored, when they and the files already there cannot fit into one original.
    """
    if not files:
        return draft
    refuse_oversize([*draft.attachments.values_list("size", flat=True), *(len(each.raw) for each in files)])
    kept = [(each, vault.put(each.raw)) for each in files]
    with transaction.atomic():
        _change(draft, {}, now=now)  # holds the draft's row: files from another window get the next places
        last = draft.attachments.order_by("-position").values_list("position", flat=True).first() or 0
        DraftAttachment.objects.bulk_create(
            DraftAttachment(
                draft=draft,
                position=last + offset,
                filename=each.name,
                content_type=content_type_of(each.name),
                size=len(each.raw),
                digest=digest,
            )
            for offset, (each, digest) in enumerate(kept, start=1)
        )
    return draft


def detach(draft: Draft, attachment_id: str, *, now: datetime) -> Draft:
    """Take one file out; an id that is not of this draft changes nothing."""
    if not could_be_public_id(attachment_id):
        return draft
    with transaction.atomic():
        deleted, _ = draft.attachments.filter(public_id=attachment_id).delete()
        return _change(draft, {}, now=now) if deleted else draft


def discard(draft: Draft) -> None:
    """Delete the draft for good; an open signing operation ends with it. `StaleState` if it was sent meanwhile."""
    with transaction.atomic():
        operations.cancel_for(reference=draft.public_id, purpose=PURPOSE)
        if not Draft.objects.filter(pk=draft.pk, submitted_at__isnull=True).update(version=F("version") + 1):
            raise StaleState("the draft was submitted or deleted meanwhile")
        draft.delete()


def content_type_of(filename: str) -> str:
    """The media type of a file by its name; anything unknown, or a container we would have to open, is octets."""
    guessed, encoding = mimetypes.guess_type(f"/{filename}", strict=True)  # a path: no name is an address
    if guessed is None or encoding or guessed.startswith(("multipart/", "message/")):
        return _SAFE_TYPE
    return guessed


def refuse_oversize(sizes: Iterable[int]) -> None:
    """Raise `OriginalTooLarge` for files, in bytes, that base64 in lines of 76 makes larger than an original may be."""
    size = sum(each * 78 // 57 for each in sizes) + SIGNATURE_ROOM
    if size > settings.KEP_ORIGINAL_LIMIT:
        raise OriginalTooLarge("files too large", size=size, limit=settings.KEP_ORIGINAL_LIMIT)


def lines(text: str) -> tuple[str, ...]:
    """The addresses of a stored recipient field."""
    return tuple(line for line in text.split("\n") if line)


def resolve_recipients(
    draft: Draft, acting: Acting, *, now: datetime
) -> tuple[tuple[Resolved, ...], tuple[Resolved, ...]]:
    """To and Cc of the draft as the directory knows them: one look-up for both (K-071)."""
    to, cc = lines(draft.to_lines), lines(draft.cc_lines)
    found = resolve((*to, *cc), asker=acting.account, now=now)
    return found[: len(to)], found[len(to) :]


def resolve_drafts(drafts: Sequence[Draft], *, now: datetime) -> list[tuple[Resolved, ...]]:
    """To and then Cc of each draft as the directory knows them now: one look-up for all."""
    questions = [((*lines(draft.to_lines), *lines(draft.cc_lines)), draft.account) for draft in drafts]
    return resolve_each(questions, now=now)


def ask_signature(draft: Draft, *, acting: Acting, visit: Visit, now: datetime) -> Asked:
    """Build what is to be signed and open the signing operation (design.md 4).

    Refuses, with the draft untouched: `MayNotSend`, `QueueFull`, `NoRecipient`, `TooManyRecipients`, `NoSubject`,
    `RecipientRefused`, `OriginalRefused` and `OriginalTooLarge`; `StaleState` when it changed or was sent meanwhile;
    and whatever the signing floor refuses.
    """
    if not acting.rights.may_sign_and_send:
        raise MayNotSend("no right to sign and send")
    backlog.refuse_when_full(now=now)
    signed_part = content_to_sign(draft, acting=acting, now=now)
    with transaction.atomic():
        # the operation before the draft, as the submission locks them: the other way round they could wait in a ring
        operations.cancel_for(reference=draft.public_id, purpose=PURPOSE)
        unchanged = Draft.objects.filter(pk=draft.pk, version=draft.version, submitted_at__isnull=True).update(
            signed_in_at=visit.opened_at, sign_in_method=visit.method, visit_ends_at=visit.ends_at, returned_code=""
        )
        if not unchanged:
            raise StaleState("the draft changed while it was being built")
        return operations.ask(
            purpose=PURPOSE,
            person=acting.person.pk,
            tckn=acting.person.tckn,
            acting_for=f"{acting.account.holder.name} <{acting.account.address}>",
            reference=draft.public_id,
            reference_version=str(draft.version),
            content=signed_part,
            content_type=SIGNED_PART_TYPE,
            now=now,
        )


def content_to_sign(draft: Draft, *, acting: Acting, now: datetime) -> bytes:
    """The exact octets to sign: the original's signed part with its protected headers (design.md 1.3)."""
    refuse_too_many(lines(draft.to_lines), lines(draft.cc_lines))
    to, cc = resolve_recipients(draft, acting, now=now)
    if not to:
        raise NoRecipient("no recipient in To")
    if not any(letter.isprintable() and not letter.isspace() for letter in draft.subject):
        raise NoSubject("no subject")
    refuse_unreachable((*to, *cc))
    account = acting.account
    return build_signed_part(
        DraftContent(
            from_=Address(account.holder.name, account.address),
            to=tuple(Address(each.name, each.address) for each in to),
            cc=tuple(Address(each.name, each.address) for each in cc),
            subject=draft.subject,
            text=draft.text,
            attachments=tuple(
                AttachmentContent(each.filename, each.content_type, vault.get(bytes(each.digest)))
                for each in draft.attachments.all()
            ),
            date=now,
            message_id=f"<{uuid7_hex(int(now.timestamp() * 1000))}@{settings.KEP_PROVIDER_DOMAIN}>",
        )
    )


def refuse_too_many(to: Sequence[str], cc: Sequence[str]) -> None:
    """Raise `TooManyRecipients` for more addresses than one message may have."""
    if len(to) + len(cc) > settings.KEP_MOST_RECIPIENTS:
        raise TooManyRecipients("too many recipients", limit=settings.KEP_MOST_RECIPIENTS)


def refuse_unreachable(recipients: Sequence[Resolved]) -> None:
    """Raise `RecipientRefused` naming every address that cannot take a message, each with its own reason."""
    refused = [each for each in recipients if each.refusal is not None]
    if refused:
        raise RecipientRefused(
            "addresses refused",
            addresses=", ".join(each.address for each in refused),
            refusals=tuple((each.address, each.refusal.code, each.refusal.for_person()) for each in refused),
        )


def parties(recipients: Sequence[Resolved]) -> tuple[Party, ...]:
    """The addressees as a proof states them."""
    return tuple(Party(each.address, each.name) for each in recipients)


def _change(draft: Draft, values: dict[str, str], *, now: datetime) -> Draft:
    """Write a change: version up, open signing ended, all in one transaction; `StaleState` if it is gone."""
    with transaction.atomic():
        operations.cancel_for(reference=draft.public_id, purpose=PURPOSE)
        changed = Draft.objects.filter(pk=draft.pk, submitted_at__isnull=True).update(
            **values, version=F("version") + 1, updated_at=now
        )
        if not changed:
            raise StaleState("the draft was submitted or deleted meanwhile")
    draft.refresh_from_db()
    return draft
