"""Papers of an application or an operator: looked at, encrypted in the vault, and named by a row (K-025).

What the desk and the operators' pages call:

    keep(subject, kind, raw, *, file_name, uploaded_by, now, branch="") -> Document
    of(subject) -> tuple[Document, ...]            of_each(subjects) -> {subject: tuple[Document, ...]}
    find(subject, public_id) -> Document
    content(document) -> bytes
    withdraw(document, *, by, now, branch="") -> None
    application_subject(application) -> str        operator_subject(operator) -> str
    download(document) -> HttpResponse             the paper as a file, of the type found in its bytes

`subject` is "application:<public_id>" or "operator:<public_id>"; `uploaded_by` and `by` are "applicant" or
"person:<uuid>". Only PDF, JPEG and PNG are taken, by their bytes (`paper_bytes`). The vault keeps what it was given
for ever, so limits are asked before it is given anything; a paper that was withdrawn is no longer shown, and its row
and bytes stay. `Document.verdict` is the place of the malware check (issue 6): empty until somebody has asked.
"""

import unicodedata
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from evidence import eventlog, vault
from guards.download_name import attachment_header
from guards.ids import could_be_public_id

from ..models import Application, Document, Operator
from .errors import PaperEmpty, PaperKindRefused, PaperNotTaken, PaperTooLarge, TooManyPapers, UnknownPaper
from .paper_bytes import content_type_of

MOST_BYTES: Final = 10 * 1024 * 1024
"""Bytes of one paper."""
MOST_PAPERS: Final = 24
"""Papers of one subject, those that were taken back included: each of them lies in the vault."""
_NAME_LENGTH: Final = 150
_TAKES_PAPERS: Final = frozenset(
    {Application.State.DRAFT, Application.State.DOCUMENTS_AWAITED, Application.State.UNDER_REVIEW}
)
_TAKES_DESK_PAPERS: Final = frozenset(
    {Application.State.APPROVED, Application.State.ADDRESS_ALLOTTED, Application.State.AWAITING_ACTIVATION}
)
"""The signed contract and undertaking name the address, so the desk files them after it was given."""


class PaperKind(StrEnum):
    """What a paper is, as its `Document.kind`; `label` is the Turkish word for it."""

    IDENTITY = "identity"
    FORM = "form"
    UNDERTAKING = "undertaking"
    REGISTRY = "registry"
    SIGNATURES = "signatures"
    OPERATOR_IDENTITY = "operator_identity"
    OFFICIAL_LETTER = "official_letter"
    AUTHORITY = "authority"
    CONTRACT = "contract"
    SIGNED_APPLICATION = "signed_application"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The Turkish name, in the reader's language when it is shown."""
        return str(_(LABELS[self]))

    @property
    def source_label(self) -> str:
        """The Turkish name as papers carry it, whoever reads."""
        return LABELS[self]


LABELS: Final[dict[PaperKind, str]] = {
    PaperKind.IDENTITY: gettext_noop("Kimlik belgesi"),
    PaperKind.FORM: gettext_noop("İmzalı başvuru formu"),
    PaperKind.UNDERTAKING: gettext_noop("İmzalı taahhütname"),
    PaperKind.REGISTRY: gettext_noop("Ticaret sicil tasdiknamesi ya da faaliyet belgesi"),
    PaperKind.SIGNATURES: gettext_noop("Noter onaylı imza sirküleri"),
    PaperKind.OPERATOR_IDENTITY: gettext_noop("İşlem yetkilisinin kimlik belgesi"),
    PaperKind.OFFICIAL_LETTER: gettext_noop("Üst yöneticinin imzaladığı resmî yazı"),
    PaperKind.AUTHORITY: gettext_noop("Yetki belgesi"),
    PaperKind.CONTRACT: gettext_noop("İmzalı sözleşme"),
    PaperKind.SIGNED_APPLICATION: gettext_noop("E-imzalı başvuru"),
    PaperKind.OTHER: gettext_noop("Diğer belge"),
}


def application_subject(application: Application) -> str:
    """What papers of this application are filed under."""
    return f"application:{application.public_id}"


def operator_subject(operator: Operator) -> str:
    """What papers of this operator are filed under."""
    return f"operator:{operator.public_id}"


