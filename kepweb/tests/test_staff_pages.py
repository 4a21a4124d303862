"""Four eyes on pages: counter, back office, and where a holder stops a change (V-031, V-036, V-040..V-049)."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.errors import NotServing
from accounts.models import Approval, Branch, DeskTally, KepAccount, Operator, Person, Post
from accounts.posts import Serving, serving_of
from accounts.tests.cast import (
    make_account,
    make_back_office,
    make_branch,
    make_clerk,
    make_operator,
    make_person,
    new_tckn,
    sign_in,
    texts,
)
from accounts.tests.conftest import NOON
from evidence.models import Event

pytestmark = pytest.mark.django_db
State = Approval.State
ASKED = {"belge": "id_card", "gordum": "on", "gerekce": "Parolasını unutmuş"}


@pytest.fixture(autouse=True)
def clock(time_machine: Any) -> Any:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def branch() -> Branch:
    return make_branch()


@pytest.fixture
def ali() -> Person:
    person = make_person("Ali", "Demir")
    make_account("ali.demir@hs01.kep.tr", holder=person)
    return person


def browser(by: Serving | Person) -> Client:
    """A browser in which this person is signed in."""
    client = Client(SERVER_NAME="127.0.0.1")
    sign_in(client, by.person if isinstance(by, Serving) else by)
    return client


@pytest.fixture
def zeynep(branch: Branch) -> Client:
    return browser(make_clerk(branch))


@pytest.fixture
def burak(branch: Branch) -> Client:
    return browser(make_clerk(branch, "Burak", "Çetin"))


def find(client: Client, text: str) -> HttpResponse:
    return client.post(reverse("accounts:desk_people"), {"ara": text})


def ask_reset(client: Client, person: Person) -> Approval:
    find(client, person.tckn)
    answer = client.post(reverse("accounts:desk_ask_reset", args=[person.pk]), ASKED)
    assert answer.status_code == 302, answer.content.decode()
    return Approval.objects.latest("pk")


def decide(client: Client, approval: Approval, karar: str, door: str = "accounts:desk_approval_decide") -> HttpResponse:
    return client.post(reverse(door, args=[approval.public_id]), {"karar": karar})


def newest_code(number: str) -> str:
    codes = [found[1] for sms in texts() if sms.to == number and (found := re.search(r"#([0-9]{6,8})$", sms.text))]
    return codes[-1]


# --- the counter ----------------------------------------------------------------------------------------------------
def test_two_clerks_give_a_person_new_secrets(zeynep: Client, burak: Client, ali: Person) -> None:
    page = zeynep.get(find(zeynep, ali.tckn).headers["Location"]).content.decode()
    assert "Ali Demir" in page
    assert ali.tckn not in page
    assert ali.phone not in page
    approval = ask_reset(zeynep, ali)
    own = zeynep.get(reverse("accounts:desk_approval", args=[approval.public_id])).content.decode()
    assert 'value="geri-al"' in own
    assert 'value="onayla"' not in own
    listed = burak.get(reverse("accounts:desk_approvals")).content.decode()
    assert "Ali Demir" in listed
    assert decide(burak, approval, "onayla").status_code == 302
    approval.refresh_from_db()
    assert approval.state == State.DONE
    assert newest_code(ali.phone)
    assert newest_code(ali.phone) not in burak.get(reverse("accounts:desk_approvals")).content.decode()


def test_nobody_decides_his_own_request_on_the_page(zeynep: Client, ali: Person) -> None:
    approval = ask_reset(zeynep, ali)
    answer = decide(zeynep, approval, "onayla")
    assert (answer.status_code, "ONY-02" in answer.content.decode()) == (403, True)
    approval.refresh_from_db()
    assert approval.state == State.ASKED


def test_a_page_about_somebody_opens_only_after_his_document_was_typed(
    zeynep: Client, burak: Client, ali: Person, clock: Any
) -> None:
    find(zeynep, ali.tckn)
    stranger = "4b22625c-18ad-437a-bcc1-5942c3664119"
    told = set()
    for client, key in ((burak, ali.pk), (burak, stranger), (zeynep, stranger)):
        for name in ("desk_person", "desk_ask_reset", "desk_ask_phone"):
            answer = client.get(reverse(f"accounts:{name}", args=[key]))
            assert answer.status_code == 404
            told.add(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.content.decode())))
    assert len(told) == 1
    for minutes in (10, 10, 9):
        clock.shift(timedelta(minutes=minutes))
        assert zeynep.get(reverse("accounts:desk_person", args=[ali.pk])).status_code == 200
    clock.shift(timedelta(minutes=1))
    assert zeynep.get(reverse("accounts:desk_person", args=[ali.pk])).status_code == 404


@pytest.mark.parametrize("text", ["", "1234", "ali.demir@hs01.kep.tr", "ali@gmail.com", "\x00", "１" * 11])
def test_what_names_nobody_opens_nothing(zeynep: Client, ali: Person, text: str) -> None:
    answer = find(zeynep, text)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


def test_each_look_is_written_down_and_sixty_an_hour_are_enough(zeynep: Client, ali: Person) -> None:
    find(zeynep, ali.tckn)
    find(zeynep, new_tckn())
    looks = list(Event.objects.filter(kind="desk.looked_up").order_by("pk"))
    assert [each.subject for each in looks] == [f"person:{ali.pk}", ""]
    assert all(b"cinarova-merkez" in bytes(each.body) and ali.tckn.encode() not in bytes(each.body) for each in looks)
    DeskTally.objects.update(count=60)
    assert find(zeynep, ali.tckn).status_code == 429


def test_fields_no_form_has_are_refused(zeynep: Client, burak: Client, ali: Person) -> None:
    find(zeynep, ali.tckn)
    url = reverse("accounts:desk_ask_reset", args=[ali.pk])
    assert zeynep.post(url, {**ASKED, "state": "DONE"}).status_code == 400
    assert not Approval.objects.exists()
    approval = ask_reset(zeynep, ali)
    url = reverse("accounts:desk_approval_decide", args=[approval.public_id])
    assert burak.post(url, {"karar": "onayla", "facts": "{}"}).status_code == 400
    approval.refresh_from_db()
    assert approval.state == State.ASKED


@pytest.mark.parametrize("missing", ["belge", "gordum", "gerekce"])
def test_a_request_says_what_was_seen_and_why(zeynep: Client, ali: Person, missing: str) -> None:
    find(zeynep, ali.tckn)
    given = {name: value for name, value in ASKED.items() if name != missing}
    answer = zeynep.post(reverse("accounts:desk_ask_reset", args=[ali.pk]), given)
    assert (answer.status_code, Approval.objects.count()) == (422, 0)
    assert f'href="#id_{missing}"' in answer.content.decode()


def test_a_clerk_whose_post_ended_a_moment_ago_is_refused(zeynep: Client, burak: Client, ali: Person) -> None:
    approval = ask_reset(zeynep, ali)
    Post.objects.filter(person__first_name="Burak").update(ends_at=NOON)
    assert decide(burak, approval, "onayla").status_code == 403
    approval.refresh_from_db()
    assert approval.state == State.ASKED


def test_another_branch_learns_nothing(zeynep: Client, ali: Person) -> None:
    approval = ask_reset(zeynep, ali)
    other = browser(make_clerk(make_branch("liman", "Liman Şubesi"), "Can", "Er"))
    unknown = reverse("accounts:desk_approval", args=["a" * 26])
    theirs = reverse("accounts:desk_approval", args=[approval.public_id])
    assert [other.get(each).status_code for each in (theirs, unknown)] == [404, 404]
    assert decide(other, approval, "onayla").status_code == 404
    assert "Ali Demir" not in other.get(reverse("accounts:desk_approvals")).content.decode()


def test_high_risk_work_asks_for_a_fresh_proof(zeynep: Client, burak: Client, ali: Person, clock: Any) -> None:
    approval = ask_reset(zeynep, ali)
    clock.shift(timedelta(minutes=11))
    answers = [
        zeynep.get(reverse("accounts:desk_ask_phone", args=[ali.pk])),
        zeynep.post(reverse("accounts:desk_ask_reset", args=[ali.pk]), ASKED),
        decide(burak, approval, "onayla"),
    ]
    assert [each.status_code for each in answers] == [302, 302, 302]
    assert all(each.headers["Location"].startswith("/hesap/dogrula/") for each in answers)
    approval.refresh_from_db()
    assert (approval.state, Approval.objects.count()) == (State.ASKED, 1)


def test_a_phone_is_changed_and_taken_back_on_pages(zeynep: Client, burak: Client, ali: Person) -> None:
    old, new = ali.phone, "+905550009911"
    find(zeynep, ali.tckn)
    url = reverse("accounts:desk_ask_phone", args=[ali.pk])
    sent = zeynep.post(url, {"telefon": "0555 000 99 11", "adim": "kod"})
    assert sent.status_code == 200
    code = newest_code(new)
    given = {**ASKED, "telefon": "0555 000 99 11", "adim": "iste"}
    assert zeynep.post(url, given).status_code == 422  # the code is missing
    assert zeynep.post(url, {**given, "kod": "000000"}).status_code == 422
    assert zeynep.post(url, {**given, "kod": code}).status_code == 302
    approval = Approval.objects.get()
    page = burak.get(reverse("accounts:desk_approval", args=[approval.public_id])).content.decode()
    assert "+90 555 000 99 11" in page
    assert old[-10:-2] not in page.replace(" ", "")
    assert decide(burak, approval, "onayla").status_code == 302
    ali.refresh_from_db()
    assert ali.phone == new
    stopped = Client().post(reverse("accounts:stop_change"), {"tckn": ali.tckn, "kod": newest_code(old)})
    assert stopped.status_code == 200
    ali.refresh_from_db()
    assert ali.phone == old


def test_an_account_is_closed_and_opened_again_by_two(zeynep: Client, burak: Client, ali: Person) -> None:
    account = KepAccount.objects.get(holder__person=ali)
    holder = browser(ali)
    assert holder.get(reverse("mailbox:inbox")).status_code == 200
    find(zeynep, ali.tckn)
    given = {"neden": "request", "gerekce": "Dilekçe verdi"}
    zeynep.post(reverse("accounts:desk_ask_close", args=[account.public_id]), given)
    assert holder.get(reverse("mailbox:inbox")).status_code == 200
    decide(burak, Approval.objects.latest("pk"), "onayla")
    account.refresh_from_db()
    assert account.state == KepAccount.State.CLOSED
    assert holder.get(reverse("mailbox:inbox")).status_code == 302  # his visit has ended
    change = account.changes.latest("pk")
    assert (change.reason, change.branch, change.note) == ("request", "cinarova-merkez", "Dilekçe verdi")
    zeynep.post(reverse("accounts:desk_ask_reopen", args=[account.public_id]), ASKED)
    decide(burak, Approval.objects.latest("pk"), "onayla")
    account.refresh_from_db()
    assert account.state == KepAccount.State.PENDING_ACTIVATION
    assert newest_code(ali.phone)


@pytest.mark.parametrize("reason", ["dissolution", "expired", ""])
def test_only_a_reason_that_fits_the_holder_is_taken(zeynep: Client, ali: Person, reason: str) -> None:
    account = KepAccount.objects.get(holder__person=ali)
    find(zeynep, ali.tckn)
    url = reverse("accounts:desk_ask_close", args=[account.public_id])
    assert zeynep.post(url, {"neden": reason, "gerekce": "x"}).status_code == 422


def test_an_operator_is_appointed_and_another_ended_by_two(zeynep: Client, burak: Client) -> None:
    company = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
    gone = make_operator(company, make_person("Eski", "Müdür"), is_main=True, may_manage_operators=True)
    tckn, phone = new_tckn(), "+905550008822"
    assert find(zeynep, company.address).status_code == 302
    url = reverse("accounts:desk_ask_appoint", args=[company.public_id])
    assert zeynep.post(url, {"tckn": tckn, "telefon": phone, "adim": "kod"}).status_code == 200
    given = {**ASKED, "tckn": tckn, "ad": "Yeni", "soyad": "Müdür", "telefon": phone, "kod": newest_code(phone)}
    rights = {"ana": "on", "gorev": "Müdür", "iliski": "", "yetkiler": ["may_read", "may_manage_operators"]}
    ended = reverse("accounts:desk_ask_end_office", args=[company.public_id, gone.public_id])
    zeynep.post(ended, {"gerekce": "Ayrıldı"})
    last = Approval.objects.latest("pk")
    decide(burak, last, "onayla")
    last.refresh_from_db()
    assert (last.state, last.end_reason) == (State.FAILED, "YTK-23")  # the last one needs a successor
    assert zeynep.post(url, {**given, **rights}).status_code == 302
    assert not Person.objects.filter(first_name="Yeni").exists()  # enrolled only when it is allowed
    decide(burak, Approval.objects.latest("pk"), "onayla")
    operator = Operator.objects.get(account=company, person__first_name="Yeni")
    assert (operator.is_main, operator.may_read, operator.may_delete) == (True, True, False)
    assert newest_code(phone)
    zeynep.post(ended, {"gerekce": "Ayrıldı"})
    decide(burak, Approval.objects.latest("pk"), "onayla")
    gone.refresh_from_db()
    assert gone.ends_at == NOON


# --- where a holder stops it ----------------------------------------------------------------------------------------
def test_wrong_numbers_and_wrong_codes_are_answered_alike(zeynep: Client, ali: Person) -> None:
    find(zeynep, ali.tckn)
    url = reverse("accounts:desk_ask_phone", args=[ali.pk])
    zeynep.post(url, {"telefon": "05550009911", "adim": "kod"})
    zeynep.post(url, {**ASKED, "telefon": "05550009911", "kod": newest_code("+905550009911"), "adim": "iste"})
    right = newest_code(ali.phone)
    told = set()
    for tckn, code in ((ali.tckn, "11223344"), (new_tckn(), right), (new_tckn(), "11223344")):
        answer = Client().post(reverse("accounts:stop_change"), {"tckn": tckn, "kod": code})
        said = re.sub(r'value="[^"]*"|nonce-[^\']*|nonce="[^"]*"', "", answer.content.decode())
        told.add((answer.status_code, said))
    assert len(told) == 1
    assert Approval.objects.get().state == State.ASKED


def test_somebody_signed_in_stops_what_is_about_himself_and_nothing_else(zeynep: Client, ali: Person) -> None:
    approval = ask_reset(zeynep, ali)
    stranger = make_person("Veli", "Kaya")
    make_account("veli.kaya@hs01.kep.tr", holder=stranger)
    url = reverse("accounts:stop_change")
    assert browser(stranger).post(url, {"istek": approval.public_id}).status_code == 404
    assert Client().post(url, {"istek": approval.public_id}).status_code == 400
    owner = browser(ali)
    assert approval.public_id in owner.get(url).content.decode()
    assert owner.post(url, {"istek": approval.public_id}).status_code == 200
    approval.refresh_from_db()
    assert approval.state == State.STOPPED


# --- the back office ------------------------------------------------------------------------------------------------
@pytest.fixture
def selin() -> Client:
    return browser(make_back_office())


@pytest.fixture
def okan() -> Client:
    return browser(make_back_office("Okan", "Tunç"))


def posted(branch: Branch | None, tckn: str, **other: str) -> dict[str, str]:
    given = {"tckn": tckn, "ad": "Derya", "soyad": "Işık", "telefon": "05550007733", "gerekce": "İşe başladı"}
    where = {"rol": "clerk", "sube": branch.public_id} if branch else {"rol": "back_office", "sube": ""}
    return {**given, **where, **other}


def test_two_of_the_back_office_give_a_post_and_end_it(selin: Client, okan: Client, branch: Branch) -> None:
    tckn = new_tckn()
    assert selin.post(reverse("staff:post_grant"), posted(branch, tckn)).status_code == 302
    assert not Person.objects.filter(first_name="Derya").exists()
    decide(okan, Approval.objects.latest("pk"), "onayla", "staff:approval_decide")
    derya = Person.objects.get(first_name="Derya")
    assert serving_of(derya, Post.Role.CLERK, now=NOON).branch == branch
    assert newest_code("+905550007733")
    post = Post.objects.get(person=derya)
    okan.post(reverse("staff:post_end", args=[post.public_id]), {"gerekce": "Ayrıldı"})
    decide(selin, Approval.objects.latest("pk"), "onayla", "staff:approval_decide")
    with pytest.raises(NotServing):
        serving_of(derya, Post.Role.CLERK, now=NOON)


def test_an_ended_post_ends_the_visit_at_once(selin: Client, okan: Client, zeynep: Client) -> None:
    assert zeynep.get(reverse("accounts:desk")).status_code == 200
    post = Post.objects.get(person__first_name="Zeynep")
    selin.post(reverse("staff:post_end", args=[post.public_id]), {"gerekce": "Ayrıldı"})
    decide(okan, Approval.objects.latest("pk"), "onayla", "staff:approval_decide")
    answer = zeynep.get(reverse("accounts:desk"))
    assert (answer.status_code, answer.headers["Location"].startswith("/giris/")) == (302, True)


def test_nobody_of_the_office_ends_his_own_post_or_decides_about_it(selin: Client, okan: Client) -> None:
    own = Post.objects.get(person__first_name="Selin")
    answer = selin.post(reverse("staff:post_end", args=[own.public_id]), {"gerekce": "x"})
    assert (answer.status_code, Approval.objects.count()) == (403, 0)
    okan.post(reverse("staff:post_end", args=[own.public_id]), {"gerekce": "x"})
    assert decide(selin, Approval.objects.get(), "onayla", "staff:approval_decide").status_code == 403


@pytest.mark.parametrize("other", [{"rol": "clerk", "sube": ""}, {"rol": "root"}, {"sube": "a" * 26}])
def test_a_post_needs_a_role_and_a_branch_that_fit(selin: Client, branch: Branch, other: dict[str, str]) -> None:
    answer = selin.post(reverse("staff:post_grant"), posted(branch, new_tckn(), **other))
    assert (answer.status_code, Approval.objects.count()) == (422, 0)


def test_a_branch_is_opened_and_closed_once_empty(selin: Client, zeynep: Client, branch: Branch) -> None:
    url = reverse("staff:branches")
    assert selin.post(url, {"ad": "Liman Şubesi", "il": "Çınarova", "kod": "liman"}).status_code == 302
    for code in ("liman", "Liman", "li man", "lıman", "x" * 17, ""):
        assert selin.post(url, {"ad": "Liman", "il": "Çınarova", "kod": code}).status_code == 422
    opened = Branch.objects.get(code="liman")
    assert selin.post(reverse("staff:branch_close", args=[branch.public_id])).status_code == 409
    assert selin.post(reverse("staff:branch_close", args=[opened.public_id])).status_code == 302
    assert selin.post(reverse("staff:branch_close", args=[opened.public_id])).status_code == 404


def test_an_account_is_suspended_by_order_and_let_go_on(selin: Client, okan: Client, ali: Person) -> None:
    account = KepAccount.objects.get(holder__person=ali)
    assert selin.get(reverse("staff:account", args=[account.public_id])).status_code == 404
    assert selin.post(reverse("staff:accounts"), {"adres": account.address}).status_code == 302
    url = reverse("staff:ask_suspend", args=[account.public_id])
    assert selin.post(url, {"neden": "holder", "gerekce": "x"}).status_code == 422
    assert selin.post(url, {"neden": "authority", "gerekce": "Karar 2026/14"}).status_code == 302
    decide(okan, Approval.objects.latest("pk"), "onayla", "staff:approval_decide")
    account.refresh_from_db()
    assert (account.state, account.suspended_for) == ("SUSPENDED", "authority")
    selin.post(reverse("staff:ask_resume", args=[account.public_id]), {"gerekce": "Karar kalktı"})
    decide(okan, Approval.objects.latest("pk"), "onayla", "staff:approval_decide")
    account.refresh_from_db()
    assert account.state == "ACTIVE"


def test_the_first_two_are_made_on_the_machine_and_no_third(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*words: str) -> None:
        given = iter(words)
        monkeypatch.setattr("builtins.input", lambda: next(given))

    for name in ("Selin", "Okan"):
        answer(new_tckn(), name, "Korkmaz", f"+9055500066{len(name)}1")
        call_command("kepstaff", "grant", stdout=StringIO())
    answer(new_tckn(), "Can", "Er", "+905550006699")
    with pytest.raises(CommandError, match="YON-04"):
        call_command("kepstaff", "grant", stdout=StringIO())
    assert Post.objects.count() == 2
    listed = StringIO()
    call_command("kepstaff", stdout=listed)
    assert "Selin Korkmaz" in listed.getvalue()
    assert not any(each.tckn in listed.getvalue() for each in Person.objects.all())


def test_a_wrong_number_on_the_machine_makes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda: "12345678901")
    with pytest.raises(CommandError, match="GRS-01"):
        call_command("kepstaff", "grant", stdout=StringIO())
    assert not Person.objects.exists()


# --- visits of whoever serves ---------------------------------------------------------------------------------------
def test_who_serves_idles_for_a_quarter_of_an_hour_and_others_for_half(
    zeynep: Client, selin: Client, ali: Person, clock: Any
) -> None:
    owner = browser(ali)
    clock.shift(timedelta(minutes=14, seconds=59))
    assert zeynep.get(reverse("accounts:desk")).status_code == 200
    clock.shift(timedelta(minutes=14, seconds=59))
    assert owner.get(reverse("mailbox:inbox")).status_code == 200
    assert selin.get(reverse("staff:approvals")).headers["Location"].startswith("/giris/")
    clock.shift(timedelta(minutes=1))
    assert zeynep.get(reverse("accounts:desk")).headers["Location"].startswith("/giris/")


def test_the_door_leads_everybody_to_his_own(zeynep: Client, selin: Client, ali: Person) -> None:
    at = {"clerk": zeynep, "office": selin, "owner": browser(ali)}
    assert {role: client.get("/").headers["Location"] for role, client in at.items()} == {
        "clerk": "/sube/",
        "office": "/yonetim/",
        "owner": "/gelen/",
    }


# --- queries --------------------------------------------------------------------------------------------------------
PERSON, LISTED, ONE, OFFICE_POSTS = 11, 9, 9, 6


def questions(client: Client, url: str) -> int:
    """How many a page asks, the session's and the visit's among them."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_pages_ask_a_constant_number_however_much_there_is(zeynep: Client, burak: Client, selin: Client) -> None:
    people = [make_person(f"Kişi{index}", "Demir") for index in range(6)]
    for index, person in enumerate(people):
        for number in range(index):
            make_account(f"kisi{index}.{number}@hs01.kep.tr", holder=person)
    first = ask_reset(zeynep, people[0])
    listed, one = reverse("accounts:desk_approvals"), reverse("accounts:desk_approval", args=[first.public_id])
    few = (questions(burak, listed), questions(burak, one))
    for person in people[1:]:
        ask_reset(zeynep, person)
    assert few == (questions(burak, listed), questions(burak, one)) == (LISTED, ONE)
    zeynep.get(reverse("accounts:desk"))  # what was said about the requests is shown, and gone from the session
    for person in (people[1], people[5]):
        assert questions(zeynep, reverse("accounts:desk_person", args=[person.pk])) == PERSON
    assert questions(selin, reverse("staff:posts")) == OFFICE_POSTS
