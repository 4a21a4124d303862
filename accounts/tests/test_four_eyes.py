"""Two people, one act: who may allow what, once only, as it was asked for, and not before its time (V-046, V-047)."""

import json
import threading
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction

from accounts import approval_errors as refusals
from accounts import approvals
from accounts.errors import AccountsError, NotServing, SmsUnavailable
from accounts.models import Approval, Person, Post
from accounts.posts import Serving
from accounts.tests.cast import make_back_office, make_branch, make_clerk, make_person
from accounts.tests.conftest import NOON
from evidence.models import Event

KIND = "test.note"


class Done:
    """What the acts of these tests leave behind: a row, so that a transaction that is undone takes it along."""

    def __init__(self) -> None:
        self.refusal: AccountsError | None = None
        self.until: datetime | None = None

    def execute(self, approval: Approval, now: datetime) -> None:
        """Write the note of the request on its person."""
        Person.objects.filter(pk=approvals.facts_of(approval)["whom"]).update(last_name="Yapıldı")
        if self.refusal is not None:
            raise self.refusal

    def undo(self, approval: Approval, now: datetime) -> None:
        """Take it back."""
        Person.objects.filter(pk=approvals.facts_of(approval)["whom"]).update(last_name="Geri alındı")

    def wait(self, approval: Approval) -> datetime | None:
        """Until when it has to wait."""
        return self.until


class Impossible(AccountsError):
    """A refusal for good."""

    code = "TST-01"


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> Done:
    """A kind of act of our own, for this test only."""
    monkeypatch.setattr(approvals, "_kinds", {})
    done = Done()
    approvals.register(
        KIND, title="Not", execute=done.execute, wait=done.wait, undo=done.undo, undo_within=timedelta(hours=72)
    )
    approvals.register("test.staff", title="Görev", execute=done.execute, roles=frozenset({Post.Role.BACK_OFFICE}))
    return done


@pytest.fixture
def desk(db: None, acts: Done) -> tuple[Serving, Serving]:
    """Two clerks of one branch."""
    branch = make_branch()
    return make_clerk(branch), make_clerk(branch, "Burak", "Çetin")


def asked(by: Serving, *, now: datetime = NOON, kind: str = KIND, **facts: str) -> Approval:
    """A request about a person of its own."""
    whom = make_person("Ali", "Demir")
    facts = {"whom": str(whom.pk), "person": str(whom.pk), **facts}
    return approvals.ask(kind, subject=f"person:{whom.pk}", facts=facts, why="Kimliği görüldü", by=by, now=now)


def is_done(approval: Approval) -> bool:
    """Whether the act left its trace."""
    return Person.objects.get(pk=approvals.facts_of(approval)["whom"]).last_name == "Yapıldı"


def events(word: str) -> list[Event]:
    """The events of this step."""
    return list(Event.objects.filter(kind=f"approval.{word}"))


def test_a_second_clerk_allows_and_the_act_is_done(desk: tuple[Serving, Serving]) -> None:
    first, second = desk
    approval = asked(first)
    assert not is_done(approval)
    after = approvals.approve(approval.public_id, by=second, now=NOON)
    assert (after.state, after.decided_by, is_done(after)) == (Approval.State.DONE, second.person, True)
    assert [each.actor for each in (*events("asked"), *events("approved"), *events("done"))] == [
        first.actor,
        second.actor,
        first.actor,
    ]


