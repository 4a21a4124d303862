"""The default profile: one machine, no configuration, no root, no network after the first install (design.md 1.7).

SQLite in WAL mode, a Valkey of our own on a private socket, the demo PKI as a process on loopback, SMS to the
demo phone page. It refuses to serve anything but loopback.
"""

import os

from .base import *
from .base import BASE_DIR, INSTALLED_APPS, MIDDLEWARE, Path
from .local_secrets import local_secret

KEP_PROFILE = "embedded"
KEP_DATA_DIR = Path(os.environ.get("KEP_DATA_DIR", BASE_DIR / "var")).resolve()
KEP_PORT = int(os.environ.get("KEP_PORT", "8000"))
KEP_PKI_PORT = int(os.environ.get("KEP_PKI_PORT", "8030"))
KEP_SIGNER_PORT = int(os.environ.get("KEP_SIGNER_PORT", "8040"))
KEP_METRICS_BIND = f"127.0.0.1:{KEP_PORT + 50}"
KEP_PROVIDER_CODE = os.environ.get("KEP_PROVIDER_CODE", "hs01")
KEP_PROVIDER_DOMAIN = f"{KEP_PROVIDER_CODE}.kep.tr"
KEP_PROVIDER_NAME = f"Örnek KEP Hizmet Sağlayıcısı {int(KEP_PROVIDER_CODE[2:])} A.Ş."

_keys = KEP_DATA_DIR / "keys"
SECRET_KEY = local_secret(_keys, "django.key").hex()
KEP_FIELD_KEY = local_secret(_keys, "field.key")
KEP_INDEX_KEY = local_secret(_keys, "index.key")
KEP_VAULT_KEY = local_secret(_keys, "vault.key")
KEP_PASSWORD_PEPPER = local_secret(_keys, "pepper.key")

ALLOWED_HOSTS = ["127.0.0.1", "icerik.localhost"]
KEP_WEB_ORIGIN = f"http://127.0.0.1:{KEP_PORT}"
KEP_CONTENT_ORIGIN = f"http://icerik.localhost:{KEP_PORT}"
KEP_SIGNER_ORIGIN = f"http://localhost:{KEP_SIGNER_PORT}"
CSRF_TRUSTED_ORIGINS = [KEP_WEB_ORIGIN]
# cookies cross ports: the name carries the provider, or hs02 on 8002 would overwrite hs01's (measured.md, Browser)
SESSION_COOKIE_NAME = f"kep_{KEP_PROVIDER_CODE}"
CSRF_COOKIE_NAME = f"kep_csrf_{KEP_PROVIDER_CODE}"
KEP_DEVICE_COOKIE_NAME = f"kep_device_{KEP_PROVIDER_CODE}"
LANGUAGE_COOKIE_NAME = f"kep_dil_{KEP_PROVIDER_CODE}"

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        # INSERT OR REPLACE would slip past the insert-only DELETE trigger without this
        "PRAGMA recursive_triggers=ON;"
        # pages that change with every message are written back once in 16 MB and not once in 4; 32 MB of pages are kept
        "PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-32000;"
    ),
}
DATABASES = {
    "default": {
        "ENGINE": "kepweb.sqlite",
        "NAME": KEP_DATA_DIR / "kep.sqlite3",
        "OPTIONS": SQLITE_OPTIONS,
        "CONN_MAX_AGE": None,  # a file ages no connection; on a full disk no first one can be opened
    }
}
KEP_VAULT_DIR = KEP_DATA_DIR / "vault"
KEP_BROKER_SOCKET = Path(os.environ.get("KEP_BROKER_SOCKET", KEP_DATA_DIR / "run" / "valkey.sock"))
CELERY_BROKER_URL = f"redis+socket://{KEP_BROKER_SOCKET}"

KEP_PKI_DIR = Path(os.environ.get("KEP_PKI_DIR", KEP_DATA_DIR / "pki")).resolve()
_pki = f"http://127.0.0.1:{KEP_PKI_PORT}"
KEP_TSA_URL = f"{_pki}/tsa"
KEP_TRUST_ROOTS = KEP_PKI_DIR / "root.pem"
KEP_INTERMEDIATES = [KEP_PKI_DIR / name for name in ("eshs-ca.pem", "islem-ca.pem", "tsa-ca.pem")]
KEP_OUTBOUND_ALLOW = [_pki]
KEP_KEYSTORE = {
    "class": "evidence.keys.FileKeystore",
    "key_path": KEP_PKI_DIR / f"islem-{KEP_PROVIDER_CODE}.key",
    "certificate_path": KEP_PKI_DIR / f"islem-{KEP_PROVIDER_CODE}.pem",
    "chain_paths": [KEP_PKI_DIR / "islem-ca.pem"],
}
KEP_TRUST_POLICY: Path | None = None  # the demo's own OIDs
KEP_SMS = "accounts.sms_gateways.JsonlGateway"
KEP_SMS_FILE = KEP_DATA_DIR / "sms.jsonl"

INSTALLED_APPS = [*INSTALLED_APPS, "demo"]
MIDDLEWARE = ["kepweb.loopback_only.LoopbackOnly", *MIDDLEWARE]
KEP_EXTRA_URLS = (("demo/", "demo.urls"),)
STATIC_ROOT = KEP_DATA_DIR / "static"
