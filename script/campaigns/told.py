"""What the outside was told: acknowledgements and openings, read from the files that the clients forced to disk.

This is the other half of every history check. It knows nothing of the database: it is what a signer's program or a
reader's browser would swear to.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Acknowledged:
    """One answer "SIGNED": when it was due, sent and answered (seconds since the epoch), and how often it was tried."""

    due: float
    sent: float
    answered: float
    tries: int
    put_off: int


@dataclass(frozen=True)
class Told:
    """All that was told, by operation and by item of a box (its public id).

    `stock` names the recipients of every message that could have been posted. `posted` and `trying` were begun: what is
    in them and was not answered may or may not have happened.
    """

    stock: Mapping[str, tuple[str, ...]]
    acked: Mapping[str, Acknowledged]
    posted: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)
    opened: frozenset[str] = frozenset()
    trying: frozenset[str] = frozenset()


def read(stock: Iterable[Path], folder: Path) -> Told:
    """Everything in the files of one campaign. A last line that was cut short was never an acknowledgement."""
    lines = list(_lines(sorted(folder.glob("acks-*.jsonl"))))
    openings = list(_lines(sorted(folder.glob("opened-*.jsonl"))))
    return Told(
        stock={each["operation"]: tuple(each["recipients"]) for each in _lines(stock)},
        acked={
            each["acked"]: Acknowledged(each["due"], each["sent"], each["answered"], each["tries"], each["put_off"])
            for each in lines
            if "acked" in each
        },
        posted=frozenset(each["posted"] for each in lines if "posted" in each),
        refused={each["refused"]: f"{each['status']} {each['answer']}" for each in lines if "refused" in each},
        opened=frozenset(each["opened"] for each in openings if "opened" in each),
        trying=frozenset(each["trying"] for each in openings if "trying" in each),
    )


def _lines(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        for line in path.read_text().split("\n")[:-1]:
            yield json.loads(line)
