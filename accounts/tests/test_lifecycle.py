"""Suspending, closing, opening again, and the end of the paid term (K-031..K-036, V-032)."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client

from accounts import activation, lifecycle, one_time, open_visits
from accounts.access import account_for
from accounts.errors import AccessRefused
from accounts.lifecycle import Closing, Suspension
from accounts.lifecycle_errors import (
    AlreadyClosed,
    ClosedForGood,
    ExpiryRefused,
    NotActiveNow,
    NotClosedNow,
    NotFitting,
    NotSuspendedSo,
    StrongerSuspension,
)
from accounts.models import AccountChange, KepAccount, OneTimeCode, OpenVisit, OperatorInvitation, Person
from accounts.one_time import Purpose
from accounts.tests.cast import make_account, make_operator, make_person, sign_in
from accounts.tests.conftest import NOON
from accounts.tests.together import at_once
from evidence.models import Event

CLERK = "person:6f0c1f6e-0000-4000-8000-000000000001"
State = KepAccount.State


@pytest.fixture
def account(db: None) -> KepAccount:
    return make_account("ali.celik@hs01.kep.tr", holder=make_person("Ali", "Çelik"))


@pytest.fixture
def company(db: None) -> KepAccount:
    return make_account("anadolu@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")


def holder_of(account: KepAccount) -> Person:
    assert account.holder.person is not None
    return account.holder.person


def kinds(account: KepAccount) -> list[tuple[str, str]]:
    return list(account.changes.order_by("pk").values_list("kind", "reason"))


# --- suspending -------------------------------------------------------------------------------------------------------
def test_a_suspended_account_is_acted_for_by_nobody(account: KepAccount) -> None:
    lifecycle.suspend(account, reason=Suspension.PROVIDER, actor=CLERK, branch="34-01", note="inceleme", now=NOON)
    assert (account.state, account.suspended_for) == (State.SUSPENDED, "provider")
    with pytest.raises(AccessRefused):
        account_for(holder_of(account), account.public_id, now=NOON)
    change = account.changes.get()
    assert (change.kind, change.reason, change.actor, change.branch, change.note, change.at) == (
        "suspended", "provider", CLERK, "34-01", "inceleme", NOON,
    )  # fmt: skip
    event = Event.objects.get(kind="account.suspended")
    assert event.subject == f"account:{account.public_id}"
    assert "inceleme" not in bytes(event.body).decode()


STRENGTH = [Suspension.HOLDER, Suspension.PROVIDER, Suspension.AUTHORITY]


@pytest.mark.parametrize("first", STRENGTH)
@pytest.mark.parametrize("second", STRENGTH)
def test_only_a_stronger_order_takes_the_place_of_another(
    account: KepAccount, first: Suspension, second: Suspension
) -> None:
    lifecycle.suspend(account, reason=first, actor=CLERK, now=NOON)
    if STRENGTH.index(second) > STRENGTH.index(first):
        lifecycle.suspend(account, reason=second, actor=CLERK, now=NOON)
        assert account.suspended_for == second.value
    else:
        with pytest.raises(StrongerSuspension):
            lifecycle.suspend(account, reason=second, actor=CLERK, now=NOON)
        account.refresh_from_db()
        assert account.suspended_for == first.value


@pytest.mark.parametrize("ordered", STRENGTH)
@pytest.mark.parametrize("lifted", STRENGTH)
def test_nobody_lifts_anothers_order(account: KepAccount, ordered: Suspension, lifted: Suspension) -> None:
    lifecycle.suspend(account, reason=ordered, actor=CLERK, now=NOON)
    if lifted == ordered:
        lifecycle.resume(account, reason=lifted, actor=CLERK, now=NOON)
        assert (account.state, account.suspended_for) == (State.ACTIVE, "")
    else:
        with pytest.raises(NotSuspendedSo):
            lifecycle.resume(account, reason=lifted, actor=CLERK, now=NOON)
        account.refresh_from_db()
        assert account.state == State.SUSPENDED


@pytest.mark.parametrize("state", [State.PENDING_ACTIVATION, State.CLOSED])
def test_what_is_not_in_use_is_not_suspended(db: None, state: str) -> None:
    idle = make_account("bos@hs01.kep.tr", holder=make_person(), state=state)
    with pytest.raises(NotActiveNow):
        lifecycle.suspend(idle, reason=Suspension.AUTHORITY, actor=CLERK, now=NOON)
    assert kinds(idle) == []


def test_an_account_in_use_has_no_suspension_to_lift(account: KepAccount) -> None:
    with pytest.raises(NotSuspendedSo):
        lifecycle.resume(account, reason=Suspension.HOLDER, actor=CLERK, now=NOON)


def test_the_visits_of_everybody_who_could_act_end_at_once(
    account: KepAccount, company: KepAccount, clock: time_machine.Traveller
) -> None:
    """V-032: within the transaction, so the very next request is nobody's."""
    worker, stranger = make_person("Elif", "Şahin"), make_person("Deniz", "Arslan")
    make_account("deniz.arslan@hs01.kep.tr", holder=stranger)
    make_operator(company, worker)
    browser, others = Client(), Client()
    sign_in(browser, worker)
    sign_in(others, stranger)
    assert browser.get("/gelen/").status_code == 200
    lifecycle.suspend(company, reason=Suspension.PROVIDER, actor=CLERK, now=NOON)
    assert browser.get("/gelen/").status_code == 302
    assert others.get("/gelen/").status_code == 200
    assert set(OpenVisit.objects.exclude(ended_at=None).values_list("person", flat=True)) == {worker.pk}


