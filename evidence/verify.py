"""`script/verify`: is this file what it says, and may I build on it? Offline, without Django, with outside roots only.

Bundles, proofs, KEP messages and originals are told apart by their first bytes and their headers. The answer is one
of three words and an exit code: geçerli 0, geçersiz 1, belirlenemedi 2. The rows name the member or part that fails.
Roots are never taken from what is checked: `--roots FILE` (PEM), else `KEP_ROOTS`, else the list pinned beside the
program. Nothing is fetched, nothing is written.
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from evidence.anchors import DEMO_POLICY, AnchorsRefused, TrustAnchors, TrustPolicy, Verdict
from evidence.bundle_checks import check_bundle
from evidence.checks import Check, Findings, Trust, check_envelope, check_original, check_proof

__all__ = ["Check", "Report", "Verdict", "check_file", "main"]

KINDS: Final = ("bundle", "proof", "envelope", "original")
MAX_FILE_BYTES: Final = 134_217_728
EXIT_CODES: Final = {Verdict.VALID: 0, Verdict.INVALID: 1, Verdict.INDETERMINATE: 2}
_TITLES: Final = {
    "bundle": "delil paketi",
    "proof": "delil",
    "envelope": "KEP iletisi",
    "original": "orijinal ileti",
    "": "tanınmayan dosya",
}
_PINNED = Path(__file__).resolve().parent.parent / "var" / "pki" / "root.pem"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found: the kind of file, the worst verdict, every row in the order it was asked, and notes."""

    kind: str
    verdict: Verdict
    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    @property
    def failing(self) -> tuple[Check, ...]:
        """The rows that are not valid."""
        return tuple(check for check in self.checks if check.verdict is not Verdict.VALID)


def check_file(
    raw: bytes, *, anchors: TrustAnchors, now: datetime, kind: str = "auto", pool: Sequence[bytes] = ()
) -> Report:
    """Check one file; never raises for what is in it.

    `now` (aware) stands in where nothing proves a time. `pool` are certificates of authorities that may help to reach
    a root; they are believed no more than those inside the file. ValueError for an unknown `kind`.
    """
    if kind not in ("auto", *KINDS):
        raise ValueError(f"no such kind of file: {kind!r}")
    kind = kind_of(raw) if kind == "auto" else kind
    trust, found = Trust(anchors, now, tuple(pool)), Findings()
    if len(raw) > MAX_FILE_BYTES or not kind:
        found.add("Dosya", Verdict.INVALID, "Delil paketi, delil, KEP iletisi ya da orijinal ileti değil.", "dosya")
    elif kind == "bundle":
        check_bundle(raw, trust, found)
    elif kind == "proof":
        check_proof(raw, trust, found, where="delil")
    elif kind == "envelope":
        _check_message(raw, trust, found)
    else:
        check_original(raw, trust, found, where="orijinal ileti")
    verdict = Verdict.worst(tuple(check.verdict for check in found.checks))
    return Report(kind, verdict, tuple(found.checks), tuple(found.notes))


def kind_of(raw: bytes) -> str:
    """What the file seems to be; an empty text when it seems to be nothing we check."""
    if raw.startswith(b"PK"):
        return "bundle"
    if raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "proof"
    head = raw[:262_144].partition(b"\r\n\r\n")[0].lower()
    if b"multipart/signed" not in head:
        return ""
    return "envelope" if b"\nx-rem-msg-type:" in head or b"\nrem-messagetype:" in head else "original"


def _check_message(raw: bytes, trust: Trust, found: Findings) -> None:
    """A KEP message with all it contains."""
    dispatch = check_envelope(raw, trust, found, where="zarf")
    if dispatch is None:
        return
    digest = dispatch.headers.original_digest
    if dispatch.original is not None:
        check_original(dispatch.original, trust, found, where="zarftaki orijinal ileti")
        digest = hashlib.sha256(dispatch.original).digest()
    for name, xml in dispatch.evidences:
        where = f"zarftaki {name}"
        parts = check_proof(xml, trust, found, where=where)
        if parts is not None:
            same = parts.facts.kep_id == dispatch.headers.kep_id and parts.facts.original_digest == digest
            found.ask("Zarftaki delil: bu iletinin", same, "Bu iletiden.", "Başka bir iletiden söz ediyor.", where)


