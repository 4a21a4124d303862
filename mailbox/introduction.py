"""The human-readable first part of a KEP message (K-100): what this is, who sent it, how to check it.

It is signed like everything else in the envelope but proves nothing by itself; it says so.
"""

from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import translation

from evidence.models import SealedEvidence

from .models import Message


@dataclass(frozen=True)
class Introduction:
    """The same words as plain text and as HTML."""

    text: str
    html: str


def introduction(message: Message, acceptance: SealedEvidence) -> Introduction:
    """Render both forms; the wording is Turkish whatever the reader's language, because it is part of the record."""
    facts = {"message": message, "acceptance": acceptance, "recipients": list(message.recipients.all())}
    with translation.override("tr"):
        return Introduction(
            text=render_to_string("mailbox/introduction.txt", facts),
            html=render_to_string("mailbox/introduction.html", facts),
        )
