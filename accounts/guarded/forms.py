"""Forms by which an act is asked for at the desk. They read and judge form; what may be done the verbs judge."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from ..approvals import LONGEST_WHY
from ..desk.identity_step import IdentityDocument
from ..errors import PhoneRefused, TcknRefused
from ..identity import read_mobile, read_tckn
from ..models import KepAccount, Operator
from ..operating import grants, words
from ..operating.errors import GrantRefused
from ..operating.grants import Grant
from .offices import Newcomer

_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


def why_field(hint: Any = "") -> forms.CharField:
    """Why it is asked for: the second pair of eyes reads it."""
    return forms.CharField(
        label=_("Gerekçe"),
        max_length=LONGEST_WHY,
        help_text=hint or _("İkinci görevli bunu okuyarak karar verir. Kimlik numarası ve telefon yazmayın."),
        error_messages={"required": _("İşlemin gerekçesini yazın.")},
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def tckn_field(label: Any) -> forms.CharField:
    """An identity number typed from a document."""
    return forms.CharField(
        label=label,
        max_length=64,
        error_messages={"required": _("T.C. kimlik numarasını belgeden yazın.")},
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "numeric"}),
    )


class LookForm(forms.Form):
    """Whom the clerk looks up."""

    ara = forms.CharField(
        label=_("T.C. kimlik no ya da tüzel kişinin KEP adresi"),
        max_length=254,
        help_text=_("Numarayı kişinin kimlik belgesinden yazın. Her arama kaydedilir."),
        error_messages={"required": _("T.C. kimlik numarasını ya da KEP adresini yazın.")},
        widget=forms.TextInput(attrs={**_PLAIN, "autocapitalize": "none"}),
    )


class AskForm(forms.Form):
    """What every request about a person at the desk says: the document that was seen, and why."""

    field_order: Sequence[str] = ()

    belge = forms.ChoiceField(
        label=_("Görülen kimlik belgesi"),
        choices=[
            ("", _("Seçin")),
            (IdentityDocument.ID_CARD.value, _("Kimlik kartı ya da nüfus cüzdanı")),
            (IdentityDocument.PASSPORT.value, _("Pasaport")),
            (IdentityDocument.DRIVING_LICENCE.value, _("Sürücü belgesi")),
        ],
        error_messages={"required": _("Hangi belgeyi gördüğünüzü seçin.")},
    )
    gordum = forms.BooleanField(
        label=_("Karşımdaki kişi belgedeki kişi; yüzünü ve belgeyi karşılaştırdım"),
        error_messages={"required": _("Yüzü ve belgeyi karşılaştırdığınızı onaylayan kutuyu işaretleyin.")},
    )
    gerekce = why_field()

    @property
    def document(self) -> IdentityDocument:
        """The document, of a valid form."""
        return IdentityDocument(self.cleaned_data["belge"])


class ProvedPhone(forms.Form):
    """A phone and the code that was read out from it. The code may be missing while it is only being sent."""

    telefon = forms.CharField(
        label=_("Cep telefonu"),
        max_length=32,
        error_messages={"required": _("Cep telefonu numarasını yazın.")},
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "tel"}),
    )
    kod = forms.CharField(
        label=_("Kişinin size okuduğu kod"),
        max_length=16,
        required=False,
        help_text=_("Önce “Kod gönder” ile numaraya kod gönderin; kişi gelen 6 rakamı okur."),
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "numeric"}),
    )

    def clean_telefon(self) -> str:
        """The number in E.164."""
        return read(read_mobile, self.cleaned_data["telefon"], PhoneRefused)

    def clean_kod(self) -> str:
        """Digits without blanks."""
        return str(self.cleaned_data["kod"]).replace(" ", "")

    def require_code(self) -> None:
        """For the request itself: a fault at the field when no code was typed."""
        if not self.cleaned_data.get("kod"):
            self.add_error("kod", ValidationError(_("Kişinin okuduğu kodu yazın."), code=""))


class PhoneForm(ProvedPhone, AskForm):
    """Another phone for a person."""

    field_order = ("telefon", "kod", "belge", "gordum", "gerekce")


class CloseForm(forms.Form):
    """Why an account is to be closed; only reasons that fit the holder are offered."""

    neden = forms.ChoiceField(label=_("Kapatma nedeni"), error_messages={"required": _("Kapatma nedenini seçin.")})
    gerekce = why_field(
        _("Gördüğünüz belgeyi yazın: dilekçe, sözleşme feshi, ölüm belgesi, karar. Kimlik no yazmayın.")
    )

    def __init__(self, *args: Any, choices: Sequence[tuple[str, Any]], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["neden"].choices = [("", _("Seçin")), *choices]  # type: ignore[attr-defined]


class WhyForm(forms.Form):
    """A request that needs nothing but its reason."""

    gerekce = why_field()


class AppointForm(ProvedPhone, AskForm):
    """Who becomes an operator at the desk, and what he is given."""

    field_order = ("tckn", "ad", "soyad", "telefon", "kod", "belge", "gordum")

    tckn = tckn_field(_("Belgedeki T.C. kimlik no"))
    ad = forms.CharField(label=_("Adı"), max_length=80, error_messages={"required": _("Adını belgeden yazın.")})
    soyad = forms.CharField(
        label=_("Soyadı"), max_length=80, error_messages={"required": _("Soyadını belgeden yazın.")}
    )
    ana = forms.BooleanField(label=_("Ana işlem yetkilisi olsun"), required=False)
    gorev = forms.CharField(label=_("Görevi"), max_length=40, required=False)
    iliski = forms.ChoiceField(
        label=_("Hesap sahibiyle ilişkisi"),
        required=False,
        choices=[("", _("Belirtilmedi")), *((each, words.RELATIONS[each]) for each in Operator.Relation)],
    )
    yetkiler = forms.MultipleChoiceField(
        label=_("Yetkiler ve bildirimler"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("En az bir yetki seçin.")},
    )

    def __init__(self, account: KepAccount, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        offered = grants.offered(account)
        chosen = [(each, said.name) for each, said in words.SWITCHES.items() if each in offered]
        self.fields["yetkiler"].choices = chosen  # type: ignore[attr-defined]
        self.order_fields((*self.field_order, "ana", "gorev", "iliski", "yetkiler", "gerekce"))

    def clean_tckn(self) -> str:
        """The canonical number."""
        return read(read_tckn, self.cleaned_data["tckn"], TcknRefused)

    def clean_gorev(self) -> str:
        """Visible characters only: it stands on banner and record."""
        role = str(self.cleaned_data["gorev"])
        if not role.isprintable():
            raise ValidationError(
                _("Görevde görünmeyen karakterler var. Yalnız yazı kullanın."), code=GrantRefused.code
            )
        return role

    def newcomer(self) -> Newcomer:
        """Who stands at the desk, of a valid form."""
        given = self.cleaned_data
        return Newcomer(given["tckn"], given["ad"], given["soyad"], given["telefon"], self.document)

    def grant(self) -> Grant:
        """What he is to be given, of a valid form."""
        given = self.cleaned_data
        return Grant(frozenset(given["yetkiler"]), given["ana"], given["gorev"], given["iliski"])


class StopForm(forms.Form):
    """What whoever holds the old phone types to stop a change."""

    tckn = forms.CharField(
        label=_("T.C. kimlik no"),
        max_length=64,
        error_messages={"required": _("T.C. kimlik numaranızı yazın.")},
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "numeric"}),
    )
    kod = forms.CharField(
        label=_("SMS ile gelen 8 haneli kod"),
        max_length=16,
        error_messages={"required": _("Telefonunuza gelen kodu yazın.")},
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "numeric"}),
    )

    def clean_tckn(self) -> str:
        """The canonical number."""
        return read(read_tckn, self.cleaned_data["tckn"], TcknRefused)

    def clean_kod(self) -> str:
        """Digits without blanks."""
        return str(self.cleaned_data["kod"]).replace(" ", "")


def read(reader: Any, text: str, refusal: type[PhoneRefused] | type[TcknRefused]) -> str:
    """What a field holds, by the one reader of the product; its refusal at the field, with its code."""
    try:
        return str(reader(text))
    except refusal as error:
        raise ValidationError(error.for_person(), code=error.code) from error
