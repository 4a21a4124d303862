"""kepcheck is clean on an honest store and finds each planted damage under its own code (R-009).

Damage is done as an intruder or a fault would do it: by raw SQL with the triggers out of the way, and in the files.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from evidence import insert_only, packs, vault
from evidence import integrity as evidence_integrity
from evidence.models import Event, EvidenceIntent, SealedEvidence, VaultPlace
from mailbox import integrity, reading
from mailbox.compose import FileGiven
from mailbox.models import BoxItem, DraftAttachment, Envelope, Message, Recipient, Transition
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]


@pytest.fixture
def store(road: Road) -> Road:
    """One message read, one delivered, one in CHECKING, one draft with a file; the triggers out of the way."""
    first = road.send(files=(FileGiven("a.txt", b"a"),))
    reading.open_message(road.arrived(first), reader=road.reader(), now=road.clock.now)
    road.turn()
    road.send(subject="İkinci")
    road.draft(files=(FileGiven("b.txt", b"b"),))
    return road


def found(road: Road) -> set[str]:
    return {
        each.code for module in (evidence_integrity, integrity) for each in module.findings(road.clock.now)
    }  # fmt: skip


def without_triggers(tables: tuple[str, ...] = ()) -> None:
    """What an intruder with the database's own rights would do first."""
    with connection.cursor() as cursor:
        for table in tables or insert_only.tables():
            for act in ("update", "delete"):
                place = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{act}{place}", None)


def sql(statement: str, *values: object) -> None:
    without_triggers()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA defer_foreign_keys=ON")
        cursor.execute(statement, values)


def read_message() -> Message:
    return Message.objects.order_by("pk").first()  # type: ignore[return-value]


def break_object(digest: bytes) -> None:
    """One bit of the stored form, in its file or in its pack."""
    place = VaultPlace.objects.filter(digest=bytes(digest)).first()
    path = packs.path_of(place.pack) if place else vault.path_of(bytes(digest))
    raw = bytearray(path.read_bytes())
    raw[place.offset + place.length - 1 if place else -1] ^= 1
    path.write_bytes(bytes(raw))


def lose_object(digest: bytes) -> None:
    vault.path_of(bytes(digest)).unlink(missing_ok=True)
    sql("DELETE FROM evidence_vaultplace WHERE digest = %s", bytes(digest))
    assert not vault.has(bytes(digest))


def lose_pack(digest: bytes) -> None:
    packs.path_of(VaultPlace.objects.get(digest=bytes(digest)).pack).unlink()


def proof(code: int) -> SealedEvidence:
    return SealedEvidence.objects.filter(intent__code=code).order_by("pk").first()  # type: ignore[return-value]


def seal_over_other_bytes() -> None:
    """A true seal, moved to another intent."""
    one, other = proof(10), proof(40)
    SealedEvidence.objects.filter(pk=one.pk).update(xml=other.xml, digest=other.digest)


def delete_seal_and_work() -> None:
    SealedEvidence.objects.filter(pk=proof(40).pk).delete()


