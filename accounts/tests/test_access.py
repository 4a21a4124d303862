"""Who may act for which account, asked of the rows every time (K-010, K-011, K-130..K-133, V-042..V-044)."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.access import Rights, account_for, accounts_of, acting_for, beside
from accounts.errors import AccessRefused
from accounts.models import KepAccount, Operator, Person
from accounts.operators import Act, may
from accounts.tests.cast import make_account, make_operator, make_person, sign_in
from accounts.tests.conftest import NOON
from evidence.models import Event

Clock = time_machine.Traveller
SWITCHES = [act.value for act in Act]
OWN = Rights(
    **{**dict.fromkeys(SWITCHES, True), "may_manage_operators": False}
)  # nobody else acts for a natural person
MAIL, NONE = Rights(True, True, True), Rights(False, False, False)

pytestmark = pytest.mark.django_db


@pytest.fixture
def company(db: None) -> KepAccount:
    """A company's account."""
    return make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")


@pytest.fixture
def operator(company: KepAccount, person: Person) -> Operator:
    """The person's operatorship for the company."""
    return make_operator(company, person)


# --- rights ---------------------------------------------------------------------------------------------------------
def test_a_holder_has_every_right_on_his_own_account(person: Person) -> None:
    (own,) = accounts_of(person, now=NOON)
    assert own.acts_for_himself
    assert own.rights == OWN


def test_a_receive_only_account_never_composes(person: Person, company: KepAccount) -> None:
    KepAccount.objects.update(mode=KepAccount.Mode.RECEIVE_ONLY)
    make_operator(company, person, is_main=True)
    for acting in accounts_of(person, now=NOON):
        assert acting.rights.may_read
        assert not acting.rights.may_compose
        assert not acting.rights.may_sign_and_send
        assert not acting.rights.may_send_tebligat


@pytest.mark.parametrize("switch", SWITCHES)
def test_an_operator_has_exactly_the_switches_he_was_given(person: Person, company: KepAccount, switch: str) -> None:
    given = {name: name == switch for name in SWITCHES}
    make_operator(company, person, is_main=True, **given)
    assert account_for(person, company.public_id, now=NOON).rights == Rights(**given)


def test_a_right_runs_from_its_first_to_its_last_moment(operator: Operator) -> None:
    operator.starts_at, operator.ends_at = NOON, NOON + timedelta(days=1)
    operator.may_compose = False
    moments = (NOON - timedelta(seconds=1), NOON, NOON + timedelta(hours=23), NOON + timedelta(days=1))
    assert [may(operator, Act.READ, now=moment) for moment in moments] == [False, True, True, False]
    assert not may(operator, Act.COMPOSE, now=NOON)


def test_a_switch_without_the_right_to_read_opens_the_account_and_not_the_mail(
    person: Person, company: KepAccount
) -> None:
    make_operator(company, person, may_read=False, may_compose=False, may_sign_and_send=False)
    assert account_for(person, company.public_id, now=NOON).rights == NONE


# --- whose account ----------------------------------------------------------------------------------------------------
def test_own_account_first_then_by_address(person: Person) -> None:
    for address in ("zeytin@hs01.kep.tr", "badem@hs01.kep.tr"):
        make_operator(make_account(address, holder=address), person)
    assert [acting.account.address for acting in accounts_of(person, now=NOON)] == [
        "ayse.yildiz@hs01.kep.tr",
        "badem@hs01.kep.tr",
        "zeytin@hs01.kep.tr",
    ]


def test_the_list_costs_two_queries_however_long_it_is(person: Person) -> None:
    for number in range(12):
        make_operator(make_account(f"sirket{number}@hs01.kep.tr", holder=f"Şirket {number}"), person)
    with CaptureQueriesContext(connection) as queries:
        names = [acting.account.holder.name for acting in accounts_of(person, now=NOON)]
    assert (len(names), len(queries)) == (13, 2)


@pytest.mark.parametrize("state", ["PENDING_ACTIVATION", "SUSPENDED", "CLOSED"])
def test_an_account_that_is_not_in_use_is_nobodys(person: Person, operator: Operator, state: str) -> None:
    KepAccount.objects.update(state=state)
    assert accounts_of(person, now=NOON) == ()
    for account in KepAccount.objects.all():
        with pytest.raises(AccessRefused):
            account_for(person, account.public_id, now=NOON)


def test_another_persons_account_sounds_like_one_that_does_not_exist(person: Person, company: KepAccount) -> None:
    told = set()
    for public_id in (company.public_id, "z" * 26, "", "' OR 1=1 --"):
        with pytest.raises(AccessRefused) as refusal:
            account_for(person, public_id, now=NOON)
        told.add((refusal.value.code, str(refusal.value), refusal.value.for_person()))
    assert len(told) == 1


