"""Named places where a process may die, so that tests can make it die exactly there (R-001, R-002).

Each step that must survive a power cut calls `passing("submit.before_commit")` between two durable acts. In the
product nothing watches and the call costs a comparison. A crash test installs a watcher in a process of its
own that ends it, without clean-up, at the name it was told. All names are listed in docs/QUEUE.md and
docs/SEALING.md, where the question "what if the power fails here" is answered for each.
"""

from collections.abc import Callable

_watcher: Callable[[str], None] | None = None


def passing(name: str) -> None:
    """Say that execution passes the point `name`."""
    if _watcher is not None:
        _watcher(name)


def watch(watcher: Callable[[str], None] | None) -> None:
    """Install, or with None remove, the one watcher of this process."""
    global _watcher
    _watcher = watcher
