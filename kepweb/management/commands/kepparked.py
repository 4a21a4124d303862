"""`manage.py kepparked`: list the work that is parked, and make it due again once its cause is mended (R-016).

One line per row: name, reference, tries, since when, last error; never content. `--retry NAME...` or `--all` makes rows
due again and writes that into the event log. Exit status 0 when nothing is parked (any more), 1 when something is, 2
when a name is not parked.
"""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from guards.clock import now as clock
from kepweb import parked


class Command(BaseCommand):
    """The command; see the module."""

    help = "Ayrılmış (kendiliğinden denenmeyen) işleri listeler; --retry ya da --all ile yeniden sıraya alır."

    def add_arguments(self, parser: ArgumentParser) -> None:
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--retry", nargs="+", metavar="NAME", default=[], help="listedeki adlar, örneğin seal:12")
        group.add_argument("--all", action="store_true", help="listedeki her iş")

    def handle(self, *args: Any, retry: list[str], **options: Any) -> None:
        names = [each.name for each in parked.parked_rows()] if options["all"] else retry
        if names:
            try:
                done = parked.retry(names, now=clock(), actor=f"kepparked:{getpass.getuser()}"[:80])
            except parked.NotParked as refusal:
                raise CommandError(str(refusal), returncode=2) from refusal
            for each in done:
                self.stdout.write(f"{each.name} {each.reference} yeniden sırada")
        rest = parked.parked_rows()
        for each in rest:
            since = each.since.isoformat(timespec="seconds")
            self.stdout.write(f"{each.name} {each.reference} {each.tries} {since} {each.last_error}")
        self.stderr.write(f"kepparked: {len(rest)} iş ayrılmış")
        if rest:
            raise SystemExit(1)
