"""Invitations to act for an account: who may offer what, who may answer, and what neither learns (K-132, V-008)."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from accounts import access, activation, persons
from accounts.access import AccessRefused, Acting
from accounts.activation import AcceptedText
from accounts.errors import PhoneRefused, TcknRefused
from accounts.models import KepAccount, OneTimeCode, Operator, OperatorInvitation, Person, SmsNotice
from accounts.operating import invitations, offices
from accounts.operating.errors import (
    AlreadyOperator,
    BeyondOwnRights,
    GrantRefused,
    InvitationOver,
    MayNotManage,
    NoSuchInvitation,
    NotYouForCertain,
    TooManyInvitations,
)
from accounts.operating.grants import RIGHTS, Grant
from accounts.tests.cast import PASSWORD, PIN, make_account, make_operator, make_person, new_tckn, texts
from accounts.tests.conftest import NOON
from evidence.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("clock")]

ALL = dict.fromkeys(RIGHTS, True)
READS = Grant(frozenset({"may_read", "wants_sms"}), role="Muhasebe")
A_DAY = timedelta(days=1)


@pytest.fixture
def company(db: None) -> KepAccount:
    return make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")


@pytest.fixture
def head(company: KepAccount) -> Operator:
    return make_operator(company, make_person("Mehmet", "Kaya"), is_main=True, **ALL)


def acting(operator: Operator, now: datetime = NOON) -> Acting:
    return access.account_for(operator.person, operator.account.public_id, now=now)


def invite(
    manager: Operator,
    *,
    tckn: str = "",
    phone: str = "+905321112233",
    grant: Grant = READS,
    now: datetime = NOON,
    first_name: str = "Kemal",
    last_name: str = "Öztürk",
) -> OperatorInvitation:
    return invitations.invite(
        acting(manager, now),
        tckn=tckn or new_tckn(),
        first_name=first_name,
        last_name=last_name,
        phone=phone,
        email=None,
        grant=grant,
        now=now,
    )


def invite_known(manager: Operator, person: Person, *, grant: Grant = READS, **more: Any) -> OperatorInvitation:
    return invite(manager, tckn=person.tckn, phone=person.phone, grant=grant, **more)


# --- the whole way ---------------------------------------------------------------------------------------------------
def test_a_new_person_sets_his_own_secrets_and_accepts(head: Operator, company: KepAccount) -> None:
    tckn = new_tckn()
    invitation = invite(head, tckn=tckn)
    person = Person.objects.get(pk=invitation.person_id)
    assert not person.has_secrets
    assert person.identity_state == Person.IdentityState.FORM_ONLY
    assert not Operator.objects.filter(person=person).exists()
    code = texts(person)[-1].text[-8:]
    activation.activate(
        tckn=tckn,
        address=company.address,
        code=code,
        password=PASSWORD,
        pin=PIN,
        accepted=[AcceptedText("kvkk", "1")],
        texts=[AcceptedText("kvkk", "1")],
        now=NOON,
    )
    operator = invitations.accept(person, invitation.public_id, now=NOON + A_DAY)
    assert (operator.account, operator.starts_at, operator.is_main) == (company, NOON + A_DAY, False)
    assert (operator.may_read, operator.may_compose, operator.wants_sms, operator.role) == (
        True,
        False,
        True,
        "Muhasebe",
    )
    rights = access.account_for(person, company.public_id, now=NOON + A_DAY).rights
    assert rights.may_read
    assert not rights.may_compose
    assert operator.appointed_by == f"person:{head.person_id}"
    invitation.refresh_from_db()
    assert (invitation.accepted_at, invitation.operator) == (NOON + A_DAY, operator)
    kinds = list(Event.objects.filter(subject=f"account:{company.public_id}").values_list("kind", flat=True))
    assert kinds == ["operator.invited", "operator.accepted"]


def test_before_accepting_nobody_acts(head: Operator, company: KepAccount) -> None:
    someone = make_person()
    invite_known(head, someone)
    with pytest.raises(AccessRefused):
        access.account_for(someone, company.public_id, now=NOON)


def test_somebody_known_hears_on_his_own_phone_only(head: Operator) -> None:
    someone = make_person(phone="+905551234567")
    someone.refresh_from_db()
    invite(head, tckn=someone.tckn, phone="+905329999999", first_name="Başka", last_name="Biri")
    someone.refresh_from_db()
    assert (someone.phone, someone.first_name) == ("+905551234567", "Ayşe")
    notices = list(SmsNotice.objects.all())
    assert [each.number for each in notices] == ["+905551234567"]
    assert not texts()  # he has secrets: no code


def test_the_notice_tells_no_account_name_or_link(head: Operator) -> None:
    invite(head)
    text = SmsNotice.objects.get().text
    assert text.isascii()
    assert len(text) <= 160
    assert not any(word in text for word in ("Anadolu", "anadolu", "http", "Kemal", "hs01.kep.tr"))


# --- what the inviter does not learn ---------------------------------------------------------------------------------
def test_the_inviter_sees_what_he_typed_and_hears_the_same(head: Operator, company: KepAccount) -> None:
    known = make_person("Zeynep", "Arı")
    one = invite(head, tckn=known.tckn, phone="+905321112233")
    other = invite(head, phone="+905321112244")
    shown = list(invitations.open_of(company, now=NOON))
    assert {each.typed_name for each in shown} == {"Kemal Öztürk"}
    assert {type(one), type(other)} == {OperatorInvitation}


@pytest.mark.parametrize("seconds", [0, 5])
def test_a_code_that_cannot_be_sent_is_no_refusal(head: Operator, seconds: int, settings: Any) -> None:
    phone = "+905321112233"
    first, second = invite(head, phone=phone), invite(head, phone=phone, now=NOON + timedelta(seconds=seconds))
    assert first.pk != second.pk
    assert OneTimeCode.objects.filter(purpose="activation").count() == 1  # half a minute between two codes
    assert Event.objects.filter(kind="operator.code_not_sent").count() == 1


def test_no_event_names_the_person(head: Operator) -> None:
    tckn = new_tckn()
    invitation = invite(head, tckn=tckn)
    invitations.withdraw(acting(head), invitation.public_id, now=NOON)
    for event in Event.objects.all():
        said = bytes(event.body).decode()
        assert not any(word in said for word in (tckn, "5321112233", "Kemal", "Öztürk"))


# --- whose phone -----------------------------------------------------------------------------------------------------
def test_nobody_gets_into_a_company_by_having_invited_its_person_first(head: Operator, company: KepAccount) -> None:
    """A thief invites a stranger's number to his own company with his own phone; then the real company invites."""
    thiefs = make_account("hirsiz@hs01.kep.tr", holder="Hırsız A.Ş.")
    thief = make_operator(thiefs, make_person("Kara", "Gölge"), is_main=True, **ALL)
    tckn = new_tckn()
    victim = invite(thief, tckn=tckn, phone="+905340000001").person
    persons.set_secrets(victim, password=PASSWORD, pin=PIN)
    victim.save()
    real = invite(head, tckn=tckn, phone="+905340000002")
    with pytest.raises(NotYouForCertain):
        invitations.accept(victim, real.public_id, now=NOON)
    real.refresh_from_db()
    assert invitations.is_open(real, now=NOON)
    with pytest.raises(AccessRefused):
        access.account_for(victim, company.public_id, now=NOON)
    # at a branch the real one proves himself: his own phone, no secrets of the thief's
    seen = persons.enroll(
        tckn=tckn, first_name="Kemal", last_name="Öztürk", phone="+905340000002", now=NOON, established=True
    )
    assert not seen.has_secrets
    assert invitations.accept(seen, real.public_id, now=NOON).person == seen


