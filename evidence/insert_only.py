"""Tables nobody can edit: the database itself refuses UPDATE and DELETE, also for raw SQL (design.md 1.5).

The word of an application is not enough for evidence. Each model marked with `@insert_only` gets triggers on
SQLite and PostgreSQL that abort every change; what is wrong is superseded by a new row, never mended.

Django remakes SQLite tables when a field is added and drops their triggers without a word, so the triggers are
put back after every migration (`post_migrate`), and `missing_triggers` compares the catalogue with the list,
for the system check and for kepcheck. On SQLite `INSERT OR REPLACE` would pass the DELETE trigger unless the
connection says `PRAGMA recursive_triggers=ON`: the settings say so and the check looks.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

_Model = TypeVar("_Model", bound=models.Model)
_MODELS: list[tuple[type[models.Model], tuple[str, ...]]] = []


def insert_only(*, except_null_to_value: tuple[str, ...] = ()) -> Callable[[type[_Model]], type[_Model]]:
    """Class decorator: rows of this model are written once.

    `except_null_to_value` names columns that may go from NULL to a value once, all else equal (the event
    log's position, which its sequencer fills in later).
    """

    def mark(model: type[_Model]) -> type[_Model]:
        _MODELS.append((model, except_null_to_value))
        return model

    return mark


def tables() -> tuple[str, ...]:
    """Names of all insert-only tables."""
    return tuple(model._meta.db_table for model, _ in _MODELS)


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers of every insert-only table that exists in place; safe to run again."""
    present = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE OR REPLACE FUNCTION kep_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'insert-only table' USING ERRCODE = 'integrity_constraint_violation'; "
                "END $$",
                None,
            )
        for model, exceptions in _MODELS:
            if model._meta.db_table in present:
                for statement in _statements(connection.vendor, model, exceptions):
                    cursor.execute(statement, None)


def missing_triggers(connection: BaseDatabaseWrapper) -> tuple[str, ...]:
    """Names of triggers that should exist and do not; empty is right.

    A table that the next migration is going to make has none to miss.
    """
    tables_present = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'", None)
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'", None)
        present = {row[0] for row in cursor.fetchall()}
    wanted = [
        f"{model._meta.db_table}_{act}"
        for model, _ in _MODELS
        if model._meta.db_table in tables_present
        for act in (("no_update", "no_delete") + (("no_truncate",) if connection.vendor == "postgresql" else ()))
    ]
    return tuple(name for name in wanted if name not in present)


def install_after_migrate(using: str = "default", **_: object) -> None:
    """`post_migrate` receiver."""
    install(connections[using])


def _statements(vendor: str, model: type[models.Model], exceptions: tuple[str, ...]) -> Iterable[str]:
    table = model._meta.db_table
    if vendor == "postgresql":
        condition = _untouched(model, exceptions, "IS NOT DISTINCT FROM")
        when = f"WHEN (NOT ({condition}))" if exceptions else ""
        yield f"DROP TRIGGER IF EXISTS {table}_no_update ON {table}"
        yield f"DROP TRIGGER IF EXISTS {table}_no_delete ON {table}"
        yield f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}"
        yield (
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW {when} "
            "EXECUTE FUNCTION kep_refuse_change()"
        )
        yield (
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW "
            "EXECUTE FUNCTION kep_refuse_change()"
        )
        yield (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
            "EXECUTE FUNCTION kep_refuse_change()"
        )
        return
    condition = _untouched(model, exceptions, "IS")
    when = f"WHEN NOT ({condition})" if exceptions else ""
    yield f"DROP TRIGGER IF EXISTS {table}_no_update"
    yield f"DROP TRIGGER IF EXISTS {table}_no_delete"
    yield (
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {when} "
        "BEGIN SELECT RAISE(ABORT, 'insert-only table'); END"
    )
    yield (
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'insert-only table'); END"
    )


def _untouched(model: type[models.Model], exceptions: tuple[str, ...], same: str) -> str:
    """SQL that is true when only the excepted columns change, and those from NULL to a value."""
    columns = [field.column for field in model._meta.concrete_fields]
    kept = [f"NEW.{name} {same} OLD.{name}" for name in columns if name not in exceptions]
    filled = [f"OLD.{name} IS NULL AND NEW.{name} IS NOT NULL" for name in exceptions]
    return " AND ".join(kept + filled)