DAMAGE: dict[str, tuple[str, Callable[[], object]]] = {
    "a trigger gone": ("EV-01", lambda: without_triggers(("evidence_evidenceintent",))),
    "an intent's digest changed": (
        "EV-02",
        lambda: sql("UPDATE evidence_evidenceintent SET digest = %s WHERE id = %s", bytes(32), proof(10).intent_id),
    ),
    "a seal deleted": ("EV-03", lambda: (without_triggers(), delete_seal_and_work())),
    "a sealed proof still owed": (
        "EV-04",
        lambda: sql(
            "INSERT INTO evidence_sealwork (intent_id, due_at, claimed_by, tries, failures, last_error) "
            "VALUES (%s, %s, '', 0, 0, '')",
            proof(10).intent_id,
            "2026-01-01 00:00:00+00:00",
        ),
    ),
    "a seal's digest changed": (
        "EV-05",
        lambda: sql("UPDATE evidence_sealedevidence SET digest = %s WHERE id = %s", bytes(32), proof(60).pk),
    ),
    "a seal over other bytes": ("EV-06", lambda: (without_triggers(), seal_over_other_bytes())),
    "an event line changed": (
        "EV-09",
        lambda: sql("UPDATE evidence_event SET body = %s WHERE id = %s", b"{}", Event.objects.order_by("pk")[0].pk),
    ),
    "a vault object damaged": ("EV-10", lambda: break_object(DraftAttachment.objects.order_by("pk")[0].digest)),
    "a pack lost": ("EV-14", lambda: lose_pack(vault.put_many([b"bir", b"iki"])[0])),
    "a vault object in a pack damaged": ("EV-15", lambda: break_object(vault.put_many([b"bir", b"iki"])[0])),
    "proofs of nobody": (
        "MB-01",
        lambda: sql("UPDATE mailbox_message SET kep_id = 'baska@hs01.kep.tr' WHERE id = %s", read_message().pk),
    ),
    "a state without its proof": (
        "MB-02",
        lambda: sql("UPDATE mailbox_recipient SET state = 'DEEMED_READ' WHERE message_id = %s", read_message().pk),
    ),
    "a proof without its step": (
        "MB-03",
        lambda: sql("UPDATE mailbox_recipient SET state = 'DELIVERED' WHERE message_id = %s", read_message().pk),
    ),
    "an envelope unnamed": (
        "MB-06",
        lambda: sql("UPDATE mailbox_message SET released_at = NULL WHERE id = %s", read_message().pk),
    ),
    "a waiting recipient forgotten": (
        "MB-07",
        lambda: sql("UPDATE mailbox_recipient SET state = 'ACCEPTED' WHERE message_id = %s", read_message().pk),
    ),
    "a checked message forgotten": (
        "MB-09",
        lambda: sql("UPDATE mailbox_message SET state = 'CHECKING', due_at = NULL WHERE id = %s", read_message().pk),
    ),
    "a delivery forgotten": (
        "MB-10",
        lambda: sql("UPDATE mailbox_recipient SET state = 'DELIVERING' WHERE message_id = %s", read_message().pk),
    ),
    "a term taken away": (
        "MB-11",
        lambda: sql("UPDATE mailbox_recipient SET term_ends_at = NULL WHERE state = 'DELIVERED'"),
    ),
    "an item taken out of a box": (
        "MB-12",
        lambda: sql("DELETE FROM mailbox_boxitem WHERE id = %s", BoxItem.objects.filter(folder="inbox")[0].pk),
    ),
    "a sent item taken away": (
        "MB-13",
        lambda: sql("DELETE FROM mailbox_boxitem WHERE id = %s", BoxItem.objects.filter(folder="sent")[0].pk),
    ),
    "opened without a step": (
        "MB-14",
        lambda: sql(
            "UPDATE mailbox_boxitem SET opened_at = %s WHERE recipient_id = %s",
            "2026-11-24 00:00:00+00:00",
            Recipient.objects.get(state="DELIVERED").pk,
        ),
    ),
    "a transition taken out": (
        "MB-15",
        lambda: sql("DELETE FROM mailbox_transition WHERE id = %s", Transition.objects.get(event="opened").pk - 1),
    ),
    "a transition the law does not know": (
        "MB-16",
        lambda: sql("UPDATE mailbox_transition SET to_state = 'RELAYED' WHERE event = 'opened'"),
    ),
    "a history that ends elsewhere": (
        "MB-17",
        lambda: sql("DELETE FROM mailbox_transition WHERE event = 'opened'"),
    ),
    "signed octets lost": ("MB-18", lambda: lose_object(read_message().signed_part_digest)),
    "an original lost": ("MB-19", lambda: lose_object(read_message().original_digest)),
    "a KEP message lost": ("MB-20", lambda: lose_object(Envelope.objects.order_by("pk")[0].digest)),
    "a draft's file lost": (
        "MB-21",
        lambda: lose_object(DraftAttachment.objects.get(size=1, draft__submitted_at=None).digest),
    ),
}


def test_an_honest_store_is_clean(store: Road) -> None:
    assert found(store) == set()
    call_command("kepcheck")


@pytest.mark.parametrize("damage", DAMAGE, ids=[name.replace(" ", "-") for name in DAMAGE])
def test_planted_damage_is_found_under_its_code(store: Road, damage: str) -> None:
    code, plant = DAMAGE[damage]
    plant()
    assert code in found(store)


def test_the_command_names_the_finding_and_fails(store: Road, capsys: pytest.CaptureFixture[str]) -> None:
    lose_object(read_message().original_digest)
    with pytest.raises((SystemExit, CommandError)):
        call_command("kepcheck")
    said = capsys.readouterr()
    assert "MB-19" in said.out + said.err
    assert "Kira" not in said.out + said.err


def test_a_draft_file_of_a_dead_write_is_no_finding(store: Road) -> None:
    folder = next(Path(settings.KEP_VAULT_DIR).glob("??/??"))
    (folder / ".0123.dead").write_bytes(b"half")
    assert found(store) == set()


def test_at_least_twenty_kinds_of_damage_are_planted() -> None:
    assert len({code for code, _ in DAMAGE.values()}) >= 20
    assert EvidenceIntent._meta.db_table in insert_only.tables()
