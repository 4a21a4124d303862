"""Requests signed before a browser: their one spelling, their link code, their return token, their end (S-022)."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from evidence.models import Event
from signing import codes, integrity, operations, requests
from signing.errors import CertificateUnfitForRequest, OperationOver, RequestOver, SignatureUnfitForRequest, UnknownLink
from signing.models import SigningOperation
from signing.tests.handover import (
    NOW,
    OTHER_TCKN,
    OWNER_TCKN,
    Holder,
    asked,
    in_parallel,
    later,
    rung,
    state_of,
)
from signing.tests.test_machine_face import post

pytestmark = pytest.mark.django_db
State = SigningOperation.State


def ask(purpose: str = requests.SIGN_IN, *, reference: str = "request:1", **more: Any) -> operations.Asked:
    """A request of the owner's number."""
    request = requests.new_request(purpose, now=NOW, text="Başvuru" if purpose == requests.APPLICATION else "")
    return operations.ask_request(
        request, tckn=OWNER_TCKN, acting_for="Örnek KEP, giriş", reference=reference, now=NOW, **more
    )


def offer(holder: Holder, made: operations.Asked) -> tuple[str, SigningOperation]:
    """Claimed and offered."""
    token = operations.claim(made.code, client="192.0.2.1", now=NOW).token
    return token, operations.offer_certificate(token, holder.certificate, [], now=NOW)


def sign(holder: Holder, made: operations.Asked) -> tuple[str, SigningOperation]:
    """The whole way."""
    token, operation = offer(holder, made)
    signature = holder.sign_operation(operation, content=operations.content_of(operation))
    return token, operations.complete(token, signature, now=NOW)


# --- the document ---------------------------------------------------------------------------------------------------
def test_challenges_are_fresh_256_bits_bound_to_origin_and_purpose(settings: Any) -> None:
    made = [requests.new_request(requests.SIGN_IN, now=NOW) for _ in range(200)]
    assert len({each.challenge for each in made}) == 200
    assert {len(each.challenge) for each in made} == {32}
    said = json.loads(made[0].octets())
    assert (said["origin"], said["purpose"]) == (settings.KEP_WEB_ORIGIN, "sign_in")
    assert made[0].expires_at - made[0].asked_at == timedelta(minutes=2)
    assert requests.read_request(made[0].octets()) == made[0]


@pytest.mark.parametrize("purpose", ["message", "", "SIGN_IN", "sıgn_in"])
def test_other_purposes_are_no_request(purpose: str) -> None:
    with pytest.raises(ValueError, match="purpose"):
        requests.new_request(purpose, now=NOW)


def test_another_spelling_of_the_same_words_is_refused() -> None:
    octets = requests.new_request(requests.SIGN_IN, now=NOW).octets()
    said = json.loads(octets)
    others = [
        octets + b"\n",
        json.dumps(said).encode(),
        json.dumps({**said, "more": "1"}, sort_keys=True, separators=(",", ":")).encode(),
        json.dumps({**said, "challenge": said["challenge"][:-2]}, sort_keys=True, separators=(",", ":")).encode(),
        json.dumps({**said, "asked_at": "2026-11-24T08:00:00+00:00"}, sort_keys=True, separators=(",", ":")).encode(),
        octets.replace(b"sign_in", b"message"),
        b"From: ayse@hs01.kep.tr\r\n\r\nmetin",
        b"[]",
        b"",
        b"\xff",
    ]
    for other in others:
        with pytest.raises(ValueError):  # noqa: PT011 - json says what is wrong in words of its own
            requests.read_request(other)


# --- the code -------------------------------------------------------------------------------------------------------
def test_a_link_code_is_longer_than_what_people_type_and_works_once() -> None:
    made = ask()
    assert (len(made.code), codes.is_link_code(made.code), codes.is_link_code(asked().code)) == (20, True, False)
    outcomes = [operations.claim(made.code, client="192.0.2.1", now=NOW).operation.pk]
    with pytest.raises(UnknownLink) as used:
        operations.claim(made.code, client="192.0.2.1", now=NOW)
    assert outcomes == [made.operation.pk]
    assert "taslağınız" not in used.value.for_person().casefold()


def test_a_sign_in_is_opened_while_the_floors_above_are_full(settings: Any) -> None:
    settings.KEP_REFUSE_WHEN_FULL = "signing.tests.test_requests.full"
    assert operations.claim(ask().code, client="192.0.2.1", now=NOW).operation.purpose == requests.SIGN_IN
    with pytest.raises(RuntimeError, match="full"):
        operations.claim(asked().code, client="192.0.2.1", now=NOW)


def full(*, now: object) -> None:
    """More work than can be done."""
    raise RuntimeError("full")


