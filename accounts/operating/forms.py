"""The forms of *Yetkililer*. Only the switches that mean something for the account are fields (`grants.offered`)."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from ..errors import AccountsError
from ..identity import read_mobile, read_name, read_tckn
from ..models import KepAccount, Operator
from . import grants, papers, words
from .errors import GrantRefused, UnknownFields
from .grants import Grant

_DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class GrantForm(forms.Form):
    """Rights, place and dates of one operator. `shows_main` is for main operators only."""

    seen = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    role = forms.CharField(
        label=_("Görevi"),
        max_length=40,
        required=False,
        help_text=_("Örneğin “Muhasebe”. Listede adın altında yazar."),
    )
    relation = forms.ChoiceField(
        label=_("Hesap sahibiyle ilişkisi"),
        required=False,
        choices=[("", _("Belirtilmedi")), *((each, words.RELATIONS[each]) for each in Operator.Relation)],
    )
    starts_on = forms.DateField(
        label=_("İlk gün"), required=False, widget=_DAY, help_text=_("Boşsa yetki kabul edildiği anda başlar.")
    )
    ends_on = forms.DateField(
        label=_("Son gün"), required=False, widget=_DAY, help_text=_("Boşsa yetki süresizdir. Son gün de sayılır.")
    )

    def __init__(self, account: KepAccount, *args: Any, shows_main: bool, has_begun: bool = False, **more: Any) -> None:
        super().__init__(*args, **more)
        self.switch_names = grants.offered(account)
        for switch in self.switch_names:
            said = words.SWITCHES[switch]
            self.fields[switch] = forms.BooleanField(label=said.name, help_text=said.consequence, required=False)
        if shows_main:
            self.fields["is_main"] = forms.BooleanField(
                label=words.MAIN, help_text=_("Hesabı temsil eder; herkesi ekler, değiştirir, çıkarır"), required=False
            )
        if has_begun:
            del self.fields["starts_on"]

    @property
    def rights(self) -> list[forms.BoundField]:
        """The boxes of rights, in the order of screens."""
        return [self[each] for each in words.SWITCHES if each in self.switch_names and each not in grants.NOTICES]

    @property
    def notices(self) -> list[forms.BoundField]:
        """The boxes of notices."""
        return [self[each] for each in grants.NOTICES]

    @property
    def place(self) -> list[forms.BoundField]:
        """Task, relation and dates."""
        return [self[each] for each in ("role", "relation", "starts_on", "ends_on") if each in self.fields]

    def grant(self, *, is_main: bool = False) -> Grant:
        """What the form says; `is_main` stands where the form has no box for it."""
        given = self.cleaned_data
        starts_on, ends_on = given.get("starts_on"), given.get("ends_on")
        return Grant(
            frozenset(each for each in self.switch_names if given.get(each)),
            bool(given.get("is_main", is_main)),
            given.get("role") or "",
            given.get("relation") or "",
            grants.first_moment(starts_on) if starts_on else None,
            grants.moment_after(ends_on) if ends_on else None,
        )

    def clean_role(self) -> str:
        """One line of visible characters: it stands beside the name, on the banner and on the sealed record."""
        role = str(self.cleaned_data["role"])
        if not role.isprintable():
            raise ValidationError(
                _("Görevde görünmeyen karakterler var. Yalnız yazı kullanın."), code=GrantRefused.code
            )
        return role

    def clean(self) -> dict[str, Any]:
        """A last day before the first is told at its field."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        starts_on, ends_on = given.get("starts_on"), given.get("ends_on")
        if starts_on and ends_on and ends_on < starts_on:
            self.add_error("ends_on", ValidationError(_("Son gün ilk günden önce olamaz."), code=GrantRefused.code))
        return given


class InvitationForm(GrantForm):
    """Who is invited, beside what he is given."""

    field_order = ["tckn", "first_name", "last_name", "phone", "email"]

    tckn = forms.CharField(
        label=_("T.C. kimlik no"),
        max_length=64,
        error_messages={"required": _("Davet edeceğiniz kişinin T.C. kimlik numarasını yazın.")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"}),
    )
    first_name = forms.CharField(label=_("Adı"), max_length=80, error_messages={"required": _("Kişinin adını yazın.")})
    last_name = forms.CharField(
        label=_("Soyadı"), max_length=80, error_messages={"required": _("Kişinin soyadını yazın.")}
    )
    phone = forms.CharField(
        label=_("Cep telefonu"),
        max_length=32,
        help_text=_("Kişi burada zaten kayıtlıysa haber onun kayıtlı numarasına gider."),
        error_messages={"required": _("Kişinin cep telefonu numarasını yazın.")},
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off", "type": "tel"}),
    )
    email = forms.EmailField(label=_("E-posta"), max_length=254, required=False, help_text=_("Zorunlu değil."))

    @property
    def who(self) -> list[forms.BoundField]:
        """The fields that name the person."""
        return [self[each] for each in ("tckn", "first_name", "last_name", "phone", "email")]

    def clean_tckn(self) -> str:
        """The canonical number."""
        return str(_read(read_tckn, self.cleaned_data["tckn"].strip()))

    def clean_phone(self) -> str:
        """E.164."""
        return str(_read(read_mobile, self.cleaned_data["phone"]))

    def clean_first_name(self) -> str:
        """The name as the register of persons takes it."""
        return str(_read(read_name, self.cleaned_data["first_name"]))

    def clean_last_name(self) -> str:
        """The surname as the register of persons takes it."""
        return str(_read(read_name, self.cleaned_data["last_name"]))


def _paper_kinds() -> list[tuple[str, str]]:
    """Asked for each form, because the words are those of the reader's language."""
    return [(each.value, each.label) for each in papers.KINDS]


class PaperForm(forms.Form):
    """A paper about an operator; what it is by its bytes is found out later."""

    kind = forms.ChoiceField(label=_("Belgenin türü"), choices=_paper_kinds)
    file = forms.FileField(
        label=_("Dosya"),
        help_text=_("PDF, JPEG ya da PNG; en çok 10 MB."),
        error_messages={"required": _("Yüklenecek dosyayı seçin."), "empty": _("Dosya boş.")},
    )


def refuse_more(post: QueryDict, form: forms.Form) -> None:
    """`UnknownFields` when the request holds a field that the form does not have (V-041)."""
    if set(post) - set(form.fields) - {"csrfmiddlewaretoken"}:
        raise UnknownFields("fields the form does not have")


def initial_of(operator: Operator) -> dict[str, object]:
    """A form's first values, from the operator as he is."""
    grant = grants.held_by(operator)
    starts_on: datetime = operator.starts_at
    return {
        "seen": grants.state_of(operator),
        "role": grant.role,
        "relation": grant.relation,
        "is_main": grant.is_main,
        "starts_on": grants.day_of(starts_on),
        "ends_on": grants.last_day(operator.ends_at),
        **dict.fromkeys(grant.switches, True),
    }


def _read(read: Any, text: str) -> object:
    try:
        return read(text)
    except AccountsError as refusal:
        raise ValidationError(refusal.for_person(), code=refusal.code) from refusal
