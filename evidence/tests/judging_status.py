"""Shorthand for tests that judge revocation of the right world. `NOW` is the signing time; checks happen at `SOON`."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from evidence.tests import forge
from evidence.tests.forge import NOW, world
from evidence.tests.forge_status import MINUTE
from evidence.trust import (
    RevocationFinding,
    RevocationReport,
    TrustReason,
    Verdict,
    check_revocation,
)

SECOND = timedelta(seconds=1)


SOON = NOW + 5 * MINUTE


def judge(
    ocsp: bytes | None = None,
    crl: bytes | None = None,
    *,
    at: datetime = NOW,
    now: datetime = SOON,
    recorded: bool = False,
    leaf: forge.Made | None = None,
) -> RevocationReport:
    return check_revocation(
        (leaf or world().person).raw,
        world().eshs.raw,
        at=at,
        ocsp=ocsp,
        crl=crl,
        anchors=world().anchors,
        now=now,
        recorded=recorded,
    )


def found(report: RevocationReport) -> list[str]:
    return [finding.code for finding in report.findings]


def is_no_answer(report: RevocationReport, finding: RevocationFinding) -> bool:
    """Cannot tell, for this reason and no other."""
    undecided = report.verdict is Verdict.INDETERMINATE and report.state is None and report.source is None
    return undecided and report.findings == (TrustReason(*finding.value, Verdict.INDETERMINATE),)


def changes(raw: bytes) -> Iterator[bytes]:
    """Every byte with its lowest bit changed, then every byte with its highest."""
    for bit in (0x01, 0x80):
        for at in range(len(raw)):
            yield raw[:at] + bytes((raw[at] ^ bit,)) + raw[at + 1 :]
