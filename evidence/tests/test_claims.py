"""Claims: due rows only, each to one worker, for a minute; a worker with nothing to do writes nothing (R-011)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from evidence import claims, rows
from evidence.claims import CLAIM, claim, give_back
from evidence.models import EvidenceIntent, SealWork
from evidence.tests.pki import NOW

pytestmark = [pytest.mark.database, pytest.mark.queue, pytest.mark.django_db]


@pytest.fixture
def works() -> list[SealWork]:
    """Three, the last one due first, and a fourth that is not due."""
    intents = [
        EvidenceIntent(
            evidence_id=f"ev-{number}", kep_id="ileti@hs01.kep.tr", recipient_no=number, code=10, unsigned=b"x",
            digest=bytes(32), event_at=NOW, prepared_at=NOW,
        )
        for number in range(4)
    ]  # fmt: skip
    rows.insert_all(intents)
    seconds = (-1, -2, -3, 1)
    due = [NOW + timedelta(seconds=each) for each in seconds]
    made = [SealWork(intent=intent, due_at=moment) for intent, moment in zip(intents, due, strict=True)]
    rows.insert_all(made)
    return made


def keys(claimed: list[SealWork]) -> list[int]:
    return [each.pk for each in claimed]


def test_the_oldest_are_claimed_and_nobody_else_gets_them(works: list[SealWork]) -> None:
    first, second, third, _later = works
    taken = claim(SealWork.objects.all(), now=NOW, limit=2, worker="one")
    assert keys(taken) == [third.pk, second.pk]
    assert {each.claimed_until for each in taken} == {NOW + CLAIM}
    assert taken[0].claimed_by.endswith(":one")
    assert keys(claim(SealWork.objects.all(), now=NOW, limit=2, worker="two")) == [first.pk]
    assert claim(SealWork.objects.all(), now=NOW, limit=2, worker="three") == []


def test_a_claim_runs_out(works: list[SealWork]) -> None:
    claim(SealWork.objects.all(), now=NOW, limit=1)
    assert len(claim(SealWork.objects.all(), now=NOW + CLAIM, limit=9)) == 3
    assert len(claim(SealWork.objects.all(), now=NOW + CLAIM + timedelta(seconds=1), limit=9)) == 1


def test_given_back_rows_are_due_as_before_and_a_lost_claim_changes_nothing(works: list[SealWork]) -> None:
    taken = claim(SealWork.objects.all(), now=NOW, limit=3)
    SealWork.objects.filter(pk=taken[0].pk).update(claimed_by="somebody else")
    give_back(taken)
    assert keys(claim(SealWork.objects.all(), now=NOW, limit=3)) == keys(taken[1:])


def test_a_lot_is_no_heavier_than_memory_allows_but_never_empty(
    works: list[SealWork], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of two bytes, one byte and four; any number will do for a weight."""
    monkeypatch.setattr(claims, "MOST_BYTES", 3)
    for work, tries in zip(works[::-1][1:], (2, 1, 4), strict=True):
        SealWork.objects.filter(pk=work.pk).update(tries=tries)
    first, second, third, _later = works
    rows_of = SealWork.objects.all
    assert keys(claim(rows_of(), now=NOW, limit=9, weight="tries")) == [third.pk, second.pk]
    assert keys(claim(rows_of(), now=NOW, limit=9, weight="tries")) == [first.pk]
    assert claim(rows_of(), now=NOW, limit=9, weight="tries") == []


def test_nothing_due_is_one_question_and_no_right_to_write(works: list[SealWork]) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert claim(SealWork.objects.all(), now=NOW - timedelta(hours=1), limit=9) == []
    assert len(asked) == 1
    assert asked[0]["sql"].startswith("SELECT")


def test_whoever_was_too_slow_for_what_he_found_gets_what_is_left(
    works: list[SealWork], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the UPDATE another worker takes the same rows."""
    update: Callable[..., int] = QuerySet.update
    beaten: list[int] = []

    def beaten_once(due: "QuerySet[Any]", **values: Any) -> int:
        if not beaten:
            found = SealWork.objects.order_by("due_at")[:2].values_list("pk", flat=True)
            beaten.extend(found)
            update(SealWork.objects.filter(pk__in=beaten), claimed_by="faster", claimed_until=NOW + CLAIM)
        return update(due, **values)

    monkeypatch.setattr(QuerySet, "update", beaten_once)
    assert keys(claim(SealWork.objects.all(), now=NOW, limit=2)) == [works[0].pk]
    assert set(SealWork.objects.filter(claimed_by="faster").values_list("pk", flat=True)) == set(beaten)
