"""An SMS gateway over HTTPS, as the product's production profile calls one: Netgsm REST v2 (N-001, N-004).

    sms_gateway.py --port P --certificate PEM --user U --password-file F --file sms.jsonl

It speaks the real protocol on a real socket: TLS, basic authentication, the two addresses, the operator's codes. What
it takes is appended to a file, one JSON line per text, on disk before the answer.
"""

import argparse
import base64
import hmac
import json
import os
import ssl
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

OTP, NOTICE = "/sms/rest/v2/otp", "/sms/rest/v2/send"
LARGEST = 65_536


class Gateway(ThreadingHTTPServer):
    """The operator: one account, one file of texts."""

    daemon_threads = True

    def __init__(self, port: int, *, authorization: str, file: Path) -> None:
        super().__init__(("127.0.0.1", port), Caller)
        self.authorization, self._file, self._lock, self._taken = authorization, file, threading.Lock(), 0

    def take(self, number: str, text: str) -> str:
        """Keep one text; its job id."""
        line = json.dumps({"to": f"+90{number}", "text": text, "sent_at": datetime.now(UTC).isoformat()})
        with self._lock:
            self._taken += 1
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, f"{line}\n".encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            return f"17-{self._taken}"


class Caller(BaseHTTPRequestHandler):
    """One connection of the provider."""

    protocol_version = "HTTP/1.1"
    server: Gateway

    def do_POST(self) -> None:
        """Take a code or a notice; 401 without the account, code 70 for a body out of form."""
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(min(length, LARGEST))
        if not hmac.compare_digest(self.headers.get("Authorization", ""), self.server.authorization):
            self._answer(401, {"code": "30"})
            return
        texts = _texts(self.path, body)
        if texts is None:
            self._answer(406, {"code": "70"})
            return
        jobs = [self.server.take(number, text) for number, text in texts]
        self._answer(200, {"code": "00", "jobid": jobs[-1], "description": "queued"})

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: a log would hold numbers."""

    def _answer(self, status: int, told: dict[str, str]) -> None:
        raw = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _texts(path: str, body: bytes) -> list[tuple[str, str]] | None:
    try:
        sent = json.loads(body)
        if path == OTP:
            return [(str(sent["no"]), str(sent["msg"]))]
        if path == NOTICE:
            return [(str(each["no"]), str(each["msg"])) for each in sent["messages"]]
    except (ValueError, KeyError, TypeError):
        return None
    return None


def main() -> int:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--file", type=Path, required=True)
    given = parser.parse_args()
    account = base64.b64encode(f"{given.user}:{given.password_file.read_text().strip()}".encode()).decode()
    server = Gateway(given.port, authorization=f"Basic {account}", file=given.file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given.certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
