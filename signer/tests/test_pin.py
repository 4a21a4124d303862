"""The PIN is read into one buffer and wiped there (S-024)."""

import os
import pty
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from signer.errors import InvalidArgument, PinMissing
from signer.pin import Pin, pin_from_environment, pin_from_file


def test_leaving_the_block_wipes_every_byte_of_the_very_buffer() -> None:
    buffer = bytearray(b"4826")
    with Pin(buffer) as pin:
        assert pin.octets() is buffer
    assert buffer == bytes(4)


def test_an_error_inside_the_block_wipes_too() -> None:
    buffer = bytearray(b"4826")
    with pytest.raises(RuntimeError), Pin(buffer):
        raise RuntimeError
    assert buffer == bytes(4)


def test_no_digit_shows_in_its_repr() -> None:
    assert "4" not in repr(Pin(bytearray(b"4826")))


def test_an_empty_pin_is_told_apart_from_a_wrong_one() -> None:
    with pytest.raises(PinMissing):
        Pin(bytearray())


def test_a_pin_too_long_is_refused_and_wiped() -> None:
    buffer = bytearray(b"4" * 65)
    with pytest.raises(InvalidArgument):
        Pin(buffer)
    assert buffer == bytes(65)


@pytest.mark.parametrize("written", [b"4826", b"4826\n", b"4826\r\nikinci satir\n"])
def test_a_file_gives_its_first_line(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "pin"
    path.write_bytes(written)

    assert pin_from_file(path).octets() == b"4826"


def test_a_missing_file_and_a_missing_variable_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        pin_from_file(tmp_path / "yok")
    with pytest.raises(InvalidArgument):
        pin_from_environment("KEP_SIGNER_TEST_PIN_YOK")


def test_the_environment_gives_its_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEP_SIGNER_TEST_PIN", "şifre")

    assert pin_from_environment("KEP_SIGNER_TEST_PIN").octets() == "şifre".encode()


def test_the_terminal_gives_a_line_without_showing_it() -> None:
    status, seen = _with_terminal(b"4826\n", seconds=5.0)

    assert status == b"ok:4826"
    assert b"4826" not in seen
    assert seen.startswith(b"PIN: ")


def test_an_unanswered_terminal_is_a_timeout() -> None:
    assert _with_terminal(b"", seconds=0.2)[0] == b"UserTimeout"


def test_end_of_input_at_the_terminal_is_a_no() -> None:
    assert _with_terminal(b"\x04", seconds=5.0)[0] == b"UserCancelled"


_CHILD = """
import os, sys
from signer.errors import UserCancelled, UserTimeout
from signer.pin import pin_from_terminal
os.open(sys.argv[1], os.O_RDWR)  # the first terminal that a session leader opens becomes its own
try:
    print("ok:" + pin_from_terminal("PIN: ", seconds=float(sys.argv[2])).octets().decode())
except (UserTimeout, UserCancelled) as error:
    print(type(error).__name__)
"""


def _with_terminal(typed: bytes, *, seconds: float) -> tuple[bytes, bytes]:
    """Run `pin_from_terminal` in a process that has a terminal of its own; its outcome and what the terminal showed."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", _CHILD, os.ttyname(theirs), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as child:
        seen = bytearray()
        while b"PIN: " not in seen:
            seen += os.read(ours, 100)
        while termios.tcgetattr(ours)[3] & termios.ECHO:  # it turns the echo off after it has asked
            time.sleep(0.001)
        os.write(ours, typed)
        outcome, _ = child.communicate(timeout=30)
    if outcome.startswith(b"ok:"):
        seen += os.read(ours, 100)
    os.close(ours)
    os.close(theirs)
    return outcome.strip(), bytes(seen)
