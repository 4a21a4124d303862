"""A code kept on a row finds its own sentence again, whichever table it came from (design.md 6)."""

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
