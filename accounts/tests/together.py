"""Many at the same moment: threads that start from one gate, each on a database connection of its own."""

import threading
from collections.abc import Callable, Sequence

from django.db import connections

from accounts.errors import AccountsError


def at_once(acts: Sequence[Callable[[], object]]) -> int:
    """Run all of them together; how many were not refused. What is no refusal of this floor fails the test."""
    gate = threading.Barrier(len(acts))
    done: list[object] = []
    broken: list[Exception] = []

    def run(act: Callable[[], object]) -> None:
        gate.wait()
        try:
            act()
            done.append(act)
        except AccountsError:
            pass
        except Exception as error:  # noqa: BLE001 - raised again below, in the test's own thread
            broken.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return len(done)
