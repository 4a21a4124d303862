"""Fourth step: the application is approved, and its account is opened under an address that is allotted for ever.

Identity, papers and phone are checked by then, which is what approving says (K-020, K-025). Approval, account and
both states are one transaction: there is no approved application without its address, and none of two clerks who
choose the same address in the same second is left with half an account (K-033).
"""

from datetime import datetime

from django.db import transaction

from .. import allotment
from ..applying import states
from ..applying.states import Event
from ..models import KepAccount
from ..posts import Serving
from . import checklist, queue
from .checklist import Step


def choose(public_id: str, *, address: str, by: Serving, now: datetime) -> KepAccount:
    """Approve, and allot `address`; the account waits for its activation.

    Refused: `AddressRefused`, `AddressNotAllowed`, `AddressTaken`, `AlreadyAllotted`;
    `NoSuchApplication`, `OwnApplication`, `NotOpen`, `WrongOrder`.
    """
    actor, branch = by.actor, by.branch_code
    with transaction.atomic():
        application = queue.hold(public_id, by)
        checklist.require_turn(application, Step.ADDRESS)
        states.advance(application, Event.APPROVED, now=now, actor=actor, branch=branch)
        account = allotment.allot(application, address, now=now, actor=actor, branch=branch, established=True)
        states.advance(application, Event.ALLOTTED, now=now, actor=actor, branch=branch, values={"account": account})
        checklist.record(application, Step.ADDRESS, facts={"account": account.public_id}, by=by, now=now)
    return account
