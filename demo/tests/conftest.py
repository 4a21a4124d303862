"""One demo PKI per run for tests that only read, and a way to make another for tests that change it."""

import shutil
from pathlib import Path

import pytest

from demo import pki


@pytest.fixture(scope="session")
def made_pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a demo PKI with one person, `ayse`. Nobody changes it."""
    directory = tmp_path_factory.mktemp("made-pki")
    pki.ensure(directory)
    pki.issue_person(directory, "ayse", "Ayşe Işık", "12345678950", "1234")
    return directory


@pytest.fixture(scope="session")
def fresh_pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo PKI as the first start leaves it, to be copied."""
    directory = tmp_path_factory.mktemp("fresh-pki")
    pki.ensure(directory)
    return directory


@pytest.fixture
def own_pki(fresh_pki: Path, tmp_path: Path) -> Path:
    """The data directory of a demo PKI of the test's own."""
    shutil.copytree(fresh_pki / "pki", tmp_path / "pki")
    return tmp_path
