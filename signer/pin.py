"""The PIN, kept where it can be wiped.

A Python `str` cannot be overwritten, so a PIN never becomes one here: it is read straight into a
`bytearray` (from the terminal, a file, the loopback page) and every byte is set to zero as soon as the
token has had it. Only the environment hands out a `str`; that road exists for tests and unattended demo
machines and is named so in the README. Nothing here has a `repr` that shows a digit.
"""

import os
import select
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from signer.errors import InvalidArgument, PinMissing, UserCancelled, UserTimeout

LONGEST = 64


class Pin:
    """A PIN in a wipeable buffer. Use it as a context manager: leaving the block wipes it."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytearray) -> None:
        """Takes the buffer over. Refuses none or too many bytes with `PinMissing` / `InvalidArgument`."""
        if not octets:
            raise PinMissing("empty PIN")
        if len(octets) > LONGEST:
            _wipe(octets)
            raise InvalidArgument("PIN too long", what="PIN en çok 64 karakter olabilir")
        self._octets = octets

    def octets(self) -> bytearray:
        """The buffer itself, not a copy, so that wiping reaches what was handed on."""
        return self._octets

    def wipe(self) -> None:
        """Set every byte to zero."""
        _wipe(self._octets)

    def __enter__(self) -> "Pin":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return "Pin(…)"


def pin_from_file(path: Path) -> Pin:
    """The first line of a file. Refuses a missing or unreadable file with `InvalidArgument`."""
    try:
        with path.open("rb", buffering=0) as file:
            buffer = bytearray(LONGEST + 3)
            count = file.readinto(buffer)
    except OSError as error:
        raise InvalidArgument("PIN file unreadable", what=f"PIN dosyası okunamadı ({path})") from error
    return Pin(_first_line(buffer, count))


def pin_from_environment(name: str) -> Pin:
    """The value of an environment variable. Refuses one that is not set with `InvalidArgument`."""
    value = os.environb.get(os.fsencode(name))
    if value is None:
        raise InvalidArgument("PIN variable not set", what=f"{name} ortam değişkeni yok")
    return Pin(bytearray(value))


def pin_from_terminal(prompt: str, *, seconds: float) -> Pin:
    """Ask on the controlling terminal without echo.

    Refuses with `UserTimeout` after `seconds`, with `UserCancelled` at end of input, and with
    `InvalidArgument` where there is no terminal to ask on.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        raise InvalidArgument("no terminal", what="PIN sorulacak bir uçbirim yok; --pin-file kullanın") from error
    try:
        os.write(terminal, prompt.encode())
        with _without_echo(terminal):
            octets = _line(terminal, until=time.monotonic() + seconds)
        os.write(terminal, b"\n")
    finally:
        os.close(terminal)
    return Pin(octets)


def line_from_input(prompt: str, *, seconds: float) -> str:
    """Ask an ordinary question on standard input. Refuses like `pin_from_terminal`."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    if not ready:
        raise UserTimeout("no answer in time")
    answer = sys.stdin.readline()
    if not answer:
        raise UserCancelled("end of input")
    return answer.strip()


def _line(terminal: int, *, until: float) -> bytearray:
    buffer = bytearray(LONGEST + 1)  # never grown: growing would leave a copy behind
    count = 0
    while count < len(buffer):
        ready, _, _ = select.select([terminal], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            _wipe(buffer)
            raise UserTimeout("no PIN in time")
        if os.readv(terminal, [memoryview(buffer)[count : count + 1]]) == 0:
            _wipe(buffer)
            raise UserCancelled("end of input")
        if buffer[count] in b"\r\n":
            break
        count += 1
    return _first_line(buffer, count)


@contextmanager
def _without_echo(terminal: int) -> Iterator[None]:
    before: list[Any] = termios.tcgetattr(terminal)
    silent = [*before]
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)


def _first_line(buffer: bytearray, count: int) -> bytearray:
    line = bytearray(count)
    line[:] = memoryview(buffer)[:count]
    _wipe(buffer)
    for index, octet in enumerate(line):
        if octet in b"\r\n":
            memoryview(line)[index:] = bytes(len(line) - index)
            del line[index:]
            break
    return line


def _wipe(octets: bytearray) -> None:
    memoryview(octets)[:] = bytes(len(octets))
