"""Telling people by SMS that something happened, and never what (V-028, K-120).

A notice is a row queued in the transaction of its step and sent later by a worker. Whether it arrives has no
legal effect and never delays a proof (N-005). It carries no subject, no sender, no link.
"""

from collections.abc import Sequence
from datetime import datetime

from accounts.notices import queue_notices
from accounts.operators import notice_numbers

from .models import Message, Recipient


def tell_arrived(recipients: Sequence[Recipient], *, now: datetime) -> None:
    """A new message lies in these boxes: holders and the operators who want it hear of it."""
    numbers = notice_numbers([each.account_id for each in recipients if each.account_id], now=now)
    queue_notices(
        [
            (
                number,
                f"{each.address} KEP hesabiniza yeni bir ileti ulasti. Hesabiniza giris yaparak okuyabilirsiniz.",
                f"arrived:{each.pk}:{index}",
            )
            for each in recipients
            for index, number in enumerate(numbers.get(each.account_id, ()))
        ],
        now=now,
    )


def tell_sender_returned(message: Message, *, now: datetime) -> None:
    """A message came back to the draft without a proof: whoever sent it hears of it (design.md 1.4)."""
    queue_notices(
        [
            (
                message.submitted_by.phone,
                f"{message.sender_address} KEP hesabinizdan gonderdiginiz bir ileti gonderilemedi ve taslaga dondu.",
                f"returned:{message.pk}",
            )
        ],
        now=now,
    )
