"""Flip bytes of what we emit, one at a time, and see that `script/verify` finds every one.

A changed byte that nobody finds is a place where a proof can be altered. In the bundle every byte of one proof, of the
KEP message, of the manifest's signature and of the container's own structure is flipped, and random bytes elsewhere;
the container is written again around each change, so that it is never the CRC that finds it (measured.md). Then proof,
KEP message and original are flipped alone, where no manifest stands behind them.

A flip survives when the verdict is *geçerli*. In the bundle the verdict must be *geçersiz* and name the member; alone
a flip in a topmost certificate may end in *belirlenemedi*, because then nobody can tell whose it is. Those are counted.
"""

import argparse
import json
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from evidence.anchors import TrustAnchors
from evidence.bundle import ENVELOPE, LIMITS, ORIGINAL
from evidence.containers import SIGNATURE
from evidence.tests.bundles import packed, realm
from evidence.tests.forge import NOW
from evidence.verify import Verdict, check_file
from guards.zip import read_stored, write_stored

RANDOM_FLIPS = 2_000
QUICK_STEP, QUICK_RANDOM = 61, 100
CONTAINER = "zip"


@dataclass(frozen=True)
class Flip:
    """One change: in a member of the bundle, in the container itself, or in a member taken out (`alone`)."""

    part: str
    member: str
    at: int
    mask: int
    alone: bool = False


@dataclass(frozen=True)
class Outcome:
    """What was said to a flip, and whether the part was named."""

    flip: Flip
    verdict: Verdict
    is_named: bool


def plan(bundle: bytes, *, seed: int, quick: bool) -> list[Flip]:
    """Every flip of a run; the same seed and bundle give the same list."""
    chance = random.Random(seed)  # noqa: S311 - not a secret: a run must be repeatable
    members = read_stored(bundle, limits=LIMITS)
    proof = next(name for name in members if name.startswith("deliller/02-"))
    step = QUICK_STEP if quick else 1
    flips: list[Flip] = []
    for name in (proof, ENVELOPE, SIGNATURE):
        flips += [Flip(name, name, at, chance.randint(1, 255)) for at in range(0, len(members[name]), step)]
    structure = list(structure_of(bundle, members))
    flips += [Flip(CONTAINER, CONTAINER, at, chance.randint(1, 255)) for at in structure[::step]]
    elsewhere = [name for name in members if name not in (proof, ENVELOPE, SIGNATURE)]
    weights = [len(members[name]) for name in elsewhere]
    for name in chance.choices(elsewhere, weights, k=QUICK_RANDOM if quick else RANDOM_FLIPS):
        flips.append(Flip("elsewhere", name, chance.randrange(len(members[name])), chance.randint(1, 255)))
    for name in (proof, ENVELOPE, ORIGINAL):
        flips += [
            Flip(f"{name} alone", name, at, chance.randint(1, 255), alone=True)
            for at in range(0, len(members[name]), step)
        ]
    return flips


def structure_of(bundle: bytes, members: dict[str, bytes]) -> Iterator[int]:
    """The offsets of the container that belong to no member: headers, directory, end record."""
    at = 0
    for name, raw in members.items():
        head = 30 + len(name)
        yield from range(at, at + head)
        at += head + len(raw)
    yield from range(at, len(bundle))


_bundle = b""
_members: dict[str, bytes] = {}
_anchors: TrustAnchors


def begin(bundle: bytes, root: bytes) -> None:
    """What each process needs once."""
    global _bundle, _members, _anchors
    _bundle, _members, _anchors = bundle, read_stored(bundle, limits=LIMITS), TrustAnchors((root,))


def flipped(raw: bytes, flip: Flip) -> bytes:
    """`raw` with one byte changed."""
    changed = bytearray(raw)
    changed[flip.at] ^= flip.mask
    return bytes(changed)


def try_flip(flip: Flip) -> Outcome:
    """Change, pack again, ask."""
    if flip.member == CONTAINER:
        raw = flipped(_bundle, flip)
    elif flip.alone:
        raw = flipped(_members[flip.member], flip)
    else:
        changed = {**_members, flip.member: flipped(_members[flip.member], flip)}
        raw = write_stored(list(changed.items()), limits=LIMITS)
    report = check_file(raw, anchors=_anchors, now=NOW + timedelta(hours=1))
    is_named = flip.member == CONTAINER or flip.alone or any(row.where == flip.member for row in report.failing)
    return Outcome(flip, report.verdict, is_named)


def run(flips: list[Flip], bundle: bytes, root: bytes, *, processes: int) -> list[Outcome]:
    """Try all flips, on several cores."""
    begin(bundle, root)
    if processes == 1:
        return [try_flip(flip) for flip in flips]
    with multiprocessing.get_context("fork").Pool(processes, begin, (bundle, root)) as pool:
        return pool.map(try_flip, flips, chunksize=64)


def summary(outcomes: list[Outcome]) -> dict[str, dict[str, int]]:
    """Per part: flips, survivors, undecided, unnamed."""
    parts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        count = parts.setdefault(outcome.flip.part, Counter(flips=0, survivors=0, undecided=0, unnamed=0))
        count["flips"] += 1
        count["survivors"] += outcome.verdict is Verdict.VALID
        count["undecided"] += outcome.verdict is Verdict.INDETERMINATE
        count["unnamed"] += outcome.verdict is Verdict.INVALID and not outcome.is_named
    return {part: dict(count) for part, count in parts.items()}


def has_passed(parts: dict[str, dict[str, int]]) -> bool:
    """No survivor anywhere; inside the bundle nothing undecided and every member named."""
    return all(
        not count["survivors"] and (part.endswith(" alone") or not count["undecided"] + count["unnamed"])
        for part, count in parts.items()
    )


def main() -> int:
    """Run, print the table, write the record; 0 when it passed."""
    parser = argparse.ArgumentParser(prog="script/campaign flips", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the size for CI")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--data", type=Path, default=Path("var"))
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    bundle, root = packed(), realm().root.raw
    flips = plan(bundle, seed=seed, quick=given.quick)
    began = time.monotonic()
    outcomes = run(flips, bundle, root, processes=given.processes)
    seconds = time.monotonic() - began
    parts = summary(outcomes)
    totals = {name: sum(count[name] for count in parts.values()) for name in ("flips", "survivors", "undecided")}
    verdict = "passed" if has_passed(parts) else "failed"
    print(f"flips: seed {seed}, bundle of {len(bundle)} bytes, {totals['flips']} flips in {seconds:.0f} s")
    for part, count in parts.items():
        print("  " + f"{part:<28}" + "".join(f"{name} {count[name]:<8}" for name in count))
    for outcome in outcomes:
        if outcome.verdict is Verdict.VALID:
            print(f"  survivor: {outcome.flip}")
    print(f"figure: {totals['survivors']} survivors of {totals['flips']}; verdict: {verdict}")
    record = {
        "name": "flips",
        "seed": seed,
        "quick": given.quick,
        "bundle_bytes": len(bundle),
        "seconds": round(seconds, 1),
        **totals,
        "parts": parts,
        "verdict": verdict,
    }
    folder = given.data / "campaigns"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flips.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if verdict == "passed" else 1


if __name__ == "__main__":
    sys.exit(main())
