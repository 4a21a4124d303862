"""Work that the database broke off begins again, pages say so with a code, and no other error is taken for it (R-019).

Every error here is the database's own: a neighbour holds SQLite's lock, PostgreSQL raises its states and ends backends.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import Error, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.tests.cast import make_account, make_person, sign_in
from evidence.interruptions import giving_back, is_interruption
from evidence.tests.interrupted import end_own_backend, out_of_reach
from kepweb.work_loop import BEGIN_AGAIN, WorkLoop
from signing.models import CodeMiss

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def next_test_begins_anew(transactional_db: None) -> Iterator[None]:
    """A connection that was ended, or has no patience, is not handed on."""
    yield
    connection.close()


def write() -> int:
    """A write as any other."""
    CodeMiss.objects.create(client="x", at=timezone.now())
    return 1


def raised(work: Callable[[], object]) -> Error:
    with pytest.raises(Error) as caught:
        work()
    return caught.value


def state(code: str) -> Callable[[], object]:
    """PostgreSQL raising this SQLSTATE."""
    return lambda: connection.cursor().execute(
        f"DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{code}'; END $$"
    )


def test_a_lock_that_lasts_and_a_lost_connection_are_interruptions() -> None:
    with out_of_reach():
        assert is_interruption(raised(write))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only on PostgreSQL: SQLSTATEs")
@pytest.mark.parametrize("code", ["40P01", "40001", "53100", "57P01", "58030", "25006"])
def test_a_state_that_is_nobodys_fault_is_one(code: str) -> None:
    assert is_interruption(raised(state(code)))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only on PostgreSQL: SQLSTATEs")
@pytest.mark.parametrize("code", ["54000", "57014", "23505", "22001", "XX000"])
def test_a_state_that_would_come_again_is_none(code: str) -> None:
    assert not is_interruption(raised(state(code)))


def test_a_mistake_of_ours_is_none() -> None:
    assert not is_interruption(raised(lambda: connection.cursor().execute("SELECT * FROM nobody_made_this")))
    assert not is_interruption(IntegrityError("twice"))
    assert not is_interruption(ValueError("no database at all"))


class Loop:
    """A work loop over one sweep that fails as often as it is told."""

    def __init__(self, failing: int, how: Callable[[], Any]) -> None:
        self.begun = 0
        self._failing, self._how = failing, how
        self.loop = WorkLoop([("sweep", self._sweep)], wake=threading.Event(), ending=threading.Event(), poll_seconds=0)

    def _sweep(self) -> int:
        self.begun += 1
        if self.begun <= self._failing:
            with self._how():
                return write()
        return write() if self.begun == self._failing + 1 else 0


def test_a_sweep_is_begun_again_and_nothing_of_it_is_done_twice(caplog: pytest.LogCaptureFixture) -> None:
    loop = Loop(2, out_of_reach)
    assert loop.loop.sweep_until_empty() == 1
    assert CodeMiss.objects.count() == 1
    assert [record.levelno for record in caplog.records if "broken off" in record.message] == [logging.WARNING] * 2


def test_at_last_it_is_a_failure_like_others(caplog: pytest.LogCaptureFixture) -> None:
    loop = Loop(BEGIN_AGAIN + 1, out_of_reach)
    assert loop.loop.sweep_until_empty() == 0
    assert loop.begun == BEGIN_AGAIN + 1
    assert "sweep sweep failed" in caplog.text


def test_an_error_of_ours_is_not_tried_again() -> None:
    @contextmanager
    def mistaken() -> Iterator[None]:
        connection.cursor().execute("SELECT * FROM nobody_made_this")
        yield

    loop = Loop(1, mistaken)
    loop.loop.sweep_until_empty()
    assert loop.begun == 1


def test_claims_are_given_back_on_a_connection_that_works() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("only on PostgreSQL: a lock of SQLite keeps claims from being given back as well")

    def batch() -> None:
        with giving_back(write), transaction.atomic():
            state("40P01")()

    assert is_interruption(raised(batch))
    assert CodeMiss.objects.count() == 1


class TestPages:
    @pytest.fixture
    def browser(self) -> Client:
        person = make_person("Ayşe", "Yıldız")
        make_account("ayse.yildiz@hs01.kep.tr", holder=person)
        browser = Client(raise_request_exception=False)
        sign_in(browser, person)
        return browser

    def test_a_page_says_that_nothing_was_done_and_the_next_one_works(self, browser: Client) -> None:
        form = {"subject": "Kira", "text": "Ekte."}
        with out_of_reach():
            refused = browser.post("/yaz/", form)
        assert (refused.status_code, "DEP-07" in refused.content.decode()) == (503, True)
        assert browser.get("/taslaklar/").content.decode().count("Kira") == 0
        assert browser.post("/yaz/", form).status_code == 302

    def test_the_signing_program_is_answered_in_json(self) -> None:
        browser = Client(raise_request_exception=False)
        sent = {"code": "AAAA-BBBB-CCCC", "signer": "x"}
        with out_of_reach():
            refused = browser.post("/imza/v1/claim", sent, content_type="application/json")
        assert (refused.status_code, refused.json()["code"]) == (503, "DEP-07")

    @pytest.mark.skipif(
        connection.vendor != "postgresql", reason="only on PostgreSQL: a lock of SQLite stops no reader"
    )
    def test_so_does_a_layer_above_the_views(self, browser: Client) -> None:
        """The session itself cannot be read: no view has begun."""
        end_own_backend()
        refused = browser.get("/gelen/")
        assert (refused.status_code, "DEP-07" in refused.content.decode()) == (503, True)
        assert browser.get("/gelen/").status_code == 200
