"""One answer for every wrong factor, and no secret anywhere (V-008, V-025, V-095, W-008, W-009)."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.signals import user_login_failed
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import backends
from accounts.models import Person, SmsAttempt
from accounts.tests.cast import PASSWORD, PIN, make_person, new_tckn, post_code, post_secrets, texts
from evidence.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

WRONG_PASSWORD = "sari-liman-kavak"
WRONG_PIN = "592748"

Case = Callable[[Person], tuple[str, str, str]]
CASES: dict[str, Case] = {
    "nobody holds the number": lambda person: (new_tckn(), PASSWORD, PIN),
    "wrong parola": lambda person: (person.tckn, WRONG_PASSWORD, PIN),
    "wrong şifre": lambda person: (person.tckn, PASSWORD, WRONG_PIN),
    "both wrong": lambda person: (person.tckn, WRONG_PASSWORD, WRONG_PIN),
    "each in the other's place": lambda person: (person.tckn, PIN, PASSWORD),
    "not active": lambda person: (_deactivated(person), PASSWORD, PIN),
}


def _deactivated(person: Person) -> str:
    Person.objects.filter(pk=person.pk).update(is_active=False)
    return str(person.tckn)


def _told(answer: HttpResponse, tckn: str) -> tuple[int, str, dict[str, str], list[str]]:
    """Everything a visitor can see of an answer, without what differs at every request."""
    page = re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]+"', r'\1=""', answer.content.decode())
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Security-Policy"}
    return answer.status_code, page.replace(tckn, "the number"), headers, sorted(answer.cookies)


@pytest.fixture(params=CASES)
def wrong(request: Any, person: Person) -> tuple[str, str, str]:
    """One way of being wrong."""
    return CASES[request.param](person)


def test_every_wrong_factor_gets_the_same_page() -> None:
    answers = []
    for case in CASES.values():
        given = case(make_person())
        answers.append(_told(post_secrets(Client(), *given), given[0]))
    assert answers[0][0] == 422
    assert "GRS-02" in answers[0][1]
    assert all(answer == answers[0] for answer in answers[1:])


def test_no_sms_leaves_and_nobody_is_let_on(wrong: tuple[str, str, str], client: Client) -> None:
    post_secrets(client, *wrong)
    assert texts() == []
    assert SmsAttempt.objects.count() == 0
    assert client.get("/giris/sms/").headers["Location"] == "/giris/"
    assert client.get("/gelen/").status_code == 302
    assert not client.session.keys()


def test_both_hashes_are_always_computed(
    wrong: tuple[str, str, str], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_secrets(Client(), new_tckn())  # whatever a process computes once
    computed: list[str] = []
    verify = MD5PasswordHasher.verify

    def counted(self: MD5PasswordHasher, password: str, encoded: str) -> bool:
        computed.append(encoded)
        return bool(verify(self, password, encoded))

    monkeypatch.setattr(MD5PasswordHasher, "verify", counted)
    post_secrets(client, *wrong)
    assert len(computed) == 2


@pytest.mark.parametrize("is_held", [True, False])
@pytest.mark.parametrize("tries", [5, 7], ids=["locked by the pair", "and by the slow counter"])
def test_a_try_that_has_to_wait_costs_both_hashes_too(
    client: Client, monkeypatch: pytest.MonkeyPatch, is_held: bool, tries: int
) -> None:
    """A locked number answers as slowly as another, held or not (design.md 6)."""
    number = make_person().tckn if is_held else new_tckn()
    for _ in range(tries):
        last = post_secrets(Client(), number, WRONG_PASSWORD)
    if tries > 5:
        AccessAttempt.objects.all().delete()  # as after the quick lock's end: the slow counter is asked now
    computed: list[str] = []
    verify = MD5PasswordHasher.verify
    monkeypatch.setattr(
        MD5PasswordHasher, "verify", lambda self, *given: computed.append(given[1]) or verify(self, *given)
    )
    last = post_secrets(client, number, WRONG_PASSWORD)
    assert last.status_code == 429
    assert len(computed) == 2


def test_the_dummy_hash_is_made_before_anybody_is_looked_up(
    client: Client, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the first try of a process would be slower for a number nobody holds."""
    backends._fits_nobody.cache_clear()
    post_secrets(client, person.tckn, WRONG_PASSWORD)
    assert backends._fits_nobody.cache_info().currsize == 1


def test_every_wrong_factor_asks_the_database_the_same_questions() -> None:
    asked = []
    for case in CASES.values():
        given = case(make_person())
        with CaptureQueriesContext(connection) as queries:
            post_secrets(Client(), *given)
        asked.append([_shape(query["sql"]) for query in queries])
    assert len(asked[0]) > 5
    assert all(questions == asked[0] for questions in asked[1:])


def _shape(sql: str) -> str:
    """The statement without its values."""
    return re.sub(r"""x?'[^']*'|\b[0-9a-f]{32,64}\b|s[0-9]+_x[0-9]+|\b[0-9]+\b""", "?", sql)


def test_listeners_of_failed_tries_hear_no_secret(wrong: tuple[str, str, str], client: Client) -> None:
    heard: list[str] = []

    def listen(sender: object, credentials: dict[str, str], **more: object) -> None:
        heard.append(repr(credentials))

    user_login_failed.connect(listen)
    try:
        post_secrets(client, *wrong)
    finally:
        user_login_failed.disconnect(listen)
    assert len(heard) == 1
    assert not any(secret in heard[0] for secret in wrong)


def test_no_row_and_no_log_line_holds_a_secret(
    wrong: tuple[str, str, str], client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    post_secrets(client, *wrong)
    attempt = AccessAttempt.objects.get()
    row = repr({field.name: getattr(attempt, field.name) for field in AccessAttempt._meta.fields})
    assert "parola" in row, "the row shows which fields were posted"
    events = b" ".join(bytes(body) for body in Event.objects.values_list("body", flat=True)).decode()
    assert "sign_in.refused" in events
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("django.db"))
    for secret in wrong:
        assert secret not in row
        assert secret not in events
        assert secret not in logged


def test_neither_code_nor_number_is_kept_readable(
    client: Client, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    post_secrets(client, person.tckn)
    code = texts(person)[0].code
    post_code(client, "000000" if code != "000000" else "111111")
    post_code(client, code)
    attempt = SmsAttempt.objects.get()
    kept = repr({field.attname: getattr(attempt, field.attname) for field in SmsAttempt._meta.fields})
    events = b" ".join(bytes(body) for body in Event.objects.values_list("body", flat=True)).decode()
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("django.db"))
    for place in (kept, events, logged):
        assert code not in place
        assert person.tckn not in place
        assert person.phone not in place
    with connection.cursor() as cursor:
        cursor.execute("SELECT tckn, phone FROM accounts_person", None)
        for value in cursor.fetchone():
            assert person.tckn.encode() not in bytes(value)
            assert person.phone.encode() not in bytes(value)


def test_a_malformed_number_is_told_at_its_field_and_asked_of_nobody(client: Client, person: Person) -> None:
    answer = post_secrets(client, "54637281951")
    assert answer.status_code == 422
    assert "GRS-01" in answer.content.decode()
    assert Event.objects.count() == 0
    assert AccessAttempt.objects.count() == 0


def test_secrets_are_not_written_back_into_the_page(client: Client, person: Person) -> None:
    page = post_secrets(client, person.tckn, WRONG_PASSWORD, WRONG_PIN).content.decode()
    assert WRONG_PASSWORD not in page
    assert WRONG_PIN not in page
    assert f'value="{person.tckn}"' in page
