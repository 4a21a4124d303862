"""Rows written in one statement are the rows that the ORM would have written (R-019, V-094)."""

import gc
import threading
import weakref
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from enum import StrEnum

import pytest
from django.db import IntegrityError, connection, transaction

from evidence import eventlog, rows
from evidence.models import Event, EvidenceIntent, SealWork, VaultPlace
from evidence.tests.pki import NOW

pytestmark = [pytest.mark.database, pytest.mark.django_db]

EVENT = ("at", "kind", "actor", "subject", "body", "salt", "leaf_hash", "idx")
INTENT = ("evidence_id", "kep_id", "recipient_no", "code", "unsigned", "digest", "event_at", "prepared_at")
ISTANBUL = timezone(timedelta(hours=3))


def event(number: int, at: datetime = NOW) -> list[object]:
    return [at, "seal.begun", "işçi", f"ev-{number}", b"\0\xff{}", bytes(16), bytes(32), None]


def intent(number: int) -> list[object]:
    return [f"ev-{number}", "ileti@hs01.kep.tr", number, 10, "Ayşe".encode(), bytes(32), NOW, NOW]


def raw(columns: str, table: str) -> list[tuple[object, ...]]:
    """As it lies in the table, before any converter."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {table} ORDER BY id")  # noqa: S608
        return [tuple(bytes(one) if isinstance(one, memoryview) else one for one in row) for row in cursor.fetchall()]


def test_the_rows_are_those_of_the_orm() -> None:
    rows.insert(Event, EVENT, [event(1), event(2, NOW.astimezone(ISTANBUL))])
    Event.objects.bulk_create(Event(**dict(zip(EVENT, event(number), strict=True))) for number in (1, 2))  # type: ignore[arg-type]
    first, second, third, fourth = raw(", ".join(EVENT), "evidence_event")
    assert [first, second] == [third, fourth]
    assert [each.at for each in Event.objects.all()] == [NOW] * 4


def test_what_is_remembered_of_a_table_holds_no_connection_of_a_thread() -> None:
    """The first thread that writes to a table may end long before the process does."""
    seen: list[weakref.ref[object]] = []

    def first() -> None:
        rows._form(connection.vendor, Event, EVENT).ready(event(1))
        seen.append(weakref.ref(connection.ops))

    rows._form.cache_clear()
    thread = threading.Thread(target=first)
    thread.start()
    thread.join()
    gc.collect()
    assert [each() for each in seen] == [None]


def test_an_encrypted_field_is_encrypted() -> None:
    rows.insert(EvidenceIntent, INTENT, [intent(1), intent(2)])
    stored = [row[0] for row in raw("unsigned", "evidence_evidenceintent")]
    assert all("Ayşe".encode() not in one for one in stored)  # type: ignore[operator]
    assert stored[0] != stored[1]
    assert [bytes(each.unsigned) for each in EvidenceIntent.objects.all()] == ["Ayşe".encode()] * 2


def test_a_foreign_key_is_named_by_its_column() -> None:
    rows.insert(EvidenceIntent, INTENT, [intent(1)])
    work = ("intent_id", "due_at", "claimed_by", "tries", "failures", "last_error")
    rows.insert(SealWork, work, [(EvidenceIntent.objects.get().pk, NOW, "", 0, 0, "")])
    assert SealWork.objects.get().intent == EvidenceIntent.objects.get()


def test_one_query_for_any_number_and_none_for_nothing(django_assert_num_queries: Callable[..., object]) -> None:
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        rows.insert(Event, EVENT, [event(number) for number in range(300)])
    with django_assert_num_queries(0):  # type: ignore[attr-defined]
        rows.insert(Event, EVENT, [])
    assert Event.objects.count() == 300


def test_a_broken_constraint_undoes_the_whole_statement() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.insert(EvidenceIntent, INTENT, [intent(1), intent(2), intent(1)])
    assert not EvidenceIntent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_there_is_one_for_all_and_so_one_commit() -> None:
    """A commit for each row would be an fsync for each row."""
    with pytest.raises(IntegrityError):
        rows.insert(EvidenceIntent, INTENT, [intent(1), intent(2), intent(1)])
    assert not EvidenceIntent.objects.exists()
    rows.insert(EvidenceIntent, INTENT, [intent(1), intent(2)])
    assert EvidenceIntent.objects.count() == 2


def test_known_rows_are_left_out_where_that_is_asked_and_the_transaction_goes_on() -> None:
    names = ("digest", "pack", "offset", "length")
    rows.insert(VaultPlace, names, [(b"a" * 32, "p", 5, 1)])
    with transaction.atomic():
        rows.insert(VaultPlace, names, [(b"a" * 32, "q", 9, 2), (b"b" * 32, "q", 2**40, 2)], skip_known=True)
        assert VaultPlace.objects.count() == 2
    assert list(VaultPlace.objects.order_by("pk").values_list("pack", "offset")) == [("p", 5), ("q", 2**40)]


def test_a_row_of_another_length_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="zip"):
        rows.insert(Event, EVENT, [event(1)[:-1]])


def test_the_event_log_writes_what_it_hashed() -> None:
    eventlog.append("seal.begun", at=NOW, actor="işçi", subject="ev-1", facts={"sha256": "00", "none": None, "n": 1})
    stored = Event.objects.get()
    assert eventlog.leaf_hash(bytes(stored.salt), bytes(stored.body)) == bytes(stored.leaf_hash)
    expected = (
        '{"actor":"işçi","at":"%s","facts":{"n":1,"none":null,"sha256":"00"},"kind":"seal.begun","subject":"ev-1"}'
    )
    assert bytes(stored.body).decode() == expected % NOW.isoformat()


def intents(*numbers: int) -> list[EvidenceIntent]:
    return [EvidenceIntent(**dict(zip(INTENT, intent(number), strict=True))) for number in numbers]  # type: ignore[arg-type]


def test_objects_get_the_keys_of_their_own_rows(
    django_assert_num_queries: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    new = intents(3, 1, 2)
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        rows.insert_all(new)
    assert [EvidenceIntent.objects.get(pk=each.pk).evidence_id for each in new] == ["ev-3", "ev-1", "ev-2"]
    assert not any(each._state.adding for each in new)
    monkeypatch.setattr(rows, "MOST_VALUES", 2 * len(INTENT))
    more = intents(4, 5, 6, 7, 8)
    with django_assert_num_queries(3):  # type: ignore[attr-defined]
        rows.insert_all(more)
    assert [EvidenceIntent.objects.get(pk=each.pk).evidence_id for each in more] == [f"ev-{n}" for n in range(4, 9)]


def test_objects_lie_in_the_table_as_the_orm_would_have_put_them() -> None:
    first, second = intents(1, 2)
    rows.insert_all([first])
    second.save()
    columns = ", ".join(name for name in INTENT if name not in ("evidence_id", "recipient_no", "unsigned"))
    stored = raw(columns, "evidence_evidenceintent")
    assert stored[0] == stored[1]
    assert [bytes(each.unsigned) for each in EvidenceIntent.objects.all()] == ["Ayşe".encode()] * 2


def test_one_object_that_is_refused_takes_all_with_it() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.insert_all(intents(1, 2, 1))
    assert not EvidenceIntent.objects.exists()


def seal_works() -> list[SealWork]:
    rows.insert_all(intents(1, 2, 3))
    rows.insert_all(SealWork(intent=each, due_at=NOW) for each in EvidenceIntent.objects.order_by("pk"))
    return list(SealWork.objects.order_by("pk"))


def test_each_row_gets_its_own_values_where_it_still_is_as_it_was_seen() -> None:
    first, second, third = seal_works()
    SealWork.objects.filter(pk=second.pk).update(claimed_until=NOW)
    given = [(each.pk, (f"worker {number}", number)) for number, each in enumerate((first, second, third), 1)]
    assert rows.change(SealWork, ("claimed_by", "tries"), given, still={"claimed_until": None}) == 2
    kept = list(SealWork.objects.order_by("pk").values_list("claimed_by", "tries"))
    assert kept == [("worker 1", 1), ("", 0), ("worker 3", 3)]
    assert rows.change(SealWork, ("tries",), [(first.pk, (9,))], still={"claimed_by": "worker 2"}) == 0
    assert rows.change(SealWork, ("tries",), [(first.pk, (9,))], still={"claimed_by": "worker 1", "tries": 1}) == 1
    assert rows.change(SealWork, ("tries",), [], still={"claimed_by": ""}) == 0


def test_a_change_that_is_refused_is_none_and_cannot_be_committed() -> None:
    """Some rows may have changed already: whoever catches the error must not keep them."""
    first, second, _third = seal_works()
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            rows.change(SealWork, ("tries",), [(first.pk, (1,)), (second.pk, (-1,))], still={"tries": 0})
        assert transaction.get_rollback()
    assert list(SealWork.objects.values_list("tries", flat=True).distinct()) == [0]


def test_a_member_of_an_enumeration_is_its_value() -> None:
    class Word(StrEnum):
        BEGUN = "seal.begun"

    rows.insert(Event, EVENT, [[NOW, Word.BEGUN, *event(1)[2:]]])
    assert raw("kind", "evidence_event") == [("seal.begun",)]


@pytest.mark.parametrize("broken", ["insert", "insert_all", "change"])
def test_a_value_that_no_driver_takes_leaves_nothing_to_be_committed(broken: str) -> None:
    """What the driver itself refuses is no error of the database, and the rows before it may be in."""
    given = [event(1), event(2)]
    given[1][3] = "\ud800"
    first, second, _third = seal_works()
    tasks: dict[str, Callable[[], object]] = {
        "insert": lambda: rows.insert(Event, EVENT, given),
        "insert_all": lambda: rows.insert_all(Event(**dict(zip(EVENT, each, strict=True))) for each in given),
        "change": lambda: rows.change(
            SealWork, ("claimed_by",), [(first.pk, ("one",)), (second.pk, ("\ud800",))], still={"tries": 0}
        ),
    }
    with transaction.atomic():
        with pytest.raises(UnicodeEncodeError):
            tasks[broken]()
        assert transaction.get_rollback()
    assert not Event.objects.exists()
    assert not SealWork.objects.exclude(claimed_by="").exists()
