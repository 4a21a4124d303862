"""Signed messages for the tests of the guards: one sound message, and ways to spoil exactly one thing in it."""

from guards.mime_addresses import Address
from guards.mime_write import address_value, header, leaf, multipart, signed_message, text_value

SIGNATURE = b"\x30\x82\x01\x00" + bytes(range(256))

BLOCK = b"".join(
    [
        header("From", address_value([Address("Ayşe Yılmaz", "ayse.yilmaz@hs01.kep.tr")])),
        header("To", address_value([Address("Veli, Ali", "ali.celik@hs01.kep.tr")])),
        header("Cc", address_value([Address("", "ptt.hukuk@ptt.hs01.kep.tr")])),
        header("Subject", text_value("İhtarname: ĞÜŞİÖÇ ığüşöç")),
        header("Date", "Tue, 24 Nov 2026 11:00:00 +0300"),
        header("Message-ID", "<01933f2ab7c0@hs01.kep.tr>"),
        header("X-TR-REM-iletiTip", "standart"),
    ]
)
PARTS = [
    leaf('text/plain; charset="utf-8"', "Sayın ilgili,\r\nbilginize.\r\n".encode()),
    leaf("application/pdf", b"%PDF-1.7 " + bytes(200), filename="ĞÜŞİÖÇ ığüşöç.pdf"),
]
SIGNED_PART = multipart("mixed", PARTS, first=BLOCK, attribute='hp="clear"')
SOUND = signed_message(BLOCK, SIGNED_PART, SIGNATURE)

FOREIGN = (
    BLOCK + b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/signed; protocol="application/x-pkcs7-signature"; micalg=SHA-512; boundary=sinir\r\n'
    b"\r\n--sinir\r\nContent-Type: text/plain; charset=iso-8859-9\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"\xfe\xf0\xfd\r\n"
    b"--sinir\r\nContent-Type: application/x-pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"MAMCAQE=\r\n--sinir--\r\n"
)
"""An upload without protected headers, 8-bit, made by another program."""


def boundary_of(raw: bytes) -> bytes:
    """The outer boundary of a message of ours."""
    at = raw.index(b'boundary="') + 10
    return raw[at : raw.index(b'"', at)]
