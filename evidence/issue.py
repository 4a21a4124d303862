"""Prepare, then seal: how a proof comes into being (design.md 1.5, docs/SEALING.md).

1. `prepare` runs in the transaction of the legal step. It renders the exact bytes that will be signed and
   stores them as an intent, with a row of labour beside it. From this commit on the proof is owed.
2. `seal_due` runs in the sealing worker, the only process that opens the işlem key. It claims many intents,
   writes down that it is about to use the key, signs, time-stamps, takes its own output apart byte by byte
   against the stored intent, and inserts the sealed proof in one commit for the batch.

A crash anywhere between leaves the labour row, whose claim runs out; the next worker does the step again.
Signing twice is harmless: only one sealed proof per intent can ever be stored, and nothing travels before it.
The worker signs typed facts that this module rendered, never bytes or hashes of a caller; the one exception
that looks like one, `sign_envelope`, hashes the bytes itself.
"""

import functools
import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.db import transaction
from django.utils.module_loading import import_string

from guards.crash_points import passing
from guards.errors import KepError
from guards.ids import uuid7_hex

from . import cades, eventlog, parking, rows, xades, xml
from .algorithms import Signer
from .claims import claim, give_back
from .errors import KeyNotHere, SealMismatch
from .facts import EvidenceFacts, Issuer
from .interruptions import giving_back, is_interruption
from .models import EvidenceIntent, SealedEvidence, SealWork
from .refusals import CmsRefused, EvidenceRefused, KeyNotInForce, KeyUnavailable, TimestampRefused, TimestampUnavailable
from .timestamp import Stamper
from .trust import facts_of

log = logging.getLogger(__name__)

LATE = timedelta(seconds=60)  # a time-stamp later than this after the event is flagged (design.md 1.2)
BATCH = 50
PATIENCE = 20.0
"""Seconds after which a batch is stored as far as it came: well before its claims run out and its worker is missed."""
PROBE = 2
"""Time-stamps asked first, to see how fast the authority is now."""


def issuer() -> Issuer:
    """This provider as it stands in every proof it makes."""
    return Issuer(
        name=settings.KEP_PROVIDER_NAME,
        policy_id=settings.KEP_PROVIDER_POLICY,
        code=settings.KEP_PROVIDER_CODE,
        domain=settings.KEP_PROVIDER_DOMAIN,
    )


def new_evidence_id(now: datetime) -> str:
    """`ev-` and a UUIDv7, which sorts by time."""
    return f"ev-{uuid7_hex(int(now.timestamp() * 1000))}"


def prepare(facts: Sequence[EvidenceFacts], *, now: datetime) -> list[EvidenceIntent]:
    """Store what will be signed, inside the caller's transaction, once per (message, recipient, code) (A-001).

    A second intent for the same step is an `IntegrityError` of the database and undoes the step that asked.
    """
    if not facts:
        return []
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a proof is prepared in the transaction of its step")
    intents = []
    for each in facts:
        unsigned = xml.render(each)
        intents.append(
            EvidenceIntent(
                evidence_id=each.evidence_id,
                kep_id=each.kep_id.strip("<>"),  # rows name a message without the angle brackets of its proofs
                recipient_no=each.recipient_no,
                code=int(each.kind),
                unsigned=unsigned,
                digest=hashlib.sha256(unsigned).digest(),
                event_at=each.event_at,
                prepared_at=now,
            )
        )
    rows.insert_all(intents)
    rows.insert(
        SealWork,
        ("intent_id", "due_at", "claimed_by", "tries", "failures", "last_error"),
        [(intent.pk, now, "", 0, 0, "") for intent in intents],
    )
    ring_sealer()
    return intents


def ring_sealer() -> None:
    """Wake the sealing worker after the running transaction; nothing depends on its being heard."""
    import_string(settings.KEP_SEAL_BELL)()


def seal_due(*, signer: Signer, stamper: Stamper, now: datetime, worker: str, limit: int = BATCH) -> int:
    """Seal up to `limit` due intents; returns how many proofs now exist that did not before.

    The time-stamp authority away (`TimestampUnavailable`) or answering nonsense puts the rest of the batch back
    with a growing delay: a hold that ends by itself (V-096). So does a key that does not sign, or whose certificate
    is not in force; it is opened anew the next time. Our own output failing our own check, or anything else that
    one proof alone meets, is logged, put back the same way and never stored (R-016). A slow authority ends the batch
    early: what is sealed is stored, the rest stays due. All are signed, then all are stamped, several under way at
    once, then each is checked, and one commit stores them. Where the database breaks that off, all claims are free.
    """
    works = _claim(now=now, worker=worker, limit=limit)
    with giving_back(lambda: give_back(works)):
        return _seal(works, signer=signer, stamper=stamper, now=now)


