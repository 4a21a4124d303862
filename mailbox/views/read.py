"""`/ileti/<id>/`: a message as its box sees it. A GET changes nothing; opening is a POST (V-039)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import acting_of
from accounts.identity import mask_tckn
from accounts.visit import visit_of
from evidence import vault
from evidence.anchors import Verdict
from guards.clock import now as clock
from guards.mime import HeadersDiffer
from mailbox import access, submit, takeout, verdicts
from mailbox.models import BoxItem, Message, Recipient
from mailbox.original import Original, OriginalRefused, read_original
from mailbox.reading import Reader, open_message, readable
from mailbox.state_names import MessageState, RecipientState

from .shown import Addressee, Trail, initials, trail_of, trail_of_all
from .steps import Timeline, standing_of, timelines_of

WORDS = {Verdict.VALID: "valid", Verdict.INVALID: "invalid", Verdict.INDETERMINATE: "indeterminate"}


@dataclass(frozen=True)
class SenderCard:
    name: str
    initials: str
    address: str
    signed_by: str = ""
    role: str = ""
    tckn: str = ""


@dataclass(frozen=True)
class SignatureCheck:
    verdict: str
    text: str


@dataclass(frozen=True)
class CheckDetail:
    label: str
    value: object


@dataclass(frozen=True)
class AttachmentRow:
    name: str
    size: int
    note: str
    digest: str
    url: str


@dataclass(frozen=True)
class MessageView:
    public_id: str
    direction: str
    is_unopened: bool
    subject: str
    kind_label: str
    number: str
    sender: SenderCard
    to: Sequence[Addressee]
    cc: Sequence[Addressee]
    sent_at: datetime
    glance: Trail
    glance_rest: str
    standing: str
    standing_kind: str
    timelines: Sequence[Timeline]
    text: str = ""
    are_headers_signed: bool = True
    checks: Sequence[SignatureCheck] = ()
    details: Sequence[CheckDetail] = ()
    attachments: Sequence[AttachmentRow] = ()
    bundle_url: str = ""
    message_url: str = ""
    original_url: str = ""
    retention: str = ""
    withdraw_url: str = ""


@require_GET
def message(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the item; an unopened one shows its envelope data and the button that opens it."""
    acting, now = acting_of(request), clock()
    item = access.item_for(acting, public_id)
    letter = _letter(item, now=now)
    is_inbox = item.folder == BoxItem.Folder.INBOX
    context = {
        "letter": letter,
        "open_url": reverse("mailbox:open", args=[public_id]),
        "opens_until": item.recipient.term_ends_at if letter.is_unopened else None,
        "back_url": reverse("mailbox:inbox" if is_inbox else "mailbox:sent"),
        "back_label": _("Gelen Kutusu") if is_inbox else _("Gönderilenler"),
        "folder": "inbox" if is_inbox else "sent",
        "now": now,
    }
    return render(request, "mailbox/message.html", context)


@require_POST
def open_item(request: HttpRequest, public_id: str) -> HttpResponse:
    """Open an unread item: the one act that makes proof 60."""
    acting = acting_of(request)
    item = access.item_for(acting, public_id)
    visit = visit_of(request)
    reader = Reader(acting, visit.opened_at, visit.method)
    open_message(item, reader=reader, now=clock())
    return redirect("mailbox:message", public_id)


