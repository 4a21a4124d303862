"""The six steps of the counter: in their order, once, by the right clerk, for the right person (V-045, V-047)."""

import threading
from datetime import date, timedelta

import pytest
from django.db import connection

from accounts import allotment
from accounts.applying.documents import PaperKind
from accounts.applying.errors import UnknownPaper
from accounts.applying.legal import LegalPerson
from accounts.desk import (
    activation_step,
    address_step,
    checklist,
    contract_step,
    decision,
    identity_step,
    papers_step,
    phone_step,
    queue,
)
from accounts.desk.checklist import Step
from accounts.desk.errors import (
    CodeOfAnotherPhone,
    DocumentExpired,
    IdentityDiffers,
    NameStays,
    NoSuchApplication,
    NotAttested,
    NotOpen,
    OwnApplication,
    PapersMissing,
    PhoneOnRecord,
    ReasonMissing,
    StepStays,
    TooLateToReject,
    WrongOrder,
)
from accounts.identity_errors import AddressTaken
from accounts.life_errors import CodeNotRight, CodeUsedUp
from accounts.models import (
    Application,
    ApplicationChange,
    CheckedStep,
    KepAccount,
    OneTimeCode,
    Operator,
    Person,
    SmsNotice,
)
from accounts.operators import Act
from accounts.tests.cast import make_account, make_person, new_tckn, texts
from accounts.tests.conftest import NOON
from accounts.tests.counter import Counter, make_application, make_branch, make_clerk, seen
from evidence.models import Event

State = Application.State
ALL = ("identity", "papers", "phone", "address", "contract")
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def branch(db):
    return make_branch()


@pytest.fixture
def clerk(branch):
    return make_clerk(branch, now=NOON)


@pytest.fixture
def counter(branch, clerk):
    return Counter(make_application(branch, now=NOON), clerk, NOON)


def done(application):
    return [line.step for line in checklist.checklist_of(application).lines if line.is_done]


# --- the whole road --------------------------------------------------------------------------------------------------
def test_six_steps_make_an_account_that_waits_for_its_holder(counter):
    counter.until(*ALL)
    activation_step.begin(counter.key, by=counter.by, now=NOON)

    application = counter.fresh()
    assert application.state == State.AWAITING_ACTIVATION
    assert application.account.state == KepAccount.State.PENDING_ACTIVATION
    assert application.account.address == "ali.demir@hs01.kep.tr"
    person = application.account.holder.person
    assert not person.has_secrets
    assert person.identity_state == Person.IdentityState.ESTABLISHED
    assert texts(person)[-1].text.startswith("KEP hs01 aktivasyon kodunuz")
    assert done(application) == list(Step)


def test_every_step_names_clerk_and_branch_and_no_personal_data(counter):
    counter.until(*ALL)
    activation_step.begin(counter.key, by=counter.by, now=NOON)
    rows = CheckedStep.objects.all()
    assert {(row.actor, row.branch) for row in rows} == {(counter.by.actor, "3401")}
    changes = ApplicationChange.objects.exclude(actor="applicant")
    assert {(row.actor, row.branch) for row in changes} == {(counter.by.actor, "3401")}
    bodies = b"".join(bytes(event.body) for event in Event.objects.all()).decode()
    application = counter.fresh()
    for secret in (application.tckn, application.phone, application.first_name, application.account.address):
        assert secret not in bodies
    facts = " ".join(str(row.facts) for row in rows)
    assert application.tckn not in facts
    assert application.phone not in facts


def test_no_answer_of_a_step_holds_the_code_of_the_holder(counter):
    counter.until(*ALL)
    code = activation_step.begin(counter.key, by=counter.by, now=NOON)
    sent = texts()[-1].text.rsplit("#", 1)[1]
    assert len(sent) == 8
    assert sent not in str(code.__dict__)
    assert sent not in str([row.facts for row in CheckedStep.objects.all()])


# --- order -----------------------------------------------------------------------------------------------------------
ACTS = {
    "papers": lambda c: papers_step.confirm(c.key, were_compared=True, by=c.by, now=NOON),
    "phone": lambda c: phone_step.send_code(c.key, phone="+905550000047", by=c.by, now=NOON),
    "phone code": lambda c: phone_step.confirm(c.key, code="123456", in_hand=True, by=c.by, now=NOON),
    "address": lambda c: address_step.choose(c.key, address="ali.demir@hs01.kep.tr", by=c.by, now=NOON),
    "contract": lambda c: contract_step.confirm(c.key, was_signed_here=True, by=c.by, now=NOON),
    "activation": lambda c: activation_step.begin(c.key, by=c.by, now=NOON),
}


