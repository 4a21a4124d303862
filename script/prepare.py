"""Makes what an embedded provider needs before its first process starts, and finds it there the next time.

Started by script/start.py with the embedded settings in the environment: certificates of the demo PKI, tables,
static files, the demo people. Each step looks first and does only what is missing. All words go to stderr: the
supervisor's stdout is one line.
"""

import os
import sys
from io import StringIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
from django.conf import settings
from django.core.management import call_command

from demo import pki


def main() -> None:
    """Raises what a step raises: nothing is started on half a provider."""
    pki.ensure(settings.KEP_DATA_DIR, port=int(os.environ["KEP_PKI_PORT"]))
    django.setup()
    call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
    call_command("check", databases=["default"], stdout=StringIO())  # speaks by raising
    call_command("collectstatic", interactive=False, verbosity=0, stdout=sys.stderr)
    if not (settings.KEP_DATA_DIR / "demo.json").exists():
        print("KEP: deneme kişileri oluşturuluyor", file=sys.stderr, flush=True)
        call_command("seed_demo", stdout=sys.stderr)


if __name__ == "__main__":
    main()
