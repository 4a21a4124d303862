"""How persons are found; kept apart from the models so that Django's base class stays out of sight."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import BaseUserManager

if TYPE_CHECKING:
    from .models import Person


class PersonLookup(BaseUserManager["Person"]):
    """Persons are made by `accounts` verbs and the demo seed; `create_user` exists for Django's sake and refuses."""

    def create_user(self, *args: Any, **kwargs: Any) -> "Person":
        raise TypeError("persons are opened by identity, not by a user name")

    def get_by_natural_key(self, tckn_index: str | None) -> "Person":
        return self.get(tckn_index=tckn_index)
