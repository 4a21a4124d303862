"""A visit that ends takes with it the signatures that were asked in it and have not come (K-093, GRS-10).

Closing the browser ends nothing: the signature still sends the message. Signing out does, and so does a visit that is
over: whoever leaves a shared machine leaves no operation behind that somebody could still complete. What was signed
before is sent. The floors below know nothing of drafts; Django's own signal says that somebody leaves.
"""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.errors import VisitEnded
from accounts.models import Person
from accounts.visit import visit_of
from guards.clock import now as clock
from signing import operations

from .compose import PURPOSE
from .errors import SignInEnded
from .models import Draft


@receiver(user_logged_out)
def end_what_was_asked(*, request: HttpRequest, user: object, **_: Any) -> None:
    """Cancel the open operations of this very visit; those of another visit of the same person go on."""
    if not isinstance(user, Person):
        return
    try:
        opened_at = visit_of(request).opened_at
    except VisitEnded:
        return
    asked = operations.open_of(person=user.pk, purpose=PURPOSE)
    drafts = Draft.objects.filter(public_id__in=[each.reference for each in asked], signed_in_at=opened_at)
    ended = set(drafts.values_list("public_id", flat=True))
    for operation in asked:
        if operation.reference in ended:
            operations.cancel(operation.pk, person=user.pk, now=clock(), code=SignInEnded.code)
