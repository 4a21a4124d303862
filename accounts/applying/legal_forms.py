"""The details of legal persons, together with their first main operator (K-023, K-024, K-061)."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from ..identity import COMPANY_TITLES, CompanyType, read_detsis, read_mersis, read_registry_no, read_vkn
from ..models import Application
from .forms import ApplicantForm, text_field
from .legal import LegalPerson, read_text

Kind = Application.Kind


class _LegalForm(ApplicantForm):
    """What private and public legal persons share."""

    unvan = text_field(
        _("Unvan"), _("Tüzel kişinin tam unvanını yazın."), hint=_("Sicilde ya da kuruluş belgesinde yazdığı gibi.")
    )
    vkn = text_field(
        _("Vergi kimlik no"),
        _("Vergi kimlik numarasını yazın."),
        hint=_("10 rakam."),
        inputmode="numeric",
        autocomplete="off",
    )
    faaliyet = text_field(
        _("Faaliyet alanı"), _("Faaliyet alanını yazın."), hint=_("KEP rehberinde görünür."), autocomplete="off"
    )
    il = text_field(_("İl"), _("Merkezin bulunduğu ili yazın."), autocomplete="address-level1")
    posta_adresi = text_field(_("Adres"), _("Merkezin adresini yazın."), autocomplete="street-address")

    def clean_unvan(self) -> str:
        """A line of up to 200 signs."""
        return self.read("unvan", lambda text: read_text(text, most=200, least=2))

    def clean_vkn(self) -> str:
        """Canonical."""
        return self.read("vkn", read_vkn)

    def clean_faaliyet(self) -> str:
        """A line of up to 200 signs."""
        return self.read("faaliyet", lambda text: read_text(text, most=200, least=2))

    def clean_il(self) -> str:
        """A line of up to 40 signs."""
        return self.read("il", lambda text: read_text(text, most=40, least=2))

    def clean_posta_adresi(self) -> str:
        """A line of up to 300 signs."""
        return self.read("posta_adresi", lambda text: read_text(text, most=300, least=5))


class PrivateLegalForm(_LegalForm):
    """A company, association, foundation, ... and its first main operator (K-023)."""

    tur = forms.ChoiceField(
        label=_("Türü"),
        help_text=_("Hangi tüzel kişilere elektronik tebligat yapılacağını bu belirler."),
        choices=[("", _("Seçin")), *((each.value, _(COMPANY_TITLES[each])) for each in CompanyType)],
        error_messages={"required": _("Tüzel kişinin türünü seçin."), "invalid_choice": _("Listeden bir tür seçin.")},
    )
    mersis = text_field(
        _("MERSİS no (varsa)"),
        "",
        hint=_("16 rakam. Ticaret siciline kayıtlıysa yazın."),
        required=False,
        inputmode="numeric",
        autocomplete="off",
    )
    sicil_no = text_field(_("Ticaret sicil no (varsa)"), "", required=False, inputmode="numeric", autocomplete="off")
    sicil_mudurlugu = text_field(_("Ticaret sicil müdürlüğü"), "", required=False, autocomplete="off")

    def clean_mersis(self) -> str:
        """Canonical, or empty."""
        return self.read("mersis", read_mersis)

    def clean_sicil_no(self) -> str:
        """Canonical, or empty."""
        return self.read("sicil_no", read_registry_no)

    def clean_sicil_mudurlugu(self) -> str:
        """A line of up to 80 signs, or empty."""
        return self.read("sicil_mudurlugu", lambda text: read_text(text, most=80, least=2))

    def clean(self) -> dict[str, Any]:
        """A company is in MERSİS, and a registry number means nothing without its office (K-023, I-011)."""
        cleaned = super().clean()
        if cleaned.get("tur") in _IN_MERSIS and not cleaned.get("mersis") and "mersis" not in self.errors:
            self.add_error("mersis", ValidationError(_("Ticaret şirketleri MERSİS numarasını yazar."), code="BSV-20"))
        if cleaned.get("sicil_no") and not cleaned.get("sicil_mudurlugu") and "sicil_mudurlugu" not in self.errors:
            missing = _("Ticaret sicil numarasının hangi müdürlükte olduğunu yazın.")
            self.add_error("sicil_mudurlugu", ValidationError(missing, code="BSV-20"))
        return cleaned

    def legal(self) -> LegalPerson:
        """The valid form as a value."""
        given = self.cleaned_data
        return LegalPerson(
            name=given["unvan"],
            mersis=given["mersis"],
            vkn=given["vkn"],
            registry_no=given["sicil_no"],
            registry_office=given["sicil_mudurlugu"],
            company_type=given["tur"],
            activity=given["faaliyet"],
            province=given["il"],
            postal_address=given["posta_adresi"],
        )

    @classmethod
    def filled_from(cls, application: Application) -> Mapping[str, object]:
        """The draft as initial values."""
        legal = LegalPerson.from_json(application.legal or "{}")
        return {
            **super().filled_from(application),
            **_filled(legal),
            "tur": legal.company_type,
            "mersis": legal.mersis,
            "sicil_no": legal.registry_no,
            "sicil_mudurlugu": legal.registry_office,
        }


class PublicLegalForm(_LegalForm):
    """A public body and its first main operator (K-024)."""

    detsis = text_field(
        _("DETSİS no"),
        _("Kurumunuzun DETSİS numarasını yazın."),
        hint=_("Çoğunlukla 8 rakam."),
        inputmode="numeric",
        autocomplete="off",
    )

    def clean_detsis(self) -> str:
        """Canonical."""
        return self.read("detsis", read_detsis)

    def legal(self) -> LegalPerson:
        """The valid form as a value."""
        given = self.cleaned_data
        return LegalPerson(
            name=given["unvan"],
            vkn=given["vkn"],
            detsis=given["detsis"],
            activity=given["faaliyet"],
            province=given["il"],
            postal_address=given["posta_adresi"],
        )

    @classmethod
    def filled_from(cls, application: Application) -> Mapping[str, object]:
        """The draft as initial values."""
        legal = LegalPerson.from_json(application.legal or "{}")
        return {**super().filled_from(application), **_filled(legal), "detsis": legal.detsis}


_IN_MERSIS = frozenset(
    each.value
    for each in (
        CompanyType.ANONIM,
        CompanyType.LIMITED,
        CompanyType.SHARE_KOMANDIT,
        CompanyType.KOMANDIT,
        CompanyType.KOLLEKTIF,
        CompanyType.KOOPERATIF,
    )
)
"""Traders are registered in MERSİS with the trade registry."""


def _filled(legal: LegalPerson) -> Mapping[str, object]:
    return {
        "unvan": legal.name,
        "vkn": legal.vkn,
        "faaliyet": legal.activity,
        "il": legal.province,
        "posta_adresi": legal.postal_address,
    }


FORMS: Mapping[Kind, type[ApplicantForm]] = {
    Kind.NATURAL: ApplicantForm,
    Kind.PRIVATE_LEGAL: PrivateLegalForm,
    Kind.PUBLIC_LEGAL: PublicLegalForm,
}
"""Which form an applicant of a kind fills in; members come by a list."""
LEGAL_FIELDS = (
    "unvan",
    "tur",
    "mersis",
    "vkn",
    "detsis",
    "sicil_no",
    "sicil_mudurlugu",
    "faaliyet",
    "il",
    "posta_adresi",
)
