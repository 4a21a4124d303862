"""The later steps of an application: code, account, paper, number, and the list of a corporate application."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from ..errors import AddressRefused
from ..identity import KepAddress, read_address
from ..models import Application, Branch, KepAccount
from .documents import PaperKind
from .draft import WantedAccount
from .forms import StrictForm

OTHER_ADDRESS = "baska"
_MODES = [
    (KepAccount.Mode.SEND_AND_RECEIVE.value, _("Gönderici ve alıcı")),
    (KepAccount.Mode.RECEIVE_ONLY.value, _("Sadece alıcı")),
]
_CODE = {"inputmode": "numeric", "autocomplete": "one-time-code", "spellcheck": "false"}


def _branch_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Şube"),
        help_text=_("Belgelerinizin aslıyla gideceğiniz şube."),
        error_messages={"required": _("Bir şube seçin."), "invalid_choice": _("Listeden bir şube seçin.")},
    )


def _with_branches(field: Any, branches: Iterable[Branch]) -> None:
    field.choices = [("", _("Seçin")), *((each.code, f"{each.province}, {each.name}") for each in branches)]


class CodeForm(StrictForm):
    """The code that came to the phone. Blanks between the figures are allowed; anything else is no entry."""

    kod = forms.CharField(
        label=_("Telefonunuza gelen 6 haneli kod"),
        max_length=32,
        error_messages={"required": _("Telefonunuza gelen kodu yazın.")},
        widget=forms.TextInput(attrs=_CODE),
    )

    def clean_kod(self) -> str:
        """Six ASCII figures."""
        code: str = self.cleaned_data["kod"].replace(" ", "")
        if not (code.isascii() and code.isdigit() and len(code) == 6):
            raise ValidationError(_("Kod 6 rakamdan oluşur."), code="BSV-26")
        return code


class NumberForm(StrictForm):
    """The number of an application, as it was read aloud or printed."""

    no = forms.CharField(
        label=_("Başvuru no"),
        max_length=40,
        help_text=_("B-2026-7K3M9Q biçiminde; formunuzun başında yazar."),
        error_messages={"required": _("Başvuru numaranızı yazın.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )


class AccountForm(StrictForm):
    """Address, service, notices and branch (W-003, W-004). `proposed` are free addresses, the plainest first."""

    adres = forms.ChoiceField(
        label=_("KEP adresi"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Bir adres seçin."), "invalid_choice": _("Listeden bir adres seçin.")},
    )
    baska_adres = forms.CharField(
        label=_("Yazmak istediğiniz adres"),
        required=False,
        max_length=300,
        help_text=_("Ad ve soyadınızdan oluşur; sonuna nokta ve ek koyabilirsiniz."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    hizmet = forms.ChoiceField(
        label=_("Hizmet biçimi"),
        choices=_MODES,
        widget=forms.RadioSelect,
        error_messages={"required": _("Hizmet biçimini seçin."), "invalid_choice": _("Listeden seçin.")},
    )
    sube = _branch_field()
    sms = forms.BooleanField(label=_("Yeni ileti gelince SMS ile haber ver"), required=False)
    eposta_haber = forms.BooleanField(label=_("Yeni ileti gelince e-posta ile haber ver"), required=False)
    tebligat = forms.BooleanField(label=_("Bu adrese elektronik tebligat gönderilebilsin"), required=False)
    rehber = forms.BooleanField(label=_("KEP rehberinde görünmeyi kabul ediyorum"), required=False)

    def __init__(
        self,
        data: Mapping[str, str] | None = None,
        *,
        application: Application,
        proposed: Sequence[str],
        branches: Iterable[Branch],
    ) -> None:
        super().__init__(data, initial=_chosen(application, proposed))
        self._has_email = bool(application.email)
        own: Any = self.fields["adres"]
        own.choices = [*((each, each) for each in proposed), (OTHER_ADDRESS, _("Başka bir adres yazacağım"))]
        _with_branches(self.fields["sube"], branches)
        if application.legal is not None:
            del self.fields["rehber"]
            self.fields["baska_adres"].help_text = _("Unvandan ya da MERSİS numarasından oluşur.")

    def clean(self) -> dict[str, Any]:
        """The address in canonical form; notices by e-mail need an address to go to."""
        cleaned = super().clean()
        chosen = cleaned.get("adres")
        typed = cleaned.get("baska_adres", "")
        if chosen == OTHER_ADDRESS:
            try:
                cleaned["address"] = read_address(typed.strip())
            except AddressRefused as refusal:
                self.add_error("baska_adres", ValidationError(refusal.for_person(), code=refusal.code))
        elif chosen:
            cleaned["address"] = read_address(chosen)
        if cleaned.get("eposta_haber") and not self._has_email:
            missing = _("E-posta ile haber için önce bilgiler adımında bir e-posta adresi yazın.")
            self.add_error("eposta_haber", ValidationError(missing, code="BSV-20"))
        return cleaned

    def account(self) -> WantedAccount:
        """The valid form as a value."""
        given = self.cleaned_data
        address: KepAddress = given["address"]
        return WantedAccount(
            address=address,
            mode=KepAccount.Mode(given["hizmet"]),
            branch_code=given["sube"],
            wants_sms=given["sms"],
            wants_email=given["eposta_haber"],
            listed=given.get("rehber", False),
            takes_tebligat=given["tebligat"],
        )


class PaperForm(StrictForm):
    """One paper. Its type is found by looking at the bytes; `accept` only spares a search in the file picker."""

    tur = forms.ChoiceField(
        label=_("Belge"),
        error_messages={"required": _("Hangi belge olduğunu seçin."), "invalid_choice": _("Listeden seçin.")},
    )
    dosya = forms.FileField(
        label=_("Dosya"),
        help_text=_("PDF, JPEG ya da PNG; en çok 10 MB."),
        allow_empty_file=True,  # the verb says what is wrong with it
        max_length=255,
        error_messages={"required": _("Bir dosya seçin."), "max_length": _("Dosyanın adı çok uzun. Kısaltın.")},
        widget=forms.FileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.png"}),
    )

    def __init__(self, data: Any = None, files: Any = None, *, kinds: Iterable[PaperKind]) -> None:
        super().__init__(data, files)
        own: Any = self.fields["tur"]
        own.choices = [("", _("Seçin")), *((each.value, each.label) for each in kinds)]


class ListForm(StrictForm):
    """The list of a corporate application."""

    liste = forms.FileField(
        label=_("Liste"),
        help_text=_("CSV UTF-8, en çok 500 kişi."),
        allow_empty_file=True,
        max_length=255,
        error_messages={"required": _("Bir dosya seçin."), "max_length": _("Dosyanın adı çok uzun. Kısaltın.")},
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
    hizmet = forms.ChoiceField(
        label=_("Hizmet biçimi"),
        choices=_MODES,
        widget=forms.RadioSelect,
        error_messages={"required": _("Hizmet biçimini seçin."), "invalid_choice": _("Listeden seçin.")},
    )
    sube = _branch_field()

    def __init__(self, data: Any = None, files: Any = None, *, branches: Iterable[Branch]) -> None:
        super().__init__(data, files)
        _with_branches(self.fields["sube"], branches)


def _chosen(application: Application, proposed: Sequence[str]) -> dict[str, Any]:
    """What was chosen before, or what is chosen by nobody yet: notices by SMS, and nothing that attests anything."""
    address = application.wanted_address
    is_chosen = bool(address)
    return {
        "adres": (address if address in proposed else OTHER_ADDRESS) if is_chosen else None,
        "baska_adres": address if is_chosen and address not in proposed else "",
        "hizmet": application.mode if is_chosen else None,
        "sube": application.branch.code if application.branch else "",
        "sms": application.wants_sms,
        "eposta_haber": application.wants_email,
        "tebligat": application.takes_tebligat,
        "rehber": application.listed,
    }
