"""Fetching what `evidence.revocation` judges: OCSP first, a CRL where no OCSP answer can be used (S-006, design.md 6).

Addresses come out of certificates, so they are hostile input (V-084): this file opens no connection. It is handed two
callables, in production those of the allow-listing outbound client, and asks at most two addresses of each kind. What
cannot be reached or used is a reason in the result, never an exception: the caller holds the message and asks again.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from evidence.anchors import TrustAnchors, TrustReason, Verdict
from evidence.answers import RevocationFinding, answers_nonce, ocsp_request
from evidence.certificate import facts_of
from evidence.revocation import Material, RevocationReport, check_revocation
from guards.errors import KepError

Post = Callable[[str, bytes, str], bytes]
"""(address, body, content type) -> body of a good reply. Raises KepError or OSError when there is none."""
Get = Callable[[str], bytes]
MAX_ADDRESSES = 2
MAX_CACHED_LISTS = 64
_UNREACHED = RevocationFinding.UNREACHED.reason()


@dataclass(frozen=True)
class _Kept:
    """A usable CRL as fetched: when, and until when it may be used."""

    raw: bytes
    fetched_at: datetime
    next_update: datetime


class RevocationFetcher:
    """Fetches and keeps. Safe to use from several threads; a CRL is kept until its nextUpdate, but no longer than
    `crl_patience` when it is older than the signature in question and a newer one would settle it (S-014)."""

    def __init__(
        self, *, post: Post, get: Get, anchors: TrustAnchors, crl_patience: timedelta = timedelta(hours=1)
    ) -> None:
        self._post, self._get, self._anchors, self._patience = post, get, anchors, crl_patience
        self._lists: dict[tuple[bytes, str], _Kept] = {}
        self._lock = threading.Lock()

    def get(self, leaf: bytes, issuer: bytes, *, at: datetime, now: datetime) -> Material:
        """Material that decides about `leaf` at `at`, or the reasons why there is none.

        `CertificateRefused` for bytes that are no certificate.
        """
        facts, failures = facts_of(leaf, policy=self._anchors.policy), []
        for url in _askable(facts.ocsp_urls):
            answer = self._ask(url, leaf, issuer, at, now)
            if isinstance(answer, bytes):
                return Material(ocsp=answer)
            failures.append(answer)
        for url in _askable(facts.crl_urls):
            found = self._list(url, leaf, issuer, at, now)
            if isinstance(found, bytes):
                return Material(crl=found, failures=tuple(failures))
            failures.append(found)
        return Material(failures=tuple(failures) or (RevocationFinding.NOTHING.reason(),))

    def _ask(self, url: str, leaf: bytes, issuer: bytes, at: datetime, now: datetime) -> bytes | TrustReason:
        nonce = secrets.token_bytes(16)
        try:
            raw = self._post(url, ocsp_request(leaf, issuer, nonce=nonce), "application/ocsp-request")
        except (KepError, OSError):
            return _UNREACHED
        report = check_revocation(leaf, issuer, at=at, ocsp=raw, crl=None, anchors=self._anchors, now=now)
        if report.verdict is Verdict.INDETERMINATE:
            return report.findings[0]
        return raw if answers_nonce(raw, nonce) else RevocationFinding.OCSP_OTHER_NONCE.reason()

    def _list(self, url: str, leaf: bytes, issuer: bytes, at: datetime, now: datetime) -> bytes | TrustReason:
        with self._lock:
            kept = self._lists.get((issuer, url))
        if kept is not None and kept.next_update > now:
            report = self._judge_list(kept.raw, leaf, issuer, at, now)
            if report.state == "MATURE" or now - kept.fetched_at < self._patience:
                return kept.raw
        try:
            raw = self._get(url)
        except (KepError, OSError):
            return _UNREACHED if kept is None or kept.next_update <= now else kept.raw
        report = self._judge_list(raw, leaf, issuer, at, now)
        if report.next_update is None:  # nothing was decided
            return report.findings[0]
        with self._lock:
            if len(self._lists) >= MAX_CACHED_LISTS:
                self._lists.pop(next(iter(self._lists)))
            self._lists[issuer, url] = _Kept(raw, now, report.next_update)
        return raw

    def _judge_list(self, raw: bytes, leaf: bytes, issuer: bytes, at: datetime, now: datetime) -> RevocationReport:
        return check_revocation(leaf, issuer, at=at, ocsp=None, crl=raw, anchors=self._anchors, now=now)


def _askable(urls: tuple[str, ...]) -> tuple[str, ...]:
    """The first few addresses of a form anybody could fetch from."""
    fit = (url for url in urls if url.startswith(("http://", "https://")) and len(url) <= 500 and url.isascii())
    return tuple(fit)[:MAX_ADDRESSES]
