"""A demo PKI of folders only (nobody answers), trusted by the settings, and people with certificates."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo import pki
from evidence import outside
from signing.tests.handover import OWNER_TCKN, Holder, rung


@pytest.fixture(scope="session")
def pki_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One certificate world for the run."""
    directory = tmp_path_factory.mktemp("signing-pki")
    pki.ensure(directory)
    return directory


@pytest.fixture(scope="session")
def issue(pki_folder: Path) -> Callable[..., Holder]:
    """Issue a person's certificate; the same arguments give the same certificate."""

    @functools.cache
    def issued(tckn: str = OWNER_TCKN, *, key: str = "p256", faults: frozenset[Any] = frozenset()) -> Holder:
        made = pki.issue(pki_folder, "person", name="Ayşe Yıldız", tckn=tckn, key=key, faults=faults)
        return Holder(made.der, made.key)

    return issued


@pytest.fixture(autouse=True)
def trust(pki_folder: Path, settings: Any) -> Iterator[None]:
    """The settings lead to that world, and no bell is rung."""
    folder = pki_folder / "pki"
    settings.KEP_TRUST_ROOTS = folder / "root.pem"
    settings.KEP_INTERMEDIATES = [folder / f"{name}.pem" for name in ("eshs-ca", "islem-ca", "tsa-ca")]
    settings.KEP_SIGNED_BELL = "signing.tests.handover.ring"
    _forget()
    yield
    _forget()


def _forget() -> None:
    outside.anchors.cache_clear()
    outside.intermediates.cache_clear()


@pytest.fixture
def holder(issue: Callable[..., Holder]) -> Holder:
    """The owner's card."""
    return issue()


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """No bell has rung before a test."""
    rung.clear()
    yield
    rung.clear()
