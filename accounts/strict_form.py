"""A form that takes what it asks for and nothing else (V-041)."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class StrictForm(forms.Form):
    """Fields nobody asked for are refused, not passed over; so is a field that is given twice."""

    also_given: frozenset[str] = frozenset({"csrfmiddlewaretoken", "next"})
    """What the frame of a form posts beside its fields."""

    def clean(self) -> dict[str, Any]:
        """The cleaned fields; one error that names no field when something else came along."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        asked = {self.add_prefix(name) for name in self.fields} | self.also_given
        given = getattr(self.data, "lists", None)
        twice = given is not None and any(
            len(values) > 1 and not getattr(self.fields.get(name), "takes_many", False) for name, values in given()
        )
        if set(self.data) - asked or twice:
            raise ValidationError(
                _("Formda beklenmeyen bir alan var. Sayfayı yenileyip yeniden doldurun."), code="HES-08"
            )
        return cleaned
