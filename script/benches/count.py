"""What one message costs in raw cryptography: the count behind the floor (design.md 5).

The road of one message to one recipient, from the sweep that finds the signature to the sealed proof 60:

- **Signatures of the provider.** Each proof that the state machine makes on this road (10 when it is accepted, 40 when
  it is placed, 60 when it is opened) and the envelope of the KEP message, which is signed once.
- **Signatures of the time-stamp authority.** One token for each of those, and one for the sender's own signature. The
  authority is another process, but it lives on the same cores, so its work belongs to the floor.
- **Verifications.** The sender's signature; every signature that we made ourselves (self-verification); every token.
  Each of them once: a pipeline that looks twice at the same signature is slower than the floor, as it should be. The
  chains above are not counted: they are the same few certificates for every message and are remembered.
- **Passes of SHA-256 over the message.** Two: the part that the sender signed, and the original as it is kept.

What is not counted, and makes the ratio smaller: MIME, XML, DER, rows, commits, the vault with its encryption and its
fsyncs, HTTP to the authority, revocation, the SMS notice, bells.
"""

from mailbox.states import PROOFS, Event

from .floor import Count

ROAD = (Event.PASSED, Event.PLACED, Event.OPENED)
"""The events of a message that is accepted, delivered to one box of ours, and read."""
ENVELOPES = 1
STAMPS_OF_THE_ORIGINAL = 1
SIGNATURES_OF_THE_SENDER = 1
PASSES = 2


def proofs_of_the_road() -> tuple[int, ...]:
    """The codes of the proofs one message makes on the road: what the state machine says, not what we believe."""
    return tuple(int(kind) for event in ROAD for kind in PROOFS[event])


def count() -> Count:
    """The operations of one message."""
    made = len(proofs_of_the_road()) + ENVELOPES
    stamped = made + STAMPS_OF_THE_ORIGINAL
    return Count(
        provider_signatures=made,
        authority_signatures=stamped,
        sender_verifications=SIGNATURES_OF_THE_SENDER,
        provider_verifications=made,
        authority_verifications=stamped,
        passes=PASSES,
    )
