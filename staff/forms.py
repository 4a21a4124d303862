"""Forms of the back office. They read and judge form; what may be done the verbs judge."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.errors import PhoneRefused, TcknRefused
from accounts.guarded.forms import read, tckn_field, why_field
from accounts.guarded.postings import Candidate
from accounts.identity import read_mobile, read_tckn
from accounts.models import Branch, Post
from accounts.views.approval_shown import ROLES, SUSPENSIONS

_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class BranchForm(forms.Form):
    """A branch to be opened."""

    ad = forms.CharField(label=_("Şubenin adı"), max_length=120, error_messages={"required": _("Adını yazın.")})
    il = forms.CharField(label=_("İl"), max_length=40, error_messages={"required": _("İli yazın.")})
    kod = forms.CharField(
        label=_("Kod"),
        max_length=16,
        help_text=_("Küçük harf, rakam ve tire; kayıtlarda ve belgelerde yazar, sonradan değişmez."),
        error_messages={"required": _("Kodu yazın.")},
        widget=forms.TextInput(attrs={**_PLAIN, "autocapitalize": "none"}),
    )


class PostForm(forms.Form):
    """Who is to serve, where."""

    tckn = tckn_field(_("T.C. kimlik no"))
    ad = forms.CharField(label=_("Adı"), max_length=80, error_messages={"required": _("Adını yazın.")})
    soyad = forms.CharField(label=_("Soyadı"), max_length=80, error_messages={"required": _("Soyadını yazın.")})
    telefon = forms.CharField(
        label=_("Cep telefonu"),
        max_length=32,
        help_text=_("Kişi burada kayıtlıysa kayıtlı adı ve telefonu kalır."),
        error_messages={"required": _("Cep telefonu numarasını yazın.")},
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "tel"}),
    )
    rol = forms.ChoiceField(label=_("Görev"), choices=[("", _("Seçin")), *ROLES.items()])
    sube = forms.ChoiceField(
        label=_("Şube"), required=False, help_text=_("Yalnız şube personeli için seçilir; yönetimin şubesi yoktur.")
    )
    gerekce = why_field()

    def __init__(self, *args: Any, branches: Sequence[Branch], **more: Any) -> None:
        super().__init__(*args, **more)
        self._branches = {each.public_id: each for each in branches}
        named = [(each.public_id, each.name) for each in branches]
        self.fields["sube"].choices = [("", _("Şube yok")), *named]  # type: ignore[attr-defined]

    def clean_tckn(self) -> str:
        """The canonical number."""
        return read(read_tckn, self.cleaned_data["tckn"], TcknRefused)

    def clean_telefon(self) -> str:
        """The number in E.164."""
        return read(read_mobile, self.cleaned_data["telefon"], PhoneRefused)

    def clean(self) -> dict[str, Any]:
        """A clerk has a branch, the back office none."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        is_clerk = given.get("rol") == Post.Role.CLERK
        if given.get("rol") and is_clerk != bool(given.get("sube")) and "sube" not in self.errors:
            said = _("Şube personelinin şubesini seçin.") if is_clerk else _("Yönetim personelinin şubesi olmaz.")
            self.add_error("sube", said)
        return given

    def candidate(self) -> Candidate:
        """Who is to serve, of a valid form."""
        given = self.cleaned_data
        return Candidate(given["tckn"], given["ad"], given["soyad"], given["telefon"])

    def branch(self) -> Branch | None:
        """Where, of a valid form."""
        return self._branches.get(self.cleaned_data["sube"])


class AddressForm(forms.Form):
    """Which account."""

    adres = forms.CharField(
        label=_("KEP adresi"),
        max_length=254,
        help_text=_("Her arama kaydedilir. İletilerin içeriği açılmaz."),
        error_messages={"required": _("KEP adresini yazın.")},
        widget=forms.TextInput(attrs={**_PLAIN, "autocapitalize": "none", "inputmode": "email"}),
    )


class SuspendForm(forms.Form):
    """Who ordered the suspension, and why."""

    neden = forms.ChoiceField(
        label=_("Kararı veren"),
        choices=[("", _("Seçin")), *((each.value, said) for each, said in SUSPENSIONS.items() if each != "holder")],
        error_messages={"required": _("Kararı kimin verdiğini seçin.")},
    )
    gerekce = why_field(_("Kararın tarihini ve sayısını yazın. Kimlik numarası yazmayın."))
