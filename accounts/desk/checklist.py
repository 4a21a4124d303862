"""The checklist of one application: six steps in their order, each done once by a clerk who is named (W-001, K-025).

    identity → papers → phone → address → contract → activation

The order is the law's and ours: identity before anything (K-025); the phone before the address, because an account is
opened for a phone that was in the applicant's hand (W-007); the contract names the address; and the activation code
leaves only when all of that is signed. A step asked for out of its turn is refused (V-045). A step can be opened again:
its row stays, with the moment it was opened, and every later step is opened with it, because it stood on this one. Only
the address stays: once allotted, an address is never given to anybody else and never taken back (K-033).

Everything is kept in `CheckedStep` rows, so that a page left in the middle is found as it was, by any clerk of the
branch.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from evidence import eventlog

from ..models import Application, CheckedStep
from ..posts import Serving
from .errors import StepStays, WrongOrder


class Step(enum.Enum):
    """The steps, in their order; the value stands in the row and in the address of the page."""

    IDENTITY = "kimlik"
    PAPERS = "belgeler"
    PHONE = "telefon"
    ADDRESS = "adres"
    CONTRACT = "sozlesme"
    ACTIVATION = "aktivasyon"


ORDER: Final = tuple(Step)


@dataclass(frozen=True)
class Line:
    """One step as the page shows it: its place, whether it is its turn, and the row of what was recorded."""

    step: Step
    number: int
    is_next: bool
    checked: CheckedStep | None

    @property
    def is_done(self) -> bool:
        """Whether the step is checked now."""
        return self.checked is not None

    @property
    def key(self) -> str:
        """The step's word in addresses and templates."""
        return self.step.value


@dataclass(frozen=True)
class Checklist:
    """All six lines of one application."""

    lines: tuple[Line, ...]

    @property
    def done(self) -> int:
        """How many steps are checked."""
        return sum(line.is_done for line in self.lines)

    @property
    def next_step(self) -> Step | None:
        """The step whose turn it is; None when all are done."""
        return next((line.step for line in self.lines if line.is_next), None)

    def line(self, step: Step) -> Line:
        """The line of one step."""
        return self.lines[ORDER.index(step)]


def checklist_of(application: Application) -> Checklist:
    """The lines as they stand. One query."""
    rows = CheckedStep.objects.filter(application=application, reopened_at=None)
    checked = {row.step: row for row in rows}
    following = next((step for step in ORDER if step.value not in checked), None)
    return Checklist(
        tuple(Line(step, number, step == following, checked.get(step.value)) for number, step in enumerate(ORDER, 1))
    )


def require_turn(application: Application, step: Step) -> Checklist:
    """`WrongOrder` unless it is this step's turn."""
    checklist = checklist_of(application)
    if checklist.next_step != step:
        raise WrongOrder("not the step whose turn it is", step=step.value)
    return checklist


def refuse_done(application: Application, step: Step) -> None:
    """`WrongOrder` once the step is checked: what it stood on stays as it was."""
    if checklist_of(application).line(step).is_done:
        raise WrongOrder("the step is checked", step=step.value)


def record(
    application: Application, step: Step, *, facts: Mapping[str, str | int | None], by: Serving, now: datetime
) -> CheckedStep:
    """Check the step, inside the caller's transaction with the application's row locked. `WrongOrder` out of turn.

    `facts` hold kinds, counts and the address; no name, no number of a person or phone.
    """
    require_turn(application, step)
    row = CheckedStep.objects.create(
        application=application, step=step.value, at=now, actor=by.actor, branch=by.branch_code, facts=dict(facts)
    )
    eventlog.append(
        "desk.step_checked",
        at=now,
        actor=by.actor,
        subject=f"application:{application.public_id}",
        facts={"step": step.name.lower(), "branch": by.branch_code, **facts},
    )
    return row


def reopen(application: Application, step: Step, *, by: Serving, now: datetime) -> int:
    """Open a checked step again, and every later one but the address; how many rows that were.

    Inside the caller's transaction, with the application's row locked (`queue.reopen`). Refused: `WrongOrder` for a
    step that is not checked, `StepStays` for the address.
    """
    if step is Step.ADDRESS:
        raise StepStays("an address stays allotted")
    if not checklist_of(application).line(step).is_done:
        raise WrongOrder("not checked", step=step.value)
    later = [each.value for each in ORDER[ORDER.index(step) :] if each is not Step.ADDRESS]
    opened = CheckedStep.objects.filter(application=application, step__in=later, reopened_at=None)
    count = opened.update(reopened_at=now)
    eventlog.append(
        "desk.step_reopened",
        at=now,
        actor=by.actor,
        subject=f"application:{application.public_id}",
        facts={"step": step.name.lower(), "branch": by.branch_code, "opened": count},
    )
    return count
