"""Shorthand for tests that judge paths of the right world, or of one with one thing wrong."""

from datetime import datetime
from typing import Any

from evidence.tests import forge
from evidence.tests.forge import NOW, PERSON_EXTENSIONS, Made, make, name, world
from evidence.trust import Finding, PathReport, Role, check_path


def judge(
    leaf: Made | bytes, *, role: Role = Role.PERSON, at: datetime = NOW, pool: tuple[bytes, ...] | None = None
) -> PathReport:
    raw = leaf.raw if isinstance(leaf, Made) else leaf
    return check_path(raw, world().pool if pool is None else pool, world().anchors, at=at, role=role)


def codes(report: PathReport) -> list[tuple[str, int]]:
    return [(reason.code, reason.position) for reason in report.reasons]


def only(finding: Finding, position: int = 0) -> list[tuple[str, int]]:
    return [(finding.value[0], position)]


def person(*extensions: forge.Extension, issuer: Made | None = None, **others: Any) -> Made:
    return make(name("Deneme", "12345678950"), extensions or PERSON_EXTENSIONS, issuer=issuer or world().eshs, **others)


def authority(*extensions: forge.Extension, label: str, issuer: Made | None = None) -> Made:
    return make(name(label), extensions, issuer=issuer or world().root)


def without(kind: type, *more: forge.Extension) -> list[forge.Extension]:
    return [one for one in PERSON_EXTENSIONS if not isinstance(one[0], kind)] + list(more)


def free_authority(label: str, issuer: Made | None, *, subject: str = "") -> Made:
    """An authority under any policy, with a key of its own."""
    extensions = [forge.constraints(True), forge.policies("2.5.29.32.0"), forge.CA_USAGE]
    return make(name(subject or label), extensions, issuer=issuer, holder=forge.key(f"free {label}"))
