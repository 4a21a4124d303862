"""The Turkish words of rights, places in a company, and acts of the log; one place for screens and papers.

Rights have a second line that says the consequence, because who ticks a box should know what it does (screens, Fields).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from django.utils.translation import gettext_lazy as _

from ..models import Operator
from ..operators import Act

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Words: TypeAlias = "str | _StrPromise"
Relation = Operator.Relation


@dataclass(frozen=True)
class SwitchWords:
    """A switch as screens name it, and what it does."""

    name: Words
    consequence: Words


SWITCHES: Final[dict[str, SwitchWords]] = {
    Act.READ.value: SwitchWords(_("Okuma"), _("Açtığı ileti hesap sahibince okunmuş olur")),
    Act.COMPOSE.value: SwitchWords(_("Yazma"), _("Taslak hazırlar, imzalayamaz")),
    Act.SIGN_AND_SEND.value: SwitchWords(_("İmzalayıp gönderme"), _("Kendi e-imzasıyla hesap sahibini bağlar")),
    Act.READ_TEBLIGAT.value: SwitchWords(_("e-Tebligat okuma"), _("Okuması beş günlük süreyi değiştirmez")),
    Act.SEND_TEBLIGAT.value: SwitchWords(_("e-Tebligat gönderme"), _("Tebligat çıkarır, kendi e-imzasıyla")),
    Act.SEE_BALANCE.value: SwitchWords(_("Bakiye görme"), _("Hareketleri görür, yükleme yapamaz")),
    Act.ARCHIVE.value: SwitchWords(_("Arşiv"), _("İletileri arşive taşır")),
    Act.DELETE.value: SwitchWords(_("Silme"), _("İletileri çöp kutusuna taşır; deliller kalır")),
    Act.MANAGE_OPERATORS.value: SwitchWords(_("Yetkili yönetimi"), _("Kişi ekler, çıkarır, yetki verir")),
    "wants_sms": SwitchWords(_("SMS bildirimi"), _("Yeni ileti gelince telefonuna haber gider")),
    "wants_email": SwitchWords(_("E-posta bildirimi"), _("Yeni ileti gelince e-postasına içeriksiz haber gider")),
}
"""In the order of the screens."""

RELATIONS: Final[dict[str, Words]] = {
    Relation.EMPLOYEE: _("Çalışan"),
    Relation.SHAREHOLDER: _("Hissedar"),
    Relation.BOARD_MEMBER: _("Yönetim kurulu üyesi"),
    Relation.ACCOUNTANT: _("Muhasebeci"),
    Relation.LAWYER: _("Avukat"),
}

MAIN: Final = _("Ana işlem yetkilisi")
SUB: Final = _("Alt yetkili")

ACTS: Final[dict[str, Words]] = {
    "account.chosen": _("Bu hesap adına işlem yapmaya başladı"),
    "account.activated": _("Hesabı etkinleştirdi"),
    "account.suspended": _("Hesap askıya alındı"),
    "account.resumed": _("Hesabın askısı kaldırıldı"),
    "account.closed": _("Hesap kapatıldı"),
    "account.reopened": _("Hesap yeniden açıldı"),
    "operator.invited": _("Yetkili davet etti"),
    "operator.invited_again": _("Daveti yeniden gönderdi"),
    "operator.invitation_withdrawn": _("Daveti geri çekti"),
    "operator.accepted": _("Daveti kabul etti"),
    "operator.declined": _("Daveti kabul etmedi"),
    "operator.appointed": _("Yetki verdi"),
    "operator.changed": _("Yetkileri değiştirdi"),
    "operator.removed": _("Yetkililikten çıkardı"),
    "operator.paper_added": _("Yetki belgesi ekledi"),
    "operator.paper_withdrawn": _("Yetki belgesini kaldırdı"),
    "paper.asked": _("Yetkili belgesi istedi"),
    "message.submitted": _("İletiyi imzalayıp gönderdi"),
    "message.opened": _("İletiyi açtı"),
}
"""What stands on *Kim ne yaptı*; an event without words here is the machine's own and is not shown there."""


def switch_names(switches: "frozenset[str] | set[str]") -> list[str]:
    """The Turkish names of these switches, in the order of screens."""
    return [str(words.name) for switch, words in SWITCHES.items() if switch in switches]


def standing(operator: Operator) -> str:
    """`Ana işlem yetkilisi`, or the place in the company, or `Alt yetkili`."""
    if operator.is_main:
        return str(MAIN)
    return _raised(operator.role) or str(RELATIONS.get(operator.relation, SUB))


def _raised(role: str) -> str:
    """With a capital, in a list; the i of Turkish has its dot."""
    return role[:1].replace("i", "İ").upper() + role[1:]