@pytest.mark.parametrize("act", ACTS)
def test_no_step_comes_first_but_the_identity(counter, act):
    with pytest.raises(WrongOrder):
        ACTS[act](counter)
    assert done(counter.application) == []
    assert KepAccount.objects.count() == 0


@pytest.mark.parametrize(
    ("before", "act"),
    [(1, "phone"), (1, "address"), (2, "address"), (3, "contract"), (3, "activation"), (4, "activation")],
)
def test_no_step_is_skipped(counter, before, act):
    counter.until(*ALL[:before])
    with pytest.raises(WrongOrder):
        ACTS[act](counter)
    assert len(done(counter.application)) == before


def test_a_step_is_done_once(counter):
    counter.identity()
    with pytest.raises(WrongOrder):
        counter.identity()


# --- identity --------------------------------------------------------------------------------------------------------
def test_another_number_on_the_document_is_refused(counter):
    with pytest.raises(IdentityDiffers):
        identity_step.confirm(counter.key, seen=seen(counter.application, tckn=new_tckn()), by=counter.by, now=NOON)
    assert done(counter.application) == []


def test_a_document_of_yesterday_is_refused_and_one_of_today_is_not(counter):
    old = seen(counter.application, valid_until=date(2026, 11, 23))
    with pytest.raises(DocumentExpired):
        identity_step.confirm(counter.key, seen=old, by=counter.by, now=NOON)
    today = seen(counter.application, valid_until=date(2026, 11, 24))
    identity_step.confirm(counter.key, seen=today, by=counter.by, now=NOON)


def test_nothing_is_attested_for_the_clerk(counter):
    with pytest.raises(NotAttested):
        identity_step.confirm(
            counter.key, seen=seen(counter.application, is_same_person=False), by=counter.by, now=NOON
        )


def test_the_name_on_the_document_replaces_what_was_typed(counter):
    identity_step.confirm(counter.key, seen=seen(counter.application, first_name="Âli Işık"), by=counter.by, now=NOON)
    assert counter.fresh().first_name == "Âli Işık"
    assert CheckedStep.objects.get().facts == {"document": "id_card", "corrected": 1}


def test_the_name_of_an_open_account_is_not_changed_here(counter):
    counter.until("identity", "papers", "phone", "address")
    queue.reopen(counter.key, Step.IDENTITY, by=counter.by, now=NOON)
    with pytest.raises(NameStays):
        identity_step.confirm(counter.key, seen=seen(counter.application, last_name="Yılmaz"), by=counter.by, now=NOON)
    counter.identity()


# --- papers ----------------------------------------------------------------------------------------------------------
def test_papers_that_are_missing_keep_the_step_open(counter):
    counter.identity()
    with pytest.raises(PapersMissing) as refused:
        papers_step.confirm(counter.key, were_compared=True, by=counter.by, now=NOON)
    assert refused.value.facts["missing"] == 2
    assert counter.fresh().state == State.DOCUMENTS_AWAITED
    counter.papers()
    assert counter.fresh().state == State.UNDER_REVIEW


def test_a_paper_of_another_application_is_not_taken_back_here(counter, branch, clerk):
    other = Counter(make_application(branch, now=NOON), clerk, NOON)
    other.scan(papers_step.needs_of(other.fresh())[0].kind)
    theirs = papers_step.needs_of(other.fresh())[0].documents[0]
    with pytest.raises(UnknownPaper):
        papers_step.withdraw(counter.key, theirs.public_id, by=clerk, now=NOON)


@pytest.mark.parametrize("kind", ["signed_application", "registry", "official_letter"])
def test_a_paper_that_such_an_applicant_does_not_bring_is_not_filed(counter, kind):
    with pytest.raises(UnknownPaper):
        counter.scan(PaperKind(kind))


def test_a_paper_a_checked_step_stands_on_stays(counter):
    counter.until("identity", "papers")
    paper = papers_step.needs_of(counter.fresh())[0].documents[0]
    with pytest.raises(WrongOrder):
        papers_step.withdraw(counter.key, paper.public_id, by=counter.by, now=NOON)
    queue.reopen(counter.key, Step.PAPERS, by=counter.by, now=NOON)
    papers_step.withdraw(counter.key, paper.public_id, by=counter.by, now=NOON)
    with pytest.raises(PapersMissing):
        papers_step.confirm(counter.key, were_compared=True, by=counter.by, now=NOON)


