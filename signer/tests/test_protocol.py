"""The client trusts an answer only if it is exactly what the protocol allows (S-018, S-020, S-024)."""

import http.client
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signer import protocol
from signer.errors import (
    BadAnswer,
    DocumentDiffers,
    InsecureConnection,
    InvalidArgument,
    OperationOver,
    OriginRefused,
    ServerRefused,
    SignerError,
    Unreachable,
)
from signer.protocol import Claimed, Offer, Provider, normal_code, normal_origin
from signer.tests.provider import CODE, COMPARISON, TOKEN, FakeProvider, Twist
from signer.tests.workshop import ACCOUNT, authority, person

loopback = pytest.mark.loopback


def connect(fake: FakeProvider) -> Provider:
    return Provider(fake.origin, allowed=[fake.origin])


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://kep.ornek.tr", "https://kep.ornek.tr"),
        ("https://KEP.Ornek.TR:443/", "https://kep.ornek.tr"),
        ("https://kep.ornek.tr:8443", "https://kep.ornek.tr:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:80", "http://localhost"),
    ],
)
def test_an_origin_has_one_spelling(text: str, normal: str) -> None:
    assert normal_origin(text) == normal


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("http://kep.ornek.tr", OriginRefused),
        ("http://127.0.0.1.ornek.tr", OriginRefused),
        ("http://192.168.1.5:8000", OriginRefused),
        ("http://0.0.0.0:8000", OriginRefused),
        ("ftp://127.0.0.1", InvalidArgument),
        ("https://kep.ornek.tr/yol", InvalidArgument),
        ("https://kep.ornek.tr?a=1", InvalidArgument),
        ("https://kep.ornek.tr#a", InvalidArgument),
        ("https://biri@kep.ornek.tr", InvalidArgument),
        ("https://kep.ornek.tr:99999", InvalidArgument),
        ("https://" + "a" * 260, InvalidArgument),
        ("https://", InvalidArgument),
        ("kep.ornek.tr", InvalidArgument),
        ("https://kep.örnek.tr", InvalidArgument),
    ],
)
def test_other_origins_are_refused(text: str, error: type[SignerError]) -> None:
    with pytest.raises(error):
        normal_origin(text)


def test_an_origin_that_is_not_on_the_list_gets_no_byte() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.05)
        with pytest.raises(OriginRefused):
            Provider(f"http://127.0.0.1:{listener.getsockname()[1]}", allowed=["http://127.0.0.1:8000"])
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize("text", ["H8QF-3MXW-92TDA", "h8qf3mxw92tda", " H8QF 3MXW 92TDA\n"])
def test_a_code_is_taken_with_or_without_dashes(text: str) -> None:
    assert normal_code(text) == CODE


@pytest.mark.parametrize("text", ["", "H8QF-3MXW", "H8QF-3MXW-92TD0", "H8QF-3MXW-92TDI", "H" * 21, "../../claim/xxx"])
def test_what_cannot_be_a_code_never_leaves(text: str) -> None:
    with pytest.raises(InvalidArgument):
        normal_code(text)


@loopback
def test_the_whole_hand_over_with_an_honest_provider() -> None:
    with FakeProvider() as fake:
        provider = connect(fake)
        claimed = provider.claim(CODE)
        offer = provider.offer(claimed.token, person().der, [authority().der])

        assert (claimed.token, claimed.comparison, claimed.account) == (TOKEN, COMPARISON, ACCOUNT)
        assert offer.signing_time == fake.now
        assert provider.document(claimed.token, offer, size=claimed.size) == fake.document
        provider.cancel(claimed.token, "user")
        assert fake.cancelled_for == "user"


@loopback
def test_the_token_does_not_show_in_a_repr_and_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeProvider() as fake:
        assert TOKEN not in repr(connect(fake).claim(CODE))
    assert CODE not in caplog.text
    assert TOKEN not in caplog.text


def change(path: str, **changes: Any) -> Twist:
    """A provider whose answer at `path` has fields added, changed, or with None removed."""

    def twist(at: str, status: int, answer: Any) -> tuple[int, Any]:
        if at != path:
            return status, answer
        return status, {name: value for name, value in (answer | changes).items() if value is not None}

    return twist


def instead(path: str, status: int, answer: Any) -> Twist:
    """A provider that answers something else at `path`."""
    return lambda at, own_status, own: (status, answer) if at == path else (own_status, own)


CLAIM, CERTIFICATE = "/imza/v1/claim", "/imza/v1/certificate"


