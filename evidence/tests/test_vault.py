"""The vault keeps bytes whole or not at all, and never answers with other bytes (R-001, R-004, design.md 1.7)."""

import hashlib
import os
import resource
import signal
import stat
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from evidence import vault
from evidence.errors import VaultDamaged, VaultMissing, VaultUnavailable
from kepweb.hygiene import remove_dead_writes

RAW = "Sayın Ayşe Yıldız, sözleşme ektedir.".encode() * 40


pytestmark = pytest.mark.django_db


def files() -> list[Path]:
    """Every file of the vault, drafts too."""
    return [path for path in vault.path_of(bytes(32)).parents[2].rglob("*") if path.is_file()]


@contextmanager
def disk_that_takes(size: int):
    """No file may grow beyond `size` bytes: writing further fails as on a full disk."""
    old_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old_limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
        signal.signal(signal.SIGXFSZ, old_handler)


def test_what_was_put_is_given_back_under_its_digest():
    digest = vault.put(RAW)
    assert digest == hashlib.sha256(RAW).digest()
    assert vault.get(digest) == RAW
    assert vault.has(digest)


@pytest.mark.parametrize("raw", [b"", b"\0", bytes(range(256)), b"x" * 5_000_000], ids=["empty", "nul", "all", "5 MB"])
def test_any_bytes_can_be_kept(raw):
    assert vault.get(vault.put(raw)) == raw


def test_nothing_of_the_content_stands_on_the_disk_in_clear():
    vault.put(RAW)
    (stored,) = files()
    assert "Ayşe".encode() not in stored.read_bytes()
    assert b"ektedir" not in stored.read_bytes()


def test_only_its_owner_can_read_it():
    vault.put(RAW)
    (stored,) = files()
    assert stored.stat().st_mode & 0o777 == 0o600
    assert [oct(folder.stat().st_mode & 0o777) for folder in (stored.parent, stored.parent.parent)] == ["0o700"] * 2


def test_the_same_bytes_are_kept_once():
    assert vault.put(RAW) == vault.put(RAW)
    assert len(files()) == 1


def test_each_object_has_a_key_of_its_own(settings, tmp_path):
    vault.put(RAW)
    (first,) = files()
    settings.KEP_VAULT_DIR = tmp_path / "another"
    vault.put(RAW)
    (second,) = files()
    assert first.read_bytes() != second.read_bytes()
    assert first.name == second.name


def test_an_unknown_name_is_missing_and_not_empty():
    with pytest.raises(VaultMissing):
        vault.get(bytes(32))
    assert not vault.has(bytes(32))


def test_every_single_changed_byte_is_found():
    digest = vault.put(b"kabul delili")
    (stored,) = files()
    good = stored.read_bytes()
    survivors = []
    for place in range(len(good)):
        stored.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        try:
            vault.get(digest)
        except VaultDamaged:
            continue
        survivors.append(place)
    assert survivors == []
    assert len(good) > 100


def test_an_object_cut_anywhere_or_with_something_behind_it_is_damaged():
    digest = vault.put(b"kabul delili")
    (stored,) = files()
    good = stored.read_bytes()
    for damaged in [good[:length] for length in range(len(good))] + [good + b"\0"]:
        stored.write_bytes(damaged)
        with pytest.raises(VaultDamaged):
            vault.get(digest)


def test_an_object_under_another_ones_name_is_damaged():
    first, second = vault.put(b"ileti A"), vault.put(b"ileti B")
    vault.path_of(first).write_bytes(vault.path_of(second).read_bytes())
    with pytest.raises(VaultDamaged):
        vault.get(first)


def test_an_object_that_opens_but_holds_other_bytes_is_damaged(settings):
    """Somebody with the vault key writes another content under the name: the digest of what came out still decides."""
    digest, object_key, nonce = vault.put(b"ileti A"), b"\x31" * 32, b"\x32" * 12
    wrapped = AESGCM(settings.KEP_VAULT_KEY).encrypt(nonce, object_key, digest)
    forged = AESGCM(object_key).encrypt(nonce, b"ileti B", digest)
    vault.path_of(digest).write_bytes(b"KEPV1" + nonce + wrapped + nonce + forged)
    with pytest.raises(VaultDamaged):
        vault.get(digest)


def test_another_vault_key_opens_nothing(settings):
    digest = vault.put(RAW)
    settings.KEP_VAULT_KEY = b"\x17" * 32
    with pytest.raises(VaultDamaged):
        vault.get(digest)


