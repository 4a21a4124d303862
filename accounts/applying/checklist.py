"""Which papers an application needs, by the kind of applicant (K-021..K-024, W-002). The list is data.

A needed paper may be uploaded beforehand, or brought to the branch, where it is scanned: nobody is kept from applying
because he has no scanner. An application signed by e-imza or mobil imza needs neither the form nor a copy of the
identity document of the person who signed it (K-022); what shows who may represent a legal person it still needs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from django.utils.translation import gettext_lazy as _

from guards.spoken import gettext_noop

from ..models import Application, Document
from . import documents
from .documents import PaperKind

Kind = Application.Kind


@dataclass(frozen=True)
class Wanted:
    """One line of the list; `hint` says in Turkish what exactly is meant, `by_e_imza` that an e-imza stands for it."""

    kind: PaperKind
    hint: str
    is_needed: bool = True
    by_e_imza: bool = False


PAPERS: Final[Mapping[Kind, tuple[Wanted, ...]]] = MappingProxyType(
    {
        Kind.NATURAL: (
            Wanted(
                PaperKind.IDENTITY,
                gettext_noop("T.C. kimlik kartı, pasaport ya da sürücü belgesi; yabancılar için pasaport yeterlidir."),
                by_e_imza=True,
            ),
            Wanted(PaperKind.FORM, gettext_noop("Çıktısını alıp imzaladığınız form."), by_e_imza=True),
            Wanted(PaperKind.UNDERTAKING, gettext_noop("Çıktısını alıp imzaladığınız taahhütname."), by_e_imza=True),
            Wanted(PaperKind.OTHER, gettext_noop("Gerekli gördüğünüz başka bir belge."), is_needed=False),
        ),
        Kind.PRIVATE_LEGAL: (
            Wanted(PaperKind.REGISTRY, gettext_noop("MERSİS kaydını gösteren, son bir yıl içinde alınmış belge.")),
            Wanted(PaperKind.SIGNATURES, gettext_noop("Temsile yetkili kişinin noter onaylı imza sirküleri.")),
            Wanted(PaperKind.UNDERTAKING, gettext_noop("Kaşeli ve imzalı taahhütname."), by_e_imza=True),
            Wanted(PaperKind.FORM, gettext_noop("Kaşeli ve imzalı başvuru formu."), by_e_imza=True),
            Wanted(
                PaperKind.OPERATOR_IDENTITY,
                gettext_noop("Ana işlem yetkilisinin kimlik kartı, pasaportu ya da sürücü belgesi."),
                by_e_imza=True,
            ),
            Wanted(
                PaperKind.AUTHORITY,
                gettext_noop("İşlem yetkilisi temsile yetkili değilse onu yetkilendiren belge."),
                is_needed=False,
            ),
            Wanted(PaperKind.OTHER, gettext_noop("Gerekli gördüğünüz başka bir belge."), is_needed=False),
        ),
        Kind.PUBLIC_LEGAL: (
            Wanted(
                PaperKind.OFFICIAL_LETTER,
                gettext_noop("Başvuruyu ve ana işlem yetkilisini bildiren, üst yöneticinin imzaladığı yazı."),
            ),
            Wanted(PaperKind.FORM, gettext_noop("İmzalı başvuru formu."), by_e_imza=True),
            Wanted(
                PaperKind.OPERATOR_IDENTITY,
                gettext_noop("Başvuran görevlinin kimlik kartı, pasaportu ya da sürücü belgesi."),
                by_e_imza=True,
            ),
            Wanted(PaperKind.OTHER, gettext_noop("Gerekli gördüğünüz başka bir belge."), is_needed=False),
        ),
        Kind.MEMBER: (
            Wanted(PaperKind.IDENTITY, gettext_noop("Çalışanın kimlik kartı, pasaportu ya da sürücü belgesi.")),
            Wanted(PaperKind.FORM, gettext_noop("Çalışanın imzaladığı başvuru formu.")),
            Wanted(PaperKind.OTHER, gettext_noop("Gerekli gördüğünüz başka bir belge."), is_needed=False),
        ),
    }
)


@dataclass(frozen=True)
class Line:
    """One line with what is filed for it."""

    wanted: Wanted
    filed: tuple[Document, ...]
    is_needed: bool

    @property
    def label(self) -> str:
        """The paper's name in the reader's language."""
        return self.wanted.kind.label

    @property
    def hint(self) -> str:
        """What exactly is meant, in the reader's language."""
        return str(_(self.wanted.hint))

    @property
    def is_open(self) -> bool:
        """Whether the paper is needed and not there."""
        return self.is_needed and not self.filed


def wanted(application: Application) -> tuple[Wanted, ...]:
    """The papers of this kind of applicant, those included that an e-imza stands for."""
    return PAPERS[Kind(application.kind)]


def lines(application: Application, filed: Sequence[Document]) -> tuple[Line, ...]:
    """The list with what is filed; `filed` are the papers of the application (`documents.of`)."""
    is_signed = application.signed_by_e_imza_at is not None
    return tuple(
        Line(
            each,
            tuple(document for document in filed if document.kind == each.kind),
            each.is_needed and not (is_signed and each.by_e_imza),
        )
        for each in wanted(application)
    )


def missing(application: Application, filed: Sequence[Document] | None = None) -> tuple[Wanted, ...]:
    """The needed papers that are not there. One query when `filed` is not handed in."""
    there = documents.of(documents.application_subject(application)) if filed is None else filed
    return tuple(line.wanted for line in lines(application, there) if line.is_open)


def may_hold(application: Application, kind: str) -> bool:
    """Whether a paper of this kind belongs to such an application at all."""
    return any(each.kind == kind for each in wanted(application))
