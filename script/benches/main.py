"""`script/bench`: floor, pipeline, breakdown by step, page latencies; a table on stdout and DIR/bench.json.

Each part runs in a process of its own on a provider of its own below DIR/bench, because kinds of keys, settings and
databases cannot be changed within a process. What a run writes into the record: commit, seed, versions, cores, and
every turn, so that a median can be judged.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import start
from campaigns.run import commit

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = ("pipeline", "steps", "pages")
KEYS = {"rsa": "rsa2048", "p256": "p256"}
BINDING = "rsa/rsa"
"""The kinds of key (provider/authority) for which design.md 5 sets the figure."""
MUST, GOAL = 0.15, 0.45


def main() -> int:
    """0 when everything ran; figures are judged by people, in a quiet hour."""
    given = read_arguments()
    if given.profile:
        return run("steps", given, keys=given.keys[0], extra=["--profile", given.profile], captured=False)[0]
    record: dict[str, Any] = about(given)
    for part in given.parts:
        if part == "pages":
            record["pages"] = measured("pages", given, keys="p256/p256")
            print_pages(record["pages"])
            continue
        rows = [measured(part, given, keys=each) for each in given.keys]
        record[part] = rows
        (print_pipeline if part == "pipeline" else print_steps)(rows)
    given.data.mkdir(parents=True, exist_ok=True)
    (given.data / "bench.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def read_arguments() -> argparse.Namespace:
    """The command line, with the defaults of the size that was asked for."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="|".join(PARTS), help="everything when left out")
    parser.add_argument("--quick", action="store_true", help="the size for CI: does it run, and is it sane")
    parser.add_argument("--keys", action="append", default=[], metavar="PROVIDER/AUTHORITY", help="rsa or p256 each")
    parser.add_argument("--messages", type=int, default=0, help="of one turn (400)")
    parser.add_argument("--turns", type=int, default=0, help="of each kind of keys (5)")
    parser.add_argument("--workers", type=int, default=start.WORKERS, help="per queue, as script/server has them")
    parser.add_argument("--on", choices=("embedded", "production"), default="embedded", help="profile of the pipeline")
    parser.add_argument("--profile", default="", metavar="STEP", help="cProfile of one step, and nothing else")
    parser.add_argument("--sort", default="tottime", help="of the profile: tottime or cumtime")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--data", type=Path, default=ROOT / "var", metavar="DIR")
    given = parser.parse_args()
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    given.parts = given.parts or list(PARTS)
    given.keys = given.keys or ([BINDING] if given.quick or given.profile else [BINDING, "p256/p256", "rsa/p256"])
    for each in given.keys:
        if each.count("/") != 1 or not set(each.split("/")) <= set(KEYS):
            parser.error(f"keys are written as rsa/rsa: {each}")
    given.messages = given.messages or (20 if given.quick else 400)
    given.turns = given.turns or (2 if given.quick else 5)
    given.seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**20)
    given.data = given.data.resolve()
    return given


def measured(part: str, given: argparse.Namespace, *, keys: str) -> Any:
    """What one part says; SystemExit when it failed, its own words are on stderr."""
    status, answer = run(part, given, keys=keys)
    if status:
        raise SystemExit(f"script/bench: {part} {keys} failed")
    return json.loads(answer)


def run(
    part: str, given: argparse.Namespace, *, keys: str, extra: list[str] | None = None, captured: bool = True
) -> tuple[int, str]:
    """Start one part and wait for it: status and what it wrote to stdout."""
    provider, authority = (KEYS[each] for each in keys.split("/"))
    kind = f"{given.on}-" if part == "pipeline" and given.on != "embedded" else ""
    folder = given.data / "bench" / ("quick" if given.quick else "") / (kind + keys.replace("/", "-"))
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", f"benches.{part}", "--data", str(folder), "--seed", str(given.seed)]
    if part == "pages":
        command += ["--quick"] if given.quick else []
    else:
        command += ["--provider", provider, "--authority", authority, "--messages", str(given.messages)]
    if part == "pipeline":
        command += ["--turns", str(given.turns), "--workers", str(given.workers), "--profile", given.on]
    if part == "steps":
        command += ["--sort", given.sort]
    done = subprocess.run(
        [*command, *(extra or [])], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if captured else None
    )
    return done.returncode, done.stdout.decode() if captured else ""


def about(given: argparse.Namespace) -> dict[str, Any]:
    """What the figures belong to."""
    import sqlite3

    import cryptography
    import django
    from cryptography.hazmat.backends.openssl import backend

    return {
        "commit": commit(),
        "seed": given.seed,
        "quick": given.quick,
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            "django": django.get_version(),
            "cryptography": cryptography.__version__,
            "openssl": backend.openssl_version_text(),
            "sqlite": sqlite3.sqlite_version,
            "system": platform.platform(),
        },
    }


def print_pipeline(rows: list[dict[str, Any]]) -> None:
    """One line per kind of keys."""
    print("\npipeline: messages per second from the signature to sealed 10, 40 and 60; floor: raw calls, same run")
    print(f"  {'':<5}{'keys':<18}{'messages/s':>11}{'floor/s':>9}{'ratio':>8}   turns{'':<24}CPU ms per message")
    for row in rows:
        turns = " ".join(f"{ratio:.3f}" for ratio in row["ratios"])
        cpu = "  ".join(f"{kind} {spent:.1f}" for kind, spent in row["cpu_ms"].items())
        print(
            f"  {row['profile'][:4]} {row['keys']:<18}{row['rate']:>11.1f}{row['floor']:>9.0f}{row['ratio']:>8.3f}"
            f"   {turns:<29}{cpu}"
        )
    print(f"  asked of rsa2048/rsa2048, embedded: at least {MUST}, goal {GOAL}")


def print_steps(rows: list[dict[str, Any]]) -> None:
    """One table per kind of keys."""
    for row in rows:
        print(f"\nsteps, one process alone, {row['messages']} messages, {row['keys']}: microseconds per message")
        print(f"  {'step':<10}{'wall':>9}{'CPU':>9}{'authority':>11}")
        for step in row["steps"]:
            print(f"  {step['step']:<10}{step['wall_us']:>9.0f}{step['cpu_us']:>9.0f}{step['authority_us']:>11.0f}")
        total = [sum(step[name] for step in row["steps"]) for name in ("wall_us", "cpu_us", "authority_us")]
        print(f"  {'all':<10}{total[0]:>9.0f}{total[1]:>9.0f}{total[2]:>11.0f}")
        made = row["counted"]
        print(
            f"  raw calls of one message in this process: {made['sign']:.1f} signatures, "
            f"{made['verify']:.1f} verifications"
        )


def print_pages(pages: dict[str, Any]) -> None:
    """One line per page: p50 and p95 with the small and the large box, and their ratio."""
    small, large = pages["sizes"]
    print(f"\npages over HTTP, milliseconds, {pages['requests']} requests each; boxes of {small} and {large} messages")
    print(f"  {'page':<16}{'p50':>8}{'p95':>8}{'p50':>10}{'p95':>8}{'ratio':>8}   bytes")
    for page in pages["pages"]:
        (p50, p95), (large_p50, large_p95) = page["small"], page["large"]
        print(
            f"  {page['page']:<16}{p50:>8.1f}{p95:>8.1f}{large_p50:>10.1f}{large_p95:>8.1f}"
            f"{large_p50 / p50:>8.2f}   {page['bytes']}"
        )


if __name__ == "__main__":
    sys.exit(main())