def test_an_application_signed_by_e_imza_needs_no_paper(branch, clerk):
    signed = make_application(branch, now=NOON, signed_by_e_imza_at=NOON, wanted_address="ali.demir@hs01.kep.tr")
    counter = Counter(signed, clerk, NOON)
    counter.identity()
    papers_step.confirm(counter.key, were_compared=True, by=clerk, now=NOON)
    counter.until("phone", "address")
    contract_step.confirm(counter.key, was_signed_here=True, by=clerk, now=NOON)
    assert CheckedStep.objects.get(step=Step.CONTRACT.value).facts == {"by_e_imza": 1, "filed": 0}


# --- phone -----------------------------------------------------------------------------------------------------------
def test_the_code_that_was_read_out_checks_the_phone(counter):
    counter.until("identity", "papers", "phone")
    assert counter.fresh().phone_checked_at == NOON


def test_the_text_says_that_the_code_is_for_the_clerk(counter):
    counter.until("identity", "papers")
    phone_step.send_code(counter.key, phone="0555 000 00 47", by=counter.by, now=NOON)
    text = texts()[-1].text
    assert "gorevli" in text
    assert "paylasmayin" not in text


def test_a_wrong_code_is_counted_and_three_kill_it(counter):
    counter.until("identity", "papers")
    phone_step.send_code(counter.key, phone="+905550000047", by=counter.by, now=NOON)
    right = counter.code()
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for _ in range(3):
        with pytest.raises((CodeNotRight, CodeUsedUp)):
            phone_step.confirm(counter.key, code=wrong, in_hand=True, by=counter.by, now=NOON)
    with pytest.raises(CodeUsedUp):
        phone_step.confirm(counter.key, code=right, in_hand=True, by=counter.by, now=NOON)
    assert OneTimeCode.objects.get().tries == 3


def test_a_code_sent_to_the_number_before_proves_nothing(counter, clock):
    counter.until("identity", "papers")
    phone_step.send_code(counter.key, phone="+905550000047", by=counter.by, now=NOON)
    old = counter.code()
    Application.objects.filter(pk=counter.application.pk).update(phone="+905559998877")
    with pytest.raises(CodeOfAnotherPhone):
        phone_step.confirm(counter.key, code=old, in_hand=True, by=counter.by, now=NOON)
    assert counter.fresh().phone_checked_at is None


def test_a_known_persons_phone_is_not_changed_at_the_counter(counter):
    known = make_person("Ali", "Demir", tckn=counter.application.tckn, phone="+905551112233")
    Person.objects.filter(pk=known.pk).update(identity_state=Person.IdentityState.ESTABLISHED)
    counter.until("identity", "papers")
    with pytest.raises(PhoneOnRecord):
        phone_step.send_code(counter.key, phone="+905550000047", by=counter.by, now=NOON)
    counter.phone()
    assert texts()[-1].to == "+905551112233"
    counter.address()
    known.refresh_from_db()
    assert known.phone == "+905551112233"
    assert known.has_secrets


def test_a_phone_somebody_else_wrote_down_is_replaced_with_its_secrets(counter):
    thief = make_person("Ali", "Demir", tckn=counter.application.tckn, phone="+905551112233")
    Person.objects.filter(pk=thief.pk).update(identity_state=Person.IdentityState.FORM_ONLY)
    counter.until("identity", "papers", "phone", "address")
    thief.refresh_from_db()
    assert thief.phone == "+905550000047"
    assert not thief.has_secrets


# --- address ---------------------------------------------------------------------------------------------------------
def test_an_address_somebody_had_is_refused_and_nothing_is_half_done(counter):
    counter.until("identity", "papers", "phone")
    make_account("ali.demir@hs01.kep.tr", holder=make_person("Ali", "Demir"), state=KepAccount.State.CLOSED)
    with pytest.raises(AddressTaken):
        counter.address()
    assert counter.fresh().state == State.UNDER_REVIEW
    assert len(done(counter.application)) == 3


