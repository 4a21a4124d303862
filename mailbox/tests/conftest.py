"""A road for each test of the mailbox: real certificates, real time-stamps, a clock that stands still."""

from typing import Any

import pytest

from mailbox.tests.road import Clock, Road


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def road(db: None, provider: Any, clock: Clock) -> Road:
    return Road(provider.directory, clock)
