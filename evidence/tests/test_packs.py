"""Packs keep many small objects whole or not at all, and one fsync serves them all (R-001, design.md 1.7)."""

import hashlib
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evidence import integrity, packs, vault
from evidence.errors import VaultDamaged, VaultMissing, VaultUnavailable
from evidence.models import VaultPlace
from evidence.tests.test_vault import disk_that_takes
from guards import crash_points
from kepweb.hygiene import remove_dead_writes

RAWS = [f"Sayın Ayşe Yıldız, {number}. sözleşme ektedir.".encode() * 20 for number in range(10)]

POINTS = ("vault.pack_written", "vault.before_places")


def files() -> list[Path]:
    """Every file of the vault, drafts too."""
    return sorted(path for path in Path(settings.KEP_VAULT_DIR).rglob("*") if path.is_file())


def pack() -> Path:
    """The only pack, which is the only file."""
    (found,) = files()
    return found


def codes() -> list[str]:
    """What kepcheck finds in the vault."""
    return [each.code for each in (*integrity._vault_files(), *integrity._vault_packs())]


def spoil(digest: bytes, at: int = 20) -> None:
    """Change one bit of a packed object."""
    place = VaultPlace.objects.get(digest=digest)
    path = packs.path_of(place.pack)
    raw = bytearray(path.read_bytes())
    raw[place.offset + at] ^= 1
    path.write_bytes(raw)


# --- what is kept is given back -------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_what_was_put_together_is_given_back_one_by_one_and_together() -> None:
    digests = vault.put_many(RAWS)
    assert digests == [hashlib.sha256(raw).digest() for raw in RAWS]
    assert [vault.get(digest) for digest in digests] == RAWS
    assert all(map(vault.has, digests))
    assert vault.get_many(digests) == dict(zip(digests, RAWS, strict=True))
    assert pack().parent.parent.name == "packs"
    assert codes() == []


@pytest.mark.django_db
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=200), max_size=12))
def test_any_list_of_bytes_can_be_kept_with_doubles_and_with_nothing(raws: list[bytes]) -> None:
    digests = vault.put_many(raws)
    assert [vault.get(digest) for digest in digests] == raws
    assert vault.get_many(digests) == dict(zip(digests, raws, strict=True))


@pytest.mark.django_db
def test_large_objects_go_into_files_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "PACKED", 1000)
    small, other, large = b"x" * 1000, b"z" * 999, b"y" * 1001
    digests = vault.put_many([large, small, other])
    assert {bytes(each.digest) for each in VaultPlace.objects.all()} == set(digests[1:])
    assert vault.path_of(digests[0]).exists()
    assert list(vault.get_many(digests).values()) == [large, small, other]


@pytest.mark.django_db
def test_what_comes_alone_needs_no_pack() -> None:
    (digest,) = vault.put_many(RAWS[:1])
    assert vault.path_of(digest).exists()
    assert not VaultPlace.objects.exists()


@pytest.mark.django_db
def test_one_query_and_one_open_pack_read_many(django_assert_num_queries: Callable[[int], object]) -> None:
    digests = [*vault.put_many(RAWS), vault.put("tek başına".encode())]
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        found = vault.get_many([*digests, bytes(32)])
    assert [found[digest] for digest in digests] == [*RAWS, "tek başına".encode()]
    assert isinstance(found[bytes(32)], VaultMissing)


@pytest.mark.django_db
def test_nothing_stands_in_clear_and_only_its_owner_reads_it() -> None:
    vault.put_many(RAWS)
    assert "Ayşe".encode() not in pack().read_bytes()
    assert pack().stat().st_mode & 0o777 == 0o600
    assert {oct(folder.stat().st_mode & 0o777) for folder in list(pack().parents)[:3]} == {"0o700"}


