"""The forms of the counter. They read and judge form only; what may be done is judged by the verbs.

A box that attests something is never checked beforehand, and an identity number is typed from the document, never
filled in by us.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from ..errors import PhoneRefused, TcknRefused
from ..identity import read_mobile, read_tckn
from .decision import LONGEST_REASON
from .identity_step import IdentityDocument, Seen

_DAYS = ["%d.%m.%Y", "%d/%m/%Y", "%Y-%m-%d"]
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


def _day(label: Any, *, required: bool = True, missing: Any = "", hint: Any = "") -> forms.DateField:
    return forms.DateField(
        label=label,
        required=required,
        input_formats=_DAYS,
        help_text=hint,
        error_messages={"required": missing, "invalid": _("Tarihi gün.ay.yıl biçiminde yazın, örneğin 05.03.1984.")},
        widget=forms.DateInput(format="%d.%m.%Y", attrs={**_PLAIN, "inputmode": "numeric", "class": "desk-day"}),
    )


class SearchForm(forms.Form):
    """What the applicant brings along: his number, or his identity document."""

    ara = forms.CharField(
        label=_("Başvuru no ya da T.C. kimlik no"),
        max_length=32,
        error_messages={"required": _("Başvuru numarasını ya da T.C. kimlik numarasını yazın.")},
        widget=forms.TextInput(attrs={**_PLAIN, "autocapitalize": "characters"}),
    )


class IdentityForm(forms.Form):
    """What stands on the document in the clerk's hand."""

    belge = forms.ChoiceField(
        label=_("Kimlik belgesi"),
        choices=[
            ("", _("Seçin")),
            (IdentityDocument.ID_CARD.value, _("Kimlik kartı ya da nüfus cüzdanı")),
            (IdentityDocument.PASSPORT.value, _("Pasaport")),
            (IdentityDocument.DRIVING_LICENCE.value, _("Sürücü belgesi")),
        ],
        error_messages={"required": _("Hangi belgeyi gördüğünüzü seçin.")},
    )
    tckn = forms.CharField(
        label=_("Belgedeki T.C. kimlik no"),
        max_length=32,
        help_text=_("Belgeden bakarak yazın; ekranda yazmaz."),
        error_messages={"required": _("Belgedeki T.C. kimlik numarasını yazın.")},
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "numeric"}),
    )
    ad = forms.CharField(
        label=_("Belgedeki ad"),
        max_length=80,
        error_messages={"required": _("Belgedeki adı yazın.")},
        widget=forms.TextInput(attrs=_PLAIN),
    )
    soyad = forms.CharField(
        label=_("Belgedeki soyad"),
        max_length=80,
        error_messages={"required": _("Belgedeki soyadı yazın.")},
        widget=forms.TextInput(attrs=_PLAIN),
    )
    dogum = _day(_("Doğum tarihi"), missing=_("Belgedeki doğum tarihini yazın."))
    gecerlilik = _day(_("Son geçerlilik tarihi"), required=False, hint=_("Belgede yazmıyorsa boş bırakın."))
    ayni_kisi = forms.BooleanField(
        label=_("Belgedeki fotoğraf karşımdaki kişiye ait, belge aslıdır"),
        error_messages={"required": _("Kişiyi belgeyle karşılaştırdığınızı onaylayın.")},
    )

    def clean_tckn(self) -> str:
        """The number by form; whether it is the applicant's the verb says."""
        try:
            return read_tckn(self.cleaned_data["tckn"])
        except TcknRefused as refusal:
            raise ValidationError(refusal.for_person(), code=refusal.code) from refusal

    def seen(self) -> Seen:
        """The valid form as a value."""
        given = self.cleaned_data
        return Seen(
            document=IdentityDocument(given["belge"]),
            tckn=given["tckn"],
            first_name=given["ad"],
            last_name=given["soyad"],
            birth_date=given["dogum"],
            valid_until=given["gecerlilik"],
            is_same_person=given["ayni_kisi"],
        )


class PhoneForm(forms.Form):
    """The number a code is sent to."""

    telefon = forms.CharField(
        label=_("Cep telefonu"),
        max_length=24,
        error_messages={"required": _("Cep telefonu numarasını yazın.")},
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "tel", "class": "desk-phone"}),
    )

    def clean_telefon(self) -> str:
        """The number as E.164."""
        try:
            return read_mobile(self.cleaned_data["telefon"])
        except PhoneRefused as refusal:
            raise ValidationError(refusal.for_person(), code=refusal.code) from refusal


class CodeForm(forms.Form):
    """The code as the applicant reads it out."""

    kod = forms.CharField(
        label=_("Başvuranın size okuduğu kod"),
        max_length=16,
        error_messages={"required": _("Başvuranın okuduğu kodu yazın.")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )
    elinde = forms.BooleanField(
        label=_("Telefon başvuranın elindeydi, kodu kendisi okudu"),
        error_messages={"required": _("Telefonun başvuranın elinde olduğunu onaylayın.")},
    )

    def clean_kod(self) -> str:
        """Six ASCII digits, blanks between them allowed. Anything else is no entry and costs no try."""
        code = str(self.cleaned_data["kod"]).replace(" ", "")
        if not (code.isascii() and code.isdigit() and len(code) == 6):
            raise ValidationError(_("Kod 6 rakamdan oluşur."))
        return code


class AddressForm(forms.Form):
    """One of the free addresses, or another one written out."""

    OTHER = "diger"

    secim = forms.ChoiceField(
        label=_("Verilecek adres"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Başvuranın istediği adresi seçin."),
            "invalid_choice": _("Bu adres az önce listeden çıktı. Listeden yeniden seçin."),
        },
    )
    adres = forms.CharField(
        label=_("Başka bir adres"),
        required=False,
        max_length=254,
        help_text=_("Yalnızca “Başka bir adres” seçiliyse okunur."),
        widget=forms.TextInput(attrs={**_PLAIN, "autocapitalize": "none", "inputmode": "email"}),
    )

    def __init__(self, proposals: tuple[str, ...], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [*((each, each) for each in proposals), (self.OTHER, _("Başka bir adres"))]
        self.fields["secim"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """The address that is meant, as `address`."""
        given = self.cleaned_data
        chosen, written = given.get("secim"), str(given.get("adres") or "").strip()
        if chosen == self.OTHER and not written:
            self.add_error("adres", _("Vermek istediğiniz adresi yazın."))
        given["address"] = written if chosen == self.OTHER else chosen
        return given


class ContractForm(forms.Form):
    """That the papers were signed before the clerk's eyes."""

    imzalandi = forms.BooleanField(
        label=_("Sözleşme ve taahhütname karşımda imzalandı"),
        error_messages={"required": _("Belgelerin karşınızda imzalandığını onaylayın.")},
    )


class PapersForm(forms.Form):
    """That the scanned papers were compared with what was brought along."""

    asillari_goruldu = forms.BooleanField(
        label=_("Belgelerin asıllarını gördüm, taramalar asıllarıyla aynı ve okunaklı"),
        error_messages={"required": _("Belgelerin asıllarını gördüğünüzü onaylayın.")},
    )


class RejectForm(forms.Form):
    """Why the application ends; the applicant reads it."""

    gerekce = forms.CharField(
        label=_("Reddin gerekçesi"),
        max_length=LONGEST_REASON,
        help_text=_("Başvuran bu metni durum sayfasında okur. Kişisel bilgi yazmayın."),
        error_messages={"required": _("Reddin gerekçesini yazın.")},
        widget=forms.Textarea(attrs={"rows": 4}),
    )
