"""What rests in the tables and in the vault names no identity number and shows nothing that was written (V-094, V-025).

Base64 is no secret: every run of it is opened and searched as well.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection

from mailbox import reading
from mailbox.compose import FileGiven
from mailbox.tests.road import PIN, Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]

_BASE64 = re.compile(rb"[0-9A-Za-z+/_-]{24,}={0,2}")


def stored() -> Iterator[tuple[str, bytes]]:
    """Every value of every table as the database holds it, and every file of the vault."""
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f"SELECT * FROM {model._meta.db_table}", None)  # noqa: S608
            columns = [each[0] for each in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    raw = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                    yield f"{model._meta.db_table}.{column}", raw
    for path in Path(settings.KEP_VAULT_DIR).rglob("*"):
        if path.is_file():
            yield "vault", path.read_bytes()


def readings(raw: bytes) -> Iterator[bytes]:
    """The bytes themselves, and what each run of base64 in them stands for."""
    yield raw
    for run in _BASE64.findall(raw):
        with_pad = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        try:
            yield base64.b64decode(with_pad + b"=" * (-len(with_pad) % 4))
        except binascii.Error:
            continue


def test_no_table_and_no_file_shows_who_somebody_is_or_what_he_wrote(road: Road) -> None:
    message = road.send(
        subject="GIZLI-KONU", text="GIZLI-METIN", files=(FileGiven("GIZLI-DOSYA.txt", b"GIZLI-EK-BAYTLARI"),)
    )
    reading.open_message(road.arrived(message), reader=road.reader(), now=road.clock.now)
    road.turn()
    road.draft(subject="GIZLI-TASLAK")
    persons = (road.ayse, road.mehmet)
    secrets = {
        **{f"TCKN {each.first_name}": each.tckn for each in persons},
        **{f"phone {each.first_name}": each.phone[3:] for each in persons},
        **{name: f"GIZLI-{name}" for name in ("KONU", "METIN", "DOSYA", "EK-BAYTLARI", "TASLAK")},
        "PIN": f"pin:{PIN}",
    }
    found = {
        (place, name)
        for place, raw in stored()
        for plain in readings(raw)
        for name, secret in secrets.items()
        if secret.encode() in plain
    }
    assert found == set()
