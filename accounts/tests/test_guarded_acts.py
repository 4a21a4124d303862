"""Posts, operators and accounts by four eyes: what is asked is looked at again when it is done (V-043, V-046)."""

import re
from datetime import timedelta

import pytest

from accounts import approval_errors, approvals, lifecycle
from accounts.desk.identity_step import IdentityDocument
from accounts.errors import TcknRefused
from accounts.guarded import closing, errors, offices, own, phone, postings, reset
from accounts.guarded.offices import Newcomer
from accounts.guarded.postings import Candidate
from accounts.life_errors import CodeNotRight
from accounts.lifecycle import Closing, Suspension
from accounts.models import Approval, Branch, KepAccount, OpenVisit, Operator, Person, Post
from accounts.operating.errors import GrantRefused, NoSuchOperator
from accounts.operating.grants import Grant
from accounts.posts import Serving
from accounts.tests.cast import (
    make_account,
    make_back_office,
    make_branch,
    make_clerk,
    make_operator,
    make_person,
    new_tckn,
    texts,
)
from accounts.tests.conftest import NOON
from evidence.models import Event

pytestmark = pytest.mark.django_db
State = Approval.State
CARD = IdentityDocument.ID_CARD
READ = Grant(frozenset({"may_read"}))
Pair = tuple[Serving, Serving]


@pytest.fixture
def branch(db: None) -> Branch:
    return make_branch()


@pytest.fixture
def desk(branch: Branch) -> Pair:
    return make_clerk(branch), make_clerk(branch, "Burak", "Çetin")


@pytest.fixture
def office(db: None) -> Pair:
    return make_back_office(), make_back_office("Okan", "Tunç")


@pytest.fixture
def company(db: None) -> KepAccount:
    return make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")


def code_at(number: str) -> str:
    codes = [found[1] for sms in texts() if sms.to == number and (found := re.search(r"#([0-9]{6,8})$", sms.text))]
    return codes[-1]


def allowed(approval: Approval, by: Serving) -> Approval:
    return approvals.approve(approval.public_id, by=by, now=NOON)


# --- posts ----------------------------------------------------------------------------------------------------------
def candidate(**other: str) -> Candidate:
    given = {"tckn": new_tckn(), "first_name": "Derya", "last_name": "Işık", "phone": "+905550007733", **other}
    return Candidate(**given)


def test_a_clerk_can_ask_for_no_post(desk: Pair, branch: Branch) -> None:
    with pytest.raises(approval_errors.NotThisPost):
        postings.ask_to_grant(candidate(), role="clerk", branch=branch, why="işe başladı", by=desk[0], now=NOON)


@pytest.mark.parametrize(
    ("role", "with_branch"), [("clerk", False), ("back_office", True), ("root", False), ("", True)]
)
def test_role_and_branch_must_fit(office: Pair, branch: Branch, role: str, with_branch: bool) -> None:
    where = branch if with_branch else None
    with pytest.raises(errors.NoSuchPost):
        postings.ask_to_grant(candidate(), role=role, branch=where, why="işe başladı", by=office[0], now=NOON)


def test_a_post_of_a_branch_that_closed_meanwhile_is_not_given(office: Pair, branch: Branch) -> None:
    asked = postings.ask_to_grant(candidate(), role="clerk", branch=branch, why="başladı", by=office[0], now=NOON)
    Branch.objects.filter(pk=branch.pk).update(closed_at=NOON)
    after = allowed(asked, office[1])
    assert (after.state, after.end_reason) == (State.FAILED, "ONY-31")
    assert not Person.objects.filter(first_name="Derya").exists()


def test_one_post_of_a_role_for_one_person(office: Pair, desk: Pair, branch: Branch) -> None:
    with pytest.raises(errors.PostTaken):
        postings.ask_to_grant(
            candidate(tckn=desk[0].person.tckn), role="clerk", branch=branch, why="x", by=office[0], now=NOON
        )


def test_somebody_known_keeps_name_and_phone_and_signs_in_anew(office: Pair, branch: Branch) -> None:
    known = make_person("Ali", "Demir")
    OpenVisit.objects.create(person=known, session_key="k", method="m", opened_at=NOON, seen_at=NOON)
    who = candidate(tckn=known.tckn, first_name="Başka", phone="+905550001111")
    asked = postings.ask_to_grant(who, role="clerk", branch=branch, why="başladı", by=office[0], now=NOON)
    assert approvals.facts_of(asked)["first_name"] == "Ali"
    assert allowed(asked, office[1]).state == State.DONE
    phone_before = known.phone
    known.refresh_from_db()
    assert (known.first_name, known.phone) == ("Ali", phone_before)
    assert not OpenVisit.objects.filter(person=known, ended_at=None).exists()


