"""Reading what the operator must hand in: all that is missing or malformed is named at once, no value is ever shown.

Each value comes from the environment, or from the file that `<NAME>_FILE` names (Docker and systemd secrets). A
secret should come from a file: an environment is easier to read for others than a file of one's own (V-090).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
KEY_BYTES = 32


class Required:
    """Collects the values of one profile from `environ`; `refuse_faults` must be called when all have been read."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: dict[str, str] = {}

    def text(self, name: str) -> str:
        """Any text that is not empty."""
        return self._read(name, str, "")

    def optional(self, name: str, default: str) -> str:
        """A text that may be left out."""
        return self.text(name) if {name, f"{name}_FILE"} & self._environ.keys() else default

    def key(self, name: str) -> bytes:
        """A key of 32 bytes, written as 64 hex digits."""
        return self._read(name, _key, b"")

    def path(self, name: str) -> Path:
        """A file or folder that exists."""
        return self._read(name, _existing, Path())

    def paths(self, name: str) -> list[Path]:
        """Files that exist, separated by `:`."""
        return self._read(name, lambda text: [_existing(piece) for piece in text.split(":")], [])

    def origin(self, name: str) -> str:
        """An https origin without path, such as https://kep.example."""
        return self._read(name, _https_origin, "https://missing.invalid")

    def origins(self, name: str) -> list[str]:
        """http or https origins, separated by blanks."""
        return self._read(name, lambda text: [_origin(piece) for piece in text.split()], [])

    def address(self, name: str, *schemes: str) -> str:
        """An address with one of these schemes and a host."""

        def check(text: str) -> str:
            parts = urlsplit(text)
            if parts.scheme not in schemes or not parts.hostname:
                raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
            return text

        return self._read(name, check, f"{schemes[0]}://missing.invalid")

    def refuse_faults(self) -> None:
        """ImproperlyConfigured naming every value that is missing or malformed, with the reason and without values."""
        if self.faults:
            named = "; ".join(f"{name}: {reason}" for name, reason in sorted(self.faults.items()))
            raise ImproperlyConfigured(f"this provider cannot start. {named}")

    def _read(self, name: str, convert: Callable[[str], T], instead: T) -> T:
        try:
            text = self._raw(name).strip()
            if not text:
                raise ValueError(f"missing (set {name} or {name}_FILE)")
            return convert(text)
        except OSError as error:
            self.faults[name] = f"cannot be read ({type(error).__name__})"
        except ValueError as error:
            self.faults[name] = str(error)
        return instead

    def _raw(self, name: str) -> str:
        file = self._environ.get(f"{name}_FILE")
        return Path(file).read_text(encoding="utf-8") if file else self._environ.get(name, "")


def _key(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raise ValueError("must be hex digits") from None  # the cause would show a piece of the key
    if len(raw) != KEY_BYTES:
        raise ValueError(f"must be {KEY_BYTES * 2} hex digits")
    return raw


def _existing(text: str) -> Path:
    path = Path(text)
    if not path.exists():
        raise ValueError("names a place that does not exist")
    return path


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise ValueError("must be origins such as https://ocsp.example")
    return text


def _https_origin(text: str) -> str:
    if urlsplit(_origin(text)).scheme != "https":
        raise ValueError("must be an https origin such as https://kep.example")
    return text