# --- closing ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", [State.PENDING_ACTIVATION, State.ACTIVE, State.SUSPENDED])
def test_an_account_is_closed_from_any_state_and_keeps_its_address(db: None, state: str) -> None:
    one = make_account("bir@hs01.kep.tr", holder=make_person(), state=state)
    if state == State.SUSPENDED:
        KepAccount.objects.filter(pk=one.pk).update(suspended_for="holder")
    lifecycle.close(one, reason=Closing.REQUEST, actor=CLERK, now=NOON)
    assert (one.state, one.suspended_for, one.closed_at, one.address) == (State.CLOSED, "", NOON, "bir@hs01.kep.tr")
    assert lifecycle.closing_of(one) == Closing.REQUEST


def test_a_closed_account_is_not_closed_again(account: KepAccount) -> None:
    lifecycle.close(account, reason=Closing.REQUEST, actor=CLERK, now=NOON)
    with pytest.raises(AlreadyClosed):
        lifecycle.close(account, reason=Closing.AUTHORITY, actor=CLERK, now=NOON + timedelta(days=1))
    assert kinds(account) == [("closed", "request")]
    assert KepAccount.objects.get(pk=account.pk).closed_at == NOON


def test_companies_do_not_die_and_people_are_not_dissolved(account: KepAccount, company: KepAccount) -> None:
    with pytest.raises(NotFitting):
        lifecycle.close(account, reason=Closing.DISSOLUTION, actor=CLERK, now=NOON)
    with pytest.raises(NotFitting):
        lifecycle.close(company, reason=Closing.DEATH, actor=CLERK, now=NOON)
    lifecycle.close(account, reason=Closing.DEATH, actor=CLERK, now=NOON)
    lifecycle.close(company, reason=Closing.DISSOLUTION, actor=CLERK, now=NOON)


def test_closing_ends_sub_operators_and_invitations_and_leaves_main_operators(company: KepAccount) -> None:
    """What is opened again begins with its main operators only."""
    main = make_operator(company, make_person(), is_main=True)
    sub = make_operator(company, make_person())
    later = make_operator(company, make_person(), starts_at=NOON + timedelta(days=3))
    invitation = OperatorInvitation.objects.create(
        account=company, person=make_person(), invited_by=CLERK, invited_at=NOON, expires_at=NOON + timedelta(days=7)
    )
    lifecycle.close(company, reason=Closing.REQUEST, actor=CLERK, now=NOON)
    for each in (main, sub, later, invitation):
        each.refresh_from_db()
    assert main.ends_at is None
    assert (sub.ends_at, sub.ended_by) == (NOON, CLERK)
    assert later.ends_at == NOON
    assert invitation.withdrawn_at == NOON


def test_closing_kills_the_activation_code(db: None, clock: time_machine.Traveller) -> None:
    waiting = make_account("bekler@hs01.kep.tr", holder=make_person(), state=State.PENDING_ACTIVATION)
    activation.begin(waiting, now=NOON)
    lifecycle.close(waiting, reason=Closing.FALSE_DATA, actor=CLERK, now=NOON)
    alive = OneTimeCode.objects.filter(purpose=Purpose.ACTIVATION, subject=activation.subject_of(waiting))
    assert alive.get().replaced_at == NOON
    assert one_time.revoke(Purpose.ACTIVATION, activation.subject_of(waiting), now=NOON) == 0


# --- opening again ----------------------------------------------------------------------------------------------------
def test_a_former_holder_gets_his_address_back_and_activates_it_anew(account: KepAccount) -> None:
    lifecycle.close(account, reason=Closing.CONTRACT_END, actor=CLERK, now=NOON)
    lifecycle.reopen(account, actor=CLERK, branch="34-01", now=NOON + timedelta(days=400))
    assert (account.state, account.closed_at, account.activated_at) == (State.PENDING_ACTIVATION, None, None)
    assert list(activation.waiting_for(holder_of(account), now=NOON)) == [account]
    assert [kind for kind, _ in kinds(account)] == ["closed", "reopened"]


