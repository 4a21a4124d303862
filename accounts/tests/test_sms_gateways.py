"""The two ways to a phone (N-001, N-002, N-004)."""

import base64
import json
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import time_machine

from accounts import sms
from accounts.sms import SmsKind
from accounts.sms_gateways import HttpGateway, JsonlGateway
from accounts.tests.conftest import NOON


# --- the file -------------------------------------------------------------------------------------------------------
def test_a_line_holds_number_text_and_time(settings: Any) -> None:
    with time_machine.travel(NOON, tick=False):
        result = JsonlGateway().send(SmsKind.OTP, "+905551234567", "merhaba şğü\nikinci satır", "ref")
    assert result.is_accepted
    (line,) = settings.KEP_SMS_FILE.read_text().splitlines()
    assert json.loads(line) == {
        "to": "+905551234567",
        "text": "merhaba şğü\nikinci satır",
        "sent_at": "2026-11-24T09:00:00+00:00",
    }
    assert stat.S_IMODE(settings.KEP_SMS_FILE.stat().st_mode) == 0o600


def test_lines_of_parallel_writers_stay_whole(settings: Any) -> None:
    def write(number: int) -> bool:
        return JsonlGateway().send(SmsKind.OTP, f"+90555{number:07d}", "x" * 5_000, "ref").is_accepted

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(write, range(64)))
    lines = [json.loads(line) for line in settings.KEP_SMS_FILE.read_text().splitlines()]
    assert len({line["to"] for line in lines}) == 64


def test_a_file_that_cannot_be_written_is_a_reason_to_try_again(settings: Any, tmp_path: Path) -> None:
    settings.KEP_SMS_FILE = tmp_path / "folder"
    settings.KEP_SMS_FILE.mkdir()
    result = JsonlGateway().send(SmsKind.OTP, "+905551234567", "text", "ref")
    assert (result.is_accepted, result.is_retryable, result.error) == (False, True, "IsADirectoryError")


# --- texts ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["ş", "x" * 161])
def test_a_text_that_needs_more_than_one_part_is_a_fault_of_ours(text: str) -> None:
    with pytest.raises(ValueError, match="one part"):
        sms.send(SmsKind.OTP, "+905551234567", text, "ref")


def test_the_code_text_fits_with_a_long_host_name(settings: Any) -> None:
    settings.KEP_WEB_ORIGIN = "https://kayitli-elektronik-posta.kurum-adi.gov.tr"
    text = sms.code_text("004217")
    assert len(text) <= 160
    assert text.endswith("\n@kayitli-elektronik-posta.kurum-adi.gov.tr #004217")
    assert "3 dakika" in text


# --- the operator -----------------------------------------------------------------------------------------------------
@dataclass
class Operator:
    """What the operator's server will answer, and what it was asked."""

    status: int = 200
    answer: bytes = b'{"code": "00", "jobid": "4711"}'
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
def operator(settings: Any) -> Iterator[Operator]:
    """An operator on loopback."""
    told = Operator()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.asked.append((self.path, dict(self.headers), body))
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(told.answer)))
            self.end_headers()
            self.wfile.write(told.answer)

        def log_message(self, format: str, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    settings.KEP_SMS_URL = f"http://127.0.0.1:{server.server_port}"
    settings.KEP_SMS_USER, settings.KEP_SMS_PASSWORD, settings.KEP_SMS_SENDER = "8501234567", "pa:ss", "KEP"
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.loopback
def test_a_code_goes_through_the_interface_for_codes(operator: Operator) -> None:
    result = HttpGateway().send(SmsKind.OTP, "+905551234567", "kod 123456", "ref")
    assert (result.is_accepted, result.provider_id) == (True, "4711")
    ((path, headers, body),) = operator.asked
    assert path == "/sms/rest/v2/otp"
    assert body == {"msgheader": "KEP", "msg": "kod 123456", "no": "5551234567"}
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"8501234567:pa:ss").decode()


@pytest.mark.loopback
def test_a_notice_is_a_service_message_and_never_a_commercial_one(operator: Operator) -> None:
    assert HttpGateway().send(SmsKind.NOTICE, "+905551234567", "ileti var", "ref").is_accepted
    ((path, _, body),) = operator.asked
    assert path == "/sms/rest/v2/send"
    assert body["messages"] == [{"msg": "ileti var", "no": "5551234567"}]
    assert body["iysfilter"] == "0"


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("status", "answer", "is_retryable", "error"),
    [
        (406, b'{"code": "30", "description": "account"}', False, "30"),
        (406, b'{"code": "50"}', False, "50"),
        (406, b'{"code": "80"}', True, "80"),
        (406, b'{"code": "100"}', True, "100"),
        (200, b'{"code": "20"}', False, "20"),
        (200, b"", True, "HTTP 200"),
        (200, b"[]", True, "HTTP 200"),
        (200, b"<html>", True, "HTTP 200"),
        (401, b"", True, "HTTP 401"),
        (503, b"", True, "DIS-02"),
        (302, b"", False, "DIS-01"),
    ],
)
def test_every_other_answer_says_whether_trying_again_helps(
    operator: Operator, status: int, answer: bytes, is_retryable: bool, error: str
) -> None:
    operator.status, operator.answer = status, answer
    result = HttpGateway().send(SmsKind.OTP, "+905551234567", "kod", "ref")
    assert (result.is_accepted, result.is_retryable, result.error) == (False, is_retryable, error)


@pytest.mark.loopback
def test_an_operator_that_is_away_is_a_reason_to_try_again(settings: Any) -> None:
    settings.KEP_SMS_URL = "http://127.0.0.1:1"
    settings.KEP_SMS_USER = settings.KEP_SMS_PASSWORD = settings.KEP_SMS_SENDER = "x"
    result = HttpGateway().send(SmsKind.OTP, "+905551234567", "kod", "ref")
    assert (result.is_accepted, result.is_retryable) == (False, True)
