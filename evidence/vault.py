"""The vault: legal bytes, kept once, encrypted, under the name of their digest (design.md 1.7, R-001, R-004).

An object lies in a file of its own (`put`) or, if it is small and comes with others, in a pack (`put_many`); `get`
finds both. Either way it is on disk under its name before the call returns (`evidence.durable` tells the order), and
only then may a row refer to it; a crash in between leaves an object without a row, which nobody misses.

The name is the SHA-256 of the plain bytes, so a row that holds a digest can never be answered with other bytes
(`evidence.objects`). A stored copy found damaged when the same bytes come again is replaced by them, and kept aside in
the folder `damaged`, since it may be the vault key that is wrong and not the copy.
"""

import errno
import hashlib
import logging
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from django.conf import settings

from guards.errors import KepError

from . import durable, objects, packs
from .errors import VaultDamaged, VaultMissing, VaultUnavailable

log = logging.getLogger(__name__)

PACKED = 1024 * 1024
"""Bytes up to which an object goes into a pack; what is larger gains nothing by sharing an fsync."""


def put(raw: bytes) -> bytes:
    """Keep `raw` for ever; its SHA-256 digest (32 bytes) is the name.

    When it returns, the bytes are on disk, whatever becomes of a transaction. Refuses with `VaultUnavailable`
    (temporary) when the disk does not take them: full, read-only, failing. Putting the same bytes twice keeps one file.
    """
    digest = hashlib.sha256(raw).digest()
    _put_file(raw, digest)
    return digest


def put_many(raws: Sequence[bytes]) -> list[bytes]:
    """Keep each of `raws` for ever; their names in the same order. Small ones share one file and one fsync.

    What is stored already is not stored again. In an open transaction they are kept if that one commits: whoever is
    rolled back puts them again. Without one they are kept when this returns. It waits for the disk, so it is better
    called before a transaction that holds locks. `VaultUnavailable` (temporary) like `put`: none of them is promised.
    """
    digests = [hashlib.sha256(raw).digest() for raw in raws]
    wanted = dict(zip(digests, raws, strict=True))
    fresh = {}
    stored = packs.read(packs.places_of(wanted).values())
    for digest, raw in wanted.items():
        in_pack = stored.get(digest)
        if isinstance(in_pack, VaultUnavailable) and in_pack.facts["errno"] != errno.EIO:
            raise in_pack
        if isinstance(in_pack, KepError):
            log.critical("ALM-10 a pack is damaged, the object goes into a file: %s", in_pack)
            _put_file(raw, digest)
        elif in_pack is None and (len(raw) > PACKED or os.path.exists(_file_of(digest))):
            _put_file(raw, digest)
        elif in_pack is None:
            fresh[digest] = raw
    if len(fresh) == 1:
        _put_file(*next((raw, digest) for digest, raw in fresh.items()))  # alone it shares nothing, and needs no row
    elif fresh:
        try:
            packs.keep(fresh)
        except OSError as error:
            raise VaultUnavailable("the vault did not take a pack", errno=error.errno) from error
    return digests


def get(digest: bytes) -> bytes:
    """The plain bytes of `digest`.

    `VaultMissing` when there is no such object, `VaultDamaged` when it does not open or hashes to another name.
    """
    try:
        return _read_file(digest)
    except (VaultMissing, VaultDamaged):
        places = packs.places_of([digest])
        if not places:
            raise
    found = packs.read(places.values())[digest]
    if isinstance(found, KepError):
        raise found
    return found


def get_many(digests: Iterable[bytes]) -> dict[bytes, bytes | KepError]:
    """The plain bytes of each of `digests`, or why they cannot be had, as `get` would refuse it. One query."""
    wanted = list(dict.fromkeys(digests))
    in_packs = packs.read(packs.places_of(wanted).values())
    return {digest: _from_file_if_not(in_packs.get(digest), digest) for digest in wanted}


def _from_file_if_not(in_pack: bytes | KepError | None, digest: bytes) -> bytes | KepError:
    if isinstance(in_pack, bytes):
        return in_pack
    try:
        return _read_file(digest)
    except (VaultMissing, VaultDamaged, VaultUnavailable) as refusal:
        return in_pack or refusal


def has(digest: bytes) -> bool:
    """Whether an object of that name exists; says nothing about its health."""
    return path_of(digest).exists() or any(
        packs.path_of(place.pack).exists() for place in packs.places_of([digest]).values()
    )


def path_of(digest: bytes) -> Path:
    """Where the object lies if it has a file; two levels of folders keep each below a few thousand entries."""
    return Path(_file_of(digest))


def _file_of(digest: bytes) -> str:
    """`path_of` as text: for every object that is put or read a `Path` would cost more than the look at the disk."""
    if len(digest) != 32:
        raise ValueError("a vault name is 32 bytes")
    name = digest.hex()
    return f"{settings.KEP_VAULT_DIR}/{name[:2]}/{name[2:4]}/{name}"


def _read_file(digest: bytes) -> bytes:
    try:
        with open(_file_of(digest), "rb", buffering=0) as file:
            stored = file.read()
    except FileNotFoundError as error:
        raise VaultMissing("no such object", digest=digest.hex()) from error
    except OSError as error:
        raise VaultUnavailable("the vault did not answer", errno=error.errno) from error
    return objects.unseal(stored, digest)


def _put_file(raw: bytes, digest: bytes) -> None:
    path, root = path_of(digest), Path(settings.KEP_VAULT_DIR)
    health = _health(digest) if path.exists() else "absent"
    try:
        if health == "whole":
            durable.make_durable(path.parent, root=root)  # whoever linked it may not have got that far
        elif health == "absent":
            durable.write_new(path, objects.seal(raw, digest), root=root)
        else:
            log.critical("ALM-10 a damaged object of the vault is replaced: %s", health, extra={"digest": digest.hex()})
            aside = root / "damaged" / f"{path.name}.{secrets.token_hex(8)}"
            durable.write_over(path, objects.seal(raw, digest), root=root, aside=aside)
    except OSError as error:
        raise VaultUnavailable("the vault did not take an object", errno=error.errno) from error


def _health(digest: bytes) -> str:
    """`whole`, `absent`, or what is wrong with the stored file."""
    try:
        _read_file(digest)
    except VaultMissing:
        return "absent"
    except VaultDamaged as refusal:
        return refusal.reason
    except VaultUnavailable as refusal:
        if refusal.facts["errno"] != errno.EIO:
            raise
        return "it cannot be read"
    return "whole"
