"""What people see while the outside is away, and what happens when it is back (V-096, R-005, design.md 6).

Here the demo authorities are a process of this test's own, which is really stopped and started again, or a stranger
that answers rubbish in their place. Nothing is ever accepted without; nothing is lost; the pages say what waits.
"""

import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from accounts.tests.cast import sign_in, texts
from conftest import answers_on, free_port, started
from evidence import issue, outside, vault
from evidence.anchors import TrustAnchors
from evidence.models import EvidenceIntent, SealRequest, SealWork
from evidence.verify import check_file
from mailbox import integrity, reading, takeout, tasks
from mailbox.compose import FileGiven
from mailbox.models import BoxItem, Message, Recipient, ValidationMaterial
from mailbox.state_names import MessageState, RecipientState
from mailbox.tests.road import Clock, Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]

Answer = tuple[int, str, bytes]


class Authorities:
    """The demo authorities on a port of their own, as a process that can be stopped and started."""

    def __init__(self, road: Road) -> None:
        self.road, self.port = road, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._stack = ExitStack()

    def start(self) -> None:
        line = [sys.executable, "-m", "demo.pki_server", "--data", str(self.road.pki_directory)]
        self._stack.enter_context(started([*line, "--port", str(self.port)], lambda: answers_on(self.port)))

    def stop(self) -> None:
        self._stack.close()
        self._stack = ExitStack()


@pytest.fixture
def authorities(road: Road, settings: Any) -> Iterator[Authorities]:
    ours = Authorities(road)
    settings.KEP_TSA_URL = f"{ours.url}/tsa"
    settings.KEP_OUTBOUND_ALLOW = [*settings.KEP_OUTBOUND_ALLOW, ours.url]
    outside.close()
    ours.start()
    yield ours
    ours.stop()


