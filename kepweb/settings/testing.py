"""The embedded profile for the test suite: throw-away keys and folders, a cheap hash, the real databases.

`KEP_TEST_DATABASE_URL` (postgres://...) and `KEP_TEST_REDIS_URL` move the same suite to PostgreSQL and Redis.
"""

import os
import tempfile

os.environ.setdefault("KEP_DATA_DIR", tempfile.mkdtemp(prefix="kep-test-"))

import environ

from .embedded import *
from .embedded import DATABASES, KEP_DATA_DIR

KEP_PROFILE = "testing"
DATABASES["default"]["TEST"] = {"NAME": str(KEP_DATA_DIR / "test.sqlite3")}
if os.environ.get("KEP_TEST_DATABASE_URL"):
    DATABASES = {"default": environ.Env.db_url_config(os.environ["KEP_TEST_DATABASE_URL"])}
if os.environ.get("KEP_TEST_REDIS_URL"):
    CELERY_BROKER_URL = os.environ["KEP_TEST_REDIS_URL"]

KEP_QUEUE_LOOK_SECONDS = 0.0  # no test goes by what another one saw
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
(KEP_DATA_DIR / "static").mkdir(exist_ok=True)  # WhiteNoise warns where its folder is missing, and warnings are errors
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "icerik.localhost", "testserver"]
