"""The settings of the simulation: those of the test suite, with the database in memory and the outside simulated."""

from kepweb.settings.testing import *  # noqa: F403 - like every profile, it begins with all that another says
from kepweb.settings.testing import SQLITE_OPTIONS

KEP_PROFILE = "simulation"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "OPTIONS": {**SQLITE_OPTIONS, "init_command": "PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON;"},
        "CONN_MAX_AGE": None,
    }
}
KEP_PROCESS_ROLE = "seal"  # one process plays all roles; which worker may seal is what kepweb's own tests look at
KEP_OUTBOUND_CLIENT = "script.campaigns.simulated.outside.Client"
KEP_SIGNED_BELL = "script.campaigns.simulated.bells.ring_deliver"
KEP_SEAL_BELL = "script.campaigns.simulated.bells.ring_seal"
KEP_SMS = "script.campaigns.simulated.outside.Phone"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"nowhere": {"class": "logging.NullHandler"}},
    "root": {"handlers": ["nowhere"], "level": "ERROR"},  # `alarms` listens beside it
}
