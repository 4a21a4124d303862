"""The tables of design.md 1.4, pair by pair: what they allow happens, everything else is refused."""

from itertools import product

import pytest

from evidence.facts import EvidenceKind
from mailbox import states
from mailbox.errors import IllegalStep
from mailbox.models import Message, Recipient
from mailbox.state_names import MessageState, RecipientState

E, M, R = states.Event, MessageState, RecipientState

MESSAGE_LAW = {
    ("CHECKING", "passed", "ACCEPTED"),
    ("CHECKING", "failed", "REJECTED"),
    ("CHECKING", "withdrawn", "RETURNED"),
    ("CHECKING", "turned_back", "RETURNED"),
}
RECIPIENT_LAW = {
    ("ACCEPTED", "released_here", "DELIVERING"),
    ("ACCEPTED", "released_to_peer", "RELAYING"),
    ("RELAYING", "peer_took", "RELAYED"),
    ("RELAYING", "peer_refused", "RELAY_REJECTED"),
    ("RELAYING", "gave_up", "RELAY_FAILED"),
    ("DELIVERING", "placed", "DELIVERED"),
    ("DELIVERING", "not_placed", "UNDELIVERED"),
    ("RELAYED", "peer_delivered", "DELIVERED"),
    ("RELAYED", "peer_failed", "UNDELIVERED"),
    ("RELAYING", "peer_delivered", "DELIVERED"),
    ("RELAYING", "peer_failed", "UNDELIVERED"),
    ("RELAY_FAILED", "peer_took", "RELAYED"),
    ("RELAY_FAILED", "peer_delivered", "DELIVERED"),
    ("RELAY_FAILED", "peer_failed", "UNDELIVERED"),
    ("DELIVERED", "opened", "READ"),
    ("DELIVERED", "term_ended", "DEEMED_READ"),
    ("DELIVERED", "peer_read", "READ"),
    ("DELIVERED", "peer_deemed", "DEEMED_READ"),
}
"""Written out a second time, from the design and not from the code."""


@pytest.mark.parametrize(("start", "event"), list(product(M, E)))
def test_a_message_moves_as_the_law_says_and_not_otherwise(start: MessageState, event: states.Event) -> None:
    allowed = {new for old, what, new in MESSAGE_LAW if (old, what) == (start, event)}
    row = Message(state=start)
    if allowed:
        assert {states.target(row, event)} == allowed
    else:
        with pytest.raises(IllegalStep):
            states.target(row, event)


@pytest.mark.parametrize(("start", "event"), list(product(R, E)))
def test_a_recipient_moves_as_the_law_says_and_not_otherwise(start: RecipientState, event: states.Event) -> None:
    allowed = {new for old, what, new in RECIPIENT_LAW if (old, what) == (start, event)}
    row = Recipient(state=start)
    if allowed:
        assert {states.target(row, event)} == allowed
    else:
        with pytest.raises(IllegalStep):
            states.target(row, event)


def test_every_step_of_our_own_makes_the_proof_of_the_design() -> None:
    """Design.md 1.4, last column; steps of a peer are filed and never made by us."""
    assert {event: tuple(int(kind) for kind in kinds) for event, kinds in states.PROOFS.items()} == {
        E.PASSED: (10,),
        E.FAILED: (11,),
        E.RECEIVED: (20,),
        E.REFUSED_INBOUND: (21,),
        E.GAVE_UP: (31,),
        E.PLACED: (40,),
        E.NOT_PLACED: (41,),
        E.OPENED: (60,),
        E.TERM_ENDED: (61,),
    }


def test_no_proof_of_a_negative_step_is_positive() -> None:
    negative = {E.FAILED, E.REFUSED_INBOUND, E.GAVE_UP, E.NOT_PLACED, E.TERM_ENDED}
    for event, kinds in states.PROOFS.items():
        for kind in kinds:
            assert EvidenceKind(kind).is_negative == (event in negative)
