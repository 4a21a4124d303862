"""What an address comes to (design.md 1.1.4, K-004, K-063, K-071, V-010, V-098)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.identity import read_address
from accounts.models import KepAccount
from accounts.tests.cast import make_account, make_person
from directory.errors import NoSuchProvider, NotKep, ProviderNotOpen, UnknownHere, WrittenTwice
from directory.providers import provider_of
from directory.search import Resolved, Standing, resolve

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def asker(db: None) -> KepAccount:
    """The account that asks."""
    return make_account("mehmet.kaya@hs01.kep.tr", holder=make_person("Mehmet", "Kaya"))


def one(asker: KepAccount, address: str) -> Resolved:
    (answer,) = resolve([address], asker=asker, now=NOW)
    return answer


def test_our_own_account_is_found_in_whatever_capitals(asker: KepAccount) -> None:
    account = make_account("gunes.lojistik@gunes.hs01.kep.tr", holder="Güneş Lojistik A.Ş.")
    answer = one(asker, "Gunes.LOJISTIK@gunes.HS01.kep.tr")
    assert answer == Resolved(
        "gunes.lojistik@gunes.hs01.kep.tr", Standing.OURS, account, "Güneş Lojistik A.Ş.", "hs01", None
    )
    assert answer.code == ""


def test_unlisted_persons_resolve_without_a_name(asker: KepAccount) -> None:
    make_account("ayse.yildiz@hs01.kep.tr", holder=make_person("Ayşe", "Yıldız"), listed=False)
    answer = one(asker, "ayse.yildiz@hs01.kep.tr")
    assert (answer.state, answer.name, answer.refusal) == (Standing.OURS, "", None)


def test_listed_persons_and_every_legal_person_are_named(asker: KepAccount) -> None:
    make_account("ayse.yildiz@hs01.kep.tr", holder=make_person("Ayşe", "Yıldız"), listed=True)
    make_account("cinarova@hs01.kep.tr", holder="Çınarova Belediyesi", public=True, listed=False)
    answers = resolve(["ayse.yildiz@hs01.kep.tr", "cinarova@hs01.kep.tr"], asker=asker, now=NOW)
    assert [answer.name for answer in answers] == ["Ayşe Yıldız", "Çınarova Belediyesi"]


def test_unknown_closed_and_not_yet_activated_sound_the_same(asker: KepAccount) -> None:
    make_account("kapali@hs01.kep.tr", holder="Kapalı", state=KepAccount.State.CLOSED)
    make_account("bekleyen@hs01.kep.tr", holder="Bekleyen", state=KepAccount.State.PENDING_ACTIVATION)
    addresses = ["kapali@hs01.kep.tr", "bekleyen@hs01.kep.tr", "hic.yok@hs01.kep.tr"]
    answers = resolve(addresses, asker=asker, now=NOW)
    assert [answer.address for answer in answers] == addresses
    told = {
        (answer.state, answer.account, answer.name, answer.provider, type(answer.refusal), answer.refusal.for_person())
        for answer in answers
        if answer.refusal
    }
    assert len(told) == 1
    assert {answer.code for answer in answers} == {"ALC-04"}
    assert isinstance(answers[0].refusal, UnknownHere)


def test_a_suspended_account_still_receives(asker: KepAccount) -> None:
    make_account("askida@hs01.kep.tr", holder="Askıda", state=KepAccount.State.SUSPENDED)
    assert one(asker, "askida@hs01.kep.tr").state is Standing.OURS


def test_an_account_is_reachable_from_its_activation_on(asker: KepAccount) -> None:
    account = make_account("yeni@hs01.kep.tr", holder="Yeni")
    KepAccount.objects.filter(pk=account.pk).update(activated_at=NOW + timedelta(seconds=1))
    assert one(asker, "yeni@hs01.kep.tr").code == "ALC-04"
    (later,) = resolve(["yeni@hs01.kep.tr"], asker=asker, now=NOW + timedelta(seconds=1))
    assert later.state is Standing.OURS


def test_another_provider_is_told_apart_and_not_open_yet(asker: KepAccount) -> None:
    make_account("gunes.lojistik@hs02.kep.tr", holder="A row that should not be here")
    answer = one(asker, "gunes.lojistik@hs02.kep.tr")
    assert (answer.state, answer.account, answer.provider, answer.code) == (
        Standing.OTHER_PROVIDER,
        None,
        "hs02",
        "ALC-08",
    )
    assert isinstance(answer.refusal, ProviderNotOpen)
    assert "gönderim henüz açık değil" in answer.refusal.for_person()


def test_a_provider_nobody_knows_is_refused(asker: KepAccount) -> None:
    answer = one(asker, "ali@hs77.kep.tr")
    assert isinstance(answer.refusal, NoSuchProvider)
    assert (answer.state, answer.code) == (Standing.REFUSED, "ALC-07")
    assert "hs77" in answer.refusal.for_person()


@pytest.mark.parametrize("text", ["ali@example.com", "Ali <ali@hs01.kep.tr>", "ali", "", "ışıl@hs01.kep.tr", "a@b@c"])
def test_outside_the_closed_circuit_is_refused_and_shown_as_written(asker: KepAccount, text: str) -> None:
    answer = one(asker, text)
    assert isinstance(answer.refusal, NotKep)
    assert (answer.state, answer.address, answer.code) == (Standing.REFUSED, text, "ALC-05")


def test_the_second_time_an_address_is_written_is_refused(asker: KepAccount) -> None:
    account = make_account("gunes@hs01.kep.tr", holder="Güneş")
    first, second, third = resolve(
        ["gunes@hs01.kep.tr", "GUNES@hs01.kep.tr", "gunes@hs01.kep.tr"], asker=asker, now=NOW
    )
    assert first.account == account
    assert isinstance(second.refusal, WrittenTwice)
    assert [second.code, third.code] == ["ALC-06", "ALC-06"]


def test_answers_come_in_the_order_of_the_questions_with_one_query(asker: KepAccount) -> None:
    for number in range(40):
        make_account(f"sirket{number}@hs01.kep.tr", holder=f"Şirket {number}")
    addresses = [f"sirket{number}@hs01.kep.tr" for number in reversed(range(40))] + ["x", "yok@hs01.kep.tr"]
    with CaptureQueriesContext(connection) as queries:
        answers = resolve(addresses, asker=asker, now=NOW)
    assert [answer.address for answer in answers] == addresses
    assert [answer.name for answer in answers[:2]] == ["Şirket 39", "Şirket 38"]
    assert len(queries) == 1


def test_nothing_asked_nothing_answered(asker: KepAccount) -> None:
    assert resolve([], asker=asker, now=NOW) == ()


def test_one_may_write_to_oneself(asker: KepAccount) -> None:
    assert one(asker, asker.address).state is Standing.OURS


def test_the_provider_is_read_off_the_domain(settings: Any) -> None:
    ours, peer, nobody = (provider_of(read_address(f"a@{domain}.kep.tr")) for domain in ("kurum.hs01", "hs02", "hs09"))
    assert (ours.code, ours.is_known, ours.is_ours) == ("hs01", True, True)
    assert (peer.code, peer.is_known, peer.is_ours) == ("hs02", True, False)
    assert (nobody.code, nobody.is_known, nobody.is_ours) == ("hs09", False, False)
    settings.KEP_PROVIDER_CODE = "hs02"
    assert provider_of(read_address("a@hs02.kep.tr")).is_ours
