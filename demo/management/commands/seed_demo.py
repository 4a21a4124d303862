"""`manage.py seed_demo`: the demo cast of this provider, once."""

from typing import Any

from django.core.management.base import BaseCommand

from demo.seed import seed
from guards import clock


class Command(BaseCommand):
    help = "Makes the demo people, accounts and e-imza files that are missing, and writes demo.json."

    def handle(self, *args: Any, **options: Any) -> None:
        file = seed(now=clock.now())
        self.stdout.write(f"demo cast: {file}")
