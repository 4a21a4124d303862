"""What kepcheck asks of this floor: intents, seals, the vault, the event log, the triggers (R-009).

Each finding names a code, the thing, and an English sentence; nothing is mended here. Every check reads whole
tables in order and keeps no more than a few rows in memory.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Model

from guards.errors import KepError
from guards.findings import Finding

from . import insert_only, packs, vault, xades
from .errors import VaultMissing
from .eventlog import leaf_hash
from .fieldcrypt import rows_that_open
from .models import Event, EvidenceIntent, SealedEvidence, SealRequest, SealWork, VaultPlace


def findings(now: datetime) -> Iterable[Finding]:
    """Everything that is wrong with intents, seals, vault files, events and triggers."""
    yield from _triggers()
    yield from _intents()
    yield from _seals()
    yield from _events()
    yield from _vault_files()
    yield from _vault_packs()


def _triggers() -> Iterable[Finding]:
    for name in insert_only.missing_triggers(connection):
        yield Finding("EV-01", name, "a trigger of an insert-only table is missing")


def _intents() -> Iterable[Finding]:
    rows = EvidenceIntent.objects.select_related("work").order_by("pk")
    for chunk in chunks_of_keys(EvidenceIntent, 200):
        sealed = set(SealedEvidence.objects.filter(intent__in=chunk).values_list("intent", flat=True))
        intents, damaged = rows_that_open(rows, chunk)
        for key in damaged:
            yield Finding("EV-02", f"intent {key}", "the intent's bytes do not open")
        for intent in intents:
            is_sealed, is_owed = intent.pk in sealed, getattr(intent, "work", None) is not None
            if hashlib.sha256(bytes(intent.unsigned)).digest() != bytes(intent.digest):
                yield Finding("EV-02", intent.evidence_id, "the intent's bytes are not the ones its digest names")
            if not is_sealed and not is_owed:
                yield Finding("EV-03", intent.evidence_id, "the proof is owed and nobody works on it")
            if is_sealed and is_owed:
                yield Finding("EV-04", intent.evidence_id, "the proof is sealed and still owed")


def _seals() -> Iterable[Finding]:
    rows = SealedEvidence.objects.select_related("intent").order_by("pk")
    for chunk in chunks_of_keys(SealedEvidence, 200):
        proofs, damaged = rows_that_open(rows, chunk)
        for key in damaged:
            yield Finding("EV-07", f"proof {key}", "the sealed bytes, or those of its intent, do not open")
        for proof in proofs:
            yield from _seal(proof)
    for name, tries, error in SealWork.objects.filter(tries__gte=20, parked_at__isnull=True).values_list(
        "intent__evidence_id", "tries", "last_error"
    ):
        yield Finding("EV-08", name, f"sealing failed {tries} times: {error}")
    for name, error in SealWork.objects.filter(parked_at__isnull=False).values_list(
        "intent__evidence_id", "last_error"
    ):
        yield Finding("EV-11", name, f"sealing is parked: {error}")
    owed = SealWork.objects.filter(due_at__isnull=True, parked_at__isnull=True)
    for name in owed.values_list("intent__evidence_id", flat=True):
        yield Finding("EV-03", name, "the proof is owed and nobody works on it")
    asked = SealRequest.objects.filter(finished_at__isnull=True)
    for name, error in asked.filter(parked_at__isnull=False).values_list("reference", "last_error"):
        yield Finding("EV-12", name, f"a sealed file is asked for and its work is parked: {error}")
    for name in asked.filter(due_at__isnull=True, parked_at__isnull=True).values_list("reference", flat=True):
        yield Finding("EV-13", name, "a sealed file is asked for and nobody works on it")
    made = SealRequest.objects.filter(finished_at__isnull=False).values_list("reference", "result")
    for name, digest in made.iterator(chunk_size=200):
        if digest is None or not vault.has(bytes(digest)):
            yield Finding("EV-16", name, "a sealed file was made, and the vault does not hold it")


def _seal(proof: SealedEvidence) -> Iterable[Finding]:
    name, xml = proof.intent.evidence_id, bytes(proof.xml)
    if hashlib.sha256(xml).digest() != bytes(proof.digest):
        yield Finding("EV-05", name, "the sealed bytes are not the ones their digest names")
        return
    try:
        parts = xades.take_apart(xml)
    except KepError as refusal:
        yield Finding("EV-07", name, f"the seal does not hold: {refusal}")
        return
    if parts.unsigned != bytes(proof.intent.unsigned):
        yield Finding("EV-06", name, "the seal is over other bytes than the intent")


def _events() -> Iterable[Finding]:
    for event in Event.objects.order_by("pk").iterator(chunk_size=500):
        if leaf_hash(bytes(event.salt), bytes(event.body)) != bytes(event.leaf_hash):
            yield Finding("EV-09", f"event {event.pk}", "the stored line is not the one its hash was taken over")


def _vault_files() -> Iterable[Finding]:
    root = Path(settings.KEP_VAULT_DIR)
    for path in sorted(root.glob("??/??/*")):
        if path.name.startswith("."):
            continue  # a draft that never became an object
        try:
            vault.get(bytes.fromhex(path.name))
        except (KepError, ValueError) as refusal:
            yield Finding("EV-10", path.name, f"the vault object is not whole: {refusal}")


def _vault_packs() -> Iterable[Finding]:
    for chunk in chunks_of_keys(VaultPlace, 200):
        for digest, found in packs.read(VaultPlace.objects.filter(pk__in=chunk)).items():
            if isinstance(found, KepError) and not _in_a_file(digest):
                code = "EV-14" if isinstance(found, VaultMissing) else "EV-15"
                yield Finding(code, digest.hex(), f"the vault object in a pack is not whole: {found}")


def _in_a_file(digest: bytes) -> bool:
    """Whether a whole copy lies in a file of its own: put there when the damage was met."""
    try:
        vault.get(digest)
    except KepError:
        return False
    return True


def chunks_of_keys(model: type[Model], size: int) -> Iterator[list[Any]]:
    """The primary keys of a whole table, in order, a chunk at a time."""
    keys: list[Any] = []
    for key in model._base_manager.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=2_000):
        keys.append(key)
        if len(keys) == size:
            yield keys
            keys = []
    if keys:
        yield keys
