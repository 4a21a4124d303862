"""`manage.py kepcheck`: walk everything that is kept and report what should not be (R-009).

Every installed app may have a module `integrity` with `findings(now)`. All of them are asked; each finding is one
line `code subject text` on stdout. Exit status 0 when there is none, 1 otherwise. It changes nothing and may run
beside a working provider; a row in the middle of a step is no finding.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.utils.module_loading import module_has_submodule

from guards.clock import now as clock
from guards.findings import Finding

Checker = Callable[[datetime], Iterable[Finding]]


class Command(BaseCommand):
    """The command; see the module."""

    help = "Saklanan her şeyi dolaşır; eksik, bozuk ya da olamayacak durumları yazar (çıkış 0: bulgu yok, 1: var)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--app", action="append", help="yalnızca bu uygulama (yinelenebilir)")

    def handle(self, *args: Any, app: list[str] | None = None, **options: Any) -> None:
        asked = [(label, checker) for label, checker in checkers() if not app or label in app]
        count = 0
        for _label, checker in asked:
            for finding in checker(clock()):
                count += 1
                self.stdout.write(f"{finding.code} {finding.subject} {finding.text}")
        self.stderr.write(f"kepcheck: {count} bulgu ({', '.join(label for label, _ in asked) or 'denetleyici yok'})")
        if count:
            raise SystemExit(1)


def checkers() -> Iterator[tuple[str, Checker]]:
    """The checkers of the installed apps, by app label, in their order."""
    for config in apps.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, "integrity"):
            yield config.label, import_module(f"{config.name}.integrity").findings
