"""Something changes between the question and the message: nothing is sent that the person no longer stands behind.

Right, visit, draft, recipient and account are asked again at submission; each answer here is seen on the pages that the
person looks at (design.md 1.1.5, 4).
"""

import threading
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import KepAccount
from accounts.tests.cast import make_account, make_person, sign_in
from evidence import issue, outside
from evidence.models import EvidenceIntent
from mailbox import integrity, submit, tasks
from mailbox.models import BoxItem, Draft, Message
from mailbox.tests.road import Clock, Road
from mailbox.tests.test_at_the_same_moment import side_by_side
from signing import operations
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database]

FORM = {"to": "mehmet.kaya@hs01.kep.tr", "subject": "Konu", "text": "Metin", "action": "sign"}


@pytest.fixture
def ayse(road: Road) -> Client:
    client = Client()
    sign_in(client, road.ayse)
    return client


def asked_by_page(client: Client) -> SigningOperation:
    """Whatever the page asked for last."""
    client.post(reverse("mailbox:compose_new"), FORM)
    return SigningOperation.objects.order_by("-asked_at")[0]


def signing_page(client: Client, draft: Draft) -> str:
    return client.get(reverse("mailbox:sign", args=[draft.public_id])).content.decode()


def test_signing_out_before_the_signature_ends_it_and_the_next_visit_hears_why(road: Road, ayse: Client) -> None:
    operation = asked_by_page(ayse)
    ayse.post(reverse("accounts:sign_out"))
    with pytest.raises(operations.UnknownCode):
        road.answer(operation.code_shown or "", road.ayses_imza)
    road.turn()
    assert not Message.objects.exists()
    sign_in(ayse, road.ayse)
    page = signing_page(ayse, Draft.objects.get())
    assert "GRS-10" in page
    assert "hiçbir şey gönderilmedi" in page


def test_signing_out_while_the_signer_works_leaves_its_signature_nowhere_to_go(road: Road, ayse: Client) -> None:
    operation = asked_by_page(ayse)
    claimed = operations.claim(operation.code_shown or "", client="127.0.0.1", now=road.clock.now)
    operations.offer_certificate(claimed.token, road.ayses_imza.certificate, [], now=road.clock.now)
    ayse.post(reverse("accounts:sign_out"))
    with pytest.raises(operations.OperationOver):
        operations.document(claimed.token, now=road.clock.now)
    road.turn()
    assert not Message.objects.exists()


def test_signing_out_after_the_signature_sends_it_all_the_same(road: Road, ayse: Client) -> None:
    operation = asked_by_page(ayse)
    road.answer(operation.code_shown or "", road.ayses_imza)
    ayse.post(reverse("accounts:sign_out"))
    road.turn()
    assert Message.objects.get().operation == operation.pk


def test_signing_out_in_one_browser_leaves_what_another_one_asked(road: Road, ayse: Client) -> None:
    other = Client()
    sign_in(other, road.ayse)
    operation = asked_by_page(ayse)
    other.post(reverse("accounts:sign_out"))
    road.answer(operation.code_shown or "", road.ayses_imza)
    road.turn()
    assert Message.objects.get().operation == operation.pk


def test_a_person_locked_before_the_submission_sends_nothing(road: Road) -> None:
    draft = road.draft()
    road.sign(draft)
    road.ayse.is_active = False
    road.ayse.save()
    road.turn()
    assert not Message.objects.exists()
    draft.refresh_from_db()
    assert (draft.submitted_at, draft.returned_code) == (None, "HSP-01")


def test_the_page_of_a_changed_draft_says_that_nothing_was_sent(road: Road, ayse: Client) -> None:
    operation = asked_by_page(ayse)
    draft = Draft.objects.get()
    road.answer(operation.code_shown or "", road.ayses_imza)
    Draft.objects.update(version=draft.version + 1)
    road.turn()
    page = signing_page(ayse, draft)
    assert "IMZ-20" in page
    assert "hiçbir şey gönderilmedi" in page
    assert not EvidenceIntent.objects.exists()


def test_typing_while_the_signature_is_awaited_ends_it_at_once(road: Road, ayse: Client) -> None:
    operation = asked_by_page(ayse)
    draft = Draft.objects.get()
    ayse.post(reverse("mailbox:draft_save", args=[draft.public_id]), FORM | {"text": "başka"})
    with pytest.raises(operations.UnknownCode):
        road.answer(operation.code_shown or "", road.ayses_imza)
    assert Draft.objects.get().text == "başka"


