"""One message from the button to the sealed proof of its delivery, by the very doors that people and workers use.

The sender's browser posts to the pages and the sender's signing program to `/imza/v1/`, through the whole chain of
middleware; the workers are the product's own work loop over the product's own sweeps, with a clock that is held.
Nothing of the program is replaced. What a door answered is kept: a campaign asks afterwards whether each answer was
clean (a success, or a refusal with a code and never a bare 500) and whether what was answered with success exists.
"""

import base64
import hashlib
import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import close_old_connections
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils.module_loading import import_string

from accounts.models import KepAccount, Person, SmsNotice
from accounts.tests.cast import make_account, make_person, sign_in
from demo import pki
from evidence import cades, issue
from evidence.models import SealWork
from kepweb.management.commands.kepcheck import checkers
from kepweb.work_loop import WorkLoop
from mailbox.models import BoxItem, Envelope, Message, Recipient
from mailbox.tests.road import PIN, EImza
from signing.models import SigningOperation

SENDER, RECEIVER = "ayse.yildiz@hs01.kep.tr", "mehmet.kaya@hs01.kep.tr"
CODE = re.compile(r"\b[A-Z]{3}-[0-9]{2}\b")
PROOFS = [(0, 10), (1, 40)]
FORM = {"to": RECEIVER, "subject": "Kira sözleşmesi İĞÜŞÖÇ", "text": "Sayın Kaya,\n\nEkte.\n"}


@dataclass(frozen=True)
class Answer:
    """What one door said: the step, the status, and the code of a refusal (empty when it names none)."""

    step: str
    status: int
    code: str = ""

    @property
    def is_clean(self) -> bool:
        """A success, or a refusal that says what it is."""
        return self.status < 400 or (self.status != 500 and bool(self.code))


