"""The profile of a real provider: nothing is guessed, and whatever is missing is named before anything starts.

PostgreSQL, Redis, the işlem key in an HSM (PKCS#11), a licensed time-stamp authority, an SMS gateway. Every value is
handed in as `KEP_*`, by the environment or by `KEP_*_FILE`; there is no default for a secret, an address or a key.
The PIN of the HSM is asked of the sealing worker only: no other process is ever given it (V-090).
"""

import os
from urllib.parse import urlsplit

import environ

from .base import *
from .base import BASE_DIR, KEP_PROCESS_ROLE
from .required import Required

_given = Required(os.environ)

KEP_PROFILE = "production"
DEBUG = False

# --- secrets ------------------------------------------------------------------------------------------------------
SECRET_KEY = _given.key("KEP_SECRET_KEY").hex() or "missing"
KEP_FIELD_KEY = _given.key("KEP_FIELD_KEY")
KEP_INDEX_KEY = _given.key("KEP_INDEX_KEY")
KEP_VAULT_KEY = _given.key("KEP_VAULT_KEY")
KEP_PASSWORD_PEPPER = _given.key("KEP_PASSWORD_PEPPER")

# --- the provider -------------------------------------------------------------------------------------------------
KEP_PROVIDER_CODE = _given.text("KEP_PROVIDER_CODE")
KEP_PROVIDER_DOMAIN = _given.text("KEP_PROVIDER_DOMAIN")
KEP_PROVIDER_NAME = _given.text("KEP_PROVIDER_NAME")
KEP_PROVIDER_POLICY = _given.text("KEP_PROVIDER_POLICY")

# --- where it stands ----------------------------------------------------------------------------------------------
KEP_WEB_ORIGIN = _given.origin("KEP_WEB_ORIGIN")
KEP_CONTENT_ORIGIN = _given.origin("KEP_CONTENT_ORIGIN")
KEP_SIGNER_ORIGIN = _given.optional("KEP_SIGNER_ORIGIN", "http://localhost:8040")
ALLOWED_HOSTS = [urlsplit(origin).hostname or "" for origin in (KEP_WEB_ORIGIN, KEP_CONTENT_ORIGIN)]
CSRF_TRUSTED_ORIGINS = [KEP_WEB_ORIGIN]

KEP_METRICS_BIND = _given.optional("KEP_METRICS_BIND", "127.0.0.1:8050")  # host:port of the metrics process

SESSION_COOKIE_NAME = "__Host-kep"
CSRF_COOKIE_NAME = "__Host-kep_csrf"
KEP_DEVICE_COOKIE_NAME = "__Host-kep_device"
LANGUAGE_COOKIE_NAME = "__Host-kep_dil"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
if _given.optional("KEP_BEHIND_PROXY", "no") == "yes":
    # the proxy must set this header itself and drop what a client sends (V-082)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- what it keeps ------------------------------------------------------------------------------------------------
DATABASES = {
    "default": {
        **environ.Env.db_url_config(_given.address("KEP_DATABASE_URL", "postgres", "postgresql")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}
KEP_VAULT_DIR = _given.path("KEP_VAULT_DIR")
CELERY_BROKER_URL = _given.address("KEP_REDIS_URL", "redis", "rediss")
STATIC_ROOT = os.environ.get("KEP_STATIC_ROOT", str(BASE_DIR / "staticfiles"))

# --- trust, keys, outside services ------------------------------------------------------------------------------
KEP_TSA_URL = _given.address("KEP_TSA_URL", "https", "http")
KEP_TRUST_ROOTS = _given.path("KEP_TRUST_ROOTS")
KEP_TRUST_POLICY = _given.path("KEP_TRUST_POLICY")
KEP_INTERMEDIATES = _given.paths("KEP_INTERMEDIATES")
KEP_OUTBOUND_ALLOW = _given.origins("KEP_OUTBOUND_ALLOW")
KEP_KEYSTORE = {
    "class": "evidence.keys.Pkcs11Keystore",
    "module": _given.path("KEP_PKCS11_MODULE"),
    "token_label": _given.text("KEP_PKCS11_TOKEN"),
    "key_label": _given.text("KEP_PKCS11_KEY"),
    "pin": _given.text("KEP_PKCS11_PIN") if KEP_PROCESS_ROLE == "seal" else "",
    "certificate_path": _given.path("KEP_CERTIFICATE"),
    "chain_paths": _given.paths("KEP_CERTIFICATE_CHAIN"),
}
KEP_SMS = "accounts.sms_gateways.HttpGateway"
KEP_SMS_URL = _given.address("KEP_SMS_URL", "https")
KEP_SMS_USER = _given.text("KEP_SMS_USER")
KEP_SMS_PASSWORD = _given.text("KEP_SMS_PASSWORD")
KEP_SMS_SENDER = _given.text("KEP_SMS_SENDER")

_given.refuse_faults()
