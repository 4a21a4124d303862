"""Choosing the account to act for; shown after the sign-in when there are several, and by *Hesap değiştir*."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from guards import clock

from .. import access, former
from ..access import Acting
from ..errors import AccessRefused, NoAccount
from ..models import Person
from ..operating import invitations, words

_NEXT = "kep_after_choice"


@dataclass(frozen=True)
class AccountChoice:
    """One row of the choice; `role` is empty for the person's own account."""

    value: str
    name: str
    address: str
    role: str
    is_current: bool
    unread: int = 0


@require_http_methods(["GET", "HEAD", "POST"])
def choose_account(request: HttpRequest) -> HttpResponse:
    """The accounts of the person, and the choice of one. A choice that is not his is refused like an unknown one."""
    person, now = request.user, clock.now()
    if not isinstance(person, Person):
        raise AccessRefused("nobody is signed in")
    if request.method == "POST":
        acting = access.account_for(person, request.POST.get("account", ""), now=now)
        access.choose(request, acting)
        access.note_choice(acting, now=now)
        return HttpResponseRedirect(_target(request))
    held, is_invited = access.accounts_of(person, now=now), invitations.open_for(person, now=now).exists()
    if not held and is_invited:
        return redirect("accounts:invitations")
    if not held and former.closed_accounts_of(person, now=now).exists():
        return redirect("mailbox:closed_accounts")  # what is left to him are its proofs (K-035)
    if not held:
        raise NoAccount("no account to act for")
    if "next" in request.GET:
        request.session[_NEXT] = request.GET["next"]
    current = request.session.get(access.ACCOUNT_KEY)
    choices = [_choice(acting, is_current=acting.account.public_id == current) for acting in held]
    context = {"accounts": choices, "is_invited": is_invited, "folder": "", "now": now}
    return render(request, "accounts/choose_account.html", context)


def _choice(acting: Acting, *, is_current: bool) -> AccountChoice:
    account, operator = acting.account, acting.operator
    role = "" if operator is None else words.standing(operator)
    return AccountChoice(account.public_id, account.holder.name, account.address, role, is_current)


def _target(request: HttpRequest) -> str:
    wanted = request.session.pop(_NEXT, "")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL)
