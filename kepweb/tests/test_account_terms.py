"""Once an hour accounts whose term and grace are over are closed, by one worker (K-036, R-015)."""

from datetime import date, timedelta

import pytest

from accounts.models import KepAccount
from accounts.tests.cast import make_account
from accounts.tests.conftest import NOON
from evidence import periodic
from kepweb import account_terms, checks


@pytest.fixture(autouse=True)
def looked_anew() -> None:
    periodic.forget()


@pytest.mark.django_db
def test_every_account_that_is_over_is_closed_in_one_look_and_the_others_stay() -> None:
    for number in range(120):
        account = make_account(f"sirket.{number}@hs01.kep.tr", holder=f"Şirket {number}")
        KepAccount.objects.filter(pk=account.pk).update(expires_on=date(2026, 1, 1))
    paid = make_account("odedi@hs01.kep.tr", holder="Ödedi A.Ş.")
    in_grace = make_account("sureli@hs01.kep.tr", holder="Süreli A.Ş.")
    KepAccount.objects.filter(pk=in_grace.pk).update(expires_on=(NOON - timedelta(days=92)).date())
    assert account_terms.close_expired(NOON) == 0
    left = KepAccount.objects.exclude(state=KepAccount.State.CLOSED).order_by("address")
    assert list(left) == [paid, in_grace]


@pytest.mark.django_db
def test_an_hour_is_looked_at_once() -> None:
    account_terms.close_expired(NOON)
    account = make_account("sirket@hs01.kep.tr", holder="Şirket")
    KepAccount.objects.filter(pk=account.pk).update(expires_on=date(2026, 1, 1))
    account_terms.close_expired(NOON + timedelta(minutes=30))
    account.refresh_from_db()
    assert account.state == KepAccount.State.ACTIVE
    account_terms.close_expired(NOON + timedelta(hours=1))
    account.refresh_from_db()
    assert account.state == KepAccount.State.CLOSED


def test_a_grace_of_less_than_three_months_is_a_mistake_with_a_name(settings: object) -> None:
    assert checks.grace_is_long_enough() == []
    settings.KEP_EXPIRY_GRACE = timedelta(days=91)  # type: ignore[attr-defined]
    assert [each.id for each in checks.grace_is_long_enough()] == ["kep.E011"]
