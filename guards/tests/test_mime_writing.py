"""What is written is narrow, and a mistake of the caller never becomes a malformed message."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.mime import Address, MimeRefused
from guards.mime_write import (
    _split_characters,
    address_value,
    base64_lines,
    embedded_message,
    header,
    leaf,
    multipart,
    parameter,
)


def test_a_field_name_is_letters_digits_and_dashes() -> None:
    for name in ("", "A b", "A:", "Ğ", "A\r\nB"):
        with pytest.raises(MimeRefused):
            header(name, "x")


def test_a_value_may_fold_but_not_end() -> None:
    assert header("X-A", "b\r\n c") == b"X-A: b\r\n c\r\n"
    for value in ("b\r\nc", "b\nc", "b\r", "ğ", "b\r\n"):
        with pytest.raises(MimeRefused):
            header("X-A", value)


def test_a_parameter_of_more_than_a_hundred_sections_is_refused() -> None:
    with pytest.raises(MimeRefused):
        parameter("filename", "ş" * 1_200)


def test_an_outside_address_is_never_written() -> None:
    with pytest.raises(MimeRefused):
        address_value([Address("", "ali@example.com")])


def test_a_part_that_holds_its_own_boundary_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    boundary = multipart("mixed", [leaf("a/b", b"x")]).partition(b'boundary="')[2].partition(b'"')[0]
    monkeypatch.setattr("guards.mime_write.hashlib.sha256", _Fixed(boundary.removeprefix(b"kep-").decode()))
    with pytest.raises(MimeRefused):
        multipart("mixed", [b"\r\n--" + boundary + b"\r\n"])


class _Fixed:
    """A digest that is always the same, to make happen what no content can."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def __call__(self, raw: bytes) -> "_Fixed":
        return self

    def update(self, raw: bytes) -> None:
        pass

    def digest(self) -> bytes:
        return b""

    def hexdigest(self) -> str:
        return self.shown


def test_base64_stands_in_lines_of_76_columns() -> None:
    lines = base64_lines(bytes(200)).split(b"\r\n")
    assert [len(line) for line in lines] == [76, 76, 76, 40, 0]
    assert base64_lines(b"") == b""


def test_an_embedded_message_says_whether_it_is_seven_bit() -> None:
    assert b"Encoding: 7bit" in embedded_message(b"a: b\r\n\r\nc", filename="a.eml")
    assert b"Encoding: 8bit" in embedded_message("a: b\r\n\r\nğ".encode(), filename="a.eml")


@given(st.text(), st.integers(4, 80))
def test_text_is_cut_between_characters_and_as_late_as_it_fits(text: str, limit: int) -> None:
    pieces = _split_characters(text, limit)
    assert "".join(piece.decode() for piece in pieces) == text
    for piece, following in pairwise(pieces):
        assert len(piece) <= limit < len(piece) + len(following.decode()[0].encode())
    assert len(pieces[-1]) <= limit
