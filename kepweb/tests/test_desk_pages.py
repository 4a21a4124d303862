"""The pages of the counter in the frame of the house: one application, and who is kept out (V-040..V-049)."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.applying.documents import PaperKind
from accounts.desk import limits, papers_step
from accounts.desk.checklist import Step
from accounts.models import Application, DeskTally, Document, KepAccount, OneTimeCode, Post
from accounts.tests.cast import make_account, make_person, sign_in, texts
from accounts.tests.conftest import NOON
from accounts.tests.counter import PDF, Counter, make_application, make_branch, make_clerk
from evidence.models import Event

pytestmark = pytest.mark.django_db
State = Application.State

QUEUE_QUERIES = 7
APPLICATION_QUERIES = 18


@pytest.fixture(autouse=True)
def clock(time_machine):
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def branch():
    return make_branch()


@pytest.fixture
def clerk(branch):
    return make_clerk(branch, now=NOON)


@pytest.fixture
def desk(client, clerk):
    sign_in(client, clerk.person)
    return client


@pytest.fixture
def counter(branch, clerk):
    return Counter(make_application(branch, now=NOON), clerk, NOON)


def page_of(counter, name="accounts:desk_application", *more):
    return reverse(name, args=[counter.key, *more])


def step_page(counter, step):
    return page_of(counter, "accounts:desk_step", step.value)


def identity_fields(application, **other):
    return {
        "belge": "id_card",
        "tckn": application.tckn,
        "ad": application.first_name,
        "soyad": application.last_name,
        "dogum": "05.03.1984",
        "gecerlilik": "",
        "ayni_kisi": "on",
        **other,
    }


# --- the way in ------------------------------------------------------------------------------------------------------
def test_a_clerk_without_an_account_comes_to_the_counter(client, clerk):
    assert sign_in(client, clerk.person)["Location"].startswith("/hesap/sec/")
    answer = client.get("/hesap/sec/")
    assert answer["Location"] == "/sube/"


def test_the_queue_names_the_branch_and_masks_the_number(desk, counter):
    text = desk.get("/sube/").content.decode()
    assert "Çınarova Merkez Şubesi" in text
    assert "Ali Demir" in text
    assert counter.application.tckn not in text
    assert f"{counter.application.tckn[:2]}*******{counter.application.tckn[-2:]}" in text


def test_a_post_that_ended_a_moment_ago_opens_nothing(desk, counter, clerk):
    assert desk.get(page_of(counter)).status_code == 200
    Post.objects.update(ends_at=NOON)
    assert desk.get(page_of(counter)).status_code == 403
    assert desk.post(page_of(counter, "accounts:desk_reject"), {"gerekce": "Gerekçe yazıldı."}).status_code == 403


def test_a_closed_branch_has_no_counter(desk, branch):
    branch.closed_at = NOON - timedelta(minutes=1)
    branch.save()
    assert desk.get("/sube/").status_code == 403


# --- the whole road, through the pages --------------------------------------------------------------------------------
def test_an_application_taken_at_the_counter_becomes_an_account(desk):
    fields = {
        "tckn": (person := make_application(None, now=NOON)).tckn,
        "ad": "Ayşe",
        "soyad": "Işık",
        "dogum": "05.03.1984",
        "telefon": "0555 000 00 48",
        "eposta": "",
        "hizmet": "receive_only",
        "rehber": "on",
    }
    answer = desk.post(reverse("accounts:desk_intake", args=["gercek"]), fields)
    assert answer.status_code == 302, answer.content.decode()
    application = Application.objects.exclude(pk=person.pk).get()
    assert (application.state, application.branch.code, application.listed) == (State.DOCUMENTS_AWAITED, "3401", True)
    counter = Counter(application, None, NOON)

    def go(step, **values):
        told = desk.post(step_page(counter, step), values)
        assert told.status_code == 302, told.content.decode()

    def scan(kind):
        file = SimpleUploadedFile("tarama.pdf", PDF + kind.encode(), content_type="text/html")
        path = page_of(counter, "accounts:desk_document_add", kind)
        assert desk.post(path, {"dosya": file}).status_code == 302

    go(Step.IDENTITY, **identity_fields(application))
    for kind in ("identity", "form"):
        scan(kind)
    go(Step.PAPERS, asillari_goruldu="on")
    assert desk.post(page_of(counter, "accounts:desk_send_code"), {"telefon": "0555 000 00 48"}).status_code == 302
    go(Step.PHONE, kod=counter.code(), elinde="on")
    go(Step.ADDRESS, secim="ayse.isik@hs01.kep.tr", adres="")
    for kind in ("contract", "undertaking"):
        scan(kind)
    go(Step.CONTRACT, imzalandi="on")
    go(Step.ACTIVATION)

    account = KepAccount.objects.get(address="ayse.isik@hs01.kep.tr")
    assert account.state == KepAccount.State.PENDING_ACTIVATION
    assert {each.content_type for each in Document.objects.all()} == {"application/pdf"}
    text = desk.get(page_of(counter)).content.decode()
    assert "Aktivasyon bekleniyor" in text
    assert texts()[-1].text.rsplit("#", 1)[1] not in text
    letter = desk.get(page_of(counter, "accounts:desk_print", "activation_letter"))
    assert letter.content.startswith(b"%PDF-")


def test_a_company_is_taken_in_with_its_main_operator(desk):
    from accounts.tests.cast import new_tckn

    fields = {
        "unvan": "Çınarova Tarım Limited Şirketi",
        "tur": "dernek",
        "mersis": "",
        "vkn": "1234567890",
        "sicil_no": "",
        "sicil_mudurlugu": "",
        "faaliyet": "Tarım",
        "il": "Çınarova",
        "posta_adresi": "Liman Caddesi 1",
        "tckn": new_tckn(),
        "ad": "Mehmet",
        "soyad": "Kaya",
        "dogum": "05.03.1984",
        "telefon": "05550000049",
        "eposta": "",
        "hizmet": "send_and_receive",
    }
    answer = desk.post(reverse("accounts:desk_intake", args=["ozel"]), fields)
    assert answer.status_code == 302, re.findall(r"error-summary.*?</div>", answer.content.decode(), re.DOTALL)
    assert "Çınarova Tarım Limited Şirketi" in desk.get(answer["Location"]).content.decode()


# --- what is refused -------------------------------------------------------------------------------------------------
def test_another_branchs_application_looks_like_none(desk, clerk):
    other = make_application(make_branch("3402", "Çınarova Liman Şubesi"), now=NOON)
    there = desk.get(reverse("accounts:desk_application", args=[other.public_id]))
    nowhere = desk.get(reverse("accounts:desk_application", args=["a" * 26]))
    assert (there.status_code, nowhere.status_code) == (404, 404)
    assert same(there) == same(nowhere)
    found = desk.post("/sube/", {"ara": other.number}).content.decode()
    missing = desk.post("/sube/", {"ara": "B-2026-ZZZZZZ"}).content.decode()
    assert other.public_id not in found
    assert "Bu şubede böyle bir başvuru yok" in found
    assert "Bu şubede böyle bir başvuru yok" in missing


def same(answer):
    """The page without what differs by request: address, token, nonce."""
    text = re.sub(r"/sube/basvuru/[a-z0-9]+/", "/", answer.content.decode())
    return re.sub(r'(value|nonce)="[A-Za-z0-9+/=_-]{16,}"', "", text)


def test_a_search_finds_by_the_whole_number_only(desk, counter):
    tckn = counter.application.tckn
    for wanted in (tckn, counter.application.number, counter.application.number.lower()):
        assert counter.key in found(desk, wanted), wanted
    for wanted in (tckn[:10], "Ali Demir", "%", "B-2026-", counter.application.number[:-1], "1" * 11, "\x00", "*"):
        assert counter.key not in found(desk, wanted), wanted


def found(desk, wanted):
    """What the search itself shows, without the queue below."""
    text = desk.post("/sube/", {"ara": wanted}).content.decode()
    return text.partition('id="bekleyenler"')[0]


def test_no_number_of_a_person_stands_in_an_address_or_event(desk, counter):
    desk.post("/sube/", {"ara": counter.application.tckn})
    bodies = b"".join(bytes(event.body) for event in Event.objects.all()).decode()
    assert counter.application.tckn not in bodies
    assert desk.get(f"/sube/?ara={counter.application.tckn}").content.decode().count(counter.key) == 1  # the queue's


def test_an_application_no_branch_has_is_taken_first(desk):
    free = make_application(None, now=NOON)
    page = reverse("accounts:desk_application", args=[free.public_id])
    assert desk.get(page).status_code == 404
    assert "Bu şubede işleme al" in desk.post("/sube/", {"ara": free.number}).content.decode()
    assert desk.post(reverse("accounts:desk_take", args=[free.public_id]))["Location"] == page
    assert desk.get(page).status_code == 200


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.IDENTITY])
def test_a_step_asked_for_before_its_turn_shows_the_one_whose_turn_it_is(desk, counter, step):
    assert desk.get(step_page(counter, step))["Location"] == page_of(counter)
    fields = {
        "kod": "123456",
        "elinde": "on",
        "asillari_goruldu": "on",
        "secim": "diger",
        "adres": "ali.demir@hs01.kep.tr",
        "imzalandi": "on",
    }
    names = {
        Step.PAPERS: ["asillari_goruldu"],
        Step.PHONE: ["kod", "elinde"],
        Step.ADDRESS: ["secim", "adres"],
        Step.CONTRACT: ["imzalandi"],
    }
    answer = desk.post(step_page(counter, step), {name: fields[name] for name in names.get(step, [])})
    assert answer.status_code == 409
    assert "SBE-04" in answer.content.decode()
    assert KepAccount.objects.count() == 0


@pytest.mark.parametrize("name", ["state", "branch", "account", "tckn_index", "phone_checked_at", "is_staff", "actor"])
def test_a_field_no_form_has_is_refused(desk, counter, name):
    fields = identity_fields(counter.application)
    answer = desk.post(step_page(counter, Step.IDENTITY), {**fields, name: "ACTIVE"})
    assert answer.status_code == 400
    assert counter.fresh().state == State.DOCUMENTS_AWAITED


def test_boxes_that_attest_are_never_checked_beforehand(desk, counter):
    for before in ((), ("identity",), ("papers",), ("phone",), ("address",)):
        counter.until(*before)
        text = desk.get(page_of(counter)).content.decode()
        assert not re.search(r'type="checkbox"[^>]*\schecked', text)
        assert counter.application.tckn not in text


@pytest.mark.parametrize(
    "raw", [b"", b"<html><script>alert(1)</script>", b"MZ\x90\x00", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"%PDF-1.7 half"]
)
def test_a_hostile_file_is_not_filed(desk, counter, raw):
    counter.identity()
    file = SimpleUploadedFile("kimlik.pdf", raw, content_type="application/pdf")
    answer = desk.post(page_of(counter, "accounts:desk_document_add", "identity"), {"dosya": file})
    assert answer.status_code == 422
    assert Document.objects.count() == 0


def test_a_scan_is_handed_out_as_a_file_and_told(desk, counter):
    counter.identity()
    scan = counter.scan(PaperKind.IDENTITY)
    answer = desk.get(page_of(counter, "accounts:desk_document", scan.public_id))
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer.content == PDF + b"identity"
    assert Event.objects.filter(kind="desk.paper_taken_out").count() == 1


def test_a_paper_with_an_address_is_not_printed_before_there_is_one(desk, counter):
    for paper in ("contract", "undertaking", "activation_letter"):
        assert desk.get(page_of(counter, "accounts:desk_print", paper)).status_code == 409
    assert desk.get(page_of(counter, "accounts:desk_print", "operators_record")).status_code == 404


def test_a_phone_on_record_is_shown_and_stays(desk, counter):
    known = make_person("Ali", "Demir", tckn=counter.application.tckn, phone="+905551112233")
    type(known).objects.filter(pk=known.pk).update(identity_state="ESTABLISHED")
    counter.until("identity", "papers")
    assert "+90 555 111 22 33" in desk.get(page_of(counter)).content.decode()
    answer = desk.post(page_of(counter, "accounts:desk_send_code"), {"telefon": "05550000047"})
    assert answer.status_code == 409
    assert "SBE-10" in answer.content.decode()
    assert OneTimeCode.objects.count() == 0


def test_an_address_of_somebody_else_is_refused_with_what_was_typed(desk, counter):
    counter.until("identity", "papers", "phone")
    make_account("ali.demir@hs01.kep.tr", holder=make_person("Ali", "Demir"))
    for address, status in (
        ("ali.demir@hs01.kep.tr", 409),
        ("veli.kurt@hs01.kep.tr", 422),
        ("ali.demir@hs02.kep.tr", 422),
        ("ali.demır@hs01.kep.tr", 422),
    ):
        answer = desk.post(step_page(counter, Step.ADDRESS), {"secim": "diger", "adres": address})
        assert answer.status_code == status, address
        assert address in answer.content.decode()
    assert counter.fresh().state == State.UNDER_REVIEW


# --- limits, figures -------------------------------------------------------------------------------------------------
def test_searching_is_limited_by_the_hour(desk, counter, clock):
    for _ in range(limits.Counted.SEARCH.per_hour):
        assert desk.post("/sube/", {"ara": counter.application.number}).status_code == 200
    answer = desk.post("/sube/", {"ara": counter.application.number})
    assert answer.status_code == 429
    assert "SBE-14" in answer.content.decode()
    assert DeskTally.objects.get(what="search").count == 60
    assert Event.objects.filter(kind="desk.searched").count() == 60
    clock.move_to(NOON + timedelta(hours=1), tick=False)
    DeskTally.objects.update(hour=NOON)
    assert limits.count(limits.Counted.SEARCH, counter.by, now=NOON + timedelta(hours=1)) is None


def test_every_look_leaves_an_event_with_clerk_and_branch(desk, counter):
    desk.get(page_of(counter))
    event = Event.objects.get(kind="desk.looked")
    assert (event.actor, event.subject) == (counter.by.actor, f"application:{counter.key}")
    assert b'"branch":"3401"' in bytes(event.body)


def test_pages_ask_the_same_number_of_questions_however_long_the_list(desk, branch, counter, django_assert_num_queries):
    with django_assert_num_queries(QUEUE_QUERIES):
        desk.get("/sube/")
    for _ in range(20):
        make_application(branch, now=NOON)
    with django_assert_num_queries(QUEUE_QUERIES):
        desk.get("/sube/")
    with django_assert_num_queries(APPLICATION_QUERIES):
        desk.get(page_of(counter))


def test_the_queue_has_pages(desk, branch):
    for _ in range(51):
        make_application(branch, now=NOON)
    assert desk.get("/sube/").content.decode().count('scope="row"') == 50
    assert desk.get("/sube/?sayfa=2").content.decode().count('scope="row"') == 1
    for odd in ("0", "-1", "x", "99999999", "²"):
        assert desk.get("/sube/", {"sayfa": odd}).status_code == 200


def test_todays_acts_name_the_clerk_and_no_other_day(desk, counter, clock):
    counter.until("identity", "papers")
    text = desk.get("/sube/bugun/").content.decode()
    assert "Zeynep Aksu" in text
    assert "Kimlik" in text
    clock.move_to(NOON + timedelta(hours=12), tick=False)  # 00:00 in Istanbul
    sign_in(desk, counter.by.person)
    assert "Bugün işlem yapılmadı" in desk.get("/sube/bugun/").content.decode()


def test_a_rejection_is_shown_with_its_reason(desk, counter):
    assert desk.post(page_of(counter, "accounts:desk_reject"), {"gerekce": "kısa"}).status_code == 422
    answer = desk.post(
        page_of(counter, "accounts:desk_reject"), {"gerekce": "Belgenin süresi dolmuş, <b>yenisi</b> yok."}
    )
    assert answer.status_code == 302
    text = desk.get(page_of(counter)).content.decode()
    assert "Reddedildi" in text
    assert "&lt;b&gt;yenisi" in text


def test_a_step_is_opened_again_from_its_page(desk, counter):
    counter.until("identity", "papers")
    assert "Adımı yeniden aç" in desk.get(step_page(counter, Step.IDENTITY)).content.decode()
    assert desk.post(page_of(counter, "accounts:desk_reopen", "kimlik")).status_code == 302
    assert "0 / 6 adım tamam" in desk.get(page_of(counter)).content.decode()
    assert [need.is_missing for need in papers_step.needs_of(counter.fresh())] == [False, False, False]
