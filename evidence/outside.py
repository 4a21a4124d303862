"""How the evidence floor reaches the outside: time-stamp authority, OCSP, CRL, and whom it trusts (V-084, V-096).

Everything is built once per process from the settings and goes through `guards.outbound`, which knows the few
addresses it may call. Nothing here decides anything: `chain`, `revocation` and `timestamp` do. A service that does
not answer is a typed, temporary refusal, which callers turn into a hold that ends by itself.
"""

import functools
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.utils.module_loading import import_string

from guards import clock
from guards.errors import KepError
from guards.outbound import OutboundClient, OutboundUnavailable, Reply
from guards.sign_of_life import heard

from . import clock_drift
from .anchors import DEMO_POLICY, TrustAnchors, TrustPolicy
from .errors import EvidenceError
from .revocation import Material
from .status import RevocationFetcher
from .timestamp import HttpStamper, Stamper


class RevocationUnknown(EvidenceError):
    """Neither an OCSP answer nor a current CRL could be had: hold (design.md 6)."""

    code = "IMZ-30"
    temporary = True
    user_message = (
        "Sertifikanızın iptal durumu şu anda öğrenilemiyor. İletiniz güvende ve sırada bekliyor; "
        "hizmet dönünce işlem kendiliğinden sürer."
    )


@functools.cache
def anchors() -> TrustAnchors:
    """The pinned roots and the policy of roles: what this provider trusts, and nothing a message carries."""
    policy = TrustPolicy.from_toml(settings.KEP_TRUST_POLICY) if settings.KEP_TRUST_POLICY else DEMO_POLICY
    return TrustAnchors.from_pem(settings.KEP_TRUST_ROOTS, policy=policy)


@functools.cache
def intermediates() -> tuple[bytes, ...]:
    """Issuing certificates known to the operator, DER: they complete a chain and are never trusted by themselves."""
    return tuple(
        certificate.public_bytes(Encoding.DER)
        for path in settings.KEP_INTERMEDIATES
        for certificate in x509.load_pem_x509_certificates(path.read_bytes())
    )


@functools.cache
def stamper() -> Stamper:
    """The client of the time-stamp authority; a few persistent connections per thread."""
    return HttpStamper(
        settings.KEP_TSA_URL,
        _post,
        anchors=anchors(),
        post_many=_post_many,
        clock=clock.now,
        observe=clock_drift.observe,
    )


def revocation_material(leaf: bytes, issuer: bytes, *, at: datetime, now: datetime) -> Material:
    """What is known now about `leaf` at the moment `at`, OCSP first (S-006)."""
    return _fetcher().get(leaf, issuer, at=at, now=now)


@functools.cache
def _fetcher() -> RevocationFetcher:
    return RevocationFetcher(post=_post, get=_get, anchors=anchors())


@functools.cache
def _client() -> OutboundClient:
    client: OutboundClient = import_string(settings.KEP_OUTBOUND_CLIENT)(frozenset(settings.KEP_OUTBOUND_ALLOW))
    return client


def _post(url: str, body: bytes, content_type: str) -> bytes:
    heard()  # before up to ten seconds of waiting
    return _body(_client().post(url, body, content_type))


def _post_many(url: str, bodies: Sequence[bytes], content_type: str) -> list[bytes | KepError]:
    heard()
    return [_body_or_refusal(reply) for reply in _client().post_many(url, bodies, content_type)]


def _body_or_refusal(reply: Reply | KepError) -> bytes | KepError:
    if isinstance(reply, KepError):
        return reply
    try:
        return _body(reply)
    except OutboundUnavailable as refusal:
        return refusal


def _get(url: str) -> bytes:
    heard()
    return _body(_client().get(url))


def _body(reply: Reply) -> bytes:
    if reply.status != 200:
        raise OutboundUnavailable("answered without success", status=reply.status)
    return reply.body


def close() -> None:
    """Close this thread's connections and forget what was built from the settings: at the end of a process or test."""
    if _client.cache_info().currsize:
        _client().close()
    for built in (anchors, intermediates, stamper, _fetcher, _client):
        built.cache_clear()
