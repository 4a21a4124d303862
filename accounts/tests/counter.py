"""A branch with a clerk, and applications that wait there. Others import from here."""

import re
from datetime import date, datetime
from typing import Any

from accounts import persons
from accounts.applying import draft, states
from accounts.applying.documents import PaperKind
from accounts.applying.states import Event
from accounts.desk import activation_step, address_step, contract_step, identity_step, papers_step, phone_step
from accounts.desk.identity_step import IdentityDocument, Seen
from accounts.models import Application, Branch, Document, KepAccount, Person, Post
from accounts.posts import Serving, serving_of
from accounts.tests.cast import LONG_AGO, make_person, new_tckn, texts

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nstartxref\n9\n%%EOF\n"
"""The smallest thing that is taken for a scan."""


def make_branch(code: str = "3401", name: str = "Çınarova Merkez Şubesi") -> Branch:
    """An open branch."""
    return Branch.objects.create(code=code, name=name, province="Çınarova", opened_at=LONG_AGO)


def make_clerk(branch: Branch, *, now: datetime, name: str = "Zeynep", person: Person | None = None) -> Serving:
    """A clerk on duty at this branch."""
    clerk = person or make_person(name, "Aksu")
    Post.objects.create(person=clerk, role=Post.Role.CLERK, branch=branch, starts_at=LONG_AGO, granted_by="system")
    return serving_of(clerk, Post.Role.CLERK, now=now)


def make_application(branch: Branch | None, *, now: datetime, **given: Any) -> Application:
    """An application of a natural person that was handed in to `branch` and waits for papers."""
    values: dict[str, Any] = {
        "kind": Application.Kind.NATURAL,
        "number": draft.new_number(now),
        "tckn": new_tckn(),
        "first_name": "Ali",
        "last_name": "Demir",
        "birth_date": "1984-03-05",
        "phone": "+905550000047",
        "mode": KepAccount.Mode.RECEIVE_ONLY,
        **given,
    }
    values["tckn_index"] = persons.tckn_index(values["tckn"])
    application = states.begin(Application(**values), now=now, actor="applicant")
    return states.advance(application, Event.SUBMITTED, now=now, actor="applicant", values={"branch": branch})


def seen(application: Application, **other: Any) -> Seen:
    """The applicant's own identity card, as the clerk types it."""
    values: dict[str, Any] = {
        "document": IdentityDocument.ID_CARD,
        "tckn": application.tckn,
        "first_name": application.first_name,
        "last_name": application.last_name,
        "birth_date": date(1984, 3, 5),
        "valid_until": date(2031, 1, 1),
        "is_same_person": True,
        **other,
    }
    return Seen(**values)


class Counter:
    """The steps in their order, each done as it is meant to be done."""

    def __init__(self, application: Application, by: Serving, now: datetime) -> None:
        self.application, self.by, self.now = application, by, now

    @property
    def key(self) -> str:
        """What the verbs are called with."""
        return self.application.public_id

    def identity(self) -> None:
        identity_step.confirm(self.key, seen=seen(self.application), by=self.by, now=self.now)

    def papers(self) -> None:
        for need in papers_step.needs_of(self.fresh()):
            if need.is_missing:
                self.scan(need.kind)
        papers_step.confirm(self.key, were_compared=True, by=self.by, now=self.now)

    def phone(self, phone: str = "") -> None:
        number = phone or phone_step.phone_of(self.fresh()).number
        phone_step.send_code(self.key, phone=number, by=self.by, now=self.now)
        phone_step.confirm(self.key, code=self.code(), in_hand=True, by=self.by, now=self.now)

    def address(self, address: str = "ali.demir@hs01.kep.tr") -> KepAccount:
        return address_step.choose(self.key, address=address, by=self.by, now=self.now)

    def contract(self) -> None:
        for need in papers_step.signed_needs_of(self.fresh()):
            self.scan(need.kind)
        contract_step.confirm(self.key, was_signed_here=True, by=self.by, now=self.now)

    def activation(self) -> None:
        activation_step.begin(self.key, by=self.by, now=self.now)

    def scan(self, kind: PaperKind) -> Document:
        """A scan of this kind of paper."""
        return papers_step.file(self.key, kind, PDF + kind.encode(), file_name="tarama.pdf", by=self.by, now=self.now)

    def until(self, *names: str) -> None:
        """Every step up to the last named one."""
        for name in names:
            getattr(self, name)()

    def code(self) -> str:
        """The code that came last to the phone being checked."""
        number = phone_step.phone_of(self.fresh()).number
        return re.findall(r"kodunuz: ([0-9]{6})\.", [sms for sms in texts() if sms.to == number][-1].text)[0]

    def fresh(self) -> Application:
        """The row as it stands."""
        return Application.objects.select_related("account", "branch").get(pk=self.application.pk)


__all__ = ["PDF", "Counter", "make_application", "make_branch", "make_clerk", "seen"]
