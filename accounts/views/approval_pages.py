"""The list of requests and the page of one, for whoever serves: at the counter and in the back office alike.

The two doors differ in names of addresses only (`Door`); who may see and decide what is the verbs' own question.
"""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from guards import clock
from guards.errors import KepError

from .. import approvals
from ..approval_errors import DecisionRefused
from ..models import Approval
from ..posts import Serving
from .approval_shown import rows_of, shown
from .desk_parts import desk_page, only_fields


@dataclass(frozen=True)
class Door:
    """Names of the addresses of one house of requests."""

    listed: str
    one: str
    decide: str
    home: str


COUNTER = Door("accounts:desk_approvals", "accounts:desk_approval", "accounts:desk_approval_decide", "accounts:desk")
RECENT = 20


def listed(request: HttpRequest, by: Serving, door: Door) -> HttpResponse:
    """What waits for a decision here, and what was decided last. Four queries beside the frame's."""
    waiting = rows_of(approvals.open_for(by), by)
    recent = rows_of(approvals.decided_for(by)[:RECENT], by)
    context = {"waiting": waiting, "recent": recent, "door": door, "now": clock.now()}
    return desk_page(request, by, "accounts/desk/approvals.html", context, current="approvals", home=reverse(door.home))


def one(
    request: HttpRequest, by: Serving, public_id: str, door: Door, *, refusal: KepError | None = None
) -> HttpResponse:
    """One request, with what this person may do about it."""
    context = {"approval": shown(approvals.find(public_id, by), by), "door": door, "now": clock.now()}
    return desk_page(
        request,
        by,
        "accounts/desk/approval.html",
        context,
        current="approvals",
        refusal=refusal,
        home=reverse(door.home),
    )


def decide(request: HttpRequest, by: Serving, public_id: str, door: Door) -> HttpResponse:
    """`karar`: onayla, reddet or geri-al. A refusal is said on the page of the request."""
    only_fields(request, "karar")
    verbs = {"onayla": approvals.approve, "reddet": approvals.refuse, "geri-al": approvals.withdraw}
    verb = verbs.get(request.POST.get("karar", ""))
    if verb is None:
        return redirect(door.one, approvals.find(public_id, by).public_id)
    try:
        after = verb(public_id, by=by, now=clock.now())
    except DecisionRefused as refusal:
        return one(request, by, public_id, door, refusal=refusal)
    _say(request, after)
    return redirect(door.listed)


def _say(request: HttpRequest, approval: Approval) -> None:
    state = Approval.State
    said = {
        state.DONE: _("Onayladınız ve işlem yapıldı."),
        state.APPROVED: _("Onayladınız. İşlem kendi zamanında yapılacak; o zamana kadar geri alınabilir."),
        state.REFUSED: _("İstek reddedildi. Hiçbir şey değişmedi."),
        state.WITHDRAWN: _("İsteği geri aldınız. Hiçbir şey değişmedi."),
        state.FAILED: _(
            "Onayladınız, ancak işlem artık mümkün değil. Hiçbir şey değişmedi; neden, isteğin sayfasında yazar."
        ),
    }
    level = messages.WARNING if approval.state == state.FAILED else messages.SUCCESS
    messages.add_message(request, level, said[state(approval.state)])
