"""Many rows of one table in one statement, for the tables that get or change several rows with each message.

The ORM makes an object of each row, asks each of its fields four questions and writes the statement anew each time;
for the event log and its like that was half the cost of a commit. Here a table and the names of its fields are asked
once per process how the statement reads and what becomes of a value, and the values go straight into it. Nothing else
differs: encrypted fields encrypt, constraints and triggers are the database's, an IntegrityError undoes the statement.
No signal is sent, no default is filled in, and what is named must be a column of the table.
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar

from django.db import connection, models, transaction

Value = Callable[[Any], Any]
Answer = TypeVar("Answer")
MOST_VALUES = 30_000
"""Values in one statement: below what SQLite (32,766) and PostgreSQL (65,535) take."""
MOMENTS_KEPT = 64
"""Most rows of one statement have the same moment in them."""


@dataclass(frozen=True)
class _Form:
    """A table and some of its fields, as a statement names them and the database takes them."""

    table: str
    key: str
    columns: tuple[str, ...]
    values: tuple[Value, ...]

    def ready(self, row: Sequence[Any]) -> list[Any]:
        return [value(given) for value, given in zip(self.values, row, strict=True)]

    @property
    def insertion(self) -> str:
        return f"INSERT INTO {self.table} ({', '.join(self.columns)}) VALUES "  # noqa: S608 - names of our own models

    @property
    def one(self) -> str:
        return f"({', '.join(['%s'] * len(self.columns))})"


def insert(
    model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]], *, skip_known: bool = False
) -> None:
    """Insert `rows`, each the values of the fields `names`: all or none, in the open transaction or in their own.

    Fields not named must have a default in the database or may be NULL.

    With `skip_known` a row that breaks a unique constraint is left out, and the transaction goes on.
    """
    if not rows:
        return
    form = _form(connection.vendor, model, tuple(names))
    end = " ON CONFLICT DO NOTHING" if skip_known else ""
    ready = [form.ready(row) for row in rows]
    if connection.vendor == "sqlite":  # there a statement is prepared once and run for each row
        _all_or_none(lambda cursor: cursor.executemany(form.insertion + form.one + end, ready))
        return
    statement = form.insertion + ", ".join([form.one] * len(ready)) + end
    _all_or_none(lambda cursor: cursor.execute(statement, [given for row in ready for given in row]))


def insert_all(objects: Iterable[models.Model]) -> None:
    """Insert new objects of one model, with every field they have; each gets its key. All or none, as `insert`.

    The key must be one that the database counts up.
    """
    new = list(objects)
    if not new:
        return
    model = type(new[0])
    names = _names_without_key(model)
    form, take = _form(connection.vendor, model, names), attrgetter(*names)
    ready = [form.ready(take(each)) for each in new]
    some = max(1, MOST_VALUES // len(names))

    def write(cursor: Any) -> list[int]:
        keys: list[int] = []
        for first in range(0, len(ready), some):
            rows = ready[first : first + some]
            cursor.execute(
                f"{form.insertion}{', '.join([form.one] * len(rows))} RETURNING {form.key}",
                [given for row in rows for given in row],
            )
            # no database promises to return rows in the order in which it took them, but keys are counted up in it
            keys += sorted(key for (key,) in cursor.fetchall())
        return keys

    for each, key in zip(new, _all_or_none(write), strict=True):
        each.pk, each._state.adding, each._state.db = key, False, connection.alias


def change(
    model: type[models.Model],
    names: Sequence[str],
    rows: Sequence[tuple[Any, Sequence[Any]]],
    *,
    still: Mapping[str, Any],
) -> int:
    """Give each row (key, values of `names`) its own new values where it still has the ones of `still`; how many had.

    A value of None in `still` means NULL. All or none, as `insert`.
    """
    if not rows:
        return 0
    vendor = connection.vendor
    form, guard = _form(vendor, model, tuple(names)), _form(vendor, model, tuple(still))
    wanted = guard.ready(tuple(still.values()))
    where = " AND ".join(
        f"{column} IS NULL" if value is None else f"{column} = %s"
        for column, value in zip(guard.columns, wanted, strict=True)
    )
    given = [value for value in wanted if value is not None]
    sets = ", ".join(f"{column} = %s" for column in form.columns)
    statement = f"UPDATE {form.table} SET {sets} WHERE {form.key} = %s AND {where}"  # noqa: S608 - as above

    def write(cursor: Any) -> int:
        cursor.executemany(statement, [[*form.ready(values), key, *given] for key, values in rows])
        return int(cursor.rowcount)

    return _all_or_none(write)


def _all_or_none(write: Callable[[Any], Answer]) -> Answer:
    """In the caller's transaction, which is lost if this fails; or in one of its own."""
    if not connection.in_atomic_block:
        with transaction.atomic(), connection.cursor() as cursor:
            return write(cursor)
    is_whole = False
    try:
        with connection.cursor() as cursor:
            answer = write(cursor)
        is_whole = True
    finally:
        if not is_whole:  # some rows may be in, whoever refused one: nobody may catch that and commit them
            transaction.set_rollback(True)
    return answer


@functools.cache
def _form(vendor: str, model: type[models.Model], names: tuple[str, ...]) -> _Form:
    """What the statement calls the table and its columns, and what the database of `vendor` gets for a value."""
    quote = connection.ops.quote_name
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    key: Any = model._meta.pk
    return _Form(
        quote(model._meta.db_table),
        quote(key.column),
        tuple(quote(field.column) for field in fields),
        tuple(_value_of(field) for field in fields),
    )


@functools.cache
def _names_without_key(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields if not field.primary_key)


def _value_of(field: Any) -> Value:
    """What the database gets for a value of this field."""
    while field.is_relation:
        field = field.target_field
    kind = type(field)
    if kind is models.BinaryField:
        return _or_null(connection.Database.Binary)  # type: ignore[attr-defined]
    if kind is models.DateTimeField:
        return functools.lru_cache(MOMENTS_KEPT)(_moment)
    if kind is models.CharField:
        return _text
    if kind in _AS_IT_IS:
        return _same
    return lambda given: field.get_db_prep_save(given, connection)


_AS_IT_IS = (
    models.BooleanField,
    models.PositiveIntegerField,
    models.BigIntegerField,
    models.PositiveBigIntegerField,
    models.BigAutoField,
)


def _moment(given: Any) -> Any:
    # asked of the connection of whoever writes now: this outlives the thread that was the first to ask
    return connection.ops.adapt_datetimefield_value(given)


def _same(given: Any) -> Any:
    return given


def _text(given: Any) -> Any:
    """A member of an enumeration is its value, whatever a driver would make of it."""
    return given if given is None or type(given) is str else str(given)


def _or_null(value: Value) -> Value:
    return lambda given: None if given is None else value(given)
