"""The record of present operators: from the rows of the moment, sealed by the worker alone (K-130, I-006)."""

from datetime import timedelta
from typing import Any

import pytest

from accounts import access
from accounts.models import KepAccount, Operator
from accounts.operating import record
from accounts.operating.errors import MayNotManage, NoSuchRecord
from accounts.operating.grants import RIGHTS
from accounts.tests.cast import make_account, make_operator, make_person
from accounts.tests.conftest import NOON
from evidence import pdf
from evidence.models import Event, SealRequest

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("clock")]

ALL = dict.fromkeys(RIGHTS, True)
NONE = dict.fromkeys(RIGHTS, False)


@pytest.fixture
def company(db: None) -> KepAccount:
    return make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu #Makina* Ltd. Şti.")


@pytest.fixture
def head(company: KepAccount) -> Operator:
    return make_operator(company, make_person("Mehmet", "Kaya"), is_main=True, role="Müdür", **ALL)


def described(request: SealRequest) -> dict[str, Any]:
    return dict(record.describe(request, NOON).facts)


def acting(operator: Operator) -> access.Acting:
    return access.account_for(operator.person, operator.account.public_id, now=NOON)


def test_it_says_who_may_act_now_and_nobody_else(company: KepAccount, head: Operator) -> None:
    reader = make_operator(company, make_person("Elif", "Şahin"), **{**NONE, "may_read": True})
    make_operator(company, make_person("Eski", "Biri"), ends_at=NOON)
    make_operator(company, make_person("Yeni", "Biri"), starts_at=NOON + timedelta(days=1))
    elsewhere = make_account("baska@hs01.kep.tr", holder="Başka A.Ş.")
    make_operator(elsewhere, make_person("Başka", "Biri"))
    facts = described(record.ask(acting(head), now=NOON))
    assert [(each["name"], each["is_main"], each["rights"]) for each in facts["operators"]] == [
        (
            "Mehmet Kaya",
            True,
            [  # a company sends no e-tebligat, whatever stands in the row
                "Okuma",
                "Yazma",
                "İmzalayıp gönderme",
                "e-Tebligat okuma",
                "Bakiye görme",
                "Arşiv",
                "Silme",
                "Yetkili yönetimi",
            ],
        ),
        ("Elif Şahin", False, ["Okuma"]),
    ]
    assert (facts["asked_by"], facts["holder_name"]) == ("Mehmet Kaya", company.holder.name)
    assert reader.person.tckn not in repr(facts)


def test_a_right_taken_between_asking_and_sealing_does_not_stand_there(company: KepAccount, head: Operator) -> None:
    clerk = make_operator(company, make_person("Elif", "Şahin"))
    request = record.ask(acting(head), now=NOON)
    Operator.objects.filter(pk=clerk.pk).update(ends_at=NOON)
    assert [each["name"] for each in described(request)["operators"]] == ["Mehmet Kaya"]


def test_it_prints_names_that_look_like_markup(company: KepAccount, head: Operator) -> None:
    Operator.objects.filter(pk=head.pk).update(role='#read("/etc/passwd") $x$ *a* \u202e')
    paper = record.describe(record.ask(acting(head), now=NOON), NOON)
    made = pdf.render(paper.template, paper.facts)
    assert made.startswith(b"%PDF-")
    assert paper.subject == f"account:{company.public_id}"


def test_one_a_minute_and_each_of_its_own_minute(company: KepAccount, head: Operator) -> None:
    first, same = record.ask(acting(head), now=NOON), record.ask(acting(head), now=NOON + timedelta(seconds=59))
    later = record.ask(acting(head), now=NOON + timedelta(seconds=60))
    assert first == same != later
    assert record.latest(company) == later
    assert Event.objects.filter(kind="paper.asked", subject=f"account:{company.public_id}").count() == 2


def test_only_who_may_look_asks_and_fetches_and_only_his_own(company: KepAccount, head: Operator) -> None:
    clerk = make_operator(company, make_person(), **{**NONE, "may_read": True})
    made = record.ask(acting(head), now=NOON)
    with pytest.raises(MayNotManage):
        record.ask(acting(clerk), now=NOON)
    with pytest.raises(MayNotManage):
        record.asked(acting(clerk), made.version)
    other = make_operator(make_account("b@hs01.kep.tr", holder="B A.Ş."), make_person(), is_main=True, **ALL)
    with pytest.raises(NoSuchRecord):
        record.asked(acting(other), made.version)
    assert record.asked(acting(head), made.version) == made
