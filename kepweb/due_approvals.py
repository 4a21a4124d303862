"""What two people have allowed and is due, and what nobody decided in time; a sweep like others."""

from datetime import datetime

from accounts import approvals
from guards.clock import now as clock


def run_due(now: datetime | None = None) -> int:
    """One lot of `approvals.run_due`; how many requests were moved."""
    return approvals.run_due(now=now or clock())
