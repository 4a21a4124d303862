"""Operators of a legal person, changed at the desk: where no main operator is left who could do it himself, or he asks.

The one who is to become an operator stands at the desk with his papers and the company's; his phone is proved like any
other. He is enrolled only when the second clerk has allowed it, and who has no secrets yet gets a code to set them. An
office is ended under the same rule as on the operators' own page: the last main operator needs a successor (W-006).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_noop

from .. import activation, approvals, one_time, persons
from ..approvals import facts_of
from ..desk import limits
from ..desk.identity_step import IdentityDocument
from ..desk.limits import Counted
from ..identity import read_mobile, read_name, read_tckn
from ..models import AccountHolder, Approval, KepAccount, OneTimeCode, Person
from ..one_time import Purpose
from ..operating import grants, offices
from ..operating.errors import NoSuchOperator
from ..operating.grants import Grant
from ..posts import Serving
from .errors import CodeWentElsewhere, NoSuchAccount, NotNatural, NotPossibleNow

KIND = "operators.change"
APPOINT: Final = "appoint"
END: Final = "end"


@dataclass(frozen=True)
class Newcomer:
    """Who is to become an operator, as his document and he himself say it; all as typed."""

    tckn: str
    first_name: str
    last_name: str
    phone: str
    document: IdentityDocument


def send_code(tckn: str, *, phone: str, by: Serving, now: datetime) -> OneTimeCode:
    """Send a code to the newcomer's phone, to be read out at the desk; both as typed.

    Somebody whose identity is established keeps the phone on record, and the code goes there.

    Refused: `TcknRefused`, `PhoneRefused`, `CodeTooSoon`, `CodeNotSent`, `DeskBusy`.
    """
    tckn = read_tckn(tckn)
    number = _number(tckn, phone)
    limits.count(Counted.CODE, by, now=now)
    return one_time.send(Purpose.PHONE, _proof_subject(tckn), phone=number, now=now)


def ask_to_appoint(
    account: KepAccount, newcomer: Newcomer, *, grant: Grant, code: str, why: str, by: Serving, now: datetime
) -> Approval:
    """Ask that the newcomer be given an office at this account. Not inside a transaction.

    Refused, without using the code up: `TcknRefused`, `PhoneRefused`, `NameRefused`, `GrantRefused`, `NotNatural`,
    `NotPossibleNow`, `CodeWentElsewhere`, whatever `approvals.ask` refuses. The code itself as by `one_time.spend`.
    """
    tckn = read_tckn(newcomer.tckn)
    number = _number(tckn, newcomer.phone)
    names = {"first_name": read_name(newcomer.first_name), "last_name": read_name(newcomer.last_name)}
    grants.refuse_bad(grant, now=now)
    _refuse_natural(account)
    with one_time.spending(Purpose.PHONE, _proof_subject(tckn), code, now=now) as spent:
        if spent.number_index != persons.phone_index(number):
            raise CodeWentElsewhere("the code went to another number")
        known = Person.objects.filter(tckn_index=persons.tckn_index(tckn)).first()
        facts = {
            **names,
            "what": APPOINT,
            "account": account.public_id,
            "tckn": tckn,
            "phone": number,
            "document": newcomer.document.value,
            "main": "1" if grant.is_main else "",
            "role": grant.role,
            "relation": grant.relation,
            "switches": " ".join(sorted(grant.switches)),
            **({"person": str(known.pk)} if known else {}),
        }
        return _ask(account, facts, why=why, by=by, now=now)


def ask_to_end(account: KepAccount, operator_id: str, *, why: str, by: Serving, now: datetime) -> Approval:
    """Ask that this office be ended. Refused: `NoSuchOperator`, `NotNatural`, whatever `approvals.ask` refuses."""
    _refuse_natural(account)
    operator = offices.office_of(account, operator_id, now=now)
    facts = {
        "what": END,
        "account": account.public_id,
        "operator": operator.public_id,
        "person": str(operator.person_id),
        "first_name": operator.person.first_name,
        "last_name": operator.person.last_name,
    }
    return _ask(account, facts, why=why, by=by, now=now)


def execute(approval: Approval, now: datetime) -> None:
    """Give or end the office, as asked for. Refused as by `offices.appoint` and `offices.end`; `NotPossibleNow`."""
    facts, actor = facts_of(approval), f"person:{approval.asked_by_id}"
    account = KepAccount.objects.select_related("holder").get(public_id=facts["account"])
    branch = approval.branch.code if approval.branch else ""
    if facts["what"] == END:
        operator = offices.office_of(account, facts["operator"], now=now)
        if str(operator.person_id) != facts["person"]:
            raise NoSuchOperator("another person's office")
        offices.end(operator, actor=actor, branch=branch, now=now)
        return
    if account.state == KepAccount.State.CLOSED:
        raise NotPossibleNow("closed meanwhile")
    person = persons.enroll(
        tckn=facts["tckn"],
        first_name=facts["first_name"],
        last_name=facts["last_name"],
        phone=facts["phone"],
        now=now,
        established=True,
    )
    offices.appoint(account, person, grant=_grant(facts), actor=actor, branch=branch, now=now)
    if not person.has_secrets:
        activation.begin_for(person, now=now)


def account_of(public_id: str) -> KepAccount:
    """The account with this name; `NoSuchAccount`."""
    rows = KepAccount.objects.filter(public_id=public_id).select_related("holder")
    account = rows.first() if public_id.isascii() and public_id.isalnum() else None
    if account is None:
        raise NoSuchAccount("no such account")
    return account


def _ask(account: KepAccount, facts: Mapping[str, str], *, why: str, by: Serving, now: datetime) -> Approval:
    if account.state == KepAccount.State.CLOSED:
        raise NotPossibleNow("closed")
    return approvals.ask(KIND, subject=f"account:{account.public_id}", facts=facts, why=why, by=by, now=now)


def _number(tckn: str, phone: str) -> str:
    """The phone that counts: the one on record of somebody whose identity is established (V-011)."""
    typed = read_mobile(phone)
    known = Person.objects.filter(
        tckn_index=persons.tckn_index(tckn), identity_state=Person.IdentityState.ESTABLISHED
    ).first()
    return known.phone if known else typed


def _grant(facts: Mapping[str, str]) -> Grant:
    return Grant(frozenset(facts["switches"].split()), bool(facts["main"]), facts["role"], facts["relation"])


def _refuse_natural(account: KepAccount) -> None:
    if account.holder.kind == AccountHolder.Kind.NATURAL:
        raise NotNatural("a natural person's account")


def _proof_subject(tckn: str) -> str:
    return f"office:{persons.tckn_index(tckn)[:57]}"


def register() -> None:
    """The kind of this file."""
    approvals.register(KIND, title=gettext_noop("İşlem yetkilisi değişikliği"), execute=execute)
