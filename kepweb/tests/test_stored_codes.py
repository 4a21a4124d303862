"""A code kept on a row finds its own sentence again, whichever table it came from (design.md 6)."""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Iterator

import pytest

from evidence.answers import RevocationFinding
from evidence.chain import Finding
from guards.errors import KepError
from guards.refusal_texts import text_of_code
from mailbox.errors import DraftChanged, MayNotSend
from signing.profile import Fault


@pytest.mark.parametrize("table", [Finding, RevocationFinding, Fault])
def test_every_finding_about_a_certificate_says_its_own_sentence(table: type[Finding]) -> None:
    for each in table:
        assert text_of_code(each.value[0]) == each.value[1]


def test_a_refusal_says_its_own_sentence_and_an_unknown_code_the_general_one() -> None:
    assert text_of_code("IMZ-20") == DraftChanged.user_message
    assert text_of_code("YTK-01") == MayNotSend.user_message
    assert text_of_code("YOK-99") == KepError.user_message


def test_no_code_stands_in_two_tables() -> None:
    codes = [each.value[0] for table in (Finding, RevocationFinding, Fault) for each in table]
    assert len(codes) == len(set(codes))


ONE_SENTENCE = {"ALC-04"}
"""Codes that two errors share on purpose, because they are told in the same words (design.md 1.1.4)."""
FLOORS = ("guards", "evidence", "signing", "accounts", "directory", "mailbox", "staff", "kepweb")
NOT_READ = (".tests", ".migrations", ".settings", ".management")


def all_below(error: type[KepError]) -> Iterator[type[KepError]]:
    """Every refusal that descends from this one."""
    for each in error.__subclasses__():
        yield each
        yield from all_below(each)


def test_no_code_stands_for_two_refusals() -> None:
    """What a person reads to the help desk names one thing."""
    for floor in FLOORS:
        for module in pkgutil.walk_packages(importlib.import_module(floor).__path__, f"{floor}."):
            if not any(part in module.name for part in NOT_READ):
                importlib.import_module(module.name)
    told = defaultdict(set)
    for each in all_below(KepError):
        if "code" in vars(each) and each.__module__.startswith(FLOORS) and ".tests." not in each.__module__:
            told[each.code].add(each.__qualname__)
    assert len(told) > 150
    assert {code for code, errors in told.items() if len(errors) > 1} == ONE_SENTENCE
