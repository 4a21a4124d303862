"""Where the demo PKI lies on disk: one folder, one index, one lock.

Keys are 0600 and the folder 0700. A file appears whole or not at all: it is written beside its place, forced to disk
and renamed. `index.json` is the truth about what was issued and what was revoked; the responder re-reads it when it
changes, and a certificate enters it before the certificate's own file appears, so that nothing is ever in somebody's
hands that the responder does not know. All writers hold one lock on the folder.
"""

import fcntl
import json
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from guards.errors import KepError

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
FOLDER = "pki"
DEFAULT_PORT = 8030


class DemoPkiError(KepError):
    """Root of the demo PKI's refusals."""

    code = "DPK-01"
    user_message = "Deneme sertifika altyapısı bu isteği karşılayamadı."


class DemoPkiDamaged(DemoPkiError):
    """A file that others were built on is gone or is not what the index says. Fact: `name`. Making it anew would
    leave certificates that no longer lead to the root, so nothing is repaired; the remedy is a new data directory."""

    code = "DPK-02"
    user_message = "Deneme sertifika altyapısının dosyası eksik ya da değişmiş: {name}. Veri klasörünü yenileyin."


@cache
def config() -> dict[str, Any]:
    """The content of pki.toml."""
    return tomllib.loads(Path(__file__).with_name("pki.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Entry:
    """One issued certificate: who issued it, what it is for, and the short name it was asked under."""

    ca: str
    kind: str
    slug: str


@dataclass(frozen=True)
class Revocation:
    """When a certificate was revoked (aware UTC, whole seconds) and why, in the word RFC 5280 uses."""

    at: datetime
    reason: str


@dataclass
class Index:
    """What was issued and revoked so far, by serial number, and the port the certificates point to."""

    port: int = DEFAULT_PORT
    issued: dict[int, Entry] = field(default_factory=dict)
    revoked: dict[int, Revocation] = field(default_factory=dict)


def folder_of(directory: Path) -> Path:
    """The PKI's folder below the data directory."""
    return directory / FOLDER


@contextmanager
def locked(directory: Path) -> Iterator[Path]:
    """The PKI's folder, made if need be and held alone until the block ends."""
    folder = folder_of(directory)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for inner in (folder / "private", folder / "people"):
        inner.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(handle)


def write(path: Path, raw: bytes, *, mode: int = 0o644) -> None:
    """Put `raw` at `path`, whole or not at all, on disk before this returns. The caller holds the lock."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def read_index(directory: Path) -> Index:
    """The index; an empty one while the folder is new. `DemoPkiDamaged` if it cannot be read."""
    path = folder_of(directory) / "index.json"
    if not path.exists():
        return Index()
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Index(
            port=int(stored["port"]),
            issued={int(serial, 16): Entry(**entry) for serial, entry in stored["issued"].items()},
            revoked={
                int(serial, 16): Revocation(datetime.fromisoformat(entry["at"]).astimezone(UTC), str(entry["reason"]))
                for serial, entry in stored["revoked"].items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DemoPkiDamaged("index unreadable", name="index.json") from error


def write_index(directory: Path, index: Index) -> None:
    """Replace the index. The caller holds the lock and read the index under it."""
    stored = {
        "port": index.port,
        "issued": {f"{serial:x}": asdict(entry) for serial, entry in index.issued.items()},
        "revoked": {
            f"{serial:x}": {"at": entry.at.isoformat(), "reason": entry.reason}
            for serial, entry in index.revoked.items()
        },
    }
    write(folder_of(directory) / "index.json", json.dumps(stored, indent=1, ensure_ascii=False).encode())


def write_key(path: Path, key: PrivateKey) -> None:
    """A private key in PKCS #8, readable by its owner only."""
    write(
        path,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        mode=0o600,
    )


def read_key(path: Path) -> PrivateKey:
    """A key that `write_key` wrote. `DemoPkiDamaged` if it is not there or of no kind we make."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise DemoPkiDamaged("key unreadable", name=path.name) from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise DemoPkiDamaged("key of a foreign kind", name=path.name)
    return key


def write_certificate(path: Path, certificate: x509.Certificate) -> None:
    """One certificate in PEM."""
    write(path, certificate.public_bytes(serialization.Encoding.PEM))


def read_certificate(path: Path) -> x509.Certificate:
    """A certificate that `write_certificate` wrote. `DemoPkiDamaged` if it is not there."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DemoPkiDamaged("certificate unreadable", name=path.name) from error
