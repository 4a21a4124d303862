"""What is true in every profile.

Nothing here is a secret and nothing here names a place: keys, databases, brokers and outside services come
from `embedded` (made on first start, loopback only) or from `production` (named by the operator, each
missing one stops the start). All settings of our own begin with `KEP_`.
"""

import os
from datetime import timedelta
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent.parent

DEBUG = False
ALLOWED_HOSTS: list[str] = []

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",  # templates/django/forms stands before the widgets of its own
    "django_otp",
    # two_factor imports both plug-ins; their tables stay empty until accounts offers them
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "two_factor",
    "axes",
    "csp",
    "evidence",
    "signing",
    "accounts",
    "directory",
    "mailbox",
    "kepweb",
]

MIDDLEWARE = [
    # the content origin answers before sessions exist: it reads and sets no cookie (design.md 1.7)
    "kepweb.content_origin.ContentOriginMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kepweb.response_headers.ResponseHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.locale.LocaleMiddleware",  # by cookie and browser; before whatever answers with words
    "kepweb.request_size.RequestSizeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "kepweb.refusals.RefusalMiddleware",  # above the gate, which is asked first when a view raises
    "accounts.gate.SignedInGate",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "kepweb.urls"
WSGI_APPLICATION = "kepweb.wsgi.application"
KEP_EXTRA_URLS: tuple[tuple[str, str], ...] = ()
"""(prefix, dotted urlconf) of pages that only some profiles have, e.g. the demo phone."""

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "kepweb.context.house",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- people -----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.TwoSecretsBackend",
]
LOGIN_URL = reverse_lazy("accounts:sign_in")
LOGIN_REDIRECT_URL = reverse_lazy("mailbox:inbox")
TWO_FACTOR_PATCH_ADMIN = False
OTP_LOGIN_URL = LOGIN_URL
PASSWORD_HASHERS = ["accounts.hashers.KepArgon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# axes sees (person, device): see accounts/throttle.py. It must never store the secrets (measured: it would).
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "tckn", "parola", "sifre", "sms"]
AXES_USERNAME_CALLABLE = "accounts.throttle.axes_username"
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_CALLABLE = "accounts.throttle.locked_out"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# the slow counter per person (accounts/throttle.py) stands where the package would count addresses
SILENCED_SYSTEM_CHECKS = ["axes.W006"]

# --- visits: design.md 1.9 ----------------------------------------------------------------------------------------
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# in the session: a cookie of its own would bear no __Host- name, cross ports, and outlive the visit (design.md 1.7)
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# accounts/gate.py: open to everybody (views can also say so themselves), and machine faces that read no cookie
KEP_OPEN_PATHS = ("/yardim/", "/dil/")
KEP_MACHINE_PATHS = ("/imza/v1/", "/healthz", "/readyz")
KEP_VISIT_IDLE = timedelta(minutes=30)
KEP_VISIT_TOTAL = timedelta(hours=12)
KEP_SMS_CODE_LIFE = timedelta(minutes=3)
KEP_SMS_CODE_TRIES = 3
KEP_SMS_RESEND_AFTER = timedelta(seconds=60)
KEP_SMS_PER_HOUR = 5
KEP_SIGNING_LIFE = timedelta(minutes=10)
KEP_E_IMZA_LIFE = timedelta(minutes=2)  # of a sign-in or a proof by e-imza, from the challenge to the last click
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "kepweb.views.csrf_failure"

# --- headers: V-055 -----------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "geolocation", "microphone", "payment", "usb", "fullscreen", "display-capture")
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

# --- limits of one request: V-097 -----------------------------------------------------------------------------------
KEP_ORIGINAL_LIMIT = 26_214_400  # bytes of the finished original, design.md 1.1.3
KEP_MOST_RECIPIENTS = 300  # of one message: each is a field of the form (below) and stands in everybody's proofs
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 400
DATA_UPLOAD_MAX_NUMBER_FILES = 60