def keep(
    subject: str, kind: PaperKind, raw: bytes, *, file_name: str, uploaded_by: str, now: datetime, branch: str = ""
) -> Document:
    """Look at the paper, keep it in the vault and file it; the same bytes of the same kind again are the same paper.

    Refused: `PaperEmpty`, `PaperTooLarge`, `PaperKindRefused`, `TooManyPapers`; `PaperNotTaken` once an application
    is decided (the desk may file papers until the account is open); `VaultUnavailable` when the disk does not take it.
    """
    content_type = look_at(raw)
    with transaction.atomic():
        _refuse_late_or_many(subject, branch=branch)
    digest = vault.put(raw)
    with transaction.atomic():
        _refuse_late_or_many(subject, branch=branch)
        same = Document.objects.filter(subject=subject, kind=kind, digest=digest, withdrawn_at=None).first()
        if same is not None:
            return same
        document = Document.objects.create(
            subject=subject,
            kind=kind,
            digest=digest,
            file_name=clean_name(file_name),
            content_type=content_type,
            size=len(raw),
            uploaded_at=now,
            uploaded_by=uploaded_by,
        )
        _tell("document.kept", document, at=now, actor=uploaded_by, branch=branch)
    return document


def look_at(raw: bytes) -> str:
    """The content type found in the bytes. Refused: `PaperEmpty`, `PaperTooLarge`, `PaperKindRefused`."""
    if not raw:
        raise PaperEmpty("no bytes")
    if len(raw) > MOST_BYTES:
        raise PaperTooLarge("too large", limit=MOST_BYTES // (1024 * 1024))
    content_type = content_type_of(raw)
    if content_type is None:
        raise PaperKindRefused("neither PDF nor JPEG nor PNG")
    return content_type


def of(subject: str) -> tuple[Document, ...]:
    """The papers filed under this subject and not taken back, oldest first. One query."""
    return of_each([subject]).get(subject, ())


def of_each(subjects: Collection[str]) -> dict[str, tuple[Document, ...]]:
    """The papers of many subjects, by subject; those without a paper are left out. One query."""
    found: dict[str, list[Document]] = {}
    for document in Document.objects.filter(subject__in=subjects, withdrawn_at=None).order_by("pk"):
        found.setdefault(document.subject, []).append(document)
    return {subject: tuple(documents) for subject, documents in found.items()}


def find(subject: str, public_id: str) -> Document:
    """One paper of this subject; `UnknownPaper` for every other reason alike (V-042)."""
    rows = Document.objects.filter(subject=subject, public_id=public_id, withdrawn_at=None)
    document = rows.first() if could_be_public_id(public_id) else None
    if document is None:
        raise UnknownPaper("no such paper of this subject")
    return document


def content(document: Document) -> bytes:
    """The exact bytes that were uploaded. `VaultMissing`, `VaultDamaged` or `VaultUnavailable` as the vault says."""
    return vault.get(bytes(document.digest))


def download(document: Document) -> HttpResponse:
    """The paper as a file to be saved: never shown inside a page, whatever its bytes would do there (V-054)."""
    response = HttpResponse(content(document), content_type=document.content_type)
    response.headers["Content-Disposition"] = attachment_header(document.file_name)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "no-store"
    return response


def withdraw(document: Document, *, by: str, now: datetime, branch: str = "") -> None:
    """Take a paper back: it is shown no more, and stays with its row. `UnknownPaper` when it already was."""
    with transaction.atomic():
        _refuse_late_or_many(document.subject, branch=branch, counts=False)
        if not Document.objects.filter(pk=document.pk, withdrawn_at=None).update(withdrawn_at=now):
            raise UnknownPaper("already withdrawn")
        _tell("document.withdrawn", document, at=now, actor=by, branch=branch)
    document.withdrawn_at = now


def clean_name(file_name: str) -> str:
    """The last piece of a stranger's file name, without controls and turns of direction, cut at 150 characters."""
    last = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(each for each in unicodedata.normalize("NFC", last) if unicodedata.category(each)[0] != "C")
    return shown.strip(" .")[-_NAME_LENGTH:] or "belge"


def _refuse_late_or_many(subject: str, *, branch: str, counts: bool = True) -> None:
    """Under the lock of the application's row, so that no two uploads pass the last free place together."""
    what, _sep, public_id = subject.partition(":")
    if what == "application":
        row = Application.objects.select_for_update().filter(public_id=public_id).only("state").first()
        if row is None:
            raise UnknownPaper("no such application")
        if row.state not in _TAKES_PAPERS and not (branch and row.state in _TAKES_DESK_PAPERS):
            raise PaperNotTaken("the application is decided", state=row.state)
    elif what == "operator":
        if not Operator.objects.select_for_update().filter(public_id=public_id).exists():
            raise UnknownPaper("no such operator")
    else:
        raise ValueError("papers belong to an application or an operator")
    if counts and Document.objects.filter(subject=subject).count() >= MOST_PAPERS:
        raise TooManyPapers("too many papers", most=MOST_PAPERS)


def _tell(kind: str, document: Document, *, at: datetime, actor: str, branch: str) -> None:
    eventlog.append(
        kind,
        at=at,
        actor=actor,
        subject=document.subject,
        facts={"document": document.public_id, "kind": document.kind, "size": document.size, "branch": branch},
    )
