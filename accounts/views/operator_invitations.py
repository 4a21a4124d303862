"""Inviting somebody, and the invited person's answer; he needs no account, only a full proof of a moment ago."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from guards import clock
from guards.errors import KepError

from .. import access
from ..access import acting_of
from ..errors import AccessRefused, AccountsError
from ..models import OperatorInvitation, Person
from ..operating import forms, grants, invitations, words
from ..operating.errors import MayNotManage
from ..operating.forms import InvitationForm
from ..step_up import needs_step_up
from .operators import shown


@sensitive_post_parameters("tckn", "first_name", "last_name", "phone", "email")
@require_http_methods(["GET", "HEAD", "POST"])
@needs_step_up
def invite(request: HttpRequest) -> HttpResponse:
    """The form by which somebody is invited."""
    acting, now = acting_of(request), clock.now()
    if not acting.rights.may_manage_operators:
        raise MayNotManage("may not manage operators")
    shows_main = acting.operator is not None and acting.operator.is_main
    if request.method != "POST":
        return _form_page(request, InvitationForm(acting.account, shows_main=shows_main), status=200)
    form = InvitationForm(acting.account, request.POST, shows_main=shows_main)
    forms.refuse_more(request.POST, form)
    if not form.is_valid():
        return _form_page(request, form, status=422)
    given = form.cleaned_data
    who = {each: given[each] for each in ("tckn", "first_name", "last_name", "phone")}
    try:
        invitations.invite(acting, **who, email=given["email"] or None, grant=form.grant(), now=now)
    except AccountsError as refusal:
        return _form_page(request, form, refusal, status=refusal.status)
    said = _("%(name)s davet edildi. Kişi girip kabul edince yetkileri başlar; davet 14 gün açık kalır.")
    messages.success(request, said % {"name": f"{given['first_name']} {given['last_name']}"})
    return redirect("accounts:operators")


@require_POST
def withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take an invitation back."""
    invitation = invitations.withdraw(acting_of(request), public_id, now=clock.now())
    messages.success(request, _("%(name)s için davet geri çekildi.") % {"name": invitation.typed_name or ""})
    return redirect("accounts:operators")


@require_POST
def send_again(request: HttpRequest, public_id: str) -> HttpResponse:
    """Tell the invited person once more."""
    invitation = invitations.send_again(acting_of(request), public_id, now=clock.now())
    messages.success(request, _("%(name)s için davet yeniden gönderildi.") % {"name": invitation.typed_name or ""})
    return redirect("accounts:operators")


@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """Invitations that wait for the person's own answer."""
    person = _person(request)
    waiting = list(invitations.open_for(person, now=clock.now()))
    return render(request, "accounts/operators/invitations.html", {"invitations": waiting})


@require_safe
def read(request: HttpRequest, public_id: str) -> HttpResponse:
    """One invitation, with everything that is accepted by accepting it."""
    invitation = invitations.for_person(_person(request), public_id)
    return _invitation_page(request, invitation, now=clock.now(), status=200)


@require_POST
@needs_step_up(back_to="accounts:invitations")  # type: ignore[untyped-decorator]
def accept(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take the office, and act for the account from now on."""
    person, now = _person(request), clock.now()
    invitation = invitations.for_person(person, public_id)
    try:
        operator = invitations.accept(person, public_id, now=now)
    except AccountsError as refusal:
        return _invitation_page(request, invitation, refusal, now=now, status=refusal.status)
    name = invitation.account.holder.name
    if operator.starts_at > now:
        messages.success(
            request, _("Daveti kabul ettiniz. %(name)s için yetkiniz ilk gününde başlar.") % {"name": name}
        )
        return redirect("accounts:invitations")
    acting = access.account_for(person, invitation.account.public_id, now=now)
    access.choose(request, acting)
    access.note_choice(acting, now=now)
    messages.success(request, _("Daveti kabul ettiniz. Artık %(name)s adına işlem yapıyorsunuz.") % {"name": name})
    return redirect("kepweb:home")


@require_POST
def decline(request: HttpRequest, public_id: str) -> HttpResponse:
    """Do not take the office."""
    invitation = invitations.decline(_person(request), public_id, now=clock.now())
    said = _("Daveti kabul etmediniz. %(name)s hesabında yetkiniz yok.")
    messages.success(request, said % {"name": invitation.account.holder.name})
    return redirect("accounts:invitations")


def _form_page(
    request: HttpRequest, form: InvitationForm, refusal: KepError | None = None, *, status: int
) -> HttpResponse:
    context = {"form": form, "error": shown(refusal), "folder": "operators"}
    return render(request, "accounts/operators/invite.html", context, status=status)


def _invitation_page(
    request: HttpRequest,
    invitation: OperatorInvitation,
    refusal: KepError | None = None,
    *,
    now: datetime,
    status: int,
) -> HttpResponse:
    switches = frozenset(invitation.rights)
    rights = [said for switch, said in words.SWITCHES.items() if switch in switches and switch in grants.RIGHTS]
    context = {
        "invitation": invitation,
        "account": invitation.account,
        "standing": words.MAIN if invitation.is_main else words.SUB,
        "relation": words.RELATIONS.get(invitation.relation, ""),
        "rights": rights,
        "last_day": grants.last_day(invitation.ends_at),
        "is_open": invitations.is_open(invitation, now=now),
        "is_certain": invitations.is_you_for_certain(invitation),
        "error": shown(refusal),
    }
    return render(request, "accounts/operators/invitation.html", context, status=status)


def _person(request: HttpRequest) -> Person:
    if not isinstance(request.user, Person):
        raise AccessRefused("nobody is signed in")
    return request.user
