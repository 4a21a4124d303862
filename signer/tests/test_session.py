"""One signing from code to signature: the order, and every way in which it ends (design.md 4, S-019..S-025)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from signer.errors import (
    ActionPending,
    ClockDiffers,
    DocumentDiffers,
    DocumentUnreadable,
    NothingPending,
    OperationOver,
    OriginRefused,
    ServerRefused,
    SignerError,
    TokenMissing,
    UnknownPurpose,
    Unreachable,
    UnusableKey,
    UserCancelled,
    UserTimeout,
    WrongPin,
)
from signer.message import Person
from signer.pin import Pin
from signer.session import Session, Stage
from signer.tests.provider import CODE, FakeProvider
from signer.tests.test_protocol import change, instead
from signer.tests.workshop import PIN, SENDER, key_file, message, person
from signer.token_file import KeyFileLocked
from signer.wallet import open_wallet

pytestmark = pytest.mark.loopback


class Clock:
    """Both clocks of a session, moved by hand."""

    def __init__(self, now: datetime) -> None:
        self.at = now
        self.ticks = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.ticks

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.ticks += seconds


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def clock(fake: FakeProvider) -> Clock:
    return Clock(fake.now)


@pytest.fixture
def session(tmp_path: Path, fake: FakeProvider, clock: Clock) -> Session:
    return new_session(tmp_path, fake, clock)


def new_session(folder: Path, fake: FakeProvider, clock: Clock) -> Session:
    files = [key_file(folder, person()), key_file(folder, person("Ali Veli", days=-1), name="ali")]
    return Session(
        open_wallet(files=files, folders=[], modules=[]),
        allowed=[fake.origin],
        now=clock.now,
        monotonic=clock.monotonic,
    )


def pin(octets: bytes = PIN) -> Pin:
    return Pin(bytearray(octets))


def test_the_whole_journey(session: Session, fake: FakeProvider) -> None:
    claimed = session.open("h8qf-3mxw-92tda", origin=fake.origin)
    assert (session.stage, claimed.comparison) == (Stage.CLAIMED, "7K4M-QX29")
    assert fake.asked == ["/imza/v1/claim"], "the certificate is not shown before the person chose it"

    prepared = session.choose(person().id)
    assert session.stage is Stage.READY
    assert prepared.shown.sender == Person("Ayşe Yıldız", SENDER)
    assert len(prepared.shown.to) == 2
    assert not fake.signature

    session.sign(pin())
    assert session.stage is Stage.SIGNED
    assert fake.state == "SIGNED"
    fake.verify()


@pytest.mark.parametrize("kind", ["p256"])
def test_a_p256_key_signs_too(tmp_path: Path, fake: FakeProvider, clock: Clock, kind: str) -> None:
    holder = person("Ayşe Yıldız", kind)
    wallet = open_wallet(files=[], folders=[key_file(tmp_path, holder).parent], modules=[])
    session = Session(wallet, allowed=[fake.origin], now=clock.now, monotonic=clock.monotonic)
    session.open(CODE, origin=fake.origin)
    session.choose(holder.id)
    session.sign(pin())

    fake.verify()


def test_another_origin_is_refused_before_the_code_leaves(session: Session, fake: FakeProvider) -> None:
    with pytest.raises(OriginRefused):
        session.open(CODE, origin="https://kep.ornek.tr")
    assert (session.stage, fake.asked) == (Stage.IDLE, [])


def test_one_operation_at_a_time(session: Session, fake: FakeProvider) -> None:
    session.open(CODE, origin=fake.origin)
    with pytest.raises(ActionPending):
        session.open(CODE, origin=fake.origin)
    assert session.stage is Stage.CLAIMED


def test_steps_out_of_order_are_refused(session: Session, fake: FakeProvider) -> None:
    for act in (lambda: session.choose(person().id), lambda: session.sign(pin()), session.cancel):
        with pytest.raises(NothingPending):
            act()
    session.open(CODE, origin=fake.origin)
    with pytest.raises(NothingPending):
        session.sign(pin())


def test_a_signed_operation_cannot_be_signed_again(session: Session, fake: FakeProvider) -> None:
    session.open(CODE, origin=fake.origin)
    session.choose(person().id)
    session.sign(pin())
    with pytest.raises(NothingPending):
        session.sign(pin())
    assert fake.asked.count("/imza/v1/signature") == 1


def test_a_wrong_pin_leaves_the_way_open_and_sends_nothing(session: Session, fake: FakeProvider) -> None:
    session.open(CODE, origin=fake.origin)
    session.choose(person().id)
    with pytest.raises(WrongPin):
        session.sign(pin(b"0000"))
    assert (session.stage, fake.state) == (Stage.READY, "OFFERED")

    session.sign(pin())
    assert session.stage is Stage.SIGNED


def test_a_locked_token_ends_it_and_the_provider_is_told(session: Session, fake: FakeProvider) -> None:
    session.open(CODE, origin=fake.origin)
    session.choose(person().id)
    for _ in range(2):
        with pytest.raises(WrongPin):
            session.sign(pin(b"0000"))
    with pytest.raises(KeyFileLocked):
        session.sign(pin(b"0000"))
    assert (session.stage, fake.cancelled_for) == (Stage.FAILED, "pin_locked")
    assert session.ended_by is not None
    assert session.ended_by.code == "IMZ-03"


def test_saying_no_tells_the_provider(session: Session, fake: FakeProvider) -> None:
    session.open(CODE, origin=fake.origin)
    session.choose(person().id)
    session.cancel()
    assert (session.stage, fake.cancelled_for, fake.signature) == (Stage.CANCELLED, "user", b"")
    with pytest.raises(UserCancelled):
        session.sign(pin())


@pytest.mark.parametrize("choose_first", [False, True])
def test_after_120_seconds_without_an_answer_it_closes(
    session: Session, fake: FakeProvider, clock: Clock, choose_first: bool
) -> None:
    session.open(CODE, origin=fake.origin)
    if choose_first:
        clock.pass_by(100)
        session.choose(person().id)
    clock.pass_by(119)
    session.tick()
    assert fake.cancelled_for == ""

    clock.pass_by(1)
    session.tick()
    assert (session.stage, fake.cancelled_for) == (Stage.EXPIRED, "timeout")
    with pytest.raises(UserTimeout):
        session.sign(pin())


def test_past_the_term_of_the_operation_nothing_is_signed(session: Session, fake: FakeProvider, clock: Clock) -> None:
    session.open(CODE, origin=fake.origin)
    session.choose(person().id)
    clock.at += timedelta(minutes=10)
    with pytest.raises(OperationOver):
        session.sign(pin())
    assert (session.stage, fake.signature) == (Stage.EXPIRED, b"")


def test_an_operation_closed_at_the_provider_ends_here_too(tmp_path: Path, clock: Clock) -> None:
    closed = instead("/imza/v1/signature", 409, {"code": "IMZ-12", "message": "İşlem kapanmış."})
    with FakeProvider(twist=closed) as fake:
        session = new_session(tmp_path, fake, Clock(fake.now))
        session.open(CODE, origin=fake.origin)
        session.choose(person().id)
        with pytest.raises(OperationOver):
            session.sign(pin())
    assert session.stage is Stage.EXPIRED


def test_a_certificate_the_provider_does_not_take_leaves_the_choice(session: Session, fake: FakeProvider) -> None:
    fake.refuse_certificates = True
    session.open(CODE, origin=fake.origin)
    with pytest.raises(ServerRefused):
        session.choose(person().id)
    assert session.stage is Stage.CLAIMED
    assert "/imza/v1/document" not in fake.asked, "the document is given only to a fitting certificate"

    fake.refuse_certificates = False
    session.choose(person().id)
    assert session.stage is Stage.READY


def test_an_unusable_or_unknown_certificate_is_not_even_shown(session: Session, fake: FakeProvider) -> None:
    session.open(CODE, origin=fake.origin)
    with pytest.raises(UnusableKey):
        session.choose(person("Ali Veli", days=-1).id)
    with pytest.raises(TokenMissing):
        session.choose("00" * 32)
    assert fake.asked == ["/imza/v1/claim"]


def test_a_lost_answer_is_repeated_with_the_same_signature(session: Session, fake: FakeProvider) -> None:
    fake.drop_first_signature = True
    session.open(CODE, origin=fake.origin)
    session.choose(person().id)
    session.sign(pin())
    assert (session.stage, fake.asked.count("/imza/v1/signature")) == (Stage.SIGNED, 2)


def test_a_provider_that_went_away_is_told_and_can_be_tried_again(session: Session, fake: FakeProvider) -> None:
    session.open(CODE, origin=fake.origin)
    session.choose(person().id)
    fake.twist = lambda path, status, answer: (0, b"")
    with pytest.raises(Unreachable):
        session.sign(pin())
    assert session.stage is Stage.READY

    fake.twist = None
    session.sign(pin())
    assert session.stage is Stage.SIGNED


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signing_time_far_from_this_clock_ends_it(
    session: Session, fake: FakeProvider, clock: Clock, minutes: int
) -> None:
    session.open(CODE, origin=fake.origin)
    fake.now += timedelta(minutes=minutes)
    with pytest.raises(ClockDiffers) as refused:
        session.choose(person().id)
    assert (refused.value.cancel_reason, fake.cancelled_for) == ("clock_differs", "clock_differs")
    assert "6 dakika" in refused.value.for_person()
    assert "/imza/v1/document" not in fake.asked


@pytest.mark.parametrize("minutes", [-5, 5])
def test_five_minutes_of_difference_are_borne(session: Session, fake: FakeProvider, minutes: int) -> None:
    session.open(CODE, origin=fake.origin)
    fake.now += timedelta(minutes=minutes)
    session.choose(person().id)
    session.sign(pin())
    assert session.stage is Stage.SIGNED


CC = b"Cc: bilgi@hs01.kep.tr"
HOSTILE: list[Any] = [
    pytest.param(
        {"twist": change("/imza/v1/certificate", digest="00" * 32)}, DocumentDiffers, id="digest of another text"
    ),
    pytest.param({"document": message().replace(CC, CC + b"\r\nSubject: x")}, DocumentUnreadable, id="second Subject"),
    pytest.param({"document": b"%PDF-1.7 baska bir belge"}, DocumentUnreadable, id="not a message"),
    pytest.param(
        {"document": message().replace(SENDER.encode(), b"baskasi@hs01.kep.tr")},
        DocumentDiffers,
        id="message of another account",
    ),
]


@pytest.mark.parametrize(("lies", "error"), HOSTILE)
def test_a_hostile_document_ends_it_before_the_pin(
    tmp_path: Path, lies: dict[str, Any], error: type[SignerError]
) -> None:
    with FakeProvider(**lies) as fake:
        session = new_session(tmp_path, fake, Clock(fake.now))
        session.open(CODE, origin=fake.origin)
        with pytest.raises(error):
            session.choose(person().id)
        assert session.stage is Stage.FAILED
        assert fake.cancelled_for == error.cancel_reason
        with pytest.raises(NothingPending):
            session.sign(pin())
        assert fake.signature == b""


@pytest.mark.parametrize(("purpose", "content_type"), [("giris", "multipart/mixed"), ("message", "application/pdf")])
def test_what_cannot_be_shown_is_not_signed(
    session: Session, fake: FakeProvider, purpose: str, content_type: str
) -> None:
    fake.purpose, fake.content_type = purpose, content_type
    with pytest.raises(UnknownPurpose):
        session.open(CODE, origin=fake.origin)
    assert (session.stage, fake.cancelled_for) == (Stage.FAILED, "unknown_purpose")
    assert fake.asked == ["/imza/v1/claim", "/imza/v1/cancel"]


def test_after_an_end_the_next_code_starts_clean(session: Session, fake: FakeProvider) -> None:
    session.open(CODE, origin=fake.origin)
    session.choose(person().id)
    session.cancel()
    fake.state = "ASKED"

    session.open(CODE, origin=fake.origin)

    assert (session.stage, session.prepared, session.ended_by) == (Stage.CLAIMED, None, None)
