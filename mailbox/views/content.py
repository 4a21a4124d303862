"""What the content origin hands out: attachments of opened items, and nothing else (V-054).

`kepweb.content_origin` owns the host, its headers and the short-lived link; here is only the question which
bytes a link's part stands for, asked with the eyes of the visit in which the link was made.
"""

from dataclasses import dataclass

from django.http import HttpRequest

from accounts.access import acting_of
from evidence import vault
from guards.mime import decoded_body
from mailbox import access
from mailbox.errors import NotYours
from mailbox.original import read_original
from mailbox.reading import refuse_unread


@dataclass(frozen=True)
class AttachmentFile:
    """One attachment as it leaves: name, declared type, exact bytes."""

    filename: str
    content_type: str
    raw: bytes


def part_name(item_public_id: str, number: int) -> str:
    """How a link names attachment `number` (from 1) of an item."""
    return f"{item_public_id}:{number}"


def attachment(request: HttpRequest, part: str) -> AttachmentFile:
    """The attachment a link stands for; the item is looked up for the person and account of the visit."""
    item_id, _, number = part.partition(":")
    item = access.item_for(acting_of(request), item_id)
    refuse_unread(item)
    if item.message.original_digest is None:
        raise NotYours("the original is not final yet")
    files = read_original(vault.get(bytes(item.message.original_digest))).attachments
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= len(files)):
        raise NotYours("no such part")
    file = files[int(number) - 1]
    return AttachmentFile(file.filename, file.content_type, decoded_body(file.part))
