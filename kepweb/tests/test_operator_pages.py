"""The pages of *Yetkililer* in the frame of the house: what a hostile form, a stale page and a stranger get."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Document, Operator, OperatorInvitation, Person
from accounts.operating import grants, invitations
from accounts.operating.grants import RIGHTS
from accounts.tests.cast import make_account, make_operator, make_person, new_tckn, sign_in
from evidence.models import Event, SealRequest

pytestmark = [pytest.mark.django_db, pytest.mark.database]

ALL = dict.fromkeys(RIGHTS, True)
NONE = dict.fromkeys(RIGHTS, False)
PDF = b"%PDF-1.7\n%kucuk\nstartxref\n0\n%%EOF\n"


class Company:
    """A company with its main operator, a clerk and a manager, and a browser for each."""

    def __init__(self) -> None:
        self.account = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
        self.head = self.appoint("Mehmet", "Kaya", is_main=True, **ALL)
        self.clerk = self.appoint("Elif", "Şahin", **{**NONE, "may_read": True, "may_compose": True})

    def appoint(self, first_name: str, last_name: str, **switches: Any) -> Operator:
        return make_operator(self.account, make_person(first_name, last_name), **switches)

    def browser(self, operator: Operator) -> Client:
        client = Client()
        sign_in(client, operator.person, account=self.account)
        return client


@pytest.fixture
def company(db: None) -> Company:
    return Company()


def form_of(operator: Operator, **changed: str) -> dict[str, str]:
    """The edit form as the page of this moment would post it, with every box as it is."""
    fresh = Operator.objects.get(pk=operator.pk)
    held = {each: "on" for each in grants.offered(fresh.account) if getattr(fresh, each)}
    return {"seen": grants.state_of(fresh), "role": fresh.role, **held, **changed}


def invitation_form(**changed: str) -> dict[str, str]:
    return {
        "tckn": new_tckn(),
        "first_name": "Kemal",
        "last_name": "Öztürk",
        "phone": "0532 111 22 33",
        "may_read": "on",
        **changed,
    }


def said(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def url(name: str, *args: str) -> str:
    return reverse(f"accounts:{name}", args=args)


# --- the list --------------------------------------------------------------------------------------------------------
def test_the_list_names_rights_and_masks_numbers(company: Company) -> None:
    page = said(company.browser(company.head).get(url("operators")))
    assert "Elif Şahin" in page
    tckn = company.clerk.person.tckn
    assert tckn not in page
    assert f"{tckn[:2]}*******{tckn[-2:]}" in page
    assert page.count('data-held="true"') == 8 + 2  # a company sends no e-tebligat: no column for it
    assert 'aria-current="page"' in page


def test_the_menu_leads_there_for_whoever_may_look(company: Company) -> None:
    assert url("operators") in said(company.browser(company.head).get("/gelen/"))
    assert url("operators") not in said(company.browser(company.clerk).get("/gelen/"))


def test_a_main_operator_without_the_right_to_manage_looks_and_changes_nothing(company: Company) -> None:
    second = company.appoint("Can", "Er", is_main=True, **{**NONE, "may_read": True})
    browser = company.browser(second)
    page = said(browser.get(url("operators")))
    assert "Düzenle" not in page
    assert "Yetkili ekle" not in page
    assert browser.get(url("operator", company.clerk.public_id)).status_code == 403
    assert browser.post(url("operator_remove", company.clerk.public_id)).status_code == 403


def test_a_persons_own_account_has_no_operators(company: Company) -> None:
    person = make_person()
    make_account("ayse.yildiz@hs01.kep.tr", holder=person)
    client = Client()
    sign_in(client, person)
    answer = client.get(url("operators"))
    assert answer.status_code == 403
    assert "YTK-21" in said(answer)


def test_the_list_asks_the_same_with_two_and_with_forty(company: Company) -> None:
    browser = company.browser(company.head)

    def asked() -> int:
        browser.get(url("operators"))
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(url("operators")).status_code == 200
        return len(captured)

    two = asked()
    for number in range(38):
        company.appoint("Kişi", f"No{number}".replace("0", "a"), **{**NONE, "may_read": True})
    assert asked() == two == 11


# --- changing --------------------------------------------------------------------------------------------------------
def test_a_change_is_saved_and_told(company: Company) -> None:
    browser = company.browser(company.head)
    page = said(browser.get(url("operator", company.clerk.public_id)))
    assert "Elif Şahin: yetkileri" in page
    form = form_of(company.clerk, may_see_balance="on", role="Muhasebe", relation="accountant")
    answer = browser.post(url("operator", company.clerk.public_id), form, follow=True)
    assert "değişiklik kaydedildi" in said(answer)
    saved = Operator.objects.get(pk=company.clerk.pk)
    assert (saved.may_see_balance, saved.may_read, saved.role, saved.relation) == (True, True, "Muhasebe", "accountant")


@pytest.mark.parametrize(
    "field", ["is_superuser", "person", "account", "ends_at", "appointed_by", "may_rule", "id", "public_id", "state"]
)
def test_a_field_the_form_does_not_have_is_refused(company: Company, field: str) -> None:
    browser = company.browser(company.head)
    answer = browser.post(
        url("operator", company.clerk.public_id), form_of(company.clerk, may_see_balance="on", **{field: "1"})
    )
    assert answer.status_code == 400
    assert not Operator.objects.get(pk=company.clerk.pk).may_see_balance


def test_a_manager_has_no_box_for_main_operators_and_cannot_send_one(company: Company) -> None:
    steward = company.appoint("Derya", "Işık", **{**NONE, "may_read": True, "may_manage_operators": True})
    browser = company.browser(steward)
    address = url("operator", company.clerk.public_id)
    assert 'name="is_main"' not in said(browser.get(address))
    assert browser.post(address, form_of(company.clerk, is_main="on")).status_code == 400
    answer = browser.post(address, form_of(company.clerk, may_sign_and_send="on"))
    assert (answer.status_code, "YTK-26" in said(answer)) == (403, True)
    assert not Operator.objects.get(pk=company.clerk.pk).may_sign_and_send


def test_a_page_that_is_no_longer_true_saves_nothing_and_says_so(company: Company) -> None:
    browser = company.browser(company.head)
    stale = form_of(company.clerk, may_delete="on")
    Operator.objects.filter(pk=company.clerk.pk).update(may_compose=False)
    answer = browser.post(url("operator", company.clerk.public_id), stale)
    assert (answer.status_code, "YTK-31" in said(answer)) == (409, True)
    assert not Operator.objects.get(pk=company.clerk.pk).may_compose


def test_the_last_main_operator_hears_why(company: Company) -> None:
    browser = company.browser(company.head)
    answer = browser.post(url("operator_remove", company.head.public_id))
    assert (answer.status_code, "YTK-23" in said(answer)) == (422, True)
    form = form_of(company.head)
    del form["may_manage_operators"]
    answer = browser.post(url("operator", company.head.public_id), {**form, "is_main": "on"})
    assert (answer.status_code, "YTK-23" in said(answer)) == (422, True)


@pytest.mark.parametrize("role", ["Mu\u202ehasebe", "Mu\u200bhasebe", "Mu\nhasebe", "Mu\0hasebe", "x" * 41])
def test_a_role_is_one_visible_line(company: Company, role: str) -> None:
    answer = company.browser(company.head).post(
        url("operator", company.clerk.public_id), form_of(company.clerk, role=role)
    )
    assert answer.status_code == 422
    assert Operator.objects.get(pk=company.clerk.pk).role == ""


def test_a_role_is_text_and_never_markup(company: Company) -> None:
    browser = company.browser(company.head)
    browser.post(url("operator", company.clerk.public_id), form_of(company.clerk, role="<script>1</script>"))
    page = said(browser.get(url("operators")))
    assert "<script>1" not in page
    assert "&lt;script&gt;1" in page


@pytest.mark.parametrize(
    ("field", "value"),
    [("starts_on", "31.02.2027"), ("ends_on", "0000-00-00"), ("ends_on", "yarın"), ("relation", "x")],
)
def test_what_is_no_day_or_relation_is_told_at_its_field(company: Company, field: str, value: str) -> None:
    answer = company.browser(company.head).post(url("operator_invite"), invitation_form(**{field: value}))
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in said(answer)
    assert not OperatorInvitation.objects.exists()


def test_a_last_day_counts_whole_in_istanbul(company: Company) -> None:
    answer = company.browser(company.head).post(
        url("operator", company.clerk.public_id), form_of(company.clerk, ends_on="2099-12-31")
    )
    assert answer.status_code == 302
    ends_at = Operator.objects.get(pk=company.clerk.pk).ends_at
    assert ends_at is not None
    assert ends_at.isoformat() == "2099-12-31T21:00:00+00:00"  # midnight in Istanbul


# --- removing --------------------------------------------------------------------------------------------------------
def test_who_is_removed_is_out_at_the_next_request(company: Company) -> None:
    theirs, mine = company.browser(company.clerk), company.browser(company.head)
    assert theirs.get("/gelen/").status_code == 200
    page = said(mine.get(url("operator_remove", company.clerk.public_id)))
    assert "Yetkiler hemen biter" in page
    assert Operator.objects.get(pk=company.clerk.pk).ends_at is None  # looking removes nobody
    mine.post(url("operator_remove", company.clerk.public_id))
    answer = theirs.get("/gelen/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/giris/")


def test_the_changes_ask_for_a_fresh_proof(company: Company) -> None:
    with time_machine.travel("2026-11-24T09:00:00Z", tick=False) as clock:
        browser = company.browser(company.head)
        clock.shift(timedelta(minutes=11))
        assert browser.get(url("operators")).status_code == 200
        for name in ("operator", "operator_remove", "operator_papers"):
            for answer in (
                browser.get(url(name, company.clerk.public_id)),
                browser.post(url(name, company.clerk.public_id), form_of(company.clerk, may_delete="on")),
            ):
                assert answer.status_code == 302
                assert answer["Location"].startswith(reverse("accounts:step_up"))
        assert browser.post(url("operator_invite"), invitation_form())["Location"].startswith(
            reverse("accounts:step_up")
        )
        assert not OperatorInvitation.objects.exists()
        clock.shift(timedelta(minutes=-11))
        someone = make_person()
        invitation = _invited(company, someone)
        theirs = Client()
        sign_in(theirs, someone)
        clock.shift(timedelta(minutes=11))
        answer = theirs.post(url("invitation_accept", invitation.public_id))
        assert answer["Location"].startswith(reverse("accounts:step_up"))
    saved = Operator.objects.get(pk=company.clerk.pk)
    assert (saved.ends_at, saved.may_delete) == (None, False)
    assert not Operator.objects.filter(person=someone).exists()


# --- inviting --------------------------------------------------------------------------------------------------------
def test_the_answer_does_not_tell_whether_the_number_is_known(company: Company) -> None:
    browser = company.browser(company.head)
    known = make_person("Zeynep", "Arı")
    answers = [
        browser.post(url("operator_invite"), invitation_form(tckn=tckn), follow=True)
        for tckn in (known.tckn, new_tckn())
    ]
    pages = [re.sub(r"[a-z2-7]{26}|csrf\S+", "", said(each.client.get(url("operators")))) for each in answers]
    assert [each.status_code for each in answers] == [200, 200]
    assert pages[1].count("Kemal Öztürk") >= 2
    assert "Zeynep" not in pages[0] + said(answers[0])


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("tckn", "12345678901", "GRS-01"),
        ("tckn", "", ""),
        ("phone", "0212 111 22 33", "TEL-01"),
        ("first_name", "Ке\u043cal", ""),
        ("last_name", "Öztürk\u202e", ""),
        ("email", "kemal", ""),
    ],
)
def test_each_fault_stands_at_its_field_and_in_the_summary(company: Company, field: str, value: str, code: str) -> None:
    answer = company.browser(company.head).post(url("operator_invite"), invitation_form(**{field: value}))
    page = said(answer)
    assert answer.status_code == 422
    assert "Davet gönderilmedi" in page
    assert f'href="#id_{field}"' in page
    assert code in page
    assert not OperatorInvitation.objects.exists()


def test_the_invited_person_accepts_and_acts(company: Company) -> None:
    someone = make_person("Kemal", "Öztürk")
    make_account("kemal.ozturk@hs01.kep.tr", holder=someone)
    company.browser(company.head).post(
        url("operator_invite"), invitation_form(tckn=someone.tckn, phone=someone.phone, may_compose="on")
    )
    invitation = OperatorInvitation.objects.get()
    theirs = Client()
    sign_in(theirs, someone)
    assert url("invitations") in said(theirs.get("/gelen/"))  # in the menu of the person
    assert "Anadolu Makina" in said(theirs.get(url("invitations")))
    page = said(theirs.get(url("invitation", invitation.public_id)))
    assert "Açtığı ileti hesap sahibince okunmuş olur" in page
    assert not Operator.objects.filter(person=someone).exists()
    answer = theirs.post(url("invitation_accept", invitation.public_id), follow=True)
    assert "Anadolu Makina Ltd. Şti." in said(answer)
    assert "adına" in said(answer)
    assert Operator.objects.get(person=someone).may_compose
    again = theirs.post(url("invitation_accept", invitation.public_id))
    assert (again.status_code, "YTK-29" in said(again)) == (409, True)


def test_somebody_without_any_account_is_led_to_his_invitation(company: Company) -> None:
    someone = make_person("Kemal", "Öztürk")
    company.browser(company.head).post(url("operator_invite"), invitation_form(tckn=someone.tckn, phone=someone.phone))
    theirs = Client()
    sign_in(theirs, someone)
    answer = theirs.get(reverse("accounts:choose_account"))
    assert (answer.status_code, answer["Location"]) == (302, url("invitations"))
    declined = theirs.post(url("invitation_decline", OperatorInvitation.objects.get().public_id), follow=True)
    assert "Yanıt bekleyen davetiniz yok" in said(declined)


def test_a_stranger_hears_of_an_invitation_what_he_hears_of_none(company: Company) -> None:
    invitation = _invited(company, make_person())
    stranger = Client()
    sign_in(stranger, make_person("Can", "Er"))
    asks: list[Callable[[str], HttpResponse]] = [
        lambda name: stranger.get(url("invitation", name)),
        lambda name: stranger.post(url("invitation_accept", name)),
        lambda name: stranger.post(url("invitation_decline", name)),
    ]
    for ask in asks:
        theirs, none = ask(invitation.public_id), ask("b" * 26)
        assert theirs.status_code == none.status_code == 404
        assert _bare(theirs) == _bare(none)


def test_a_signed_out_visitor_reaches_nothing(company: Company) -> None:
    invitation = _invited(company, make_person())
    for path in (url("operators"), url("invitation", invitation.public_id), url("operator", company.clerk.public_id)):
        assert Client().get(path)["Location"].startswith("/giris/")
    assert Client().post(url("invitation_accept", invitation.public_id))["Location"].startswith("/giris/")
    assert not Operator.objects.filter(person=invitation.person).exists()


@pytest.mark.parametrize("name", ["invitation_accept", "invitation_decline", "invitation_withdraw", "invitation_again"])
def test_looking_answers_nothing(company: Company, name: str) -> None:
    someone = make_person()
    invitation = _invited(company, someone)
    client = Client()
    sign_in(client, someone)
    for browser in (client, company.browser(company.head)):
        assert browser.get(url(name, invitation.public_id)).status_code == 405
    invitation.refresh_from_db()
    assert invitations.is_open(invitation, now=invitation.invited_at)


# --- papers ----------------------------------------------------------------------------------------------------------
def test_a_paper_is_filed_fetched_and_taken_back(company: Company) -> None:
    browser = company.browser(company.head)
    address = url("operator_papers", company.clerk.public_id)
    assert browser.post(address, {"kind": "authority", "file": _file("yetki.pdf", PDF)}).status_code == 302
    paper = Document.objects.get()
    answer = browser.get(url("operator_paper", company.clerk.public_id, paper.public_id))
    assert (answer.content, answer["Content-Type"]) == (PDF, "application/pdf")
    assert answer["Content-Disposition"].startswith("attachment")
    assert Event.objects.filter(kind="operator.paper_added", subject=f"account:{company.account.public_id}").exists()
    assert browser.post(url("operator_paper_out", company.clerk.public_id, paper.public_id)).status_code == 302
    assert browser.get(url("operator_paper", company.clerk.public_id, paper.public_id)).status_code == 404


def test_a_page_of_html_is_no_paper_whatever_it_is_called(company: Company) -> None:
    answer = company.browser(company.head).post(
        url("operator_papers", company.clerk.public_id),
        {"kind": "authority", "file": _file("yetki.pdf", b"<html><script>1</script>")},
    )
    assert answer.status_code == 422
    assert not Document.objects.exists()


def test_papers_of_one_operator_are_not_fetched_through_another(company: Company) -> None:
    browser = company.browser(company.head)
    browser.post(
        url("operator_papers", company.clerk.public_id), {"kind": "authority", "file": _file("yetki.pdf", PDF)}
    )
    paper = Document.objects.get()
    assert browser.get(url("operator_paper", company.head.public_id, paper.public_id)).status_code == 404
    other = make_account("b@hs01.kep.tr", holder="B A.Ş.")
    theirs = make_operator(other, make_person(), is_main=True, **ALL)
    stranger = Client()
    sign_in(stranger, theirs.person)
    for operator in (company.clerk, theirs):
        assert stranger.get(url("operator_paper", operator.public_id, paper.public_id)).status_code == 404


# --- who did what, and the record ------------------------------------------------------------------------------------
def test_who_did_what_names_person_and_act(company: Company) -> None:
    browser = company.browser(company.head)
    browser.post(url("operator", company.clerk.public_id), form_of(company.clerk, may_see_balance="on"))
    page = said(browser.get(url("operator_activity")))
    assert "Yetkileri değiştirdi" in page
    assert "Mehmet Kaya" in page
    assert "Elif Şahin · verilen: Bakiye görme" in page
    assert "Bu hesap adına işlem yapmaya başladı" in page


def test_who_did_what_knows_nothing_of_other_accounts(company: Company) -> None:
    """The clerk works for another company as well: what she does there is not told here."""
    other = make_account("guven@hs01.kep.tr", holder="Güven Ticaret A.Ş.")
    make_operator(other, company.clerk.person)
    client = Client()
    sign_in(client, company.clerk.person, account=other)
    page = said(company.browser(company.head).get(url("operator_activity")))
    assert "Güven" not in page
    assert "Elif" not in page


def test_who_did_what_names_nobody_who_has_not_accepted(company: Company) -> None:
    someone = make_person("Zeynep", "Arı")
    invitation = _invited(company, someone)
    client = Client()
    sign_in(client, someone)
    client.post(url("invitation_decline", invitation.public_id))
    page = said(company.browser(company.head).get(url("operator_activity")))
    assert "Daveti kabul etmedi" in page
    assert "Zeynep" not in page
    assert "Davet edilen kişi" in page


@pytest.mark.parametrize(
    "once", ["", "x", "2026-11-24", "2026-11-24T10:00", "0001-01-01T00:00:00+14:00", "\0", "9" * 99]
)
def test_any_beginning_of_an_older_page_is_answered(company: Company, once: str) -> None:
    assert company.browser(company.head).get(url("operator_activity"), {"once": once}).status_code == 200


def test_older_pages_miss_no_deed(company: Company) -> None:
    from accounts.operating import activity

    browser = company.browser(company.head)
    for number in range(activity.PAGE + 20):
        with_or_without = {"may_delete": "on"} if number % 2 == 0 else {}
        form = form_of(company.clerk)
        form.pop("may_delete", None)
        browser.post(url("operator", company.clerk.public_id), {**form, **with_or_without})
    total = Event.objects.filter(subject=f"account:{company.account.public_id}").count()
    seen, address = 0, url("operator_activity")
    while address:
        answer = browser.get(address)
        seen += len(answer.context["rows"])
        address = url("operator_activity") + answer.context["older"] if answer.context["older"] else ""
    assert seen == total


def test_a_record_is_asked_once_a_minute_and_waited_for(company: Company) -> None:
    browser = company.browser(company.head)
    first = browser.post(url("operator_record_ask"))
    second = browser.post(url("operator_record_ask"))
    assert first.status_code == second.status_code == 302
    assert SealRequest.objects.filter(kind="pdf.operators").count() in (1, 2)  # a minute may end between the two
    page = browser.get(first["Location"])
    assert page.status_code == 202
    assert "hazırlanıyor" in said(page)
    for version in ("1", "x" * 12, "209912312359", "２０２６１１２４０９００"):
        assert browser.get(url("operator_record", version)).status_code == 404


def _invited(company: Company, someone: Person) -> OperatorInvitation:
    company.browser(company.head).post(url("operator_invite"), invitation_form(tckn=someone.tckn, phone=someone.phone))
    return OperatorInvitation.objects.get(person=someone)


def _file(name: str, raw: bytes) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, raw)


def _bare(answer: HttpResponse) -> str:
    return re.sub(r'value="[A-Za-z0-9]{64}"|nonce="[^"]+"|/yetkililer/[^"]*', "", said(answer))
