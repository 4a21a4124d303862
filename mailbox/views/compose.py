"""`/yaz/`: writing. Every button posts the whole form; what was typed is kept before anything is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Acting, acting_of
from accounts.visit import visit_of
from directory.search import Resolved
from guards.clock import now as clock
from guards.errors import KepError
from mailbox import access, compose
from mailbox.errors import MayNotSend, NoRecipient, NoSubject, RecipientRefused, StaleState, TooManyRecipients
from mailbox.models import Draft
from mailbox.original import OriginalRefused, OriginalTooLarge

from .shown import Addressee

_OVERHEAD = 32_768  # headers, boundaries and the signature, for the estimate shown before signing


@dataclass(frozen=True)
class RecipientEntry:
    address: str
    name: str
    note: str = ""
    problem: str = ""
    problem_code: str = ""
    is_warning: bool = False
    suggestions: tuple[Addressee, ...] = ()


@dataclass(frozen=True)
class AttachmentEntry:
    public_id: str
    name: str
    size: int
    note: str = ""


@dataclass(frozen=True)
class DraftView:
    public_id: str | None
    subject: str
    text: str
    saved_at: datetime | None
    to: Sequence[RecipientEntry] = ()
    cc: Sequence[RecipientEntry] = ()
    attachments: Sequence[AttachmentEntry] = ()


@dataclass(frozen=True)
class BeforeSending:
    recipient_count: int
    package_size: int | None
    limit: int
    price: str = ""
    price_detail: str = ""
    balance_after: str = ""


@dataclass(frozen=True)
class FieldError:
    field_id: str
    message: str
    code: str


@dataclass(frozen=True)
class Trouble:
    """What did not happen, what is safe, and where to look."""

    title: str = ""
    errors: Sequence[FieldError] = ()
    by_field: Mapping[str, str] = field(default_factory=dict)


@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """`/yaz/`: an empty form; the draft row comes into being with the first save."""
    acting = acting_of(request)
    if not acting.rights.may_compose:
        raise MayNotSend("no right to compose")
    if request.method == "POST":
        return _posted(request, acting, compose.new_draft(acting, now=clock()))
    empty = DraftView(None, "", "", None)
    return _show(request, empty, before=BeforeSending(0, None, settings.KEP_ORIGINAL_LIMIT), public_id=None)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    """`/yaz/<id>/`: one draft of the acting account."""
    acting = acting_of(request)
    draft = access.draft_for(acting, public_id)
    if request.method == "POST":
        return _posted(request, acting, draft)
    return _show_draft(request, acting, draft)


@require_POST
def autosave(request: HttpRequest, public_id: str) -> HttpResponse:
    """Keep what was typed, without files; answers when it was kept."""
    acting = acting_of(request)
    draft = access.draft_for(acting, public_id)
    return _saved_json(_keep_typed(request, draft, now=clock()))


@require_POST
def detach(request: HttpRequest, public_id: str, attachment_id: str) -> HttpResponse:
    """Take one file out of a draft."""
    draft = access.draft_for(acting_of(request), public_id)
    compose.detach(draft, attachment_id, now=clock())
    return _back_to(draft, "#ekler")


@require_http_methods(["GET", "POST"])
def discard(request: HttpRequest, public_id: str) -> HttpResponse:
    """Delete a draft, after saying what is lost."""
    draft = access.draft_for(acting_of(request), public_id)
    if request.method == "POST":
        compose.discard(draft)
        return redirect("mailbox:drafts")
    shown = DraftView(draft.public_id, draft.subject, draft.text, draft.updated_at, attachments=_attachments_of(draft))
    cancel_url = reverse("mailbox:compose", args=[draft.public_id])
    return render(
        request, "mailbox/discard_confirm.html", {"draft": shown, "cancel_url": cancel_url, "folder": "drafts"}
    )


def _posted(request: HttpRequest, acting: Acting, draft: Draft) -> HttpResponse:
    now = clock()
    try:
        draft = _keep_typed(request, draft, now=now)
    except TooManyRecipients as refusal:  # everything else that was typed is kept
        return _show_draft(request, acting, draft, trouble=_trouble_of(refusal), status=refusal.status)
    if request.headers.get("X-Requested-With") == "fetch":
        return _saved_json(draft)
    try:
        draft = compose.attach(draft, _files(request, draft), now=now)
    except StaleState:
        raise  # perhaps it was sent meanwhile: no form of ours may say that nothing was
    except KepError as refusal:
        return _show_draft(request, acting, draft, trouble=_trouble_of(refusal), status=refusal.status)
    if request.POST.get("remove_attachment"):
        compose.detach(draft, request.POST["remove_attachment"], now=now)
        return _back_to(draft, "#ekler")
    if any(name in request.POST for name in ("remove_to", "remove_cc", "replace_to", "replace_cc")):
        return _back_to(draft, "#to_kutusu")
    action = request.POST.get("action", "save")
    if action == "sign":
        return _ask_signature(request, acting, draft, now=now)
    return _back_to(draft, "#to_kutusu" if action == "check_recipient" else "")


def _keep_typed(request: HttpRequest, draft: Draft, *, now: datetime) -> Draft:
    return compose.save_draft(
        draft,
        to=_addresses(request, "to"),
        cc=_addresses(request, "cc"),
        subject=" ".join(request.POST.get("subject", "").split()),
        text=request.POST.get("text", "").replace("\r\n", "\n"),
        now=now,
    )


def _ask_signature(request: HttpRequest, acting: Acting, draft: Draft, *, now: datetime) -> HttpResponse:
    try:
        compose.ask_signature(draft, acting=acting, visit=visit_of(request), now=now)
    except StaleState:
        raise
    except KepError as refusal:
        return _show_draft(request, acting, draft, trouble=_trouble_of(refusal), status=refusal.status)
    return redirect("mailbox:sign", draft.public_id)


def _addresses(request: HttpRequest, line: str) -> tuple[str, ...]:
    """The addresses of one recipient field: entries already there, the typed line split, one removed or replaced."""
    typed = [
        piece.strip()
        for value in request.POST.getlist(line)
        for piece in value.replace(";", ",").replace("\r", ",").replace("\n", ",").split(",")
    ]
    removed = request.POST.get(f"remove_{line}")
    replaced, _blank, replacement = request.POST.get(f"replace_{line}", "").partition(" ")
    kept = [replacement if each == replaced and replacement else each for each in typed if each and each != removed]
    return tuple(dict.fromkeys(kept))


def _files(request: HttpRequest, draft: Draft) -> list[compose.FileGiven]:
    """Uploaded files; refused before anything is read when they cannot fit in one original."""
    files = request.FILES.getlist("files")
    compose.refuse_oversize([*(each.size for each in files), *(each.size for each in draft.attachments.all())])
    return [compose.FileGiven(each.name, each.read()) for each in files]


def _show_draft(
    request: HttpRequest, acting: Acting, draft: Draft, *, trouble: Trouble | None = None, status: int = 200
) -> HttpResponse:
    to, cc = compose.resolve_recipients(draft, acting, now=clock())
    attachments = _attachments_of(draft)
    shown = DraftView(
        public_id=draft.public_id,
        subject=draft.subject,
        text=draft.text,
        saved_at=draft.updated_at,
        to=[_entry(each) for each in to],
        cc=[_entry(each) for each in cc],
        attachments=attachments,
    )
    before = BeforeSending(len(to) + len(cc), _package_size(draft, attachments), settings.KEP_ORIGINAL_LIMIT)
    reason = "" if acting.rights.may_sign_and_send else MayNotSend().for_person()
    return _show(
        request, shown, before=before, public_id=draft.public_id, trouble=trouble, reason=reason, status=status
    )


def _show(
    request: HttpRequest,
    draft: DraftView,
    *,
    before: BeforeSending,
    public_id: str | None,
    trouble: Trouble | None = None,
    reason: str = "",
    status: int = 200,
) -> HttpResponse:
    trouble = trouble or Trouble()
    action = reverse("mailbox:compose", args=[public_id]) if public_id else reverse("mailbox:compose_new")
    save = reverse("mailbox:draft_save", args=[public_id]) if public_id else action
    context = {
        "draft": draft,
        "to_typed": "",
        "cc_typed": "",
        "form_action": action,
        "save_url": save,
        "errors": trouble.errors,
        "field_errors": trouble.by_field,
        "error_title": trouble.title,
        "error_safe": _("Taslağınız duruyor, hiçbir şey gönderilmedi."),
        "before": before,
        "can_sign": not reason,
        "cannot_sign_reason": reason,
        "folder": "drafts" if public_id else "",
    }
    return render(request, "mailbox/compose.html", context, status=status)


def _trouble_of(refusal: KepError) -> Trouble:
    """Where on the form a refusal belongs; addresses are named one by one."""
    title = _("İletiniz imza adımına geçmedi")
    if isinstance(refusal, RecipientRefused):
        errors = [FieldError("id_to", f"{address}: {text}", code) for address, code, text in refusal.refusals]
        return Trouble(title, errors, {"to": refusal.for_person()})
    place = "text"
    if isinstance(refusal, NoRecipient | TooManyRecipients):
        place = "to"
    elif isinstance(refusal, OriginalTooLarge) or (
        isinstance(refusal, OriginalRefused) and ("file" in refusal.reason or "parts" in refusal.reason)
    ):
        place = "files"
    elif isinstance(refusal, NoSubject | OriginalRefused) and not refusal.reason.startswith("text"):
        place = "subject"
    text = refusal.for_person()
    return Trouble(title, [FieldError(f"id_{place}", text, refusal.code)], {place: text})


def _entry(resolved: Resolved) -> RecipientEntry:
    refusal = resolved.refusal
    note = ""
    if refusal is None:  # a name is shown only where the directory may show it (K-063)
        note = _("Rehberde, %(provider)s") % {"provider": resolved.provider} if resolved.name else resolved.provider
    return RecipientEntry(
        address=resolved.address,
        name=resolved.name,
        note=note,
        problem=refusal.for_person() if refusal else "",
        problem_code=refusal.code if refusal else "",
    )


def _attachments_of(draft: Draft) -> list[AttachmentEntry]:
    return [AttachmentEntry(each.public_id, each.filename, each.size) for each in draft.attachments.all()]


def _package_size(draft: Draft, attachments: Sequence[AttachmentEntry]) -> int:
    """Bytes of the finished original, estimated: base64 in lines of 76 grows everything by 78/57."""
    plain = len(draft.text.encode("utf-8", "replace")) + sum(each.size for each in attachments)
    return plain * 78 // 57 + _OVERHEAD


def _back_to(draft: Draft, anchor: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("mailbox:compose", args=[draft.public_id]) + anchor)


def _saved_json(draft: Draft) -> JsonResponse:
    return JsonResponse(
        {
            "saved": timezone.localtime(draft.updated_at).strftime("%H:%M"),
            "compose_url": reverse("mailbox:compose", args=[draft.public_id]),
            "save_url": reverse("mailbox:draft_save", args=[draft.public_id]),
        }
    )