@require_POST
def withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a message back while it is still being checked; afterwards there is no way back (K-096)."""
    acting = acting_of(request)
    item = access.item_for(acting, public_id)
    submit.withdraw(item.message, acting=acting, now=clock())
    draft = item.message.draft
    return redirect("mailbox:compose", draft.public_id) if draft else redirect("mailbox:sent")


def _letter(item: BoxItem, *, now: datetime) -> MessageView:
    message = item.message
    recipients = list(message.recipients.all())
    proofs = takeout.proofs_for(item)
    is_open = readable(item)
    is_final = message.original_digest is not None
    original = _readable_original(message) if is_open and is_final else None
    shown = [item.recipient] if item.recipient else recipients
    standing, standing_kind = standing_of(message, shown)
    own = MessageView(
        public_id=item.public_id,
        direction="received" if item.recipient else "sent",
        is_unopened=not is_open,
        subject=message.subject,
        kind_label=_("KEP iletisi"),
        number=message.kep_id.partition("@")[0].removesuffix(".kep"),
        sender=SenderCard(message.sender_name, initials(message.sender_name), message.sender_address),
        to=[Addressee(each.name, each.address) for each in recipients if not each.is_cc],
        cc=[Addressee(each.name, each.address) for each in recipients if each.is_cc],
        sent_at=message.submitted_at,
        glance=trail_of(message, item.recipient) if item.recipient else trail_of_all(message, recipients),
        glance_rest=_rest(shown),
        standing=standing,
        standing_kind=standing_kind,
        timelines=timelines_of(item, shown, proofs),
        retention=_("İleti silinse de delilleri 20 yıl saklanır."),
        withdraw_url=reverse("mailbox:withdraw", args=[item.public_id])
        if item.recipient is None and message.state == MessageState.CHECKING
        else "",
    )
    return _with_content(own, item, original, now=now) if original else own


def _readable_original(message: Message) -> Original | None:
    """The original, or None for one that was refused because it cannot be read: its proof 11 is shown all the same."""
    try:
        return read_original(vault.get(bytes(message.original_digest)))
    except (HeadersDiffer, OriginalRefused):
        if message.state == MessageState.REJECTED:
            return None
        raise


def _with_content(letter: MessageView, item: BoxItem, original: Original, *, now: datetime) -> MessageView:
    message = item.message
    persons = verdicts.persons_signature(message, original, now=now)
    providers = verdicts.providers_signature(message)
    released = message.released_at is not None
    sender = SenderCard(
        letter.sender.name,
        letter.sender.initials,
        letter.sender.address,
        signed_by=persons.signer_name,
        tckn=mask_tckn(message.submitted_by.tckn),
    )
    accepted = message.state == MessageState.ACCEPTED
    changed = {
        "sender": sender,
        "text": original.text,
        "are_headers_signed": original.protected,
        "checks": _checks(persons, providers),
        "details": _details(persons, providers),
        "attachments": _attachments(item, original),
        "bundle_url": reverse("mailbox:download_bundle", args=[item.public_id]) if released else "",
        "message_url": reverse("mailbox:download_message", args=[item.public_id]) if released else "",
        "original_url": reverse("mailbox:download_original", args=[item.public_id]),
        "to": letter.to or [Addressee(each.name, each.address) for each in original.to],
        "cc": letter.cc or ([] if accepted else [Addressee(each.name, each.address) for each in original.cc]),
    }
    return MessageView(**{**letter.__dict__, **changed})


def _checks(persons: verdicts.SignatureVerdict, providers: verdicts.SignatureVerdict | None) -> list[SignatureCheck]:
    who = _("%(name)s tarafından atılan güvenli elektronik imza") % {"name": persons.signer_name or _("Gönderen")}
    lines = [SignatureCheck(WORDS[persons.verdict], _joined(who, persons.reasons))]
    if providers is not None:
        lines.append(
            SignatureCheck(
                WORDS[providers.verdict],
                _joined(_("KEP zarfı: sağlayıcının işlem sertifikası ve zaman damgası"), providers.reasons),
            )
        )
    if persons.revocation_state == "PREMATURE":
        lines.append(
            SignatureCheck(
                "indeterminate",
                _("Sertifikanın iptal durumu: imzadan sonra yayımlanan iptal listesi bekleniyor, en geç 24 saat."),
            )
        )
    return lines


def _details(persons: verdicts.SignatureVerdict, providers: verdicts.SignatureVerdict | None) -> list[CheckDetail]:
    rows = [
        CheckDetail(_("İmzalayan"), persons.signer_name),
        CheckDetail(_("Sertifikayı veren"), persons.issuer_name),
        CheckDetail(_("Sertifika seri no"), persons.serial),
        CheckDetail(_("İmza zamanı (damga)"), persons.stamped_at or _("Zaman damgası yok")),
        CheckDetail(_("Damgalayan"), persons.stamped_by),
    ]
    if providers is not None:
        rows += [
            CheckDetail(_("Zarfı imzalayan"), providers.signer_name),
            CheckDetail(_("Zarf zaman damgası"), providers.stamped_at or _("Zaman damgası yok")),
        ]
    return [row for row in rows if row.value]


def _attachments(item: BoxItem, original: Original) -> list[AttachmentRow]:
    return [
        AttachmentRow(
            name=each.filename,
            size=each.size,
            note="",
            digest="",
            url=reverse("mailbox:attachment", args=[item.public_id, number]),
        )
        for number, each in enumerate(original.attachments, start=1)
    ]


def _rest(recipients: Sequence[Recipient]) -> str:
    if len(recipients) == 1 and recipients[0].state == RecipientState.DELIVERED:
        return _("okunması bekleniyor")
    return ""


def _joined(what: str, reasons: Sequence[str]) -> str:
    return f"{what}. {' '.join(reasons)}" if reasons else what
