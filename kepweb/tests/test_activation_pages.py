"""`/aktivasyon/` and `/hesap/kurtarma/` as a browser meets them: in order, once, and with one answer to strangers."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts import activation, legal_texts, recovery
from accounts.models import KepAccount, OpenVisit, Person, TermsAccepted
from accounts.tests.cast import make_account, make_person, new_tckn, post_code, post_secrets, sign_in, texts
from evidence.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
Clock = time_machine.Traveller
PENDING = KepAccount.State.PENDING_ACTIVATION
PASSWORD, PIN = "deniz-feneri-uzak", "730825"
ALL = [f"{each.text}:{each.version}" for each in legal_texts.of_the_day(NOON.date())]


@pytest.fixture
def clock() -> object:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def zeynep(clock: Clock, db: None) -> Person:
    person = make_person("Zeynep", "Kaya")
    person.set_unusable_password()
    person.pin_hash = ""
    person.save()
    return person


@pytest.fixture
def waiting(zeynep: Person) -> KepAccount:
    return make_account("zeynep.kaya@hs01.kep.tr", holder=zeynep, state=PENDING)


def last_code(person: Person) -> str:
    return texts(person)[-1].text.rsplit("#", 1)[1]


def filled(person: Person, code: str, **other: object) -> dict[str, object]:
    return {
        "tckn": person.tckn,
        "adres": "zeynep.kaya@hs01.kep.tr",
        "kod": code,
        "parola": PASSWORD,
        "parola_yeniden": PASSWORD,
        "sifre": PIN,
        "sifre_yeniden": PIN,
        "kabul": ALL,
        **other,
    }


def test_from_the_code_to_the_first_sign_in(client: Client, zeynep: Person, waiting: KepAccount) -> None:
    activation.begin(waiting, now=NOON)
    assert client.get("/aktivasyon/").status_code == 200
    answer = client.post("/aktivasyon/", filled(zeynep, f"{last_code(zeynep)[:4]} {last_code(zeynep)[4:]}"))
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/aktivasyon/tamam/"), answer.content.decode()
    assert waiting.address in client.get("/aktivasyon/tamam/").content.decode()
    assert client.get("/gelen/").status_code == 302, "an activation is no sign-in"
    assert post_secrets(client, zeynep.tckn, PASSWORD, PIN).status_code == 302
    assert post_code(client, texts(zeynep)[-1].code).status_code == 302
    assert client.get("/gelen/").status_code == 200
    assert TermsAccepted.objects.filter(person=zeynep, account=waiting).count() == len(ALL)


def test_strangers_hear_one_answer_of_one_length(client: Client, zeynep: Person, waiting: KepAccount) -> None:
    activation.begin(waiting, now=NOON)
    code, bodies = last_code(zeynep), set()
    for other in (
        {"kod": "00000000"},
        {"tckn": new_tckn()},
        {"tckn": make_person().tckn},
        {"adres": "kimse.yok@hs01.kep.tr"},
    ):
        given = filled(zeynep, code, **other)
        answer = Client().post("/aktivasyon/", given)
        page = answer.content.decode()
        for each in ("tckn", "adres", "kod"):
            page = page.replace(str(given[each]), each)
        main = page[page.index("<main") : page.index("</main")]
        assert PASSWORD not in page
        bodies.add((answer.status_code, main[: main.index("csrfmiddlewaretoken")], tuple(sorted(answer.headers))))
    assert len(bodies) == 1


@pytest.mark.parametrize(
    ("other", "word"),
    [
        ({"sifre_yeniden": "111222"}, "İki şifre aynı değil"),
        ({"parola_yeniden": PASSWORD.upper()}, "İki parola aynı değil"),
        ({"tckn": "１２３４５６７８９０１"}, "GRS-01"),
        ({"kabul": ALL[:1]}, "AKT-06"),
        ({"kabul": ["kepue:0.1", *ALL]}, "geçerli"),
        ({"parola": "zeynep1985", "parola_yeniden": "zeynep1985"}, "GRS-11"),
        ({"is_active": "1"}, "HES-08"),
        ({"state": "ACTIVE"}, "HES-08"),
    ],
)
def test_a_faulty_form_uses_nothing_up(
    client: Client, zeynep: Person, waiting: KepAccount, other: dict[str, object], word: str
) -> None:
    activation.begin(waiting, now=NOON)
    answer = client.post("/aktivasyon/", filled(zeynep, last_code(zeynep), **other))
    assert answer.status_code == 422
    assert word in answer.content.decode()
    waiting.refresh_from_db()
    assert waiting.state == PENDING
    assert client.get("/aktivasyon/tamam/").status_code == 302, "no step is skipped"
    assert client.post("/aktivasyon/", filled(zeynep, last_code(zeynep))).status_code == 302


def test_whoever_has_secrets_is_led_to_the_sign_in_and_opens_it_there(client: Client, clock: Clock) -> None:
    person, stranger = make_person(), make_person()
    account = make_account("zeynep.kaya@hs01.kep.tr", holder=person, state=PENDING)
    activation.begin(account, now=NOON)
    answer = client.post("/aktivasyon/", filled(person, last_code(person)))
    assert (answer.status_code, "AKT-05" in answer.content.decode()) == (409, True)
    path = f"/hesap/etkinlestir/{account.public_id}/"
    assert client.get(path).status_code == 302
    clock.shift(timedelta(minutes=1))
    thief = Client()
    sign_in(thief, stranger)
    assert thief.get(path).status_code == 404
    assert thief.post(path, {"kabul": ALL}).status_code == 404
    sign_in(client, person)
    assert "etkinleştirilmeyi bekliyor" in client.get("/hesap/").content.decode()
    assert client.get(path).status_code == 200
    assert client.post(path, {"kabul": ALL[:2]}).status_code == 422
    assert client.post(path, {"kabul": ALL}).status_code == 302
    assert client.get("/gelen/").status_code == 200
    assert client.post(path, {"kabul": ALL}).status_code == 404


def test_recovery_by_the_desks_code_ends_a_thiefs_visit(client: Client, clock: Clock) -> None:
    person, thief = make_person(), Client()
    make_account("ayse.yildiz@hs01.kep.tr", holder=person)
    sign_in(thief, person)
    clock.shift(timedelta(minutes=1))
    recovery.begin(person, now=NOON + timedelta(minutes=1))
    form = filled(person, last_code(person))
    form = {name: form[name] for name in form if name not in ("adres", "kabul")}
    assert client.post("/hesap/kurtarma/", {**form, "tckn": new_tckn()}).status_code == 422
    assert thief.get("/gelen/").status_code == 200
    assert client.post("/hesap/kurtarma/", form).status_code == 302
    assert thief.get("/gelen/").status_code == 302
    assert not OpenVisit.objects.filter(ended_at=None).exists()
    assert client.get("/hesap/kurtarma/tamam/").status_code == 200
    clock.shift(timedelta(minutes=1))
    assert post_secrets(client, person.tckn, PASSWORD, PIN).status_code == 302


@pytest.mark.parametrize("path", ["/aktivasyon/", "/hesap/kurtarma/"])
def test_one_network_tries_thirty_times_an_hour_and_floods_no_log(
    client: Client, clock: Clock, zeynep: Person, waiting: KepAccount, path: str
) -> None:
    form = filled(zeynep, "00000000")
    if path != "/aktivasyon/":
        form = {name: form[name] for name in form if name not in ("adres", "kabul")}
    answers = [client.post(path, form).status_code for _ in range(50)]
    assert answers == [422] * 30 + [429] * 20
    assert Event.objects.filter(kind__endswith=".refused").count() == 30
    assert Client(REMOTE_ADDR="127.0.0.2").post(path, form).status_code == 422
    clock.shift(timedelta(hours=1))
    assert client.post(path, form).status_code == 422


@pytest.mark.parametrize("path", ["/aktivasyon/", "/hesap/kurtarma/", "/giris/unuttum/", "/hesap/kurtarma/tamam/"])
def test_open_pages_ask_no_question(client: Client, path: str, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert client.get(path).status_code == 200
