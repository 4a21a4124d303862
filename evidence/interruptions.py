"""When the database breaks a unit of work off: which errors say so, and what is done with the connection (R-019).

A deadlock, a serialisation failure, a connection that is gone, a lock that lasts, a disk that is full or failing:
nothing is wrong with the row that happened to be in hand, and the whole transaction is undone. So the row is not
blamed, no try is counted, and the *whole* unit of work begins again where it began: a worker's sweep claims anew, a
person presses the button again. Inside a transaction there is nothing that could be retried.

Whose fault an error is stands in its code, never in its class: "no such table" and a value that is too large for an
index are `OperationalError` too, and would fail for ever.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import Error as AnyDatabaseError
from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)

_SQLSTATES = (
    "08",  # connection exception
    "40",  # transaction rollback: serialization failure, deadlock
    "53",  # insufficient resources: disk full, out of memory, too many connections
    "55P03",  # lock not available
    "57P",  # shutdown, crash recovery, cannot connect now
    "58",  # system error: input and output
    "25006",  # read-only transaction: this server is not the first one any more
)
_READONLY = 8  # SQLite: the file could only be opened for reading
_SQLITE = frozenset(
    {
        5,  # BUSY
        6,  # LOCKED
        7,  # NOMEM
        _READONLY,
        10,  # IOERR
        11,  # CORRUPT: also the name of a page that the disk did not give
        13,  # FULL
        14,  # CANTOPEN
        15,  # PROTOCOL
    }
)


def is_interruption(error: BaseException) -> bool:
    """Whether the database broke the work off for a reason that is not the row's; other exceptions are none."""
    if isinstance(error, InterfaceError):
        return True  # the connection is closed, or never was one
    if not isinstance(error, AnyDatabaseError):
        return False
    cause = error.__cause__
    number = getattr(cause, "sqlite_errorcode", None)
    if number is not None:
        return number & 0xFF in _SQLITE
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return bool(state.startswith(_SQLSTATES))
    return isinstance(error, OperationalError) and cause is not None  # the driver's own: the server is not there


def let_go(error: BaseException) -> None:
    """After `error`: close this thread's connection where it may be of no use any more; not inside a transaction.

    A server's connection always. SQLite's only when the file had been opened for reading alone, and then it would stay
    so; otherwise it is kept, because on a full disk no first connection can be opened: the journal's index has no room.
    """
    number = getattr(error.__cause__, "sqlite_errorcode", None)
    is_useless = number is None or number & 0xFF == _READONLY
    if is_useless and not connection.in_atomic_block:
        connection.close()


@contextmanager
def giving_back(give_back: Callable[[], object]) -> Iterator[None]:
    """Around one batch of claimed rows: when the database breaks it off, its claims are free at once.

    `give_back` frees the claims, on a new connection where need be; the interruption goes on to whoever may begin
    again. A database that does not take even that leaves the claims to run out by themselves.
    """
    try:
        yield
    except AnyDatabaseError as error:
        if is_interruption(error) and not connection.in_atomic_block:
            let_go(error)
            try:
                give_back()
            except AnyDatabaseError:
                log.warning("claims could not be given back; they run out by themselves", exc_info=True)
        raise
