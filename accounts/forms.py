"""The two forms of the sign-in. Field names are a contract: `tckn`, `parola`, `sifre`, `sms` (design.md 3)."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from two_factor.forms import AuthenticationTokenForm

from .errors import TcknRefused, WrongCode
from .identity import read_tckn
from .models import SmsAttempt
from .sms_code import DIGITS

LONGEST_SECRET = 1_000
"""No parola is cut off (V-001); this only keeps a request from being a load."""


class SignInForm(forms.Form):
    """Three factors at once. Only the form of the number is judged here; secrets are right or wrong together."""

    tckn = forms.CharField(
        label=_("T.C. kimlik no"),
        max_length=64,
        error_messages={"required": _("T.C. kimlik numaranızı yazın.")},
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    parola = forms.CharField(
        label=_("Parola"),
        max_length=LONGEST_SECRET,
        strip=False,
        error_messages={"required": _("Parolanızı yazın.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    sifre = forms.CharField(
        label=_("Şifre"),
        max_length=LONGEST_SECRET,
        strip=False,
        help_text=_("Aktivasyonda belirlediğiniz 6 haneli sayı. Paroladan farklıdır."),
        error_messages={"required": _("Şifrenizi yazın.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )

    def clean_tckn(self) -> str:
        """The canonical number; the error carries the code of the refusal."""
        try:
            return read_tckn(self.cleaned_data["tckn"])
        except TcknRefused as refusal:
            raise ValidationError(refusal.for_person(), code=refusal.code) from refusal


class SmsCodeForm(AuthenticationTokenForm):  # type: ignore[misc]
    """two-factor's token form with our field name and texts; what is verified is the visit's own attempt only."""

    otp_token = None
    sms = forms.CharField(
        label=_("Telefonunuza gelen 6 haneli kod"),
        max_length=32,
        error_messages={"required": _("Telefonunuza gelen kodu yazın.")},
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "autofocus": True, "class": "one-time-code"}
        ),
    )
    otp_error_messages = {**AuthenticationTokenForm.otp_error_messages, "invalid_token": _(WrongCode.user_message)}

    def __init__(self, attempt: SmsAttempt, **kwargs: Any) -> None:
        super().__init__(attempt.user, attempt, **kwargs)

    def clean_sms(self) -> str:
        """Six ASCII digits, blanks between them allowed. Anything else is no entry and costs no try."""
        code = self.cleaned_data["sms"].replace(" ", "")
        if not (code.isascii() and code.isdigit() and len(code) == DIGITS):
            raise ValidationError(_("Kod 6 rakamdan oluşur."), code=WrongCode.code)
        return str(code)

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """Let the package verify the attempt, under the field name it knows."""
        if "sms" in self.cleaned_data:
            self.cleaned_data["otp_token"] = self.cleaned_data["sms"]
            super().clean()
        cleaned: dict[str, Any] = self.cleaned_data
        return cleaned
