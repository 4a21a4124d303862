"""A batch that the database breaks off leaves no claim behind, wherever it was broken off (R-019)."""

from collections.abc import Iterator

import pytest
from django.db import Error, connection, transaction

from evidence import claims, issue
from evidence.interruptions import is_interruption
from evidence.models import SealWork
from evidence.refusals import TimestampRefused
from evidence.tests.interrupted import break_off
from evidence.tests.pki import NOW
from evidence.tests.test_seal_batch import Stamper, fails_at, owed, seal

pytestmark = [pytest.mark.database, pytest.mark.queue, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def next_test_begins_anew(transactional_db: None) -> Iterator[None]:
    """A connection that was ended, or has no patience, is not handed on."""
    yield
    connection.close()


def promise(count: int) -> None:
    with transaction.atomic():
        owed(count)


def assert_free_and_sealed_next_time(left: int) -> None:
    assert list(SealWork.objects.values_list("claimed_until", "claimed_by", "tries")) == [(None, "", 0)] * left
    assert seal(Stamper()) == left


@pytest.mark.parametrize(("where", "left"), [("_store", 8), ("_put_back", 1)])
def test_every_claim_of_a_batch_is_free_at_once(monkeypatch: pytest.MonkeyPatch, where: str, left: int) -> None:
    """One got no time-stamp, the others are sealed: broken off before these are stored, or before that one is back."""
    promise(8)
    with monkeypatch.context() as patch:
        met = break_off(patch, issue, where)
        with pytest.raises(Error) as raised:
            seal(Stamper(fails_at(0, by=TimestampRefused("imprint"))))
    assert is_interruption(raised.value)
    assert met == [where]
    assert_free_and_sealed_next_time(left)


def test_a_claim_whose_rows_cannot_be_read_is_free_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    promise(3)
    with monkeypatch.context() as patch:
        break_off(patch, claims, "put_back_damaged")
        patch.setattr(claims, "rows_that_open", lambda rows, keys: ([], keys))
        with pytest.raises(Error) as raised:
            claims.claim(SealWork.objects.all(), now=NOW, limit=9)
    assert is_interruption(raised.value)
    assert_free_and_sealed_next_time(3)
