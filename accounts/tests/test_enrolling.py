"""Whoever was written down by somebody else keeps nothing of it once he is seen (I-004, K-025, V-011, V-013)."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.errors import PhoneRefused, TcknRefused
from accounts.identity_errors import NameRefused
from accounts.models import KnownDevice, OpenVisit, Person
from accounts.persons import enroll, set_secrets
from accounts.tests.cast import PASSWORD, PIN, make_account, make_person, new_tckn, sign_in
from accounts.tests.conftest import NOON
from accounts.tests.together import at_once
from evidence.models import Event

pytestmark = pytest.mark.django_db
State = Person.IdentityState
HIS, ANOTHERS = "+905551110011", "+905559990099"


def written(tckn: str, **more: Any) -> Person:
    """As an employer or an inviter writes somebody down; the phone may be anybody's."""
    facts = {"first_name": "Ali", "last_name": "Çelik", "phone": ANOTHERS, "now": NOON, "established": False}
    return enroll(tckn=tckn, **{**facts, **more})


def seen(tckn: str, **more: Any) -> Person:
    """As the desk enrols somebody whose papers it holds."""
    return written(tckn, **{"phone": HIS, "established": True, "birth_date": date(1990, 5, 17), **more})


def with_secrets(person: Person) -> Person:
    set_secrets(person, password=PASSWORD, pin=PIN)
    person.save(update_fields=["password", "pin_hash"])
    return person


def test_a_new_person_has_no_secrets_and_cannot_sign_in(client: Client) -> None:
    person = seen(new_tckn())
    assert not person.has_secrets
    assert not person.has_usable_password()
    assert person.pin_hash == ""
    assert (person.identity_state, person.identity_established_at) == (State.ESTABLISHED, NOON)
    assert (person.birth_date, person.email, person.phone_changed_at) == ("1990-05-17", None, None)


def test_somebody_written_down_is_known_by_form_only() -> None:
    person = written(new_tckn(), email="ali@example.com")
    assert (person.identity_state, person.identity_established_at, person.email) == (
        State.FORM_ONLY, None, "ali@example.com",
    )  # fmt: skip


def test_who_is_seen_for_the_first_time_gets_his_own_phone_and_loses_every_unproven_way_in(
    clock: time_machine.Traveller, client: Client
) -> None:
    """The attack: write somebody down with your own phone, set the secrets, wait until he opens an account."""
    tckn = new_tckn()
    thief = with_secrets(written(tckn, first_name="Alı", last_name="Celik"))
    account = make_account("isyeri@hs01.kep.tr", holder=thief)
    sign_in(client, thief)
    TOTPDevice.objects.create(user=thief, name="t")
    StaticDevice.objects.create(user=thief, name="s")
    assert client.get("/gelen/").status_code == 200

    later = clock.shift(timedelta(hours=1)) or NOON + timedelta(hours=1)
    person = seen(tckn, now=later)

    assert person.pk == thief.pk
    assert (person.full_name, person.phone, person.phone_changed_at) == ("Ali Çelik", HIS, later)
    assert person.identity_state == State.ESTABLISHED
    assert not person.has_secrets
    assert not person.check_password(PASSWORD)
    assert person.pin_hash == ""
    assert not TOTPDevice.objects.exists()
    assert not StaticDevice.objects.exists()
    assert not KnownDevice.objects.filter(person=person).exists()
    assert not OpenVisit.objects.filter(person=person, ended_at=None).exists()
    assert client.get("/gelen/").status_code == 302
    assert account.holder.person == person


def test_a_half_finished_sign_in_dies_with_the_old_phone(clock: time_machine.Traveller, client: Client) -> None:
    from accounts.tests.cast import post_code, post_secrets, texts

    thief = with_secrets(written(new_tckn()))
    assert post_secrets(client, thief.tckn).status_code == 302
    code = texts(thief)[-1].code
    seen(thief.tckn)
    assert post_code(client, code).status_code != 302
    assert client.get("/gelen/").status_code == 302


@pytest.mark.parametrize("established", [True, False])
def test_who_was_seen_before_stays_exactly_as_he_is(established: bool) -> None:
    """V-011: no desk, employer or inviter changes a phone by enrolling somebody again."""
    person = make_person("Ali", "Çelik")
    before = Person.objects.filter(pk=person.pk).values().get()
    again = enroll(
        tckn=person.tckn, first_name="Veli", last_name="Kaya", phone=ANOTHERS, now=NOON, established=established,
        birth_date=date(2001, 1, 1), email="v@example.com",
    )  # fmt: skip
    assert again.pk == person.pk
    assert Person.objects.filter(pk=person.pk).values().get() == before


def test_who_was_only_written_down_is_not_changed_by_being_written_down_again() -> None:
    person = with_secrets(written(new_tckn()))
    again = written(person.tckn, phone="+905550000001", first_name="Veli")
    assert (again.phone, again.first_name, again.has_secrets) == (ANOTHERS, "Ali", True)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"tckn": "12345678951"}, TcknRefused),
        ({"tckn": "１２３４５６７８９５０"}, TcknRefused),
        ({"phone": "02121234567"}, PhoneRefused),
        ({"first_name": "Al\N{RIGHT-TO-LEFT OVERRIDE}i"}, NameRefused),
        ({"last_name": ""}, NameRefused),
    ],
)
def test_what_is_malformed_enrols_nobody(wrong: dict[str, str], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        written(wrong.get("tckn", new_tckn()), **{name: value for name, value in wrong.items() if name != "tckn"})
    assert not Person.objects.exists()


def test_events_hold_no_number_phone_or_name() -> None:
    person = seen(with_secrets(written(new_tckn())).tckn)
    bodies = "".join(bytes(each.body).decode() for each in Event.objects.filter(kind__startswith="person."))
    assert "secrets_dropped" in bodies
    for secret in (person.tckn, HIS, ANOTHERS, "Çelik"):
        assert secret not in bodies


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_fifty_who_enrol_one_number_at_once_one_makes_the_person(transactional_db: None) -> None:
    tckn = new_tckn()
    assert at_once([lambda: written(tckn)] * 25 + [lambda: seen(tckn)] * 25) == 50
    person = Person.objects.get()
    assert (person.phone, person.identity_state) == (HIS, State.ESTABLISHED)
    assert Event.objects.filter(kind="person.enrolled").count() == 1
    assert Event.objects.filter(kind="person.established").count() == 1
