"""A provider that speaks the hand-over over a real loopback socket, honestly or not.

It checks what it gets with `asn1crypto`, not with the signer's own code: a second writer of the same bytes.
"""

import base64
import hashlib
import http.server
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from signer.tests.workshop import ACCOUNT, message

CODE = "H8QF3MXW92TDA"
LINK_CODE = "H8QF3MXW92TDAK7M4QX2"
RETURNED = "0123456789abcdef" * 4
TOKEN = "t" * 43
COMPARISON = "7K4M-QX29"
Twist = Callable[[str, int, dict[str, Any]], tuple[int, Any]]
"""(path, status, answer) -> what is sent instead; a str or bytes answer is sent as it is."""


def attributes_by_asn1crypto(certificate: bytes, digest: bytes, signing_time: datetime) -> bytes:
    """The same four attributes by another library."""
    parsed = asn1_x509.Certificate.load(certificate)
    identifier = tsp.ESSCertIDv2(
        {
            "cert_hash": hashlib.sha256(certificate).digest(),
            "issuer_serial": {
                "issuer": [asn1_x509.GeneralName("directory_name", parsed.issuer)],
                "serial_number": parsed.serial_number,
            },
        }
    )
    attributes = [
        cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
        cms.CMSAttribute({"type": "message_digest", "values": [core.OctetString(digest)]}),
        cms.CMSAttribute({"type": "signing_time", "values": [cms.Time({"utc_time": signing_time})]}),
        cms.CMSAttribute(
            {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [identifier]})]}
        ),
    ]
    assert algos  # registers the algorithm ids that the attributes refer to
    return cms.CMSAttributes(attributes).dump(force=True)


class FakeProvider:
    """Counts what it is asked; `twist` makes it lie. Use as a context manager."""

    def __init__(self, *, document: bytes | None = None, twist: Twist | None = None) -> None:
        self.document = message() if document is None else document
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.twist = twist
        self.account = ACCOUNT
        self.code = CODE
        self.purpose = "message"
        self.content_type = "multipart/mixed"
        self.state = "ASKED"
        self.asked: list[str] = []
        self.cancelled_for = ""
        self.certificate = b""
        self.signature = b""
        self.drop_first_signature = False
        self.refuse_certificates = False
        self._server = _Server(self)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> "FakeProvider":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, sent: dict[str, Any], token_header: str | None) -> tuple[int, Any]:
        self.asked.append(path)
        method = {
            "/imza/v1/claim": self._claim,
            "/imza/v1/certificate": self._certificate,
            "/imza/v1/document": self._document,
            "/imza/v1/signature": self._signature,
            "/imza/v1/cancel": self._cancel,
        }[path]
        if path not in ("/imza/v1/claim",) and TOKEN not in (sent.get("token"), token_header):
            return 404, {"code": "IMZ-10", "message": "Kod ya da oturum bilinmiyor."}
        status, answer = method(sent)
        return self.twist(path, status, answer) if self.twist else (status, answer)

    def _claim(self, sent: dict[str, Any]) -> tuple[int, Any]:
        assert sent.keys() == {"code", "signer"}
        if sent["code"] != self.code or self.state != "ASKED":
            return 404, {"code": "IMZ-10", "message": "Bu işlem kodu bilinmiyor ya da kullanılmış."}
        self.state = "CLAIMED"
        return 200, {
            "token": TOKEN,
            "purpose": self.purpose,
            "comparison": COMPARISON,
            "origin": self.origin,
            "expires_at": _text(self.now + timedelta(minutes=10)),
            "account": self.account,
            "content_type": self.content_type,
            "size": len(self.document),
        }

    def _certificate(self, sent: dict[str, Any]) -> tuple[int, Any]:
        assert sent.keys() == {"token", "certificate", "chain"}
        if self.refuse_certificates:
            return 422, {"code": "IMZ-13", "message": "Bu sertifika size ait görünmüyor."}
        self.certificate = base64.b64decode(sent["certificate"], validate=True)
        self.state = "OFFERED"
        return 200, {
            "document_url": "/imza/v1/document",
            "signing_time": _text(self.now),
            "digest": hashlib.sha256(self.document).hexdigest(),
        }

    def _document(self, sent: dict[str, Any]) -> tuple[int, Any]:
        assert self.state == "OFFERED"
        return 200, self.document

    def _signature(self, sent: dict[str, Any]) -> tuple[int, Any]:
        if self.drop_first_signature:
            self.drop_first_signature = False
            return 0, b""
        self.signature = base64.b64decode(sent["signature"], validate=True)
        self.verify()
        self.state = "SIGNED"
        if self.purpose != "message":
            return 200, {"state": "SIGNED", "return_token": RETURNED}
        return 200, {"state": "SIGNED"}

    def _cancel(self, sent: dict[str, Any]) -> tuple[int, Any]:
        self.cancelled_for = sent["reason"]
        self.state = "CANCELLED"
        return 200, {"state": "CANCELLED"}

    def ask_request(self, purpose: str, kind: str, document: bytes) -> None:
        """Ask for a request instead of a message, by a link."""
        self.code, self.purpose, self.content_type, self.document = LINK_CODE, purpose, kind, document
        self.account = "Örnek KEP Hizmet Sağlayıcısı 1 A.Ş., giriş"

    def verify(self) -> None:
        """InvalidSignature unless the signature covers exactly the four attributes over the real document."""
        octets = attributes_by_asn1crypto(self.certificate, hashlib.sha256(self.document).digest(), self.now)
        key = x509.load_der_x509_certificate(self.certificate).public_key()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(self.signature, octets, padding.PKCS1v15(), hashes.SHA256())
        else:
            assert isinstance(key, ec.EllipticCurvePublicKey)
            key.verify(self.signature, octets, ec.ECDSA(hashes.SHA256()))


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, provider: FakeProvider) -> None:
        self.provider = provider
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        assert "Cookie" not in self.headers
        self._send(*self.server.provider.answer(self.path, {}, self.headers.get("X-Imza-Token")))

    def do_POST(self) -> None:
        assert "Cookie" not in self.headers
        assert self.headers["Content-Type"] == "application/json"
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._send(*self.server.provider.answer(self.path, sent, None))

    def _send(self, status: int, answer: Any) -> None:
        if status == 0:
            self.close_connection = True
            return
        kind = "application/json"
        if isinstance(answer, bytes):
            kind = "application/octet-stream"
        elif isinstance(answer, str):
            answer = answer.encode()
        else:
            answer = json.dumps(answer).encode()
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"{self.server.provider.origin}/imza/v1/claim")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        try:
            self.wfile.write(answer)
        except (BrokenPipeError, ConnectionResetError):
            return  # the signer hung up on too many bytes

    def log_message(self, format: str, *arguments: Any) -> None:
        return
