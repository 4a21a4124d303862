"""What the screens show: small frozen values that templates print and nothing else (screens, parts).

The words of a state are chosen here once, so that list, glance line and timeline can never disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from mailbox.models import Message, Recipient
from mailbox.state_names import MessageState, RecipientState

EXISTS, AWAITED, NEGATIVE = "exists", "awaited", "negative"
KIND_LABELS = {"standart": "KEP"}


@dataclass(frozen=True)
class Trail:
    """Evidence in one line: three points and the word of the last step, never without its word."""

    points: tuple[str, str, str]
    word: str
    is_final: bool = False


@dataclass(frozen=True)
class Remaining:
    """Time left until an unread message counts as read."""

    words: str
    until: str
    state: str


@dataclass(frozen=True)
class Addressee:
    """A name and an address, as a screen prints them."""

    name: str
    address: str


def trail_of(message: Message, recipient: Recipient | None) -> Trail:
    """The trail of one recipient, or of the message while it has none."""
    if message.state == MessageState.REJECTED:
        return Trail((NEGATIVE, AWAITED, AWAITED), _("Reddedildi"), is_final=True)
    if message.state == MessageState.RETURNED:
        return Trail((AWAITED, AWAITED, AWAITED), str(MessageState.RETURNED.label), is_final=True)
    if recipient is None or message.state != MessageState.ACCEPTED:
        return Trail((AWAITED, AWAITED, AWAITED), _("Denetleniyor"))
    if message.released_at is None:  # accepted in law, but nothing is called so before proof 10 is sealed
        return Trail((AWAITED, AWAITED, AWAITED), _("Alındı"))
    return _trail_of_state(RecipientState(recipient.state))


def trail_of_all(message: Message, recipients: Sequence[Recipient]) -> Trail:
    """The trail of a sent message: of a recipient it did not reach, else of the one who is least far."""
    if message.state != MessageState.ACCEPTED or not recipients:
        return trail_of(message, None)
    return trail_of(message, min(recipients, key=_what_matters))


def _what_matters(recipient: Recipient) -> tuple[bool, int]:
    points = _TRAILS[RecipientState(recipient.state)][0]
    return NEGATIVE not in points, points.count(EXISTS)


def remaining_of(recipient: Recipient, *, now: datetime) -> Remaining | None:
    """What is left of the reading term; None once it no longer runs."""
    if recipient.state != RecipientState.DELIVERED or recipient.term_ends_at is None:
        return None
    until = date_format(timezone.localtime(recipient.term_ends_at), "j F H:i")
    left = recipient.term_ends_at - now
    hours = int(left.total_seconds() // 3600)
    if left.total_seconds() <= 0:
        return Remaining(_("Süre doldu"), until, "ended")
    if hours < 1:
        return Remaining(_("1 saatten az"), until, "short")
    words = ngettext("%(hours)d saat", "%(hours)d saat", hours) % {"hours": hours}
    return Remaining(words, until, "short" if hours < 6 else "running")


def initials(name: str) -> str:
    """Two letters of a name for the sender's tile; Turkish capitals (I-016)."""
    letters = [word[0] for word in name.split() if word[:1].isalpha()]
    return "".join(letters[:2]).replace("i", "İ").replace("ı", "I").upper()


def _trail_of_state(state: RecipientState) -> Trail:
    points, word, is_final = _TRAILS[state]
    return Trail(points, str(word), is_final)


_WAY = (EXISTS, AWAITED, AWAITED)
_LOST = (EXISTS, NEGATIVE, AWAITED)
_BOXED = (EXISTS, EXISTS, AWAITED)
_DONE = (EXISTS, EXISTS, EXISTS)


_S = RecipientState
_TRAILS: dict[RecipientState, tuple[tuple[str, str, str], object, bool]] = {
    _S.ACCEPTED: (_WAY, gettext_lazy("Kabul · yolda"), False),
    _S.DELIVERING: (_WAY, gettext_lazy("Kabul · yolda"), False),
    _S.RELAYING: (_WAY, gettext_lazy("Kabul · yolda"), False),
    _S.RELAYED: (_WAY, gettext_lazy("Kabul · yolda"), False),
    _S.REFUSED: (_LOST, gettext_lazy("Teslim edilemedi"), True),
    _S.RELAY_REJECTED: (_LOST, gettext_lazy("Teslim edilemedi"), True),
    _S.RELAY_FAILED: (_LOST, gettext_lazy("Teslim edilemedi"), True),
    _S.DELIVERED: (_BOXED, gettext_lazy("Teslim"), False),
    _S.UNDELIVERED: (_LOST, gettext_lazy("Teslim edilemedi"), True),
    _S.READ: (_DONE, gettext_lazy("Okundu"), True),
    _S.DEEMED_READ: (_DONE, gettext_lazy("Okunmuş sayıldı"), True),
}
