"""Fifth step: contract and undertaking, printed with the allotted address, signed before the clerk, scanned (K-023).

An application signed by e-imza carries its signature already and needs no paper (K-022).
"""

from datetime import datetime

from django.db import transaction

from ..posts import Serving
from . import checklist, papers_step, queue
from .checklist import Step
from .errors import NotAttested


def confirm(public_id: str, *, was_signed_here: bool, by: Serving, now: datetime) -> None:
    """Check the step.

    Refused: `NotAttested`, `PapersMissing`; `NoSuchApplication`, `OwnApplication`, `NotOpen`, `WrongOrder`.
    """
    if not was_signed_here:
        raise NotAttested("nobody saw them sign")
    with transaction.atomic():
        application = queue.hold(public_id, by)
        checklist.require_turn(application, Step.CONTRACT)
        found = papers_step.signed_needs_of(application)
        papers_step.refuse_missing(found)
        facts = {"by_e_imza": int(application.signed_by_e_imza_at is not None), "filed": len(found)}
        checklist.record(application, Step.CONTRACT, facts=facts, by=by, now=now)