@pytest.mark.parametrize("state", [State.PENDING_ACTIVATION, State.ACTIVE, State.SUSPENDED])
def test_only_the_closed_are_opened_again(db: None, state: str) -> None:
    one = make_account("bir@hs01.kep.tr", holder=make_person(), state=state)
    with pytest.raises(NotClosedNow):
        lifecycle.reopen(one, actor=CLERK, now=NOON)


def test_nobody_comes_back_to_the_address_of_the_dead(account: KepAccount, company: KepAccount) -> None:
    lifecycle.close(account, reason=Closing.DEATH, actor=CLERK, now=NOON)
    lifecycle.close(company, reason=Closing.DISSOLUTION, actor=CLERK, now=NOON)
    for each in (account, company):
        with pytest.raises(ClosedForGood):
            lifecycle.reopen(each, actor=CLERK, now=NOON)
        each.refresh_from_db()
        assert each.state == State.CLOSED


# --- the paid term ----------------------------------------------------------------------------------------------------
def test_past_its_term_an_account_receives_and_does_not_send(account: KepAccount) -> None:
    """P-011, K-036. The last day counts in Istanbul: 23:59 there is still 20:59 UTC."""
    lifecycle.set_expiry(account, date(2026, 11, 24), actor=CLERK, now=NOON)
    last_minute = NOON.replace(hour=20, minute=59)
    assert account_for(holder_of(account), account.public_id, now=last_minute).rights.may_compose
    after = account_for(holder_of(account), account.public_id, now=last_minute + timedelta(minutes=1))
    assert (after.rights.may_read, after.rights.may_compose, after.rights.may_sign_and_send) == (True, False, False)
    assert kinds(account) == [("expiry", "2026-11-24")]


def test_the_end_of_the_term_kills_the_address_after_the_grace_only(account: KepAccount) -> None:
    lifecycle.set_expiry(account, date(2026, 11, 24), actor=CLERK, now=NOON)
    assert lifecycle.close_expired(now=NOON + timedelta(days=92)) == 0
    assert lifecycle.close_expired(now=NOON + timedelta(days=93)) == 1
    assert lifecycle.close_expired(now=NOON + timedelta(days=93)) == 0
    account.refresh_from_db()
    assert account.state == State.CLOSED
    assert lifecycle.closing_of(account) == Closing.CONTRACT_END


def test_a_term_is_moved_on_or_taken_away(account: KepAccount) -> None:
    lifecycle.set_expiry(account, date(2027, 1, 1), actor=CLERK, now=NOON)
    lifecycle.set_expiry(account, None, actor=CLERK, now=NOON)
    assert account.expires_on is None
    with pytest.raises(ExpiryRefused):
        lifecycle.set_expiry(account, date(2020, 1, 1), actor=CLERK, now=NOON)
    lifecycle.close(account, reason=Closing.REQUEST, actor=CLERK, now=NOON)
    with pytest.raises(ExpiryRefused):
        lifecycle.set_expiry(account, date(2028, 1, 1), actor=CLERK, now=NOON)


# --- at the same moment -----------------------------------------------------------------------------------------------
@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_fifty_who_press_at_once_one_has_done_it(transactional_db: None) -> None:
    account = make_account("ali.celik@hs01.kep.tr", holder=make_person("Ali", "Çelik"))
    acts: list[Callable[[], object]] = [
        lambda: lifecycle.close(account_again(account), reason=Closing.REQUEST, actor=CLERK, now=NOON),
        lambda: lifecycle.suspend(account_again(account), reason=Suspension.AUTHORITY, actor=CLERK, now=NOON),
    ]
    done = at_once([acts[number % 2] for number in range(50)])
    written = [kind for kind, _ in kinds(account)]
    assert written in (["closed"], ["suspended", "closed"])
    assert done == len(written)
    assert KepAccount.objects.get(pk=account.pk).state == State.CLOSED


def account_again(account: KepAccount) -> KepAccount:
    return KepAccount.objects.select_related("holder").get(pk=account.pk)


def test_a_change_that_is_undone_leaves_no_trace(account: KepAccount) -> None:
    """What a floor above refuses in the same commit undoes the whole step."""

    def refuse(**_: object) -> None:
        raise RuntimeError("the floor above could not")

    lifecycle.account_changed.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            lifecycle.close(account, reason=Closing.REQUEST, actor=CLERK, now=NOON)
    finally:
        lifecycle.account_changed.disconnect(refuse)
    assert KepAccount.objects.get(pk=account.pk).state == State.ACTIVE
    assert not AccountChange.objects.exists()
    assert not Event.objects.filter(kind="account.closed").exists()
    assert open_visits.end_all(holder_of(account), reason="x", now=NOON) == 0