def _seal(works: Sequence[SealWork], *, signer: Signer, stamper: Stamper, now: datetime) -> int:
    started = monotonic()
    signed = _sign_each(works, signer=signer, now=now, until=started + PATIENCE / 2)
    passing("seal.after_signature")
    tokens = _stamp_each([unstamped.stamp_digest for _, unstamped in signed], stamper, until=started + PATIENCE)
    sealed: list[tuple[SealWork, SealedEvidence]] = []
    late: list[SealWork] = []
    unlucky: list[tuple[SealWork, Exception]] = []
    ran_out: KeyNotInForce | None = None
    for (work, unstamped), token in zip(signed, tokens, strict=True):
        try:
            if token is None:
                late.append(work)
            elif isinstance(token, KepError):
                unlucky.append((work, token))
            else:
                sealed.append((work, _checked_seal(work.intent, unstamped.finish(token), signer=signer, now=now)))
        except KeyNotInForce as error:  # between the signature and its time-stamp
            ran_out = error
            unlucky.append((work, error))
        except Exception as error:  # noqa: BLE001 - the boundary of one proof's work: the others are sealed (R-016)
            _say_unsealed(work, error)
            unlucky.append((work, error))
    if ran_out is not None:
        give_up_key(signer, ran_out)
    passing("seal.before_store")
    stored = _store(sealed, now=now)
    passing("seal.after_store")
    _put_back(unlucky, now=now)
    give_back(late)
    return stored


def _sign_each(
    works: Sequence[SealWork], *, signer: Signer, now: datetime, until: float
) -> list[tuple[SealWork, xades.Unstamped]]:
    """What could be signed; the others are put back."""
    signed: list[tuple[SealWork, xades.Unstamped]] = []
    for position, work in enumerate(works):
        if monotonic() > until:
            give_back(works[position:])
            break
        try:
            signed.append((work, _sign_one(work.intent, signer=signer, now=now)))
        except (KeyUnavailable, KeyNotInForce) as error:
            give_up_key(signer, error)
            _put_back([(each, error) for each in works[position:]], now=now)
            break
        except Exception as error:  # noqa: BLE001 - the boundary of one proof's work: the others are signed (R-016)
            _say_unsealed(work, error)
            _put_back([(work, error)], now=now)
    return signed


def _say_unsealed(work: SealWork, error: Exception) -> None:
    if isinstance(error, SealMismatch):
        log.critical("ALM-04 own seal refused: %s", error, extra={"evidence": work.intent.evidence_id})
    else:
        log.error("a proof could not be sealed", exc_info=error, extra={"evidence": work.intent.evidence_id})


def give_up_key(signer: Signer, error: KeyUnavailable | KeyNotInForce) -> None:
    """Ring, and let the key be opened anew the next time."""
    log.critical("ALM-05 the key does not seal: %s", error)
    _forget_signer(signer)


def _stamp_each(
    digests: Sequence[bytes], stamper: Stamper, *, until: float
) -> list[bytes | TimestampUnavailable | TimestampRefused | None]:
    """The token of each digest or why there is none; None for those whose turn had not come at `until` (monotonic).

    The first few show the pace of the authority; then as many are asked together as will be answered in the time left.
    """
    tokens: list[bytes | TimestampUnavailable | TimestampRefused | None] = []
    some = PROBE
    while len(tokens) < len(digests):
        before = monotonic()
        tokens += stamper.stamp_many(digests[len(tokens) : len(tokens) + some])
        after = monotonic()
        if isinstance(tokens[-1], TimestampUnavailable):
            return tokens + tokens[-1:] * (len(digests) - len(tokens))
        if after >= until:
            return tokens + [None] * (len(digests) - len(tokens))
        pace = (after - before) / some
        some = max(1, min(len(digests), int((until - after) / pace))) if pace else len(digests)
    return tokens


def sign_envelope(signed_part: bytes, *, signer: Signer, stamper: Stamper, now: datetime) -> bytes:
    """`sign_envelopes` of one. Raises what is wrong."""
    (made,) = sign_envelopes([signed_part], signer=signer, stamper=stamper, now=now)
    if isinstance(made, KepError):
        raise made
    return made