def test_an_address_that_was_given_stays(counter):
    counter.until("identity", "papers", "phone", "address")
    with pytest.raises(StepStays):
        queue.reopen(counter.key, Step.ADDRESS, by=counter.by, now=NOON)
    with pytest.raises(TooLateToReject):
        decision.reject(counter.key, why="Belgeler eksik kaldı.", by=counter.by, now=NOON)


# --- opened again, rejected ------------------------------------------------------------------------------------------
def test_a_step_opened_again_opens_the_later_ones_and_forgets_nothing(counter):
    counter.until(*ALL)
    queue.reopen(counter.key, Step.PAPERS, by=counter.by, now=NOON + timedelta(minutes=1))
    assert done(counter.application) == [Step.IDENTITY, Step.ADDRESS]
    assert CheckedStep.objects.count() == 5
    assert checklist.checklist_of(counter.application).next_step is Step.PAPERS


def test_a_step_that_is_not_checked_is_not_opened_again(counter):
    with pytest.raises(WrongOrder):
        queue.reopen(counter.key, Step.IDENTITY, by=counter.by, now=NOON)


def test_a_rejection_needs_a_reason_and_ends_everything(counter):
    counter.identity()
    with pytest.raises(ReasonMissing):
        decision.reject(counter.key, why="  hayır  ", by=counter.by, now=NOON)
    decision.reject(counter.key, why="Belgedeki fotoğraf başvurana ait değil.", by=counter.by, now=NOON)
    assert counter.fresh().state == State.REJECTED
    assert ApplicationChange.objects.order_by("-pk")[0].why == "Belgedeki fotoğraf başvurana ait değil."
    with pytest.raises(NotOpen):
        counter.papers()


def test_a_code_that_ran_out_is_sent_again_to_the_phone_on_record(counter, clock):
    counter.until(*ALL)
    activation_step.begin(counter.key, by=counter.by, now=NOON)
    later = NOON + timedelta(hours=25)
    activation_step.send_again(counter.key, by=counter.by, now=later)
    assert [sms.to for sms in texts()[-2:]] == ["+905550000047"] * 2
    with pytest.raises(NotOpen):
        activation_step.begin(counter.key, by=counter.by, now=later + timedelta(minutes=1))


def test_the_applicant_hears_of_a_rejection_on_a_phone_that_was_checked(counter):
    counter.until("identity", "papers", "phone")
    decision.reject(counter.key, why="Belgedeki fotoğraf başvurana ait değil.", by=counter.by, now=NOON)
    notice = SmsNotice.objects.get()
    assert notice.number == "+905550000047"
    assert "fotoğraf" not in notice.text
    assert notice.text.isascii()


def test_nobody_hears_of_it_on_a_phone_that_was_only_typed(counter):
    decision.reject(counter.key, why="Belgedeki fotoğraf başvurana ait değil.", by=counter.by, now=NOON)
    assert SmsNotice.objects.count() == 0


# --- other applicants -------------------------------------------------------------------------------------------------
LEGAL = LegalPerson(name="Çınarova Tarım Derneği", vkn="1234567890", company_type="dernek", province="Çınarova")


def test_a_legal_persons_account_gets_its_main_operator_with_every_right(branch, clerk):
    applied = make_application(branch, now=NOON, kind=Application.Kind.PRIVATE_LEGAL, legal=LEGAL.to_json())
    counter = Counter(applied, clerk, NOON)
    counter.until("identity", "papers", "phone")
    account = counter.address(allotment.proposals_for(counter.fresh())[0])
    counter.until("contract", "activation")
    operator = Operator.objects.get(account=account)
    assert operator.is_main
    assert all(getattr(operator, act.value) for act in Act)
    assert account.holder.name == "Çınarova Tarım Derneği"
    assert texts()[-1].to == operator.person.phone == "+905550000047"


def test_a_public_body_brings_its_letter_and_signs_no_undertaking(branch, clerk):
    legal = LegalPerson(name="Çınarova Belediyesi", detsis="24308110", vkn="1234567890", province="Çınarova")
    applied = make_application(branch, now=NOON, kind=Application.Kind.PUBLIC_LEGAL, legal=legal.to_json())
    counter = Counter(applied, clerk, NOON)
    assert [need.kind.value for need in papers_step.needs_of(applied) if need.is_needed] == [
        "official_letter",
        "form",
        "operator_identity",
    ]
    assert [need.kind.value for need in papers_step.signed_needs_of(applied)] == ["contract"]
    counter.until("identity", "papers", "phone")
    counter.address(allotment.proposals_for(counter.fresh())[0])
    counter.until("contract", "activation")
    assert counter.fresh().state == State.AWAITING_ACTIVATION


