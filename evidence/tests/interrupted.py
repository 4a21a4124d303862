"""A database that breaks work off, really: a neighbour holds SQLite's lock, PostgreSQL's backend is ended (R-019)."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection


@contextmanager
def locked() -> Iterator[None]:
    """SQLite's write lock in the hands of a neighbour, and no patience of ours."""
    options = connection.settings_dict["OPTIONS"]
    patience, options["timeout"] = options["timeout"], 0
    neighbour = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, uri=True)
    neighbour.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        neighbour.close()
        options["timeout"] = patience


def end_own_backend() -> None:
    """What a failing server or network does to a connection of PostgreSQL: it is gone, and we have not noticed."""
    import psycopg

    parameters = connection.get_connection_params()
    known = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port")}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    with psycopg.connect(**known, autocommit=True) as neighbour:
        neighbour.execute("SELECT pg_terminate_backend(%s)", [backend])


@contextmanager
def out_of_reach() -> Iterator[None]:
    """One interruption: a lock that lasts on SQLite, a lost connection on PostgreSQL."""
    if connection.vendor == "sqlite":
        with locked():
            yield
    else:
        end_own_backend()
        yield


def break_off(patch: pytest.MonkeyPatch, owner: Any, name: str, *, times: int = 1) -> list[str]:
    """The first calls of this function meet an interruption, the others none; what is answered names each that did.

    The function must begin its own transaction: no neighbour gets a lock that we hold.
    """
    whole = getattr(owner, name)
    met: list[str] = []

    def once(*given: Any, **more: Any) -> Any:
        if len(met) == times:
            return whole(*given, **more)
        met.append(name)
        with out_of_reach():
            return whole(*given, **more)

    patch.setattr(owner, name, once)
    return met
