"""One signing from code to signature, as one state machine. The shell and the page both drive this, nothing else.

    IDLE ──open──► CLAIMED ──choose──► READY ──sign──► SIGNED
      ▲               │  ▲  └another certificate┘  │
      │               └──┴─────────┬───────────────┘
      └────────start again──── CANCELLED | EXPIRED | FAILED

The order is the safety. The code is spent first, so nobody else can. The certificate goes out before the
document comes in, because the provider gives it only to the person it is meant for. The document is hashed
here, compared with what was announced, read here and shown; only then is the PIN asked, and the octets that
the card signs are made from that hash (S-019..S-021). Whatever ends an operation without a signature is told
to the provider at once, so that its page does not wait. One operation at a time, and 120 seconds for each
answer of the person (S-024).

A request that is no message (`signer.request`) is opened by its link only, never by a code that was typed, and
ends with an address of the provider's to go back to (design.md 4).
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from signer import message, request
from signer.attributes import signed_attributes
from signer.errors import (
    ActionPending,
    ClockDiffers,
    DocumentDiffers,
    NothingPending,
    OperationOver,
    SignerError,
    TokenMissing,
    TypedRequest,
    UnknownPurpose,
    Unreachable,
    UnusableKey,
    UserCancelled,
    UserTimeout,
)
from signer.pin import Pin
from signer.protocol import LINK_LENGTH, Claimed, Provider, normal_code
from signer.request import RequestShown
from signer.token import Certificate, utc_now
from signer.wallet import Wallet

USER_SECONDS = 120.0
CLOCK_TOLERANCE = timedelta(minutes=5)

RETURN_PATH = "/giris/imza/"
"""The provider's page that takes a signed request back to the browser that asked."""

PURPOSES: Mapping[str, frozenset[str]] = {
    "message": frozenset({"message/rfc822", "multipart/mixed"}),
    **{purpose: frozenset({kind}) for purpose, kind in request.CONTENT_TYPES.items()},
}
"""What this program can show, and under which content types. Anything else is refused, never shown as bytes."""

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"]+@[^\s<>()\[\],;:\"]+")


class Stage(Enum):
    """Where the operation stands; the value is the word used in the page."""

    IDLE = "bos"
    CLAIMED = "acildi"
    READY = "hazir"
    SIGNED = "imzalandi"
    CANCELLED = "iptal"
    EXPIRED = "suresi_doldu"
    FAILED = "olmadi"


OPEN = (Stage.CLAIMED, Stage.READY)


@dataclass(frozen=True)
class Prepared:
    """The document as it was read here, and the octets that a signature over it needs."""

    certificate: Certificate
    shown: message.Shown | RequestShown
    digest: bytes
    signing_time: datetime
    octets: bytes


