"""Insert-only tables refuse every change, by every road, on both databases (design.md 1.5)."""

from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from evidence import eventlog, insert_only
from evidence.models import Event, EvidenceIntent

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
REFUSED = (IntegrityError, DatabaseError)

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def event() -> Event:
    """One written event."""
    with transaction.atomic():
        eventlog.append("test.written", at=NOW, subject="s-1")
    return Event.objects.get()


def refused(act) -> bool:
    """Whether the database refuses `act` and leaves the one event as it was."""
    before = list(Event.objects.values_list())
    with pytest.raises(REFUSED, match="insert-only"), transaction.atomic():
        act()
    return list(Event.objects.values_list()) == before


def test_a_saved_change_is_refused(event):
    event.kind = "test.changed"
    assert refused(event.save)


def test_a_deletion_is_refused(event):
    assert refused(event.delete)


def test_an_update_by_query_is_refused(event):
    assert refused(lambda: Event.objects.update(subject="s-2"))


def test_a_deletion_by_query_is_refused(event):
    assert refused(Event.objects.all().delete)


def test_an_upsert_that_would_change_a_row_is_refused(event):
    again = Event(
        id=event.pk, at=NOW, kind="test.changed", body=b"", salt=event.salt, leaf_hash=event.leaf_hash, subject=""
    )
    assert refused(
        lambda: Event.objects.bulk_create(
            [again], update_conflicts=True, unique_fields=["id"], update_fields=["kind", "body"]
        )
    )


@pytest.mark.parametrize(
    "statement",
    ["UPDATE evidence_event SET kind = 'x'", "UPDATE evidence_event SET id = id + 1", "DELETE FROM evidence_event"],
)
def test_raw_statements_are_refused(event, statement):
    assert refused(lambda: _execute(statement))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only on SQLite: INSERT OR REPLACE")
def test_insert_or_replace_does_not_slip_past_the_delete_trigger(event):
    columns = ", ".join(field.column for field in Event._meta.concrete_fields if field.column != "kind")
    replace = (
        f"INSERT OR REPLACE INTO evidence_event ({columns}, kind) "  # noqa: S608
        f"SELECT {columns}, 'test.changed' FROM evidence_event"
    )
    assert refused(lambda: _execute(replace))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only on PostgreSQL: TRUNCATE")
def test_truncate_is_refused(event):
    assert refused(lambda: _execute("TRUNCATE evidence_event"))


def test_the_position_of_an_event_is_filled_once_and_never_changed(event):
    Event.objects.filter(pk=event.pk).update(idx=7)
    assert refused(lambda: Event.objects.filter(pk=event.pk).update(idx=8))
    assert refused(lambda: Event.objects.filter(pk=event.pk).update(idx=None))


def test_the_position_is_not_filled_together_with_another_change(event):
    assert refused(lambda: Event.objects.filter(pk=event.pk).update(idx=7, subject="s-2"))


def test_every_insert_only_table_is_there_with_its_triggers():
    """The list is whole, every table of it is there, and each has all its triggers."""
    for table in insert_only.tables():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {table}", None)  # noqa: S608
    assert insert_only.missing_triggers(connection) == ()
    assert len(insert_only.tables()) >= 7
    assert "evidence_sealedevidence" in insert_only.tables()


@pytest.mark.django_db(transaction=True)
def test_after_a_migration_that_remakes_the_table_the_triggers_are_back():
    name = "evidence_event_no_delete"
    with connection.schema_editor() as editor:
        field = models.CharField(max_length=3, default="")
        field.set_attributes_from_name("note")
        editor.add_field(Event, field)
        editor.remove_field(Event, field)
        if connection.vendor == "postgresql":  # it keeps them over a change of the table: take one away by hand
            editor.execute(f"DROP TRIGGER {name} ON evidence_event", None)
    assert name in insert_only.missing_triggers(connection)
    call_command("migrate", verbosity=0)
    assert insert_only.missing_triggers(connection) == ()
    with transaction.atomic():
        eventlog.append("test.written", at=NOW)
    assert refused(Event.objects.all().delete)


@pytest.mark.django_db(transaction=True)
def test_a_trigger_that_is_switched_off_counts_as_missing():
    if connection.vendor == "postgresql":
        _execute("ALTER TABLE evidence_sealedevidence DISABLE TRIGGER evidence_sealedevidence_no_update")
    else:
        _execute("DROP TRIGGER evidence_sealedevidence_no_update")
    assert insert_only.missing_triggers(connection) == ("evidence_sealedevidence_no_update",)
    call_command("migrate", verbosity=0)
    assert insert_only.missing_triggers(connection) == ()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", ["first", "second"])
def test_a_test_that_commits_finds_a_clean_database(turn):
    """Each of the two runs leaves a row in an insert-only table; neither finds the other's."""
    assert EvidenceIntent.objects.count() == 0
    EvidenceIntent.objects.create(
        evidence_id="ev-1",
        kep_id="k-1",
        recipient_no=0,
        code=10,
        unsigned=b"<ev/>",
        digest=bytes(32),
        event_at=NOW,
        prepared_at=NOW,
    )
    assert EvidenceIntent.objects.count() == 1


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, None)
