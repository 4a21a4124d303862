"""Whoever reads English reads English everywhere, and the record stays Turkish (screens 10, rule 4; design.md 1.8)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpResponse
from django.test import Client
from django.urls import path, reverse
from django.utils import translation

from accounts.tests.cast import make_account, make_operator, make_person, post_code, post_secrets, sign_in, texts
from conftest import free_port
from evidence import issue, outside, vault
from evidence.bundle import open_bundle
from evidence.envelope import read_dispatch
from evidence.errors import VaultUnavailable
from evidence.revocation import Material
from evidence.tests.pki import pki
from evidence.xml import read as read_evidence
from kepweb.loopback_only import LoopbackOnly
from kepweb.tests.english import Texts, assert_english, turkish_in, turkish_words
from kepweb.urls import urlpatterns as whole
from mailbox import compose, submit, takeout, verdicts
from mailbox.introduction import introduction
from mailbox.models import BoxItem, Draft, Envelope, Message
from mailbox.tasks import submit_signed
from mailbox.tests.road import Clock, Road
from mailbox.tests.test_refused_signatures import sign_past_the_door
from mailbox.validation import kept_material
from signing import operations
from signing.errors import CertificateUnfit
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.django_db]
ENGLISH = {"accept-language": "en-GB,en;q=0.9"}
SUBJECT, TEXT = "Rental agreement", "Dear Mr Kaya,\n\nEnclosed.\n"


def break_down(request: Any, kind: str) -> HttpResponse:
    """A view that fails, one way for each page of failure."""
    kinds: dict[str, Exception] = {
        "400": SuspiciousOperation("planted"),
        "403": PermissionDenied("planted"),
        "500": ZeroDivisionError("planted"),
        "503": VaultUnavailable("planted"),
    }
    raise kinds[kind]


urlpatterns = [*whole, path("bozuk/<str:kind>/", break_down)]


@pytest.fixture
def road(provider: Any) -> Road:
    return Road(provider.directory, Clock())


@pytest.fixture
def visitor() -> Client:
    """Somebody whose browser asks for English."""
    return Client(headers=ENGLISH)


@pytest.fixture
def ayse(road: Road, visitor: Client) -> Client:
    """The sender, reading English."""
    sign_in(visitor, road.ayse)
    return visitor


@pytest.fixture
def mehmet(road: Road) -> Client:
    """The recipient, reading English."""
    client = Client(headers=ENGLISH)
    sign_in(client, road.mehmet)
    return client


@pytest.fixture(autouse=True)
def turkish_thread() -> Iterator[None]:
    """The thread remembers Turkish from the request before; afterwards it forgets what a test left behind."""
    translation.activate("tr")
    yield
    translation.deactivate()


# --- the watcher itself ---------------------------------------------------------------------------------------------
def test_turkish_is_found_with_and_without_its_own_letters():
    assert turkish_in("İletiniz taslakta duruyor") == ["İletiniz", "taslakta", "duruyor"]
    assert turkish_in("Signed by Ayşe Yıldız, stamped by KEP Deneme Zaman Damgası") == []
    assert len(turkish_words()) > 500
    assert {"kime", "konu", "ekle"} <= turkish_words()


def test_what_is_told_and_what_scripts_show_is_looked_at_and_marked_turkish_is_not():
    told = '<p aria-label="Kapat" data-saved="Saklandı">Sent<br><b lang="tr">Yok</b></p>'
    page = f'<html lang="en">{told}<script>ek</script></html>'
    assert Texts(page).pieces == ["Kapat", "Saklandı", "Sent"]


# --- visitors -------------------------------------------------------------------------------------------------------
def test_the_sign_in_pages(visitor, db):
    person = make_person()
    assert "PIN code" in assert_english(visitor.get("/giris/"))
    assert "Enter your password." in assert_english(visitor.post("/giris/", {}))
    assert "11 digits" in assert_english(post_secrets(visitor, "123"))
    assert "we do not say which" in assert_english(post_secrets(visitor, person.tckn, password="another-one"))
    assert "You are signed out." in assert_english(visitor.get("/giris/?bitti=1"))
    post_secrets(visitor, person.tckn)
    assert re.search(r"Sent at \d\d:\d\d to your phone", assert_english(visitor.get("/giris/sms/")))
    assert "The code has 6 digits." in assert_english(post_code(visitor, "12"))
    assert "No new code can be sent now" in assert_english(visitor.post(reverse("accounts:sms_resend")))
    right = texts(person)[-1].code
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    told = [assert_english(post_code(visitor, wrong)) for _ in range(3)]
    assert "The code is wrong or has expired" in told[0]
    assert "no longer valid" in told[2]


def test_too_many_wrong_tries(visitor, db):
    person = make_person()
    told = [assert_english(post_secrets(visitor, person.tckn, pin="999999")) for _ in range(7)]
    assert "wrong tries" in told[-1]


def test_help_the_demo_phone_and_a_failed_csrf_check(visitor, road):
    assert assert_english(visitor.get("/yardim/")).count("registered e-mail") == 1
    assert "No text messages yet" in assert_english(visitor.get("/demo/telefon/"))
    sign_in(Client(), road.ayse)
    assert "1 text message" in assert_english(visitor.get("/demo/telefon/"))
    assert_english(Client(enforce_csrf_checks=True, headers=ENGLISH).post("/giris/", {}))


def test_what_answers_before_the_language_is_chosen_asks_for_it_itself(visitor, rf):
    content = visitor.get("/", headers={"host": "icerik.localhost"}).content.decode()
    assert content == "Only attachments of messages are served here.\n"
    link = visitor.get("/ek/made-up", headers={"host": "icerik.localhost"}).content.decode()
    assert link.startswith("This link has expired")
    stranger = LoopbackOnly(HttpResponse)(rf.get("/", REMOTE_ADDR="8.8.8.8", headers=ENGLISH))
    assert stranger.content.decode().startswith("This installation can be used only")
    assert translation.get_language() == "tr"
    large = visitor.generic("POST", "/giris/", b"", CONTENT_LENGTH=str(10**12))
    assert (large.status_code, "The files were not sent" in assert_english(large)) == (413, True)


@pytest.mark.urls("kepweb.tests.test_english_pages")
def test_pages_of_failure(ayse):
    ayse.raise_request_exception = False
    for kind in ("400", "403", "500", "503"):
        answer = ayse.get(f"/bozuk/{kind}/")
        assert answer.status_code == int(kind)
        assert_english(answer)
    assert "Page not found" in assert_english(ayse.get("/yok/"))
    told = ayse.get("/bozuk/503/", headers={"accept": "application/json"}).json()["message"]
    assert told.startswith("The storage does not answer now.")


# --- folders and writing --------------------------------------------------------------------------------------------
def test_empty_folders(ayse):
    for name in ("inbox", "sent", "drafts", "awaiting", "compose_new"):
        assert_english(ayse.get(reverse(f"mailbox:{name}")))


def test_a_draft_and_everything_that_can_be_wrong_with_it(road, ayse):
    def post(**given: Any) -> str:
        form = {"to": "mehmet.kaya@hs01.kep.tr", "subject": SUBJECT, "text": TEXT, "action": "sign", **given}
        return assert_english(ayse.post(reverse("mailbox:compose_new"), form))

    assert "Enter at least one recipient." in post(to="")
    assert "Enter a subject." in post(subject="")
    assert "Nothing can be sent to nobody.here@hs01.kep.tr." in post(to="nobody.here@hs01.kep.tr")
    assert "This is not a KEP address." in post(to="somebody@example.com")
    assert "is not a known KEP provider" in post(to="somebody@hs77.kep.tr")
    assert "is not open yet" in post(to="somebody@hs02.kep.tr")
    assert "at most 300 recipients" in post(to=",".join(f"a{number}@hs01.kep.tr" for number in range(301)))
    draft = road.draft(
        subject=SUBJECT, text=TEXT, files=(compose.FileGiven("plan.pdf", b"%PDF-1.7" + bytes(2_000_000)),)
    )
    assert "Saved" in assert_english(ayse.get(reverse("mailbox:compose", args=[draft.public_id])))
    assert "1.9 MB" in assert_english(ayse.get(reverse("mailbox:draft_discard", args=[draft.public_id])))
    assert "(no subject)" in assert_english(ayse.get(reverse("mailbox:drafts")))


def test_who_may_not_hears_so(road, mehmet):
    assert "only cannot send" in assert_english(mehmet.get(reverse("mailbox:compose_new")))
    assert "This message was not found" in assert_english(mehmet.get(reverse("mailbox:message", args=["a" * 26])))


def test_an_operator_sees_for_whom_he_acts(road, visitor):
    company = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina")
    make_operator(company, road.mehmet, may_read=False, may_sign_and_send=False)
    sign_in(visitor, road.mehmet)
    assert "For which account will you act?" in assert_english(visitor.get(reverse("accounts:choose_account")))
    assert "Choose the account you will act for." in assert_english(visitor.get(reverse("mailbox:inbox"), follow=True))
    visitor.post(reverse("accounts:choose_account"), {"account": company.public_id})
    assert "no right to read" in assert_english(visitor.get(reverse("mailbox:inbox")))
    draft = compose.new_draft(road.acting(road.mehmet, company), now=road.clock.now)
    text = assert_english(visitor.get(reverse("mailbox:compose", args=[draft.public_id])))
    assert "authorised operator" in text
    assert "no right to send" in text


# --- signing --------------------------------------------------------------------------------------------------------
def signing_page(client: Client, draft: Draft) -> str:
    return assert_english(client.get(reverse("mailbox:sign", args=[draft.public_id])))


def test_a_signature_on_its_way_to_acceptance(road, ayse):
    draft = road.draft(subject=SUBJECT, text=TEXT)
    asked = compose.ask_signature(draft, acting=road.acting(), visit=road.visit(), now=road.clock.now)
    assert re.search(r"You can sign until\s\d\d:\d\d", signing_page(ayse, draft))
    assert "Waiting for signature" in assert_english(ayse.get(reverse("mailbox:awaiting")))
    claimed = operations.claim(asked.code, client="127.0.0.1", now=road.clock.now)
    assert "The signing program has the request." in signing_page(ayse, draft)
    with pytest.raises(CertificateUnfit) as unfit, translation.override("en"):
        operations.offer_certificate(claimed.token, road.e_imza(road.mehmet).certificate, [], now=road.clock.now)
    with translation.override("en"):
        assert unfit.value.for_person().startswith("The certificate belongs to another person")
        assert turkish_in(unfit.value.for_person()) == []
    signing_page(ayse, draft)
    again = compose.ask_signature(draft, acting=road.acting(), visit=road.visit(), now=road.clock.now)
    road.answer(again.code, road.ayses_imza)
    assert "Your signature is being verified" in signing_page(ayse, draft)
    assert "Signed, being verified" in assert_english(ayse.get(reverse("mailbox:awaiting")))
    road.turn()
    assert "Submission accepted" in signing_page(ayse, draft)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"state": SigningOperation.State.CANCELLED}, "Signing was cancelled"),
        ({"state": SigningOperation.State.EXPIRED}, "The time to sign is up"),
        ({"state": SigningOperation.State.CANCELLED, "refusal_code": "IMZ-20"}, "The draft changed while"),
        ({"state": SigningOperation.State.CANCELLED, "refusal_code": "IMZ-03"}, "The PIN of your card is locked."),
        ({"state": SigningOperation.State.CANCELLED, "refusal_code": "NES-10"}, "The certificate has expired."),
    ],
)
def test_a_signature_that_ended_otherwise(road, ayse, changed, told):
    draft = road.draft(subject=SUBJECT, text=TEXT)
    compose.ask_signature(draft, acting=road.acting(), visit=road.visit(), now=road.clock.now)
    SigningOperation.objects.update(**changed)
    assert told in signing_page(ayse, draft)


# --- messages -------------------------------------------------------------------------------------------------------
def message_page(client: Client, item: BoxItem, *names: str) -> str:
    return assert_english(client.get(reverse("mailbox:message", args=[item.public_id])), *names)


def sent_item(message: Message) -> BoxItem:
    return BoxItem.objects.select_related("message", "recipient", "account").get(message=message, folder="sent")


def test_a_message_from_sending_to_reading(road, ayse, mehmet):
    message = road.send(subject=SUBJECT, text=TEXT, files=(compose.FileGiven("plan.pdf", b"%PDF-1.7"),))
    item = road.arrived(message)
    assert re.search(r"1 unread, 1 in all.*\(unread\).*2[34] hours", assert_english(mehmet.get("/gelen/")), re.DOTALL)
    unopened = message_page(mehmet, item)
    assert re.search(r"deemed read at \d{1,2} [A-Z][a-z]+ \d{4} \d\d:\d\d:\d\d \(TRT\)", unopened)
    assert "Placed in the mailbox of mehmet.kaya@hs01.kep.tr, not read yet." in message_page(ayse, sent_item(message))
    assert "This message has not been opened yet." in assert_english(
        mehmet.get(reverse("mailbox:download_original", args=[item.public_id]))
    )
    mehmet.post(reverse("mailbox:open", args=[item.public_id]))
    assert "This step has happened; its proof is being signed" in message_page(mehmet, item)
    road.turn()
    assert "Secure electronic signature by Ayşe Yıldız" in message_page(mehmet, item)
    assert "mehmet.kaya@hs01.kep.tr has read the message." in message_page(ayse, sent_item(message))
    assert "Read" in assert_english(ayse.get("/giden/"))
    bundle = reverse("mailbox:download_bundle", args=[item.public_id])
    assert "No bundle was asked for" in assert_english(mehmet.get(bundle))
    mehmet.post(bundle)
    assert "The proof bundle is being prepared" in assert_english(mehmet.get(bundle))


def test_a_message_that_was_accepted_and_has_not_arrived(road, ayse):
    road.sign(road.draft(subject=SUBJECT, text=TEXT))
    road.turn("deliver")
    assert "Received" in assert_english(ayse.get("/giden/"))
    assert "the acceptance proof is being prepared" in message_page(ayse, sent_item(Message.objects.get()))
    road.turn("seal")
    assert "Accepted · on its way" in assert_english(ayse.get("/giden/"))
    assert "On its way to the mehmet.kaya@hs01.kep.tr mailbox." in message_page(ayse, sent_item(Message.objects.get()))


def test_a_message_to_several_of_which_one_took_no_mail(road, ayse):
    gone = make_account("gone@hs01.kep.tr", holder=make_person("Mehmet", "Kaya"))
    road.sign(road.draft(subject=SUBJECT, text=TEXT, to="mehmet.kaya@hs01.kep.tr,gone@hs01.kep.tr"))
    road.turn("deliver")
    type(gone).objects.filter(pk=gone.pk).update(state="closed", closed_at=road.clock.now)
    road.turn()
    text = message_page(ayse, sent_item(Message.objects.get()))
    assert "Read by 0 of 2 recipients. Not delivered to 1 of them." in text
    assert "The address cannot receive messages at this provider." in text
    assert "Not delivered" in assert_english(ayse.get("/giden/"))


def test_a_message_that_was_deemed_read(road, ayse, mehmet):
    message = road.send(subject=SUBJECT, text=TEXT)
    road.clock.move(hours=25)
    road.turn()
    text = message_page(ayse, sent_item(message))
    assert "did not open the message in time; it is deemed read." in text
    assert re.search(r"The reading term ended at [\d.]+ [\d:]+ \(TRT\)", text)
    message_page(mehmet, road.arrived(message))


def test_a_message_that_was_refused(road, ayse):
    message = sign_past_the_door(road, road.draft(subject=SUBJECT, text=TEXT), road.e_imza(road.ayse, revoked=True))
    text = message_page(ayse, sent_item(message))
    assert "The reason is in the refusal proof." in text
    assert "The certificate had been revoked before the moment of signing." in text
    draft = Draft.objects.get(pk=message.draft_id)
    assert "Your message was not sent" in signing_page(ayse, draft)
    assert "Not sent, back in drafts" in assert_english(ayse.get("/taslaklar/"))


def test_verdicts_of_signatures_that_nobody_can_prove(road, ayse, monkeypatch):
    stranger = pki("theirs").stamper(at=road.clock.now)
    with monkeypatch.context() as patched:
        patched.setattr(outside, "stamper", lambda: stranger)
        stamped = road.send(subject=SUBJECT, text=TEXT)
    text = message_page(ayse, sent_item(stamped), "Damga")
    assert text.count("The certificate does not lead to any of the trusted root certificates.") == 2
    message = road.send(subject=SUBJECT, text=TEXT)
    kept = kept_material(message)
    empty = replace(kept, materials=tuple(Material() for _ in kept.materials))
    for found in (None, empty):
        monkeypatch.setattr(verdicts, "kept_material", lambda _, found=found: found)
        text = message_page(ayse, sent_item(message))
        assert "The revocation status of the certificate could not be learned." in text


def test_a_message_that_is_held_and_one_that_came_back(road, ayse, settings):
    dead = f"http://127.0.0.1:{free_port()}"
    settings.KEP_TSA_URL, settings.KEP_OUTBOUND_ALLOW = f"{dead}/tsa", [*settings.KEP_OUTBOUND_ALLOW, dead]
    outside.close()
    draft = road.draft(subject=SUBJECT, text=TEXT)
    road.sign(draft)
    submit_signed(road.clock.now)
    message = Message.objects.get()
    assert "signature and certificate are being checked" in message_page(ayse, sent_item(message))
    road.turn()
    assert "The time-stamp service cannot be reached now." in message_page(ayse, sent_item(message))
    assert "The time-stamp service cannot be reached now." in signing_page(ayse, draft)
    message.refresh_from_db()
    submit.turn_back(message, "ILT-07", now=road.clock.now)
    assert "came back to drafts without being sent" in message_page(ayse, sent_item(message))


# --- the record -----------------------------------------------------------------------------------------------------
def test_the_record_is_turkish_whoever_caused_it(road, visitor):
    """Everything is done in a thread that speaks English: a worker, a page, a signer."""
    with translation.override("en"):
        message = road.send(subject=SUBJECT, text=TEXT)
        road.clock.move(hours=25)
        road.turn()
        refused = sign_past_the_door(road, road.draft(subject=SUBJECT, text=TEXT), road.e_imza(road.mehmet))
        bundle = takeout.ask_bundle(sent_item(message), asked_by="test", now=road.clock.now)
        road.turn()
        bundle.refresh_from_db()
        file = takeout.finished_bundle(sent_item(message), bundle)
        sign_in(visitor, road.ayse)
        proofs = issue.sealed_proofs([message.kep_id, refused.kep_id])
        english = introduction(message, proofs[message.kep_id][0])
    reasons = [read_evidence(bytes(each.intent.unsigned)).reasons for kept in proofs.values() for each in kept]
    details = " ".join(detail for one in reasons for _reason, detail in one)
    assert "Okuma süresi" in details
    assert "(TSİ) anında doldu" in details
    assert "kimlik numarası" in details
    assert english == introduction(message, proofs[message.kep_id][0])
    assert "(TSİ)" in english.text
    dispatch = read_dispatch(vault.get(bytes(Envelope.objects.get(message=message).digest)))
    assert dispatch.introduction == english.text
    assert file is not None
    assert open_bundle(file.raw).members["BENIOKU.txt"].decode().startswith("KEP DELİL PAKETİ")
    told = [sms.text for sms in texts()]
    assert len(told) == 2
    assert "hesabiniza yeni bir ileti ulasti" in told[0]
    assert "giris kodunuz" in told[1]
