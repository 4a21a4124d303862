"""Papers under the provider's seal: asked for by a page, made and sealed by the sealing worker (design.md 1.5).

A page that wants a sealed PDF inserts a `SealRequest` of a kind that begins with `pdf.`; the floor that owns the kind
has registered how such a paper is described. The worker asks for that description *when it seals*, from the rows as
they are then, so that what it signs are typed facts and never bytes of a caller, and a paper about a moment is about
the moment at which it was made. The finished file lies in the vault under the digest that the request names.

A failure puts the request back with a growing delay like all work, a hold for as long as it lasts, anything else until
it is parked and people look (R-016).
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Final

from django.db import transaction

from guards.clock import now as clock
from guards.sign_of_life import heard

from . import clock_drift, eventlog, issue, outside, parking, vault
from .algorithms import Signer
from .claims import claim, give_back
from .errors import SealMismatch
from .interruptions import giving_back, is_interruption
from .models import SealRequest
from .pdf import Attachment, PaperRefused, render
from .refusals import KeyNotInForce, KeyUnavailable
from .timestamp import Stamper

log = logging.getLogger(__name__)

PREFIX: Final = "pdf."
BATCH = 10
"""Papers of one turn: proofs wait behind them."""
PATIENCE = 20.0
"""Seconds after which papers whose turn has not come are left to the next turn: their claims would run out."""


@dataclass(frozen=True)
class Paper:
    """What will be printed and sealed: a template of `papers.PAPERS`, its facts, and whom the event log names."""

    template: str
    facts: Mapping[str, object]
    subject: str
    attachments: Sequence[Attachment] = ()


Describe = Callable[[SealRequest, datetime], Paper]
_kinds: dict[str, Describe] = {}


def register(kind: str, describe: Describe) -> None:
    """Say how papers of `kind` are described; once, when the app that owns the kind is ready.

    `describe(request, now)` reads the rows that the request's `reference` names and gives the paper of this moment;
    what it raises puts the request back. ValueError for a kind without the prefix or one that somebody else owns.
    """
    if not kind.startswith(PREFIX) or len(kind) > 24:
        raise ValueError(f"a kind of paper is called {PREFIX}..., in at most 24 letters")
    if _kinds.get(kind, describe) is not describe:
        raise ValueError("this kind of paper has an owner")
    _kinds[kind] = describe


def ask(kind: str, *, reference: str, version: str, asked_by: str, subject: str, now: datetime) -> SealRequest:
    """Ask for a sealed paper; the same (kind, reference, version) twice is the same request.

    `asked_by` is the actor ("person:<uuid>"), `subject` what the event log names. `PaperRefused` for a kind that
    nobody has registered.
    """
    if kind not in _kinds:
        raise PaperRefused("unknown-kind", kind=kind)
    with transaction.atomic():
        request, is_new = SealRequest.objects.get_or_create(
            kind=kind,
            reference=reference,
            version=version,
            defaults={"asked_by": asked_by, "asked_at": now, "due_at": now},
        )
        if is_new:
            eventlog.append("paper.asked", at=now, actor=asked_by, subject=subject, facts={"kind": kind})
            issue.ring_sealer()
    return request


def asked(kind: str, *, reference: str, version: str) -> SealRequest | None:
    """The request for this paper, if somebody has asked; looking changes nothing."""
    return SealRequest.objects.filter(kind=kind, reference=reference, version=version).first()


def finished(request: SealRequest) -> bytes | None:
    """The sealed PDF once the sealing worker has made it, else None. Refusals of the vault as `vault.get`."""
    return None if request.result is None else vault.get(bytes(request.result))


def seal_due(now: datetime | None = None) -> int:
    """A sweep of the sealing worker: make what is due; how many papers now exist that did not before."""
    moment = now or clock()
    clock_drift.refuse_when_adrift()
    waiting = SealRequest.objects.filter(kind__startswith=PREFIX, finished_at__isnull=True)
    requests = claim(waiting, now=moment, limit=BATCH)
    made, until = 0, monotonic() + PATIENCE
    with giving_back(lambda: give_back(requests)):
        for position, request in enumerate(requests):
            if position and monotonic() > until:
                give_back(requests[position:])
                break
            made += _make_or_put_back(request, now=moment)
    return made


def _make_or_put_back(request: SealRequest, *, now: datetime) -> int:
    heard()
    try:
        # the key is asked for each time: one that stopped signing is opened anew
        return int(make(request, signer=issue.open_signer(), stamper=outside.stamper(), now=now))
    except Exception as error:  # the boundary of one paper's work: the others are made
        if is_interruption(error):
            raise
        parking.put_back_failed(request, error, now=now)
        return 0


def make(request: SealRequest, *, signer: Signer, stamper: Stamper, now: datetime) -> bool:
    """Answer one claimed request: print, seal, keep the file, mark the request finished; whether it was not before.

    Raises what `describe`, `pdf.render`, `pdf_seal.seal` and `vault.put` raise; then nothing is marked.
    """
    from .pdf_seal import seal  # brings pyHanko, which no other process needs

    describe = _kinds.get(request.kind)
    if describe is None:
        raise PaperRefused("unknown-kind", kind=request.kind)
    paper = describe(request, now)
    printed = render(paper.template, paper.facts, attachments=paper.attachments)
    try:
        sealed = seal(printed, signer=signer, stamper=stamper, now=now)
    except (KeyUnavailable, KeyNotInForce) as error:
        issue.give_up_key(signer, error)
        raise
    except SealMismatch as error:
        log.critical("ALM-04 own seal refused: %s", error, extra={"request": request.pk})
        raise
    digest = vault.put(sealed)
    with transaction.atomic():
        is_first = SealRequest.objects.filter(pk=request.pk, finished_at__isnull=True).update(
            result=digest, finished_at=now, claimed_until=None, claimed_by="", due_at=None
        )
        if is_first:
            facts = {"kind": request.kind, "sha256": digest.hex()}
            eventlog.append("paper.sealed", at=now, subject=paper.subject, facts=facts)
    return bool(is_first)
