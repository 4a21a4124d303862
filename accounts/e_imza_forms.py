"""Forms of the sign-in by e-imza and of forgotten secrets. Field names of the factors are those of the sign-in."""

from typing import Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .account_forms import PasswordForm, PinForm
from .errors import TcknRefused
from .identity import read_tckn
from .strict_form import StrictForm

LONGEST_TOKEN: Final = 128


class NumberForm(StrictForm):
    """Whose card will sign."""

    tckn = forms.CharField(
        label=_("T.C. kimlik no"),
        max_length=64,
        help_text=_("Sertifikanızdaki numarayla aynı olmalı."),
        error_messages={"required": _("T.C. kimlik numaranızı yazın.")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "username", "spellcheck": "false"}),
    )

    def clean_tckn(self) -> str:
        """The canonical number; the error carries the code of the refusal."""
        try:
            return read_tckn(self.cleaned_data["tckn"])
        except TcknRefused as refusal:
            raise ValidationError(refusal.for_person(), code=refusal.code) from refusal


class ReturnForm(StrictForm):
    """What the signer's page has brought back; its form is judged by `e_imza`, with one answer for everything wrong."""

    isaret = forms.CharField(max_length=LONGEST_TOKEN, strip=False, required=False, widget=forms.HiddenInput)


class NewSecretsForm(PasswordForm, PinForm):
    """Both secrets anew, each typed twice."""

    pairs = (*PasswordForm.pairs, *PinForm.pairs)  # type: ignore[assignment]  # the bases have one pair each
    field_order = ("parola", "parola_yeniden", "sifre", "sifre_yeniden")
