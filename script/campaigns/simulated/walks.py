"""Walks over the tables of the law alone: every event there is, also those of peers, which no code brings about yet.

A walk keeps one message and its recipients in memory and throws events at them in an order that a seed decides, legal
and illegal ones, as `mailbox.states` has them. Whether an event is legal is asked of `states.target`; which proofs it
brings is written in `states.PROOFS`, and below for those that a peer makes. After each event the proofs must tell a
story the law knows; and from wherever a walk has come, an end must be within reach.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from mailbox import states
from mailbox.errors import IllegalStep
from mailbox.models import Message, Recipient
from mailbox.states import Event, MessageState, RecipientState

PEERS_PROOFS: Mapping[Event, int] = {
    Event.PEER_TOOK: 20,
    Event.PEER_REFUSED: 21,
    Event.PEER_DELIVERED: 40,
    Event.PEER_FAILED: 41,
    Event.PEER_READ: 60,
    Event.PEER_DEEMED: 61,
}
"""Proofs that a peer makes and we file (docs/QUEUE.md, the rows with a star)."""
EXCLUDE = ((10, 11), (20, 21), (40, 41), (60, 61))
NEEDS: Mapping[int, frozenset[int]] = {60: frozenset({40}), 61: frozenset({40})}
"""What must be there before: nobody reads what was not delivered."""
ENDS_OF_MESSAGE = frozenset({MessageState.ACCEPTED, MessageState.REJECTED, MessageState.RETURNED})
ENDS_OF_RECIPIENT = frozenset(
    {
        RecipientState.READ, RecipientState.DEEMED_READ, RecipientState.UNDELIVERED, RecipientState.REFUSED,
        RecipientState.RELAY_REJECTED, RecipientState.RELAY_FAILED,
    }
)  # fmt: skip
"""Where a story may end for good; RELAY_FAILED may still be overtaken by a peer's late proof."""
STEPS = 40


class Untold(Exception):
    """The tables allow a story that the law does not know."""


@dataclass
class Walk:
    """One message to a few recipients, ours and others', and the proofs that have come into being."""

    chance: random.Random
    message: Message = field(default_factory=lambda: Message(state=""))
    recipients: list[Recipient] = field(default_factory=list)
    proofs: list[tuple[int, int]] = field(default_factory=list)
    refused: int = 0
    taken: int = 0

    def go(self) -> None:
        """The whole walk; `Untold` at the first thing that cannot be."""
        self._begin()
        for _ in range(STEPS):
            row = self.chance.choice([self.message, *self.recipients])
            event = self.chance.choice(tuple(Event))
            self._step(row, event)
        self._check_reach()

    def _begin(self) -> None:
        if self.chance.random() < 0.25:  # it came from a peer: no message row of ours is checked
            self.message.state = MessageState.ACCEPTED
            for number in range(1, self.chance.randint(1, 4) + 1):
                event = self.chance.choice((Event.RECEIVED, Event.REFUSED_INBOUND))
                self._arrive(number, event)
            return
        self.message.state = states.MESSAGE_TRANSITIONS[None, Event.SUBMITTED]

    def _arrive(self, number: int, event: Event) -> None:
        self.recipients.append(Recipient(recipient_no=number, state=states.RECIPIENT_TRANSITIONS[None, event]))
        if event is not Event.PASSED:  # proof 10 belongs to the message and is made once
            self._file(number, event)

    def _step(self, row: Message | Recipient, event: Event) -> None:
        try:
            new = states.target(row, event)
        except IllegalStep:
            self.refused += 1
            return
        self.taken += 1
        row.state = new
        if isinstance(row, Message):
            self._file(0, event)
            if event is Event.PASSED:
                for number in range(1, self.chance.randint(1, 4) + 1):
                    self._arrive(number, Event.PASSED)
        else:
            self._file(row.recipient_no, event)

    def _file(self, number: int, event: Event) -> None:
        codes = [int(kind) for kind in states.PROOFS.get(event, ())]
        codes += [PEERS_PROOFS[event]] if event in PEERS_PROOFS else []
        for code in codes:
            if (number, code) in self.proofs:
                raise Untold(f"proof {code} of {number} a second time, by {event}")
            own = {known for of, known in self.proofs if of == number}
            for one, other in EXCLUDE:
                if code in (one, other) and own & {one, other}:
                    raise Untold(f"proof {code} of {number} beside {sorted(own)}, by {event}")
            if not NEEDS.get(code, frozenset()) <= own:
                raise Untold(f"proof {code} of {number} after {sorted(own)}, by {event}")
            if number and self.message.state != MessageState.ACCEPTED:
                raise Untold(f"proof {code} of a recipient, and the message is {self.message.state}")
            self.proofs.append((number, code))

    def _check_reach(self) -> None:
        if str(self.message.state) not in _REACH_OF_MESSAGE:
            raise Untold(f"no end within reach of {self.message.state}")
        for recipient in self.recipients:
            if str(recipient.state) not in _REACH_OF_RECIPIENT:
                raise Untold(f"no end within reach of {recipient.state}")


def _reach(table: Mapping[tuple[str | None, Event], str], ends: frozenset[str]) -> frozenset[str]:
    """Every state from which an end can be reached, the ends among them."""
    found = {str(each) for each in ends}
    while True:
        more = {str(old) for (old, _), new in table.items() if old is not None and str(new) in found} - found
        if not more:
            return frozenset(found)
        found |= more


_REACH_OF_MESSAGE = _reach(states.MESSAGE_TRANSITIONS, ENDS_OF_MESSAGE)  # type: ignore[arg-type]
_REACH_OF_RECIPIENT = _reach(states.RECIPIENT_TRANSITIONS, ENDS_OF_RECIPIENT)  # type: ignore[arg-type]


def walk(seed: int, *, times: int = 5) -> str:
    """So many walks of one seed: what is wrong, or nothing."""
    chance = random.Random(f"{seed}:walks")  # noqa: S311 - not a secret: a run must be repeatable
    for number in range(times):
        try:
            Walk(chance).go()
        except Untold as error:
            return f"the tables of the law: walk {number}: {error}"
    return ""