@dataclass(eq=False)
class Sender:
    """A person at a browser with a signing program beside it; whoever was refused may simply try again."""

    client: Client
    imza: EImza
    draft: str = ""
    token: str = ""
    signature: bytes = b""
    answers: list[Answer] = field(default_factory=list)

    def write(self) -> bool:
        """Save a new draft by the page; its id stands in the answer."""
        answer = self._post("write", reverse("mailbox:compose_new"), dict(FORM))
        if answer is not None:
            self.draft = answer.headers["Location"].split("#")[0].strip("/").rpartition("/")[2]
        return answer is not None

    def ask(self) -> bool:
        """Add a file and press *İmza adımına geç*: a new operation for the draft as it is then."""
        self.token, self.signature = "", b""
        form = {**FORM, "action": "sign", "files": SimpleUploadedFile("ek.bin", b"\x00\x01ek" * 400)}
        return self._post("ask", reverse("mailbox:compose", args=[self.draft]), form) is not None

    def sign(self, code: str) -> bool:
        """The signing program's way from the code to the answer "SIGNED"; True means that the sender was told so."""
        return self.offer(code) and self.post_signature()

    def offer(self, code: str) -> bool:
        """From the code to the signature in the program's hand: claimed, certificate shown, document read, signed."""
        claimed = self._machine("claim", {"code": code, "signer": "kampanya"})
        if claimed is None:
            return False
        token = claimed["token"]
        offer = {"token": token, "certificate": base64.b64encode(self.imza.certificate).decode(), "chain": []}
        offered = self._machine("certificate", offer)
        if offered is None:
            return False
        content = self._note("document", self.client.get(offered["document_url"], headers={"X-Imza-Token": token}))
        if content is None:
            return False
        digest = hashlib.sha256(content.content).digest()
        if digest.hex() != offered["digest"]:
            raise AssertionError("the document is not what was announced")
        signing_time = datetime.strptime(offered["signing_time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        self.signature = self.imza.sign(cades.signed_attributes(self.imza.certificate, digest, signing_time))
        self.token = token
        return True

    def post_signature(self) -> bool:
        """The completing post, or the same one once more."""
        sent = {"token": self.token, "signature": base64.b64encode(self.signature).decode()}
        return self._machine("signature", sent) is not None

    def _machine(self, step: str, fields: Mapping[str, Any]) -> Any:
        body = json.dumps(fields).encode()
        answer = self._post(step, reverse(f"signing:{step}"), body, content_type="application/json")
        return None if answer is None else json.loads(answer.content)

    def _post(self, step: str, path: str, data: Any, **more: Any) -> HttpResponse | None:
        accept = {"Accept": "application/json"} if more else {}
        return self._note(step, self.client.post(path, data, headers=accept, **more))

    def _note(self, step: str, answer: HttpResponse) -> HttpResponse | None:
        close_old_connections()  # as at the end of a real request; the client leaves it out
        found = CODE.search(answer.content.decode(errors="replace")) if answer.status_code >= 400 else None
        self.answers.append(Answer(step, answer.status_code, found[0] if found else ""))
        return answer if answer.status_code < 400 else None


class People(NamedTuple):
    """Who is there: the sender with browser and card, and the receiver's browser."""

    sender: Sender
    receiver: Client


def found_place(pki_directory: Path) -> People:
    """People, boxes, an e-imza and a written draft in the empty database of this process's data folder."""
    ayse, mehmet = make_person("Ayşe", "Yıldız"), make_person("Mehmet", "Kaya")
    make_account(SENDER, holder=ayse)
    make_account(RECEIVER, holder=mehmet, mode=KepAccount.Mode.RECEIVE_ONLY)
    people = People(Sender(browser_of(ayse), e_imza(pki_directory, ayse)), browser_of(mehmet))
    if not people.sender.write():
        raise AssertionError(f"the draft was not saved: {people.sender.answers}")
    return people


def browser_of(person: Person) -> Client:
    """A browser in which this person is signed in."""
    client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
    sign_in(client, person)
    return client


def e_imza(pki_directory: Path, person: Person) -> EImza:
    """A qualified certificate of the demo's authority for this person."""
    return EImza.of(pki.issue_person(pki_directory, person.pk.hex[:12], person.full_name, person.tckn, PIN))


def code_of(draft: str) -> str:
    """The operation code that the page shows for a draft; empty when none is waiting."""
    shown = SigningOperation.objects.filter(reference=draft, state=SigningOperation.State.ASKED)
    return shown.values_list("code_shown", flat=True).first() or ""


def work(now: datetime, *queues: str) -> int:
    """Let the workers of these queues, or of all, work at `now` until nothing moves; how many rows moved.

    Their failures are logged.
    """
    sweeps = [
        (path, partial(import_string(path), now))
        for queue in queues or settings.KEP_SWEEPS
        for path in settings.KEP_SWEEPS[queue]
        if path.startswith("mailbox.")
    ]
    loop = WorkLoop(sweeps, wake=threading.Event(), ending=threading.Event(), poll_seconds=0)
    return loop.sweep_until_empty()


def finish(now: datetime, *, turns: int = 12) -> datetime:
    """Turn the workers with the clock moved on each time, until no row is due or `turns` are over; the last moment."""
    for _ in range(turns):
        now += timedelta(seconds=65)
        work(now)
        if is_all_done():
            break
    return now


def is_all_done(messages: int = 0) -> bool:
    """Whether no work is owed to anybody, and at least so many messages exist."""
    owed = (
        SigningOperation.objects.filter(state=SigningOperation.State.SIGNED),
        SealWork.objects.all(),
        Message.objects.filter(due_at__isnull=False),
        Recipient.objects.filter(due_at__isnull=False),
        SmsNotice.objects.filter(sent_at__isnull=True),
    )
    return Message.objects.count() >= messages and not any(rows.exists() for rows in owed)


def faults_of_place(*, messages: int, read: int = 0) -> list[str]:
    """What is not as it must be: `messages` messages, each with its items, envelope and proofs once; kepcheck clean.

    `read` of them were opened by their receiver and have proof 60 as well.
    """
    found = []
    kept = list(Message.objects.order_by("pk"))
    if len(kept) != messages:
        found.append(f"{len(kept)} messages instead of {messages}")
    proofs = issue.sealed_proofs([message.kep_id for message in kept])
    for message in kept:
        codes = sorted((each.intent.recipient_no, each.intent.code) for each in proofs[message.kep_id])
        read -= (1, 60) in codes
        if [each for each in codes if each != (1, 60)] != PROOFS or len(codes) != len(set(codes)):
            found.append(f"proofs of {message.kep_id}: {[each.intent.code for each in proofs[message.kep_id]]}")
        folders = sorted(BoxItem.objects.filter(message=message).values_list("folder", flat=True))
        if folders != ["inbox", "sent"]:
            found.append(f"items of {message.kep_id}: {folders}, state {message.state} {message.last_error}")
    if read:
        found.append(f"{read} proofs 60 are missing")
    if Envelope.objects.count() != messages:
        found.append(f"{Envelope.objects.count()} envelopes instead of {messages}")
    unsent = SmsNotice.objects.filter(sent_at__isnull=True).count()
    if unsent:
        found.append(f"{unsent} notices not sent")
    for label, checker in checkers():
        found += [f"kepcheck {label}: {each.code} {each.text}" for each in checker(datetime.now(UTC))]
    return found


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        if record.name == "kepweb.bell":
            return  # this place has no broker, and needs none
        self.heard.append(f"{record.levelname} {record.getMessage()} {error}".strip())


@contextmanager
def listening() -> Iterator[list[str]]:
    """Every warning and error that is logged while the block runs, instead of on stderr."""
    ear, root = _Ear(), logging.getLogger()
    before, root.handlers = root.handlers, [ear]
    try:
        yield ear.heard
    finally:
        root.handlers = before
