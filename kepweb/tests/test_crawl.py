"""Looking changes nothing: every address by GET and HEAD, by everybody, and not a row differs afterwards (V-039).

A prefetch, a preview of a link or a curious crawler follows addresses; none of them may open a message, use up a
credit, make a proof or move a state. Sessions, throttles and the event log are what looking may leave behind.
"""

import hashlib
from collections.abc import Mapping

import pytest
from django.apps import apps
from django.db import connection, models
from django.urls import reverse

from kepweb.tests import addresses
from kepweb.tests.test_access_matrix import rows
from kepweb.tests.townsfolk import ROLES, Town, settle
from mailbox.tests.road import Road

pytestmark = pytest.mark.loopback

MAY_CHANGE = {
    "django_session",
    "evidence_event",
    "accounts_openvisit",  # when its person was last seen
    "accounts_wrongtries",
    "accounts_knowndevice",
    "accounts_onetimecode",
    "accounts_desktally",
    "signing_codemiss",
    "axes_accessattempt",
    "axes_accessattemptexpiration",
    "axes_accessfailurelog",
    "axes_accesslog",
}
LOOKERS = ("owner", "main", "manage", "clerk", "office", "stranger", "nobody")


@pytest.fixture
def town(road: Road) -> Town:
    return settle(road)


def state_of_everything() -> Mapping[str, str]:
    """One hash of all rows of every table, read below the models: what is encrypted counts by its bytes."""
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)} - MAY_CHANGE
    return {table: _hash(table) for table in sorted(tables)}


def _hash(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}", None)  # noqa: S608 - a name of our models
        kept = sorted(repr([bytes(cell) if isinstance(cell, memoryview) else cell for cell in row]) for row in cursor)
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()


def everything_named(role: str, town: Town) -> list[str]:
    """Every address this role could come across: of the table, with each object it may name."""
    kinds: dict[str, set[str]] = {}
    for row in rows():
        kinds.setdefault(row.address, set()).add(row.kind)
    return sorted(
        {
            reverse(address, kwargs=dict(town.named(kind, role)))
            for address, _ in addresses.routes()
            for kind in kinds[address]
        }
    )


def test_the_tables_that_may_change_exist() -> None:
    assert {model._meta.db_table for model in apps.get_models(include_auto_created=True)} >= MAY_CHANGE
    assert set(LOOKERS) <= set(ROLES)


def test_looking_at_every_address_changes_no_row(town: Town) -> None:
    browsers = {role: town.browser(role) for role in LOOKERS}
    before = state_of_everything()
    assert len(before) > 30
    asked = 0
    for role, browser in browsers.items():
        for path in everything_named(role, town):
            for method in ("GET", "HEAD"):
                status = browser.generic(method, path).status_code
                assert status < 500 or path == "/readyz", (role, method, path, status)
                asked += 1
    after = state_of_everything()
    assert [table for table in before if before[table] != after[table]] == []
    assert asked > 400


def test_a_change_would_be_seen(town: Town) -> None:
    before = state_of_everything()
    model: type[models.Model] = type(town.company)
    model.objects.filter(pk=town.company.pk).update(listed=True)
    after = state_of_everything()
    assert [table for table in before if before[table] != after[table]] == ["accounts_kepaccount"]
