"""Giving an address to an approved application: holder, account and first operator in one transaction (K-020, K-033).

An address is given once and for ever: a closed account keeps its row, and the unique address of the row is what the
database refuses a second time, also when two desks ask in the same second. The domain of an entity
(`kurum.hs01.kep.tr`) belongs to the first holder who got an address in it; its own people and units come in through
applications that it sponsors (K-043, K-044).

The account begins as PENDING_ACTIVATION: until its holder has activated it, it takes no mail (design.md 1.1.4). No
secret is made here; the person sets them at activation (V-013).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from evidence import eventlog

from . import kep_names, persons
from .errors import AddressRefused
from .identity import KepAddress, read_address
from .identity_errors import AddressNotAllowed, AddressTaken, AlreadyAllotted, NotApproved, Why
from .models import AccountChange, AccountHolder, Application, EntityDomain, KepAccount, Operator, Person
from .operators import Act

MAIN_OPERATOR_TITLE = "ana işlem yetkilisi"


@dataclass(frozen=True, slots=True)
class LegalFacts:
    """What an application says of a legal person, as `AccountHolder` keeps it; the JSON names are the same."""

    name: str = ""
    mersis: str = ""
    vkn: str = ""
    detsis: str = ""
    registry_no: str = ""
    registry_office: str = ""
    company_type: str = ""
    activity: str = ""
    province: str = ""
    postal_address: str = ""

    @classmethod
    def of(cls, application: Application) -> "LegalFacts":
        """Read from the application; what it does not say is empty."""
        given = json.loads(application.legal) if application.legal else {}
        return cls(**{each.name: str(given.get(each.name) or "") for each in fields(cls)})


def is_free(address: str) -> bool:
    """Whether nobody has this address or ever had it (K-033, I-022). One query.

    An address of another form or another provider is free for nobody.
    """
    try:
        read = read_address(address)
    except AddressRefused:
        return False
    is_ours = read.provider == settings.KEP_PROVIDER_CODE
    return is_ours and not KepAccount.objects.filter(address=str(read)).exists()


def proposals_for(application: Application) -> tuple[str, ...]:
    """Up to five free addresses this applicant may have, the plainest first (K-046); see `kep_names`."""
    provider = settings.KEP_PROVIDER_CODE
    if application.kind in _NATURAL:
        return kep_names.natural_proposals(
            application.first_name,
            application.last_name,
            provider=provider,
            is_free=_free_by_stem(),
            entity=_entity_of(application),
        )
    legal, entity = LegalFacts.of(application), _entity_of(application)
    return tuple(
        address
        for address in kep_names.legal_proposals(
            legal.name, legal.mersis, provider=provider, is_free=_free_by_stem(), entity_domain=bool(entity)
        )
        if _domain_is_open(read_address(address), application)
    )


def refuse(application: Application, address: KepAddress) -> None:
    """Raise `AddressNotAllowed` unless this applicant may have this address, free or not (K-040..K-050).

    What a form shows before the act, and what `allot` asks again.
    """
    if address.provider != settings.KEP_PROVIDER_CODE:
        raise AddressNotAllowed("another provider's", why=Why.OTHER_PROVIDER)
    entity = _entity_of(application)
    if application.kind in _NATURAL:
        kep_names.refuse_natural(
            address,
            first_name=application.first_name,
            last_name=application.last_name,
            tckn=application.tckn,
            entity=entity,
        )
    else:
        legal = LegalFacts.of(application)
        kep_names.refuse_legal(
            address,
            name=legal.name,
            mersis=legal.mersis,
            corporate=bool(entity),
            entity=entity,
            public=application.kind == Application.Kind.PUBLIC_LEGAL,
        )
    if not _domain_is_open(address, application):
        raise AddressNotAllowed("another holder's domain", why=Why.OTHER_ENTITY)


def allot(
    application: Application,
    address: str,
    *,
    now: datetime,
    actor: str,
    branch: str,
    established: bool | None = None,
) -> KepAccount:
    """Open the account of an approved application under `address`; everything or nothing.

    `actor` is "person:<uuid>" or "system", `branch` the code of the branch or empty. `established` says whether the
    applicant's identity was proved; it is taken as proved for everybody but the members of a corporate application,
    whom their employer wrote down. The person is enrolled without secrets, a legal person's first main operator gets
    every right. The state of the application is the caller's to move (`applying.states.advance`).

    Refused: `NotApproved`, `AlreadyAllotted`, `AddressRefused` by form, `AddressNotAllowed`, `AddressTaken`.
    """
    wanted = read_address(address)
    with transaction.atomic():
        application = Application.objects.select_for_update().get(pk=application.pk)
        if application.account_id is not None:
            raise AlreadyAllotted("application has its account")
        if application.state != Application.State.APPROVED:
            raise NotApproved("application is not approved", state=application.state)
        refuse(application, wanted)
        is_proved = application.kind != Application.Kind.MEMBER if established is None else established
        person = persons.enroll(
            tckn=application.tckn,
            first_name=application.first_name,
            last_name=application.last_name,
            phone=application.phone,
            birth_date=date.fromisoformat(application.birth_date) if application.birth_date else None,
            email=application.email,
            now=now,
            established=is_proved,
        )
        holder = _holder(application, person)
        if wanted.entity:
            _take_domain(wanted.entity, application.sponsor.holder if application.sponsor else holder, now=now)
        account = _open(application, wanted, holder, now=now)
        if not Application.objects.filter(pk=application.pk, account=None).update(account=account):
            raise AlreadyAllotted("application got its account a moment ago")
        if holder.person_id is None:
            _first_operator(account, person, application, now=now)
        AccountChange.objects.create(
            account=account, kind=AccountChange.Kind.OPENED, at=now, actor=actor, branch=branch
        )
        eventlog.append(
            "account.opened",
            at=now,
            actor=actor,
            subject=f"account:{account.public_id}",
            facts={"application": application.public_id, "kind": application.kind, "branch": branch},
        )
    return account


_NATURAL = (Application.Kind.NATURAL, Application.Kind.MEMBER)


def _open(application: Application, address: KepAddress, holder: AccountHolder, *, now: datetime) -> KepAccount:
    try:
        with transaction.atomic():
            return KepAccount.objects.create(
                address=str(address),
                holder=holder,
                mode=application.mode,
                listed=application.listed or holder.person_id is None,  # legal persons stand in the directory (K-063)
                takes_tebligat=application.takes_tebligat,
                wants_sms=application.wants_sms,
                wants_email=application.wants_email,
                sponsor=application.sponsor.holder if application.sponsor else None,
                opened_at=now,
            )
    except IntegrityError as error:
        raise AddressTaken("address is or was somebody's") from error


def _holder(application: Application, person: Person) -> AccountHolder:
    """The holder's row: a person has one for all his accounts, a legal person one per verified number."""
    if application.kind in _NATURAL:
        known = AccountHolder.objects.filter(kind=AccountHolder.Kind.NATURAL, person=person).order_by("pk").first()
        return known or AccountHolder.objects.create(
            kind=AccountHolder.Kind.NATURAL, person=person, name=person.full_name
        )
    legal = LegalFacts.of(application)
    known = _known_legal(application.kind, legal)
    if known is None:
        return AccountHolder.objects.create(
            kind=application.kind, **{each.name: getattr(legal, each.name) for each in fields(legal)}
        )
    return known