def test_a_colleagues_right_is_not_mine(person: Person, company: KepAccount) -> None:
    make_operator(company, make_person("Elif", "Şahin"))
    with pytest.raises(AccessRefused):
        account_for(person, company.public_id, now=NOON)


def test_an_ended_right_is_gone_and_a_new_one_counts(person: Person, operator: Operator) -> None:
    Operator.objects.filter(pk=operator.pk).update(ends_at=NOON)
    assert len(accounts_of(person, now=NOON)) == 1
    make_operator(operator.account, person, starts_at=NOON)
    assert len(accounts_of(person, now=NOON)) == 2


def test_other_accounts_are_counted(person: Person, company: KepAccount) -> None:
    (own,) = accounts_of(person, now=NOON)
    assert not beside(own, now=NOON).has_other_accounts
    make_operator(company, person)
    assert beside(own, now=NOON).has_other_accounts


def test_workers_ask_the_same_rows(person: Person, operator: Operator) -> None:
    assert acting_for(person.pk, operator.account, now=NOON).rights == MAIL
    Operator.objects.update(may_sign_and_send=False)
    assert acting_for(person.pk, operator.account, now=NOON).rights == Rights(True, True, False)
    Person.objects.update(is_active=False)
    with pytest.raises(AccessRefused):
        acting_for(person.pk, operator.account, now=NOON)


# --- in a visit -----------------------------------------------------------------------------------------------------
def test_a_right_taken_away_is_gone_at_the_next_request(
    clock: Clock, client: Client, person: Person, operator: Operator
) -> None:
    sign_in(client, person, account=operator.account)
    assert client.get("/gelen/").status_code == 200
    Operator.objects.update(ends_at=NOON)
    answer = client.get("/gelen/")
    assert answer.headers["Location"] == "/hesap/sec/?next=%2Fgelen%2F"
    page = client.get(answer.headers["Location"])
    assert "yetkiniz sona erdi" in page.content.decode()
    assert [each.address for each in page.context["accounts"]] == ["ayse.yildiz@hs01.kep.tr"]


def test_a_post_without_the_right_is_refused_and_not_redirected(
    clock: Clock, client: Client, person: Person, operator: Operator
) -> None:
    sign_in(client, person, account=operator.account)
    Operator.objects.update(ends_at=NOON)
    assert client.post("/gelen/").status_code in (403, 422)
    answer = client.get("/gelen/", headers={"accept": "application/json"})
    assert answer.json()["code"] == "HSP-01"


def test_the_choice_is_kept_and_written_down(clock: Clock, client: Client, person: Person, operator: Operator) -> None:
    sign_in(client, person, account=operator.account)
    assert b"anadolu.makina" in client.get("/gelen/").content
    page = client.get("/hesap/sec/")
    assert [each.is_current for each in page.context["accounts"]] == [False, True]
    event = Event.objects.get(kind="account.chosen")
    assert (event.actor, event.subject) == (f"person:{person.pk}", f"account:{operator.account.public_id}")


def test_a_foreign_account_cannot_be_chosen(clock: Clock, client: Client, person: Person, company: KepAccount) -> None:
    sign_in(client, person)
    assert client.post("/hesap/sec/", {"account": company.public_id}).status_code in (403, 422)
    assert b"ayse.yildiz" in client.get("/gelen/").content


def test_with_several_accounts_and_none_chosen_the_choice_comes_first(
    clock: Clock, client: Client, person: Person, operator: Operator
) -> None:
    sign_in(client, person)
    assert client.get("/gelen/").headers["Location"] == "/hesap/sec/?next=%2Fgelen%2F"


def test_somebody_without_any_account_hears_so(clock: Clock, client: Client) -> None:
    clerk = make_person("Zeynep", "Aydın")
    assert sign_in(client, clerk).headers["Location"].startswith("/hesap/sec/")
    for path in ("/hesap/sec/", "/gelen/"):
        answer = client.get(path)
        assert answer.status_code in (403, 422)
        assert "HSP-03" in answer.content.decode()


def test_a_word_to_the_person_stays_on_the_server(
    clock: Clock, client: Client, person: Person, operator: Operator
) -> None:
    """A cookie of its own would bear a name without __Host-, cross ports, and outlive the visit (design.md 1.7)."""
    sign_in(client, person, account=operator.account)
    Operator.objects.update(ends_at=NOON)
    answer = client.get("/gelen/")
    assert answer.headers["Location"].startswith("/hesap/sec/")
    assert "messages" not in {*answer.cookies, *client.cookies}