def test_nobody_gives_himself_a_post(office: Pair, branch: Branch) -> None:
    own_number = candidate(tckn=office[0].person.tckn)
    with pytest.raises(approval_errors.OwnMatter):
        postings.ask_to_grant(own_number, role="clerk", branch=branch, why="x", by=office[0], now=NOON)


def test_a_post_that_ended_meanwhile_is_not_ended_again(office: Pair, desk: Pair) -> None:
    asked = postings.ask_to_end(desk[0].post, why="ayrıldı", by=office[0], now=NOON)
    earlier = NOON - timedelta(hours=1)
    Post.objects.filter(pk=desk[0].post.pk).update(ends_at=earlier, ended_by="system")
    assert allowed(asked, office[1]).state == State.FAILED
    assert Post.objects.get(pk=desk[0].post.pk).ends_at == earlier
    with pytest.raises(errors.NoSuchPost):
        postings.ask_to_end(desk[0].post, why="yine", by=office[0], now=NOON)


@pytest.mark.parametrize("tckn", ["", "12345678901", "１２３４５６７８９０１", "1000000014 6\u200b"])
def test_only_a_number_is_a_number(office: Pair, branch: Branch, tckn: str) -> None:
    with pytest.raises(TcknRefused):
        postings.ask_to_grant(candidate(tckn=tckn), role="clerk", branch=branch, why="x", by=office[0], now=NOON)


def test_eyes_are_counted_by_people_who_may_sign_in(office: Pair) -> None:
    assert not postings.is_short_of_eyes(now=NOON)
    Person.objects.filter(pk=office[0].person.pk).update(is_active=False)
    assert postings.is_short_of_eyes(now=NOON)


# --- operators ------------------------------------------------------------------------------------------------------
def newcomer(**other: str) -> Newcomer:
    given = {"tckn": new_tckn(), "first_name": "Yeni", "last_name": "Müdür", "phone": "+905550008822", **other}
    return Newcomer(**given, document=CARD)


def ask_to_appoint(company: KepAccount, who: Newcomer, by: Serving, *, grant: Grant = READ) -> Approval:
    offices.send_code(who.tckn, phone=who.phone, by=by, now=NOON)
    code = code_at(who.phone)
    return offices.ask_to_appoint(company, who, grant=grant, code=code, why="Karar görüldü", by=by, now=NOON)


def test_no_operator_without_the_code_of_his_own_phone(company: KepAccount, desk: Pair) -> None:
    who = newcomer()
    offices.send_code(who.tckn, phone="+905550009900", by=desk[0], now=NOON)
    other = code_at("+905550009900")
    for code, refusal in ((other, errors.CodeWentElsewhere), ("123456", CodeNotRight)):
        with pytest.raises(refusal):
            offices.ask_to_appoint(company, who, grant=READ, code=code, why="x", by=desk[0], now=NOON)
    assert not Approval.objects.exists()


def test_the_code_of_somebody_known_goes_to_the_phone_on_record(company: KepAccount, desk: Pair) -> None:
    known = make_person("Ali", "Demir")
    offices.send_code(known.tckn, phone="+905550009900", by=desk[0], now=NOON)
    assert not [sms for sms in texts() if sms.to == "+905550009900"]
    assert code_at(known.phone)


def test_a_clerk_makes_himself_no_operator(company: KepAccount, desk: Pair) -> None:
    own_self = newcomer(tckn=desk[0].person.tckn, phone=desk[0].person.phone)
    with pytest.raises(approval_errors.OwnMatter):
        ask_to_appoint(company, own_self, desk[0])
    second = newcomer(tckn=desk[1].person.tckn, phone=desk[1].person.phone)
    asked = ask_to_appoint(company, second, desk[0])
    with pytest.raises(approval_errors.OwnMatter):
        allowed(asked, desk[1])


def test_an_office_needs_a_right_and_a_legal_person(company: KepAccount, desk: Pair) -> None:
    with pytest.raises(GrantRefused):
        ask_to_appoint(company, newcomer(), desk[0], grant=Grant(frozenset()))
    natural = make_account("ali.demir@hs01.kep.tr", holder=make_person("Ali", "Demir"))
    with pytest.raises(errors.NotNatural):
        ask_to_appoint(natural, newcomer(phone="+905550008833"), desk[0])


def test_nothing_is_done_for_an_account_that_closed_meanwhile(company: KepAccount, desk: Pair) -> None:
    asked = ask_to_appoint(company, newcomer(), desk[0])
    lifecycle.close(company, reason=Closing.CONTRACT_END, actor="system", now=NOON)
    assert allowed(asked, desk[1]).end_reason == "ONY-29"
    assert not Operator.objects.filter(account=company).exists()
    with pytest.raises(errors.NotPossibleNow):
        ask_to_appoint(company, newcomer(phone="+905550008844"), desk[0])