# --- who may ---------------------------------------------------------------------------------------------------------
def test_who_may_not_manage_invites_nobody(head: Operator, company: KepAccount) -> None:
    clerk = make_operator(company, make_person(), **{**ALL, "may_manage_operators": False})
    with pytest.raises(MayNotManage):
        invite(clerk)
    assert not OperatorInvitation.objects.exists()
    assert Person.objects.count() == 2


@pytest.mark.parametrize(
    "grant",
    [Grant(frozenset({"may_read", "may_sign_and_send"})), Grant(frozenset({"may_read"}), is_main=True)],
)
def test_a_manager_offers_only_what_he_holds(head: Operator, company: KepAccount, grant: Grant) -> None:
    held = {**dict.fromkeys(RIGHTS, False), "may_read": True, "may_manage_operators": True}
    steward = make_operator(company, make_person(), **held)
    with pytest.raises(BeyondOwnRights):
        invite(steward, grant=grant)
    assert Person.objects.count() == 2


def test_bad_numbers_and_grants_are_refused_before_anything_is_written(head: Operator) -> None:
    with pytest.raises(TcknRefused):
        invite(head, tckn="12345678901")
    with pytest.raises(TcknRefused):
        invite(head, tckn="１２３４５６７８９０１")
    with pytest.raises(PhoneRefused):
        invite(head, phone="02121112233")
    with pytest.raises(GrantRefused):
        invite(head, grant=Grant(frozenset({"wants_sms"})))
    with pytest.raises(GrantRefused):
        invite(head, grant=Grant(frozenset({"may_read"}), ends_at=NOON))
    assert not OperatorInvitation.objects.exists()
    assert Person.objects.count() == 1


