"""An application moves by the table of K-020 and by nothing else, once, with its history and its event."""

import threading
from datetime import UTC, datetime
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.applying import draft, states
from accounts.applying.draft import Applicant
from accounts.applying.errors import IllegalApplicationStep, StaleApplication
from accounts.applying.states import Event, State
from accounts.models import Application, ApplicationChange
from accounts.tests.cast import make_account, make_person, new_tckn
from evidence.models import Event as LogEvent

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

EXPECTED = {
    ("DRAFT", "submitted"): "DOCUMENTS_AWAITED",
    ("DRAFT", "submitted_whole"): "UNDER_REVIEW",
    ("DRAFT", "withdrawn"): "WITHDRAWN",
    ("DOCUMENTS_AWAITED", "documents_given"): "UNDER_REVIEW",
    ("DOCUMENTS_AWAITED", "rejected"): "REJECTED",
    ("DOCUMENTS_AWAITED", "withdrawn"): "WITHDRAWN",
    ("UNDER_REVIEW", "documents_asked"): "DOCUMENTS_AWAITED",
    ("UNDER_REVIEW", "rejected"): "REJECTED",
    ("UNDER_REVIEW", "approved"): "APPROVED",
    ("UNDER_REVIEW", "withdrawn"): "WITHDRAWN",
    ("APPROVED", "rejected"): "REJECTED",
    ("APPROVED", "reopened"): "UNDER_REVIEW",
    ("APPROVED", "withdrawn"): "WITHDRAWN",
    ("APPROVED", "allotted"): "ADDRESS_ALLOTTED",
    ("ADDRESS_ALLOTTED", "activation_begun"): "AWAITING_ACTIVATION",
    ("AWAITING_ACTIVATION", "activated"): "ACTIVE",
}
"""Written by hand from K-020, before the table was asked."""


def make_draft(*, kind: Application.Kind = Application.Kind.NATURAL, tckn: str = "", phone: str = "") -> Application:
    """A draft of somebody nobody else in this run is."""
    who = Applicant(tckn or new_tckn(), "Işıl", "Çağrı", phone or "+905551112233")
    return draft.begin(kind, who, None, now=NOW)


def put(application: Application, state: str) -> Application:
    """Set the row into a state past the table, for tests of single steps."""
    Application.objects.filter(pk=application.pk).update(state=state)
    application.refresh_from_db()
    return application


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "event"), list(product(State.values, [each.value for each in Event])))
def test_every_pair_does_what_the_table_written_by_hand_says(state: str, event: str) -> None:
    application = put(make_draft(), state)
    if event == "allotted":
        application.account = make_account("isil.cagri@hs01.kep.tr", holder=make_person())
        application.save(update_fields=["account"])
    expected = EXPECTED.get((state, event))
    if expected is None:
        with pytest.raises(IllegalApplicationStep):
            states.advance(application, Event(event), now=NOW, actor="system", why="gerekçe")
        assert Application.objects.get().state == state
        assert ApplicationChange.objects.count() == 1  # the draft's own
        return
    states.advance(application, Event(event), now=NOW, actor="person:x", branch="B1", why="gerekçe")
    assert Application.objects.get().state == application.state == expected
    change = ApplicationChange.objects.order_by("pk").last()
    assert change is not None
    assert (change.from_state, change.to_state, change.actor, change.branch) == (state, expected, "person:x", "B1")
    assert (change.at, change.why) == (NOW, "gerekçe")
    assert LogEvent.objects.filter(kind=f"application.{event}").count() == 1


@pytest.mark.django_db
def test_a_reason_stands_encrypted_in_the_history_and_in_no_event() -> None:
    application = put(make_draft(), State.UNDER_REVIEW)
    states.advance(application, Event.REJECTED, now=NOW, actor="system", why="kimlikteki ad baska")
    assert not [event for event in LogEvent.objects.all() if b"baska" in bytes(event.body)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT why FROM accounts_applicationchange WHERE to_state = 'REJECTED'")
        assert b"baska" not in bytes(cursor.fetchone()[0])
    assert application.decided_at == NOW


@pytest.mark.django_db
def test_a_rejection_without_a_reason_and_a_column_of_another_step_are_faults() -> None:
    application = put(make_draft(), State.UNDER_REVIEW)
    with pytest.raises(ValueError, match="reason"):
        states.advance(application, Event.REJECTED, now=NOW, actor="system", why="  ")
    with pytest.raises(ValueError, match="column"):
        states.advance(application, Event.APPROVED, now=NOW, actor="system", values={"tckn": "1"})
    assert Application.objects.get().state == State.UNDER_REVIEW


@pytest.mark.django_db
def test_no_address_is_written_down_as_given_without_an_account_and_none_is_rejected_with_one() -> None:
    application = put(make_draft(), State.APPROVED)
    with pytest.raises(IllegalApplicationStep):
        states.advance(application, Event.ALLOTTED, now=NOW, actor="system")
    application.account = make_account("isil.cagri@hs01.kep.tr", holder=make_person())
    application.save(update_fields=["account"])
    with pytest.raises(IllegalApplicationStep):
        states.advance(application, Event.REJECTED, now=NOW, actor="system", why="geç kaldınız")
    states.advance(application, Event.ALLOTTED, now=NOW, actor="system")


@pytest.mark.django_db
def test_an_object_that_is_out_of_date_moves_nothing() -> None:
    application = put(make_draft(), State.UNDER_REVIEW)
    other = Application.objects.get()
    states.advance(other, Event.APPROVED, now=NOW, actor="system")
    with pytest.raises(StaleApplication):
        states.advance(application, Event.REJECTED, now=NOW, actor="system", why="gerekçe")
    assert Application.objects.get().state == State.APPROVED


@pytest.mark.django_db
def test_the_history_cannot_be_rewritten() -> None:
    make_draft()
    for change in ("UPDATE accounts_applicationchange SET actor = 'x'", "DELETE FROM accounts_applicationchange"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


@pytest.mark.django_db(transaction=True)
def test_of_fifty_at_once_one_moves_the_application() -> None:
    application = put(make_draft(), State.UNDER_REVIEW)
    won, lost = [], []

    def decide(number: int) -> None:
        mine = Application.objects.get(pk=application.pk)
        mine.state = State.UNDER_REVIEW  # all of them have seen the page before anybody pressed
        try:
            if number % 2:
                states.advance(mine, Event.APPROVED, now=NOW, actor="system")
            else:
                states.advance(mine, Event.REJECTED, now=NOW, actor="system", why="gerekçe")
            won.append(number)
        except StaleApplication:
            lost.append(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 49)
    assert ApplicationChange.objects.count() == 2


@pytest.mark.django_db
def test_a_list_moves_together_or_not_at_all() -> None:
    applications = [make_draft() for _ in range(3)]
    put(applications[1], State.WITHDRAWN)
    with pytest.raises((StaleApplication, IllegalApplicationStep)):
        states.advance_all(applications, Event.SUBMITTED, now=NOW, actor="system")
    stale = [Application.objects.get(pk=each.pk) for each in (applications[0], applications[2])]
    put(applications[0], State.WITHDRAWN)
    with pytest.raises(StaleApplication):
        states.advance_all(stale, Event.SUBMITTED, now=NOW, actor="system")
    assert Application.objects.get(pk=applications[2].pk).state == State.DRAFT
    assert ApplicationChange.objects.filter(from_state="DRAFT").count() == 0


def test_nothing_leads_out_of_an_end() -> None:
    assert {state for state, _ in states.TRANSITIONS} == set(State) - states.ENDS
