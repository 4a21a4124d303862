"""Secrets of the embedded profile: made once, kept beside the data, readable by their owner only.

Production never imports this module; there every secret is handed in from outside (V-090).
"""

import os
import secrets
from pathlib import Path


def local_secret(directory: Path, name: str, length: int = 32) -> bytes:
    """The secret called `name`, created with mode 0600 on first use.

    Two processes that start together agree: the file is written beside its place and linked into it, and
    whoever comes second reads what the first one linked.
    """
    path = directory / name
    if not path.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = directory / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(length))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # the other process was first; its secret is the one
        finally:
            draft.unlink()
    return path.read_bytes()
