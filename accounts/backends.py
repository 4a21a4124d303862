"""The first step's question: does somebody hold this number, this parola and this şifre?

There is one answer for every way of being wrong (V-008, W-008). Both hashes are always computed, of the person's own
hashes, or of two that fit nobody when nobody holds the number; one wrong factor never spares the other, and a try that
has to wait costs what any other costs, so that the clock tells nothing either (design.md 6). Argument names matter:
Django hands the arguments of a failed try to every listener and blanks only names it knows for secret.
"""

import functools
from uuid import UUID

from django.contrib.auth.hashers import check_password, get_hashers, make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from guards import clock

from . import throttle
from .errors import AccountsError
from .models import Person


class TwoSecretsBackend:
    """Finds a person by the keyed hash of the T.C. kimlik no and checks both secrets."""

    def authenticate(
        self,
        request: HttpRequest,
        tckn_index: str | None = None,
        password: str | None = None,
        pin_secret: str | None = None,
    ) -> Person | None:
        """The active person whose secrets both fit, or None.

        Each call is a counted try: `TooManyTries` or `RecoveryNeeded` instead of an answer when it may not be asked.
        """
        if tckn_index is None or password is None or pin_secret is None:
            return None
        nobody = _fits_nobody(get_hashers()[0].algorithm)
        try:
            counted = throttle.take_try(tckn_index, throttle.known_device(request, tckn_index), now=clock.now())
        except AccountsError:
            compute_both(password, pin_secret)
            raise
        request.kep_try_was_counted = True  # type: ignore[attr-defined]  # what a locked pair asks is not looked at
        person = Person.objects.filter(tckn_index=tckn_index).first()
        has_secrets = person is not None and person.has_secrets  # whoever was not activated yet is like nobody
        password_fits = check_password(password, person.password if person and has_secrets else nobody)
        pin_fits = check_password(pin_secret, person.pin_hash if person and has_secrets else nobody)
        if not (person and person.is_active and password_fits and pin_fits):
            return None
        throttle.give_back(counted)
        return person

    def get_user(self, user_id: UUID | str) -> Person | None:
        """The person of a visit, while active: closing a person's access ends every visit at once (V-032)."""
        try:
            return Person.objects.filter(pk=user_id, is_active=True).first()
        except ValidationError:
            return None


def compute_both(password: str, pin: str) -> None:
    """Spend what a looked-at try spends on its two hashes, and learn nothing."""
    nobody = _fits_nobody(get_hashers()[0].algorithm)
    check_password(password, nobody)
    check_password(pin, nobody)


@functools.cache
def _fits_nobody(algorithm: str) -> str:
    """A hash that no secret fits, at the price of a real one; made before anybody is looked up."""
    return make_password("no secret of anybody")
