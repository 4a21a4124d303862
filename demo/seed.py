"""Filling an empty embedded installation with the demo cast; done again, it changes nothing.

There are no default secrets, not even here (V-015): parola, şifre and card PIN are made at random on the first run and
written to `demo.json`, which only its owner can read. The file comes last: while it is not there, nothing is
finished, and the next run gives everybody new secrets and new e-imza files.
"""

import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import AccountHolder, Branch, KepAccount, Operator, Person, Post
from accounts.persons import pin_fault, register, set_secrets, tckn_index
from demo import cast, pki
from demo.cast import LegalPerson, Member

_WORDS = (
    (
        "mavi liman kavak bulut nehir yayla kiraz fener pusula martı zeytin kervan deniz tepe yonca kaya "
        "poyraz sedir nar incir badem turna keman saat harita pencere defter kalem orman sahil buzul vadi"
    )
    .replace("ı", "i")
    .split()
)


@dataclass(frozen=True)
class Secrets:
    """What one person knows by heart: for signing in, and for the e-imza file."""

    parola: str
    sifre: str
    p12_pin: str


def seed(*, now: datetime) -> Path:
    """Make what is missing of this provider's cast; returns the path of `demo.json`."""
    members, file = cast.people_of(settings.KEP_PROVIDER_CODE), settings.KEP_DATA_DIR / "demo.json"
    known = _known(file)
    given = {member.slug: known.get(member.tckn) or _new_secrets(member) for member in members}
    fresh = {member.slug for member in members if member.tckn not in known}
    with transaction.atomic():
        legal_persons = cast.legal_persons_of(settings.KEP_PROVIDER_CODE)
        accounts = {legal.address: _account_of_legal(legal, now=now) for legal in legal_persons}
        for member in members:
            person = _person(member, given[member.slug], is_fresh=member.slug in fresh)
            _account_of_person(member, person, now=now)
            _office(member, person, accounts, now=now)
            _post(member, person, now=now)
    pki.ensure(settings.KEP_PKI_DIR.parent)
    for member in members:
        _e_imza(member, given[member.slug], is_fresh=member.slug in fresh)
    _write(file, [_entry(member, given[member.slug]) for member in members])
    return file


def _known(file: Path) -> dict[str, Secrets]:
    if not file.exists():
        return {}
    people: list[dict[str, Any]] = json.loads(file.read_text())["people"]
    return {each["tckn"]: Secrets(each["parola"], each["sifre"], each["p12_pin"]) for each in people}


def _new_secrets(member: Member) -> Secrets:
    parola = f"{'-'.join(secrets.choice(_WORDS) for _ in range(3))}-{secrets.randbelow(9000) + 1000}"
    sifre = f"{secrets.randbelow(10**6):06d}"
    while pin_fault(sifre, tckn=member.tckn):
        sifre = f"{secrets.randbelow(10**6):06d}"
    return Secrets(parola, sifre, f"{secrets.randbelow(10**6):06d}")


def _entry(member: Member, given: Secrets) -> dict[str, object]:
    return {
        "name": member.name,
        "role": member.role,
        "tckn": member.tckn,
        "parola": given.parola,
        "sifre": given.sifre,
        "phone": member.phone,
        "addresses": list(member.addresses),
        "p12": str(_p12(member)),
        "p12_pin": given.p12_pin,
    }


def _write(file: Path, people: list[dict[str, object]]) -> None:
    """Whole or not at all, readable by its owner only."""
    provider = {
        "code": settings.KEP_PROVIDER_CODE,
        "name": settings.KEP_PROVIDER_NAME,
        "url": settings.KEP_WEB_ORIGIN,
    }
    text = json.dumps({"providers": [provider], "people": people}, ensure_ascii=False, indent=2)
    if file.exists() and file.read_text() == f"{text}\n":
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(f"{text}\n")
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def _person(member: Member, given: Secrets, *, is_fresh: bool) -> Person:
    person = Person.objects.filter(tckn_index=tckn_index(member.tckn)).first()
    if person is None:
        return register(
            tckn=member.tckn,
            first_name=member.first_name,
            last_name=member.last_name,
            phone=member.phone,
            password=given.parola,
            pin=given.sifre,
        )
    if is_fresh:
        set_secrets(person, password=given.parola, pin=given.sifre)
        person.save(update_fields=["password", "pin_hash"])
    return person


def _account_of_person(member: Member, person: Person, *, now: datetime) -> None:
    if not member.address or KepAccount.objects.filter(address=member.address).exists():
        return
    holder = AccountHolder.objects.create(kind=AccountHolder.Kind.NATURAL, person=person, name=member.name)
    mode = KepAccount.Mode.RECEIVE_ONLY if member.is_receive_only else KepAccount.Mode.SEND_AND_RECEIVE
    _open(member.address, holder, mode, is_listed=member.is_listed, now=now)


def _account_of_legal(legal: LegalPerson, *, now: datetime) -> KepAccount:
    known = KepAccount.objects.filter(address=legal.address).first()
    if known is not None:
        return known
    kind = AccountHolder.Kind.PUBLIC_LEGAL if legal.is_public else AccountHolder.Kind.PRIVATE_LEGAL
    holder = AccountHolder.objects.create(kind=kind, name=legal.name, **legal.numbers)
    return _open(legal.address, holder, KepAccount.Mode.SEND_AND_RECEIVE, is_listed=True, now=now)


def _open(address: str, holder: AccountHolder, mode: str, *, is_listed: bool, now: datetime) -> KepAccount:
    return KepAccount.objects.create(
        address=address,
        holder=holder,
        mode=mode,
        state=KepAccount.State.ACTIVE,
        listed=is_listed,
        opened_at=now,
        activated_at=now,
    )


def _office(member: Member, person: Person, accounts: dict[str, KepAccount], *, now: datetime) -> None:
    office = member.office
    if office is None or Operator.objects.filter(account=accounts[office.address], person=person).exists():
        return
    Operator.objects.create(
        account=accounts[office.address],
        person=person,
        is_main=office.is_main,
        role=office.title,
        starts_at=now,
        **dict.fromkeys(office.rights, True),
    )


def _post(member: Member, person: Person, *, now: datetime) -> None:
    """The post once given is left as it is: an ended one is not given again by a start of the server."""
    if not member.post or Post.objects.filter(person=person, role=member.post).exists():
        return
    branch = _branch(now=now) if member.post == Post.Role.CLERK else None
    Post.objects.create(person=person, role=member.post, branch=branch, starts_at=now, granted_by="system")


def _branch(*, now: datetime) -> Branch:
    named = {"name": cast.BRANCH.name, "province": cast.BRANCH.province, "opened_at": now}
    branch, _ = Branch.objects.get_or_create(code=cast.BRANCH.code, defaults=named)
    return branch


def _p12(member: Member) -> Path:
    path: Path = settings.KEP_PKI_DIR / "people" / f"{member.slug}.p12"
    return path


def _e_imza(member: Member, given: Secrets, *, is_fresh: bool) -> None:
    if is_fresh:  # an older file has a PIN that nobody knows any more
        _p12(member).unlink(missing_ok=True)
    pki.issue_person(settings.KEP_PKI_DIR.parent, member.slug, member.name, member.tckn, given.p12_pin)
