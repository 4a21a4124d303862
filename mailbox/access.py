"""The one careful road to a draft and to an item: by public id, person and account together (V-040).

Whoever asks for another's id hears exactly what he hears for an id that does not exist. The right to read or
to compose is asked here too, so that no view can forget it; it comes from the rows of this very request
(V-043), through `accounts.access`.
"""

from accounts.access import Acting
from accounts.former import Former
from accounts.models import KepAccount
from guards.ids import could_be_public_id

from .errors import MayNotRead, MayNotSend, NotYours
from .models import BoxItem, Draft


def draft_for(acting: Acting, public_id: str) -> Draft:
    """The open draft of the acting account, with its attachments; `MayNotSend` or `NotYours`."""
    if not acting.rights.may_compose:
        raise MayNotSend("no right to compose")
    if not could_be_public_id(public_id):
        raise NotYours("no such draft")
    draft = (
        Draft.objects.filter(public_id=public_id, account=acting.account, submitted_at__isnull=True)
        .prefetch_related("attachments")
        .first()
    )
    if draft is None:
        raise NotYours("no such draft")
    return draft


def submitted_draft_for(acting: Acting, public_id: str) -> Draft:
    """A draft of the acting account, submitted or not: for the signing page, which outlives the submission."""
    if not acting.rights.may_compose:
        raise MayNotSend("no right to compose")
    if not could_be_public_id(public_id):
        raise NotYours("no such draft")
    draft = Draft.objects.filter(public_id=public_id, account=acting.account).prefetch_related("attachments").first()
    if draft is None:
        raise NotYours("no such draft")
    return draft


def item_for(acting: Acting, public_id: str) -> BoxItem:
    """The box item of the acting account with its message and recipients; `MayNotRead` or `NotYours`."""
    if not acting.rights.may_read:
        raise MayNotRead("no right to read")
    return _item(acting.account, public_id)


def left_item(looking: Former, public_id: str) -> BoxItem:
    """The box item of a closed account for its former holder, for its proofs (K-035); `NotYours` otherwise."""
    return _item(looking.account, public_id)


def _item(account: KepAccount, public_id: str) -> BoxItem:
    if not could_be_public_id(public_id):
        raise NotYours("no such item")
    item = (
        BoxItem.objects.filter(public_id=public_id, account=account)
        .select_related("message", "message__submitted_by", "recipient", "account")
        .prefetch_related("message__recipients")
        .first()
    )
    if item is None:
        raise NotYours("no such item")
    return item
