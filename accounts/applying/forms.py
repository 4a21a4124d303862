"""The forms of an application. They read and judge form only; what may be done is judged by the verbs.

Field names are Turkish and ASCII. A form takes exactly the fields it shows: one too many is refused, like a value that
was never offered (V-041). Nothing that attests something is checked beforehand.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from guards import clock
from guards.errors import KepError

from ..identity import (
    read_mobile,
    read_name,
    read_tckn,
)
from ..models import Application
from .draft import Applicant
from .legal import LegalPerson
from .mail_address import read_mail

Kind = Application.Kind
_PLAIN = {"spellcheck": "false"}
_DAYS = ["%d.%m.%Y", "%d/%m/%Y", "%Y-%m-%d"]
_OLDEST = date(1900, 1, 1)


class StrictForm(forms.Form):
    """A form that refuses fields it does not have. `refused_with` is the status of the page while it has errors."""

    refused_with: int = 422

    def clean(self) -> dict[str, Any]:
        """Refuse extra fields and files."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        extra = (set(self.data) | set(self.files)) - set(self.fields) - {"csrfmiddlewaretoken"}
        if extra:
            raise ValidationError(
                _("Formda beklenmeyen bir alan var. Sayfayı yenileyip yeniden doldurun."), code="BSV-27"
            )
        return cleaned

    def read(self, name: str, reader: Callable[[str], str]) -> str:
        """The field in canonical form by `reader`; its refusal becomes the field's error, with its code."""
        given: str = self.cleaned_data.get(name, "")
        if not given:
            return ""
        try:
            return reader(given)
        except KepError as refusal:
            raise ValidationError(refusal.for_person(), code=refusal.code) from refusal


def text_field(
    label: Any, missing: Any, *, most: int = 300, hint: Any = "", required: bool = True, **attrs: str
) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=most,
        help_text=hint,
        error_messages={"required": missing, "max_length": _("Bu alan için yazılan çok uzun. Kısaltarak yazın.")},
        widget=forms.TextInput(attrs={**_PLAIN, **attrs}),
    )


class ApplicantForm(StrictForm):
    """The natural person who applies, or who will be the main operator of a legal person."""

    tckn = text_field(
        _("T.C. kimlik no"),
        _("T.C. kimlik numarasını yazın."),
        hint=_("11 rakam. Yabancıysanız 99 ile başlayan yabancı kimlik numaranız."),
        most=64,
        inputmode="numeric",
        autocomplete="off",
    )
    ad = text_field(_("Ad"), _("Adınızı yazın."), hint=_("Kimlik belgesinde yazdığı gibi."), autocomplete="given-name")
    soyad = text_field(_("Soyad"), _("Soyadınızı yazın."), autocomplete="family-name")
    dogum = forms.DateField(
        label=_("Doğum tarihi"),
        input_formats=_DAYS,
        help_text=_("Gün.ay.yıl, örneğin 05.03.1984."),
        error_messages={
            "required": _("Doğum tarihini yazın."),
            "invalid": _("Tarihi gün.ay.yıl biçiminde yazın, örneğin 05.03.1984."),
        },
        widget=forms.DateInput(format="%d.%m.%Y", attrs={"inputmode": "numeric", "autocomplete": "bday"}),
    )
    telefon = text_field(
        _("Cep telefonu"),
        _("Cep telefonu numaranızı yazın."),
        hint=_("Türkiye’den bir cep telefonu. Girişlerde SMS kodu bu numaraya gelir; birazdan doğrulanır."),
        most=32,
        inputmode="tel",
        autocomplete="tel",
    )
    eposta = text_field(
        _("E-posta (isteğe bağlı)"),
        "",
        hint=_("Yalnız haber vermek için; bu adrese ileti içeriği gönderilmez."),
        required=False,
        inputmode="email",
        autocomplete="email",
    )

    def clean_tckn(self) -> str:
        """Canonical; the error carries the code of the refusal."""
        return self.read("tckn", read_tckn)

    def clean_ad(self) -> str:
        """Canonical."""
        return self.read("ad", read_name)

    def clean_soyad(self) -> str:
        """Canonical."""
        return self.read("soyad", read_name)

    def clean_telefon(self) -> str:
        """E.164."""
        return self.read("telefon", read_mobile)

    def clean_eposta(self) -> str:
        """An ordinary address, or empty."""
        return self.read("eposta", read_mail)

    def clean_dogum(self) -> date:
        """A day somebody living can have been born on; it is compared with the document at the branch."""
        day: date = self.cleaned_data["dogum"]
        if not _OLDEST <= day <= localdate(clock.now()):
            raise ValidationError(_("Bu tarih bir doğum tarihi olamaz. Denetleyip yeniden yazın."), code="BSV-20")
        return day

    def applicant(self) -> Applicant:
        """The valid form as a value."""
        given = self.cleaned_data
        return Applicant(
            tckn=given["tckn"],
            first_name=given["ad"],
            last_name=given["soyad"],
            phone=given["telefon"],
            birth_date=given["dogum"],
            email=given["eposta"],
        )

    def legal(self) -> LegalPerson | None:
        """None: a natural person applies for himself."""
        return None

    @classmethod
    def filled_from(cls, application: Application) -> Mapping[str, object]:
        """The draft as initial values."""
        return {
            "tckn": application.tckn,
            "ad": application.first_name,
            "soyad": application.last_name,
            "dogum": date.fromisoformat(application.birth_date) if application.birth_date else None,
            "telefon": application.phone,
            "eposta": application.email or "",
        }


PERSON_FIELDS = ("tckn", "ad", "soyad", "dogum", "telefon", "eposta")
