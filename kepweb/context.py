"""What every page of the house shows around itself: provider, person, account, folder counts (SCREENS).

`shell` is lazy: a page that does not draw the frame pays no query for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from accounts import access, visit
from accounts.errors import AccessRefused, AccountNotChosen, NoAccount
from accounts.operating import offices
from guards.clock import now as clock
from mailbox import folders


@dataclass(frozen=True)
class ActingFor:
    """The banner of somebody who acts for an account that is not his own."""

    account_name: str
    person_name: str
    role: str


@dataclass(frozen=True)
class FolderCounts:
    """The numbers beside the folders."""

    inbox: folders.Tally
    awaiting: int


@dataclass(frozen=True)
class Shell:
    """The frame of a signed-in page."""

    provider_code: str
    person_name: str
    account_name: str
    account_address: str
    acting: ActingFor | None
    can_switch: bool
    can_compose: bool
    can_see_operators: bool
    is_invited: bool
    serves: tuple[str, ...]
    counts: FolderCounts


def house(request: HttpRequest) -> Mapping[str, object]:
    """The context processor: `provider_code` and `provider_name` always, `shell` for whoever acts for an account."""
    return {
        "provider_code": settings.KEP_PROVIDER_CODE,
        "provider_name": settings.KEP_PROVIDER_NAME,
        "shell": SimpleLazyObject(lambda: _shell(request)),
    }


def _shell(request: HttpRequest) -> Shell | None:
    try:
        acting = access.acting_of(request)
    except (NoAccount, AccountNotChosen, AccessRefused):
        return None  # nobody is signed in, or no account is chosen yet: there is no frame to draw
    now = clock()
    counts = folders.counts(acting.account, now=now)
    beside = access.beside(acting, now=now)
    return Shell(
        provider_code=settings.KEP_PROVIDER_CODE,
        person_name=acting.person.full_name,
        account_name=acting.account.holder.name,
        account_address=acting.account.address,
        acting=_banner(acting),
        can_switch=beside.has_other_accounts,
        can_compose=acting.rights.may_compose,
        can_see_operators=offices.may_look(acting),
        is_invited=beside.is_invited,
        serves=visit.roles_in(request),
        counts=FolderCounts(inbox=counts.inbox_unread, awaiting=counts.awaiting),
    )


def _banner(acting: access.Acting) -> ActingFor | None:
    if acting.operator is None:
        return None
    role = acting.operator.role or gettext("işlem yetkilisi")
    return ActingFor(acting.account.holder.name, acting.person.full_name, role)