@pytest.mark.django_db
def test_the_places_can_be_found_again_from_the_pack_alone() -> None:
    vault.put_many(RAWS)
    raw, at, found = pack().read_bytes(), 5, []
    while at < len(raw):
        digest, length = raw[at : at + 32], int.from_bytes(raw[at + 32 : at + 40], "big")
        found.append((digest, at + 40, length))
        at += 40 + length
    assert raw[:5] == b"KEPP1"
    assert found == [(bytes(each.digest), each.offset, each.length) for each in VaultPlace.objects.order_by("offset")]


# --- once -----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_what_is_stored_is_not_stored_again() -> None:
    vault.put(RAWS[0])
    vault.put_many(RAWS[:5])
    before = files()
    vault.put_many(RAWS[:5] + RAWS[:5])
    assert files() == before
    assert VaultPlace.objects.count() == 4
    vault.put_many(RAWS[:7])
    assert VaultPlace.objects.count() == 6


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("together", [False, True], ids=["in autocommit", "in a transaction"])
def test_many_writers_of_the_same_objects_end_with_one_place_each(together: bool) -> None:
    barrier, failures = threading.Barrier(4), []

    def write(number: int) -> None:
        barrier.wait()
        try:
            for _ in range(3):
                if together:
                    with transaction.atomic():
                        vault.put_many(RAWS[number:] + RAWS[:number])
                        VaultPlace.objects.count()  # the transaction is whole: it can go on asking
                else:
                    vault.put_many(RAWS[number:] + RAWS[:number])
        except Exception as error:  # noqa: BLE001  whatever it is, the test must see it
            failures.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert VaultPlace.objects.count() == len(RAWS)
    assert list(vault.get_many(hashlib.sha256(raw).digest() for raw in RAWS).values()) == RAWS
    assert codes() == []


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_a_place_that_another_one_wrote_a_moment_ago_does_not_break_the_transaction() -> None:
    """Both looked before either had stored it: the first row stands, the second pack is nobody's."""
    digest = hashlib.sha256(RAWS[0]).digest()
    packs.keep({digest: RAWS[0]})
    first = VaultPlace.objects.get()
    with transaction.atomic():
        packs.keep({digest: RAWS[0], hashlib.sha256(RAWS[1]).digest(): RAWS[1]})
        assert VaultPlace.objects.count() == 2
    assert VaultPlace.objects.get(digest=digest) == first
    assert [vault.get(hashlib.sha256(raw).digest()) for raw in RAWS[:2]] == RAWS[:2]
    assert codes() == []


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_rolled_back_takes_its_places_with_it_and_the_next_one_puts_again() -> None:
    with transaction.atomic():
        vault.put_many(RAWS)
        transaction.set_rollback(True)
    assert not VaultPlace.objects.exists()
    assert codes() == []
    digests = vault.put_many(RAWS)
    assert [vault.get(digest) for digest in digests] == RAWS


# --- the disk ---------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_bytes_are_on_disk_before_they_have_a_name_and_the_name_before_there_is_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acts: list[str] = []
    fsync, link = os.fsync, os.link

    def note_fsync(descriptor: int) -> None:
        acts.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        assert not VaultPlace.objects.exists()
        fsync(descriptor)

    def note_link(source: str, target: str) -> None:
        acts.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "link", note_link)
    vault.put_many(RAWS)
    assert acts == ["file", "link", "folder", "folder", "folder", "folder"]
    assert VaultPlace.objects.count() == len(RAWS)


@pytest.mark.django_db
@pytest.mark.parametrize("size", [0, 100, 3000])
def test_a_full_disk_is_a_temporary_refusal_and_leaves_nothing_behind(size: int) -> None:
    with disk_that_takes(size), pytest.raises(VaultUnavailable) as refused:
        vault.put_many(RAWS)
    assert refused.value.temporary
    assert files() == []
    assert not VaultPlace.objects.exists()
    assert [vault.get(digest) for digest in vault.put_many(RAWS)] == RAWS


