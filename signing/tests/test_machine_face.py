"""The five addresses of the hand-over: exactly the agreed requests, JSON answers, no cookies (design.md 4, S-024)."""

import base64
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from guards import clock
from signing import views
from signing.models import SigningOperation
from signing.tests.handover import CONTENT, NOW, OTHER_TCKN, Holder, asked

pytestmark = pytest.mark.django_db
Issue = Callable[..., Holder]


@pytest.fixture(autouse=True)
def frozen_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def program() -> Client:
    """The signer as the server sees it: no visit, no cookie; CSRF checks are on."""
    return Client(enforce_csrf_checks=True)


def post(program: Client, what: str, body: object, **more: Any) -> HttpResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return program.post(f"/imza/v1/{what}", raw, **({"content_type": "application/json"} | more))


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def test_the_whole_hand_over(program: Client, issue: Issue) -> None:
    holder, given = issue(), asked()

    claim = post(program, "claim", {"code": given.code, "signer": "kep-imza/1.0"})
    told = claim.json()
    assert claim.status_code == 200
    comparison = given.operation.comparison
    assert told | {"token": ""} == {
        "token": "",
        "purpose": "message",
        "comparison": f"{comparison[:4]}-{comparison[4:]}",
        "origin": "http://127.0.0.1:8000",
        "expires_at": given.operation.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "account": "Ayşe Yıldız <ayse@hs01.kep.tr>",
        "content_type": "multipart/mixed",
        "size": len(CONTENT),
    }

    offer = post(program, "certificate", {"token": told["token"], "certificate": b64(holder.certificate), "chain": []})
    assert offer.json() == {
        "document_url": "/imza/v1/document",
        "signing_time": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "digest": bytes(given.operation.content_digest).hex(),
    }

    document = program.get("/imza/v1/document", headers={"X-Imza-Token": told["token"]})
    assert (document.content, document["Content-Type"]) == (CONTENT, "application/octet-stream")

    operation = SigningOperation.objects.get()
    signature = b64(holder.sign_operation(operation))
    done = post(program, "signature", {"token": told["token"], "signature": signature})
    assert (done.status_code, done.json()) == (200, {"state": "SIGNED"})
    operation.refresh_from_db()
    assert operation.state == "SIGNED"


@pytest.mark.parametrize("what", ["claim", "certificate", "signature", "cancel"])
def test_no_cookie_is_read_or_set_and_nothing_is_stored_on_the_way(program: Client, what: str) -> None:
    program.cookies["kep_hs01"] = "x" * 32
    answer = post(program, what, {})

    assert answer.status_code == 400
    assert not answer.cookies
    assert "no-store" in answer["Cache-Control"]
    assert "Cookie" not in answer.get("Vary", "").replace("Accept-Language, Cookie", "")


MALFORMED: list[Any] = [
    pytest.param({}, id="nothing"),
    pytest.param({"code": "2" * 13}, id="a field too few"),
    pytest.param({"code": "2" * 13, "signer": "a", "extra": 1}, id="a field too many"),
    pytest.param({"code": 5, "signer": "a"}, id="another type"),
    pytest.param({"code": None, "signer": "a"}, id="null"),
    pytest.param([], id="a list"),
    pytest.param(b"", id="empty"),
    pytest.param(b"{", id="half"),
    pytest.param(b"\xff\xfe", id="not UTF-8"),
    pytest.param(b"[" * 100_000, id="deep"),
    pytest.param(b'{"code":"a","code":"b","signer":"c"}', id="a field twice"),
    pytest.param(b'{"code":"' + b"a" * 140_000 + b'","signer":"c"}', id="large"),
    pytest.param(b'{"code":"' + b"a" * 3_000_000 + b'","signer":"c"}', id="larger than any form"),
]


@pytest.mark.parametrize("body", MALFORMED)
def test_anything_but_the_agreed_fields_is_refused_with_words(program: Client, body: object) -> None:
    answer = post(program, "claim", body)

    assert answer.status_code == 400
    assert answer.json().keys() == {"code", "message"}
    assert answer.json()["code"] == "IMZ-16"


@pytest.mark.parametrize(
    ("what", "rest"),
    [("certificate", b'"certificate":"AAAA","chain":[]'), ("signature", b'"signature":"AAAA"'),
     ("cancel", b'"reason":"user"')],
)  # fmt: skip
def test_half_a_letter_is_refused_and_no_fault_of_ours(program: Client, what: str, rest: bytes) -> None:
    """JSON can spell a lone surrogate, which no encoding can hold: a stranger must not make us fail with it."""
    answer = post(program, what, b'{"token":"\\ud800",' + rest + b"}")

    assert (answer.status_code, answer.json()["code"]) == (400, "IMZ-16")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"])
def test_what_a_foreign_page_could_send_is_refused(program: Client, kind: str) -> None:
    given = asked()
    answer = post(program, "claim", {"code": given.code, "signer": "a"}, content_type=kind)

    assert answer.status_code == 400
    given.operation.refresh_from_db()
    assert given.operation.state == "ASKED"


