"""Offices of operators: who changes whom, who is never the last one out, and what ends with a right (W-006, K-131)."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts import access
from accounts.access import Acting
from accounts.models import AccountChange, KepAccount, OpenVisit, Operator, Person
from accounts.operating import grants, offices
from accounts.operating.errors import (
    AlreadyOperator,
    BeyondOwnRights,
    ChangedMeanwhile,
    GrantRefused,
    LastMainOperator,
    MayNotManage,
    NoSuchOperator,
    OwnOffice,
)
from accounts.operating.grants import RIGHTS, Grant
from accounts.operators import Act
from accounts.tests.cast import make_account, make_operator, make_person, sign_in
from accounts.tests.conftest import NOON
from evidence.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("clock")]

ALL = dict.fromkeys(RIGHTS, True)
NONE = dict.fromkeys(RIGHTS, False)
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def company(db: None) -> KepAccount:
    return make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")


@pytest.fixture
def head(company: KepAccount) -> Operator:
    return make_operator(company, make_person("Mehmet", "Kaya"), is_main=True, **ALL)


@pytest.fixture
def clerk(company: KepAccount) -> Operator:
    return make_operator(company, make_person("Elif", "Şahin"), **{**NONE, "may_read": True, "may_compose": True})


@pytest.fixture
def steward(company: KepAccount) -> Operator:
    """Manages operators and reads; no main operator."""
    rights = {**NONE, "may_read": True, "may_manage_operators": True}
    return make_operator(company, make_person("Derya", "Işık"), **rights)


def acting(operator: Operator) -> Acting:
    return access.account_for(operator.person, operator.account.public_id, now=NOON)


def change(manager: Operator, operator: Operator, *switches: str, **more: Any) -> Operator:
    grant = Grant(frozenset(switches), **more)
    seen = grants.state_of(Operator.objects.get(pk=operator.pk))
    return offices.change(acting(manager), operator.public_id, grant=grant, seen=seen, now=NOON)


def held(operator: Operator) -> set[str]:
    return set(grants.held_by(Operator.objects.get(pk=operator.pk)).switches)


# --- changing --------------------------------------------------------------------------------------------------------
def test_a_main_operator_gives_and_takes_single_rights(head: Operator, clerk: Operator) -> None:
    change(head, clerk, "may_read", "may_see_balance", "wants_sms", role="Muhasebe")
    assert held(clerk) == {"may_read", "may_see_balance", "wants_sms"}
    assert Operator.objects.get(pk=clerk.pk).role == "Muhasebe"
    event = Event.objects.get(kind="operator.changed")
    assert event.subject == f"account:{clerk.account.public_id}"
    assert event.actor == f"person:{head.person_id}"
    assert b'"taken":"may_compose"' in bytes(event.body)
    assert b"wants_sms" in bytes(event.body)
    assert AccountChange.objects.get(kind="operators").actor == f"person:{head.person_id}"


def test_a_change_that_changes_nothing_leaves_no_trace(head: Operator, clerk: Operator) -> None:
    change(head, clerk, "may_read", "may_compose")
    assert not Event.objects.filter(kind="operator.changed").exists()


def test_the_log_holds_no_number_phone_or_name(head: Operator, clerk: Operator) -> None:
    change(head, clerk, "may_read")
    offices.remove(acting(head), clerk.public_id, now=NOON)
    for event in Event.objects.filter(subject__startswith="account:"):
        said = bytes(event.body).decode()
        assert not any(word in said for word in (clerk.person.tckn, clerk.person.phone, "Elif", "Şahin"))


def test_switches_the_account_does_not_show_stay_as_they_are(head: Operator, clerk: Operator) -> None:
    Operator.objects.filter(pk=clerk.pk).update(may_send_tebligat=True)
    change(head, clerk, "may_read")  # a company's form has no box for sending e-tebligat
    assert held(clerk) == {"may_read", "may_send_tebligat"}


def test_nobody_is_left_without_any_right(head: Operator, clerk: Operator) -> None:
    with pytest.raises(GrantRefused):
        change(head, clerk, "wants_sms")
    assert held(clerk) == {"may_read", "may_compose"}


def test_an_unknown_switch_is_no_right(head: Operator, clerk: Operator) -> None:
    change(head, clerk, "may_read", "is_active", "may_rule_the_world")
    assert held(clerk) == {"may_read"}
    with pytest.raises(GrantRefused):
        grants.refuse_bad(Grant(frozenset({"may_read", "is_main"})), now=NOON)


@pytest.mark.parametrize("ends_at", [NOON, NOON - A_MINUTE])
def test_an_office_does_not_end_in_the_past(head: Operator, clerk: Operator, ends_at: Any) -> None:
    with pytest.raises(GrantRefused):
        change(head, clerk, "may_read", ends_at=ends_at)


def test_an_office_that_has_begun_keeps_its_beginning(head: Operator, clerk: Operator) -> None:
    change(head, clerk, "may_read", starts_at=NOON + timedelta(days=3))
    assert Operator.objects.get(pk=clerk.pk).starts_at == clerk.starts_at


def test_a_page_made_before_somebody_elses_change_saves_nothing(head: Operator, clerk: Operator) -> None:
    seen = grants.state_of(clerk)
    change(head, clerk, "may_read")  # somebody takes the right to write
    stale = Grant(frozenset({"may_read", "may_compose", "may_see_balance"}))
    with pytest.raises(ChangedMeanwhile):
        offices.change(acting(head), clerk.public_id, grant=stale, seen=seen, now=NOON)
    assert held(clerk) == {"may_read"}


# --- who may ---------------------------------------------------------------------------------------------------------
def test_who_has_no_right_to_manage_changes_nobody(head: Operator, clerk: Operator) -> None:
    for act in (
        lambda: change(clerk, clerk, *RIGHTS),
        lambda: change(clerk, head, "may_read"),
        lambda: offices.remove(acting(clerk), head.public_id, now=NOON),
    ):
        with pytest.raises(MayNotManage):
            act()


def test_a_right_withdrawn_a_moment_ago_is_asked_again_in_the_transaction(
    head: Operator, steward: Operator, clerk: Operator
) -> None:
    before = acting(steward)  # his page was drawn, his request is on its way
    change(head, steward, "may_read")
    with pytest.raises(MayNotManage):
        offices.remove(before, clerk.public_id, now=NOON)
    assert Operator.objects.get(pk=clerk.pk).ends_at is None


def test_a_manager_gives_only_what_he_holds(steward: Operator, clerk: Operator) -> None:
    with pytest.raises(BeyondOwnRights):
        change(steward, clerk, "may_read", "may_compose", "may_sign_and_send")
    change(steward, clerk, "may_read", "may_manage_operators")
    assert held(clerk) == {"may_read", "may_manage_operators"}


def test_a_manager_leaves_what_others_were_given_by_others(steward: Operator, clerk: Operator) -> None:
    change(steward, clerk, "may_read", "may_compose", "wants_sms")  # the right to write is kept, not given
    assert held(clerk) == {"may_read", "may_compose", "wants_sms"}


def test_a_manager_does_not_raise_himself(steward: Operator) -> None:
    with pytest.raises(OwnOffice):
        change(steward, steward, *RIGHTS)


def test_a_manager_does_not_touch_a_main_operator_or_make_one(
    head: Operator, steward: Operator, clerk: Operator
) -> None:
    for act in (
        lambda: change(steward, head, "may_read"),
        lambda: change(steward, clerk, "may_read", is_main=True),
        lambda: offices.remove(acting(steward), head.public_id, now=NOON),
    ):
        with pytest.raises(BeyondOwnRights):
            act()
    assert Operator.objects.get(pk=head.pk).ends_at is None


def test_another_accounts_operator_is_as_unknown_as_nobody(head: Operator, clerk: Operator) -> None:
    other = make_account("guven.ticaret@hs01.kep.tr", holder="Güven Ticaret A.Ş.")
    theirs = make_operator(other, make_person("Can", "Er"), is_main=True, **ALL)
    said = set()
    for name in (theirs.public_id, "a" * 26, "../", "\0", ""):
        for act in (
            lambda name=name: offices.remove(acting(head), name, now=NOON),
            lambda name=name: offices.office_of(head.account, name, now=NOON),
        ):
            with pytest.raises(NoSuchOperator) as refused:
                act()
            said.add(refused.value.for_person())
    assert len(said) == 1


# --- the last one ----------------------------------------------------------------------------------------------------
def test_the_last_main_operator_does_not_go(head: Operator, clerk: Operator) -> None:
    with pytest.raises(LastMainOperator):
        offices.remove(acting(head), head.public_id, now=NOON)
    assert Operator.objects.get(pk=head.pk).ends_at is None
    assert not Event.objects.filter(kind="operator.removed").exists()


@pytest.mark.parametrize(
    "less",
    [
        {"is_main": False, "switches": RIGHTS},
        {"is_main": True, "switches": ("may_read",)},
        {"is_main": True, "switches": RIGHTS, "ends_at": NOON + timedelta(days=30)},
    ],
)
def test_the_last_main_operator_is_not_narrowed_away(head: Operator, less: dict[str, Any]) -> None:
    given = dict(less)
    with pytest.raises(LastMainOperator):
        change(head, head, *given.pop("switches"), **given)
    assert held(head) >= {"may_manage_operators"}


def test_with_a_successor_the_main_operator_goes(head: Operator, clerk: Operator) -> None:
    change(head, clerk, *RIGHTS, is_main=True)
    offices.remove(acting(head), head.public_id, now=NOON)
    assert Operator.objects.get(pk=head.pk).ends_at == NOON
    with pytest.raises(LastMainOperator):
        offices.remove(acting(clerk), clerk.public_id, now=NOON)


def test_a_successor_who_begins_tomorrow_is_none_yet(head: Operator) -> None:
    make_operator(head.account, make_person("Can", "Er"), is_main=True, starts_at=NOON + timedelta(days=1), **ALL)
    with pytest.raises(LastMainOperator):
        offices.remove(acting(head), head.public_id, now=NOON)


# --- what ends with it -----------------------------------------------------------------------------------------------
def test_removal_ends_the_visit_within_the_same_commit(head: Operator, clerk: Operator) -> None:
    browser = Client()
    sign_in(browser, clerk.person)
    assert browser.get("/gelen/").status_code == 200
    offices.remove(acting(head), clerk.public_id, now=NOON)
    assert browser.get("/gelen/").status_code == 302
    assert browser.get("/gelen/")["Location"].startswith("/giris/")
    visit = OpenVisit.objects.get(person=clerk.person)
    assert (visit.ended_at, visit.end_reason) == (NOON, offices.REMOVED)


def test_a_right_that_is_taken_ends_the_visit_and_one_that_is_given_does_not(head: Operator, clerk: Operator) -> None:
    browser = Client()
    sign_in(browser, clerk.person)
    change(head, clerk, "may_read", "may_compose", "may_see_balance")
    assert browser.get("/gelen/").status_code == 200
    change(head, clerk, "may_read", "may_see_balance")
    assert browser.get("/gelen/").status_code == 302


def test_one_who_begins_later_can_be_removed_before(head: Operator) -> None:
    later = make_operator(head.account, make_person("Can", "Er"), starts_at=NOON + timedelta(days=9))
    offices.remove(acting(head), later.public_id, now=NOON)
    assert later.pk not in offices.present(head.account, now=NOON).values_list("pk", flat=True)


def test_an_office_ends_once(head: Operator, clerk: Operator) -> None:
    offices.end(clerk, actor="person:x", now=NOON)
    with pytest.raises(NoSuchOperator):
        offices.end(clerk, actor="person:x", now=NOON)
    assert Event.objects.filter(kind="operator.removed").count() == 1


def test_one_office_for_a_person_at_an_account(head: Operator, clerk: Operator) -> None:
    until = NOON + timedelta(days=9)
    with pytest.raises(AlreadyOperator):
        offices.appoint(head.account, clerk.person, grant=Grant(frozenset({"may_read"})), actor="system", now=NOON)
    dated = make_operator(head.account, make_person("Can", "Er"), ends_at=until)
    with pytest.raises(AlreadyOperator):
        offices.appoint(head.account, dated.person, grant=Grant(frozenset({"may_read"})), actor="system", now=NOON)
    offices.appoint(
        head.account, dated.person, grant=Grant(frozenset({"may_read"})), actor="system", now=until + A_MINUTE
    )


# --- at the same moment ----------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_two_main_operators_do_not_remove_one_another(company: KepAccount) -> None:
    """Fifty tries at the same moment, half of them each way: one of the two stays."""
    first = make_operator(company, make_person("Mehmet", "Kaya"), is_main=True, **ALL)
    second = make_operator(company, make_person("Elif", "Şahin"), is_main=True, **ALL)
    managers = [acting(first), acting(second)]
    ready, said = threading.Barrier(50), []

    def remove(number: int) -> None:
        try:
            ready.wait()
            offices.remove(managers[number % 2], (second, first)[number % 2].public_id, now=NOON)
            said.append("removed")
        except (LastMainOperator, MayNotManage, NoSuchOperator, access.AccessRefused) as refusal:
            said.append(type(refusal).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 50
    assert said.count("removed") == 1
    heads = Operator.objects.filter(account=company, is_main=True, ends_at__isnull=True)
    assert heads.count() == 1


def test_people_who_left_the_provider_stand_for_nobody(head: Operator, clerk: Operator) -> None:
    change(head, clerk, *RIGHTS, is_main=True)
    Person.objects.filter(pk=clerk.person_id).update(is_active=False)
    with pytest.raises(LastMainOperator):
        offices.remove(acting(head), head.public_id, now=NOON)


def test_every_act_has_words() -> None:
    from accounts.operating import words

    assert {act.value for act in Act} <= set(words.SWITCHES)
    assert set(words.SWITCHES) == set(grants.SWITCHES)
    assert set(words.RELATIONS) == set(Operator.Relation.values)
