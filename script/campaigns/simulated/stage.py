"""What every seed begins with, made once per process: the PKI, a clean database with its people, their e-imza.

Keys are on P-256, because a seed signs a hundred times and none of what is looked for hangs on the kind of key.
"""

import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from accounts.models import KepAccount, Operator, Person
from accounts.tests.cast import make_account, make_operator, make_person
from demo import pki
from evidence import clock_drift, issue, outside
from mailbox.tests.road import EImza

from .alarms import listen
from .outside import Authorities

START = datetime(2027, 1, 4, 6, 0, tzinfo=UTC)
"""Nine in the morning in Ankara, on the day after the certificates were made."""
_MADE = datetime(2027, 1, 3, 6, 0, tzinfo=UTC)
PIN = "4801"


@dataclass(frozen=True)
class Sender:
    """A person who signs and sends for an account."""

    name: str
    person: Person
    account: KepAccount
    imza: EImza
    serial: int
    operator: Operator | None = None


@dataclass(frozen=True)
class Reader:
    """A person who reads what comes to an account."""

    person: Person
    account: KepAccount


@dataclass(frozen=True)
class Stage:
    """The clean state and who is in it."""

    image: sqlite3.Connection
    authorities: Authorities
    senders: tuple[Sender, ...]
    readers: tuple[Reader, ...]

    def restore(self) -> None:
        """The database as it was, an empty vault, nobody revoked, nothing remembered from another seed."""
        connection.ensure_connection()
        self.image.backup(connection.connection)
        shutil.rmtree(settings.KEP_VAULT_DIR, ignore_errors=True)
        self.authorities.records.begin()
        outside.close()
        clock_drift.forget()


def build(within: Path) -> Stage:
    """Make it all, in a folder of its own below `within`: a second or two. Settings are pointed at it."""
    folder = Path(tempfile.mkdtemp(prefix="stage-", dir=within))
    pki.ensure(folder, port=8030, now=_MADE)
    _point_settings(folder)
    call_command("migrate", verbosity=0)
    senders, readers = _people(folder)
    listen()
    image = sqlite3.connect(":memory:", check_same_thread=False)
    connection.connection.backup(image)
    issue.open_signer()
    return Stage(image, Authorities(folder), senders, readers)


def _point_settings(folder: Path) -> None:
    place = folder / "pki"
    values: dict[str, Any] = {
        "KEP_VAULT_DIR": folder / "vault",
        "KEP_PKI_DIR": place,
        "KEP_TSA_URL": "http://127.0.0.1:8030/tsa",
        "KEP_OUTBOUND_ALLOW": ["http://127.0.0.1:8030"],
        "KEP_TRUST_ROOTS": place / "root.pem",
        "KEP_INTERMEDIATES": [place / f"{name}.pem" for name in ("eshs-ca", "islem-ca", "tsa-ca")],
        "KEP_KEYSTORE": {
            "class": "script.campaigns.simulated.keys.Keystore",
            "key_path": place / "islem-hs01.key",
            "certificate_path": place / "islem-hs01.pem",
            "chain_paths": [place / "islem-ca.pem"],
        },
    }
    for name, value in values.items():
        setattr(settings, name, value)


def _people(folder: Path) -> tuple[tuple[Sender, ...], tuple[Reader, ...]]:
    ayse, ali, hatice = make_person("Ayşe", "Yıldız"), make_person("Ali", "Şahin"), make_person("Hatice", "Koç")
    mehmet = make_person("Mehmet", "Kaya")
    ayses = make_account("ayse.yildiz@hs01.kep.tr", holder=ayse)
    hatices = make_account("hatice.koc@hs01.kep.tr", holder=hatice)
    mehmets = make_account("mehmet.kaya@hs01.kep.tr", holder=mehmet, mode=KepAccount.Mode.RECEIVE_ONLY)
    firms = make_account("cinar.ltd@hs01.kep.tr", holder="Çınar Ltd. Şti.")
    operator = make_operator(firms, ali, wants_sms=True)
    senders = (
        _sender(folder, "ayse", ayse, ayses),
        _sender(folder, "ali", ali, firms, operator),
        _sender(folder, "hatice", hatice, hatices),
    )
    readers = (Reader(mehmet, mehmets), Reader(hatice, hatices), Reader(ali, firms), Reader(ayse, ayses))
    return senders, readers


def _sender(folder: Path, name: str, person: Person, account: KepAccount, operator: Operator | None = None) -> Sender:
    path = pki.issue_person(folder, name, person.full_name, person.tckn, PIN, key="p256", now=_MADE)
    return Sender(name, person, account, EImza.of(path, PIN), pki.serial_of(folder, name), operator)
