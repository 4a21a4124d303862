"""A body that could never become a message is refused by its headers (V-097)."""

import io

import pytest
from django.conf import settings
from django.test import Client

from kepweb.request_size import FORM_OVERHEAD

LARGEST = settings.KEP_ORIGINAL_LIMIT + FORM_OVERHEAD


class Unread(io.RawIOBase):
    """A body that says when somebody reads it."""

    touched = False

    def read(self, size: int = -1) -> bytes:
        self.touched = True
        return b""


@pytest.mark.parametrize("length", [str(LARGEST + 1), str(10**15), "-1", "1e9", "٩"])
def test_too_large_or_odd_lengths_are_refused_before_the_body_is_read(length: str) -> None:
    body = Unread()
    answer = Client().generic(
        "POST", "/giris/", b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=length,
        **{"wsgi.input": body},
    )  # fmt: skip
    assert answer.status_code == 413
    assert "ILT-02" in answer.content.decode()
    assert answer.headers["Connection"] == "close"
    assert not body.touched


@pytest.mark.django_db
def test_the_largest_allowed_length_reaches_the_page() -> None:
    answer = Client().generic("GET", "/giris/", b"", CONTENT_LENGTH=str(LARGEST))
    assert answer.status_code == 200
