"""The people: they write, sign, change their mind, press twice, read in the last second, and lose their rights.

A person is an act of her own; each of her requests runs code of the product and may die, in which case no answer comes
and she asks again or gives up. What she was told is remembered, because that is what nobody may take back from her.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import OperationalError, connection

from accounts.access import account_for
from accounts.models import KepAccount, Operator
from accounts.visit import SIGN_IN_BY_SMS, Visit
from evidence import cades
from evidence.interruptions import is_interruption
from guards.errors import KepError
from mailbox import compose, reading, submit
from mailbox.models import BoxItem, Draft, Message
from mailbox.reading import Reader as ReadingPerson
from signing import operations

from .scheduler import Death
from .stage import Reader, Sender

if TYPE_CHECKING:
    from .world import World

SIZES = (1, 1, 1, 1, 2, 2, 2, 3, 5)
"""How many messages a seed has; now and then eleven more."""
DEEDS = (
    "press twice", "edit while open", "edit after signing", "withdraw", "withdraw twice", "two windows", "too late",
    "discard", "cancel", "post again later",
)  # fmt: skip
READINGS = ("never", "soon", "soon", "soon twice", "last moment", "at the end", "at the end twice", "after")


class NoAnswer:
    """What comes back when the process died, or the house was dark."""


NO_ANSWER = NoAnswer()


@dataclass(frozen=True)
class Acknowledged:
    """A signature of which somebody was told that it had come."""

    operation: UUID
    draft: int
    subject: str
    addresses: list[str]


class People:
    """All persons of one seed."""

    def __init__(self, world: "World", chance: random.Random) -> None:
        self._world, self._chance = world, chance
        self.acknowledged: list[Acknowledged] = []
        self.posted: set[UUID] = set()
        self.changed_drafts: set[int] = set()
        self.withdrawn_drafts: set[int] = set()
        self.revoked: dict[str, datetime] = {}
        self._last_item = 0

    # --- what they plan -----------------------------------------------------------------------------------------------
    def begin(self) -> None:
        """Plan the messages of the seed, and what happens to accounts, rights and certificates."""
        chance = self._chance
        stage = self._world.stage
        count = chance.choice(SIZES) + (11 if chance.random() < 0.03 else 0)
        span = chance.choice((1.0, 30.0, 300.0))
        for number in range(1, count + 1):
            sender = chance.choice(stage.senders)
            to = chance.sample(
                [each for each in stage.readers if each.account != sender.account], chance.choice((1, 1, 2, 3))
            )
            deed = chance.choice(DEEDS) if self._world.has("deeds") and chance.random() < 0.7 else ""
            errand = Errand(self, number, sender, [each.account.address for each in to], deed, chance.randrange(2**32))
            self._world.scheduler.plan(f"letter {number}", errand.run, after=chance.uniform(0, span))
        if self._world.has("offices"):
            for _ in range(chance.choice((1, 2))):
                office = chance.choice((self._close, self._suspend, self._end_right, self._dismiss, self._revoke))
                self._world.scheduler.plan("office", office, after=chance.uniform(0, span + 60), at_once=True)

    def look(self) -> None:
        """New items in a box: whoever owns it decides when to open them."""
        rows = connection.connection.execute(
            "SELECT id, account_id FROM mailbox_boxitem WHERE folder = 'inbox' AND id > ? ORDER BY id",
            [self._last_item],
        )
        for key, account in list(rows):
            self._last_item = key
            reader = next(each for each in self._world.stage.readers if each.account.pk == account)
            self._plan_reading(key, reader)

    def _plan_reading(self, key: int, reader: Reader) -> None:
        habit = self._chance.choice(READINGS)
        ends = BoxItem.objects.select_related("recipient").get(pk=key).recipient.term_ends_at
        left = (ends - self._world.scheduler.now).total_seconds()
        after = {"soon": self._chance.uniform(0, 100), "last": left - 0.000200, "at": left, "after": left + 3.0}
        if habit == "never":
            return
        for number in range(2 if habit.endswith("twice") else 1):
            act = _opening(self, key, reader, ends if habit.startswith("at the end") else None)
            self._world.scheduler.plan(f"reader {key}.{number + 1}", act, after=max(0.0, after[habit.split()[0]]))

    # --- requests -----------------------------------------------------------------------------------------------------
    def request(self, what: str, body: Callable[[datetime], Any]) -> Any:
        """One request to the web process: its answer, the typed refusal, or `NO_ANSWER`."""
        world = self._world
        if world.is_off():
            return NO_ANSWER
        name = world.scheduler.name_of_act()
        try:
            with world.scheduler.exposing():
                answer = body(world.scheduler.now)
        except Death:
            answer = NO_ANSWER
        except KepError as refusal:
            answer = refusal
        except OperationalError as error:  # the page says that it did not work just now, and the person tries again
            if not is_interruption(error):
                raise
            answer = NO_ANSWER
        told = answer.code if isinstance(answer, KepError) else "no answer" if answer is NO_ANSWER else "done"
        world.scheduler.note(f"{name}: {what}: {told}")
        return answer

    def rest(self, seconds: float) -> None:
        """Let time pass."""
        self._world.scheduler.rest(seconds)

    def plan(self, name: str, body: Callable[[], None], *, after: float) -> None:
        """Something else that the same person does meanwhile."""
        self._world.scheduler.plan(name, body, after=after)

    # --- offices ------------------------------------------------------------------------------------------------------
    def _close(self) -> None:
        self._set_state(self._chance.choice(self._world.stage.readers).account, KepAccount.State.CLOSED)

    def _suspend(self) -> None:
        self._set_state(self._chance.choice(self._world.stage.readers).account, KepAccount.State.SUSPENDED)

    def _set_state(self, account: KepAccount, state: str) -> None:
        self._world.scheduler.note(f"{account.address} is {state}")
        closed = self._world.scheduler.now if state == KepAccount.State.CLOSED else None
        KepAccount.objects.filter(pk=account.pk).update(state=state, closed_at=closed)

    def _end_right(self) -> None:
        self._world.scheduler.note("an operator's right ends")
        Operator.objects.update(ends_at=self._world.scheduler.now)

    def _dismiss(self) -> None:
        sender = self._chance.choice(self._world.stage.senders)
        self._world.scheduler.note(f"{sender.name} is no longer active")
        type(sender.person).objects.filter(pk=sender.person.pk).update(is_active=False)

    def _revoke(self) -> None:
        sender, now = self._chance.choice(self._world.stage.senders), self._world.scheduler.now
        self._world.scheduler.note(f"the certificate of {sender.name} is revoked")
        self._world.stage.authorities.records.revoke(sender.serial, now)
        self.revoked.setdefault(sender.account.address, now.replace(microsecond=0))


def _opening(people: People, key: int, reader: Reader, exactly: datetime | None) -> Callable[[], None]:
    """Opening one item; `exactly` at a moment, or whenever the act runs."""

    def run() -> None:
        for _ in range(3):
            if people.request("open", ask) is not NO_ANSWER:
                return
            people.rest(people._chance.uniform(1, 30))

    def ask(now: datetime) -> None:
        moment = exactly if exactly is not None and abs(exactly - now) < timedelta(seconds=1) else now
        acting = account_for(reader.person, reader.account.public_id, now=moment)
        item = BoxItem.objects.select_related("message", "recipient", "account").get(pk=key)
        who = ReadingPerson(acting, moment - timedelta(minutes=1), SIGN_IN_BY_SMS)
        reading.open_message(item, reader=who, now=moment)

    return run


class Errand:
    """One letter of one person, from the first word to the last doubt."""

    def __init__(self, people: People, number: int, sender: Sender, to: list[str], deed: str, seed: int) -> None:
        self._people, self._number, self._sender, self._to, self._deed = people, number, sender, to, deed
        self._chance = random.Random(seed)  # noqa: S311 - not a secret: a run must be repeatable
        self._subject = f"Mektup {number} İĞÜŞÖÇ"

    def run(self) -> None:
        """Write, sign, perhaps think again, and sign again what came back."""
        draft = self._written()
        for _ in range(3):
            if draft is None or not self._signs(draft):
                return
            self._afterwards(draft)
            self._people.rest(self._chance.uniform(30, 400))
            fresh = Draft.objects.filter(pk=draft.pk).first()
            if fresh is None or fresh.submitted_at is not None or self._chance.random() < 0.4:
                return
            self._people.changed_drafts.add(draft.pk)  # asking again gives up a signature that nobody has used yet
            draft = fresh

    def _written(self) -> Draft | None:
        def write(now: datetime) -> Draft:
            draft = compose.new_draft(self._acting(now), now=now)
            compose.save_draft(draft, to=self._to, cc=[], subject=self._subject, text="Sayın ilgili,\n", now=now)
            files = [compose.FileGiven("sözleşme.txt", b"madde 1\n" * 40)] if self._chance.random() < 0.2 else []
            return compose.attach(draft, files, now=now)

        return self._tried("write", write)

    def _signs(self, draft: Draft) -> bool:
        """Whether the person goes on with this letter: what she signed came, or may have come."""
        asked = self._tried("ask", lambda now: self._ask(draft, now))
        if asked is None:
            return False
        if self._deed == "two windows":
            again = self._tried("ask again", lambda now: self._ask(Draft.objects.get(pk=draft.pk), now))
            self._people.plan(
                f"window {self._number}", lambda: self._answers(draft, asked), after=self._chance.uniform(1, 20)
            )
            asked = again or asked
        if self._deed == "too late":
            self._people.rest(self._chance.choice((595.0, 601.0, 700.0)))
        return self._answers(draft, asked)

    def _answers(self, draft: Draft, asked: operations.Asked) -> bool:
        """The signer's half: claim, offer, hash, sign, post; once more where no answer came."""
        imza = self._sender.imza
        self._people.rest(self._chance.uniform(1, 20))
        claimed = self._tried("claim", lambda now: operations.claim(asked.code, client="192.0.2.1", now=now), tries=1)
        if claimed is None:
            return False
        offered = self._tried(
            "offer", lambda now: operations.offer_certificate(claimed.token, imza.certificate, [], now=now)
        )
        content = self._tried("document", lambda now: operations.document(claimed.token, now=now))
        if offered is None or content is None:
            return False
        if self._deed in ("edit while open", "cancel"):
            self._interferes(draft, offered.pk)
        self._people.rest(self._chance.uniform(0.5, 30))
        octets = cades.signed_attributes(imza.certificate, hashlib.sha256(content).digest(), offered.signing_time)
        signature = imza.sign(octets)
        self._people.posted.add(offered.pk)

        def post() -> bool:
            done = self._tried("sign", lambda now: operations.complete(claimed.token, signature, now=now))
            if done is not None:
                self._people.acknowledged.append(Acknowledged(offered.pk, draft.pk, draft.subject, list(self._to)))
            return done is not None

        if self._deed == "press twice":
            self._people.plan(
                f"second post {self._number}", lambda: post() and None, after=self._chance.uniform(0, 0.2)
            )
        if self._deed == "post again later":
            self._people.plan(f"late post {self._number}", lambda: post() and None, after=self._chance.uniform(1, 90))
        return post()

    def _interferes(self, draft: Draft, operation: UUID) -> None:
        self._people.changed_drafts.add(draft.pk)
        if self._deed == "cancel":
            person = self._sender.person.pk
            self._people.plan(
                f"cancel {self._number}",
                lambda: (
                    self._tried("cancel", lambda now: operations.cancel(operation, person=person, now=now)) and None
                ),
                after=self._chance.uniform(0, 30),
            )
        else:
            self._people.plan(f"edit {self._number}", lambda: self._edit(draft), after=self._chance.uniform(0, 30))

    def _afterwards(self, draft: Draft) -> None:
        """What a person does after she has signed."""
        deed, self._deed = self._deed, self._deed if self._deed in ("press twice", "withdraw") else ""
        soon = self._chance.choice((0.0, 0.05, 1.0, 30.0, 300.0))
        self._people.rest(self._chance.uniform(0, soon))
        if deed == "edit after signing":
            self._edit(draft)
        if deed == "discard":
            self._people.changed_drafts.add(draft.pk)
            self._tried("discard", lambda now: compose.discard(Draft.objects.get(pk=draft.pk)), tries=1)
        for number in range({"withdraw": 1, "withdraw twice": 2}.get(deed, 0)):
            self._people.plan(f"withdrawal {self._number}.{number + 1}", lambda: self._withdraw(draft), after=0.0)

    def _edit(self, draft: Draft) -> None:
        def edit(now: datetime) -> None:
            present = Draft.objects.filter(pk=draft.pk).first()
            if present is not None:
                compose.save_draft(present, to=self._to, cc=[], subject=f"{self._subject} (2)", text="!", now=now)

        self._people.changed_drafts.add(draft.pk)
        self._tried("edit", edit)

    def _withdraw(self, draft: Draft) -> None:
        message = Message.objects.filter(draft=draft.pk).order_by("-pk").first()
        if message is None:
            return
        self._people.withdrawn_drafts.add(draft.pk)
        self._tried(
            "withdraw",
            lambda now: submit.withdraw(
                Message.objects.select_related("account").get(pk=message.pk), acting=self._acting(now), now=now
            ),
        )

    def _ask(self, draft: Draft, now: datetime) -> operations.Asked:
        opened = now - timedelta(minutes=1)
        return compose.ask_signature(
            draft, acting=self._acting(now), visit=Visit(opened, opened, SIGN_IN_BY_SMS), now=now
        )

    def _acting(self, now: datetime):  # type: ignore[no-untyped-def]
        return account_for(self._sender.person, self._sender.account.public_id, now=now)

    def _tried(self, what: str, body: Callable[[datetime], Any], *, tries: int = 3) -> Any:
        """The answer, or None after a refusal or when none came; asked again where none came."""
        for _ in range(tries):
            answer = self._people.request(what, body)
            if isinstance(answer, KepError):
                return None
            if answer is not NO_ANSWER:
                return answer if answer is not None else True
            self._people.rest(self._chance.uniform(0.5, 40))
        return None
