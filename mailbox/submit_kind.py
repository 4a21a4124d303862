"""Which message kinds may be submitted through which door (design.md 2, floor 7).

The mailbox itself submits only `standart`. `tebligat` and `eyazisma` may pass their own kind; an import
contract names them, and this refusal stands behind it at run time.
"""

from .errors import MailboxError

STANDARD = "standart"


class ForeignKind(MailboxError):
    """A kind that this door does not submit (K-085). A fault of ours."""

    code = "ILT-10"


def refuse_foreign_kind(kind: str) -> None:
    """Raise `ForeignKind` unless the kind is the mailbox's own."""
    if kind != STANDARD:
        raise ForeignKind("kind not submitted here", kind=kind)