@pytest.mark.parametrize(
    "changes",
    [
        {"certificate": "***"},
        {"certificate": ""},
        {"certificate": b64(bytes(20_000))},
        {"chain": [1]},
        {"chain": ["***"]},
        {"chain": [b64(b"a")] * 6},
        {"chain": "a"},
    ],
)
def test_a_certificate_request_out_of_form_is_refused(program: Client, issue: Issue, changes: dict[str, Any]) -> None:
    token = post(program, "claim", {"code": asked().code, "signer": "a"}).json()["token"]
    sent = {"token": token, "certificate": b64(issue().certificate), "chain": []} | changes

    answer = post(program, "certificate", sent)

    assert (answer.status_code, answer.json()["code"]) == (400, "IMZ-16")


def test_refusals_are_told_with_code_sentence_and_status(program: Client, issue: Issue) -> None:
    unknown = post(program, "claim", {"code": "2" * 13, "signer": "a"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "IMZ-10")

    token = post(program, "claim", {"code": asked().code, "signer": "a"}).json()["token"]
    early = program.get("/imza/v1/document", headers={"X-Imza-Token": token})
    assert (early.status_code, early.json()["code"]) == (409, "IMZ-12")

    other = {"token": token, "certificate": b64(issue(OTHER_TCKN).certificate), "chain": []}
    unfit = post(program, "certificate", other)
    assert (unfit.status_code, unfit.json()["code"]) == (422, "IMZ-13")
    assert "başka bir kişiye" in unfit.json()["message"]

    post(program, "certificate", {"token": token, "certificate": b64(issue().certificate), "chain": []})
    broken = post(program, "signature", {"token": token, "signature": b64(b"junk")})
    assert (broken.status_code, broken.json()["code"]) == (422, "IMZ-14")

    no_token = program.get("/imza/v1/document")
    assert (no_token.status_code, no_token.json()["code"]) == (404, "IMZ-10")


def test_the_sixth_wrong_code_of_a_client_has_to_wait(program: Client, settings: Any) -> None:
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if not each.endswith("LoopbackOnly")]  # production
    for _ in range(5):
        assert post(program, "claim", {"code": "2" * 13, "signer": "a"}).status_code == 404
    answer = post(program, "claim", {"code": asked().code, "signer": "a"})
    assert (answer.status_code, answer.json()["code"]) == (429, "IMZ-11")

    elsewhere = post(program, "claim", {"code": asked().code, "signer": "a"}, REMOTE_ADDR="192.0.2.9")
    assert elsewhere.status_code == 200


def test_a_client_cannot_choose_its_own_address(program: Client, settings: Any) -> None:
    for number in range(5):
        post(program, "claim", {"code": "2" * 13, "signer": "a"}, HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
    wrong = {"code": "2" * 13, "signer": "a"}
    assert post(program, "claim", wrong, HTTP_X_FORWARDED_FOR="192.0.2.77").status_code == 429

    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for number in range(5):
        spoofed = f"203.0.113.{number}, 198.51.100.1"
        assert post(program, "claim", wrong, HTTP_X_FORWARDED_FOR=spoofed).status_code == 404
    assert post(program, "claim", wrong, HTTP_X_FORWARDED_FOR="198.51.100.1").status_code == 429
    assert post(program, "claim", wrong, HTTP_X_FORWARDED_FOR="198.51.100.2").status_code == 404


def test_cancelling_is_told_once(program: Client) -> None:
    token = post(program, "claim", {"code": asked().code, "signer": "a"}).json()["token"]

    assert post(program, "cancel", {"token": token, "reason": "yok boyle"}).status_code == 400
    assert post(program, "cancel", {"token": token, "reason": "pin_locked"}).json() == {"state": "CANCELLED"}
    assert post(program, "cancel", {"token": token, "reason": "user"}).status_code == 409
    assert SigningOperation.objects.get().refusal_code == "IMZ-03"


@pytest.mark.parametrize(
    ("method", "what"), [("get", "claim"), ("put", "claim"), ("post", "document"), ("delete", "signature")]
)
def test_other_methods_are_refused(program: Client, method: str, what: str) -> None:
    assert getattr(program, method)(f"/imza/v1/{what}").status_code == 405


def test_nothing_of_a_request_is_logged(program: Client, issue: Issue, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    code = asked().code
    token = post(program, "claim", {"code": code, "signer": "a"}).json()["token"]
    post(program, "certificate", {"token": token, "certificate": b64(issue(OTHER_TCKN).certificate), "chain": []})
    post(program, "claim", {"code": code, "signer": "a"})
    for secret in (code, token, OTHER_TCKN):
        assert secret not in caplog.text


def test_the_signer_and_the_server_agree_on_reasons() -> None:
    """Each word the desktop program may send as a reason is known here."""
    from signer import errors as program_errors

    sent = {
        kind.cancel_reason
        for kind in vars(program_errors).values()
        if isinstance(kind, type) and issubclass(kind, program_errors.SignerError) and kind.cancel_reason
    }
    assert sent == views.REASONS
