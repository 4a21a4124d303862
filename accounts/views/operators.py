"""*Yetkililer*: who may act for the account, one of them being edited, and the page on which one is removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from guards import clock
from guards.errors import KepError

from ..access import Acting, acting_of
from ..identity import mask_tckn
from ..models import Operator, OperatorInvitation
from ..operating import activity, forms, grants, invitations, offices, record, words
from ..operating.errors import OperatingError
from ..operating.forms import GrantForm
from ..step_up import needs_step_up


@dataclass(frozen=True)
class RightShown:
    """One cell: the right, and whether it is held."""

    name: str
    is_held: bool


@dataclass(frozen=True)
class OperatorRow:
    """One line of the table."""

    public_id: str
    name: str
    standing: str
    masked_tckn: str
    rights: Sequence[RightShown]
    starts_at: datetime | None
    ends_at: datetime | None
    may_edit: bool


@dataclass(frozen=True)
class InvitationRow:
    """One open invitation, by what the inviter typed."""

    public_id: str
    name: str
    standing: str
    rights: str
    expires_at: datetime


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Everybody who may act for the account, and who is invited."""
    return _page(request, acting_of(request), status=200)


@require_http_methods(["GET", "HEAD", "POST"])
@needs_step_up
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    """One operator's switches, place and dates; saved by POST."""
    acting, now = acting_of(request), clock.now()
    operator = offices.openable(acting, public_id, now=now)
    about = {"shows_main": _is_main(acting), "has_begun": operator.starts_at <= now}
    if request.method != "POST":
        form = GrantForm(acting.account, initial=forms.initial_of(operator), **about)
        return _page(request, acting, edited=operator, form=form, status=200)
    form = GrantForm(acting.account, request.POST, **about)
    forms.refuse_more(request.POST, form)
    if not form.is_valid():
        return _page(request, acting, edited=operator, form=form, status=422)
    try:
        grant = form.grant(is_main=operator.is_main)
        offices.change(acting, public_id, grant=grant, seen=form.cleaned_data["seen"], now=now)
    except OperatingError as refusal:
        return _page(request, acting, edited=operator, form=form, refusal=refusal, status=refusal.status)
    said = _("%(name)s için değişiklik kaydedildi ve hemen geçerli oldu.")
    messages.success(request, said % {"name": operator.person.full_name})
    return redirect("accounts:operators")


@require_http_methods(["GET", "HEAD", "POST"])
@needs_step_up
def remove(request: HttpRequest, public_id: str) -> HttpResponse:
    """What is lost, and the button."""
    acting, now = acting_of(request), clock.now()
    operator = offices.removable(acting, public_id, now=now)
    refusal = None
    if request.method == "POST":
        try:
            offices.remove(acting, public_id, now=now)
        except OperatingError as refused:
            refusal = refused
        else:
            if operator.person_id == acting.person.pk:
                return redirect("accounts:choose_account")
            said = _("%(name)s artık bu hesabın yetkilisi değil; açık oturumları kapandı.")
            messages.success(request, said % {"name": operator.person.full_name})
            return redirect("accounts:operators")
    context = {
        "operator": _row(operator, acting, now=now),
        "is_self": operator.person_id == acting.person.pk,
        "account": acting.account,
        "error": shown(refusal),
        "folder": "operators",
    }
    return render(request, "accounts/operators/remove.html", context, status=refusal.status if refusal else 200)


def shown(refusal: KepError | None) -> Mapping[str, str] | None:
    """A refusal as pages draw it."""
    return {"message": refusal.for_person(), "code": refusal.code} if refusal else None


def _page(
    request: HttpRequest,
    acting: Acting,
    *,
    edited: Operator | None = None,
    form: GrantForm | None = None,
    refusal: OperatingError | None = None,
    status: int,
) -> HttpResponse:
    offices.refuse_looking(acting)
    now = clock.now()
    may_manage = acting.rights.may_manage_operators
    context = {
        "rows": [_row(each, acting, now=now) for each in offices.present(acting.account, now=now)],
        "rights": [words.SWITCHES[each].name for each in words.SWITCHES if each in _columns(acting)],
        "invited": [_invited(each) for each in invitations.open_of(acting.account, now=now)],
        "may_manage": may_manage,
        "record": record.latest(acting.account),
        "edited": edited,
        "edited_name": edited.person.full_name if edited else "",
        "last_chosen": activity.last_chosen(acting.account, edited) if edited else None,
        "form": form,
        "error": shown(refusal),
        "folder": "operators",
        "now": now,
    }
    return render(request, "accounts/operators/list.html", context, status=status)


def _row(operator: Operator, acting: Acting, *, now: datetime) -> OperatorRow:
    columns = _columns(acting)
    held = [
        RightShown(str(said.name), bool(getattr(operator, switch)))
        for switch, said in words.SWITCHES.items()
        if switch in columns
    ]
    return OperatorRow(
        operator.public_id,
        operator.person.full_name,
        words.standing(operator),
        mask_tckn(operator.person.tckn),
        held,
        operator.starts_at if operator.starts_at > now else None,
        operator.ends_at,
        offices.may_open(acting, operator),
    )


def _invited(invitation: OperatorInvitation) -> InvitationRow:
    standing = words.MAIN if invitation.is_main else invitation.role or words.RELATIONS.get(invitation.relation)
    rights = frozenset(invitation.rights) & frozenset(grants.RIGHTS)
    return InvitationRow(
        invitation.public_id,
        invitation.typed_name or "",
        str(standing or words.SUB),
        ", ".join(words.switch_names(rights)),
        invitation.expires_at,
    )


def _columns(acting: Acting) -> frozenset[str]:
    return frozenset(grants.offered(acting.account)) - frozenset(grants.NOTICES)


def _is_main(acting: Acting) -> bool:
    return acting.operator is not None and acting.operator.is_main