# --- the signature --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("purpose", sorted(requests.PURPOSES))
def test_a_signed_request_waits_for_its_browser_and_for_nobody_else(holder: Holder, purpose: str) -> None:
    token, operation = sign(holder, ask(purpose))
    assert (operation.state, operation.due_at, rung) == (State.SIGNED, None, [])
    assert operations.take_signed("message", 10, now=NOW) == []
    assert list(integrity.findings(later(days=1))) == []
    returned = codes.return_token(token)
    assert operations.returned(operation.pk, purpose, returned, now=NOW) == operation
    others = {"message", *requests.PURPOSES} - {purpose}
    assert not [other for other in others if operations.returned(operation.pk, other, returned, now=NOW)]
    assert operations.returned(operation.pk, purpose, token, now=NOW) is None, (
        "the signer's token is not the returned one"
    )
    assert operations.returned(operation.pk, purpose, returned, now=operation.expires_at) is None
    operations.consume([operation], now=NOW)
    assert operations.returned(operation.pk, purpose, returned, now=NOW) is None


@pytest.fixture
def at_now() -> Iterator[None]:
    """The clock of the machine face stands where the tests' does: a request lives for two minutes only."""
    with time_machine.travel(NOW, tick=False):
        yield


def test_the_machine_face_gives_the_token_to_whoever_posted_and_again_on_a_repeat(
    client: Client, holder: Holder, at_now: None
) -> None:
    made = ask()
    claimed = post(client, "claim", {"code": made.code, "signer": "test"}).json()
    assert claimed["content_type"] == "application/vnd.kep.giris+json"
    token, operation = claimed["token"], made.operation
    operations.offer_certificate(token, holder.certificate, [], now=NOW)
    operation.refresh_from_db()
    signature = b64encode(holder.sign_operation(operation, content=bytes(operation.content or b""))).decode()
    first, again = (post(client, "signature", {"token": token, "signature": signature}).json() for _ in range(2))
    assert first == again == {"state": "SIGNED", "return_token": codes.return_token(token)}
    assert len(first["return_token"]) == 64
    operation.refresh_from_db()
    assert operation.return_hmac not in (first["return_token"], None), "kept only as a keyed hash"


def test_a_message_is_answered_as_before(client: Client, holder: Holder) -> None:
    token, operation = offer(holder, asked())
    signature = b64encode(holder.sign_operation(operation)).decode()
    answer = post(client, "signature", {"token": token, "signature": signature})
    assert answer.json() == {"state": "SIGNED"}


def test_a_signature_over_other_bytes_and_another_persons_card_are_refused(holder: Holder, issue: Any) -> None:
    token, operation = offer(holder, ask())
    with pytest.raises(SignatureUnfitForRequest):
        operations.complete(token, holder.sign_operation(operation, content=b"{}"), now=NOW)
    with pytest.raises(CertificateUnfitForRequest) as unfit:
        operations.offer_certificate(token, issue(OTHER_TCKN).certificate, [], now=NOW)
    assert unfit.value.facts["fault"] == "NES-12"
    assert "isteği başlatan" in unfit.value.for_person()


# --- the end --------------------------------------------------------------------------------------------------------
def test_what_is_not_fetched_in_time_expires_and_is_forgotten(holder: Holder) -> None:
    _, operation = sign(holder, ask())
    message = asked().operation
    assert operations.expire_due(later(minutes=2)) == 1
    assert (state_of(operation), state_of(message)) == (State.EXPIRED, State.ASKED)
    assert operations.forget_requests(before=later(minutes=1)) == 0
    assert operations.forget_requests(before=later(minutes=3)) == 1
    assert SigningOperation.objects.filter(pk=message.pk).exists()


def test_after_its_term_nothing_is_signed_and_nothing_is_extended(holder: Holder) -> None:
    made = ask()
    token, operation = offer(holder, made)
    signature = holder.sign_operation(operation, content=operations.content_of(operation))
    with pytest.raises(RequestOver) as over:
        operations.complete(token, signature, now=later(minutes=2))
    assert over.value.code == OperationOver.code, "the signer knows it by its code"
    with pytest.raises(OperationOver):
        operations.extend(made.operation.pk, person=operations.NOBODY, now=NOW)


def test_nobody_is_the_actor_before_somebody_is_proved() -> None:
    ask()
    said = json.loads(bytes(Event.objects.get(kind="signing.asked").body))
    assert (said["actor"], OWNER_TCKN in json.dumps(said)) == ("", False)


def test_the_bytes_lie_in_the_row_encrypted_and_not_in_the_vault(settings: Any) -> None:
    operation = ask().operation
    assert hashlib.sha256(operations.content_of(operation)).digest() == bytes(operation.content_digest)
    assert not settings.KEP_VAULT_DIR.exists() or not [
        each for each in settings.KEP_VAULT_DIR.rglob("*") if each.is_file()
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM signing_signingoperation")
        assert b"challenge" not in bytes(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_of_fifty_claims_of_one_link_one_wins() -> None:
    made = ask()
    outcomes = in_parallel(50, lambda number: operations.claim(made.code, client=f"192.0.2.{number}", now=NOW).token)
    assert sum(isinstance(each, str) for each in outcomes) == 1
    assert all(isinstance(each, str | UnknownLink) for each in outcomes)
