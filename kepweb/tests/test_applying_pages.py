"""`/basvuru/` in the house frame: strangers, skipped steps, extra fields, limits, and what an applicant sees."""

import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.applying import limits, states, submitting
from accounts.applying.errors import TooManyFromHere
from accounts.applying.limits import Door
from accounts.applying.states import Event
from accounts.hygiene import forget_old
from accounts.models import Application, ApplicationChange, Document, DoorTally, KepAccount, OneTimeCode, Person
from accounts.tests.cast import make_account, make_person, new_tckn, texts
from accounts.tests.papers import jpeg, pdf, png
from evidence.models import Event as LogEvent
from kepweb.tests.applying_journey import FORMS, apply, begin, check_phone, choose, codes, last_code, make_branch, post

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
pytestmark = [pytest.mark.django_db]


@pytest.fixture(autouse=True)
def clock() -> Any:
    """Noon in Istanbul, until it is moved."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def branch() -> Any:
    """One open branch."""
    return make_branch()


def upload(client: Client, kind: str, raw: bytes, name: str = "belge.pdf") -> Any:
    """One paper, as the form sends it."""
    return post(client, "applying_papers", tur=kind, dosya=SimpleUploadedFile(name, raw))


# --- the whole way ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["gercek", "tuzel", "kamu"])
def test_from_the_first_form_to_the_branch(client: Client, kind: str) -> None:
    application = apply(client, kind)
    assert application.state == "DRAFT"
    page = client.get(reverse("accounts:applying_papers"))
    assert page.status_code == 200
    for name in ("applying_form", "applying_undertaking"):
        paper = client.get(reverse(f"accounts:{name}"))
        assert paper.content.startswith(b"%PDF-1.7")
        assert paper.headers["Content-Disposition"].startswith("attachment;")
    assert post(client, "applying_submit").status_code == 302
    application.refresh_from_db()
    assert application.state == "DOCUMENTS_AWAITED"
    assert application.submitted_at == NOW
    mine = client.get(reverse("accounts:applying_mine")).content.decode()
    assert application.number in mine
    assert "Belgeler bekleniyor" in mine
    assert application.tckn not in mine


def test_with_every_needed_paper_the_branch_begins_at_once(client: Client) -> None:
    application = apply(client)
    for kind, raw in (("identity", jpeg()), ("form", pdf(b"form")), ("undertaking", png())):
        assert upload(client, kind, raw).status_code == 302
    post(client, "applying_submit")
    application.refresh_from_db()
    assert application.state == "UNDER_REVIEW"


def test_the_last_missing_paper_hands_the_application_in(client: Client) -> None:
    application = apply(client)
    post(client, "applying_submit")
    for kind, raw in (("identity", jpeg()), ("form", pdf(b"form")), ("undertaking", png())):
        application.refresh_from_db()
        assert application.state == "DOCUMENTS_AWAITED"
        upload(client, kind, raw)
    application.refresh_from_db()
    assert application.state == "UNDER_REVIEW"
    words = [change.to_state for change in ApplicationChange.objects.order_by("pk")]
    assert words == ["DRAFT", "DOCUMENTS_AWAITED", "UNDER_REVIEW"]


def test_no_event_and_no_log_line_holds_what_the_applicant_wrote(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    application = apply(client, "tuzel")
    upload(client, "registry", pdf(), name="Toros sicil.pdf")
    post(client, "applying_submit")
    written = b"".join(bytes(event.body) for event in LogEvent.objects.all()).decode() + caplog.text
    for secret in (application.tckn, "5559876543", "Çağrı", "Toros", "isil@", last_code()):
        assert secret not in written
    with connection.cursor() as cursor:
        cursor.execute("SELECT tckn, first_name, last_name, phone, email, legal FROM accounts_application")
        row = b"".join(bytes(each) for each in cursor.fetchone())
    for secret in (application.tckn, "5559876543", "Çağrı", "Toros", "isil@"):
        assert secret.encode() not in row


# --- steps cannot be skipped (V-045) ----------------------------------------------------------------------------------
CLOSED = ("applying_details", "applying_phone", "applying_account", "applying_papers", "applying_mine",
          "applying_form", "applying_undertaking", "applying_withdraw")  # fmt: skip


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_browser_without_an_application_is_led_to_where_one_is_opened(client: Client, name: str, method: str) -> None:
    answer = getattr(client, method)(reverse(f"accounts:{name}"))
    if answer.status_code != 405:
        assert answer.headers["Location"] == reverse("accounts:applying_status")
    for name in ("applying_submit", "applying_phone_code", "applying_sign"):
        assert post(client, name).headers["Location"] == reverse("accounts:applying_status")


@pytest.mark.parametrize(
    "name", ["applying_account", "applying_papers", "applying_form", "applying_undertaking", "applying_mine"]
)
def test_before_the_phone_is_checked_every_later_step_leads_back_to_it(client: Client, name: str) -> None:
    begin(client)
    assert client.get(reverse(f"accounts:{name}")).headers["Location"] == reverse("accounts:applying_phone")


def test_nothing_is_sent_and_nothing_uploaded_before_phone_and_account(client: Client) -> None:
    begin(client)
    assert post(client, "applying_submit").status_code == 302
    assert upload(client, "identity", pdf()).status_code == 302
    assert (
        post(client, "applying_account", adres="isil.cagri@hs01.kep.tr", hizmet="receive_only", sube="CIN").status_code
        == 302
    )
    check_phone(client)
    assert post(client, "applying_submit").status_code == 302
    assert upload(client, "identity", pdf()).status_code == 302
    application = Application.objects.get()
    assert (application.state, application.wanted_address) == ("DRAFT", "")
    assert not Document.objects.exists()


def test_what_was_sent_cannot_be_changed_or_sent_again(client: Client) -> None:
    application = apply(client)
    post(client, "applying_submit")
    post(client, "applying_details", **{"tckn": new_tckn(), **FORMS["gercek"], "ad": "Başka"})
    choose_again = post(client, "applying_account", adres="isil.cagri.9@hs01.kep.tr", hizmet="receive_only", sube="CIN")
    assert choose_again.status_code == 302
    assert post(client, "applying_submit").status_code == 409
    application.refresh_from_db()
    assert application.first_name == "Işıl"
    assert ApplicationChange.objects.count() == 2


def test_a_new_phone_is_checked_again_and_an_old_code_does_not_prove_it(client: Client, clock: Any) -> None:
    begin(client)
    old = last_code()
    clock.shift(timedelta(minutes=1))
    application = Application.objects.get()
    details = {"tckn": application.tckn, **FORMS["gercek"], "telefon": "05551230000"}
    post(client, "applying_details", **details)
    answer = post(client, "applying_phone", kod=old)
    assert answer.status_code == 422
    application.refresh_from_db()
    assert application.phone_checked_at is None
    post(client, "applying_phone", kod=last_code("+905551230000"))
    application.refresh_from_db()
    assert application.phone_checked_at is not None
    post(client, "applying_details", **(details | {"telefon": FORMS["gercek"]["telefon"]}))
    application.refresh_from_db()
    assert application.phone_checked_at is None


def test_another_name_gives_the_address_back(client: Client) -> None:
    application = apply(client)
    post(client, "applying_details", **{"tckn": application.tckn, **FORMS["gercek"], "soyad": "Deniz"})
    application.refresh_from_db()
    assert application.wanted_address == ""
    assert client.get(reverse("accounts:applying_papers")).headers["Location"] == reverse("accounts:applying_account")


# --- forms ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("tckn", "12345678951", "GRS-01"),
        ("tckn", "１２３４５６７８９５０", "GRS-01"),
        ("ad", "Ay\u200bşe", "KIM-02"),
        ("ad", "Аyşe", "KIM-02"),  # a Cyrillic А
        ("soyad", "Robert'); DROP", "KIM-02"),
        ("telefon", "0312 123 45 67", "TEL-01"),
        ("telefon", "0850 123 45 67", "TEL-01"),
        ("eposta", "isil@hs01.kep.tr", "BSV-20"),
        ("eposta", "isil@example.com\r\nBcc: x@y.tr", "BSV-20"),
        ("dogum", "01.01.2040", "BSV-20"),
        ("dogum", "01.01.1850", "BSV-20"),
        ("mersis", "012345", "KIM-01"),
        ("mersis", "", "BSV-20"),
        ("vkn", "1234567891", "KIM-01"),
        ("sicil_mudurlugu", "", "BSV-20"),
        ("unvan", "Toros\u202eŞ.A", "BSV-20"),
        ("unvan", "!!", "BSV-20"),
    ],
)
def test_a_wrong_detail_is_said_at_its_field_and_nothing_is_begun(
    client: Client, field: str, value: str, code: str
) -> None:
    answer = begin(client, "tuzel", **{field: value})
    assert answer.status_code == 422
    assert codes(answer) == [code]
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not Application.objects.exists()
    assert texts() == []


FOREIGN = (
    "state",
    "number",
    "branch",
    "account",
    "phone_checked_at",
    "signed_by_e_imza_at",
    "tckn_index",
    "sponsor",
    "batch",
)


@pytest.mark.parametrize("field", FOREIGN)
def test_a_field_too_many_is_refused_on_every_form(client: Client, field: str) -> None:
    assert codes(begin(client, **{field: "x"})) == ["BSV-27"]
    begin(client)
    assert codes(post(client, "applying_phone", kod=last_code(), **{field: "x"})) == ["BSV-27"]
    check_phone(client)
    assert codes(choose(client, **{field: "x"})) == ["BSV-27"]
    choose(client)
    answer = post(client, "applying_papers", tur="form", dosya=SimpleUploadedFile("a.pdf", pdf()), **{field: "x"})
    assert codes(answer) == ["BSV-27"]
    answer = post(
        client,
        "applying_papers",
        tur="form",
        dosya=SimpleUploadedFile("a.pdf", pdf()),
        ek=SimpleUploadedFile("b.pdf", pdf()),
    )
    assert codes(answer) == ["BSV-27"]
    assert codes(post(Client(), "applying_status", no="B-2026-222222", **{field: "x"})) == ["BSV-27"]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("isil.cagri@hs02.kep.tr", "ADR-02"),
        ("ışıl.çağrı@hs01.kep.tr", "ADR-01"),
        ("ali.veli@hs01.kep.tr", "ADR-02"),
        ("postmaster@hs01.kep.tr", "ADR-02"),
        ("isil.cagri@toros.hs01.kep.tr", "ADR-02"),
        ("", "ADR-01"),
    ],
)
def test_an_address_that_is_not_the_applicant_s_is_refused(client: Client, address: str, code: str) -> None:
    begin(client)
    check_phone(client)
    answer = choose(client, adres="baska", baska_adres=address)
    assert (answer.status_code, codes(answer)) == (422, [code])


def test_a_taken_address_is_not_offered_and_not_taken(client: Client) -> None:
    make_account("isil.cagri@hs01.kep.tr", holder=make_person(), state=KepAccount.State.CLOSED)
    begin(client)
    check_phone(client)
    assert 'value="isil.cagri@hs01.kep.tr"' not in client.get(reverse("accounts:applying_account")).content.decode()
    assert codes(choose(client, adres="baska", baska_adres="isil.cagri@hs01.kep.tr")) == ["ADR-03"]


def test_a_closed_branch_and_a_made_up_value_are_refused(client: Client, branch: Any) -> None:
    begin(client)
    check_phone(client)
    assert choose(client, sube="YOK").status_code == 422
    assert choose(client, hizmet="everything").status_code == 422
    branch.closed_at = NOW - timedelta(days=1)
    branch.save()
    assert choose(client).status_code == 422


def test_notices_by_mail_need_an_address(client: Client) -> None:
    begin(client, eposta="")
    check_phone(client)
    assert codes(choose(client, eposta_haber="on")) == ["BSV-20"]


# --- papers -----------------------------------------------------------------------------------------------------------
def test_a_hostile_paper_is_refused_and_the_others_stay(client: Client) -> None:
    apply(client)
    upload(client, "identity", pdf())
    for raw, code in ((b"<html><script>1</script>", "BSV-12"), (b"", "BSV-10"), (pdf() + bytes(11_000_000), "BSV-11")):
        answer = upload(client, "form", raw, name="form.pdf")
        assert (answer.status_code, codes(answer)) == (422, [code])
    assert upload(client, "official_letter", pdf()).status_code == 422  # of another kind of applicant
    assert Document.objects.count() == 1


def test_another_applicant_s_paper_is_like_one_that_does_not_exist(client: Client, clock: Any) -> None:
    apply(client)
    upload(client, "identity", pdf())
    document, other = Document.objects.get(), Client()
    clock.shift(timedelta(minutes=1))
    apply(other, telefon="0555 987 65 43")
    for public_id in (document.public_id, "a" * 26):
        assert other.get(reverse("accounts:applying_paper", args=[public_id])).status_code == 404
        assert post(other, "applying_paper_withdraw", public_id).status_code == 404
    assert client.get(reverse("accounts:applying_paper", args=[document.public_id])).status_code == 200
    document.refresh_from_db()
    assert document.withdrawn_at is None


def test_a_paper_comes_as_a_download_that_no_page_can_run(client: Client) -> None:
    apply(client)
    upload(client, "identity", pdf(), name='kim"lik\r\nX: y.html')
    answer = client.get(reverse("accounts:applying_paper", args=[Document.objects.get().public_id]))
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "X" not in answer.headers


# --- the way back: number and code ------------------------------------------------------------------------------------
def test_number_and_code_open_the_application_in_another_browser(client: Client, clock: Any) -> None:
    application = apply(client)
    post(client, "applying_submit")
    clock.shift(timedelta(minutes=1))
    other = Client()
    typed = application.number.lower().replace("-", " - ")
    assert post(other, "applying_status", no=typed).status_code == 302
    assert post(other, "applying_status_code", kod=last_code()).headers["Location"] == reverse("accounts:applying_mine")
    assert application.number in other.get(reverse("accounts:applying_mine")).content.decode()
    assert post(other, "applying_status_code", kod=last_code()).headers["Location"] == reverse(
        "accounts:applying_status"
    )


def test_a_number_that_exists_and_one_that_does_not_are_answered_alike(client: Client, clock: Any) -> None:
    number = apply(client).number
    clock.shift(timedelta(minutes=1))
    answers = []
    for asked in (number, "B-2026-222222"):
        other = Client()
        first = post(other, "applying_status", no=asked)
        page = other.get(reverse("accounts:applying_status_code"))
        for _ in range(4):  # the code is dead after three, and a number that does not exist says the same
            wrong = post(other, "applying_status_code", kod="000000")
        answers.append(
            (
                first.status_code,
                first.headers["Location"],
                _plain(page, asked),
                wrong.status_code,
                _plain(wrong, asked),
                sorted(wrong.headers),
            )
        )
    assert answers[0] == answers[1]


def _plain(answer: Any, number: str) -> str:
    """The page without what differs for everybody: the number that was typed, tokens and nonces."""
    text = answer.content.decode().replace(number, "NO")
    return re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]+"', r"\1", text)


def test_fifty_tries_at_a_code_open_nothing(client: Client, clock: Any) -> None:
    number = apply(client).number
    clock.shift(timedelta(minutes=1))
    thief = Client(REMOTE_ADDR="127.0.0.9")
    post(thief, "applying_status", no=number)
    right = last_code()
    wrong = [f"{code:06d}" for code in range(50) if f"{code:06d}" != right]
    statuses = {post(thief, "applying_status_code", kod=code).status_code for code in wrong}
    assert statuses == {422, 429}
    assert post(thief, "applying_status_code", kod=right).status_code == 429
    code = OneTimeCode.objects.get(purpose="status")
    assert (code.tries, code.used_at) == (3, None)
    assert thief.get(reverse("accounts:applying_mine")).headers["Location"] == reverse("accounts:applying_status")


def test_a_status_code_checks_no_phone_and_a_phone_code_opens_no_status(client: Client, clock: Any) -> None:
    begin(client)
    phone_code, number = last_code(), Application.objects.get().number
    clock.shift(timedelta(minutes=1))
    other = Client()
    post(other, "applying_status", no=number)
    assert post(other, "applying_status_code", kod=phone_code).status_code == 422
    status_code = last_code()
    if status_code != phone_code:
        assert post(client, "applying_phone", kod=status_code).status_code == 422


def test_after_half_an_hour_the_browser_has_to_open_it_again(client: Client, clock: Any) -> None:
    apply(client)
    clock.shift(settings.KEP_VISIT_IDLE - timedelta(seconds=1))
    assert client.get(reverse("accounts:applying_papers")).status_code == 200
    clock.shift(settings.KEP_VISIT_IDLE + timedelta(seconds=1))
    assert client.get(reverse("accounts:applying_papers")).headers["Location"] == reverse("accounts:applying_status")


def test_the_session_gets_a_new_id_when_an_application_opens(client: Client, clock: Any) -> None:
    client.get(reverse("accounts:applying"))
    client.session.save()
    application = apply(client)
    before = client.session.session_key
    clock.shift(timedelta(minutes=1))
    post(client, "applying_status", no=application.number)
    post(client, "applying_status_code", kod=last_code())
    assert client.session.session_key != before


def test_the_applicant_reads_why_and_can_withdraw(client: Client) -> None:
    application = apply(client)
    post(client, "applying_submit")
    application.refresh_from_db()
    assert client.get(reverse("accounts:applying_withdraw")).status_code == 200
    states.advance(application, Event.REJECTED, now=NOW, actor="system", why="İmza sirküleri eski <b>tarihli</b>.")
    page = client.get(reverse("accounts:applying_mine")).content.decode()
    assert "İmza sirküleri eski &lt;b&gt;tarihli" in page
    assert post(client, "applying_withdraw").status_code == 409  # too late


def test_a_withdrawn_application_is_let_go_of(client: Client) -> None:
    application = apply(client)
    post(client, "applying_submit")
    assert post(client, "applying_withdraw").headers["Location"] == reverse("accounts:applying")
    application.refresh_from_db()
    assert application.state == "WITHDRAWN"
    assert client.get(reverse("accounts:applying_mine")).status_code == 302


# --- limits -----------------------------------------------------------------------------------------------------------
def test_a_network_begins_twenty_applications_an_hour_and_another_goes_on(client: Client, clock: Any) -> None:
    for number in range(20):
        assert begin(Client(REMOTE_ADDR="127.0.0.9"), telefon=f"05551110{number:03d}").status_code == 302
    answer = begin(Client(REMOTE_ADDR="127.0.0.9"))
    assert codes(answer) == ["BSV-25"]
    assert Application.objects.count() == 20
    assert begin(Client(REMOTE_ADDR="127.0.0.10")).status_code == 302
    clock.shift(timedelta(hours=1))
    assert begin(Client(REMOTE_ADDR="127.0.0.9"), telefon="05551112233").status_code == 302


def test_one_household_s_many_addresses_are_one_network_and_a_forged_header_is_none() -> None:
    def ask(address: str, **headers: str) -> None:
        limits.count(Door.BEGIN, RequestFactory().get("/", REMOTE_ADDR=address, headers=headers), now=NOW)

    for number in range(20):
        ask(f"2001:db8:1:2::{number:x}", X_Forwarded_For=f"198.51.100.{number}")
    with pytest.raises(TooManyFromHere):
        ask("2001:db8:1:2:ffff::1", X_Forwarded_For="198.51.100.99")
    ask("2001:db8:1:3::1")
    ask("no address")
    assert "2001" not in "".join(DoorTally.objects.values_list("network_index", flat=True))


@pytest.mark.django_db(transaction=True)
def test_fifty_uses_of_a_door_at_once_are_counted_as_fifty() -> None:
    passed = []

    def use() -> None:
        try:
            limits.count(Door.BEGIN, RequestFactory(REMOTE_ADDR="198.51.100.7").get("/"), now=NOW)
            passed.append(1)
        except TooManyFromHere:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == Door.BEGIN.per_hour


def test_one_phone_gets_five_codes_an_hour(client: Client, clock: Any) -> None:
    begin(client)
    for _ in range(10):
        clock.shift(timedelta(minutes=1))
        post(client, "applying_phone_code")
    assert len(texts()) == 5
    assert DoorTally.objects.exists()
    forget_old(now=NOW + timedelta(hours=4))
    assert not DoorTally.objects.exists()


def test_a_draft_nobody_sends_is_withdrawn_after_a_month_and_what_was_sent_is_not(client: Client, clock: Any) -> None:
    begin(client)
    other = Client()
    clock.shift(timedelta(minutes=1))
    sent = apply(other)
    post(other, "applying_submit")
    assert submitting.withdraw_forgotten(now=NOW + timedelta(days=30)) == 0
    assert submitting.withdraw_forgotten(now=NOW + timedelta(days=31)) == 1
    states_now = list(Application.objects.order_by("pk").values_list("state", flat=True))
    assert states_now == ["WITHDRAWN", "DOCUMENTS_AWAITED"]
    assert ApplicationChange.objects.get(to_state="WITHDRAWN").actor == "system"
    assert sent.pk


# --- nothing changes by looking ---------------------------------------------------------------------------------------
LOOKED_AT = (
    "applying",
    "applying_details",
    "applying_phone",
    "applying_account",
    "applying_papers",
    "applying_form",
    "applying_undertaking",
    "applying_mine",
    "applying_withdraw",
    "applying_status",
    "applying_status_code",
)


@pytest.mark.parametrize("is_sent", [False, True])
def test_looking_changes_no_row(client: Client, is_sent: bool) -> None:
    apply(client)
    upload(client, "identity", pdf())
    if is_sent:
        post(client, "applying_submit")
    before = _rows()
    for name in LOOKED_AT:
        for method in ("get", "head"):
            assert getattr(client, method)(reverse(f"accounts:{name}")).status_code in (200, 302)
    paper = reverse("accounts:applying_paper", args=[Document.objects.get().public_id])
    assert client.get(paper).status_code == 200
    for name in ("applying_submit", "applying_sign", "applying_phone_code"):
        assert client.get(reverse(f"accounts:{name}")).status_code == 405
    assert _rows() == before


def _rows() -> list[list[Any]]:
    models = (Application, ApplicationChange, Document, OneTimeCode, DoorTally, Person, KepAccount, LogEvent)
    return [list(model._base_manager.order_by("pk").values_list("pk")) for model in models] + [
        list(Application.objects.values_list("state", "phone_checked_at", "submitted_at", "wanted_address"))
    ]


QUESTIONS = {"applying": 0, "applying_papers": 6, "applying_mine": 7, "applying_account": 7, "applying_status": 0}
"""Of each page, session reading and writing among them."""


@pytest.mark.parametrize("name", list(QUESTIONS))
def test_pages_ask_a_constant_number_of_questions(client: Client, name: str, clock: Any) -> None:
    found = []
    for papers in (1, 9):
        browser = Client()
        apply(browser, telefon="0555 987 65 43")
        clock.shift(timedelta(minutes=1))
        for number in range(papers):
            upload(browser, "other", pdf(str(number).encode()))
        if name == "applying_mine":
            post(browser, "applying_submit")
        if name in ("applying", "applying_status"):
            browser = Client()
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(reverse(f"accounts:{name}")).status_code == 200
        found.append(len(captured))
    assert found == [QUESTIONS[name]] * 2


def test_every_changing_post_wants_its_token(client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    for name in ("applying_status", "applying_phone", "applying_account", "applying_papers", "applying_submit",
                 "applying_sign", "applying_withdraw", "applying_phone_code"):  # fmt: skip
        assert post(strict, name).status_code == 403
    assert post(strict, "applying_begin", "gercek").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_of_fifty_right_codes_at_once_one_checks_the_phone() -> None:
    make_branch("IKI")
    browser = Client()
    begin(browser)
    code = last_code()

    def press() -> None:
        mine = Client()
        mine.cookies = browser.cookies
        post(mine, "applying_phone", kod=code)
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert LogEvent.objects.filter(kind="application.phone_checked").count() == 1
