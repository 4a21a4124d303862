"""The PIN is read into one buffer and wiped there (S-024)."""

import contextlib
import os
import pty
import threading
from pathlib import Path

import pytest

from signer.errors import InvalidArgument, PinMissing, UserCancelled, UserTimeout
from signer.pin import Pin, pin_from_environment, pin_from_file, pin_from_terminal


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


def _with_terminal(typed: bytes, *, seconds: float) -> tuple[bytes, bytes]:
    """Run `pin_from_terminal` in a child that has a terminal of its own; its outcome and what the terminal showed."""
    outcome_read, outcome_write = os.pipe()
    child, terminal = pty.fork()
    if child == 0:
        outcome = b"?"
        try:
            outcome = b"ok:" + bytes(pin_from_terminal("PIN: ", seconds=seconds).octets())
        except (UserTimeout, UserCancelled) as error:
            outcome = type(error).__name__.encode()
        finally:
            os.write(outcome_write, outcome)
            os._exit(0)
    os.close(outcome_write)
    seen = bytearray()
    while b"PIN: " not in seen:
        seen += os.read(terminal, 100)
    answer = threading.Timer(0.1, os.write, (terminal, typed))  # after the child has turned the echo off
    answer.start()
    outcome = os.read(outcome_read, 100)
    answer.join()
    with contextlib.suppress(OSError):  # the child is gone, and its terminal with it
        seen += os.read(terminal, 100)
    os.waitpid(child, 0)
    os.close(terminal)
    os.close(outcome_read)
    return outcome, bytes(seen)