def test_another_companys_operator_is_not_ended_here(company: KepAccount, desk: Pair) -> None:
    other = make_account("baska.sirket@hs01.kep.tr", holder="Başka A.Ş.")
    theirs = make_operator(other, make_person("Can", "Er"))
    with pytest.raises(NoSuchOperator):
        offices.ask_to_end(company, theirs.public_id, why="x", by=desk[0], now=NOON)


def test_the_first_act_of_an_operator_made_here_is_written_with_clerk_and_branch(
    company: KepAccount, desk: Pair
) -> None:
    allowed(ask_to_appoint(company, newcomer(), desk[0]), desk[1])
    (event,) = Event.objects.filter(kind="operator.appointed")
    assert event.actor == desk[0].actor
    assert b"cinarova-merkez" in bytes(event.body)
    change = company.changes.latest("pk")
    assert (change.actor, change.branch) == (desk[0].actor, "cinarova-merkez")


# --- accounts -------------------------------------------------------------------------------------------------------
def test_orders_of_the_provider_are_asked_by_the_back_office_alone(company: KepAccount, desk: Pair) -> None:
    with pytest.raises(approval_errors.NotThisPost):
        closing.ask_to_suspend(company, reason=Suspension.AUTHORITY, why="karar", by=desk[0], now=NOON)


def test_the_holders_own_suspension_is_nobody_elses(company: KepAccount, office: Pair) -> None:
    with pytest.raises(errors.NotPossibleNow):
        closing.ask_to_suspend(company, reason=Suspension.HOLDER, why="x", by=office[0], now=NOON)
    lifecycle.suspend(company, reason=Suspension.HOLDER, actor="holder", now=NOON)
    with pytest.raises(errors.NotPossibleNow):
        closing.ask_to_resume(company, why="x", by=office[0], now=NOON)


def test_nobody_comes_back_from_death(desk: Pair) -> None:
    account = make_account("ali.demir@hs01.kep.tr", holder=make_person("Ali", "Demir"))
    lifecycle.close(account, reason=Closing.DEATH, actor="system", now=NOON)
    with pytest.raises(errors.NotPossibleNow):
        closing.ask_to_reopen(account, document=CARD, why="x", by=desk[0], now=NOON)


def test_a_closing_that_somebody_else_did_first_fails(company: KepAccount, desk: Pair) -> None:
    asked = closing.ask_to_close(company, reason=Closing.REQUEST, why="dilekçe", by=desk[0], now=NOON)
    lifecycle.close(company, reason=Closing.CONTRACT_END, actor="system", now=NOON)
    assert allowed(asked, desk[1]).end_reason == "KPT-04"
    assert lifecycle.closing_of(company) == Closing.CONTRACT_END


# --- what a holder may stop -----------------------------------------------------------------------------------------
def test_a_holder_stops_his_own_request_and_no_order(desk: Pair, office: Pair) -> None:
    ali = make_person("Ali", "Demir")
    account = make_account("ali.demir@hs01.kep.tr", holder=ali)
    wish = closing.ask_to_close(account, reason=Closing.REQUEST, why="dilekçe", by=desk[0], now=NOON)
    order = closing.ask_to_suspend(account, reason=Suspension.AUTHORITY, why="karar", by=office[0], now=NOON)
    secrets = reset.ask(ali, document=CARD, why="unutmuş", by=desk[0], now=NOON)
    assert {each.pk for each in own.stoppable(ali, now=NOON)} == {wish.pk, secrets.pk}
    with pytest.raises(approval_errors.ApprovalUnknown):
        own.stop(ali, order.public_id, now=NOON)
    assert own.stop(ali, wish.public_id, now=NOON).state == State.STOPPED
    false = closing.ask_to_close(account, reason=Closing.FALSE_DATA, why="sahte belge", by=desk[0], now=NOON)
    with pytest.raises(approval_errors.ApprovalUnknown):
        own.stop(ali, false.public_id, now=NOON)


def test_a_stranger_stops_nothing(desk: Pair) -> None:
    ali, veli = make_person("Ali", "Demir"), make_person("Veli", "Kaya")
    phone.send_code(ali, phone="+905550009911", by=desk[0], now=NOON)
    code = code_at("+905550009911")
    asked = phone.ask(ali, phone="+905550009911", code=code, document=CARD, why="x", by=desk[0], now=NOON)
    for name in (asked.public_id, "", "\x00", "a" * 26):
        with pytest.raises(approval_errors.ApprovalUnknown):
            own.stop(veli, name, now=NOON)
    assert own.stop(ali, asked.public_id, now=NOON).state == State.STOPPED
    assert Event.objects.get(kind="approval.stopped").actor == f"person:{ali.pk}"
