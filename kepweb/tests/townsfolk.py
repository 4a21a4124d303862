"""Everybody who may come to a door, each in a browser of his own, and what lies behind the doors.

One company with its operators: the main one, one with each single right and none beside it, and one whose office has
ended. Beside them a natural person with an account of her own, clerks of two branches, somebody of the back office,
a stranger who is signed in, and a visitor who is not. What an address names belongs to the company, except for the
natural person: she asks for her own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.test import Client

from accounts import lifecycle
from accounts.applying.documents import PaperKind
from accounts.models import Branch, KepAccount, KnownDevice, OpenVisit, Operator, Person, Post
from accounts.operating import invitations, papers, record
from accounts.operating.grants import Grant
from accounts.operators import Act
from accounts.tests.cast import LONG_AGO, make_account, make_operator, make_person, sign_in
from mailbox import compose, reading, takeout, tasks
from mailbox.compose import FileGiven
from mailbox.models import BoxItem, Draft
from mailbox.tests.road import Road

SINGLE_RIGHTS = {
    "read": Act.READ,
    "compose": Act.COMPOSE,
    "send": Act.SIGN_AND_SEND,
    "teb-send": Act.SEND_TEBLIGAT,
    "teb-read": Act.READ_TEBLIGAT,
    "archive": Act.ARCHIVE,
    "delete": Act.DELETE,
    "balance": Act.SEE_BALANCE,
    "manage": Act.MANAGE_OPERATORS,
}
ROLES = ("owner", "main", *SINGLE_RIGHTS, "ended", "clerk", "clerk-2", "office", "stranger", "nobody")


@dataclass
class Town:
    """The people by role, and the objects that addresses name."""

    road: Road
    company: KepAccount
    branch: Branch
    people: dict[str, Person]
    objects: dict[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    def browser(self, role: str) -> Client:
        """A browser in which this role is signed in, acting for the company where it may."""
        client = Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)
        if role != "nobody":
            acts_for_company = role == "main" or role in SINGLE_RIGHTS
            sign_in(client, self.people[role], account=self.company if acts_for_company else None)
        return client

    def named(self, kind: str, role: str) -> Mapping[str, Any]:
        """What an address of this kind of object is filled with when this role asks."""
        if kind == "-":
            return {}
        whose = self.objects[kind]
        return whose["owner"] if role == "owner" and "owner" in whose else whose["company"]


def settle(road: Road) -> Town:
    """Everybody moves in; a message has come to the company and was opened, another was not."""
    company = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
    people = {"owner": road.ayse, "stranger": make_person("Deniz", "Arslan")}
    make_account("deniz.arslan@hs01.kep.tr", holder=people["stranger"])
    people["main"] = make_person("Mehmet", "Kaya")
    make_operator(company, people["main"], is_main=True, **{act.value: True for act in Act})
    for role, act in SINGLE_RIGHTS.items():
        people[role] = make_person("Yetkili", f"{role.title()}")
        make_operator(company, people[role], **{each.value: each is act for each in Act})
    people["ended"] = make_person("Eski", "Yetkili")
    make_operator(company, people["ended"], ends_at=road.clock.now - timedelta(minutes=1))
    branch = _serve(people)
    town = Town(road, company, branch, people)
    _closed(town)
    _mail(town)  # last: a message of his is to stay in CHECKING
    _offices(town)
    _sign_ins(town)
    town.objects["text"] = {"company": {"name": "kepue"}}
    town.objects["version"] = {"company": {"name": "kepue", "version": "1.0"}}
    return town


def _serve(people: dict[str, Person]) -> Branch:
    branches = [
        Branch.objects.create(code=code, name=name, province="Çınarova", opened_at=LONG_AGO)
        for code, name in (("3401", "Çınarova Merkez Şubesi"), ("3402", "Çınarova Liman Şubesi"))
    ]
    posts = {"clerk": branches[0], "clerk-2": branches[1], "office": None}
    for role, branch in posts.items():
        people[role] = make_person("Görevli", role.title())
        kind = Post.Role.CLERK if branch else Post.Role.BACK_OFFICE
        Post.objects.create(person=people[role], role=kind, branch=branch, starts_at=LONG_AGO, granted_by="system")
    return branches[0]


def _sign_ins(town: Town) -> None:
    """An account that waits, an open visit and a known browser: the main operator's, and the owner's own."""
    pending, now = KepAccount.State.PENDING_ACTIVATION, town.road.clock.now
    second = make_account("anadolu.ihracat@hs01.kep.tr", holder="Anadolu İhracat A.Ş.", state=pending)
    make_operator(second, town.people["main"], is_main=True)
    own = make_account("ikinci.adres@hs01.kep.tr", holder=town.people["owner"], state=pending)
    town.objects["waiting"] = {"company": {"public_id": second.public_id}, "owner": {"public_id": own.public_id}}
    for kind in ("visit", "device"):
        town.objects[kind] = {}
    for whose, role in (("company", "main"), ("owner", "owner")):
        key, person = whose.ljust(32, "0"), town.people[role]
        visit = OpenVisit.objects.create(person=person, session_key=key, method="", opened_at=now, seen_at=now)
        device = KnownDevice.objects.create(person=person, device_index=key, first_seen_at=now, last_seen_at=now)
        town.objects["visit"] = {**town.objects["visit"], whose: {"public_id": visit.public_id}}
        town.objects["device"] = {**town.objects["device"], whose: {"key": device.device_index}}


def _mail(town: Town) -> None:
    road, company = town.road, town.company
    message = road.send(to=company.address, files=(FileGiven("ek.txt", b"ek"),))
    unopened = road.send(to=company.address, subject="Açılmamış")
    item = road.arrived(message, company)
    reading.open_message(item, reader=road.reader(town.people["main"], company), now=road.clock.now)
    road.turn()
    sent = BoxItem.objects.get(message=message, folder=BoxItem.Folder.SENT)
    for each in (item, sent):
        takeout.ask_bundle(each, asked_by="person", now=road.clock.now)
    draft = compose.new_draft(road.acting(town.people["main"], company), now=road.clock.now)
    written = {"to": [road.ayses.address], "cc": [], "subject": "Cevap", "text": "Sayın Yıldız,\n"}
    compose.save_draft(draft, **written, now=road.clock.now)
    draft = compose.attach(draft, (FileGiven("ek.txt", b"ek"),), now=road.clock.now)
    own = road.draft(files=(FileGiven("ek.txt", b"ek"),))
    signed = road.sign(road.draft(subject="Denetleniyor"))
    tasks.submit_signed(road.clock.now)
    checking = BoxItem.objects.get(message__operation=signed.pk, folder=BoxItem.Folder.SENT)
    town.objects["checking"] = {"company": {"public_id": checking.public_id}}
    for kind, more in {"item": {}, "part": {"number": 1}, "proof": {"code": 10, "recipient_no": 0}}.items():
        town.objects[kind] = {
            "company": {"public_id": item.public_id, **more},
            "owner": {"public_id": sent.public_id, **more},
        }
    town.objects["unread"] = {"company": {"public_id": road.arrived(unopened, company).public_id}}
    town.objects["draft"] = {"company": {"public_id": draft.public_id}, "owner": {"public_id": own.public_id}}
    town.objects["file"] = {"company": _with_file(draft), "owner": _with_file(own)}


def _offices(town: Town) -> None:
    """An operator with a paper about him, an invitation to the stranger, and a record that was asked for."""
    road, company, now = town.road, town.company, town.road.clock.now
    manager, operator = road.acting(town.people["main"], company), operator_of(town, "read")
    named = {"public_id": operator.public_id}
    paper = papers.add(
        manager,
        operator.public_id,
        PaperKind.AUTHORITY,
        b"%PDF-1.7\nstartxref\n0\n%%EOF\n",
        file_name="yetki.pdf",
        now=now,
    )
    stranger = town.people["stranger"]
    offer = invitations.invite(
        manager,
        tckn=stranger.tckn,
        first_name="Deniz",
        last_name="Arslan",
        phone=stranger.phone,
        email=None,
        grant=Grant(frozenset({Act.READ.value})),
        now=now,
    )
    town.objects["post"] = {"company": named}
    town.objects["paper"] = {"company": {**named, "paper_id": paper.public_id}}
    town.objects["offer"] = {"company": {"public_id": offer.public_id}}
    town.objects["record"] = {"company": {"version": record.ask(manager, now=now).version}}


def _closed(town: Town) -> None:
    """The owner's other account and the company's, each with a message, and both closed (K-035)."""
    for whose, holder in (("owner", town.people["owner"]), ("company", "Anadolu Makina Ltd. Şti.")):
        account = make_account(f"kapanan.{whose}@hs01.kep.tr", holder=holder)
        if whose == "company":
            make_operator(account, town.people["main"], is_main=True)
            make_operator(account, town.people["read"])
        item = town.road.arrived(town.road.send(to=account.address, subject="Kapanan"), account)
        reader = town.people["main" if whose == "company" else "owner"]
        reading.open_message(item, reader=town.road.reader(reader, account), now=town.road.clock.now)
        lifecycle.close(account, reason=lifecycle.Closing.REQUEST, actor="system", now=town.road.clock.now)
        names = {"account": account.public_id}
        town.objects.setdefault("closed", {})[whose] = names  # type: ignore[index]
        names = {**names, "public_id": item.public_id}
        town.objects.setdefault("left", {})[whose] = names  # type: ignore[index]
        town.objects.setdefault("leftprf", {})[whose] = {**names, "code": 10, "recipient_no": 0}  # type: ignore[index]


def _with_file(draft: Draft) -> dict[str, str]:
    attachment = draft.attachments.first()
    assert attachment is not None
    return {"public_id": draft.public_id, "attachment_id": attachment.public_id}


def operator_of(town: Town, role: str) -> Operator:
    """The operatorship of this role for the company."""
    return Operator.objects.get(account=town.company, person=town.people[role])
