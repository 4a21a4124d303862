"""Persons and accounts for tests, and the sign-in as a browser does it. Others import from here."""

import itertools
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.identity import check_digits
from accounts.models import AccountHolder, Branch, KepAccount, Operator, Person, Post
from accounts.persons import register
from accounts.posts import Serving

LONG_AGO = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PASSWORD = "mavi-liman-kavak"
PIN = "480163"

_numbers = itertools.count(1)


def new_tckn() -> str:
    """An identity number nobody else in this run has."""
    first_nine = f"{100_000_000 + next(_numbers) * 37}"
    return first_nine + check_digits(first_nine)


def make_person(
    first_name: str = "Ayşe",
    last_name: str = "Yıldız",
    *,
    tckn: str | None = None,
    phone: str | None = None,
    password: str = PASSWORD,
    pin: str = PIN,
) -> Person:
    """A person who can sign in with `PASSWORD` and `PIN`."""
    number = tckn or new_tckn()
    mobile = phone or f"+90555{next(_numbers):07d}"
    return register(tckn=number, first_name=first_name, last_name=last_name, phone=mobile, password=password, pin=pin)


def make_account(
    address: str,
    *,
    holder: Person | str,
    mode: str = KepAccount.Mode.SEND_AND_RECEIVE,
    state: str = KepAccount.State.ACTIVE,
    listed: bool = False,
    public: bool = False,
) -> KepAccount:
    """An account of a person, or of a legal person by name (`public`: a public body)."""
    if isinstance(holder, Person):
        owner = AccountHolder.objects.create(kind=AccountHolder.Kind.NATURAL, person=holder, name=holder.full_name)
    else:
        kind = AccountHolder.Kind.PUBLIC_LEGAL if public else AccountHolder.Kind.PRIVATE_LEGAL
        owner = AccountHolder.objects.create(kind=kind, name=holder)
    is_activated = state != KepAccount.State.PENDING_ACTIVATION
    return KepAccount.objects.create(
        address=address,
        holder=owner,
        mode=mode,
        state=state,
        listed=listed,
        opened_at=LONG_AGO,
        activated_at=LONG_AGO if is_activated else None,
        closed_at=LONG_AGO if state == KepAccount.State.CLOSED else None,
    )


def make_operator(
    account: KepAccount,
    person: Person,
    *,
    may_read: bool = True,
    may_compose: bool = True,
    may_sign_and_send: bool = True,
    wants_sms: bool = False,
    is_main: bool = False,
    role: str = "",
    starts_at: datetime = LONG_AGO,
    ends_at: datetime | None = None,
    **switches: bool,
) -> Operator:
    """The person's right to act for the account; `switches` are the rights beside reading and sending."""
    return Operator.objects.create(
        account=account,
        person=person,
        may_read=may_read,
        may_compose=may_compose,
        may_sign_and_send=may_sign_and_send,
        wants_sms=wants_sms,
        is_main=is_main,
        role=role,
        starts_at=starts_at,
        ends_at=ends_at,
        **switches,
    )


@dataclass(frozen=True)
class Sms:
    """One text as it reached the phone."""

    to: str
    text: str

    @property
    def code(self) -> str:
        """The code in the text."""
        found = re.search(r"#([0-9]{6})$", self.text)
        assert found is not None, "no code in this text"
        return found[1]


def texts(person: Person | None = None) -> list[Sms]:
    """Every text so far, oldest first; of one person's phone, if one is given."""
    if not settings.KEP_SMS_FILE.exists():
        return []
    lines: list[dict[str, Any]] = [json.loads(line) for line in settings.KEP_SMS_FILE.read_text().splitlines()]
    return [Sms(line["to"], line["text"]) for line in lines if person is None or line["to"] == person.phone]


def post_secrets(client: Client, tckn: str, password: str = PASSWORD, pin: str = PIN, **more: Any) -> HttpResponse:
    """Step one, as the form posts it."""
    return client.post(reverse("accounts:sign_in"), {"tckn": tckn, "parola": password, "sifre": pin}, **more)


def post_code(client: Client, code: str) -> HttpResponse:
    """Step two, as the form posts it."""
    return client.post(reverse("accounts:sign_in_sms"), {"sms": code})


def sign_in(client: Client, person: Person, *, account: KepAccount | None = None) -> HttpResponse:
    """Both steps, really; then the choice of the account, if one is given. The last answer comes back."""
    first = post_secrets(client, person.tckn)
    assert first.status_code == 302, first.content.decode()
    answer = post_code(client, texts(person)[-1].code)
    assert answer.status_code == 302, answer.content.decode()
    if account is not None:
        answer = client.post(reverse("accounts:choose_account"), {"account": account.public_id})
    return answer


def make_branch(code: str = "cinarova-merkez", name: str = "Çınarova Merkez Şubesi") -> Branch:
    """An open branch."""
    return Branch.objects.create(code=code, name=name, province="Çınarova", opened_at=LONG_AGO)


def make_clerk(branch: Branch, first_name: str = "Zeynep", last_name: str = "Aydın", **more: Any) -> Serving:
    """A clerk on duty at this branch, who can sign in."""
    person = make_person(first_name, last_name, **more)
    post = Post.objects.create(
        person=person, role=Post.Role.CLERK, branch=branch, starts_at=LONG_AGO, granted_by="system"
    )
    return Serving(person, post, branch)


def make_back_office(first_name: str = "Selin", last_name: str = "Korkmaz", **more: Any) -> Serving:
    """Somebody of the back office, who can sign in."""
    person = make_person(first_name, last_name, **more)
    post = Post.objects.create(person=person, role=Post.Role.BACK_OFFICE, starts_at=LONG_AGO, granted_by="system")
    return Serving(person, post, None)
