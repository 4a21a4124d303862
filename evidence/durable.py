"""Files that are on disk whole under their name, or not there at all (R-001).

Order is the safety. The bytes go to a draft file in the same folder and are fsynced, then the draft is linked into its
name, then the folder is fsynced; only then is anything allowed to refer to it. A crash before the link leaves a draft
nobody knows, which `kepweb.hygiene` tidies away. `link` never replaces: whoever comes second finds the first one's
file. Folders are made for their owner only. Everything here raises OSError; the callers make typed refusals of it.
"""

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from guards.crash_points import passing

_durable_folders: set[Path] = set()


def write_new(path: Path, pieces: Iterable[bytes], *, root: Path, point: str = "") -> None:
    """Write `path`, two folders below `root`, unless it is there already; durable when this returns.

    `point` names the crash point between the bytes and their name.
    """
    _make_folders(path.parent, root)
    with _draft(path, pieces) as draft:
        if point:
            passing(point)
        with contextlib.suppress(FileExistsError):  # the first one stands
            os.link(draft, path)
        make_durable(path.parent, root=root)


def write_over(path: Path, pieces: Iterable[bytes], *, root: Path, aside: Path) -> None:
    """Replace the file `path` in one step; the old one is kept as `aside`, a file in a folder of `root`."""
    aside.parent.mkdir(mode=0o700, exist_ok=True)
    with _draft(path, pieces) as draft:
        os.link(path, aside)
        _fsync_folder(aside.parent)
        os.replace(draft, path)
        make_durable(path.parent, root=root)


def make_durable(folder: Path, *, root: Path) -> None:
    """Make the names in `folder` durable, and once per process the name of `folder` itself and its parents.

    Another process may have created the folders a moment ago without having reached its own fsync.
    """
    _fsync_folder(folder)
    if folder not in _durable_folders:
        for parent in (folder.parent, root, root.parent):
            _fsync_folder(parent)
        _durable_folders.add(folder)


@contextlib.contextmanager
def _draft(path: Path, pieces: Iterable[bytes]) -> Iterator[Path]:
    """A fsynced draft beside `path`, gone when the block ends."""
    draft = path.parent / f".{path.name[:16]}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _make_folders(folder: Path, root: Path) -> None:
    """The folder of an object and those above it, each for its owner only (`parents=True` would forget the mode)."""
    if folder in _durable_folders and folder.is_dir():
        return
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