@contextmanager
def stranger(answer: Callable[[str], Answer]) -> Iterator[str]:
    """Somebody who answers every request with what `answer` says about its path; his origin."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_GET(self) -> None:
            status, kind, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def codes(message: Message) -> list[int]:
    return [each.intent.code for each in issue.sealed_proofs([message.kep_id])[message.kep_id]]


def pages(road: Road, message: Message) -> tuple[str, str, str]:
    """The message page, the signing page and the list of sent ones, as the sender sees them."""
    client = Client()
    sign_in(client, road.ayse)
    item = message.items.get(folder="sent")
    addresses = (
        reverse("mailbox:message", args=[item.public_id]),
        reverse("mailbox:sign", args=[message.draft.public_id]),
        reverse("mailbox:sent"),
    )
    return tuple(client.get(each).content.decode() for each in addresses)  # type: ignore[return-value]


def assert_held_and_said(road: Road, message: Message, code: str, words: str) -> None:
    message.refresh_from_db()
    assert (message.state, message.hold_reason) == (MessageState.CHECKING, code)
    assert not EvidenceIntent.objects.exists()
    of_message, of_signing, of_list = pages(road, message)
    assert words in of_message
    assert words in of_signing
    assert "kendiliğinden" in of_message
    assert "hiçbir şey gönderilmedi" not in of_message + of_signing, "it is on its way: nobody should send it again"
    assert "Denetleniyor" in of_list
    assert "Kabul" not in of_list.partition("<tbody")[2]


def test_an_authority_that_stops_between_two_messages_is_waited_for(road: Road, authorities: Authorities) -> None:
    """The connection that was kept is dead; the next message waits, says so, and goes out when it is back."""
    first = road.send()
    assert codes(first) == [10, 40]
    authorities.stop()
    operation = road.sign(road.draft(subject="İkinci"))
    road.turn()
    second = Message.objects.get(operation=operation.pk)
    second.refresh_from_db()
    assert (second.state, second.hold_reason) == (MessageState.CHECKING, "ZMD-01")
    assert "Zaman damgası hizmetine şu anda ulaşılamıyor" in pages(road, second)[0]
    assert "Zaman damgası hizmetine şu anda ulaşılamıyor" in pages(road, second)[1]
    road.clock.move(minutes=2)
    road.turn()
    second.refresh_from_db()
    assert (second.state, second.tries) == (MessageState.CHECKING, 2)
    authorities.start()
    road.clock.move(minutes=2)
    road.turn()
    assert codes(second) == [10, 40]
    second.refresh_from_db()
    assert (second.hold_reason, second.held_since, second.tries, second.last_error) == ("", None, 0, "")
    assert list(integrity.findings(road.clock.now)) == []


RUBBISH: dict[str, tuple[Answer, str]] = {
    "nothing": ((200, "application/timestamp-reply", b""), "ZMD-02"),
    "no DER": ((200, "application/timestamp-reply", b"<html>login</html>"), "ZMD-02"),
    "a page": ((200, "text/html", b"<html>login</html>"), "ZMD-02"),
    "granted without a token": ((200, "application/timestamp-reply", bytes.fromhex("30053003020100")), "ZMD-02"),
    "rejected": ((200, "application/timestamp-reply", bytes.fromhex("30053003020102")), "ZMD-02"),
    "not found": ((404, "text/plain", b"x"), "ZMD-01"),
    "redirected": ((302, "text/plain", b""), "ZMD-02"),
    "out of order": ((503, "text/plain", b"later"), "ZMD-01"),
    "a length without its bytes": (
        (200, "application/timestamp-reply", b"\x30\x84\x7f\xff\xff\xff" + bytes(200_000)),
        "ZMD-02",
    ),
}


@pytest.mark.parametrize("kind", RUBBISH)
def test_an_authority_that_answers_rubbish_is_waited_for_too(road: Road, settings: Any, kind: str) -> None:
    answer, code = RUBBISH[kind]
    working = settings.KEP_TSA_URL
    with stranger(lambda path: answer) as origin:
        settings.KEP_TSA_URL = f"{origin}/tsa"
        settings.KEP_OUTBOUND_ALLOW = [*settings.KEP_OUTBOUND_ALLOW, origin]
        outside.close()
        operation = road.sign(road.draft())
        road.turn()
        message = Message.objects.get(operation=operation.pk)
        words = "Zaman damgası hizmetine şu anda ulaşılamıyor" if code == "ZMD-01" else "Zaman damgası doğrulanamadı"
        assert_held_and_said(road, message, code, words)
        outside.close()
    settings.KEP_TSA_URL = working
    road.clock.move(minutes=2)
    road.turn()
    assert codes(message) == [10, 40]


def demo_pki_answers(answer: Callable[[str], bytes | None], patch: pytest.MonkeyPatch) -> None:
    """Revocation questions are answered by `answer` of their address where it has one, time-stamps as ever."""
    honest_post, honest_get = outside._post, outside._get

    def post(url: str, body: bytes, kind: str) -> bytes:
        said = answer(url)
        return honest_post(url, body, kind) if said is None else said

    def get(url: str) -> bytes:
        said = answer(url)
        return honest_get(url) if said is None else said

    patch.setattr(outside, "_post", post)
    patch.setattr(outside, "_get", get)
    outside.close()


def test_rubbish_from_ocsp_and_crl_holds_like_silence(
    road: Road, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        demo_pki_answers(lambda url: b"rubbish" if "/ocsp" in url or "/crl" in url else None, patch)
        operation = road.sign(road.draft())
        road.turn()
        message = Message.objects.get(operation=operation.pk)
        assert_held_and_said(road, message, "IMZ-30", "iptal durumu şu anda öğrenilemiyor")
    outside.close()
    road.clock.move(minutes=2)
    road.turn()
    assert codes(message) == [10, 40]


def test_a_crl_alone_is_said_on_the_page_and_its_bundle_is_valid(
    road: Road, settings: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo_pki_answers(lambda url: b"" if "/ocsp" in url else None, monkeypatch)
    message = road.send()
    assert codes(message) == [10, 40]
    assert ValidationMaterial.objects.get(message=message).maturity == "PREMATURE"
    assert "iptal listesi bekleniyor" in pages(road, message)[0]
    item = BoxItem.objects.select_related("message", "recipient").get(message=message, folder="sent")
    request = takeout.ask_bundle(item, asked_by="test", now=road.clock.now)
    road.turn()
    request.refresh_from_db()
    file = takeout.finished_bundle(item, request)
    assert file is not None
    report = check_file(file.raw, anchors=TrustAnchors.from_pem(provider.folder / "root.pem"), now=road.clock.now)
    assert [f"{row.where}: {row.name}: {row.detail_tr}" for row in report.failing] == []


def test_the_release_waits_for_its_time_stamp_and_nothing_travels(road: Road, authorities: Authorities) -> None:
    """Proof 10 is sealed, the KEP message is not signed yet: accepted is not on its way."""
    road.sign(road.draft())
    road.turn("deliver")
    tasks.seal_due(road.clock.now)
    message = Message.objects.get()
    assert codes(message) == [10]
    authorities.stop()
    road.turn()
    message.refresh_from_db()
    assert (message.released_at, message.last_error) == (None, "TimestampUnavailable")
    assert message.recipients.get().state == RecipientState.ACCEPTED
    assert not BoxItem.objects.filter(folder="inbox").exists()
    assert "kabul delili hazırlanıyor" in pages(road, message)[0]
    authorities.start()
    road.clock.move(minutes=2)
    road.turn()
    assert codes(message) == [10, 40]


def make_due(road: Road, what: str) -> None:
    """A message whose proof 10 is sealed: its release is due, or it went out and its bundle is asked for."""
    road.sign(road.draft())
    road.turn("deliver")
    tasks.seal_due(road.clock.now)
    if what == "bundle":
        road.turn()
        item = BoxItem.objects.select_related("message", "recipient").get(folder="sent")
        takeout.ask_bundle(item, asked_by="test", now=road.clock.now)


@pytest.mark.parametrize("what", ["release", "bundle"])
def test_a_refused_time_stamp_never_parks_a_release_or_a_bundle(road: Road, settings: Any, what: str) -> None:
    """An authority that answers rubbish for longer than unforeseen trouble may last is still waited for."""
    settings.KEP_PARK_AFTER = 3
    working, model = settings.KEP_TSA_URL, Message if what == "release" else SealRequest
    make_due(road, what)
    with stranger(lambda path: RUBBISH["rejected"][0]) as origin:
        settings.KEP_TSA_URL = f"{origin}/tsa"
        settings.KEP_OUTBOUND_ALLOW = [*settings.KEP_OUTBOUND_ALLOW, origin]
        outside.close()
        for _ in range(5):
            road.turn("seal")
            road.clock.move(seconds=61)
        outside.close()
    waiting = model.objects.get()
    assert (waiting.tries, waiting.failures, waiting.last_error) == (5, 0, "TimestampRefused")
    assert (waiting.parked_at, waiting.claimed_until) == (None, None)
    settings.KEP_TSA_URL = working
    road.turn()
    assert codes(Message.objects.get()) == [10, 40]
    assert what == "release" or SealRequest.objects.get().result is not None


def test_who_opens_while_the_authority_is_away_reads_and_the_proof_comes_later_and_says_so(
    road: Road, authorities: Authorities
) -> None:
    message = road.send()
    authorities.stop()
    reading.open_message(road.arrived(message), reader=road.reader(), now=road.clock.now)
    road.turn()
    assert Recipient.objects.get(message=message).state == RecipientState.READ
    assert codes(message) == [10, 40]
    assert list(SealWork.objects.values_list("last_error", flat=True)) == ["ZMD-01"]
    assert "delili imzalanıyor" in pages(road, message)[0]
    authorities.start()
    road.clock.move(minutes=2)
    road.turn()
    assert codes(message) == [10, 40, 60]


def test_after_a_day_the_sender_hears_it_on_his_own_phone_and_can_send_again(
    road: Road, authorities: Authorities
) -> None:
    draft = road.draft(files=(FileGiven("a.txt", b"a"),))
    authorities.stop()
    road.sign(draft)
    road.turn()
    message = Message.objects.get()
    road.clock.move(hours=24)
    road.turn()
    message.refresh_from_db()
    assert (message.state, message.refusal_code) == (MessageState.RETURNED, "ILT-07")
    (told,) = [each for each in texts(road.ayse) if "taslaga dondu" in each.text]
    assert draft.subject not in told.text
    assert texts(road.mehmet) == []
    of_message, of_signing, of_list = pages(road, message)
    assert "Hiçbir delil oluşmadı" in of_message
    assert "ILT-07" in of_signing
    assert draft.subject not in of_list
    authorities.start()
    draft.refresh_from_db()
    assert [each.filename for each in draft.attachments.all()] == ["a.txt"]
    road.clock.move(hours=-24)  # the responders answer for the real hour
    operation = road.sign(draft)
    road.turn()
    assert codes(Message.objects.get(operation=operation.pk)) == [10, 40]


@pytest.mark.django_db(transaction=True)
def test_a_vault_that_takes_no_large_file_holds_the_message_and_says_so(transactional_db: None, provider: Any) -> None:
    """Without a small file system at hand: a worker whose files may not grow beyond 8 MB, in a process of its own."""
    road = Road(provider.directory, Clock())
    road.sign(road.draft(files=(FileGiven("a.bin", os.urandom(7_000_000)),)))
    tasks.submit_signed(road.clock.now)
    assert worked_with_little_room(lambda: tasks.check_due(road.clock.now)) == 0
    message = Message.objects.get()
    assert_held_and_said(road, message, "DEP-02", "Saklama alanı şu anda yanıt vermiyor")
    road.clock.move(minutes=2)
    road.turn()
    assert codes(message) == [10, 40]


def worked_with_little_room(work: Callable[[], object]) -> int:
    """Run `work` in a forked process whose files may not grow beyond 8 MB; its exit status."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            outside.close()
            resource.setrlimit(resource.RLIMIT_FSIZE, (8_000_000, 8_000_000))
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def test_lost_octets_hold_the_message_and_the_pages_do_not_say_try_again(road: Road) -> None:
    road.sign(road.draft())
    tasks.submit_signed(road.clock.now)
    message = Message.objects.get()
    place = vault.path_of(bytes(message.signed_part_digest))
    kept = place.read_bytes()
    place.unlink()
    road.turn()
    assert_held_and_said(road, message, "DEP-03", "saklama alanından okunamıyor")
    place.write_bytes(kept)
    road.clock.move(minutes=2)
    road.turn()
    assert codes(message) == [10, 40]


@pytest.mark.parametrize("what", ["release", "bundle"])
def test_lost_octets_ring_when_a_message_or_its_proofs_should_go_out(
    road: Road, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    """It is accepted and nobody gives it back: only who puts the octets back from the second copy can help."""
    make_due(road, what)
    place = vault.path_of(bytes(Message.objects.get().original_digest))
    kept = place.read_bytes()
    place.unlink()
    road.turn("seal")
    assert [each.getMessage()[:6] for each in caplog.records if each.levelname == "CRITICAL"] == ["ALM-03"]
    place.write_bytes(kept)
    road.clock.move(minutes=2)
    road.turn()
    assert codes(Message.objects.get()) == [10, 40]
