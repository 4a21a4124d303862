"""Papers about an operator: an authority, a signature circular, an identity document (K-023, K-025).

They are kept and looked at by `applying.documents`; here stands who may file and see them: whoever may change the
operator. The account's own log says that a paper was filed, the paper's log says which.
"""

from datetime import datetime
from typing import Final

from django.db import transaction

from evidence import eventlog

from ..access import Acting
from ..applying import documents
from ..applying.documents import PaperKind
from ..models import Document, Operator
from . import offices

KINDS: Final = (PaperKind.AUTHORITY, PaperKind.SIGNATURES, PaperKind.OPERATOR_IDENTITY, PaperKind.OTHER)


def of(acting: Acting, public_id: str, *, now: datetime) -> tuple[Operator, tuple[Document, ...]]:
    """The operator and his papers. `MayNotManage`, `NoSuchOperator`, `OwnOffice`, `BeyondOwnRights`."""
    operator = offices.openable(acting, public_id, now=now)
    return operator, documents.of(documents.operator_subject(operator))


def add(acting: Acting, public_id: str, kind: PaperKind, raw: bytes, *, file_name: str, now: datetime) -> Document:
    """File a paper. Refused as by `of`, and as `documents.keep` refuses."""
    operator = offices.openable(acting, public_id, now=now)
    subject, actor = documents.operator_subject(operator), f"person:{acting.person.pk}"
    document = documents.keep(subject, kind, raw, file_name=file_name, uploaded_by=actor, now=now)
    _note("operator.paper_added", operator, document, actor=actor, now=now)
    return document


def find(acting: Acting, public_id: str, paper_id: str, *, now: datetime) -> Document:
    """One paper of this operator. Refused as by `of`; `UnknownPaper` for every other paper alike."""
    operator = offices.openable(acting, public_id, now=now)
    return documents.find(documents.operator_subject(operator), paper_id)


def withdraw(acting: Acting, public_id: str, paper_id: str, *, now: datetime) -> Document:
    """Take a paper back; row and bytes stay. Refused as by `find`."""
    operator = offices.openable(acting, public_id, now=now)
    document = documents.find(documents.operator_subject(operator), paper_id)
    actor = f"person:{acting.person.pk}"
    documents.withdraw(document, by=actor, now=now)
    _note("operator.paper_withdrawn", operator, document, actor=actor, now=now)
    return document


def _note(kind: str, operator: Operator, document: Document, *, actor: str, now: datetime) -> None:
    facts = {"person": f"person:{operator.person_id}", "document": document.public_id, "kind": document.kind}
    with transaction.atomic():
        eventlog.append(kind, at=now, actor=actor, subject=f"account:{operator.account.public_id}", facts=facts)
