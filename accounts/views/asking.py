"""The page on which something is asked for, and what its button does: one for all acts that need four eyes."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from ..errors import AccountsError
from ..models import Approval
from ..posts import Serving
from .desk_parts import desk_page, fields_of, only_fields

STEP = "adim"
SEND = "kod"
"""The second button of a page with a phone: send a code to it, and stay."""


@dataclass(frozen=True)
class AskPage:
    """Words of such a page, and where it leads. `after` is the address of the request's own page, by name."""

    title: str
    about: str
    lead: str
    button: str
    back_url: str
    current: str
    after: str = "accounts:desk_approval"
    home: str = ""
    is_destructive: bool = False


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: the fields of a POST, even of one that brings none; nothing for a GET."""
    return request.POST if request.method == "POST" else None


def draw(
    request: HttpRequest,
    by: Serving,
    page: AskPage,
    form: forms.Form,
    *,
    refusal: AccountsError | None = None,
    said: str = "",
) -> HttpResponse:
    """The page; `said` is a word on what was just done for it."""
    context = {"page": page, "form": form, "said": said, "has_phone": "telefon" in form.fields}
    return desk_page(
        request,
        by,
        "accounts/desk/ask.html",
        context,
        current=page.current,
        form=None if said else form,
        refusal=refusal,
        home=page.home,
    )


def asked(
    request: HttpRequest,
    by: Serving,
    page: AskPage,
    form: forms.Form,
    ask: Callable[[], Approval],
    *,
    send_code: Callable[[], object] | None = None,
) -> HttpResponse:
    """What a GET shows and a POST does; a refusal is said on the page, with what was typed.

    `send_code` is for forms with a phone: it needs the fields in front of it only, so that the rest may be missing.
    """
    if request.method != "POST":
        return draw(request, by, page, form)
    only_fields(request, STEP, *fields_of(form))
    if send_code is not None and request.POST.get(STEP) == SEND:
        return _sent(request, by, page, form, send_code)
    if form.is_valid() and send_code is not None:
        form.require_code()  # type: ignore[attr-defined]
    if not form.is_valid():
        return draw(request, by, page, form)
    try:
        approval = ask()
    except AccountsError as refusal:
        return draw(request, by, page, form, refusal=refusal)
    messages.success(request, _("İstek kaydedildi. İkinci bir görevli onaylayınca yapılır."))
    return redirect(page.after, approval.public_id)


def _sent(
    request: HttpRequest, by: Serving, page: AskPage, form: forms.Form, send_code: Callable[[], object]
) -> HttpResponse:
    needed = [each for each in ("tckn", "telefon") if each in form.fields]
    for name in set(form.errors) - set(needed):
        del form.errors[name]
    if form.errors:
        return draw(request, by, page, form)
    try:
        send_code()
    except AccountsError as refusal:
        return draw(request, by, page, form, refusal=refusal)
    said = _("Kod gönderildi. Kişinin okuduğu 6 rakamı yazın; kod 3 dakika geçerlidir.")
    return draw(request, by, page, form, said=said)