# --- the command --------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None, *, now: datetime | None = None) -> int:
    """The command line; returns the exit code: 0 geçerli, 1 geçersiz, 2 belirlenemedi (also when nothing was asked)."""
    parser = argparse.ArgumentParser(
        prog="script/verify", description="Delil paketi, delil, KEP iletisi ve orijinal ileti denetler (çevrimdışı)."
    )
    parser.add_argument("files", nargs="+", metavar="DOSYA")
    parser.add_argument("--roots", metavar="PEM", help="güvenilen kök sertifikalar; dosyanın dışından alınmış olmalı")
    parser.add_argument("--policy", metavar="TOML", help="sertifika rollerinin OID listesi; yoksa denemeninki")
    parser.add_argument("--kind", choices=("auto", *KINDS), default="auto", help="dosya türü (kendiliğinden bulunur)")
    parser.add_argument("--json", action="store_true", help="makine için çıktı")
    given = parser.parse_args(arguments)
    moment = now or datetime.now(UTC)
    try:
        policy = TrustPolicy.from_toml(Path(given.policy)) if given.policy else DEMO_POLICY
        anchors = TrustAnchors.from_pem(given.roots or os.environ.get("KEP_ROOTS") or _PINNED, policy=policy)
    except AnchorsRefused as refusal:
        print(f"script/verify: {refusal.for_person()} (--roots DOSYA)", file=sys.stderr)
        return EXIT_CODES[Verdict.INDETERMINATE]
    reports: list[tuple[str, Report]] = []
    for name in given.files:
        try:
            raw = Path(name).read_bytes()
        except OSError as error:
            row = Check("Dosya", Verdict.INDETERMINATE, f"Dosya okunamadı: {error.strerror}.", "dosya")
            reports.append((name, Report("", row.verdict, (row,), ())))
            continue
        reports.append((name, check_file(raw, anchors=anchors, now=moment, kind=given.kind)))
    print(_as_json(reports) if given.json else "\n\n".join(_as_table(name, report) for name, report in reports))
    return EXIT_CODES[Verdict.worst(tuple(report.verdict for _, report in reports))]


def _as_table(name: str, report: Report) -> str:
    """The rows of one file, the verdict last, where the eye ends."""
    rows = [(row.verdict.value, row.name, row.where, row.detail_tr) for row in report.checks]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{_printable(name)}: {_TITLES[report.kind]}"]
    for row in rows:
        cells = "  ".join(f"{_printable(text):<{width}}" for text, width in zip(row, widths, strict=False))
        lines.append(f"  {cells}  {_printable(row[3])}")
    lines += [f"  Not: {_printable(note)}" for note in report.notes]
    verdict = f"Sonuç: {report.verdict.value}"
    if report.failing:
        parts = dict.fromkeys(row.where for row in report.failing)
        verdict += f" - {_printable(', '.join(parts))}"
    return "\n".join([*lines, verdict])


def _printable(text: str) -> str:
    """Names come out of the file: nothing in them may steer a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _as_json(reports: Sequence[tuple[str, Report]]) -> str:
    import json  # only here: the table is the common case and start time counts

    return json.dumps(
        [
            {
                "file": name,
                "kind": report.kind,
                "verdict": report.verdict.value,
                "exit": EXIT_CODES[report.verdict],
                "checks": [
                    {"name": row.name, "verdict": row.verdict.value, "detail": row.detail_tr, "where": row.where}
                    for row in report.checks
                ],
                "notes": list(report.notes),
            }
            for name, report in reports
        ],
        ensure_ascii=False,
        indent=1,
    )


if __name__ == "__main__":
    sys.exit(main())
