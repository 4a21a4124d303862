"""`manage.py kepstaff`: gives the back office its first two people, on the machine itself, and lists who serves.

Afterwards posts are given in `/yonetim/` by two people (V-046), and this command only lists. The identity number is
asked for on the terminal and never taken from the command line, which others can read.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Q

from accounts.errors import AccountsError
from accounts.guarded import postings
from accounts.guarded.postings import Candidate
from accounts.identity import mask_tckn, read_mobile, read_tckn
from accounts.models import Post
from guards import clock

from ...errors import EnoughEyes


class Command(BaseCommand):
    """Lists posts; with `grant` gives one of the back office while fewer than two people run it."""

    help = "Who serves for the provider; `kepstaff grant` gives the back office its first two people."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`list` is the default."""
        parser.add_argument("act", nargs="?", choices=("list", "grant"), default="list")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        """CommandError with the sentence of the refusal."""
        if act == "list":
            self._list()
            return
        try:
            post = self._grant()
        except AccountsError as refusal:
            raise CommandError(f"{refusal.for_person()} ({refusal.code})") from refusal
        self.stdout.write(f"{post.person.full_name}: yönetim görevi verildi.")
        if not post.person.has_secrets:
            self.stdout.write("Parola ve şifreyi belirleme kodu telefonuna gönderildi (/hesap/kurtarma/).")

    def _grant(self) -> Post:
        now = clock.now()
        if not postings.is_short_of_eyes(now=now):
            raise EnoughEyes("two people run the back office")
        tckn = read_tckn(self._asked("T.C. kimlik no"))
        candidate = Candidate(tckn, self._asked("Adı"), self._asked("Soyadı"), read_mobile(self._asked("Cep telefonu")))
        with transaction.atomic():
            if not postings.is_short_of_eyes(now=now):
                raise EnoughEyes("two people run the back office")
            return postings.begin(candidate, role=Post.Role.BACK_OFFICE, branch=None, granted_by="system", now=now)

    def _asked(self, what: str) -> str:
        self.stdout.write(f"{what}: ", ending="")
        self.stdout.flush()
        return input().strip()

    def _list(self) -> None:
        rows = Post.objects.filter(Q(ends_at=None) | Q(ends_at__gt=clock.now())).select_related("person", "branch")
        for post in rows.order_by("role", "branch__code", "starts_at"):
            where = post.branch.name if post.branch else "Yönetim"
            self.stdout.write(f"{post.person.full_name}  {mask_tckn(post.person.tckn)}  {where}")
