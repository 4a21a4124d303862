"""Many small objects of the vault in one file, so that they share one fsync (design.md 1.7, R-001).

A pack is written once, under a name nobody used before, and never changed; when it and its folder are on disk, and not
earlier, rows of `VaultPlace` say where in it each object lies. Those rows belong to the caller's transaction if one is
open: rolled back, they leave a pack nobody refers to, which does no harm. Two processes that keep the same object at
the same moment both write it; the first row stands, the other is skipped by the database itself.

File: magic `KEPP1`, then for each object its digest (32), the length of its stored form (8, big-endian), that form as
`evidence.objects` makes it. So the places can be found again from the packs alone.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from django.conf import settings

from guards.crash_points import passing
from guards.errors import KepError
from guards.ids import uuid7_hex

from . import durable, objects, rows
from .errors import VaultDamaged, VaultMissing, VaultUnavailable
from .models import VaultPlace

_MAGIC = b"KEPP1"
_LENGTH = 8


def keep(raws: Mapping[bytes, bytes]) -> None:
    """Keep these objects, digest to bytes, in one new pack. OSError when the disk does not take it."""
    name = uuid7_hex()
    pieces, places, at = [_MAGIC], [], len(_MAGIC)
    for digest in sorted(raws):  # one order for all: two transactions never wait for each other's rows crosswise
        head, body = objects.seal(raws[digest], digest)
        length = len(head) + len(body)
        pieces += (digest, length.to_bytes(_LENGTH, "big"), head, body)
        at += len(digest) + _LENGTH
        places.append((digest, name, at, length))
        at += length
    root = Path(settings.KEP_VAULT_DIR)
    durable.write_new(path_of(name), (b"".join(pieces),), root=root, point="vault.pack_written")
    passing("vault.before_places")
    rows.insert(VaultPlace, ("digest", "pack", "offset", "length"), places, skip_known=True)


def places_of(digests: Iterable[bytes]) -> dict[bytes, VaultPlace]:
    """Where those of the objects lie that are in packs. One query."""
    wanted = list(digests)
    return {bytes(place.digest): place for place in VaultPlace.objects.filter(digest__in=wanted)} if wanted else {}


def read(places: Iterable[VaultPlace]) -> dict[bytes, bytes | KepError]:
    """The plain bytes of each place, or why they cannot be had; each pack is opened once.

    `VaultMissing` where the pack is gone, `VaultDamaged` where the bytes are not whole, `VaultUnavailable` (temporary)
    where the disk does not answer.
    """
    found: dict[bytes, bytes | KepError] = {}
    by_pack: dict[str, list[VaultPlace]] = {}
    for place in places:
        by_pack.setdefault(place.pack, []).append(place)
    for pack, inside in by_pack.items():
        try:
            descriptor = os.open(path_of(pack), os.O_RDONLY)
        except OSError as error:
            found |= {bytes(place.digest): _not_read(error, pack) for place in inside}
            continue
        try:
            found |= {bytes(place.digest): _read_one(descriptor, place) for place in inside}
        finally:
            os.close(descriptor)
    return found


def path_of(pack: str) -> Path:
    """Where the pack lies; the last digits of its name are random and spread packs over 256 folders."""
    return Path(settings.KEP_VAULT_DIR) / "packs" / pack[-2:] / pack


def _read_one(descriptor: int, place: VaultPlace) -> bytes | KepError:
    digest = bytes(place.digest)
    try:
        stored = os.pread(descriptor, place.length, place.offset)
    except OSError as error:
        return _not_read(error, place.pack)
    if len(stored) != place.length:
        return VaultDamaged("the pack ends before the object does", digest=digest.hex(), pack=place.pack)
    try:
        return objects.unseal(stored, digest)
    except VaultDamaged as refusal:
        return refusal


def _not_read(error: OSError, pack: str) -> KepError:
    if isinstance(error, FileNotFoundError):
        return VaultMissing("no such pack", pack=pack)
    return VaultUnavailable("the vault did not answer", errno=error.errno)
