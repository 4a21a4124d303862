"""What the tests of this floor share: its own addresses, a fixed clock, one person with an account."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from accounts.models import Person
from accounts.tests.cast import make_account, make_person

NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""12:00 in Istanbul."""


@pytest.fixture(autouse=True)
def this_floor_only(settings: Any) -> None:
    """Nothing above `accounts`: its own addresses, and templates without the frame of the house."""
    settings.ROOT_URLCONF = "accounts.tests.urls"
    templates = [{**engine, "OPTIONS": {**engine["OPTIONS"]}} for engine in settings.TEMPLATES]
    for engine in templates:
        processors = engine["OPTIONS"]["context_processors"]
        engine["OPTIONS"]["context_processors"] = [name for name in processors if not name.startswith("kepweb.")]
    settings.TEMPLATES = templates


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands at noon until it is moved."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def person(db: None) -> Person:
    """Somebody with one account of her own."""
    someone = make_person()
    make_account("ayse.yildiz@hs01.kep.tr", holder=someone)
    return someone
