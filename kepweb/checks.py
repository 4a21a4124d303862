"""Mistakes of a deployment, named before it serves: each has a code (design.md 1.7, V-093).

Errors stop every management command; `manage.py check --deploy` shows the warnings as well. Checks tagged `database`
look into the database and run with `manage.py check --database default` and before every migration.
"""

import ipaddress
import ssl
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from django.utils.module_loading import import_string

from evidence import insert_only
from evidence.anchors import CertificateRefused
from evidence.trust import facts_of

NEEDED = (
    "KEP_PROFILE",
    "KEP_WEB_ORIGIN",
    "KEP_CONTENT_ORIGIN",
    "KEP_SIGNER_ORIGIN",
    "KEP_METRICS_BIND",
    "KEP_DEVICE_COOKIE_NAME",
    "KEP_VAULT_DIR",
    "KEP_TSA_URL",
    "KEP_TRUST_ROOTS",
    "KEP_INTERMEDIATES",
    "KEP_OUTBOUND_ALLOW",
    "KEP_KEYSTORE",
    "KEP_SMS",
)
"""Settings that every profile must give beside the secrets: a new profile that forgets one is told so here."""
SECRETS = ("KEP_FIELD_KEY", "KEP_INDEX_KEY", "KEP_VAULT_KEY", "KEP_PASSWORD_PEPPER")
LOOPBACK_NAMES = ("localhost", "testserver")


@register()
def no_embedded_parts_in_production(**_: Any) -> list[CheckMessage]:
    """kep.E001, kep.E002: keys in files and demo pages belong to the embedded profile."""
    if settings.KEP_PROFILE != "production":
        return []
    found: list[CheckMessage] = []
    if settings.KEP_KEYSTORE["class"] != "evidence.keys.Pkcs11Keystore":
        found.append(Error("the işlem key must be in a PKCS#11 token in production (V-090)", id="kep.E001"))
    if "demo" in settings.INSTALLED_APPS or settings.KEP_SMS == "accounts.sms_gateways.JsonlGateway":
        found.append(Error("demo pages and the demo phone must not be installed in production", id="kep.E002"))
    return found


@register()
def embedded_stays_on_this_machine(**_: Any) -> list[CheckMessage]:
    """kep.E003: the embedded profile has no TLS and known secrets' places; it serves loopback names only."""
    if settings.KEP_PROFILE == "production":
        return []
    hosts = [*settings.ALLOWED_HOSTS, *(_host(getattr(settings, name)) for name in ("KEP_WEB_ORIGIN", "KEP_TSA_URL"))]
    return [
        Error(f"the embedded profile serves loopback only, not {host!r}", id="kep.E003")
        for host in hosts
        if not is_loopback(host)
    ]


@register()
def settings_are_whole(**_: Any) -> list[CheckMessage]:
    """kep.E004: settings a profile forgot. kep.E005: sweeps or bells that lead nowhere."""
    found: list[CheckMessage] = [
        Error(f"{name} is missing", id="kep.E004") for name in (*NEEDED, *SECRETS) if not getattr(settings, name, None)
    ]
    named = [path for paths in settings.KEP_SWEEPS.values() for path in paths]
    named += [
        settings.KEP_SIGNED_BELL,
        settings.KEP_SEAL_BELL,
        settings.KEP_REFUSE_WHEN_FULL,
        settings.KEP_CONTENT_VIEW,
    ]
    for path in named:
        try:
            import_string(path)
        except ImportError:
            found.append(Error(f"{path} does not exist", id="kep.E005"))
    return found


@register()
def grace_is_long_enough(**_: Any) -> list[CheckMessage]:
    """kep.E011: an address whose term was not paid still receives for three months, whichever they are (K-036)."""
    grace: timedelta = settings.KEP_EXPIRY_GRACE
    if grace < timedelta(days=92):
        return [Error("KEP_EXPIRY_GRACE is shorter than three months", id="kep.E011")]
    return []


@register()
def secrets_are_strong(**_: Any) -> list[CheckMessage]:
    """kep.E006: short or repeated secrets; one leak must not open two doors. No value is shown."""
    values = {name: getattr(settings, name, b"") for name in SECRETS}
    found: list[CheckMessage] = [
        Error(f"{name} must be 32 random bytes", id="kep.E006")
        for name, value in values.items()
        if len(value) < 32 or len(set(value)) < 8
    ]
    if len(settings.SECRET_KEY) < 50 or len(set(settings.SECRET_KEY)) < 8:
        found.append(Error("SECRET_KEY is too short or too simple", id="kep.E006"))
    everything = [*values.values(), settings.SECRET_KEY.encode(), _as_bytes(settings.SECRET_KEY)]
    if len(set(everything)) < len(everything):
        found.append(Error("two secrets have the same value", id="kep.E006"))
    return found


@register()
def content_has_a_host_of_its_own(**_: Any) -> list[CheckMessage]:
    """kep.E007: attachments on the product's own host name would share its cookies; a port is not enough (V-054)."""
    if _host(settings.KEP_CONTENT_ORIGIN) == _host(settings.KEP_WEB_ORIGIN):
        return [Error("KEP_CONTENT_ORIGIN must have another host name than KEP_WEB_ORIGIN", id="kep.E007")]
    return []


@register(deploy=True)
def islem_key_is_long_enough(**options: Any) -> list[CheckMessage]:
    """kep.W001: new RSA keys have 3072 bits or more (V-091, design.md 1.8). kep.E010: no certificate there."""
    try:
        pem = settings.KEP_KEYSTORE["certificate_path"].read_text(encoding="ascii")
        algorithm = facts_of(ssl.PEM_cert_to_DER_cert(pem)).algorithm
    except (OSError, ValueError, CertificateRefused):
        return [Error("the işlem certificate cannot be read as PEM", id="kep.E010")]
    kind, _, bits = algorithm.partition("-")
    if kind == "RSA" and int(bits) < 3072:
        return [Warning(f"the işlem key is RSA with {bits} bits; new keys have 3072 or more", id="kep.W001")]
    return []


@register(Tags.database)
def tables_are_insert_only(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """kep.E008: a trigger of an insert-only table is missing. kep.E009: SQLite is not opened as it must be."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        present = set(connection.introspection.table_names())
        if not set(insert_only.tables()) & present:
            continue  # before the first migration there is nothing to guard
        found += [
            Error(f"trigger {name} is missing; run manage.py migrate", id="kep.E008")
            for name in insert_only.missing_triggers(connection)
        ]
        if connection.vendor == "sqlite":
            found += _sqlite_faults(connection)
    return found


def is_loopback(host: str) -> bool:
    """Whether a host name can only mean this machine."""
    if host in LOOPBACK_NAMES or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _sqlite_faults(connection: Any) -> Iterable[CheckMessage]:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}
    with connection.cursor() as cursor:
        for name, value in wanted.items():
            cursor.execute(f"PRAGMA {name}", None)
            if cursor.fetchone()[0] != value:
                yield Error(f"SQLite must be opened with {name}={value}", id="kep.E009")
    if connection.transaction_mode != "IMMEDIATE":
        yield Error("SQLite transactions must be IMMEDIATE", id="kep.E009")


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _as_bytes(text: str) -> bytes:
    """The bytes a hex secret stands for, so that the same key is found behind both spellings."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
