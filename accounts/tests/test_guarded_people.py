"""Phones and forgotten secrets at the desk: two clerks, 72 hours, and an owner who can stop it (design.md 1.9)."""

import re
from datetime import datetime, timedelta

import pytest

from accounts import approval_errors, approvals, one_time, recovery
from accounts.desk.identity_step import IdentityDocument
from accounts.errors import NotServing, PhoneRefused
from accounts.guarded import errors, phone, reset
from accounts.life_errors import CodeNotRight, CodeNotSent, RecoveryRefused
from accounts.models import Approval, OneTimeCode, OpenVisit, Person, Post, SmsNotice
from accounts.posts import Serving
from accounts.sms import SmsResult
from accounts.tests.cast import make_branch, make_clerk, make_person, new_tckn, texts
from accounts.tests.conftest import NOON
from evidence.models import Event

CARD = IdentityDocument.ID_CARD
NEW = "+905550009911"
HOUR = timedelta(hours=1)
Desk = tuple[Serving, Serving]

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(db: None) -> Desk:
    """Two clerks of one branch."""
    branch = make_branch()
    return make_clerk(branch), make_clerk(branch, "Burak", "Çetin")


@pytest.fixture
def ali(db: None) -> Person:
    """Somebody who was seen at a branch, with one open visit."""
    person = make_person("Ali", "Demir")
    OpenVisit.objects.create(person=person, session_key=f"s{person.pk.hex}", method="m", opened_at=NOON, seen_at=NOON)
    return person


def code_at(number: str) -> str:
    """The newest code a phone got."""
    codes = [found[1] for sms in texts() if sms.to == number and (found := re.search(r"#([0-9]{6,8})$", sms.text))]
    return codes[-1]


def ask_phone(person: Person, by: Serving, *, number: str = NEW, now: datetime = NOON) -> Approval:
    """The whole road at the desk: code to the new phone, read out, asked."""
    phone.send_code(person, phone=number, by=by, now=now)
    return phone.ask(person, phone=number, code=code_at(number), document=CARD, why="Telefonu kayıp", by=by, now=now)


def ask_reset(person: Person, by: Serving, *, now: datetime = NOON) -> Approval:
    """Asked for new secrets."""
    return reset.ask(person, document=CARD, why="Parolasını unutmuş", by=by, now=now)


def changed(person: Person, desk: Desk, *, number: str = NEW, now: datetime = NOON) -> Approval:
    """The phone is changed by two clerks."""
    approval = approvals.approve(ask_phone(person, desk[0], number=number, now=now).public_id, by=desk[1], now=now)
    assert approval.state == Approval.State.DONE
    person.refresh_from_db()
    return approval


# --- the phone ------------------------------------------------------------------------------------------------------
def test_a_phone_is_changed_by_two_clerks_and_both_phones_hear_of_it(ali: Person, desk: Desk) -> None:
    old = ali.phone
    approval = ask_phone(ali, desk[0])
    ali.refresh_from_db()
    assert ali.phone == old
    assert code_at(old)
    approvals.approve(approval.public_id, by=desk[1], now=NOON)
    ali.refresh_from_db()
    assert (ali.phone, ali.phone_changed_at) == (NEW, NOON)
    assert not OpenVisit.objects.filter(person=ali, ended_at=None).exists()
    (event,) = Event.objects.filter(kind="phone.changed")
    assert event.actor == desk[0].actor
    assert not any(number[3:].encode() in bytes(each.body) for each in Event.objects.all() for number in (old, NEW))


def test_the_new_phone_is_proved_by_a_code_that_went_to_it(ali: Person, desk: Desk) -> None:
    phone.send_code(ali, phone="+905550009922", by=desk[0], now=NOON)
    other = code_at("+905550009922")
    for code, refusal in ((other, errors.CodeWentElsewhere), ("000000", CodeNotRight)):
        with pytest.raises(refusal):
            phone.ask(ali, phone=NEW, code=code, document=CARD, why="kayıp", by=desk[0], now=NOON)
    assert not Approval.objects.exists()


@pytest.mark.parametrize("number", ["05321", "+442071234567", "0212 555 00 00", "+90 555 000 ０0 11", ""])
def test_no_other_number_than_a_mobile_one(ali: Person, desk: Desk, number: str) -> None:
    with pytest.raises(PhoneRefused):
        phone.send_code(ali, phone=number, by=desk[0], now=NOON)


def test_the_present_phone_and_somebody_nobody_has_seen_are_refused(ali: Person, desk: Desk) -> None:
    with pytest.raises(errors.SamePhone):
        phone.send_code(ali, phone=ali.phone, by=desk[0], now=NOON)
    Person.objects.filter(pk=ali.pk).update(identity_state=Person.IdentityState.FORM_ONLY)
    ali.refresh_from_db()
    with pytest.raises(errors.IdentityOpen):
        phone.send_code(ali, phone=NEW, by=desk[0], now=NOON)
    with pytest.raises(errors.IdentityOpen):
        ask_reset(ali, desk[0])