@pytest.mark.parametrize("damage", [b"", b"KEPV1 broken", bytes(3000)])
def test_a_damaged_copy_is_replaced_when_the_same_bytes_come_again_and_kept_aside(damage, caplog):
    """It may be the key that is wrong and not the copy: nothing of the vault is thrown away without a person."""
    digest = vault.put(RAW)
    vault.path_of(digest).write_bytes(damage)
    assert vault.put(RAW) == digest
    assert vault.get(digest) == RAW
    assert [each.levelname for each in caplog.records] == ["CRITICAL"]
    (aside,) = [path for path in files() if path.parent.name == "damaged"]
    assert aside.read_bytes() == damage
    assert len(files()) == 2


def test_a_damaged_copy_is_replaced_only_when_the_new_one_is_on_disk(monkeypatch):
    digest = vault.put(RAW)
    vault.path_of(digest).write_bytes(b"KEPV1 broken")
    acts, fsync, replace = [], os.fsync, os.replace

    def note_fsync(descriptor):
        acts.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def note_replace(source, target):
        acts.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    vault.put(RAW)
    assert acts == ["file", "folder", "replace", "folder"]


def test_a_disk_that_does_not_take_the_new_copy_leaves_the_old_one():
    digest = vault.put(RAW)
    vault.path_of(digest).write_bytes(b"KEPV1 broken")
    with disk_that_takes(100), pytest.raises(VaultUnavailable):
        vault.put(RAW)
    assert vault.path_of(digest).read_bytes() == b"KEPV1 broken"
    assert len(files()) == 1


@pytest.mark.parametrize("size", [0, 1, 100, 1500])
def test_a_full_disk_is_a_temporary_refusal_and_leaves_nothing_behind(size):
    with disk_that_takes(size), pytest.raises(VaultUnavailable) as refused:
        vault.put(RAW)
    assert refused.value.temporary
    assert files() == []
    assert vault.get(vault.put(RAW)) == RAW  # and once there is room again, it is kept


def test_a_place_that_is_no_folder_is_a_temporary_refusal(settings, tmp_path):
    (tmp_path / "file").write_text("")
    settings.KEP_VAULT_DIR = tmp_path / "file" / "vault"
    with pytest.raises(VaultUnavailable):
        vault.put(RAW)
    with pytest.raises(VaultUnavailable):
        vault.get(bytes(32))


def test_a_link_that_fails_leaves_no_draft(monkeypatch):
    def fail(*_):
        raise OSError(5, "input/output error")

    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(VaultUnavailable):
        vault.put(RAW)
    assert files() == []


def test_the_bytes_are_on_disk_before_they_have_a_name_and_the_name_before_the_answer(monkeypatch):
    acts = []
    fsync, link = os.fsync, os.link

    def note_fsync(descriptor):
        own = vault.path_of(hashlib.sha256(RAW).digest()).parent
        is_own, is_folder = (
            os.path.samestat(os.fstat(descriptor), own.stat()),
            stat.S_ISDIR(os.fstat(descriptor).st_mode),
        )
        acts.append("own folder" if is_own else "folder" if is_folder else "file")
        fsync(descriptor)

    def note_link(source, target):
        acts.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "link", note_link)
    vault.put(RAW)
    assert acts[:3] == ["file", "link", "own folder"]
    assert acts[3:] == ["folder", "folder", "folder"]  # those above it, which this process had just made


def test_many_writers_of_the_same_bytes_make_one_object():
    together = threading.Barrier(8)
    digests, failures = [], []

    def write():
        together.wait()
        try:
            digests.extend(vault.put(RAW) for _ in range(20))
        except Exception as error:  # noqa: BLE001  whatever it is, the test must see it
            failures.append(error)

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert set(digests) == {hashlib.sha256(RAW).digest()}
    assert len(files()) == 1
    assert vault.get(digests[0]) == RAW


def test_what_a_dead_writer_left_is_tidied_away_and_nothing_else(settings):
    digest = vault.put(RAW)
    draft = vault.path_of(digest).parent / ".0123456789abcdef.dead"
    draft.write_bytes(b"half")
    os.utime(draft, (1000, 1000))
    young = draft.with_name(".0123456789abcdef.young")
    young.write_bytes(b"half")
    os.utime(young, (3000, 3000))
    assert remove_dead_writes(Path(settings.KEP_VAULT_DIR), older_than=2000) == 1
    assert sorted(files()) == sorted([vault.path_of(digest), young])


@pytest.mark.parametrize("name", [b"", b"short", bytes(33)])
def test_a_name_that_is_no_digest_is_a_fault_of_the_caller(name):
    with pytest.raises(ValueError, match="32 bytes"):
        vault.get(name)
