"""The two steps of a sign-in and the choice of an account ask a constant number of questions, whoever signs in.

Wrong secrets are counted as well: the answer to a number nobody holds must not cost another number of questions than
the answer to a wrong parola (V-008).
"""

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Person
from accounts.tests.cast import PASSWORD, PIN, make_account, make_operator, make_person, new_tckn, texts

pytestmark = [pytest.mark.django_db, pytest.mark.database]


class Counted:
    """A browser that says how many questions its last request asked."""

    def __init__(self) -> None:
        self.client = Client()

    def ask(self, method: str, name: str, **form: str) -> tuple[HttpResponse, int]:
        """The answer and the number of questions."""
        with CaptureQueriesContext(connection) as captured:
            answer = getattr(self.client, method)(reverse(f"accounts:{name}"), form)
        return answer, len(captured)


def sign_in(person: Person, browser: Counted | None = None) -> dict[str, int]:
    """Both steps with their pages; the questions of each."""
    browser = browser or Counted()
    counts = {}
    _, counts["page"] = browser.ask("get", "sign_in")
    answer, counts["secrets"] = browser.ask("post", "sign_in", tckn=person.tckn, parola=PASSWORD, sifre=PIN)
    assert answer.status_code == 302
    answer, counts["code page"] = browser.ask("get", "sign_in_sms")
    assert answer.status_code == 200
    answer, counts["code"] = browser.ask("post", "sign_in_sms", sms=texts(person)[-1].code)
    assert answer.status_code == 302
    return counts


def with_accounts(person: Person, number: int) -> Person:
    """The person's own account and the right to act for some others."""
    make_account(f"{person.pk.hex[:12]}@hs01.kep.tr", holder=person)
    for other in range(number - 1):
        company = make_account(f"{person.pk.hex[:12]}.{other}@hs01.kep.tr", holder=f"Şirket {other} A.Ş.")
        make_operator(company, person)
    return person


def test_both_steps_ask_the_same_with_one_account_and_with_nine() -> None:
    sign_in(with_accounts(make_person(), 1))  # whatever a first visit keeps for the process is kept now
    one, nine = (with_accounts(make_person(), number) for number in (1, 9))
    assert sign_in(one) == sign_in(nine) == EXPECTED


def test_a_known_device_asks_its_own_constant_number() -> None:
    person, browser = with_accounts(make_person(), 1), Counted()
    sign_in(person, browser)
    browser.client.post(reverse("accounts:sign_out"))
    assert sign_in(person, browser) == EXPECTED_OF_A_KNOWN_DEVICE


def test_a_wrong_parola_and_a_number_nobody_holds_ask_the_same() -> None:
    person = with_accounts(make_person(), 1)
    counts = []
    for tckn in (person.tckn, new_tckn()):
        browser = Counted()
        for _ in range(2):
            answer, count = browser.ask("post", "sign_in", tckn=tckn, parola="yanlış", sifre=PIN)
            assert answer.status_code != 302
            counts.append(count)
    assert counts[:2] == counts[2:] == REFUSED


def test_the_choice_of_an_account_asks_the_same_with_two_and_with_nine() -> None:
    counts = []
    for number in (2, 9):
        person, browser = with_accounts(make_person(), number), Counted()
        sign_in(person, browser)
        browser.client.get(reverse("accounts:choose_account"))
        page, shown = browser.ask("get", "choose_account")
        assert page.content.decode().count('name="account"') >= number
        own = person.holderships.get().accounts.get().public_id
        answer, choosing = browser.ask("post", "choose_account", account=own)
        assert answer.status_code == 302
        _, again = browser.ask("get", "choose_account")
        counts.append({"page": shown, "choice": choosing, "page of somebody who chose": again})
    assert counts[0] == counts[1] == CHOICE


EXPECTED = {"page": 0, "secrets": 25, "code page": 2, "code": 41}
EXPECTED_OF_A_KNOWN_DEVICE = {"page": 0, "secrets": 20, "code page": 2, "code": 40}
"""A stranger's device has the slow counter to ask and to forget; savepoints count as questions here."""
REFUSED = [20, 15]
"""The first wrong try of a browser makes its counter, the second moves it."""
CHOICE = {"page": 6, "choice": 10, "page of somebody who chose": 6}