def test_events_name_branch_and_request_and_no_fact_of_the_act(desk: tuple[Serving, Serving]) -> None:
    approval = asked(desk[0], phone="+905550000999")
    (event,) = events("asked")
    body = json.loads(event.body)
    assert body["facts"] == {"approval": approval.public_id, "kind": KIND, "branch": "cinarova-merkez"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT facts, why FROM accounts_approval")
        stored = b"".join(bytes(each) for each in cursor.fetchone())
    assert b"0000999" not in stored
    assert "Kimliği".encode() not in stored


def test_whoever_asked_decides_nothing(desk: tuple[Serving, Serving]) -> None:
    first, _ = desk
    approval = asked(first)
    for verb in (approvals.approve, approvals.refuse):
        with pytest.raises(refusals.OwnRequest):
            verb(approval.public_id, by=first, now=NOON)
    assert not is_done(approval)
    assert not approvals.may_decide(approval, first)


def test_the_same_person_in_two_posts_is_one_pair_of_eyes(desk: tuple[Serving, Serving]) -> None:
    first, _ = desk
    post = Post.objects.create(person=first.person, role="back_office", starts_at=NOON, granted_by="system")
    approval = asked(first)
    with pytest.raises(refusals.OwnRequest):
        approvals.approve(approval.public_id, by=Serving(first.person, post, None), now=NOON)


def test_the_table_itself_knows_that_four_eyes_are_two_people(desk: tuple[Serving, Serving]) -> None:
    approval = asked(desk[0])
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(decided_by=desk[0].person)


def test_nobody_takes_part_in_what_is_about_himself(desk: tuple[Serving, Serving]) -> None:
    first, second = desk
    for subject, facts in ((f"person:{first.person.pk}", {}), ("account:abc", {"person": str(first.person.pk)})):
        with pytest.raises(refusals.OwnMatter):
            approvals.ask(KIND, subject=subject, facts=facts, why="gerekçe", by=first, now=NOON)
    about_second = approvals.ask(
        KIND, subject=f"person:{second.person.pk}", facts={}, why="gerekçe", by=first, now=NOON
    )
    with pytest.raises(refusals.OwnMatter):
        approvals.approve(about_second.public_id, by=second, now=NOON)


def test_another_branch_sees_and_decides_nothing(desk: tuple[Serving, Serving]) -> None:
    approval = asked(desk[0])
    stranger = make_clerk(make_branch("kiyi", "Kıyı Şubesi"), "Can", "Er")
    unknown = "a" * 26
    for verb in (approvals.approve, approvals.refuse, approvals.withdraw):
        told = []
        for number in (approval.public_id, unknown, "\x00", ""):
            with pytest.raises(refusals.ApprovalUnknown) as refused:
                verb(number, by=stranger, now=NOON)
            told.append(refused.value.for_person())
        assert len(set(told)) == 1
    assert list(approvals.open_for(stranger)) == []
    assert list(approvals.open_for(desk[1])) == [approval]


def test_the_back_office_decides_for_every_branch_and_alone_about_posts(desk: tuple[Serving, Serving]) -> None:
    office, other = make_back_office(), make_back_office("Okan", "Tunç")
    assert approvals.approve(asked(desk[0]).public_id, by=office, now=NOON).state == Approval.State.DONE
    with pytest.raises(refusals.NotThisPost):
        asked(desk[0], kind="test.staff")
    about_posts = asked(office, kind="test.staff")
    with pytest.raises(refusals.ApprovalUnknown):
        approvals.approve(about_posts.public_id, by=desk[1], now=NOON)
    assert approvals.approve(about_posts.public_id, by=other, now=NOON).state == Approval.State.DONE


def test_a_right_withdrawn_a_moment_ago_decides_nothing(desk: tuple[Serving, Serving]) -> None:
    first, second = desk
    approval = asked(first)
    Post.objects.filter(pk=second.post.pk).update(ends_at=NOON)  # the page was loaded before
    for verb in (approvals.approve, approvals.refuse):
        with pytest.raises(NotServing):
            verb(approval.public_id, by=second, now=NOON)
    with pytest.raises(NotServing):
        asked(second)
    assert not is_done(approval)


def test_a_person_shut_out_and_a_closed_branch_decide_nothing(desk: tuple[Serving, Serving]) -> None:
    first, second = desk
    approval = asked(first)
    Person.objects.filter(pk=second.person.pk).update(is_active=False)
    with pytest.raises(NotServing):
        approvals.approve(approval.public_id, by=second, now=NOON)
    Person.objects.filter(pk=second.person.pk).update(is_active=True)
    assert second.branch is not None
    type(second.branch).objects.update(closed_at=NOON)
    with pytest.raises(NotServing):
        approvals.approve(approval.public_id, by=second, now=NOON)


def test_what_somebody_asked_who_has_left_is_not_done(desk: tuple[Serving, Serving]) -> None:
    first, second = desk
    approval = asked(first)
    Post.objects.filter(pk=first.post.pk).update(ends_at=NOON)
    with pytest.raises(refusals.AskerLeft):
        approvals.approve(approval.public_id, by=second, now=NOON)
    assert approvals.refuse(approval.public_id, by=second, now=NOON).state == Approval.State.REFUSED


def test_an_approval_is_not_played_twice(desk: tuple[Serving, Serving]) -> None:
    first, second = desk
    approval = asked(first)
    approvals.approve(approval.public_id, by=second, now=NOON)
    Person.objects.filter(last_name="Yapıldı").update(last_name="Sıfırlandı")
    for verb in (approvals.approve, approvals.refuse):
        with pytest.raises(refusals.ApprovalOver):
            verb(approval.public_id, by=second, now=NOON)
    with pytest.raises(refusals.ApprovalOver):
        approvals.withdraw(approval.public_id, by=first, now=NOON)
    approvals.run_due(now=NOON + timedelta(days=4))
    assert not is_done(approval)


@pytest.mark.parametrize("verb", [approvals.refuse, approvals.withdraw])
def test_what_was_refused_or_withdrawn_is_never_done(desk: tuple[Serving, Serving], verb: object) -> None:
    first, second = desk
    approval = asked(first)
    if verb is approvals.refuse:
        approvals.refuse(approval.public_id, by=second, now=NOON)
    else:
        approvals.withdraw(approval.public_id, by=first, now=NOON)
    with pytest.raises(refusals.ApprovalOver):
        approvals.approve(approval.public_id, by=second, now=NOON)
    assert not is_done(approval)
    again = approvals.ask(
        KIND, subject=approval.subject, facts=approvals.facts_of(approval), why="yeniden", by=first, now=NOON
    )
    assert again.state == Approval.State.ASKED


def test_only_the_asker_withdraws(desk: tuple[Serving, Serving]) -> None:
    approval = asked(desk[0])
    with pytest.raises(refusals.ApprovalUnknown):
        approvals.withdraw(approval.public_id, by=desk[1], now=NOON)


def test_one_open_request_of_a_kind_for_one_subject(desk: tuple[Serving, Serving]) -> None:
    first, second = desk
    approval = asked(first)
    with pytest.raises(refusals.AlreadyAsked):
        approvals.ask(KIND, subject=approval.subject, facts={}, why="başka", by=second, now=NOON)


@pytest.mark.parametrize("why", ["", "   ", "\n\t"])
def test_a_request_says_why(desk: tuple[Serving, Serving], why: str) -> None:
    with pytest.raises(refusals.WhyMissing):
        approvals.ask(KIND, subject="account:x", facts={}, why=why, by=desk[0], now=NOON)


def test_nobody_decides_after_three_days(desk: tuple[Serving, Serving]) -> None:
    first, second = desk
    approval, late = asked(first), NOON + approvals.ASK_LIFE
    with pytest.raises(refusals.ApprovalOver):
        approvals.approve(approval.public_id, by=second, now=late)
    assert approvals.run_due(now=late - timedelta(seconds=1)) == 0
    assert approvals.run_due(now=late) == 1
    approval.refresh_from_db()
    assert approval.state == Approval.State.LAPSED
    assert approvals.run_due(now=late) == 0


# --- acts that wait -------------------------------------------------------------------------------------------------
def test_what_has_to_wait_is_done_by_a_worker_at_its_moment(desk: tuple[Serving, Serving], acts: Done) -> None:
    acts.until = NOON + timedelta(hours=72)
    approval = approvals.approve(asked(desk[0]).public_id, by=desk[1], now=NOON)
    assert (approval.state, approval.not_before) == (Approval.State.APPROVED, acts.until)
    assert approvals.run_due(now=acts.until - timedelta(seconds=1)) == 0
    assert not is_done(approval)
    assert approvals.run_due(now=acts.until) == 1
    approval.refresh_from_db()
    assert (approval.state, is_done(approval)) == (Approval.State.DONE, True)
    assert approvals.run_due(now=acts.until) == 0


def test_a_wait_that_has_grown_is_waited_for(desk: tuple[Serving, Serving], acts: Done) -> None:
    acts.until = NOON + timedelta(hours=1)
    approval = approvals.approve(asked(desk[0]).public_id, by=desk[1], now=NOON)
    acts.until = NOON + timedelta(hours=80)
    assert approvals.run_due(now=NOON + timedelta(hours=2)) == 1
    assert approvals.run_due(now=NOON + timedelta(hours=2)) == 0
    approval.refresh_from_db()
    assert (approval.state, approval.not_before, is_done(approval)) == (Approval.State.APPROVED, acts.until, False)
    assert approvals.run_due(now=acts.until) == 1
    assert is_done(approval)


def test_what_is_stopped_while_a_worker_has_it_in_hand_is_not_done(
    desk: tuple[Serving, Serving], acts: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts.until = NOON + timedelta(hours=1)
    approval = approvals.approve(asked(desk[0]).public_id, by=desk[1], now=NOON)

    def stopped_meanwhile(_: Approval) -> None:
        approvals.stop(Approval.objects.get(pk=approval.pk), reason="code", now=NOON)

    monkeypatch.setattr(approvals, "_waits_until", stopped_meanwhile)
    assert approvals.run_due(now=NOON + timedelta(hours=1)) == 0
    approval.refresh_from_db()
    assert (approval.state, is_done(approval)) == (Approval.State.STOPPED, False)


def test_what_was_allowed_can_be_taken_back_until_it_is_done(desk: tuple[Serving, Serving], acts: Done) -> None:
    acts.until = NOON + timedelta(hours=72)
    refused, withdrawn, stopped = (approvals.approve(asked(desk[0]).public_id, by=desk[1], now=NOON) for _ in range(3))
    office = make_back_office()
    approvals.refuse(refused.public_id, by=office, now=NOON)
    approvals.withdraw(withdrawn.public_id, by=desk[0], now=NOON)
    approvals.stop(stopped, reason="code", now=NOON)
    assert approvals.run_due(now=acts.until) == 0
    assert not any(is_done(each) for each in (refused, withdrawn, stopped))


def test_the_holder_undoes_what_was_done_within_its_time_and_once(desk: tuple[Serving, Serving]) -> None:
    early, late = (approvals.approve(asked(desk[0]).public_id, by=desk[1], now=NOON) for _ in range(2))
    last = NOON + timedelta(hours=72)
    assert approvals.can_be_stopped(early, now=last - timedelta(seconds=1))
    approvals.stop(early, reason="code", now=last - timedelta(seconds=1))
    assert early.state == Approval.State.STOPPED
    assert Person.objects.get(pk=approvals.facts_of(early)["whom"]).last_name == "Geri alındı"
    for approval, now in ((early, last - timedelta(seconds=1)), (late, last)):
        assert not approvals.can_be_stopped(approval, now=now)
        with pytest.raises(refusals.ApprovalOver):
            approvals.stop(approval, reason="code", now=now)
    assert is_done(late)


def test_a_refusal_for_good_leaves_nothing_but_its_reason(desk: tuple[Serving, Serving], acts: Done) -> None:
    acts.refusal = Impossible("cannot be done any more")
    approval = approvals.approve(asked(desk[0]).public_id, by=desk[1], now=NOON)
    assert (approval.state, approval.end_reason) == (Approval.State.FAILED, "TST-01")
    assert not is_done(approval)
    assert len(events("failed")) == 1
    assert events("done") == []


def test_a_failure_of_the_moment_is_tried_again_for_a_day(desk: tuple[Serving, Serving], acts: Done) -> None:
    acts.refusal = SmsUnavailable("no gateway")
    approval = approvals.approve(asked(desk[0]).public_id, by=desk[1], now=NOON)
    assert (approval.state, approval.not_before) == (Approval.State.APPROVED, NOON + approvals.RETRY)
    other = approvals.approve(asked(desk[0]).public_id, by=desk[1], now=NOON)
    acts.refusal = None
    assert approvals.run_due(now=NOON + approvals.RETRY) == 2
    approval.refresh_from_db()
    assert (approval.state, is_done(approval), is_done(other)) == (Approval.State.DONE, True, True)


def test_what_could_not_be_done_for_a_day_has_failed(desk: tuple[Serving, Serving], acts: Done) -> None:
    acts.refusal = SmsUnavailable("no gateway")
    approval = approvals.approve(asked(desk[0]).public_id, by=desk[1], now=NOON)
    acts.refusal = None
    assert approvals.run_due(now=NOON + approvals.DO_LIFE) == 1
    approval.refresh_from_db()
    assert (approval.state, approval.end_reason, is_done(approval)) == (Approval.State.FAILED, "too_late", False)


def test_a_row_that_breaks_its_worker_stands_in_nobodys_way(
    desk: tuple[Serving, Serving], acts: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts.until = NOON + timedelta(hours=1)
    poisoned, sound = (approvals.approve(asked(desk[0]).public_id, by=desk[1], now=NOON) for _ in range(2))
    Approval.objects.filter(pk=poisoned.pk).update(facts=json.dumps({}))  # its verb raises KeyError
    with pytest.raises(KeyError):
        approvals.run_due(now=acts.until)
    assert approvals.run_due(now=acts.until) == 1
    assert is_done(sound)


# --- at the same moment ---------------------------------------------------------------------------------------------
def at_once(number: int, call: object) -> list[object]:
    """What became of so many calls begun together: what each returned, or the refusal it met."""
    gate, results = threading.Barrier(number), []

    def one(index: int) -> None:
        gate.wait()
        try:
            results.append(call(index))  # type: ignore[operator]
        except AccountsError as refusal:
            results.append(refusal)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_fifty_approvals_at_the_same_moment_one_wins(acts: Done) -> None:
    branch = make_branch()
    first, others = make_clerk(branch), [make_clerk(branch, f"Kişi{index}") for index in range(5)]
    approval = asked(first)
    results = at_once(50, lambda index: approvals.approve(approval.public_id, by=others[index % 5], now=NOON))
    assert [type(each) for each in results].count(Approval) == 1
    assert [type(each) for each in results].count(refusals.ApprovalOver) == 49
    assert len(events("approved")) == len(events("done")) == 1
    assert is_done(approval)


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_approvals_refusals_and_stops_at_the_same_moment_one_stands(acts: Done) -> None:
    branch = make_branch()
    first, second = make_clerk(branch), make_clerk(branch, "Burak")
    acts.until = NOON + timedelta(hours=72)
    approval = asked(first)

    def call(index: int) -> object:
        if index % 3 == 0:
            return approvals.refuse(approval.public_id, by=second, now=NOON)
        if index % 3 == 1:
            return approvals.withdraw(approval.public_id, by=first, now=NOON)
        return approvals.stop(Approval.objects.get(pk=approval.pk), reason="code", now=NOON) or approval

    results = at_once(30, call)
    assert [isinstance(each, Approval) for each in results].count(True) == 1
    assert len(events("refused")) + len(events("withdrawn")) + len(events("stopped")) == 1


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_many_workers_do_what_is_due_once(acts: Done) -> None:
    branch = make_branch()
    first, second = make_clerk(branch), make_clerk(branch, "Burak")
    acts.until = NOON + timedelta(hours=1)
    approval = approvals.approve(asked(first).public_id, by=second, now=NOON)
    results = at_once(8, lambda _: approvals.run_due(now=NOON + timedelta(hours=1)))
    assert sum(results) == 1  # type: ignore[arg-type]
    assert len(events("done")) == 1
    assert is_done(approval)


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_fifty_requests_about_one_subject_one_is_open(acts: Done) -> None:
    clerk = make_clerk(make_branch())
    whom = make_person("Ali", "Demir")
    results = at_once(
        20,
        lambda _: approvals.ask(KIND, subject=f"person:{whom.pk}", facts={}, why="gerekçe", by=clerk, now=NOON),
    )
    assert [type(each) for each in results].count(Approval) == 1
    assert Approval.objects.count() == 1
