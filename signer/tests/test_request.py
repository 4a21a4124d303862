"""Requests that are no message: opened by a link alone, read in one spelling, brought back to the browser (S-022)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signer import message, request
from signer.errors import BadAnswer, DocumentDiffers, DocumentUnreadable, SignerError, TypedRequest, UnknownPurpose
from signer.session import Session, Stage
from signer.tests.provider import CODE, LINK_CODE, RETURNED, FakeProvider
from signer.tests.test_protocol import change
from signer.tests.test_session import Clock, new_session, pin
from signer.tests.workshop import message as a_message
from signer.tests.workshop import person

pytestmark = pytest.mark.loopback
KINDS = list(request.CONTENT_TYPES.items())
HERE = "http://127.0.0.1:8000"


def written(purpose: str = "sign_in", origin: str = HERE, **changes: Any) -> bytes:
    """A request as the provider writes it, or with changes one that it never would."""
    fields = {
        "form": "kep-istek/1",
        "purpose": purpose,
        "origin": origin,
        "challenge": "q" * 43,
        "asked_at": "2026-11-24T08:00:00Z",
        "expires_at": "2026-11-24T08:02:00Z",
        "text": "Başvuru\nAd: Ayşe" if purpose == "application" else "",
    }
    return json.dumps(fields | changes, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def session(tmp_path: Path, fake: FakeProvider) -> Session:
    return new_session(tmp_path, fake, Clock(fake.now))


@pytest.mark.parametrize(("purpose", "kind"), KINDS)
def test_a_link_leads_to_a_signature_and_back(session: Session, fake: FakeProvider, purpose: str, kind: str) -> None:
    fake.ask_request(purpose, kind, written(purpose, fake.origin))
    session.open(LINK_CODE, origin=fake.origin, by_link=True)
    assert session.heading == request.HEADINGS[purpose]
    prepared = session.choose(person().id)
    assert isinstance(prepared.shown, request.RequestShown)
    assert prepared.shown.heading == session.heading
    session.sign(pin())
    assert session.stage is Stage.SIGNED
    fake.verify()
    assert session.return_address == f"{fake.origin}/giris/imza/#{RETURNED}"


def test_a_sign_in_says_so_in_capitals() -> None:
    assert request.read(written(), purpose="sign_in", origin=HERE).heading == "Bu bir GİRİŞ isteği"


def test_the_code_of_a_link_is_refused_when_it_was_typed_and_is_not_spent(session: Session, fake: FakeProvider) -> None:
    fake.ask_request(*KINDS[0], written(origin=fake.origin))
    with pytest.raises(TypedRequest):
        session.open("h8qf-3mxw-92td-ak7m-4qx2", origin=fake.origin)
    assert (fake.asked, session.stage) == ([], Stage.IDLE)
    session.open(LINK_CODE, origin=fake.origin, by_link=True)


def test_a_provider_that_gives_a_sign_in_a_code_to_type_is_turned_away(session: Session, fake: FakeProvider) -> None:
    fake.ask_request(*KINDS[0], written(origin=fake.origin))
    fake.code = CODE
    with pytest.raises(TypedRequest):
        session.open(CODE, origin=fake.origin)
    assert (session.stage, fake.cancelled_for) == (Stage.FAILED, "bad_answer")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"origin": "http://127.0.0.1:8002"}, id="of another provider"),
        pytest.param({"purpose": "step_up"}, id="for another purpose"),
    ],
)
def test_what_belongs_elsewhere_is_not_signed(session: Session, fake: FakeProvider, document: dict[str, str]) -> None:
    """A provider that hands on the challenge of another one (V-018)."""
    fake.ask_request(*KINDS[0], written(**({"origin": fake.origin} | document)))
    session.open(LINK_CODE, origin=fake.origin, by_link=True)
    with pytest.raises(DocumentDiffers) as refused:
        session.choose(person().id)
    assert fake.cancelled_for == "document_differs"
    assert not fake.signature
    assert "ileti" not in session.said(refused.value).casefold()


def test_a_request_dressed_as_a_message_is_not_signed_nor_a_message_as_a_request(
    session: Session, fake: FakeProvider
) -> None:
    fake.document = written(origin=fake.origin)
    session.open(CODE, origin=fake.origin)
    with pytest.raises(DocumentUnreadable):
        session.choose(person().id)
    fake.ask_request(*KINDS[0], a_message())
    fake.state = "ASKED"
    session.open(LINK_CODE, origin=fake.origin, by_link=True)
    with pytest.raises(DocumentUnreadable):
        session.choose(person().id)
    assert not fake.signature


@pytest.mark.parametrize(
    "kind", ["multipart/mixed", "application/vnd.kep.dogrulama+json", "application/json", "text/plain"]
)
def test_a_sign_in_has_its_own_content_type(session: Session, fake: FakeProvider, kind: str) -> None:
    fake.ask_request("sign_in", kind, written(origin=fake.origin))
    with pytest.raises(UnknownPurpose):
        session.open(LINK_CODE, origin=fake.origin, by_link=True)


UNREADABLE = {
    "no JSON": b"Bu bir istek",
    "a list": b"[]",
    "a blank between": written().replace(b'","', b'", "', 1),
    "another order": b'{"text":"",' + written()[1:].replace(b',"text":""', b""),
    "a name twice": written().replace(b'{"asked_at"', b'{"asked_at":"x","asked_at"'),
    "escaped letters": written("application").replace("ş".encode(), b"\\u015f"),
    "a field more": written(note="x"),
    "a field less": json.dumps({"form": "kep-istek/1"}).encode(),
    "a number": written(text=1),
    "another form": written(form="kep-istek/2"),
    "a short challenge": written(challenge="q" * 42),
    "letters of no alphabet": written(challenge="ı" * 43),
    "no time": written(asked_at="dün"),
    "a term backwards": written(expires_at="2026-11-24T07:59:00Z"),
    "a term of a day": written(expires_at="2026-11-25T08:00:00Z"),
    "a text where none belongs": written(text="Hesabımı kapatın"),
    "an application without text": written("application", text=""),
    "a text too long to be shown": written("application", text="x" * 20_001),
    "half a letter": written().replace(b'"text":""', b'"text":"\\ud800"'),
    "latin-1": written("application").decode().encode("iso-8859-9"),
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_not_spelled_as_a_request_is_not_signed(raw: bytes) -> None:
    with pytest.raises(DocumentUnreadable):
        request.read(raw, purpose="application" if b'"application"' in raw else "sign_in", origin=HERE)


def test_hidden_letters_of_an_application_are_spelled_out() -> None:
    shown = request.read(written("application", text="Ad: A\u202eyşe"), purpose="application", origin=HERE)
    assert shown.text == "Ad: A⟦U+202E⟧yşe"


@pytest.mark.parametrize("returned", ["", "kısa", "f" * 63, "F" * 64, "f" * 64 + "#", "f" * 64 + "\n"])
def test_what_is_no_return_token_is_taken_nowhere(session: Session, fake: FakeProvider, returned: str) -> None:
    fake.ask_request(*KINDS[0], written(origin=fake.origin))
    fake.twist = change("/imza/v1/signature", return_token=returned)
    session.open(LINK_CODE, origin=fake.origin, by_link=True)
    session.choose(person().id)
    with pytest.raises(BadAnswer):
        session.sign(pin())
    assert session.return_address == ""


def test_a_message_leads_nowhere(session: Session, fake: FakeProvider) -> None:
    session.open(CODE, origin=fake.origin, by_link=True)
    assert isinstance(session.choose(person().id).shown, message.Shown)
    session.sign(pin())
    assert (session.heading, session.return_address) == ("", "")


def test_no_sentence_about_a_request_speaks_of_a_draft() -> None:
    def below(kind: type[SignerError]) -> list[type[SignerError]]:
        return [kind, *(each for one in kind.__subclasses__() for each in below(one))]

    said = [kind.user_message for kind in below(SignerError)]
    assert any("taslakta" in each for each in said), "the test would see one"
    for kind in below(SignerError):
        error = kind.__new__(kind)
        error.facts = dict.fromkeys(
            ("what", "tries", "module", "file", "hint", "why", "origin", "minutes", "message"), "x"
        )
        sentence = error.for_person(of_request=True)
        assert "taslak" not in sentence, kind
        assert "mobil imza" not in sentence, kind
