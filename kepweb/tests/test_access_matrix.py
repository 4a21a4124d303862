"""The access matrix: every address by every role, against a table written by hand (V-040, V-042, V-043).

Each cell is asked of the running code and taken back again, so that no cell leans on another.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from kepweb.tests import addresses
from kepweb.tests.townsfolk import ROLES, Town, settle
from mailbox.tests.road import Road

pytestmark = pytest.mark.loopback

TABLE = Path(__file__).with_name("access_matrix.txt")
OUTCOMES = {"in", "no", "bad", "door", "pick", "prove"}
PLACES = {"/giris/": "door", "/hesap/sec/": "pick", "/hesap/dogrula/": "prove"}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    address: str
    method: str
    kind: str
    expected: tuple[str, ...]


def rows() -> Iterator[Row]:
    """The table as it is written."""
    for line in TABLE.read_text().splitlines():
        words = line.split()
        if words and not line.startswith("#") and words[0] != "address":
            yield Row(words[0], words[1], words[2], tuple(words[3:]))


@pytest.fixture
def town(road: Road) -> Town:
    return settle(road)


def outcome(answer: HttpResponse) -> str:
    """One of the words of the table, or the status when there is none for it."""
    if answer.status_code == 401:
        return "door"
    if 300 <= answer.status_code < 400:
        path = answer.headers["Location"].partition("?")[0]
        return PLACES.get(path, "in")
    if answer.status_code in (400, 403, 404):
        return "bad" if answer.status_code == 400 else "no"
    return "in" if answer.status_code < 300 or answer.status_code == 422 else str(answer.status_code)


def ask(client: Client, row: Row, path: str) -> HttpResponse:
    """The request of a row; what it changed is taken back."""
    with transaction.atomic():
        if row.address.startswith("signing:"):
            answer = client.generic(row.method, path, json.dumps({}), content_type="application/json")
        else:
            answer = client.generic(row.method, path, "", content_type="application/x-www-form-urlencoded")
        transaction.set_rollback(True)
    return answer


def test_the_table_has_every_column_and_no_unknown_word() -> None:
    header = next(line.split() for line in TABLE.read_text().splitlines() if line.startswith("address"))
    assert header == ["address", "method", "of", *ROLES]
    for row in rows():
        assert len(row.expected) == len(ROLES), row.address
        assert set(row.expected) <= OUTCOMES, row.address
        assert row.method in ("GET", "POST"), row.address
    asked = [(row.address, row.method, row.kind) for row in rows()]
    assert len(asked) == len(set(asked))


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    there = {name for name, _ in addresses.routes()}
    assert {row.address for row in rows()} == there


def test_every_door_answers_every_role_as_the_table_says(town: Town) -> None:
    """One town for all: each request is taken back, and each role comes in a browser of its own."""
    wrong = [f"{role}: {each}" for role in ROLES for each in wrong_cells(town, role)]
    assert not wrong, "\n".join(wrong)


def wrong_cells(town: Town, role: str) -> list[str]:
    """What differs from the table when this role goes from door to door."""
    client = town.browser(role)
    wrong = []
    for row in rows():
        path = reverse(row.address, kwargs=dict(town.named(row.kind, role)))
        expected, told = row.expected[ROLES.index(role)], outcome(ask(client, row, path))
        if told != expected:
            wrong.append(f"{row.method} {row.address} {row.kind}: {told}, not {expected}")
        if row.address == "accounts:sign_out":
            client = town.browser(role)
    return wrong