# --- language, time -------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "tr"
LANGUAGES = [("tr", _("Türkçe")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "Europe/Istanbul"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- static files ---------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- the provider: K-008, K-150 -------------------------------------------------------------------------------------
KEP_PROVIDER_CODE = "hs01"
KEP_PROVIDER_DOMAIN = "hs01.kep.tr"
KEP_PROVIDER_NAME = "Örnek KEP Hizmet Sağlayıcısı 1 A.Ş."
KEP_PROVIDER_POLICY = "urn:oid:2.16.792.9.9.9.1"
KEP_TEBLIGAT_REGIME = "kep_2013"
KEP_DEEMED_READING = {"standart": "hours:24", "eYazisma": "hours:24"}
KEP_MESSAGE_KINDS = ("standart",)  # K-085: unknown kinds are refused; later issues add theirs
KEP_KNOWN_PROVIDERS = ("hs01", "hs02", "hs03", "hs04", "hs05", "hs06", "hs07", "hs08")
KEP_EXPIRY_GRACE = timedelta(days=92)  # K-036: at least three months in which an unpaid address still receives
KEP_CHECKING_HOLD_LIMIT = timedelta(hours=24)  # design.md 1.4: turned back after 24 h on hold

# --- work: design.md 1.6 --------------------------------------------------------------------------------------------
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {  # a third clock beside bells and polls; workers find their rows without it
    f"ring-{queue}": {"task": "kep.wake_up", "schedule": 10.0, "options": {"queue": queue, "expires": 30}}
    for queue in ("deliver", "seal")
}
CELERY_BEAT_SCHEDULER = "kepweb.beat.WatchedScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 10  # seconds: it must give a sign of life
KEP_POLL_SECONDS = 2
KEP_GATHER_SECONDS = 0.05  # a worker that moved few rows waits so long for company before it looks again
KEP_PARK_AFTER = 10  # failures of one piece of work that were no holds: about six minutes, then people look
KEP_SWEEPS = {
    "deliver": (
        "kepweb.clock_check.look",
        "mailbox.tasks.submit_signed",
        "mailbox.tasks.check_due",
        "mailbox.tasks.deliver_due",
        "mailbox.tasks.end_terms_due",
        "mailbox.tasks.send_notices_due",
        "mailbox.tasks.expire_operations_due",
        "kepweb.account_terms.close_expired",
        "kepweb.hygiene.tidy",
    ),
    "seal": (
        "kepweb.clock_check.look",
        "mailbox.tasks.seal_due",
        "mailbox.tasks.release_due",
        "mailbox.tasks.bundles_due",
        "evidence.sealed_papers.seal_due",
    ),
}
"""What the workers of each queue sweep, in this order: dotted paths of callables without arguments."""
KEP_CLOCK_ALARM = timedelta(seconds=1)  # off by more than this for certain: an alarm
KEP_CLOCK_STOP = timedelta(seconds=5)  # and from here on nothing is sealed until it is right again
KEP_QUEUE_MOST_AGE = timedelta(minutes=5)  # work this long overdue, or so many pieces of it: nothing new is let in
KEP_QUEUE_MOST_WORK = 20_000
KEP_QUEUE_LOOK_SECONDS = 2.0  # how long a process goes by what it saw
KEP_REFUSE_WHEN_FULL = "mailbox.backlog.refuse_when_full"
"""What a lower floor calls before it lets new work in: (now=) -> None, or a temporary refusal (R-018)."""
KEP_SIGNED_BELL = "kepweb.bell.ring_deliver"
KEP_SEAL_BELL = "kepweb.bell.ring_seal"
"""Lower floors ring by these names; they import nothing of this floor."""
KEP_OUTBOUND_CLIENT = "guards.outbound.OutboundClient"
"""What calls out for the evidence floor; only the simulation, which has no network, names another one."""
KEP_CONTENT_VIEW = "mailbox.views.content.attachment"
"""What answers `/ek/<token>` on the content origin: (request, part) -> an object with filename, content_type, raw."""
KEP_PROCESS_ROLE = os.environ.get("KEP_PROCESS_ROLE", "web")  # web, deliver, seal, beat: only seal opens the key

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "kepweb.log_redaction.OneLine"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "celery.worker.strategy": {"level": "WARNING"},  # a bell heard is no news
        "celery.app.trace": {"level": "WARNING"},
    },
}