def sign_envelopes(
    parts: Sequence[bytes], *, signer: Signer, stamper: Stamper, now: datetime
) -> list[bytes | KepError]:
    """The provider's CAdES-T over each signed part of a KEP message, checked before it leaves (K-100, K-101).

    In the order of `parts`, each its signature or the refusal of that one. TimestampUnavailable, `KeyUnavailable` and
    `KeyNotInForce` are holds; the key is opened anew the next time. `SealMismatch` means that people must look.
    """
    started, digests = monotonic(), [hashlib.sha256(part).digest() for part in parts]
    signed: list[cades.Unstamped] = []
    trouble: KepError | None = None
    try:
        _refuse_out_of_force(signer, now)
        for digest in digests:
            signed.append(cades.sign(digest, signer, signing_time=_whole_second(now)))
    except (KeyUnavailable, KeyNotInForce) as error:
        give_up_key(signer, error)
        trouble = error
    tokens = _stamp_each([unstamped.stamp_digest for unstamped in signed], stamper, until=started + PATIENCE)
    made: list[bytes | KepError] = []
    for digest, unstamped, token in zip(digests, signed, tokens, strict=False):
        if token is None:
            made.append(TimestampUnavailable("authority-slow"))
        elif isinstance(token, KepError):
            made.append(token)
        else:
            made.append(_checked_envelope(unstamped.finish(token), digest, signer=signer))
    ran_out = next((each for each in made if isinstance(each, KeyNotInForce)), None)
    if ran_out is not None and trouble is None:
        give_up_key(signer, ran_out)
    if trouble is not None:
        made += [trouble] * (len(parts) - len(signed))
    return made


def _checked_envelope(signature: bytes, digest: bytes, *, signer: Signer) -> bytes | KepError:
    try:
        stamp = cades.verify_emitted(signature, digest).stamp
        if stamp is not None:
            _refuse_out_of_force(signer, stamp.generated_at)
    except KeyNotInForce as error:  # between the signature and its time-stamp
        return error
    except CmsRefused as refusal:
        mismatch = SealMismatch("the signature we made does not pass our own check", found=str(refusal))
        mismatch.__cause__ = refusal
        log.critical("ALM-04 own envelope refused: %s", mismatch)
        return mismatch
    return signature


def sealed_proofs(kep_ids: Iterable[str], *, code: int | None = None) -> Mapping[str, list[SealedEvidence]]:
    """Sealed proofs by message, each with its intent, in the order they came to be. One query."""
    found: dict[str, list[SealedEvidence]] = {kep_id: [] for kep_id in kep_ids}
    proofs = SealedEvidence.objects.filter(intent__kep_id__in=found).select_related("intent").order_by("intent_id")
    if code is not None:
        proofs = proofs.filter(intent__code=code)
    for proof in proofs:
        found[proof.intent.kep_id].append(proof)
    return found


@functools.cache
def open_signer() -> Signer:
    """The işlem key of this provider, opened once per process, in the sealing worker only (`KeyNotHere`)."""
    if settings.KEP_PROCESS_ROLE != "seal":
        raise KeyNotHere("only the sealing worker opens the key", role=settings.KEP_PROCESS_ROLE)
    described: dict[str, Any] = dict(settings.KEP_KEYSTORE)
    signer: Signer = import_string(described.pop("class"))(**described).open()
    return signer


def _forget_signer(signer: Signer) -> None:
    """Open the key again next time: a token that was away has ended the session, an expired certificate is replaced."""
    open_signer.cache_clear()
    close = getattr(signer, "close", None)  # a token's signer holds a session, a file's does not
    if close is not None:
        close()


@functools.lru_cache(maxsize=8)
def _term_of(certificate: bytes) -> tuple[datetime, datetime]:
    facts = facts_of(certificate)
    return facts.not_before, facts.not_after


def _refuse_out_of_force(signer: Signer, at: datetime) -> None:
    """A proof under a certificate that was not in force would be invalid for ever: there can be only one of it."""
    begins, ends = _term_of(signer.certificate)
    if not begins <= at <= ends:
        raise KeyNotInForce("certificate-not-in-force", ends=ends.isoformat())


def _claim(*, now: datetime, worker: str, limit: int) -> list[SealWork]:
    """Due intents for this worker; the log says that the key is about to be used for them."""
    works = claim(SealWork.objects.select_related("intent"), now=now, limit=limit, worker=worker)
    if works:
        begun = [
            eventlog.Happening("seal.begun", at=now, actor=worker, subject=each.intent.evidence_id) for each in works
        ]
        with giving_back(lambda: give_back(works)), transaction.atomic():
            eventlog.append_all(begun)
    passing("seal.after_claim")
    return works


