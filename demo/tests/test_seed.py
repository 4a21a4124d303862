"""The demo cast: made once, found again, and told in one file."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12
from django.contrib.auth.hashers import check_password
from django.test import Client
from django.urls import reverse

from accounts.access import accounts_of
from accounts.identity import is_tckn
from accounts.models import AccountHolder, KepAccount, Operator, Person, Post
from accounts.persons import tckn_index
from demo import cast
from demo.seed import seed

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_data(settings: Any, tmp_path: Path) -> None:
    """A data directory and a PKI of its own."""
    settings.KEP_DATA_DIR = tmp_path
    settings.KEP_PKI_DIR = tmp_path / "pki"


def person_of(entry: dict[str, Any]) -> Person:
    return Person.objects.get(tckn_index=tckn_index(entry["tckn"]))


def test_the_file_tells_everybody_in_the_agreed_form() -> None:
    file = seed(now=NOW)
    told = json.loads(file.read_text())
    assert list(told) == ["providers", "people"]
    assert [provider["code"] for provider in told["providers"]] == ["hs01"]
    keys = ["name", "role", "tckn", "parola", "sifre", "phone", "addresses", "p12", "p12_pin"]
    assert all(list(entry) == keys for entry in told["people"])
    roles = [entry["role"] for entry in told["people"]]
    assert sorted(roles) == sorted(
        [
            "sender",
            "receive_only",
            "main_operator",
            "sub_operator",
            "branch_clerk",
            "branch_clerk",
            "back_office",
            "back_office",
            "municipality_operator",
            "stranger",
        ]
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_every_number_fits_the_algorithm_and_is_used_once() -> None:
    numbers = [member.tckn for member in cast.PEOPLE]
    assert all(is_tckn(number) for number in numbers)
    assert len(set(numbers)) == len(numbers) == len({member.phone for member in cast.PEOPLE})


def test_secrets_fit_the_people_and_differ_between_them() -> None:
    told = json.loads(seed(now=NOW).read_text())["people"]
    for entry in told:
        person = person_of(entry)
        assert check_password(entry["parola"], person.password)
        assert check_password(entry["sifre"], person.pin_hash)
        assert (person.full_name, person.phone) == (entry["name"], entry["phone"])
    assert len({entry["parola"] for entry in told}) == len(told)


def test_everybody_may_do_what_the_role_says() -> None:
    told = {entry["role"]: entry for entry in json.loads(seed(now=NOW).read_text())["people"]}

    def acts(role: str) -> list[tuple[str, bool, bool]]:
        held = accounts_of(person_of(told[role]), now=NOW)
        return [(each.account.address, each.rights.may_compose, each.rights.may_sign_and_send) for each in held]

    assert acts("sender") == [("ayse.yildiz@hs01.kep.tr", True, True)]
    assert acts("receive_only") == [("hatice.koc@hs01.kep.tr", False, False)]
    assert acts("main_operator") == [("anadolu.makina@hs01.kep.tr", True, True)]
    assert acts("sub_operator") == [("anadolu.makina@hs01.kep.tr", True, False)]
    assert acts("municipality_operator") == [("cinarova.belediyesi@hs01.kep.tr", True, True)]
    assert acts("stranger") == [("deniz.arslan@hs01.kep.tr", True, True)]
    assert acts("branch_clerk") == []
    assert AccountHolder.objects.get(name="Çınarova Belediyesi").kind == AccountHolder.Kind.PUBLIC_LEGAL


def test_two_clerks_serve_at_one_branch_and_two_people_in_the_back_office() -> None:
    told = json.loads(seed(now=NOW).read_text())["people"]
    held = {
        entry["name"]: [
            (post.role, post.branch.name if post.branch else "")
            for post in Post.objects.filter(person=person_of(entry)).select_related("branch")
        ]
        for entry in told
    }
    assert {name: posts for name, posts in held.items() if posts} == {
        "Zeynep Aydın": [("clerk", "Çınarova Merkez Şubesi")],
        "Burak Çetin": [("clerk", "Çınarova Merkez Şubesi")],
        "Selin Korkmaz": [("back_office", "")],
        "Okan Tunç": [("back_office", "")],
    }


def test_a_post_that_was_ended_stays_ended() -> None:
    seed(now=NOW)
    Post.objects.filter(role="back_office").update(ends_at=NOW)
    seed(now=datetime(2027, 1, 1, tzinfo=UTC))
    assert not Post.objects.filter(role="back_office", ends_at=None).exists()


def test_each_e_imza_opens_with_its_pin_and_names_its_person() -> None:
    for entry in json.loads(seed(now=NOW).read_text())["people"]:
        raw = Path(entry["p12"]).read_bytes()
        _, certificate, _ = pkcs12.load_key_and_certificates(raw, entry["p12_pin"].encode())
        assert certificate is not None
        assert entry["tckn"] in certificate.subject.rfc4514_string()


def test_a_second_run_changes_nothing() -> None:
    file = seed(now=NOW)
    before = (file.read_bytes(), list(Person.objects.order_by("pk").values()), Operator.objects.count())
    seed(now=datetime(2027, 1, 1, tzinfo=UTC))
    after = (file.read_bytes(), list(Person.objects.order_by("pk").values()), Operator.objects.count())
    assert before == after


def test_a_lost_file_means_new_secrets_for_the_same_people() -> None:
    file = seed(now=NOW)
    old = {entry["tckn"]: entry for entry in json.loads(file.read_text())["people"]}
    file.unlink()
    for entry in json.loads(seed(now=NOW).read_text())["people"]:
        person = person_of(entry)
        assert check_password(entry["sifre"], person.pin_hash)
        assert not check_password(old[entry["tckn"]]["parola"], person.password)
        assert pkcs12.load_key_and_certificates(Path(entry["p12"]).read_bytes(), entry["p12_pin"].encode())[1]
    assert Person.objects.count() == len(old)


def test_the_peer_has_people_of_its_own(settings: Any) -> None:
    settings.KEP_PROVIDER_CODE = "hs02"
    told = json.loads(seed(now=NOW).read_text())["people"]
    assert [entry["addresses"] for entry in told] == [["isil.dogan@hs02.kep.tr"], ["gunes.lojistik@hs02.kep.tr"]]
    assert set(KepAccount.objects.values_list("address", flat=True)) == {
        "isil.dogan@hs02.kep.tr",
        "gunes.lojistik@hs02.kep.tr",
    }


def test_the_demo_phone_shows_the_newest_text_first_to_anybody(client: Client, settings: Any) -> None:
    entry = json.loads(seed(now=NOW).read_text())["people"][0]
    person = person_of(entry)
    for number in (person.phone, "+905550009999"):
        with settings.KEP_SMS_FILE.open("a") as phone:
            phone.write(json.dumps({"to": number, "text": f"to {number}", "sent_at": NOW.isoformat()}) + "\n")
    page = client.get(reverse("demo:phone"))
    assert [sms.text for sms in page.context["sms_list"]] == ["to +905550009999", f"to {person.phone}"]
    assert person.full_name in page.content.decode()
    one = client.get(reverse("demo:phone"), {"telefon": person.phone})
    assert [sms.text for sms in one.context["sms_list"]] == [f"to {person.phone}"]
