"""`/yaz/<id>/imza/`: the hand-over to the signer, step by step, until the message is accepted (design.md 4).

The page only watches. The signature arrives at the signing floor from another program, a worker submits it, and
this page, whether open or not, changes nothing about that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Acting, acting_of
from accounts.doors import unattended
from accounts.visit import visit_of
from guards.clock import now as clock
from guards.refusal_texts import text_of_code
from mailbox import access, compose, folders
from mailbox.models import Draft, Message
from mailbox.state_names import MessageState
from mailbox.trouble import text_of_hold
from signing import operations
from signing.models import SigningOperation

from .shown import Addressee

State = SigningOperation.State


@dataclass(frozen=True)
class SigningView:
    state: str
    comparison: str = ""
    code: str | None = None
    signer_url: str = ""
    expires_at: datetime | None = None
    is_claimed: bool = False
    failure_message: str = ""
    failure_code: str = ""
    held_message: str = ""


@dataclass(frozen=True)
class FileShown:
    name: str
    size: int


@dataclass(frozen=True)
class SignSummary:
    account_name: str
    account_address: str
    to: Sequence[Addressee]
    cc: Sequence[Addressee]
    subject: str
    attachments: Sequence[FileShown]
    digest: str
    package_size: int
    price: str = ""


@require_http_methods(["GET", "POST"])
def sign(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show where the signature stands; a POST asks anew for the draft as it is now."""
    acting, now = acting_of(request), clock()
    if request.method == "POST":
        draft = access.draft_for(acting, public_id)
        compose.ask_signature(draft, acting=acting, visit=visit_of(request), now=now)
        return redirect("mailbox:sign", public_id)
    draft = access.submitted_draft_for(acting, public_id)
    operation = _operation(acting, draft)
    message = folders.message_of_draft(draft)
    if operation is None:
        return redirect("mailbox:compose", public_id)
    view = _view(operation, _message_of(operation, message), now=now)
    context = {
        "operation": view,
        "state_url": reverse("mailbox:sign_state", args=[public_id]),
        "summary": _summary(draft, acting, operation, now=now),
        "message_url": _message_url(acting, message) if view.state == "accepted" else "",
        "draft_url": reverse("mailbox:compose", args=[public_id]) if draft.submitted_at is None else "",
        "public_id": public_id,
        "folder": "awaiting",
        "now": now,
    }
    return render(request, "mailbox/sign.html", context)


@unattended
@require_GET
def state(request: HttpRequest, public_id: str) -> JsonResponse:
    """The state word of the page, for its watcher."""
    acting, now = acting_of(request), clock()
    draft = access.submitted_draft_for(acting, public_id)
    operation = _operation(acting, draft)
    if operation is None:
        return JsonResponse({"state": "cancelled", "held": False, "url": ""})
    view = _view(operation, _message_of(operation, folders.message_of_draft(draft)), now=now)
    return JsonResponse({"state": view.state, "held": bool(view.held_message), "claimed": view.is_claimed, "url": ""})


@require_POST
def cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    """End the operation; the draft stays."""
    acting = acting_of(request)
    draft = access.draft_for(acting, public_id)
    operation = _operation(acting, draft)
    if operation is not None:
        operations.cancel(operation.pk, person=acting.person.pk, now=clock())
    return redirect("mailbox:compose", public_id)


@require_POST
def extend(request: HttpRequest, public_id: str) -> HttpResponse:
    """A new code and new time for the same bytes."""
    acting = acting_of(request)
    draft = access.draft_for(acting, public_id)
    operation = _operation(acting, draft)
    if operation is not None:
        operations.extend(operation.pk, person=acting.person.pk, now=clock())
    return redirect("mailbox:sign", public_id)


def _operation(acting: Acting, draft: Draft) -> SigningOperation | None:
    return operations.latest_for(person=acting.person.pk, reference=draft.public_id, purpose=compose.PURPOSE)


def _message_of(operation: SigningOperation, message: Message | None) -> Message | None:
    """The message this very operation became; an earlier one of the same draft does not count."""
    return message if message is not None and message.operation == operation.pk else None


def _view(operation: SigningOperation, message: Message | None, *, now: datetime) -> SigningView:
    if message is not None:
        return _view_of_message(message)
    if operation.state == State.SIGNED or operation.state == State.CONSUMED:
        return SigningView("verifying", operation.comparison)
    if operation.state == State.CANCELLED:
        if operation.refusal_code:
            return _failed(operation.refusal_code)
        return SigningView("cancelled")
    if operation.state == State.EXPIRED or operation.expires_at <= now:
        return SigningView("expired")
    code = operation.code_shown if operation.state == State.ASKED else None
    return SigningView(
        "waiting",
        comparison=f"{operation.comparison[:4]}-{operation.comparison[4:]}",
        code=code,
        signer_url=f"{settings.KEP_SIGNER_ORIGIN}/#{code}" if code else "",
        expires_at=operation.expires_at,
        is_claimed=operation.state != State.ASKED,
        failure_message=text_of_code(operation.refusal_code) if operation.refusal_code else "",
        failure_code=operation.refusal_code,
    )


def _view_of_message(message: Message) -> SigningView:
    if message.state == MessageState.CHECKING:
        return SigningView("verifying", held_message=text_of_hold(message.hold_reason) if message.hold_reason else "")
    if message.state == MessageState.ACCEPTED:
        # accepted in law once proof 10 is sealed; until then the page says that it is being prepared (design.md 1.4)
        return SigningView("accepted" if message.released_at else "verifying")
    return _failed(message.refusal_code)


def _failed(code: str) -> SigningView:
    return SigningView("failed", failure_message=text_of_code(code), failure_code=code)


def _summary(draft: Draft, acting: Acting, operation: SigningOperation, *, now: datetime) -> SignSummary:
    to, cc = compose.resolve_recipients(draft, acting, now=now)
    return SignSummary(
        account_name=acting.account.holder.name,
        account_address=acting.account.address,
        to=[Addressee(each.name, each.address) for each in to],
        cc=[Addressee(each.name, each.address) for each in cc],
        subject=draft.subject,
        attachments=[FileShown(each.filename, each.size) for each in draft.attachments.all()],
        digest=bytes(operation.content_digest).hex(),
        package_size=operation.content_size,
    )


def _message_url(acting: Acting, message: Message | None) -> str:
    if message is None:
        return ""
    item = message.items.filter(account=acting.account, folder="sent").first()
    return reverse("mailbox:message", args=[item.public_id]) if item else ""
