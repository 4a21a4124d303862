"""The import contracts hold, and each of them breaks when it is violated (design.md 2, style.md 3).

A contract that has never been seen to break may guard nothing. So for each one a violating line is planted in a copy
of the source, and the linter must name exactly that contract.
"""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
NAMES = {contract["id"]: contract["name"] for contract in CONFIG["contracts"]}
NO_APPS = {"docs", "locale", "script", "static", "staticfiles", "templates", "var"}

VIOLATIONS = {
    "floors": ("evidence/vault.py", "import mailbox.models"),
    "demo": ("accounts/sms.py", "import demo.pki"),
    "signer": ("signer/token.py", "import guards.errors"),
    "signer-apart": ("signing/models.py", "import signer.token"),
    "no-django": ("evidence/der.py", "from django.conf import settings"),
    "crypto": ("mailbox/models.py", "from cryptography import x509"),
    "no-celery": ("mailbox/states.py", "import celery"),
    "keys": ("evidence/bundle.py", "import evidence.keys"),
    "states": ("kepweb/context.py", "from mailbox import states"),
    "submit-kind": ("kepweb/views.py", "from mailbox.submit_kind import STANDARD"),
    "mailbox": ("mailbox/models.py", "import mailbox.tasks"),
}
"""One violating line for each contract, and the file it is planted in."""

HIDDEN = {
    "inside a function": ("floors", "guards/clock.py", "def sneak():\n    from accounts import models\n"),
    "of a name": ("floors", "signing/codes.py", "from accounts.models import Person as _P\n"),
    "by a detour": ("no-django", "evidence/der.py", "import evidence.vault\n"),
    "an ORM behind a pure file": ("no-django", "mailbox/original.py", "import mailbox.models\n"),
    "the signer and Django": ("signer", "signer/pin.py", "import django.conf\n"),
}
"""Ways in which a violation might hide: (contract, file, lines)."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The source of all root packages with the contracts, in a place of its own."""
    place = tmp_path_factory.mktemp("source")
    shutil.copy(ROOT / "pyproject.toml", place)
    for package in CONFIG["root_packages"]:
        shutil.copytree(
            ROOT / package,
            place / package,
            ignore=lambda _, names: [n for n in names if Path(n).suffix in {".pyc", ".xml"}],
        )
    return place


def lint(place: Path) -> tuple[int, set[str]]:
    """The linter's status, and the ids of the broken contracts."""
    done = subprocess.run(
        [LINTER, "--no-cache"], cwd=place, capture_output=True, text=True, env={"PYTHONPATH": str(place)}
    )
    lines = [line.removesuffix(" BROKEN") for line in done.stdout.splitlines() if " BROKEN" in line]
    broken = {id for id, name in NAMES.items() if any(line.startswith(name) for line in lines)}
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return done.returncode, broken


def planted(place: Path, file: str, lines: str) -> tuple[int, set[str]]:
    """What the linter says with `lines` at the end of `file`; the copy is as before afterwards."""
    path = place / file
    before = path.read_text(encoding="utf-8")
    path.write_text(f"{before}\n{lines}\n", encoding="utf-8")
    try:
        return lint(place)
    finally:
        path.write_text(before, encoding="utf-8")


def test_every_contract_holds(copy):
    assert lint(copy) == (0, set())


def test_every_contract_has_a_violation_to_be_seen_by():
    assert VIOLATIONS.keys() == NAMES.keys()


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_violated_contract_breaks(copy, contract):
    status, broken = planted(copy, *VIOLATIONS[contract])
    assert status == 1
    assert contract in broken


@pytest.mark.parametrize("way", HIDDEN)
def test_a_hidden_violation_is_seen(copy, way):
    contract, file, lines = HIDDEN[way]
    status, broken = planted(copy, file, lines)
    assert (status, contract in broken) == (1, True)


def test_a_new_file_of_the_mailbox_must_be_given_its_place(copy):
    new = copy / "mailbox" / "brand_new.py"
    new.write_text("")
    try:
        assert lint(copy)[1] == {"mailbox"}
    finally:
        new.unlink()


def test_the_linter_knows_every_folder_of_the_project():
    """An app left out of the list would silently be free (measured.md)."""
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders - NO_APPS == set(CONFIG["root_packages"])


def test_the_floors_are_those_of_the_list():
    layers = next(contract for contract in CONFIG["contracts"] if contract["id"] == "floors")["layers"]
    floors = {name for layer in layers for name in layer.split(" | ") if not name.startswith("(")}
    assert floors == set(CONFIG["root_packages"]) - {"demo", "signer"}


def test_every_file_without_django_is_listed():
    """A file of evidence that imports no Django today must be in the contract, or its freedom is only luck."""
    listed = set(next(each for each in CONFIG["contracts"] if each["id"] == "no-django")["source_modules"])
    with_django = {
        "proof_check",
        "issue",
        "eventlog",
        "vault",
        "fieldcrypt",
        "models",
        "apps",
        "outside",
        "errors",
        "insert_only",
        "parking",
        "claims",
        "interruptions",
        "packs",
        "objects",
        "clock_drift",
        "periodic",
        "rows",
        "pdf",
        "sealed_papers",
    }
    pure = {path.stem for path in (ROOT / "evidence").glob("*.py")} - with_django - {"__init__", "integrity"}
    assert {f"evidence.{name}" for name in pure} - listed == set()
