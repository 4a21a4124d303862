"""The verbs of a draft, asked directly and out of their order (V-045), and what a code to an old phone is worth."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from accounts import e_imza, one_time
from accounts.applying import draft, submitting
from accounts.applying.draft import Applicant, WantedAccount
from accounts.applying.errors import NoBranch, NotADraft, StepSkipped
from accounts.applying.legal import LegalPerson
from accounts.applying.states import State
from accounts.applying.status import read_number
from accounts.applying.submitting import open_at_once
from accounts.errors import CodeTooSoon
from accounts.identity import read_address
from accounts.identity_errors import AddressNotAllowed, AddressTaken
from accounts.models import Application, Branch, KepAccount
from accounts.tests.cast import LONG_AGO, make_account, make_person, new_tckn, texts
from accounts.tests.test_applying_states import NOW, make_draft, put

WHO = Applicant("12345678950", "Işıl", "Çağrı", "+905551112233")


@pytest.fixture(autouse=True)
def branch(db: None) -> Branch:
    """One open branch."""
    return Branch.objects.create(code="CIN", name="Çınarova Merkez", province="Ankara", opened_at=LONG_AGO)


def wanted(address: str = "isil.cagri@hs01.kep.tr") -> WantedAccount:
    """What is applied for."""
    return WantedAccount(read_address(address), KepAccount.Mode.RECEIVE_ONLY, "CIN")


def checked(application: Application) -> Application:
    """With its phone checked."""
    draft.send_phone_code(application, now=NOW)
    draft.check_phone(application, texts()[-1].code, now=NOW)
    return application


def test_a_code_that_went_to_the_old_phone_proves_no_new_one() -> None:
    application = make_draft()
    draft.send_phone_code(application, now=NOW)
    code = texts()[-1].code
    draft.change(application, replace(WHO, phone="+905559998877"), None, now=NOW)  # and no code could leave
    with pytest.raises(StepSkipped):
        draft.check_phone(application, code, now=NOW)
    application.refresh_from_db()
    assert application.phone_checked_at is None
    draft.change(application, WHO, None, now=NOW)
    draft.check_phone(application, code, now=NOW)  # the refusal gave the code back, and the phone is the one it went to


def test_no_account_is_chosen_before_the_phone_is_checked() -> None:
    application = make_draft()
    with pytest.raises(StepSkipped):
        draft.choose(application, wanted(), now=NOW)
    application.refresh_from_db()
    assert application.wanted_address == ""


def test_nothing_is_sent_before_every_step_is_done() -> None:
    application = make_draft()
    with pytest.raises(StepSkipped):
        submitting.submit(application, now=NOW)
    with pytest.raises(StepSkipped):
        submitting.submit(checked(application), now=NOW)
    draft.choose(application, wanted(), now=NOW)
    assert submitting.submit(application, now=NOW).state == State.DOCUMENTS_AWAITED


@pytest.mark.parametrize("state", sorted(set(State.values) - {"DRAFT"}))
def test_what_is_no_draft_any_more_takes_nothing(state: str) -> None:
    application = checked(make_draft())
    stale = Application.objects.get()  # the page was open before
    put(application, state)
    for act in (
        lambda: draft.change(stale, WHO, None, now=NOW),
        lambda: draft.choose(stale, wanted(), now=NOW),
        lambda: draft.check_phone(application, "000000", now=NOW),
        lambda: draft.send_phone_code(application, now=NOW + timedelta(minutes=2)),
        lambda: submitting.submit(stale, now=NOW),
    ):
        with pytest.raises(NotADraft):
            act()
    row = Application.objects.get()
    assert (row.state, row.wanted_address, row.tckn) == (state, "", application.tckn)


def test_an_address_is_asked_for_by_whoever_may_have_it_while_nobody_has_it() -> None:
    application = checked(make_draft())
    make_account("isil.cagri@hs01.kep.tr", holder=make_person(), state=KepAccount.State.CLOSED)
    with pytest.raises(AddressTaken):
        draft.choose(application, wanted(), now=NOW)
    with pytest.raises(AddressNotAllowed):
        draft.choose(application, wanted("ali.veli@hs01.kep.tr"), now=NOW)
    with pytest.raises(NoBranch):
        draft.choose(application, replace(wanted("isil.cagri.1@hs01.kep.tr"), branch_code="YOK"), now=NOW)


def test_a_legal_person_s_application_names_it_and_a_natural_person_s_names_none() -> None:
    with pytest.raises(ValueError, match="legal"):
        draft.begin(Application.Kind.PRIVATE_LEGAL, WHO, None, now=NOW)
    with pytest.raises(ValueError, match="legal"):
        draft.begin(Application.Kind.NATURAL, WHO, LegalPerson("Toros A.Ş."), now=NOW)


def test_no_account_opens_at_once_without_a_signature_or_for_a_legal_person() -> None:
    application = put(make_draft(), State.UNDER_REVIEW)
    assert not open_at_once(application, now=NOW)
    legal = draft.begin(Application.Kind.PRIVATE_LEGAL, replace(WHO, tckn=new_tckn()), LegalPerson("Toros"), now=NOW)
    put(legal, State.UNDER_REVIEW)
    legal.signed_by_e_imza_at = NOW
    assert not open_at_once(legal, now=NOW)
    assert not KepAccount.objects.exists()


def test_a_change_takes_the_signature_away() -> None:
    application = checked(make_draft())
    acts: tuple[Callable[[], None], ...] = (
        lambda: draft.change(application, replace(WHO, email="a@b.tr"), None, now=NOW),
        lambda: draft.choose(application, wanted(), now=NOW),
    )
    for act in acts:
        Application.objects.update(signed_by_e_imza_at=NOW, signature_digest=bytes(32), phone_checked_at=NOW)
        application.refresh_from_db()
        act()
        application.refresh_from_db()
        assert (application.signed_by_e_imza_at, application.signature_digest) == (None, None)
        assert e_imza.signed_text(application) == ""


def test_numbers_are_read_aloud_without_a_mistake_and_are_all_different() -> None:
    numbers = {draft.new_number(NOW) for _ in range(1000)}
    assert len(numbers) == 1000
    assert all(read_number(each) == each for each in numbers)
    assert not set("".join(each[7:] for each in numbers)) & set("01IO")


@pytest.mark.parametrize(
    "text", ["", "B-2026-7K3M9", "B-2026-7K3M9O", "Ｂ-2026-7K3M9Q", "B-2026-7K3M9Q\0", "B-٢٠٢٦-7K3M9Q"]
)
def test_what_is_no_number_is_nobody_s(text: str) -> None:
    assert read_number(text) == ""


def test_ten_codes_a_day_go_to_one_phone_whoever_begins_the_applications() -> None:
    now, sent = NOW, 0
    for _ in range(30):
        now += timedelta(minutes=20)
        try:
            draft.send_phone_code(make_draft(phone="+905551110000"), now=now)
            sent += 1
        except CodeTooSoon:
            continue
    assert sent == one_time.PER_DAY