def _sign_one(intent: EvidenceIntent, *, signer: Signer, now: datetime) -> xades.Unstamped:
    unsigned = bytes(intent.unsigned)
    if hashlib.sha256(unsigned).digest() != bytes(intent.digest):
        raise SealMismatch("the intent is not what was prepared", evidence=intent.evidence_id)
    _refuse_out_of_force(signer, now)
    try:
        return xades.sign(unsigned, signer, signing_time=_whole_second(now))
    except EvidenceRefused as refusal:
        raise SealMismatch("the intent is no evidence", evidence=intent.evidence_id, found=str(refusal)) from refusal


def _checked_seal(intent: EvidenceIntent, sealed: bytes, *, signer: Signer, now: datetime) -> SealedEvidence:
    """The row of a sealed proof, once every byte of it was taken apart and compared with the intent."""
    try:
        parts = xades.take_apart(sealed)
    except EvidenceRefused as refusal:
        raise SealMismatch(
            "what was sealed does not pass our own check", evidence=intent.evidence_id, found=str(refusal)
        ) from refusal
    if parts.unsigned != bytes(intent.unsigned) or parts.signing_certificate != signer.certificate:
        raise SealMismatch("what was sealed is not what was prepared", evidence=intent.evidence_id)
    stamp = parts.stamp
    _refuse_out_of_force(signer, stamp.generated_at)
    return SealedEvidence(
        intent=intent,
        xml=sealed,
        digest=hashlib.sha256(sealed).digest(),
        signer_fingerprint=hashlib.sha256(signer.certificate).hexdigest(),
        stamped_at=stamp.generated_at,
        stamped_by=facts_of(stamp.tsa_certificate).subject_name[:200],
        sealed_at=now,
        stamped_late=stamp.generated_at - intent.event_at > LATE,
    )


_SEALED = (
    "intent_id", "xml", "digest", "signer_fingerprint", "stamped_at", "stamped_by", "sealed_at", "stamped_late",
)  # fmt: skip


def _store(sealed: Sequence[tuple[SealWork, SealedEvidence]], *, now: datetime) -> int:
    if not sealed:
        return 0
    try:
        with transaction.atomic():
            rows.insert(SealedEvidence, _SEALED, [[getattr(proof, name) for name in _SEALED] for _, proof in sealed])
            SealWork.objects.filter(pk__in=[work.pk for work, _ in sealed]).delete()
            eventlog.append_all(
                [
                    eventlog.Happening(
                        "seal.stored", at=now, subject=proof.intent.evidence_id, facts={"sha256": proof.digest.hex()}
                    )
                    for _, proof in sealed
                ]
            )
    except AnyDatabaseError as error:
        if is_interruption(error):
            raise
        # a worker whose claim had run out was faster with one of them, or one is refused: what is owed, one by one
        return sum(_store_if_owed(work, proof, now=now) for work, proof in sealed)
    return len(sealed)


def _store_if_owed(work: SealWork, proof: SealedEvidence, *, now: datetime) -> int:
    try:
        with transaction.atomic():
            if SealedEvidence.objects.filter(intent=work.intent).exists():
                SealWork.objects.filter(pk=work.pk).delete()
                return 0
            proof.save(force_insert=True)
            SealWork.objects.filter(pk=work.pk).delete()
            eventlog.append(
                "seal.stored", at=now, subject=work.intent.evidence_id, facts={"sha256": proof.digest.hex()}
            )
    except AnyDatabaseError as error:
        if is_interruption(error):
            raise
        if not SealedEvidence.objects.filter(intent=work.intent).exists():  # else by the other one in this very moment
            log.exception("a proof could not be stored", extra={"evidence": work.intent.evidence_id})
            _put_back([(work, error)], now=now)
        return 0
    return 1


def _put_back(unlucky: Iterable[tuple[SealWork, Exception]], *, now: datetime) -> None:
    """Each with its error; those of which the same is to be said go together."""
    alike: dict[tuple[str, bool], list[SealWork]] = {}
    for work, error in unlucky:
        name = error.code if isinstance(error, KepError) else type(error).__name__
        alike.setdefault((name, parking.is_hold(error)), []).append(work)
    for (name, is_hold), works in alike.items():
        parking.put_back_all(works, name, now=now, is_hold=is_hold)


def _whole_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
