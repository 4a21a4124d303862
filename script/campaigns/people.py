"""Seeds the demo's people into a production deployment of a campaign: `people.py --data DIR`.

The demo is not installed there, so its command does not exist; this calls its seed with the two places it writes to.
"""

import argparse
import sys
from pathlib import Path

import django
from django.conf import settings


def main() -> int:
    """Make the cast of this provider, their e-imza files and `demo.json` below the data directory."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    settings.KEP_DATA_DIR, settings.KEP_PKI_DIR = given.data, given.data / "pki"
    django.setup()
    from demo.seed import seed
    from guards import clock

    seed(now=clock.now())
    return 0


if __name__ == "__main__":
    sys.exit(main())