def test_without_a_word_to_the_old_phone_nothing_is_asked(
    ali: Person, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.send_code(ali, phone=NEW, by=desk[0], now=NOON)
    code = code_at(NEW)
    monkeypatch.setattr("accounts.sms.send", lambda *_: SmsResult(is_accepted=False, error="down"))
    with pytest.raises(CodeNotSent):
        phone.ask(ali, phone=NEW, code=code, document=CARD, why="kayıp", by=desk[0], now=NOON)
    assert not Approval.objects.exists()
    monkeypatch.undo()
    assert phone.ask(ali, phone=NEW, code=code, document=CARD, why="kayıp", by=desk[0], now=NOON)  # not used up


def test_the_owner_stops_a_change_before_it_is_allowed(ali: Person, desk: Desk) -> None:
    approval = ask_phone(ali, desk[0])
    phone.stop_by_code(tckn=ali.tckn, code=code_at(ali.phone), now=NOON)
    with pytest.raises(approval_errors.ApprovalOver):
        approvals.approve(approval.public_id, by=desk[1], now=NOON)
    ali.refresh_from_db()
    assert ali.phone_changed_at is None


def test_the_owner_takes_a_change_back_within_72_hours(ali: Person, desk: Desk) -> None:
    old = ali.phone
    changed(ali, desk)
    later = NOON + timedelta(hours=72) - timedelta(seconds=1)
    asked = ask_reset(ali, desk[0], now=later - HOUR)
    approvals.approve(asked.public_id, by=desk[1], now=later - HOUR)
    phone.stop_by_code(tckn=ali.tckn, code=code_at(old), now=later)
    ali.refresh_from_db()
    asked.refresh_from_db()
    assert (ali.phone, ali.phone_changed_at, asked.state) == (old, later, Approval.State.STOPPED)
    assert approvals.run_due(now=later + timedelta(hours=80)) == 0


def test_after_72_hours_the_change_stays(ali: Person, desk: Desk) -> None:
    old = ali.phone
    changed(ali, desk)
    with pytest.raises(errors.StopRefused):
        phone.stop_by_code(tckn=ali.tckn, code=code_at(old), now=NOON + timedelta(hours=72))
    ali.refresh_from_db()
    assert ali.phone == NEW


def test_a_change_on_top_of_a_change_does_not_take_the_stop_away(ali: Person, desk: Desk) -> None:
    old = ali.phone
    changed(ali, desk)
    second = "+905550009933"
    changed(ali, desk, number=second, now=NOON + HOUR)
    third = ask_phone(ali, desk[0], number="+905550009944", now=NOON + 2 * HOUR)
    phone.stop_by_code(tckn=ali.tckn, code=code_at(old), now=NOON + 3 * HOUR)
    ali.refresh_from_db()
    third.refresh_from_db()
    assert (ali.phone, third.state) == (old, Approval.State.STOPPED)
    assert set(Approval.objects.values_list("state", flat=True)) == {Approval.State.STOPPED}


def test_a_stop_code_works_once_and_for_its_person_only(ali: Person, desk: Desk) -> None:
    other = make_person("Veli", "Kaya")
    ask_phone(ali, desk[0])
    code = code_at(ali.phone)
    for tckn, wrong in ((other.tckn, code), (new_tckn(), code), (ali.tckn, "12345678")):
        with pytest.raises(errors.StopRefused):
            phone.stop_by_code(tckn=tckn, code=wrong, now=NOON)
    phone.stop_by_code(tckn=ali.tckn, code=code, now=NOON)
    with pytest.raises(errors.StopRefused):
        phone.stop_by_code(tckn=ali.tckn, code=code, now=NOON)


def test_fifty_guesses_stop_nothing(ali: Person, desk: Desk) -> None:
    approval = ask_phone(ali, desk[0])
    right = code_at(ali.phone)
    for index in range(50):
        with pytest.raises(errors.StopRefused):
            phone.stop_by_code(tckn=ali.tckn, code=f"{index:08d}", now=NOON)
    with pytest.raises(errors.StopRefused):
        phone.stop_by_code(tckn=ali.tckn, code=right, now=NOON)
    approval.refresh_from_db()
    assert approval.state == Approval.State.ASKED
    assert OneTimeCode.objects.get(purpose="stop").tries == 5


def test_what_was_asked_for_another_phone_is_not_done(ali: Person, desk: Desk) -> None:
    approval = ask_phone(ali, desk[0])
    Person.objects.filter(pk=ali.pk).update(phone="+905550007777")
    after = approvals.approve(approval.public_id, by=desk[1], now=NOON)
    assert (after.state, after.end_reason) == (Approval.State.FAILED, "ONY-25")


def test_a_recovery_code_on_its_way_to_the_old_phone_is_dead_with_the_change(ali: Person, desk: Desk) -> None:
    old = ali.phone
    approvals.approve(ask_reset(ali, desk[0]).public_id, by=desk[1], now=NOON)
    code = code_at(old)
    changed(ali, desk, now=NOON + HOUR)
    with pytest.raises(RecoveryRefused):
        recovery.recover(tckn=ali.tckn, code=code, password="kiraz-nehir-turna-1", pin="739152", now=NOON + HOUR)


def test_after_72_hours_the_old_phone_hears_of_no_reset(ali: Person, desk: Desk) -> None:
    old = ali.phone
    changed(ali, desk)
    SmsNotice.objects.all().delete()
    ask_reset(ali, desk[0], now=NOON + timedelta(hours=72))
    assert [notice.number for notice in SmsNotice.objects.all()] == [NEW]
    assert old != NEW


# --- the secrets ----------------------------------------------------------------------------------------------------
def test_two_clerks_begin_a_recovery_and_the_person_sets_the_secrets(ali: Person, desk: Desk) -> None:
    approval = ask_reset(ali, desk[0])
    assert not OneTimeCode.objects.filter(purpose="recovery").exists()
    approvals.approve(approval.public_id, by=desk[1], now=NOON)
    recovered = recovery.recover(
        tckn=ali.tckn, code=code_at(ali.phone), password="kiraz-nehir-turna-1", pin="739152", now=NOON
    )
    assert recovered.check_password("kiraz-nehir-turna-1")


def test_after_a_change_of_phone_a_reset_waits_72_hours_and_the_old_phone_hears_of_it(ali: Person, desk: Desk) -> None:
    old = ali.phone
    changed(ali, desk)
    asked_at = NOON + HOUR
    approval = approvals.approve(ask_reset(ali, desk[0], now=asked_at).public_id, by=desk[1], now=asked_at)
    due = NOON + timedelta(hours=72)
    assert (approval.state, approval.not_before) == (Approval.State.APPROVED, due)
    told = [notice.number for notice in SmsNotice.objects.all() if "yenilemesi" in notice.text]
    assert sorted(told) == sorted([old, NEW])
    assert approvals.run_due(now=due - timedelta(seconds=1)) == 0
    assert not OneTimeCode.objects.filter(purpose="recovery").exists()
    assert approvals.run_due(now=due) == 1
    assert OneTimeCode.objects.filter(purpose="recovery").exists()


def test_a_phone_changed_while_a_reset_waits_makes_it_wait_again(ali: Person, desk: Desk) -> None:
    changed(ali, desk)
    reset_of = approvals.approve(ask_reset(ali, desk[0]).public_id, by=desk[1], now=NOON)
    again = NOON + timedelta(hours=71)
    changed(ali, desk, number="+905550009933", now=again)
    approvals.run_due(now=NOON + timedelta(hours=72))
    reset_of.refresh_from_db()
    assert (reset_of.state, reset_of.not_before) == (Approval.State.APPROVED, again + timedelta(hours=72))


def test_a_reset_asked_before_the_phone_changed_waits_as_well(ali: Person, desk: Desk) -> None:
    asked = ask_reset(ali, desk[0])
    changed(ali, desk)
    after = approvals.approve(asked.public_id, by=desk[1], now=NOON + HOUR)
    assert (after.state, after.not_before) == (Approval.State.APPROVED, NOON + timedelta(hours=72))


def test_a_clerk_begins_nothing_for_himself(desk: Desk) -> None:
    first, second = desk
    with pytest.raises(approval_errors.OwnMatter):
        ask_reset(first.person, first)
    asked = ask_reset(second.person, first)
    with pytest.raises(approval_errors.OwnMatter):
        approvals.approve(asked.public_id, by=second, now=NOON)


def test_no_gateway_no_code_and_it_is_tried_again(ali: Person, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ask_reset(ali, desk[0])
    monkeypatch.setattr("accounts.sms.send", lambda *_: SmsResult(is_accepted=False, error="down"))
    assert approvals.approve(asked.public_id, by=desk[1], now=NOON).state == Approval.State.APPROVED
    monkeypatch.undo()
    assert approvals.run_due(now=NOON + approvals.RETRY) == 1
    asked.refresh_from_db()
    assert asked.state == Approval.State.DONE
    assert one_time.living("recovery", f"person:{ali.pk}", now=NOON + approvals.RETRY) is not None


def test_a_clerk_whose_post_ended_asks_for_nothing(ali: Person, desk: Desk) -> None:
    Post.objects.filter(pk=desk[0].post.pk).update(ends_at=NOON)
    with pytest.raises(NotServing):
        ask_reset(ali, desk[0])
    assert not Event.objects.filter(kind="approval.asked").exists()
