"""`/kapali-hesap/`: the proofs of a closed account, for its former holder (K-035).

Looking back is not reading: nothing unread is opened here, no content is shown, and a bundle, which carries the
message itself, is given only where the message was opened while the account was in use, or was sent from it. Every
look is a line in the event log; none changes anything of the account.
"""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from accounts import former, lifecycle
from accounts.former import Former
from accounts.lifecycle import Closing
from accounts.models import Person
from evidence import eventlog
from guards.clock import now as clock
from mailbox import access, folders, takeout
from mailbox.models import BoxItem
from mailbox.reading import readable

from .downloads import download
from .folders import MessageRow, inbox_row, sent_row
from .shown import Addressee
from .steps import standing_of, timelines_of

CLOSED_BECAUSE = {
    Closing.REQUEST: gettext_lazy("hesap sahibinin isteği"),
    Closing.CONTRACT_END: gettext_lazy("sözleşmenin sona ermesi"),
    Closing.FALSE_DATA: gettext_lazy("gerçeğe aykırı bilgi"),
    Closing.DEATH: gettext_lazy("ölüm"),
    Closing.DISSOLUTION: gettext_lazy("tüzel kişiliğin sona ermesi"),
    Closing.AUTHORITY: gettext_lazy("yetkili merciin kararı"),
}
INBOX, SENT_BOX = "gelen", "giden"
"""How an address names the two lists."""


@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    """The closed accounts of the person."""
    person = request.user
    found = former.closed_accounts_of(person, now=clock()) if isinstance(person, Person) else ()
    return render(request, "mailbox/closed_accounts.html", {"accounts": found})


@require_GET
def account(request: HttpRequest, account: str) -> HttpResponse:
    """What came and what went, newest first, fifty on a page; `?kutu=giden` for what was sent."""
    looking = former.former_of(request.user, account, now=clock())
    is_sent = request.GET.get("kutu") == SENT_BOX
    listed = folders.sent if is_sent else folders.inbox
    page = listed(looking.account, folders.read_cursor(request.GET.get("sayfa", "")))
    box_url = f"{request.path}?kutu={SENT_BOX if is_sent else INBOX}"
    context = {
        "account": looking.account,
        "reason": _reason(looking),
        "is_sent": is_sent,
        "now": clock(),
        "page": {
            "rows": [_row(looking, item, is_sent=is_sent) for item in page.items],
            "previous_url": f"{box_url}&sayfa={page.newer.written()}" if page.newer else None,
            "next_url": f"{box_url}&sayfa={page.older.written()}" if page.older else None,
        },
    }
    return render(request, "mailbox/closed_account.html", context)


@require_GET
def item(request: HttpRequest, account: str, public_id: str) -> HttpResponse:
    """The proofs of one message."""
    looking = former.former_of(request.user, account, now=clock())
    found = access.left_item(looking, public_id)
    message, proofs = found.message, takeout.proofs_for(found)
    recipients = list(message.recipients.all())
    shown = [found.recipient] if found.recipient else recipients

    def fetched_at(_item: BoxItem, code: int, recipient_no: int) -> str:
        return reverse("mailbox:closed_proof", args=[account, public_id, code, recipient_no])

    # of what can no longer be opened nobody says that its reading is awaited
    standing, standing_kind = standing_of(message, shown) if readable(found) else ("", "")
    has_bundle = readable(found) and message.released_at is not None
    letter = {
        "to": [Addressee(each.name, each.address) for each in recipients if not each.is_cc],
        "cc": [Addressee(each.name, each.address) for each in recipients if each.is_cc],
        "standing": standing,
        "standing_kind": standing_kind,
        "timelines": timelines_of(found, shown, proofs, fetched_at=fetched_at),
        "bundle_url": reverse("mailbox:closed_bundle", args=[account, public_id]) if has_bundle else "",
        "retention": _("Deliller hesap kapandıktan sonra da 20 yıl saklanır."),
    }
    box = SENT_BOX if found.recipient is None else INBOX
    context = {
        "account": looking.account,
        "message": message,
        "letter": letter,
        "is_unread": not readable(found),
        "back_url": f"{reverse('mailbox:closed_account', args=[account])}?kutu={box}",
    }
    return render(request, "mailbox/closed_item.html", context)


@require_GET
def proof(request: HttpRequest, account: str, public_id: str, code: int, recipient_no: int) -> HttpResponse:
    """One sealed proof (XML)."""
    looking = former.former_of(request.user, account, now=clock())
    found = access.left_item(looking, public_id)
    file = takeout.proof(found, code=code, recipient_no=recipient_no)
    _note(looking, found, "closed.proof_taken")
    return download(file)


@require_http_methods(["GET", "POST"])
def bundle(request: HttpRequest, account: str, public_id: str) -> HttpResponse:
    """The proof bundle: asked by POST, fetched by GET once the sealing worker has made it (V-039)."""
    looking = former.former_of(request.user, account, now=clock())
    found = access.left_item(looking, public_id)
    if request.method == "POST":
        takeout.ask_bundle(found, asked_by=str(looking.person.pk), now=clock())
        return redirect("mailbox:closed_bundle", account, public_id)
    asked = takeout.asked_bundle(found)
    finished = takeout.finished_bundle(found, asked) if asked else None
    if finished is not None:
        _note(looking, found, "closed.bundle_taken")
        return download(finished)
    context = {"account": looking.account, "item": found, "is_asked": bool(asked)}
    return render(request, "mailbox/closed_bundle.html", context, status=202 if asked else 404)


def _reason(looking: Former) -> str:
    reason = lifecycle.closing_of(looking.account)
    return str(CLOSED_BECAUSE[reason]) if reason else ""


def _row(looking: Former, item: BoxItem, *, is_sent: bool) -> MessageRow:
    url = reverse("mailbox:closed_item", args=[looking.account.public_id, item.public_id])
    return sent_row(item, url) if is_sent else inbox_row(item, url, now=clock())


def _note(looking: Former, item: BoxItem, kind: str) -> None:
    with transaction.atomic():
        eventlog.append(
            kind,
            at=clock(),
            actor=f"person:{looking.person.pk}",
            subject=item.message.kep_id,
            facts={"account": looking.account.public_id},
        )
