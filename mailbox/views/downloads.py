"""Files that leave the box. All of them are downloads; what a person wrote goes out by the content origin only."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import acting_of
from accounts.content_links import signed_content_url
from guards.clock import now as clock
from mailbox import access, takeout
from mailbox.models import BoxItem
from mailbox.reading import refuse_unread
from mailbox.takeout import File

from .content import part_name


@require_GET
def message(request: HttpRequest, public_id: str) -> HttpResponse:
    """The KEP message (.eml)."""
    return download(takeout.kep_message(_item(request, public_id)))


@require_GET
def original(request: HttpRequest, public_id: str) -> HttpResponse:
    """The sender's original (.eml)."""
    return download(takeout.original(_item(request, public_id)))


@require_GET
def proof(request: HttpRequest, public_id: str, code: int, recipient_no: int) -> HttpResponse:
    """One sealed proof (XML)."""
    return download(takeout.proof(_item(request, public_id), code=code, recipient_no=recipient_no))


@require_http_methods(["GET", "POST"])
def bundle(request: HttpRequest, public_id: str) -> HttpResponse:
    """The proof bundle: asked by POST, made by the sealing worker, fetched by GET once it is there (V-039)."""
    item = _item(request, public_id)
    if request.method == "POST":
        takeout.ask_bundle(item, asked_by=str(acting_of(request).person.pk), now=clock())
        return redirect("mailbox:download_bundle", public_id)
    asked = takeout.asked_bundle(item)
    finished = takeout.finished_bundle(item, asked) if asked else None
    if finished is not None:
        return download(finished)
    context = {"public_id": public_id, "subject": item.message.subject, "folder": item.folder, "is_asked": bool(asked)}
    return render(request, "mailbox/bundle_waiting.html", context, status=202 if asked else 404)


@require_GET
def attachment(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """Send the browser to the content origin, with an address that lives five minutes."""
    item = _item(request, public_id)
    refuse_unread(item)
    return HttpResponseRedirect(signed_content_url(request, part_name(item.public_id, number)))


def _item(request: HttpRequest, public_id: str) -> BoxItem:
    return access.item_for(acting_of(request), public_id)


def download(file: File) -> HttpResponse:
    """A file as an answer: always an attachment, never shown in the page."""
    response = HttpResponse(file.raw, content_type=file.content_type)
    response["Content-Disposition"] = content_disposition_header(True, file.name)
    return response