def test_one_open_invitation_and_one_office_for_a_person(head: Operator, company: KepAccount) -> None:
    someone = make_person()
    invitation = invite_known(head, someone)
    with pytest.raises(AlreadyOperator):
        invite_known(head, someone)
    invitations.accept(someone, invitation.public_id, now=NOON)
    with pytest.raises(AlreadyOperator):
        invite_known(head, someone)


def test_an_invitation_that_ran_out_does_not_stand_in_the_way(head: Operator) -> None:
    someone = make_person()
    first = invite_known(head, someone)
    later = NOON + invitations.LASTS
    with pytest.raises(InvitationOver):
        invitations.accept(someone, first.public_id, now=later)
    second = invite_known(head, someone, now=later)
    assert invitations.accept(someone, second.public_id, now=later).person == someone


def test_a_phone_is_not_flooded_through_invitations(head: Operator) -> None:
    someone = make_person()
    for _ in range(invitations.PER_PERSON_AND_DAY):
        invitation = invite_known(head, someone)
        invitations.withdraw(acting(head), invitation.public_id, now=NOON)
    with pytest.raises(TooManyInvitations):
        invite_known(head, someone)
    assert invite_known(head, someone, now=NOON + A_DAY)


def test_an_account_sends_so_many_invitations_a_day(head: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "PER_ACCOUNT_AND_DAY", 4)
    for number in range(4):
        invite(head, phone=f"+90532111{number:04d}")
    with pytest.raises(TooManyInvitations):
        invite(head, phone="+905321119999")


def test_telling_again_has_its_limit(head: Operator) -> None:
    invitation = invite_known(head, make_person())
    for minute in range(invitations.PER_PERSON_AND_DAY):
        invitations.send_again(acting(head), invitation.public_id, now=NOON + timedelta(minutes=minute + 1))
    with pytest.raises(TooManyInvitations):
        invitations.send_again(acting(head), invitation.public_id, now=NOON + timedelta(minutes=9))
    assert SmsNotice.objects.count() == 1 + invitations.PER_PERSON_AND_DAY


# --- who answers -----------------------------------------------------------------------------------------------------
def test_only_the_invited_person_answers(head: Operator) -> None:
    someone, stranger = make_person(), make_person("Can", "Er")
    invitation = invite_known(head, someone)
    answers: list[Callable[[Person, str], object]] = [
        lambda person, name: invitations.accept(person, name, now=NOON),
        lambda person, name: invitations.decline(person, name, now=NOON),
    ]
    said = set()
    for person, name in ((stranger, invitation.public_id), (head.person, invitation.public_id), (someone, "z" * 26)):
        for answer in answers:
            with pytest.raises(NoSuchInvitation) as refused:
                answer(person, name)
            said.add(refused.value.for_person())
    assert len(said) == 1
    assert not Operator.objects.filter(person__in=(someone, stranger)).exists()


