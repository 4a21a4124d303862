"""The printed papers of the product and what each must be told; `pdf.render` refuses anything else.

A paper's template lies in `pdf_templates/<name>.typ`. Its facts are exactly the keys of its class here: a missing one,
one too many, or one of another type is a fault of the caller and no paper. Texts are handed over as they were written
by people; nothing in them is ever read as markup. Papers are Turkish, like everything that is kept.

Words for kinds are the values of the rows (`Application.Kind`, `KepAccount.Mode`); words that only the floor above
knows, such as a company type or a right, come as Turkish text. An empty string or None is a thing that is not there.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Final, Literal, TypedDict

HolderKind = Literal["natural", "private_legal", "public_legal", "member"]
ServiceMode = Literal["receive_only", "send_and_receive"]


class PersonFacts(TypedDict):
    """A natural person as he applies, with the whole identity number: the papers are his own (K-021)."""

    first_name: str
    last_name: str
    tckn: str
    birth_date: date | None
    phone: str
    email: str


class LegalFacts(TypedDict):
    """A legal person as it applies (K-023, K-061); `company_type` as a Turkish word."""

    name: str
    company_type: str
    mersis: str
    vkn: str
    detsis: str
    registry_no: str
    registry_office: str
    activity: str
    province: str
    postal_address: str


class ApplicationFormFacts(TypedDict):
    """`application_form`: what was applied for, to be signed and brought to a branch (K-020..K-024, W-001..W-004).

    `papers` are the Turkish names of what must be brought along. With `signed_by_e_imza_at` no signature line is
    printed, because the application was signed electronically (K-022).
    """

    number: str
    made_at: datetime
    kind: HolderKind
    applicant: PersonFacts
    legal: LegalFacts | None
    wanted_address: str
    mode: ServiceMode
    wants_sms: bool
    wants_email: bool
    listed: bool
    takes_tebligat: bool
    papers: Sequence[str]
    branch_name: str
    signed_by_e_imza_at: datetime | None


class UndertakingFacts(TypedDict):
    """`undertaking`: the taahhütname that the applicant signs, a legal person with its stamp (K-023)."""

    number: str
    made_at: datetime
    kind: HolderKind
    applicant: PersonFacts
    legal: LegalFacts | None
    address: str
    mode: ServiceMode


class ContractFacts(TypedDict):
    """`contract`: between provider and holder, for an address that was allotted; `terms_version` of the KEPUE."""

    number: str
    made_at: datetime
    kind: HolderKind
    applicant: PersonFacts
    legal: LegalFacts | None
    address: str
    mode: ServiceMode
    wants_sms: bool
    wants_email: bool
    listed: bool
    takes_tebligat: bool
    branch_name: str
    terms_version: str


class ActivationLetterFacts(TypedDict):
    """`activation_letter`: how the person opens his account himself (K-027, W-007). It carries no secret and no code.

    `phone_ending` are the last two digits of the checked phone; `page` is where activation begins.
    """

    number: str
    made_at: datetime
    holder_name: str
    person_name: str
    address: str
    phone_ending: str
    page: str
    code_valid_until: datetime | None
    branch_name: str


class OperatorLine(TypedDict):
    """One present operator; `rights` and `relation` in words.

    `masked_tckn` shows two digits at either end (I-006); a whole number is refused.
    """

    name: str
    masked_tckn: str
    is_main: bool
    role: str
    relation: str
    rights: Sequence[str]
    starts_at: datetime
    ends_at: datetime | None


class OperatorsRecordFacts(TypedDict):
    """`operators_record`: who may act for an account at `made_at`, and with which rights (K-130, K-131). Sealed.

    `asked_by` names the person who asked for it, `reference` is what the request is called in the event log.
    """

    reference: str
    made_at: datetime
    holder_name: str
    address: str
    asked_by: str
    operators: Sequence[OperatorLine]


PAPERS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "application_form": ApplicationFormFacts,
        "undertaking": UndertakingFacts,
        "contract": ContractFacts,
        "activation_letter": ActivationLetterFacts,
        "operators_record": OperatorsRecordFacts,
    }
)
"""Name of a template to the class of its facts."""
