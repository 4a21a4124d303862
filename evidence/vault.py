"""The vault: legal bytes, kept once, encrypted, under the name of their digest (design.md 1.7, R-001, R-004).

Order is the safety. A new object is written to a draft file in the same folder, fsynced, linked into its name,
and the folder fsynced, before `put` returns; only then may a row refer to it. A crash before the link leaves
a draft nobody knows; a crash after it leaves an object without a row, which `integrity.py` reports and nobody
misses. `link` never replaces: whoever comes second finds the first one's object and uses it.

The name is the SHA-256 of the plain bytes, so a row that holds a digest can never be answered with other
bytes: `get` decrypts and hashes again. Each object has a key of its own, wrapped by the vault key, so that one
object can be handed over, or its key destroyed, without touching another.

File: magic `KEPV1`, wrapped key (nonce 12, cipher text 32, tag 16), nonce 12, cipher text, tag 16.
"""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from .errors import VaultDamaged, VaultMissing, VaultUnavailable

_MAGIC = b"KEPV1"
_NONCE = 12
_WRAPPED = _NONCE + 32 + 16


def put(raw: bytes) -> bytes:
    """Keep `raw` for ever; its SHA-256 digest (32 bytes) is the name.

    When it returns, the bytes are on disk. Refuses with `VaultUnavailable` (temporary) when the disk does not
    take them: full, read-only, failing. Putting the same bytes twice keeps one object.
    """
    digest = hashlib.sha256(raw).digest()
    path = path_of(digest)
    if path.exists():
        get(digest)  # a damaged object must not be mistaken for this one
        try:
            _make_durable(path.parent)  # whoever linked it may not have got that far
        except OSError as error:
            raise VaultUnavailable("the vault did not answer", errno=error.errno) from error
        return digest
    object_key = secrets.token_bytes(32)
    wrap_nonce, nonce = os.urandom(_NONCE), os.urandom(_NONCE)
    wrapped = AESGCM(settings.KEP_VAULT_KEY).encrypt(wrap_nonce, object_key, digest)
    sealed = AESGCM(object_key).encrypt(nonce, raw, digest)
    try:
        _make_folders(path.parent)
        _write_and_link(path, (_MAGIC, wrap_nonce, wrapped, nonce, sealed))
    except OSError as error:
        raise VaultUnavailable("the vault did not take an object", errno=error.errno) from error
    return digest


def get(digest: bytes) -> bytes:
    """The plain bytes of `digest`.

    `VaultMissing` when there is no such object, `VaultDamaged` when it does not open or hashes to another name.
    """
    try:
        stored = path_of(digest).read_bytes()
    except FileNotFoundError as error:
        raise VaultMissing("no such object", digest=digest.hex()) from error
    except OSError as error:
        raise VaultUnavailable("the vault did not answer", errno=error.errno) from error
    if stored[:5] != _MAGIC or len(stored) < 5 + _WRAPPED + _NONCE + 16:
        raise VaultDamaged("not a vault object", digest=digest.hex())
    wrap_nonce, wrapped = stored[5 : 5 + _NONCE], stored[5 + _NONCE : 5 + _WRAPPED]
    nonce = stored[5 + _WRAPPED : 5 + _WRAPPED + _NONCE]
    try:
        object_key = AESGCM(settings.KEP_VAULT_KEY).decrypt(wrap_nonce, wrapped, digest)
        raw = AESGCM(object_key).decrypt(nonce, stored[5 + _WRAPPED + _NONCE :], digest)
    except InvalidTag as error:
        raise VaultDamaged("the object does not open", digest=digest.hex()) from error
    if hashlib.sha256(raw).digest() != digest:
        raise VaultDamaged("the object is not what its name says", digest=digest.hex())
    return raw


def has(digest: bytes) -> bool:
    """Whether an object of that name exists; says nothing about its health."""
    return path_of(digest).exists()


def path_of(digest: bytes) -> Path:
    """Where the object lies; two levels of folders keep each below a few thousand entries."""
    if len(digest) != 32:
        raise ValueError("a vault name is 32 bytes")
    name = digest.hex()
    return Path(settings.KEP_VAULT_DIR) / name[:2] / name[2:4] / name


def _make_folders(folder: Path) -> None:
    """The folder of an object and those above it, each for its owner only (`parents=True` would forget the mode)."""
    Path(settings.KEP_VAULT_DIR).mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)


def _write_and_link(path: Path, pieces: tuple[bytes, ...]) -> None:
    draft = path.parent / f".{path.name[:16]}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileExistsError):  # same digest, same bytes: the first one stands
            os.link(draft, path)
        _make_durable(path.parent)
    finally:
        draft.unlink(missing_ok=True)


_durable_folders: set[Path] = set()


def _make_durable(folder: Path) -> None:
    """Make the names in `folder` durable, and once per process the name of `folder` itself and its parents.

    Another process may have created the folders a moment ago without having reached its own fsync.
    """
    _fsync_folder(folder)
    if folder not in _durable_folders:
        root = Path(settings.KEP_VAULT_DIR)
        for parent in (folder.parent, root, root.parent):
            _fsync_folder(parent)
        _durable_folders.add(folder)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
