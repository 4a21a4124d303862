"""The form of an application taken at the counter: the applicant's details, and what he chooses, on one page.

Details are read as on the applicant's own pages; nothing that attests something is checked beforehand.
"""

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from ..applying.forms import ApplicantForm
from ..applying.legal_forms import PrivateLegalForm, PublicLegalForm
from ..models import Application, KepAccount
from .intake import Wishes

Kind = Application.Kind


class _Wishes(forms.Form):
    """Service and notices (W-003, W-004)."""

    hizmet = forms.ChoiceField(
        label=_("Hizmet biçimi"),
        choices=[
            (KepAccount.Mode.RECEIVE_ONLY.value, _("Yalnız alıcı: ileti alır, göndermez; e-imza gerekmez")),
            (KepAccount.Mode.SEND_AND_RECEIVE.value, _("Gönderici ve alıcı: göndermek için e-imza gerekir")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Hizmet biçimini seçin."), "invalid_choice": _("Listeden seçin.")},
    )
    sms = forms.BooleanField(label=_("Yeni ileti gelince SMS ile haber verilsin"), required=False)
    eposta_haber = forms.BooleanField(label=_("Yeni ileti gelince e-posta ile haber verilsin"), required=False)
    tebligat = forms.BooleanField(label=_("Bu adrese elektronik tebligat gönderilebilsin"), required=False)

    def clean(self) -> dict[str, Any]:
        """Notices by e-mail need an address to go to."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("eposta_haber") and not cleaned.get("eposta") and "eposta" not in self.errors:
            self.add_error("eposta", ValidationError(_("E-posta ile haber için e-posta adresini yazın.")))
        return cleaned

    def wishes(self) -> Wishes:
        """The valid form as a value."""
        given = self.cleaned_data
        return Wishes(
            mode=KepAccount.Mode(given["hizmet"]),
            wants_sms=given["sms"],
            wants_email=given["eposta_haber"],
            listed=given.get("rehber", False),
            takes_tebligat=given["tebligat"],
        )


class NaturalIntake(_Wishes, ApplicantForm):
    """A natural person, who decides whether the directory shows him (K-063)."""

    rehber = forms.BooleanField(label=_("KEP rehberinde görünmeyi kabul ediyor"), required=False)


class PrivateLegalIntake(_Wishes, PrivateLegalForm):
    """A company, association, foundation, and its first main operator (K-023)."""


class PublicLegalIntake(_Wishes, PublicLegalForm):
    """A public body and its first main operator (K-024)."""


INTAKE_FORMS: Final[Mapping[Kind, type[NaturalIntake | PrivateLegalIntake | PublicLegalIntake]]] = {
    Kind.NATURAL: NaturalIntake,
    Kind.PRIVATE_LEGAL: PrivateLegalIntake,
    Kind.PUBLIC_LEGAL: PublicLegalIntake,
}
"""Which form a kind of applicant is taken in with; members of a corporate application come by a list (K-043)."""
LEGAL_FIELDS: Final = (
    "unvan", "tur", "mersis", "vkn", "detsis", "sicil_no", "sicil_mudurlugu", "faaliyet", "il", "posta_adresi",
)  # fmt: skip
PERSON_FIELDS: Final = ("tckn", "ad", "soyad", "dogum", "telefon", "eposta")
NOTICE_FIELDS: Final = ("sms", "eposta_haber", "tebligat", "rehber")