@loopback
@pytest.mark.parametrize(
    "twist",
    [
        pytest.param(change(CLAIM, extra="x"), id="a field too many"),
        pytest.param(change(CLAIM, purpose=None), id="a field too few"),
        pytest.param(change(CLAIM, size="10"), id="a number as text"),
        pytest.param(change(CLAIM, size=True), id="a truth value as number"),
        pytest.param(change(CLAIM, size=0), id="nothing to sign"),
        pytest.param(change(CLAIM, size=26_214_401), id="over the size limit"),
        pytest.param(change(CLAIM, origin="https://baska.ornek.tr"), id="another origin"),
        pytest.param(change(CLAIM, comparison="7K4MQX29"), id="comparison code out of form"),
        pytest.param(change(CLAIM, expires_at="2026-11-24 08:00"), id="time out of form"),
        pytest.param(change(CLAIM, expires_at="2026-13-24T08:00:00Z"), id="no such month"),
        pytest.param(change(CLAIM, account="Ayşe\u202e <a@b>"), id="direction override"),
        pytest.param(change(CLAIM, account="Ayşe\n<a@b>"), id="line end"),
        pytest.param(change(CLAIM, account="A" * 401), id="too long a text"),
        pytest.param(change(CLAIM, token="kısa"), id="token out of form"),
        pytest.param(instead(CLAIM, 302, ""), id="redirect"),
        pytest.param(instead(CLAIM, 303, {"code": "IMZ-10", "message": "x"}), id="redirect dressed as a refusal"),
        pytest.param(instead(CLAIM, 307, ""), id="redirect that keeps the body"),
        pytest.param(instead(CLAIM, 204, ""), id="no content"),
        pytest.param(instead(CLAIM, 200, "[]"), id="a list"),
        pytest.param(instead(CLAIM, 200, "{"), id="half a JSON"),
        pytest.param(instead(CLAIM, 200, '{"token":"a","token":"b"}'), id="a field twice"),
        pytest.param(instead(CLAIM, 200, b"{}"), id="JSON as bytes"),
        pytest.param(instead(CLAIM, 200, " " * 70_000), id="a huge answer"),
        pytest.param(instead(CLAIM, 400, '{"code":"IMZ-10"}'), id="an error without a sentence"),
        pytest.param(instead(CLAIM, 500, "<h1>hata</h1>"), id="an error that is a page"),
    ],
)
def test_an_answer_outside_the_protocol_is_refused(twist: Twist) -> None:
    with FakeProvider(twist=twist) as fake, pytest.raises(BadAnswer):
        connect(fake).claim(CODE)


@loopback
@pytest.mark.parametrize(
    "twist",
    [
        pytest.param(change(CERTIFICATE, digest="00" * 20), id="digest of another length (S-020)"),
        pytest.param(change(CERTIFICATE, digest="zz" * 32), id="digest out of form"),
        pytest.param(change(CERTIFICATE, document_url="http://127.0.0.1:1/x"), id="document elsewhere"),
        pytest.param(change(CERTIFICATE, attributes="MQA="), id="attributes of its own"),
    ],
)
def test_an_offer_outside_the_protocol_is_refused(twist: Twist) -> None:
    with FakeProvider(twist=twist) as fake:
        provider = connect(fake)
        claimed = provider.claim(CODE)
        with pytest.raises(BadAnswer):
            provider.offer(claimed.token, person().der, [])


@loopback
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(b"kisa", DocumentDiffers, id="shorter"),
        pytest.param(bytes(2_000_000), BadAnswer, id="longer"),
        pytest.param({"a": 1}, BadAnswer, id="JSON"),
    ],
)
def test_a_document_of_another_size_is_not_read_on(answer: Any, error: type[SignerError]) -> None:
    with FakeProvider(twist=instead("/imza/v1/document", 200, answer)) as fake:
        provider, claimed, offer = _offered(fake)
        with pytest.raises(error):
            provider.document(claimed.token, offer, size=claimed.size)


@loopback
@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, "IMZ-10", ServerRefused),
        (409, "IMZ-12", OperationOver),
        (410, "IMZ-12", OperationOver),
        (429, "IMZ-11", ServerRefused),
    ],
)
def test_a_refusal_is_told_in_the_providers_words(status: int, code: str, error: type[SignerError]) -> None:
    refusal = {"code": code, "message": "Beş yanlış kod girildi."}
    with FakeProvider(twist=instead(CLAIM, status, refusal)) as fake, pytest.raises(error) as refused:
        connect(fake).claim(CODE)
    if error is ServerRefused:
        assert refused.value.for_person() == f"Beş yanlış kod girildi. ({code})"


@loopback
def test_a_signature_counts_only_when_the_provider_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider(twist=instead("/imza/v1/signature", 200, {"state": "OFFERED"})) as fake:
        monkeypatch.setattr(fake, "verify", lambda: None)
        provider, claimed, _ = _offered(fake)
        with pytest.raises(BadAnswer):
            provider.deliver(claimed.token, b"imza")


def test_nobody_listening_is_told() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(Unreachable):
            Provider(origin, allowed=[origin]).claim(CODE)


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[int]:
    """A TLS server on loopback whose certificate nobody vouches for."""
    holder = person("localhost", "p256")
    (tmp_path / "key.pem").write_bytes(holder.pkcs8_pem + holder.certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                connection.recv(1)
        except (ssl.SSLError, OSError):
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(5)
    listener.close()


@loopback
def test_a_tls_certificate_nobody_vouches_for_ends_it(tls_server: int) -> None:
    origin = f"https://localhost:{tls_server}"
    with pytest.raises(InsecureConnection):
        Provider(origin, allowed=[origin]).claim(CODE)


def test_no_proxy_and_no_unchecked_context_is_ever_used() -> None:
    source = Path(protocol.__file__).read_text("utf-8")

    assert "urllib.request" not in source
    assert "_create_unverified_context" not in source
    assert "CERT_NONE" not in source
    assert http.client.HTTPConnection.__name__ in source


def _offered(fake: FakeProvider) -> tuple[Provider, Claimed, Offer]:
    provider = connect(fake)
    claimed = provider.claim(CODE)
    return provider, claimed, provider.offer(claimed.token, person().der, [])
