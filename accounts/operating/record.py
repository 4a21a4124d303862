"""The record of present operators: a sealed PDF that says who may act for the account, and with which rights.

Asked for by whoever may see the operators; made by the sealing worker from the rows as they are when it seals
(`evidence.sealed_papers`), so that a page can never have anything sealed that is not so. One a minute for an account:
pressing twice gives the same paper. Identity numbers stand there with two digits at either end (I-006).
"""

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from django.utils import translation

from evidence import sealed_papers
from evidence.models import SealRequest
from evidence.papers import OperatorLine, OperatorsRecordFacts
from evidence.sealed_papers import Paper

from ..access import Acting
from ..identity import mask_tckn
from ..models import KepAccount, Operator, Person
from ..operators import running
from . import grants, offices, words
from .errors import NoSuchRecord

KIND: Final = "pdf.operators"
_VERSION: Final = re.compile(r"[0-9]{12}", re.ASCII)


def ask(acting: Acting, *, now: datetime) -> SealRequest:
    """Ask for a record of this minute. `MayNotManage` for whoever may not see the operators."""
    offices.refuse_looking(acting)
    return sealed_papers.ask(
        KIND,
        reference=acting.account.public_id,
        version=f"{now.astimezone(UTC):%Y%m%d%H%M}",
        asked_by=f"person:{acting.person.pk}",
        subject=f"account:{acting.account.public_id}",
        now=now,
    )


def asked(acting: Acting, version: str) -> SealRequest:
    """A record of this account that somebody asked for; `NoSuchRecord` otherwise, `MayNotManage`."""
    offices.refuse_looking(acting)
    is_version = _VERSION.fullmatch(version) is not None
    found = sealed_papers.asked(KIND, reference=acting.account.public_id, version=version) if is_version else None
    if found is None:
        raise NoSuchRecord("no such record of this account")
    return found


def latest(account: KepAccount) -> SealRequest | None:
    """The newest record of this account, finished or not. One query."""
    rows = SealRequest.objects.filter(kind=KIND, reference=account.public_id)
    return rows.order_by("-version").first()


def number_of(request: SealRequest) -> str:
    """The number that stands on the paper: its minute, and four figures of the account, for reading aloud."""
    account = int(sha256(request.reference.encode()).hexdigest(), 16) % 10_000
    return f"YB-{request.version}-{account:04d}"


def describe(request: SealRequest, now: datetime) -> Paper:
    """The facts of the paper at `now`: those whose office holds at this moment. Papers are Turkish."""
    account = KepAccount.objects.select_related("holder").get(public_id=request.reference)
    operators = Operator.objects.filter(running(now), account=account).select_related("person")
    asker = Person.objects.get(pk=request.asked_by.removeprefix("person:"))
    with translation.override("tr"):
        lines = [_line(each, account) for each in operators.order_by("-is_main", "starts_at", "pk")]
    facts: OperatorsRecordFacts = {
        "reference": number_of(request),
        "made_at": now,
        "holder_name": account.holder.name,
        "address": account.address,
        "asked_by": asker.full_name,
        "operators": lines,
    }
    return Paper("operators_record", facts, f"account:{account.public_id}")


def _line(operator: Operator, account: KepAccount) -> OperatorLine:
    rights = grants.held_by(operator).rights & frozenset(grants.offered(account))
    return {
        "name": operator.person.full_name,
        "masked_tckn": mask_tckn(operator.person.tckn),
        "is_main": operator.is_main,
        "role": operator.role,
        "relation": str(words.RELATIONS.get(operator.relation, "")),
        "rights": words.switch_names(rights),
        "starts_at": operator.starts_at,
        "ends_at": operator.ends_at,
    }
