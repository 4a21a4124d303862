"""Fields that are encrypted at rest, and the keyed hashes by which they can still be found (V-094).

Identity numbers, phone numbers and everything a person wrote leave the process only as AES-256-GCM under a key
that lives outside the database. A dump, a backup or a stolen disk shows lengths and nothing else.

Each field carries a *label*, which is authenticated with the cipher text: a value copied into another column
does not decrypt. The label is an argument and not the column's name, because a renamed column must still read
its old rows. Searching by value is refused (`TypeError`), never answered with an empty list; what must be
found has an index beside it, made by `index_of`.
"""

import functools
import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

from .errors import CipherTextRefused

_Row = TypeVar("_Row", bound=models.Model)
_VERSION = b"\x01"
_NONCE = 12
_TAG = 16


@functools.cache
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def seal_value(value: bytes, label: str) -> bytes:
    """`value` encrypted under the field key: version byte, nonce, cipher text with tag."""
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + _cipher(settings.KEP_FIELD_KEY).encrypt(nonce, value, label.encode())


def open_value(stored: bytes, label: str) -> bytes:
    """The plain bytes; `CipherTextRefused` when key, label or a single bit is not the one it was sealed with."""
    if stored[:1] != _VERSION or len(stored) < 1 + _NONCE + _TAG:
        raise CipherTextRefused("not a sealed field of a version we know", label=label)
    nonce, sealed = stored[1 : 1 + _NONCE], stored[1 + _NONCE :]
    try:
        return _cipher(settings.KEP_FIELD_KEY).decrypt(nonce, sealed, label.encode())
    except InvalidTag as error:
        raise CipherTextRefused("a sealed field does not open", label=label) from error


def index_of(value: str, label: str) -> str:
    """A keyed hash (HMAC-SHA256, hex) of `value` for exact look-up; the caller hands in the canonical form."""
    return hmac.new(settings.KEP_INDEX_KEY, f"{label}\0{value}".encode(), hashlib.sha256).hexdigest()


def rows_that_open(rows: "models.QuerySet[_Row]", keys: Iterable[Any]) -> tuple[list[_Row], list[Any]]:
    """The rows of `rows` with these primary keys, in its order, and the keys of those that hold a field which does
    not open. A query that meets such a field fails as a whole; whoever works on many rows must not stop at one (R-016).
    """
    wanted = list(keys)
    try:
        return list(rows.filter(pk__in=wanted)), []
    except CipherTextRefused:
        opened: list[_Row] = []
        damaged = []
        for key in wanted:
            try:
                opened.extend(rows.filter(pk=key))
            except CipherTextRefused:
                damaged.append(key)
        return opened, damaged


class _Encrypted(models.BinaryField):  # type: ignore[type-arg]  # no generic at run time
    """What `EncryptedText` and `EncryptedBytes` share: sealed on the way in, opened on the way out."""

    def __init__(self, *args: Any, label: str = "", **kwargs: Any) -> None:
        if not label:
            raise TypeError("an encrypted field needs its label")
        self.label = label
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "label": self.label}

    def to_plain(self, raw: bytes) -> Any:
        return raw

    def to_bytes(self, value: Any) -> bytes:
        return bytes(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None:
            return None
        return connection.Database.Binary(seal_value(self.to_bytes(value), self.label))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else self.to_plain(open_value(bytes(value), self.label))

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise TypeError(f"an encrypted field cannot be searched by {lookup_name}: use its index")
        return super().get_lookup(lookup_name)

    def value_to_string(self, obj: models.Model) -> str:
        raise TypeError("encrypted fields are not written to fixtures")


class EncryptedText(_Encrypted):
    """Text, encrypted at rest; reads as `str`."""

    def to_plain(self, raw: bytes) -> str:
        return raw.decode()

    def to_bytes(self, value: Any) -> bytes:
        return str(value).encode()

    def to_python(self, value: Any) -> Any:
        return value

    def _check_str_default_value(self) -> list[Any]:
        return []  # a text default is right here; only the stored form is binary

    def get_default(self) -> Any:
        if not self.has_default():  # asked first: the mark of "no default" is a class, and so can be called
            return None
        return self.default() if callable(self.default) else self.default

    def value_from_object(self, obj: models.Model) -> Any:
        return getattr(obj, self.attname)


class EncryptedBytes(_Encrypted):
    """Exact bytes, encrypted at rest; reads as `bytes`."""
