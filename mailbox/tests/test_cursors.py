"""The place in a list, as an address carries it: whatever stands there, a list is shown (V-086, design.md 6)."""

import base64
from datetime import UTC, datetime

import pytest

from mailbox.folders import Cursor, inbox, read_cursor
from mailbox.tests.road import Road

ODD = [
    "i0001-01-01T00:00:00+14:00|1",
    "g9999-12-31T23:59:59-14:00|1",
    f"i2026-11-24T09:00:00+00:00|{'9' * 5000}",
    "i2026-11-24T09:00:00|1",
    "i2026-11-24T09:00:00+00:00|",
    "x2026-11-24T09:00:00+00:00|1",
    "i",
    "",
]


@pytest.mark.parametrize("written", ODD)
def test_what_is_no_place_begins_at_the_top(written: str) -> None:
    assert read_cursor(base64.urlsafe_b64encode(written.encode()).decode()) is None


def test_a_place_survives_its_address() -> None:
    for backwards in (False, True):
        place = Cursor(datetime(2026, 11, 24, 9, 0, tzinfo=UTC), 7, backwards=backwards)
        assert read_cursor(place.written()) == place


@pytest.mark.loopback
@pytest.mark.django_db
@pytest.mark.parametrize("key", ["1", "9" * 18, "9" * 30])
def test_a_place_beyond_every_row_is_an_empty_page(road: Road, key: str) -> None:
    written = base64.urlsafe_b64encode(f"i0001-01-02T00:00:00+00:00|{key}".encode()).decode()
    road.send()
    assert list(inbox(road.mehmets, read_cursor(written)).items) == []