def test_another_accounts_manager_neither_withdraws_nor_sends_again(head: Operator) -> None:
    other = make_operator(make_account("b@hs01.kep.tr", holder="B A.Ş."), make_person(), is_main=True, **ALL)
    invitation = invite_known(head, make_person())
    for act in (invitations.withdraw, invitations.send_again):
        with pytest.raises(NoSuchInvitation):
            act(acting(other), invitation.public_id, now=NOON)


@pytest.mark.parametrize("first", ["accept", "decline", "withdraw"])
@pytest.mark.parametrize("then", ["accept", "decline", "withdraw"])
def test_an_invitation_is_answered_once(head: Operator, first: str, then: str) -> None:
    someone = make_person()
    invitation = invite_known(head, someone)

    def answer(how: str) -> None:
        if how == "withdraw":
            invitations.withdraw(acting(head), invitation.public_id, now=NOON)
        else:
            getattr(invitations, how)(someone, invitation.public_id, now=NOON)

    answer(first)
    with pytest.raises(InvitationOver):
        answer(then)
    assert Operator.objects.filter(person=someone).count() == (first == "accept")


def test_what_a_removed_manager_offered_is_offered_no_more(head: Operator, company: KepAccount) -> None:
    second = make_operator(company, make_person("Elif", "Şahin"), is_main=True, **ALL)
    someone = make_person()
    invitation = invite_known(second, someone)
    offices.remove(acting(head), second.public_id, now=NOON)
    with pytest.raises(InvitationOver):
        invitations.accept(someone, invitation.public_id, now=NOON)


@pytest.mark.parametrize("state", ["SUSPENDED", "CLOSED", "PENDING_ACTIVATION"])
def test_no_office_begins_at_an_account_that_is_not_open(head: Operator, company: KepAccount, state: str) -> None:
    someone = make_person()
    invitation = invite_known(head, someone)
    KepAccount.objects.filter(pk=company.pk).update(state=state)
    with pytest.raises(InvitationOver):
        invitations.accept(someone, invitation.public_id, now=NOON)
    assert not invitations.open_for(someone, now=NOON).exists()


def test_an_office_may_begin_later_and_end_by_itself(
    head: Operator, company: KepAccount, clock: time_machine.Traveller
) -> None:
    someone = make_person()
    grant = Grant(frozenset({"may_read"}), starts_at=NOON + A_DAY, ends_at=NOON + 2 * A_DAY)
    invitation = invite_known(head, someone, grant=grant)
    invitations.accept(someone, invitation.public_id, now=NOON)
    for moment, acts in (
        (NOON, False),
        (NOON + A_DAY, True),
        (NOON + 2 * A_DAY - timedelta(seconds=1), True),
        (NOON + 2 * A_DAY, False),
    ):
        held = access.accounts_of(someone, now=moment)
        assert bool(held) is acts, moment


def test_an_offer_whose_last_day_is_over_is_refused(head: Operator) -> None:
    someone = make_person()
    invitation = invite_known(head, someone, grant=Grant(frozenset({"may_read"}), ends_at=NOON + A_DAY))
    with pytest.raises(GrantRefused):
        invitations.accept(someone, invitation.public_id, now=NOON + A_DAY)
    invitation.refresh_from_db()
    assert invitation.accepted_at is None


@pytest.mark.django_db(transaction=True)
def test_of_fifty_answers_at_the_same_moment_one_counts(company: KepAccount) -> None:
    head = make_operator(company, make_person("Mehmet", "Kaya"), is_main=True, **ALL)
    someone = make_person()
    invitation = invite_known(head, someone)
    ready, said = threading.Barrier(50), []

    def answer(number: int) -> None:
        try:
            ready.wait()
            how = invitations.decline if number % 2 else invitations.accept
            how(someone, invitation.public_id, now=NOON)
            said.append(how.__name__)
        except InvitationOver:
            said.append("over")
        finally:
            connection.close()

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said.count("over") == 49
    accepted = "accept" in said
    assert Operator.objects.filter(person=someone).count() == accepted
    invitation.refresh_from_db()
    assert (invitation.accepted_at is not None, invitation.declined_at is not None) == (accepted, not accepted)
