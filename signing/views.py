"""The machine face of the hand-over: five addresses under `/imza/v1/` for the person's own signing program.

The program is no browser and has no visit. What it may do rests on the operation code, spent once, and on the token
it got for it; no cookie is read or set, and for that reason alone CSRF protection is left off here. Requests are
JSON with exactly the agreed fields, small, and of the agreed types: anything else is `MalformedRequest` (S-024).
Answers are JSON; a refusal is `{"code", "message"}` with the status the refusal names. Nothing of a request is logged.
"""

import base64
import binascii
import functools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from guards import clock
from guards.client_address import client_address
from guards.errors import KepError

from . import codes, operations, requests
from .errors import MalformedRequest, OperationOver

LARGEST_REQUEST = 131_072
LARGEST_CERTIFICATE = 16_384
LONGEST_CHAIN = 5
LARGEST_SIGNATURE = 2_048
REASONS = frozenset(operations.END_OF_REASON)

View = Callable[[HttpRequest], HttpResponse]


def machine(view: View) -> View:
    """A view for a program: no CSRF token, no storing on the way, every typed refusal as JSON."""

    @csrf_exempt
    @never_cache
    @functools.wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except KepError as refusal:
            return JsonResponse(
                {"code": refusal.code, "message": refusal.for_person()},
                status=refusal.status,
                headers={"Retry-After": str(refusal.retry_after)} if refusal.retry_after else None,
            )

    return answered


@require_POST
@machine
def claim(request: HttpRequest) -> HttpResponse:
    """Spend the code; what the signer shows before it knows who signs."""
    sent = _fields(request, code=str, signer=str)
    claimed = operations.claim(sent["code"], client=_client_of(request), now=clock.now())
    operation = claimed.operation
    return JsonResponse(
        {
            "token": claimed.token,
            "purpose": operation.purpose,
            "comparison": f"{operation.comparison[:4]}-{operation.comparison[4:]}",
            "origin": settings.KEP_WEB_ORIGIN,
            "expires_at": _text_of(operation.expires_at),
            "account": operation.acting_for,
            "content_type": operation.content_type,
            "size": operation.content_size,
        }
    )


@require_POST
@machine
def certificate(request: HttpRequest) -> HttpResponse:
    """Offer a certificate; a fitting one opens the document."""
    sent = _fields(request, token=str, certificate=str, chain=list)
    if len(sent["chain"]) > LONGEST_CHAIN:
        raise MalformedRequest("chain too long")
    operation = operations.offer_certificate(
        sent["token"],
        _octets(sent["certificate"], LARGEST_CERTIFICATE),
        [_octets(each, LARGEST_CERTIFICATE) for each in sent["chain"]],
        now=clock.now(),
    )
    if operation.signing_time is None:
        raise OperationOver("ended meanwhile")
    return JsonResponse(
        {
            "document_url": reverse("signing:document"),
            "signing_time": _text_of(operation.signing_time),
            "digest": bytes(operation.content_digest).hex(),
        }
    )


@require_GET
@machine
def document(request: HttpRequest) -> HttpResponse:
    """The exact octets to sign, for the token that offered a fitting certificate."""
    octets = operations.document(request.headers.get("X-Imza-Token", ""), now=clock.now())
    return HttpResponse(octets, content_type="application/octet-stream")


@require_POST
@machine
def signature(request: HttpRequest) -> HttpResponse:
    """Take the signature; the answer is given only after it is verified and durable.

    For a request (`requests`) it carries what the signer's page takes back to the browser that asked.
    """
    sent = _fields(request, token=str, signature=str)
    octets = _octets(sent["signature"], LARGEST_SIGNATURE)
    operation = operations.complete(sent["token"], octets, now=clock.now())
    if operation.purpose in requests.PURPOSES:
        return JsonResponse({"state": "SIGNED", "return_token": codes.return_token(sent["token"])})
    return JsonResponse({"state": "SIGNED"})


@require_POST
@machine
def cancel(request: HttpRequest) -> HttpResponse:
    """Nothing will come: by the person's hand, or because the signer stopped."""
    sent = _fields(request, token=str, reason=str)
    if sent["reason"] not in REASONS:
        raise MalformedRequest("unknown reason")
    if not operations.cancel_by_token(sent["token"], sent["reason"], now=clock.now()):
        raise OperationOver("nothing open to cancel")
    return JsonResponse({"state": "CANCELLED"})


def _fields(request: HttpRequest, **form: type) -> dict[str, Any]:
    """The body as exactly these fields. Refuses everything else with `MalformedRequest`."""
    if request.content_type != "application/json":
        raise MalformedRequest("not JSON")
    stated = request.META.get("CONTENT_LENGTH") or "0"
    if not stated.isdigit() or int(stated) > LARGEST_REQUEST:
        raise MalformedRequest("too large")  # asked of the header: nothing of it is read
    try:
        sent = json.loads(request.body.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest("not JSON") from error
    if not isinstance(sent, dict) or sent.keys() != form.keys():
        raise MalformedRequest("other fields than agreed")
    if any(type(sent[name]) is not kind for name, kind in form.items()):
        raise MalformedRequest("a field of another type")
    if any(isinstance(value, str) and not _is_text(value) for value in sent.values()):
        raise MalformedRequest("half a letter")
    return sent


def _is_text(value: str) -> bool:
    """Whether every letter is whole: JSON can spell one half of a pair, which no encoding holds."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _once(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise MalformedRequest("a field twice")
    return dict(pairs)


def _octets(text: object, largest: int) -> bytes:
    if not isinstance(text, str) or len(text) > largest * 2:
        raise MalformedRequest("not base64, or too much of it")
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedRequest("not base64") from error
    if not 0 < len(octets) <= largest:
        raise MalformedRequest("nothing, or too much")
    return octets


def _client_of(request: HttpRequest) -> str:
    """Whose wrong codes are counted: the peer, or behind a proxy of ours the address that this proxy added last."""
    return client_address(
        request.META.get("REMOTE_ADDR", ""),
        request.headers.get("X-Forwarded-For", ""),
        is_behind_proxy=bool(settings.SECURE_PROXY_SSL_HEADER),
    )


def _text_of(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