class Session:
    """Not thread-safe: the page holds its lock around every call."""

    def __init__(
        self,
        wallet: Wallet,
        *,
        allowed: Sequence[str],
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wallet = wallet
        self._allowed = tuple(allowed)
        self._now = now
        self._monotonic = monotonic
        self._forget()
        self.stage = Stage.IDLE

    def _forget(self) -> None:
        self._provider: Provider | None = None
        self._answer_by = 0.0
        self.claimed: Claimed | None = None
        self.prepared: Prepared | None = None
        self.ended_by: SignerError | None = None
        self.certificates: tuple[Certificate, ...] = ()
        self.problems: tuple[SignerError, ...] = ()
        self.return_address = ""

    @property
    def heading(self) -> str:
        """What is asked, in capitals where it is no message; empty for a message and while nothing is open."""
        return request.HEADINGS.get(self.claimed.purpose, "") if self.claimed else ""

    def said(self, error: SignerError) -> str:
        """The sentence of an error, in words that fit what was asked."""
        return error.for_person(of_request=bool(self.heading))

    def open(self, code: str, *, origin: str, by_link: bool = False) -> Claimed:
        """Spend the code at `origin`; `by_link` says that a link brought it and nobody typed it.

        Refuses with `ActionPending` while another operation is open, and with `TypedRequest` a link's code that was
        typed, before it is spent.
        """
        if self.stage in OPEN:
            raise ActionPending("an operation is open")
        self._forget()
        self.stage = Stage.IDLE
        provider = Provider(origin, allowed=self._allowed)
        wanted = normal_code(code)
        if len(wanted) == LINK_LENGTH and not by_link:
            raise TypedRequest("the code of a link was typed")
        claimed = provider.claim(wanted)
        self._provider, self.claimed, self.stage = provider, claimed, Stage.CLAIMED
        with self._closing():
            if claimed.content_type not in PURPOSES.get(claimed.purpose, ()):
                raise UnknownPurpose("a purpose or content type that cannot be shown")
            if self.heading and not by_link:
                raise TypedRequest("a typed code led to a request")
        self.look_for_certificates()
        self._person_is_asked()
        return claimed

    def look_for_certificates(self) -> None:
        """List the certificates anew, for instance after a card was put in."""
        self.certificates, self.problems = self._wallet.certificates(now=self._now())

    def choose(self, certificate_id: str) -> Prepared:
        """Show the certificate to the provider, fetch the document, check and read it.

        A certificate that the provider does not take (`ServerRefused`) leaves the operation open for another.
        """
        provider, claimed = self._must_be(Stage.CLAIMED, Stage.READY)
        certificate = self._usable(certificate_id)
        with self._closing():
            offer = provider.offer(claimed.token, certificate.der, certificate.chain)
            self._check_clock(offer.signing_time)
            raw = provider.document(claimed.token, offer, size=claimed.size)
            digest = hashlib.sha256(raw).digest()
            if digest != offer.digest:
                raise DocumentDiffers("the digest is not the announced one")
            shown = _read(raw, claimed)
            octets = signed_attributes(certificate.der, digest, offer.signing_time)
        self.prepared = Prepared(certificate, shown, digest, offer.signing_time, octets)
        self.stage = Stage.READY
        self._person_is_asked()
        return self.prepared

    def sign(self, pin: Pin | None) -> None:
        """Sign with `pin` and deliver. `WrongPin` and `PinMissing` leave the operation open for another try."""
        provider, claimed = self._must_be(Stage.READY)
        prepared = self.prepared
        if prepared is None:
            raise NothingPending("nothing was shown")
        with self._closing():
            self._person_is_asked()
            (signature,) = self._wallet.sign(prepared.certificate.id, [prepared.octets], pin)
            try:
                self._deliver(provider, claimed, signature)
            except Unreachable:  # the same signature twice is the same act: the provider answers it again
                self._deliver(provider, claimed, signature)
        self.stage = Stage.SIGNED

    def _deliver(self, provider: Provider, claimed: Claimed, signature: bytes) -> None:
        if self.heading:
            returned = provider.deliver_request(claimed.token, signature)
            self.return_address = f"{claimed.origin}{RETURN_PATH}#{returned}"
        else:
            provider.deliver(claimed.token, signature)

    def cancel(self, error: SignerError | None = None) -> None:
        """End the open operation, by default because the person said no."""
        self._must_be(*OPEN)
        self.end(error or UserCancelled("cancelled by the person"))

    def tick(self) -> None:
        """End what has run out of time. Called by whoever waits for the person."""
        if self.stage not in OPEN:
            return
        if self._monotonic() >= self._answer_by:
            self.end(UserTimeout("no answer in time"))
        elif self.claimed is not None and self._now() >= self.claimed.expires_at:
            self.end(OperationOver("the term has passed"))

    def seconds_left(self) -> float:
        """How long the person still has for this answer; 0 when nothing is asked."""
        return max(0.0, self._answer_by - self._monotonic()) if self.stage in OPEN else 0.0

    def end(self, error: SignerError) -> None:
        """Close with `error` and tell the provider, as far as it can be reached."""
        self.ended_by = error
        self.stage = _STAGE_OF.get(type(error), Stage.FAILED)
        if self._provider is not None and self.claimed is not None and error.cancel_reason:
            try:
                self._provider.cancel(self.claimed.token, error.cancel_reason)
            except SignerError:
                return  # the operation ends by its term; the person's answer does not depend on this

    @contextmanager
    def _closing(self) -> Iterator[None]:
        """Ends the operation on every error that leaves no way on, and lets the error through."""
        try:
            yield
        except SignerError as error:
            if error.cancel_reason or isinstance(error, OperationOver):
                self.end(error)
            raise

    def _must_be(self, *stages: Stage) -> tuple[Provider, Claimed]:
        self.tick()
        if self.ended_by is not None and self.stage in (Stage.CANCELLED, Stage.EXPIRED):
            raise self.ended_by
        if self.stage not in stages or self._provider is None or self.claimed is None:
            raise NothingPending(f"not possible in {self.stage.name}")
        return self._provider, self.claimed

    def _usable(self, certificate_id: str) -> Certificate:
        for certificate in self.certificates:
            if certificate.id == certificate_id:
                if certificate.unusable:
                    raise UnusableKey("certificate cannot sign", why=certificate.unusable)
                return certificate
        raise TokenMissing("the chosen certificate is not there")

    def _check_clock(self, signing_time: datetime) -> None:
        apart = abs(signing_time - self._now())
        if apart > CLOCK_TOLERANCE:
            raise ClockDiffers("signing time far from this clock", minutes=round(apart.total_seconds() / 60))

    def _person_is_asked(self) -> None:
        self._answer_by = self._monotonic() + USER_SECONDS


_STAGE_OF: Mapping[type[SignerError], Stage] = {
    UserCancelled: Stage.CANCELLED,
    UserTimeout: Stage.EXPIRED,
    OperationOver: Stage.EXPIRED,
}


def _read(raw: bytes, claimed: Claimed) -> message.Shown | RequestShown:
    """The bytes as what they were announced as, and as nothing else."""
    if claimed.purpose in request.CONTENT_TYPES:
        return request.read(raw, purpose=claimed.purpose, origin=claimed.origin)
    shown = message.read(raw)
    _check_account(claimed.account, shown)
    return shown


def _check_account(account: str, shown: message.Shown) -> None:
    """The account that the provider names must be the one the message says it is from (V-060)."""
    named = {found.casefold() for found in _ADDRESS.findall(account)}
    if named and named != {shown.sender.address.casefold()}:
        raise DocumentDiffers("the message is not from the account that was named")
