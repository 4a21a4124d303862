"""Bugs planted on purpose: what a simulation is worth is what it finds.

Each is a small, believable mistake in the product. It is made in a copy of the source, which then runs in a process of
its own; the product is never touched. A plant whose text is not in the source any more is an error, not a pass.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


class PlantGone(Exception):
    """The source has changed, and the plant no longer fits it."""


@dataclass(frozen=True)
class Edit:
    """One passage of a file, and what stands there instead."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Plant:
    """A mistake, and within how many seeds it must have been found."""

    name: str
    what: str
    seeds: int
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Found:
    """What a run over a planted bug came to."""

    plant: str
    tried: int
    seed: int | None
    violation: str


PLANTS: tuple[Plant, ...] = (
    Plant(
        "claim-anybody",
        "a worker claims rows that another one still holds",
        400,
        (Edit("evidence/claims.py", "due.filter(free, due_at__lte=now)", "due.filter(due_at__lte=now)"),),
    ),
    Plant(
        "consume-apart",
        "a signature is used up in a transaction of its own, before the message is begun",
        200,
        (
            Edit(
                "mailbox/submit.py", "    operations.consume([each.operation for each in submissions], now=now)\n", ""
            ),
            Edit(
                "mailbox/submit.py",
                "    begun = lot.commit(prepared,",
                "    operations.consume([each.operation for each in prepared], now=now)\n"
                "    begun = lot.commit(prepared,",
            ),
        ),
    ),
    Plant(
        "release-unsealed",
        "a message goes out as soon as its proof 10 is prepared",
        200,
        (
            Edit("mailbox/tasks.py", "Message.objects.filter(Exists(sealed), state=", "Message.objects.filter(state="),
            Edit(
                "mailbox/delivery.py",
                "    return {by_id[kep_id]: proofs[0] for kep_id, proofs in found.items() if proofs}",
                "    from evidence.models import EvidenceIntent\n\n"
                "    for each in EvidenceIntent.objects.filter(kep_id__in=by_id, code=10):\n"
                "        found[each.kep_id] = found[each.kep_id] or [SealedEvidence(intent=each, xml=each.unsigned)]\n"
                "    return {by_id[kep_id]: proofs[0] for kep_id, proofs in found.items() if proofs}",
            ),
        ),
    ),
    Plant(
        "term-too-long",
        "the last moment of the reading term still counts as unread",
        100,
        (Edit("mailbox/reading.py", "recipient.term_ends_at <= now", "recipient.term_ends_at < now"),),
    ),
    Plant(
        "own-stamp",
        "a worker goes on with the time-stamp it fetched, not with the one that was kept",
        3000,
        (
            Edit(
                "mailbox/checking.py",
                "kept |= _kept_tokens([each for each, _ in tokens])",
                "kept |= {each.pk: token for each, token in tokens}",
            ),
        ),
    ),
    Plant(
        "box-apart",
        "the item is put into the box after the transaction of the delivery",
        200,
        (
            Edit(
                "mailbox/delivery.py",
                "    states.advance(steps, states.Event.PLACED, now=now, actor=WORKER)\n    rows.insert_all(",
                "    states.advance(steps, states.Event.PLACED, now=now, actor=WORKER)\n"
                "    from django.db import transaction\n\n"
                "    transaction.on_commit(lambda: _box(recipients, now=now))\n"
                "    notify.tell_arrived(recipients, now=now)\n\n\n"
                "def _box(recipients: Sequence[Recipient], *, now: datetime) -> None:\n    rows.insert_all(",
            ),
        ),
    ),
    Plant(
        "late-withdrawal",
        "a message can be taken back after it was accepted",
        300,
        (
            Edit(
                "mailbox/states.py",
                "    (_M.CHECKING, _E.WITHDRAWN): _M.RETURNED,\n",
                "    (_M.CHECKING, _E.WITHDRAWN): _M.RETURNED,\n    (_M.ACCEPTED, _E.WITHDRAWN): _M.RETURNED,\n",
            ),
        ),
    ),
    Plant(
        "read-twice",
        "the end of the term makes proof 61 also for what was read",
        50,
        (
            Edit(
                "mailbox/states.py",
                "    (_R.DELIVERED, _E.TERM_ENDED): _R.DEEMED_READ,\n",
                "    (_R.DELIVERED, _E.TERM_ENDED): _R.DEEMED_READ,\n    (_R.READ, _E.TERM_ENDED): _R.DEEMED_READ,\n",
            ),
        ),
    ),
)
BY_NAME = {plant.name: plant for plant in PLANTS}
QUICK = ("consume-apart", "term-too-long")


def planted(plant: Plant, into: Path) -> Path:
    """A source tree below `into` with the mistake in it; what it does not touch is linked. `PlantGone`."""
    tree = into / plant.name
    tree.mkdir()
    touched = {Path(edit.path).parts[0] for edit in plant.edits}
    for entry in ROOT.iterdir():
        if entry.name in touched:
            shutil.copytree(entry, tree / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif not entry.name.startswith("."):
            (tree / entry.name).symlink_to(entry)
    for edit in plant.edits:
        path = tree / edit.path
        text = path.read_text(encoding="utf-8")
        if text.count(edit.old) != 1:
            raise PlantGone(f"{plant.name}: {edit.path} has {text.count(edit.old)} times {edit.old.strip()!r}")
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
    return tree


def hunt(plant: Plant, *, seed: int, processes: int, seeds: int = 0) -> Found:
    """Run seeds over the planted source until one shows the mistake, or as many as it may take have been tried."""
    with tempfile.TemporaryDirectory(prefix="kep-plant-") as folder:
        tree = planted(plant, Path(folder))
        record = Path(folder) / "data"
        command = [
            sys.executable, "-m", "script.campaigns.simulation", "--seed", str(seed), "--until-found",
            "--seeds", str(seeds or plant.seeds), "--processes", str(processes), "--data", str(record),
        ]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
        written = record / "campaigns" / "simulation.json"
        if not written.exists():
            raise PlantGone(f"{plant.name}: the planted run ended with {done.returncode}: {done.stderr[-2000:]}")
        told: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    first = told["failures"][0] if told["failures"] else {"seed": None, "violation": ""}
    return Found(plant.name, told["seeds"], first["seed"], first["violation"])
