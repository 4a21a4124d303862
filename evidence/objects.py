"""One object of the vault as it is stored, in a file of its own or inside a pack (design.md 1.7).

The name is the SHA-256 of the plain bytes, and `unseal` hashes again, so nothing can be answered with other bytes.
Each object has a key of its own, wrapped by the vault key, so that one object can be handed over, or its key
destroyed, without touching another.

Bytes: magic `KEPV1`, wrapped key (nonce 12, cipher text 32, tag 16), nonce 12, cipher text, tag 16.
"""

import functools
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from .errors import VaultDamaged

_MAGIC = b"KEPV1"
_KEY, _NONCE, _TAG = 32, 12, 16
_WRAPPED = len(_MAGIC) + _NONCE + _KEY + _TAG
_HEAD = _WRAPPED + _NONCE


def seal(raw: bytes, digest: bytes) -> tuple[bytes, bytes]:
    """The stored form of `raw` in two pieces, one behind the other; `digest` is its SHA-256."""
    drawn = os.urandom(_KEY + 2 * _NONCE)
    key, wrap_nonce, nonce = drawn[:_KEY], drawn[_KEY : _KEY + _NONCE], drawn[_KEY + _NONCE :]
    wrapped = _wrapper(settings.KEP_VAULT_KEY).encrypt(wrap_nonce, key, digest)
    return b"".join((_MAGIC, wrap_nonce, wrapped, nonce)), AESGCM(key).encrypt(nonce, raw, digest)


def unseal(stored: bytes, digest: bytes) -> bytes:
    """The plain bytes named `digest`. `VaultDamaged` when they do not open or hash to another name."""
    if not stored.startswith(_MAGIC) or len(stored) < _HEAD + _TAG:
        raise VaultDamaged("not a vault object", digest=digest.hex())
    wrap_nonce, wrapped = stored[len(_MAGIC) : len(_MAGIC) + _NONCE], stored[len(_MAGIC) + _NONCE : _WRAPPED]
    try:
        key = _wrapper(settings.KEP_VAULT_KEY).decrypt(wrap_nonce, wrapped, digest)
        raw = AESGCM(key).decrypt(stored[_WRAPPED:_HEAD], memoryview(stored)[_HEAD:], digest)
    except InvalidTag as error:
        raise VaultDamaged("the object does not open", digest=digest.hex()) from error
    if hashlib.sha256(raw).digest() != digest:
        raise VaultDamaged("the object is not what its name says", digest=digest.hex())
    return raw


@functools.lru_cache(maxsize=4)
def _wrapper(key: bytes) -> AESGCM:
    return AESGCM(key)
