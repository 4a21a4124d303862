"""The two texts in every proof bundle: how to check it with openssl and xmlsec1 alone.

Whoever opens a bundle in twenty years may have no program of ours and no reason to trust us. The texts lie in
`texts/`, readable as they are; a test runs every line of them. Their order leaves no gap: whom do I trust, is there a
member nobody lists, is the list signed, do the members fit it, do the proofs speak of this message, is each sealed, is
each stamp sound and the one inside the proof. Lines that begin with `%word ` stand once for each thing of that kind.
No Django here.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "texts"
_HOLE = re.compile(r"\{\{([a-z_]+)\}\}")
_MARK = re.compile(r"%([a-z]+) ")

Filling = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What the texts state. Each list repeats the lines marked with its name; an empty one removes them.

    `proofs` fill member, stem, title, code, whom_tr, whom_en, pinned; `stamps` stem; `transactions` member and
    fingerprint; `roots` fingerprint.
    """

    kep_id: str
    domain: str
    proofs: Sequence[Filling]
    stamps: Sequence[Filling]
    transactions: Sequence[Filling]
    roots: Sequence[Filling]
    has_person_material: bool


def fingerprint(digest: bytes) -> str:
    """A SHA-256 digest as openssl prints a fingerprint."""
    return ":".join(f"{byte:02X}" for byte in digest)


def render(name: str, facts: TextFacts) -> bytes:
    """`BENIOKU.txt` or `README.en.txt` for one bundle: UTF-8, LF line ends."""
    repeated: dict[str, Sequence[Filling]] = {
        "proof": facts.proofs,
        "stamp": facts.stamps,
        "transaction": facts.transactions,
        "root": facts.roots,
        "noroot": [] if facts.roots else [{}],
        "person": [{}] if facts.has_person_material else [],
    }
    common = {"kep_id": facts.kep_id, "domain": facts.domain}
    written: list[str] = []
    block: list[str] = []
    current = ""
    for line in [*_template(name), ""]:
        mark = _MARK.match(line)
        kind = mark[1] if mark else ""
        if block and kind != current:
            for filling in repeated[current]:
                written += [_fill(each, filling, common) for each in block]
            block = []
        current = kind
        if mark:
            block.append(line[mark.end() :])
        else:
            written.append(_fill(line, {}, common))
    return "\n".join(written).encode("utf-8")


@functools.cache
def _template(name: str) -> list[str]:
    return (_FOLDER / name).read_text(encoding="utf-8").splitlines()


def _fill(line: str, filling: Filling, common: Filling) -> str:
    return _HOLE.sub(lambda hole: filling[hole[1]] if hole[1] in filling else common[hole[1]], line)
