"""What a run leaves out is said at its end, and with CI=true it is a failure (design.md 3)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SUITE = """
import pytest

@pytest.mark.needs("xmlsec1", "softhsm2")
def test_that_needs_programs():
    pass

def test_that_leaves_itself_out():
    pytest.skip("no reason that holds")

def test_for_another_database():
    pytest.skip("only on another database")

def test_that_runs():
    pass
"""


@pytest.fixture
def run(tmp_path):
    """A small suite under the project's conftest, on a machine without any program."""
    (tmp_path / "test_small.py").write_text(SUITE)

    def pytest_on_a_bare_machine(**more: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name not in ("CI", "KEP_DATA_DIR")}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "conftest"]
        return subprocess.run(
            [*command, "-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, tmp_path / "test_small.py"],
            cwd=tmp_path,
            env={**environment, "PATH": "/nowhere", "PYTHONPATH": str(ROOT), **more},
            capture_output=True,
            text=True,
        )

    return pytest_on_a_bare_machine


def test_it_is_listed_with_its_reason(run):
    done = run()
    assert done.returncode == 0, done.stdout
    assert "1 passed, 3 skipped" in done.stdout
    listed = done.stdout.partition(" left out ")[2]
    assert "1  not installed: xmlsec1, softhsm2" in listed
    assert "1  only on another database" in listed


def test_in_ci_it_is_a_failure_unless_it_belongs_to_another_run(run):
    done = run(CI="true")
    assert done.returncode == 1
    assert "1 failed, 1 passed, 1 skipped, 1 error" in done.stdout, done.stdout
    assert "left out although CI=true: Skipped: not installed: xmlsec1, softhsm2" in done.stdout
