"""Many new rows of one table in one statement, for the few tables that get several rows with each message.

`bulk_create` makes an object of each row and asks each of its fields four questions; for the event log and its like
that was half the cost of a commit. Here the fields are asked once per table what becomes of a value, and the values go
straight into the statement. Nothing else differs: encrypted fields encrypt, constraints and triggers are the
database's, an IntegrityError undoes the statement. No signal is sent and no primary key comes back.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction

Value = Callable[[Any], Any]


def insert(
    model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]], *, skip_known: bool = False
) -> None:
    """Insert `rows`, each the values of the fields `names`: all or none, in the open transaction or in their own.

    Fields not named must have a default in the database or may be NULL.

    With `skip_known` a row that breaks a unique constraint is left out, and the transaction goes on.
    """
    if not rows:
        return
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    begin = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES "  # noqa: S608 - names of our own models
    end = " ON CONFLICT DO NOTHING" if skip_known else ""
    one = f"({', '.join(['%s'] * len(fields))})"
    values = [_value_of(field) for field in fields]
    ready = [[value(given) for value, given in zip(values, row, strict=True)] for row in rows]
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        if connection.vendor == "sqlite":  # there a statement is prepared once and run for each row
            cursor.executemany(begin + one + end, ready)
        else:
            cursor.execute(begin + ", ".join([one] * len(ready)) + end, [given for row in ready for given in row])


def _value_of(field: "models.Field[Any, Any]") -> Value:
    """What the database gets for a value of this field."""
    if type(field) is models.BinaryField:
        return _or_null(connection.Database.Binary)  # type: ignore[attr-defined]
    if type(field) is models.DateTimeField:
        return _moments()
    if type(field) in (models.CharField, models.BooleanField, models.PositiveIntegerField, models.BigIntegerField):
        return lambda given: given
    return lambda given: field.get_db_prep_save(given, connection)


def _or_null(value: Value) -> Value:
    return lambda given: None if given is None else value(given)


def _moments() -> Value:
    """Most rows of one statement have the same moment in them."""
    known: dict[datetime | None, Any] = {None: None}

    def value(given: datetime | None) -> Any:
        if given not in known:
            known[given] = connection.ops.adapt_datetimefield_value(given)
        return known[given]

    return value