def test_saving_the_same_words_again_ends_nothing(road: Road, ayse: Client) -> None:
    operation = asked_by_page(ayse)
    ayse.post(reverse("mailbox:draft_save", args=[Draft.objects.get().public_id]), FORM)
    road.answer(operation.code_shown or "", road.ayses_imza)
    road.turn()
    assert Message.objects.get().operation == operation.pk


def test_the_sender_sees_that_a_closed_account_took_no_mail_and_who_did(road: Road, ayse: Client) -> None:
    hatice = make_account("hatice.koc@hs01.kep.tr", holder=make_person("Hatice", "Koç"), listed=True)
    road.sign(road.draft(to="mehmet.kaya@hs01.kep.tr,hatice.koc@hs01.kep.tr"))
    road.turn("deliver")
    tasks.seal_due(road.clock.now)
    KepAccount.objects.filter(pk=hatice.pk).update(state=KepAccount.State.CLOSED, closed_at=road.clock.now)
    road.turn()
    message = Message.objects.get()
    sealed = issue.sealed_proofs([message.kep_id])[message.kep_id]
    assert sorted((each.intent.recipient_no, each.intent.code) for each in sealed) == [(0, 10), (1, 40), (2, 41)]
    page = ayse.get(reverse("mailbox:message", args=[message.items.get(folder="sent").public_id])).content.decode()
    assert "1 alıcıya teslim edilemedi" in page
    assert "Adres bu sağlayıcıda ileti alamıyor." in page
    assert "/delil/41-2.xml" in page
    assert "Teslim edilemedi" in ayse.get(reverse("mailbox:sent")).content.decode()
    assert not BoxItem.objects.filter(account=hatice).exists()
    assert list(integrity.findings(road.clock.now)) == []


# --- the same thing twice, at the same moment -------------------------------------------------------------------------
@pytest.fixture
def together(transactional_db: None, provider: Any) -> Road:
    return Road(provider.directory, Clock())


@pytest.mark.queue
def test_one_signature_submitted_by_four_workers_at_once_is_one_message(together: Road) -> None:
    for _ in range(3):
        operation = together.sign(together.draft())
        taken = [SigningOperation.objects.get(pk=operation.pk) for _ in range(4)]  # as if each claim had run out
        made = side_by_side(*(lambda each=each: submit.submit(each, now=together.clock.now) for each in taken))
        assert sum(isinstance(each, Message) for each in made) == 1, made
        assert [each for each in made if isinstance(each, Exception)] == []
        assert Message.objects.filter(operation=operation.pk).count() == 1
        draft = Draft.objects.get(public_id=operation.reference)
        assert (draft.submitted_at is not None, draft.returned_code) == (True, "")


def turn_and_hang_up(road: Road, queue: str) -> None:
    """One worker's turn in a thread that ends: connections belong to threads."""
    try:
        road.turn(queue)
    finally:
        outside._client().close()


@pytest.mark.queue
def test_two_workers_that_check_deliver_and_seal_at_once_make_each_proof_once(together: Road) -> None:
    for number in range(4):
        together.sign(together.draft(subject=f"Konu {number}"))
    for queue in ("deliver", "seal", "deliver", "seal"):
        outcomes = side_by_side(*[lambda queue=queue: turn_and_hang_up(together, queue)] * 2)
        assert [each for each in outcomes if isinstance(each, Exception)] == []
    together.clock.move(minutes=2)
    together.turn()
    for message in Message.objects.all():
        sealed = issue.sealed_proofs([message.kep_id])[message.kep_id]
        assert [each.intent.code for each in sealed] == [10, 40]
    assert BoxItem.objects.filter(folder="inbox").count() == Message.objects.count() == 4
    assert list(integrity.findings(together.clock.now)) == []


def test_a_double_click_on_send_leaves_one_open_question_and_sends_one_message(together: Road) -> None:
    clients = [Client(), Client()]
    for client in clients:
        sign_in(client, together.ayse)
    draft = together.draft()
    url, start = reverse("mailbox:compose", args=[draft.public_id]), threading.Barrier(2)

    def press(client: Client) -> int:
        start.wait(10)
        return int(client.post(url, FORM).status_code)

    statuses = side_by_side(*(lambda client=client: press(client) for client in clients))
    assert set(statuses) <= {302, 409}, statuses
    (open_one,) = SigningOperation.objects.filter(state__in=SigningOperation.OPEN_STATES)
    together.answer(open_one.code_shown or "", together.ayses_imza)
    together.turn()
    assert Message.objects.count() == 1
