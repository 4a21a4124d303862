"""The evidence timeline: what happened, what is awaited, and until when (screens, Timeline).

Steps that exist come from sealed proofs; steps that are owed or still to come are drawn as awaited, with the
latest time the message's own policy gives. Nothing is left out and nothing is promised that is not certain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence.facts import EvidenceKind
from evidence.models import SealedEvidence
from evidence.proof_check import judge_proof
from evidence.xml import read as read_evidence
from guards.refusal_texts import text_of_code
from mailbox import term_holds
from mailbox.models import BoxItem, Message, Recipient, TermHold
from mailbox.proof_reasons import reason_for_reader
from mailbox.state_names import MessageState, RecipientState
from mailbox.trouble import text_of_hold

from .shown import AWAITED, EXISTS, NEGATIVE

_NAMES = {
    10: gettext_lazy("Kabul delili"),
    11: gettext_lazy("Ret delili"),
    20: gettext_lazy("Aktarım kabul delili"),
    21: gettext_lazy("Aktarım ret delili"),
    31: gettext_lazy("Ulaştırılamama delili"),
    40: gettext_lazy("Teslim delili"),
    41: gettext_lazy("Teslim edilememe delili"),
    60: gettext_lazy("Okundu delili"),
    61: gettext_lazy("Okunmuş sayılma delili"),
}


@dataclass(frozen=True)
class Step:
    code: int
    label: str
    state: str
    at: datetime | None = None
    issued: str = ""
    verdict: str = ""
    download_url: str = ""
    name: str = ""
    latest: datetime | None = None
    explanation: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Timeline:
    name: str
    address: str
    is_closed: bool
    steps: Sequence[Step]


def own_page_of(item: BoxItem, code: int, recipient_no: int) -> str:
    """Where a proof is fetched by whoever acts for the account."""
    return reverse("mailbox:download_proof", args=[item.public_id, code, recipient_no])


def timelines_of(
    item: BoxItem,
    recipients: Sequence[Recipient],
    proofs: Sequence[SealedEvidence],
    *,
    fetched_at: Callable[[BoxItem, int, int], str] = own_page_of,
) -> list[Timeline]:
    """One list per recipient; a single one needs no heading. `fetched_at` says where a proof is fetched."""
    message = item.message
    numbers = {each.recipient_no for each in recipients} | {0}
    made = [(each.intent.recipient_no, _made(item, each, fetched_at)) for each in proofs
            if each.intent.recipient_no in numbers]  # fmt: skip
    if not recipients:
        return [Timeline("", "", False, _steps(item, None, made))]
    several = len(recipients) > 1
    holds = term_holds.holds_of(recipients)
    return [
        Timeline(
            name=each.name or each.address if several else "",
            address=each.address if several else "",
            is_closed=several and each.closed_at is not None and message.state == MessageState.ACCEPTED,
            steps=_steps(item, each, made, holds.get(each.pk, ())),
        )
        for each in recipients
    ]


def standing_of(message: Message, recipients: Sequence[Recipient]) -> tuple[str, str]:
    """One sentence on where things stand, and its kind: "" | "held" | "broken"."""
    if message.state == MessageState.REJECTED:
        return _("İletiniz kabul edilmedi ve gönderilmedi. Nedeni ret delilinde yazılı."), "broken"
    if message.state == MessageState.RETURNED:  # nothing was accepted: no proof is being prepared, none will come
        code = message.refusal_code
        return (text_of_code(code), "broken") if code else (str(MessageState.RETURNED.label), "")
    if message.state == MessageState.CHECKING:
        if message.hold_reason:
            return text_of_hold(message.hold_reason), "held"
        return _("İletiniz alındı; imza ve sertifika denetleniyor."), ""
    if message.released_at is None:
        return _("İletiniz alındı, kabul delili hazırlanıyor."), ""
    if len(recipients) == 1:
        return _standing_of_one(recipients[0])
    read = sum(each.state in (RecipientState.READ, RecipientState.DEEMED_READ) for each in recipients)
    lost = sum(each.state == RecipientState.UNDELIVERED for each in recipients)
    text = _("%(all)d alıcıdan %(read)d tanesi okudu.") % {"all": len(recipients), "read": read}
    if lost:
        text += " " + _("%(lost)d alıcıya teslim edilemedi.") % {"lost": lost}
    return text, "broken" if lost else ""


def _standing_of_one(recipient: Recipient) -> tuple[str, str]:
    name = recipient.name or recipient.address
    sentences = {
        RecipientState.DELIVERED: _("%(name)s kutusuna bırakıldı. Okunması bekleniyor."),
        RecipientState.READ: _("%(name)s iletiyi okudu."),
        RecipientState.DEEMED_READ: _("%(name)s iletiyi süresinde açmadı; ileti okunmuş sayıldı."),
        RecipientState.UNDELIVERED: _("%(name)s adresine teslim edilemedi."),
    }
    text = sentences.get(RecipientState(recipient.state), _("%(name)s kutusuna bırakılmak üzere yolda."))
    return text % {"name": name}, "broken" if recipient.state == RecipientState.UNDELIVERED else ""


def _steps(
    item: BoxItem, recipient: Recipient | None, made: Sequence[tuple[int, Step]], holds: Sequence[TermHold] = ()
) -> list[Step]:
    numbers = (0, recipient.recipient_no) if recipient else (0,)
    own = [step for number, step in made if number in numbers]
    return own + _awaited(item.message, recipient, {step.code for step in own}, holds)


def _made(item: BoxItem, proof: SealedEvidence, fetched_at: Callable[[BoxItem, int, int], str]) -> Step:
    kind = EvidenceKind(proof.intent.code)
    is_refusal = kind.is_negative and kind is not EvidenceKind.DEEMED_READ
    judged = judge_proof(bytes(proof.xml), digest=bytes(proof.digest))
    reasons = read_evidence(bytes(proof.intent.unsigned)).reasons
    return Step(
        code=int(kind),
        label=_(kind.title),
        state=NEGATIVE if is_refusal else EXISTS,
        at=proof.intent.event_at,
        issued=_("%(provider)s düzenledi, %(stamper)s damgaladı")
        % {"provider": judged.provider_code, "stamper": judged.stamped_by},
        verdict=judged.word,
        download_url=fetched_at(item, int(kind), proof.intent.recipient_no),
        name=str(_NAMES[int(kind)]),
        explanation=_("Zaman damgası olaydan 60 saniyeden uzun süre sonra alındı.") if proof.stamped_late else "",
        reason=" ".join(reason_for_reader(detail) for _reason, detail in reasons),
    )


def _awaited(message: Message, recipient: Recipient | None, codes: set[int], holds: Sequence[TermHold]) -> list[Step]:
    """Steps whose proof does not exist yet: taken and being sealed, or still to come."""
    if message.state == MessageState.REJECTED:
        return [] if 11 in codes else [_owed(11)]
    if message.state == MessageState.RETURNED:
        return []
    steps = []
    if 10 not in codes:
        steps.append(_owed(10) if message.state == MessageState.ACCEPTED else _to_come(10))
    state = RecipientState(recipient.state) if recipient else None
    if state == RecipientState.UNDELIVERED:
        return steps if 41 in codes else [*steps, _owed(41)]
    delivered = state in (RecipientState.DELIVERED, RecipientState.READ, RecipientState.DEEMED_READ)
    if not codes & {40, 41}:
        steps.append(_owed(40) if delivered else _to_come(40))
    if state in (RecipientState.READ, RecipientState.DEEMED_READ):
        code = 60 if state == RecipientState.READ else 61
        return steps if code in codes else [*steps, _owed(code)]
    latest = recipient.term_ends_at if recipient else None
    if holds and holds[-1].ended_at is None:
        stands = str(_STANDS_STILL[TermHold.Cause(holds[-1].cause)])
        return [*steps, Step(60, _(EvidenceKind.READ.title), AWAITED, explanation=stands)]
    explanation = _("O ana kadar açılmazsa okunmuş sayıldığına dair delil (61) oluşur.") if latest else ""
    if latest and holds:
        explanation += " " + _("Hesabın askıda kaldığı süre sayılmadı.")
    return [*steps, Step(60, _(EvidenceKind.READ.title), AWAITED, latest=latest, explanation=explanation)]


_STANDS_STILL = {
    TermHold.Cause.PROVIDER: gettext_lazy(
        "Okuma süresi şu anda işlemiyor: alıcının hesabı hizmet sağlayıcının kararıyla askıda. "
        "Askı kalkınca süre kaldığı yerden sürer."
    ),
    TermHold.Cause.AUTHORITY: gettext_lazy(
        "Okuma süresi şu anda işlemiyor: alıcının hesabı yetkili merciin kararıyla askıda. "
        "Askı kalkınca süre kaldığı yerden sürer."
    ),
    TermHold.Cause.DEATH: gettext_lazy(
        "Okuma süresi durdu: alıcının öldüğü bildirildi ve hesabı kapatıldı. Okunmuş sayılma delili oluşmayacak; "
        "teslim delili duruyor."
    ),
    TermHold.Cause.DISSOLUTION: gettext_lazy(
        "Okuma süresi durdu: alıcının tüzel kişiliği sona erdi ve hesabı kapatıldı. Okunmuş sayılma delili "
        "oluşmayacak; teslim delili duruyor."
    ),
}
"""What the sender reads while the term stands still (design.md 1.1.2)."""


def _to_come(code: int) -> Step:
    return Step(code, _(EvidenceKind(code).title), AWAITED)


def _owed(code: int) -> Step:
    return Step(
        code,
        _(EvidenceKind(code).title),
        AWAITED,
        explanation=_("Bu adım gerçekleşti; delili imzalanıyor ve birazdan burada görünecek."),
    )
