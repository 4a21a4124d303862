"""An upgrade of a database with rows in it: triggers still stand, and what waited is still found (docs/OPERATIONS.md).

SQLite remakes a table when a field is added, and drops its triggers without a word: this runs the real command on a
database file that the first migrations made.
"""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRST = ("evidence", "signing", "accounts", "mailbox")
INSERT_ONLY = (
    "evidence_event",
    "evidence_evidenceintent",
    "evidence_sealedevidence",
    "mailbox_envelope",
    "mailbox_originalstamp",
    "mailbox_transition",
    "mailbox_validationmaterial",
)


def manage(data: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KEP_", "DJANGO_"))}
    environment |= {"DJANGO_SETTINGS_MODULE": "kepweb.settings.embedded", "KEP_DATA_DIR": str(data)}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def insert(old: sqlite3.Connection, table: str, **values: object) -> None:
    """A row with these values, and something in every other column that needs it."""
    columns = {
        name: b"x" if kind == "BLOB" else 0 if "int" in kind or kind == "bool" else "2026-11-24 09:00:00"
        for _, name, kind, required, *_ in old.execute(f"PRAGMA table_info({table})")
        if required
    } | values
    names, holes = ", ".join(columns), ", ".join("?" * len(columns))
    old.execute(f"INSERT INTO {table} ({names}) VALUES ({holes})", tuple(columns.values()))  # noqa: S608


@pytest.fixture
def upgraded(tmp_path: Path) -> sqlite3.Connection:
    """A database of the first release with a signature that waits and an event, after `manage.py migrate`."""
    for app in FIRST:
        manage(tmp_path, "migrate", "--skip-checks", app, "0001")
    with sqlite3.connect(tmp_path / "kep.sqlite3") as old:
        signed = {"id": "ab" * 16, "state": "SIGNED", "cms": b"x", "signed_at": "2026-11-24 09:00:00", "chain": "[]"}
        insert(old, "signing_signingoperation", **signed)
        person = "cd" * 16
        insert(old, "accounts_person", id=person, pin_hash="x")
        insert(old, "accounts_accountholder", id=1, kind="natural", person_id=person)
        insert(old, "accounts_kepaccount", id=1, holder_id=1, address="a@hs01.kep.tr")
        for key, is_main in ((1, 1), (2, 0)):
            insert(old, "accounts_operator", id=key, account_id=1, person_id=person, is_main=is_main, ends_at=f"{key}")
        old.execute(
            "INSERT INTO evidence_event (at, kind, actor, subject, body, salt, leaf_hash) "
            "VALUES ('2026-11-24 09:00:00', 'test.written', '', '', x'00', x'00', x'00')"
        )
    old.close()
    manage(tmp_path, "migrate")
    manage(tmp_path, "check", "--database", "default")
    return sqlite3.connect(tmp_path / "kep.sqlite3")


def test_after_an_upgrade_triggers_stand_and_a_waiting_signature_is_due(upgraded: sqlite3.Connection) -> None:
    triggers = {name for (name,) in upgraded.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    assert {f"{table}_{act}" for table in INSERT_ONLY for act in ("no_update", "no_delete")} <= triggers
    with pytest.raises(sqlite3.IntegrityError, match="insert-only"):
        upgraded.execute("UPDATE evidence_event SET kind = 'test.changed'")
    waiting = upgraded.execute("SELECT due_at, parked_at, claimed_by, failures FROM signing_signingoperation")
    assert waiting.fetchall() == [("2026-11-24 09:00:00", None, "", 0)]
    operators = upgraded.execute(
        "SELECT is_main, may_manage_operators, may_read, public_id FROM accounts_operator ORDER BY id"
    ).fetchall()
    assert [each[:3] for each in operators] == [(1, 1, 0), (0, 0, 0)], "somebody must be able to appoint the others"
    assert len({each[3] for each in operators} - {None, ""}) == 2
    assert upgraded.execute("SELECT identity_state FROM accounts_person").fetchall() == [("ESTABLISHED",)]
    upgraded.close()