def test_a_member_of_a_corporate_application_gets_an_address_in_its_domain(branch, clerk):
    sponsor = make_account("cinarova@cinarova.hs01.kep.tr", holder="Çınarova")
    counter = Counter(make_application(branch, now=NOON, kind=Application.Kind.MEMBER, sponsor=sponsor), clerk, NOON)
    counter.until("identity", "papers", "phone")
    assert counter.address("ali.demir@cinarova.hs01.kep.tr").sponsor == sponsor.holder


# --- who -------------------------------------------------------------------------------------------------------------
EVERY_VERB = {
    "identity": lambda key, by: identity_step.confirm(key, seen=seen(Application.objects.get()), by=by, now=NOON),
    "papers": lambda key, by: papers_step.confirm(key, were_compared=True, by=by, now=NOON),
    "phone": lambda key, by: phone_step.send_code(key, phone="+905550000047", by=by, now=NOON),
    "code": lambda key, by: phone_step.confirm(key, code="123456", in_hand=True, by=by, now=NOON),
    "address": lambda key, by: address_step.choose(key, address="ali.demir@hs01.kep.tr", by=by, now=NOON),
    "contract": lambda key, by: contract_step.confirm(key, was_signed_here=True, by=by, now=NOON),
    "activation": lambda key, by: activation_step.begin(key, by=by, now=NOON),
    "again": lambda key, by: activation_step.send_again(key, by=by, now=NOON),
    "reject": lambda key, by: decision.reject(key, why="Gerekçe yazıldı.", by=by, now=NOON),
    "reopen": lambda key, by: queue.reopen(key, Step.IDENTITY, by=by, now=NOON),
    "look": lambda key, by: queue.look_at(key, by, now=NOON),
    "take": lambda key, by: queue.take(key, by, now=NOON),
}


@pytest.mark.parametrize("verb", EVERY_VERB)
def test_another_branchs_application_is_answered_like_none(counter, verb):
    stranger = make_clerk(make_branch("3402", "Çınarova Liman Şubesi"), now=NOON, name="Can")
    before = Event.objects.count()
    with pytest.raises(NoSuchApplication) as there:
        EVERY_VERB[verb](counter.key, stranger)
    with pytest.raises(NoSuchApplication) as nowhere:
        EVERY_VERB[verb]("a" * 26, stranger)
    assert there.value.for_person() == nowhere.value.for_person()
    assert Event.objects.count() == before


@pytest.mark.parametrize("verb", EVERY_VERB)
def test_a_clerk_does_not_handle_his_own_application(branch, verb):
    clerk = make_clerk(branch, now=NOON)
    own = make_application(branch, now=NOON, tckn=clerk.person.tckn)
    with pytest.raises(OwnApplication):
        EVERY_VERB[verb](own.public_id, clerk)


# --- at the same moment ----------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_of_many_right_codes_at_the_same_moment_one_checks_the_phone():
    branch = make_branch()
    counter = Counter(make_application(branch, now=NOON), make_clerk(branch, now=NOON), NOON)
    counter.until("identity", "papers")
    phone_step.send_code(counter.key, phone="+905550000047", by=counter.by, now=NOON)
    code = counter.code()
    won = at_once(50, lambda: phone_step.confirm(counter.key, code=code, in_hand=True, by=counter.by, now=NOON))
    assert won == 1
    assert CheckedStep.objects.filter(step=Step.PHONE.value).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_branches_that_take_an_application_one_has_it():
    clerks = [make_clerk(make_branch(code), now=NOON) for code in ("3401", "3402", "3403", "3404")]
    free = make_application(None, now=NOON)
    turns = iter(clerks * 5)
    lock = threading.Lock()

    def take():
        with lock:
            by = next(turns)
        queue.take(free.public_id, by, now=NOON)

    assert at_once(20, take) >= 1
    assert Event.objects.filter(kind="desk.application_taken").count() == 1


def at_once(count, act):
    """How many of `count` threads were not refused; anything but a refusal of ours is shown."""
    from guards.errors import KepError

    gate, won, broken = threading.Barrier(count), [], []

    def go():
        gate.wait()
        try:
            act()
            won.append(1)
        except KepError:
            pass
        except Exception as error:  # noqa: BLE001 - told below
            broken.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    return len(won)
