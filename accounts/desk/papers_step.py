"""Second step: the papers of this kind of applicant are there, and were compared with what was brought (K-021..K-024).

Which papers are needed is data of the application (`applying.checklist`); those that are signed at the counter come
with the contract. An application signed by e-imza needs none (K-022). Scans are kept like uploads: looked at by their
bytes, encrypted, and never shown inside a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from ..applying import checklist as wanted
from ..applying import documents, states
from ..applying.documents import PaperKind
from ..applying.errors import UnknownPaper
from ..applying.states import Event
from ..models import Application, Document
from ..posts import Serving
from . import checklist, queue
from .checklist import Step
from .errors import NotAttested, PapersMissing

SIGNED_HERE: Final = (PaperKind.CONTRACT, PaperKind.UNDERTAKING)
"""What is printed, signed and scanned at the counter once the address is known (K-023)."""


@dataclass(frozen=True)
class Need:
    """One line of the papers: what is meant, whether it must be there, and what is filed of it."""

    kind: PaperKind
    hint: str
    is_needed: bool
    documents: tuple[Document, ...]

    @property
    def is_missing(self) -> bool:
        """Whether it must be there and is not."""
        return self.is_needed and not self.documents


def needs_of(application: Application) -> tuple[Need, ...]:
    """The papers this application brings along, in their order. One query."""
    filed = documents.of(documents.application_subject(application))
    return tuple(
        Need(line.wanted.kind, line.hint, line.is_needed, line.filed)
        for line in wanted.lines(application, filed)
        if line.wanted.kind not in SIGNED_HERE
    )


def signed_needs_of(application: Application) -> tuple[Need, ...]:
    """The papers that are signed at the counter; none for an application signed by e-imza (K-022). One query."""
    if application.signed_by_e_imza_at is not None:
        return ()
    filed = documents.of(documents.application_subject(application))
    kinds = [kind for kind in SIGNED_HERE if kind is PaperKind.CONTRACT or wanted.may_hold(application, kind)]
    return tuple(Need(kind, "", True, tuple(each for each in filed if each.kind == kind)) for kind in kinds)


def confirm(public_id: str, *, were_compared: bool, by: Serving, now: datetime) -> None:
    """Check the step; an application that waited for papers is under review from now on.

    Refused: `NotAttested`, `PapersMissing`; `NoSuchApplication`, `OwnApplication`, `NotOpen`, `WrongOrder`.
    """
    if not were_compared:
        raise NotAttested("nobody compared the papers")
    with transaction.atomic():
        application = queue.hold(public_id, by)
        checklist.require_turn(application, Step.PAPERS)
        found = needs_of(application)
        refuse_missing(found)
        if states.may(application, Event.DOCUMENTS_GIVEN):
            states.advance(application, Event.DOCUMENTS_GIVEN, now=now, actor=by.actor, branch=by.branch_code)
        needed = sum(each.is_needed for each in found)
        facts = {"needed": needed, "filed": sum(len(each.documents) for each in found)}
        checklist.record(application, Step.PAPERS, facts=facts, by=by, now=now)


def file(public_id: str, kind: PaperKind, raw: bytes, *, file_name: str, by: Serving, now: datetime) -> Document:
    """Keep a scan made at the counter. `UnknownPaper` for a kind that such an applicant does not bring.

    Refused as well as by `documents.keep`, and as every act of the counter.
    """
    with transaction.atomic():
        application = queue.hold(public_id, by)
    if kind not in SIGNED_HERE and not wanted.may_hold(application, kind):
        raise UnknownPaper("no paper of such an application", kind=kind.value)
    return documents.keep(
        documents.application_subject(application),
        kind,
        raw,
        file_name=file_name,
        uploaded_by=by.actor,
        now=now,
        branch=by.branch_code,
    )


def withdraw(public_id: str, document_id: str, *, by: Serving, now: datetime) -> None:
    """Take a paper back that was filed by mistake; it is shown no more. `UnknownPaper`, and as every act.

    Papers of a step that is checked stay until the step is opened again: `WrongOrder`.
    """
    with transaction.atomic():
        application = queue.hold(public_id, by)
        document = documents.find(documents.application_subject(application), document_id)
        step = Step.CONTRACT if document.kind in SIGNED_HERE else Step.PAPERS
        checklist.refuse_done(application, step)
        documents.withdraw(document, by=by.actor, now=now, branch=by.branch_code)


def refuse_missing(found: Sequence[Need]) -> None:
    """`PapersMissing` unless each that is needed is there."""
    if missing := sum(each.is_missing for each in found):
        raise PapersMissing("papers are missing", missing=missing)
