"""Forms of the sign-in by e-imza and of forgotten secrets. Field names of the factors are those of the sign-in."""

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .errors import TcknRefused
from .forms import LONGEST_SECRET
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


class NewSecretsForm(StrictForm):
    """Both secrets anew, each typed twice: what is typed blindly cannot be looked at."""

    parola = forms.CharField(
        label=_("Yeni parola"),
        max_length=LONGEST_SECRET,
        strip=False,
        help_text=_("En az 8 karakter; 15 ve üstü önerilir. Birkaç sözcük yan yana iyi bir paroladır."),
        error_messages={"required": _("Yeni parolanızı yazın.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    parola_yeniden = forms.CharField(
        label=_("Yeni parola, bir daha"),
        max_length=LONGEST_SECRET,
        strip=False,
        error_messages={"required": _("Yeni parolanızı bir daha yazın.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    sifre = forms.CharField(
        label=_("Yeni şifre"),
        max_length=LONGEST_SECRET,
        strip=False,
        help_text=_("En az 6 rakam. Doğum tarihi, sıralı ya da yinelenen rakam olamaz; paroladan farklıdır."),
        error_messages={"required": _("Yeni şifrenizi yazın.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    sifre_yeniden = forms.CharField(
        label=_("Yeni şifre, bir daha"),
        max_length=LONGEST_SECRET,
        strip=False,
        error_messages={"required": _("Yeni şifrenizi bir daha yazın.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )

    def clean(self) -> dict[str, Any]:
        """Both entries of each pair are alike, as they are: nothing is trimmed or folded."""
        cleaned = super().clean()
        pairs = (
            ("parola", "parola_yeniden", _("İki parola aynı değil. Yeniden yazın.")),
            ("sifre", "sifre_yeniden", _("İki şifre aynı değil. Yeniden yazın.")),
        )
        for first, second, message in pairs:
            if first in cleaned and second in cleaned and cleaned[first] != cleaned[second]:
                self.add_error(second, message)
        return cleaned
