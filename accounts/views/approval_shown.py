"""How a request for a second pair of eyes is shown: what will be done, to whom, asked by whom, and what became of it.

Identity numbers are masked and old phones too; a new phone is shown whole, because it is what is to be looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from guards.spoken import spoken

from .. import approvals
from ..approvals import facts_of, kind_of
from ..guarded import closing, offices, phone, postings, reset
from ..identity import mask_tckn
from ..lifecycle import Closing, Suspension
from ..models import Approval, Branch, KepAccount, Person, Post
from ..operating import words
from ..posts import Serving

_State = Approval.State
STATES: Final = {
    _State.ASKED: gettext_lazy("Karar bekliyor"),
    _State.APPROVED: gettext_lazy("Onaylandı, zamanını bekliyor"),
    _State.DONE: gettext_lazy("Yapıldı"),
    _State.REFUSED: gettext_lazy("Reddedildi"),
    _State.WITHDRAWN: gettext_lazy("Geri alındı"),
    _State.STOPPED: gettext_lazy("Hesap sahibi durdurdu"),
    _State.LAPSED: gettext_lazy("Süresi doldu"),
    _State.FAILED: gettext_lazy("Yapılamadı"),
}
ROLES: Final = {
    Post.Role.CLERK: gettext_lazy("Şube personeli"),
    Post.Role.BACK_OFFICE: gettext_lazy("Yönetim personeli"),
}
CLOSINGS: Final = {
    Closing.REQUEST: gettext_lazy("Hesap sahibinin isteği"),
    Closing.CONTRACT_END: gettext_lazy("Sözleşmenin sona ermesi"),
    Closing.FALSE_DATA: gettext_lazy("Gerçeğe aykırı bilgi"),
    Closing.DEATH: gettext_lazy("Ölüm"),
    Closing.DISSOLUTION: gettext_lazy("Tüzel kişiliğin sona ermesi"),
    Closing.AUTHORITY: gettext_lazy("Yetkili merciin kararı"),
}
SUSPENSIONS: Final = {
    Suspension.HOLDER: gettext_lazy("Hesap sahibinin isteği"),
    Suspension.PROVIDER: gettext_lazy("Hizmet sağlayıcının kararı"),
    Suspension.AUTHORITY: gettext_lazy("Yetkili merciin kararı"),
}
DOCUMENTS: Final = {
    "id_card": gettext_lazy("Kimlik kartı ya da nüfus cüzdanı"),
    "passport": gettext_lazy("Pasaport"),
    "driving_licence": gettext_lazy("Sürücü belgesi"),
}


@dataclass(frozen=True)
class Fact:
    """One line of what will be done."""

    label: str
    value: str


@dataclass(frozen=True)
class ApprovalRow:
    """One line of a list."""

    public_id: str
    title: str
    about: str
    asked_by: str
    branch: str
    asked_at: datetime
    lapses_at: datetime
    state: str
    may_decide: bool
    is_own: bool


@dataclass(frozen=True)
class ApprovalShown:
    """The page of one request."""

    row: ApprovalRow
    why: str
    facts: Sequence[Fact]
    is_open: bool
    may_decide: bool
    may_withdraw: bool
    decided_by: str
    decided_at: datetime | None
    not_before: datetime | None
    ended_at: datetime | None
    end_reason: str


def rows_of(found: Iterable[Approval], by: Serving) -> list[ApprovalRow]:
    """Lines of a list. Two queries for any number of them."""
    listed = list(found)
    people = Person.objects.in_bulk({UUID(key) for each in listed if (key := _person_key(each))})
    names = {each.subject.removeprefix("account:") for each in listed if each.subject.startswith("account:")}
    accounts = {
        each.public_id: each for each in KepAccount.objects.filter(public_id__in=names).select_related("holder")
    }
    return [_row(each, people, accounts, by) for each in listed]


def shown(approval: Approval, by: Serving) -> ApprovalShown:
    """The page of one request."""
    row = rows_of([approval], by)[0]
    is_open = approval.state in (_State.ASKED, _State.APPROVED)
    return ApprovalShown(
        row=row,
        why=approval.why or "",
        facts=_facts(approval),
        is_open=is_open,
        may_decide=is_open and row.may_decide,
        may_withdraw=is_open and row.is_own,
        decided_by=approval.decided_by.full_name if approval.decided_by else "",
        decided_at=approval.decided_at,
        not_before=approval.not_before if approval.state == _State.APPROVED else None,
        ended_at=approval.ended_at,
        end_reason=approval.end_reason if approval.state == _State.FAILED else "",
    )


def masked_phone(number: str) -> str:
    """`+90 ••• ••• •• 12`: the end of a phone, as the sign-in shows it."""
    return f"+90 ••• ••• •• {number[-2:]}"


def whole_phone(number: str) -> str:
    """`+90 555 000 00 12`."""
    digits = number.removeprefix("+90")
    return f"+90 {digits[:3]} {digits[3:6]} {digits[6:8]} {digits[8:]}"


def _row(approval: Approval, people: dict[UUID, Person], accounts: dict[str, KepAccount], by: Serving) -> ApprovalRow:
    return ApprovalRow(
        public_id=approval.public_id,
        title=spoken(kind_of(approval).title),
        about=_about(approval, people, accounts),
        asked_by=approval.asked_by.full_name,
        branch=approval.branch.name if approval.branch else _("Yönetim"),
        asked_at=approval.asked_at,
        lapses_at=approval.lapses_at,
        state=str(STATES[_State(approval.state)]),
        may_decide=approvals.may_decide(approval, by),
        is_own=approval.asked_by_id == by.person.pk,
    )


def _about(approval: Approval, people: dict[UUID, Person], accounts: dict[str, KepAccount]) -> str:
    account = accounts.get(approval.subject.removeprefix("account:"))
    if account is not None:
        return f"{account.holder.name} ({account.address})"
    key = _person_key(approval)
    person = people.get(UUID(key)) if key else None
    if person is not None:
        return person.full_name
    facts = facts_of(approval)
    return f"{facts.get('first_name', '')} {facts.get('last_name', '')}".strip()


def _person_key(approval: Approval) -> str:
    if approval.subject.startswith("account:"):
        return ""
    return facts_of(approval).get("person", "")


def _facts(approval: Approval) -> list[Fact]:
    facts = facts_of(approval)
    lines = {
        reset.KIND: _of_person,
        phone.KIND: _of_phone,
        offices.KIND: _of_office,
        closing.CLOSE: _of_account,
        closing.REOPEN: _of_account,
        closing.SUSPEND: _of_account,
        closing.RESUME: _of_account,
        postings.GRANT: _of_post,
        postings.END: _of_post,
    }[approval.kind](facts)
    seen = facts.get("document")
    return [*lines, *([Fact(_("Görülen belge"), str(DOCUMENTS[seen]))] if seen else [])]


def _of_person(facts: dict[str, str]) -> list[Fact]:
    person = Person.objects.get(pk=UUID(facts["person"]))
    return [
        Fact(_("Kişi"), person.full_name),
        Fact(_("T.C. kimlik no"), mask_tckn(person.tckn)),
        Fact(_("Kodun gideceği telefon"), masked_phone(person.phone)),
    ]


def _of_phone(facts: dict[str, str]) -> list[Fact]:
    person = Person.objects.get(pk=UUID(facts["person"]))
    return [
        Fact(_("Kişi"), person.full_name),
        Fact(_("T.C. kimlik no"), mask_tckn(person.tckn)),
        Fact(_("Şimdiki telefon"), masked_phone(facts["old"])),
        Fact(_("Yeni telefon"), whole_phone(facts["new"])),
    ]


def _of_office(facts: dict[str, str]) -> list[Fact]:
    account = KepAccount.objects.select_related("holder").get(public_id=facts["account"])
    lines = [
        Fact(_("Hesap"), f"{account.holder.name}, {account.address}"),
        Fact(_("Kişi"), f"{facts['first_name']} {facts['last_name']}"),
    ]
    if facts["what"] == offices.END:
        return [*lines, Fact(_("İşlem"), _("Yetkililikten çıkarma"))]
    given = ", ".join(words.switch_names(set(facts["switches"].split())))
    return [
        *lines,
        Fact(_("T.C. kimlik no"), mask_tckn(facts["tckn"])),
        Fact(_("Telefon"), whole_phone(facts["phone"])),
        Fact(_("İşlem"), _("Ana işlem yetkilisi atama") if facts["main"] else _("Alt yetkili atama")),
        Fact(_("Yetkiler"), given),
    ]


def _of_account(facts: dict[str, str]) -> list[Fact]:
    account = KepAccount.objects.select_related("holder").get(public_id=facts["account"])
    lines = [Fact(_("Hesap sahibi"), account.holder.name), Fact(_("KEP adresi"), account.address)]
    reason = facts.get("reason")
    if reason is None:
        return lines
    said = CLOSINGS[Closing(reason)] if reason in set(Closing) else SUSPENSIONS[Suspension(reason)]
    return [*lines, Fact(_("Neden"), str(said))]


def _of_post(facts: dict[str, str]) -> list[Fact]:
    post = Post.objects.select_related("branch", "person").filter(public_id=facts.get("post", "")).first()
    if post is not None:
        name, tckn, role, branch = post.person.full_name, post.person.tckn, post.role, post.branch
    else:
        name, tckn, role = f"{facts['first_name']} {facts['last_name']}", facts["tckn"], facts["role"]
        branch = Branch.objects.filter(code=facts["branch"]).first()
    lines = [
        Fact(_("Kişi"), name),
        Fact(_("T.C. kimlik no"), mask_tckn(tckn)),
        Fact(_("Görev"), str(ROLES[Post.Role(role)])),
    ]
    return [*lines, *([Fact(_("Şube"), branch.name)] if branch else [])]
