"""Forms of activation, recovery and the sign-in for life. Field names of the factors are those of the sign-in."""

from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundWidget
from django.utils.translation import gettext_lazy as _

from .errors import TcknRefused
from .forms import LONGEST_SECRET
from .identity import read_tckn
from .strict_form import StrictForm

_NEW: Final = {"autocomplete": "new-password"}
_PIN: Final = {"autocomplete": "off", "inputmode": "numeric"}
_CODE: Final = {"inputmode": "numeric", "autocomplete": "one-time-code"}


def _tckn() -> forms.CharField:
    return forms.CharField(
        label=_("T.C. kimlik no"),
        max_length=64,
        error_messages={"required": _("T.C. kimlik numaranızı yazın.")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "username", "spellcheck": "false"}),
    )


def _secret(label: Any, required: Any, attrs: dict[str, str], hint: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=LONGEST_SECRET,
        strip=False,
        help_text=hint,
        error_messages={"required": required},
        widget=forms.PasswordInput(attrs=attrs),
    )


def _code(label: Any, hint: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=32,
        help_text=hint,
        error_messages={"required": _("Telefonunuza gelen kodu yazın.")},
        widget=forms.TextInput(attrs=_CODE),
    )


_PASSWORD_HINT: Final = _("En az 8 karakter; 15 ve üstü önerilir. Birkaç sözcük yan yana iyi bir paroladır.")
_PIN_HINT: Final = _("En az 6 rakam. Doğum tarihi, sıralı ya da yinelenen rakam olamaz; paroladan farklıdır.")


class _WithNumber(StrictForm):
    """A form that begins with an identity number."""

    def clean_tckn(self) -> str:
        """The canonical number; the error carries the code of the refusal."""
        try:
            return read_tckn(self.cleaned_data["tckn"])
        except TcknRefused as refusal:
            raise ValidationError(refusal.for_person(), code=refusal.code) from refusal


class _TwiceTyped(StrictForm):
    """A form with new secrets, each typed twice: what is typed blindly cannot be looked at."""

    pairs: tuple[tuple[str, str, Any], ...] = ()

    def clean(self) -> dict[str, Any]:
        """Both entries of each pair are alike, as they are: nothing is trimmed or folded here."""
        cleaned = super().clean()
        for first, second, message in self.pairs:
            if first in cleaned and second in cleaned and cleaned[first] != cleaned[second]:
                self.add_error(second, message)
        return cleaned


_PASSWORD_PAIR: Final = ("parola", "parola_yeniden", _("İki parola aynı değil. Yeniden yazın."))
_PIN_PAIR: Final = ("sifre", "sifre_yeniden", _("İki şifre aynı değil. Yeniden yazın."))


class PasswordForm(_TwiceTyped):
    """A new parola."""

    pairs = (_PASSWORD_PAIR,)
    parola = _secret(_("Yeni parola"), _("Yeni parolanızı yazın."), _NEW, _PASSWORD_HINT)
    parola_yeniden = _secret(_("Yeni parola, bir daha"), _("Yeni parolanızı bir daha yazın."), _NEW)


class PinForm(_TwiceTyped):
    """A new şifre."""

    pairs = (_PIN_PAIR,)
    sifre = _secret(_("Yeni şifre"), _("Yeni şifrenizi yazın."), _PIN, _PIN_HINT)
    sifre_yeniden = _secret(_("Yeni şifre, bir daha"), _("Yeni şifrenizi bir daha yazın."), _PIN)


@dataclass(frozen=True)
class TermBox:
    """One text to be accepted: its box, and the version that is read behind the link."""

    box: BoundWidget
    text: str
    version: str


class AcceptForm(StrictForm):
    """The texts of the day, (text:version, title), each accepted by a box of its own."""

    kabul = forms.MultipleChoiceField(label=_("Koşullar"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, texts: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kabul"].choices = texts  # type: ignore[attr-defined]
        self.fields["kabul"].takes_many = True  # type: ignore[attr-defined]

    @property
    def terms(self) -> list[TermBox]:
        """The boxes with what they stand for."""
        return [TermBox(box, *str(box.data["value"]).split(":", 1)) for box in self["kabul"]]


class ActivationForm(_WithNumber, _TwiceTyped, AcceptForm):
    """Everything of an activation on one page, so that the code is used up only when all of it is right."""

    field_order = ("tckn", "adres", "kod", "parola", "parola_yeniden", "sifre", "sifre_yeniden", "kabul")
    pairs = (_PASSWORD_PAIR, _PIN_PAIR)
    tckn = _tckn()
    adres = forms.CharField(
        label=_("KEP adresiniz"),
        max_length=300,
        help_text=_("Şubenin ya da davetin size bildirdiği adres, örneğin ayse.yildiz@hs01.kep.tr"),
        error_messages={"required": _("KEP adresinizi yazın.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    kod = _code(_("Aktivasyon kodu"), _("Telefonunuza SMS ile gelen 8 haneli kod; 24 saat geçerlidir."))
    parola = _secret(_("Parola"), _("Bir parola belirleyin."), _NEW, _PASSWORD_HINT)
    parola_yeniden = _secret(_("Parola, bir daha"), _("Parolanızı bir daha yazın."), _NEW)
    sifre = _secret(_("Şifre"), _("Bir şifre belirleyin."), _PIN, _PIN_HINT)
    sifre_yeniden = _secret(_("Şifre, bir daha"), _("Şifrenizi bir daha yazın."), _PIN)


class RecoveryForm(_WithNumber, _TwiceTyped):
    """New secrets by the code that the desk has had sent."""

    pairs = (_PASSWORD_PAIR, _PIN_PAIR)
    tckn = _tckn()
    kod = _code(_("Yenileme kodu"), _("Şubedeki işlemden sonra telefonunuza gelen 8 haneli kod; 24 saat geçerlidir."))
    parola = _secret(_("Yeni parola"), _("Yeni parolanızı yazın."), _NEW, _PASSWORD_HINT)
    parola_yeniden = _secret(_("Yeni parola, bir daha"), _("Yeni parolanızı bir daha yazın."), _NEW)
    sifre = _secret(_("Yeni şifre"), _("Yeni şifrenizi yazın."), _PIN, _PIN_HINT)
    sifre_yeniden = _secret(_("Yeni şifre, bir daha"), _("Yeni şifrenizi bir daha yazın."), _PIN)


class ProofForm(StrictForm):
    """Parola and şifre of the person signed in."""

    parola = _secret(_("Parola"), _("Parolanızı yazın."), {"autocomplete": "current-password"})
    sifre = _secret(_("Şifre"), _("Şifrenizi yazın."), _PIN)


class ProofCodeForm(StrictForm):
    """The code of a step-up."""

    sms = _code(_("Telefonunuza gelen 6 haneli kod"))


class AppCodeForm(StrictForm):
    """What an authenticator shows, or a recovery code."""

    kod = forms.CharField(
        label=_("Uygulamadaki kod ya da kurtarma kodu"),
        max_length=64,
        help_text=_("Uygulamanın şu anda gösterdiği 6 rakam ya da sakladığınız kurtarma kodlarından biri."),
        error_messages={"required": _("Kodu yazın.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


class AuthenticatorForm(StrictForm):
    """The first code of a new authenticator."""

    kod = _code(_("Uygulamanın gösterdiği 6 haneli kod"))