def _known_legal(kind: str, legal: LegalFacts) -> AccountHolder | None:
    """The same legal person: by its MERSİS number, or a public body by its DETSİS number (K-062)."""
    for number in ("mersis", "detsis"):
        if value := getattr(legal, number):
            return AccountHolder.objects.filter(kind=kind, **{number: value}).order_by("pk").first()
    return None


def _first_operator(account: KepAccount, person: Person, application: Application, *, now: datetime) -> None:
    Operator.objects.create(
        account=account,
        person=person,
        is_main=True,
        role=MAIN_OPERATOR_TITLE,
        wants_sms=application.wants_sms,
        wants_email=application.wants_email,
        starts_at=now,
        appointed_by="system",
        **{act.value: True for act in Act},
    )


def _entity_of(application: Application) -> str:
    """The domain in which the sponsor's people and units get their addresses; empty without a sponsor (K-043)."""
    if application.sponsor is None:
        return ""
    own = read_address(application.sponsor.address)
    if own.entity:
        return own.entity
    holder = application.sponsor.holder
    domain = EntityDomain.objects.filter(holder=holder).order_by("since", "pk").first()
    if domain is not None:
        return domain.label
    stem = own.local.partition(".")[0]
    names = (stem, *kep_names.entity_names(holder.name))
    return next((each for each in names if kep_names.is_entity_name(each, holder.name) and _may_own(each, holder)), "")


def _domain_is_open(address: KepAddress, application: Application) -> bool:
    """Whether the entity's domain is nobody's yet, or the applicant's own or its sponsor's."""
    if not address.entity:
        return True
    if application.sponsor is not None:
        return address.entity == _entity_of(application)
    return _may_own(address.entity, _known_legal(application.kind, LegalFacts.of(application)))


def _may_own(entity: str, holder: AccountHolder | None) -> bool:
    """Whether the domain is this holder's or nobody's; `None` is a holder who has no row yet."""
    owner = EntityDomain.objects.filter(label=entity).first()
    if owner is not None:
        return holder is not None and owner.holder_id == holder.pk
    inside = KepAccount.objects.filter(address__endswith=f"@{entity}.{settings.KEP_PROVIDER_CODE}.kep.tr")
    return not (inside.exclude(holder=holder).exclude(sponsor=holder) if holder else inside).exists()


def _take_domain(entity: str, holder: AccountHolder, *, now: datetime) -> None:
    """Make the domain this holder's; `AddressNotAllowed` when somebody else was faster."""
    domain, _ = EntityDomain.objects.get_or_create(label=entity, defaults={"holder": holder, "since": now})
    if domain.holder_id != holder.pk:
        raise AddressNotAllowed("another holder's domain", why=Why.OTHER_ENTITY)


def _free_by_stem() -> Callable[[str], bool]:
    """`is_free` for many candidates: one query for each stem (`ali.celik`), whatever number of suffixes it has."""
    taken: dict[str, set[str]] = {}

    def free(address: str) -> bool:
        local, _, domain = address.partition("@")
        head, _, suffix = local.rpartition(".")
        stem = head if suffix.isdigit() and "." in head else local
        if stem not in taken:
            near = KepAccount.objects.filter(address__startswith=stem, address__endswith=f"@{domain}")
            taken[stem] = set(near.values_list("address", flat=True))
        return address not in taken[stem]

    return free