@pytest.mark.django_db
def test_what_a_dead_writer_left_is_tidied_away_and_nothing_else() -> None:
    vault.put_many(RAWS)
    draft = pack().parent / ".0123456789abcdef.dead"
    draft.write_bytes(b"half")
    os.utime(draft, (1000, 1000))
    assert remove_dead_writes(Path(settings.KEP_VAULT_DIR), older_than=2000) == 1
    assert pack()


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", POINTS)
def test_a_death_between_the_steps_leaves_nothing_that_is_missed(point: str) -> None:
    """A process of its own dies there: a draft, or a pack without rows; the next one keeps everything."""
    connections.close_all()
    child = os.fork()
    if not child:
        crash_points.watch(lambda name: os._exit(77) if name == point else None)
        vault.put_many(RAWS)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 77
    assert pack().name.startswith(".") == (point == "vault.pack_written")
    assert not VaultPlace.objects.exists()
    assert codes() == []
    assert [vault.get(digest) for digest in vault.put_many(RAWS)] == RAWS


# --- damage -----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_every_single_changed_byte_of_an_object_is_found() -> None:
    digest, _ = vault.put_many([b"kabul delili", b"teslim delili"])
    place, good, survivors = VaultPlace.objects.get(digest=digest), pack().read_bytes(), []
    for at in range(place.offset, place.offset + place.length):
        pack().write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        try:
            vault.get(digest)
        except VaultDamaged:
            continue
        survivors.append(at)
    assert survivors == []
    assert place.length > 80


@pytest.mark.django_db
def test_kepcheck_finds_a_lost_pack_wrong_bytes_and_a_place_beyond_the_end() -> None:
    digests = vault.put_many(RAWS)
    whole = pack().read_bytes()
    spoil(digests[3])
    assert codes() == ["EV-15"]
    assert isinstance(vault.get_many(digests)[digests[3]], VaultDamaged)
    assert vault.get(digests[4]) == RAWS[4]
    last = VaultPlace.objects.order_by("-offset").first()
    assert last is not None
    pack().write_bytes(whole[: last.offset + last.length - 1])
    assert codes() == ["EV-15"]
    with pytest.raises(VaultDamaged, match="ends before"):
        vault.get(bytes(last.digest))
    pack().unlink()
    assert codes() == ["EV-14"] * len(RAWS)
    with pytest.raises(VaultMissing):
        vault.get(digests[0])
    assert not vault.has(digests[0])


@pytest.mark.django_db
def test_a_place_that_leads_to_another_object_is_damaged() -> None:
    digest, other = vault.put_many([b"ileti A", b"ileti B"])
    at = {bytes(each.digest): each.offset for each in VaultPlace.objects.all()}
    raw, length = bytearray(pack().read_bytes()), VaultPlace.objects.get(digest=digest).length
    raw[at[digest] : at[digest] + length] = raw[at[other] : at[other] + length]
    pack().write_bytes(raw)
    with pytest.raises(VaultDamaged):
        vault.get(digest)


@pytest.mark.django_db
@pytest.mark.parametrize("again", [vault.put, lambda raw: vault.put_many([raw, b"baska"])[0]], ids=["put", "many"])
def test_an_object_of_a_damaged_pack_is_whole_again_when_the_same_bytes_come(
    again: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    digests = vault.put_many(RAWS)
    spoil(digests[3])
    assert again(RAWS[3]) == digests[3]
    assert vault.get(digests[3]) == RAWS[3]
    assert vault.get_many(digests) == dict(zip(digests, RAWS, strict=True))
    assert codes() == []


@pytest.mark.django_db
def test_a_damaged_file_is_answered_from_a_pack_that_has_it_too() -> None:
    digest, _ = vault.put_many(RAWS[:2])
    vault.put(RAWS[0])
    vault.path_of(digest).write_bytes(b"KEPV1 broken")
    assert vault.get(digest) == RAWS[0]
    assert vault.get_many([digest])[digest] == RAWS[0]
