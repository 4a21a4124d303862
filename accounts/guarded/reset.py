"""New secrets for somebody who forgot them, at a branch: two clerks, and 72 hours after a change of phone.

What is done is a code to the phone that is known (`recovery.begin`); parola and şifre are set by the person alone, on
his own device (V-011, V-013). Whoever has just had the phone changed must not take the secrets with it: for 72 hours
(`KEP_RESET_AFTER_PHONE`) an allowed reset waits, the old phone hears of it, and its owner can stop both.
"""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop

from .. import approvals, recovery, security_notices
from ..approvals import facts_of
from ..desk.identity_step import IdentityDocument
from ..models import Approval, Person
from ..posts import Serving
from ..security_notices import Occasion
from . import phone
from .errors import IdentityOpen

KIND = "secrets.reset"


def ask(person: Person, *, document: IdentityDocument, why: str, by: Serving, now: datetime) -> Approval:
    """Ask that the person be sent a code to set new secrets. The person, and for 72 h his old phone, hear of it.

    Refused: `IdentityOpen`, and whatever `approvals.ask` refuses.
    """
    refuse_unseen(person)
    with transaction.atomic():
        facts = {"person": str(person.pk), "document": document.value}
        approval = approvals.ask(KIND, subject=f"person:{person.pk}", facts=facts, why=why, by=by, now=now)
        security_notices.tell(person, Occasion.RECOVERY_BEGUN, now=now)
        phone.tell_old_phones(person, Occasion.RECOVERY_BEGUN, now=now)
    return approval


def refuse_unseen(person: Person) -> None:
    """`IdentityOpen` for somebody whose identity no branch has seen."""
    if person.identity_state != Person.IdentityState.ESTABLISHED:
        raise IdentityOpen("known by form only")


def waits_until(approval: Approval) -> datetime | None:
    """72 hours after the person's phone was changed last; None when it never was. Locks the person's row."""
    changed_at = _person(approval).phone_changed_at
    return changed_at + settings.KEP_RESET_AFTER_PHONE if changed_at else None


def execute(approval: Approval, now: datetime) -> None:
    """Send the code. Refused as by `recovery.begin`."""
    recovery.begin(_person(approval), now=now)


def _person(approval: Approval) -> Person:
    return Person.objects.select_for_update().get(pk=UUID(facts_of(approval)["person"]))


def register() -> None:
    """The kind of this file."""
    approvals.register(KIND, title=gettext_noop("Parola ve şifre yenileme"), execute=execute, wait=waits_until)
