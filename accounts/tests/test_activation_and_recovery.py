"""The code of the desk becomes two secrets: once, in order, by the right person, with one answer to everybody else."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import check_password
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import activation, recovery
from accounts.activation import AcceptedText
from accounts.errors import SecretsRefused
from accounts.life_errors import (
    ActivationRefused,
    NothingChanged,
    NothingToActivate,
    NotReachable,
    RecoveryRefused,
    SignInInstead,
    TermsNotAccepted,
)
from accounts.models import (
    AccountChange,
    KepAccount,
    OneTimeCode,
    Person,
    SmsNotice,
    TermsAccepted,
    WrongTries,
)
from accounts.tests.cast import (
    PASSWORD,
    PIN,
    make_account,
    make_operator,
    make_person,
    new_tckn,
    post_secrets,
    sign_in,
    texts,
)
from accounts.tests.conftest import NOON
from evidence.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.database]

TEXTS = (AcceptedText("kepue", "1"), AcceptedText("kvkk", "1"))
NEW_PASSWORD, NEW_PIN = "deniz-feneri-uzak", "730825"
PENDING = KepAccount.State.PENDING_ACTIVATION


def without_secrets() -> Person:
    """Somebody the desk has enrolled, who has chosen nothing yet."""
    person = make_person("Zeynep", "Kaya")
    person.set_unusable_password()
    person.pin_hash = ""
    person.save()
    return person


@pytest.fixture
def zeynep() -> Person:
    return without_secrets()


@pytest.fixture
def waiting(zeynep: Person) -> KepAccount:
    return make_account("zeynep.kaya@hs01.kep.tr", holder=zeynep, state=PENDING)


def last_code(person: Person) -> str:
    return texts(person)[-1].text.rsplit("#", 1)[1]


def activate(person: Person, account: KepAccount, code: str, **other: object) -> activation.Activated:
    given = {
        "tckn": person.tckn,
        "address": account.address,
        "code": code,
        "password": NEW_PASSWORD,
        "pin": NEW_PIN,
        "accepted": TEXTS,
        "texts": TEXTS,
        "now": NOON,
    }
    return activation.activate(**{**given, **other})  # type: ignore[arg-type]


# --- activation -----------------------------------------------------------------------------------------------------
def test_the_code_opens_the_account_and_sets_both_secrets(zeynep: Person, waiting: KepAccount) -> None:
    activation.begin(waiting, now=NOON)
    done = activate(zeynep, waiting, last_code(zeynep))
    waiting.refresh_from_db()
    zeynep.refresh_from_db()
    assert done.account is not None
    assert (waiting.state, waiting.activated_at) == (KepAccount.State.ACTIVE, NOON)
    assert check_password(NEW_PASSWORD, zeynep.password)
    assert check_password(NEW_PIN, zeynep.pin_hash)
    change = AccountChange.objects.get(account=waiting)
    assert (change.kind, change.actor) == ("activated", f"person:{zeynep.pk}")
    assert set(TermsAccepted.objects.values_list("person", "account", "text", "version")) == {
        (zeynep.pk, waiting.pk, each.text, each.version) for each in TEXTS
    }
    assert list(Event.objects.order_by("pk").values_list("kind", flat=True)) == [
        "activation.begun",
        "account.activated",
    ]


def test_no_event_holds_number_code_address_or_name(zeynep: Person, waiting: KepAccount) -> None:
    activation.begin(waiting, now=NOON)
    code = last_code(zeynep)
    with pytest.raises(ActivationRefused):
        activate(zeynep, waiting, "00000000")
    activate(zeynep, waiting, code)
    for body in Event.objects.values_list("body", flat=True):
        said = bytes(body).decode()
        for secret in (zeynep.tckn, code, zeynep.phone, "Zeynep", "Kaya", waiting.address):
            assert secret not in said


def test_every_wrong_combination_has_one_answer_and_costs_one_entry_at_most(
    zeynep: Person, waiting: KepAccount
) -> None:
    stranger, closed = make_person(), make_account("kapali@hs01.kep.tr", holder=make_person(), state="CLOSED")
    activation.begin(waiting, now=NOON)
    code = last_code(zeynep)
    answers = set()
    for other in (
        {"code": "00000000"},
        {"code": ""},
        {"tckn": new_tckn()},
        {"tckn": stranger.tckn},
        {"address": closed.address},
        {"address": "kimse.yok@hs01.kep.tr"},
        {"address": "zeynep.kaya@gmail.com"},
        {"address": "zeynep.ka\u0131a@hs01.kep.tr"},
        {"address": "\x00"},
    ):
        with pytest.raises(ActivationRefused) as refusal:
            activate(zeynep, waiting, **{"code": code, **other})
        answers.add(refusal.value.for_person())
    assert len(answers) == 1
    assert OneTimeCode.objects.get().tries == 2
    assert Event.objects.filter(kind="activation.refused").count() == 9
    assert not WrongTries.objects.exists()  # nobody is kept from signing in from here (V-007)
    assert activate(zeynep, waiting, code)


def test_five_wrong_entries_and_the_right_one_is_not_taken_any_more(zeynep: Person, waiting: KepAccount) -> None:
    activation.begin(waiting, now=NOON)
    code = last_code(zeynep)
    for _ in range(5):
        with pytest.raises(ActivationRefused):
            activate(zeynep, waiting, "00000000")
    with pytest.raises(ActivationRefused):
        activate(zeynep, waiting, code)
    activation.begin(waiting, now=NOON + timedelta(minutes=1))  # the branch sends a new one
    assert activate(zeynep, waiting, last_code(zeynep), now=NOON + timedelta(minutes=1))


def test_a_code_of_yesterday_is_not_taken(zeynep: Person, waiting: KepAccount) -> None:
    activation.begin(waiting, now=NOON)
    with pytest.raises(ActivationRefused):
        activate(zeynep, waiting, last_code(zeynep), now=NOON + timedelta(hours=24))


@pytest.mark.parametrize(
    ("other", "refusal"),
    [
        ({"password": "zeynepkaya"}, SecretsRefused),
        ({"pin": "123456"}, SecretsRefused),
        ({"pin": NEW_PASSWORD}, SecretsRefused),
        ({"accepted": TEXTS[:1]}, TermsNotAccepted),
        ({"accepted": (TEXTS[0], AcceptedText("kvkk", "0"))}, TermsNotAccepted),
        ({"accepted": ()}, TermsNotAccepted),
    ],
)
def test_a_refused_choice_uses_nothing_up_and_changes_nothing(
    zeynep: Person, waiting: KepAccount, other: dict[str, object], refusal: type[Exception]
) -> None:
    activation.begin(waiting, now=NOON)
    code = last_code(zeynep)
    with pytest.raises(refusal):
        activate(zeynep, waiting, code, **other)
    zeynep.refresh_from_db()
    waiting.refresh_from_db()
    assert (zeynep.has_secrets, waiting.state) == (False, PENDING)
    assert not TermsAccepted.objects.exists()
    assert activate(zeynep, waiting, code)


def test_the_code_is_taken_once_and_an_open_account_sends_no_more(zeynep: Person, waiting: KepAccount) -> None:
    activation.begin(waiting, now=NOON)
    code = last_code(zeynep)
    activate(zeynep, waiting, code)
    with pytest.raises(ActivationRefused):
        activate(zeynep, waiting, code, password="baska-bir-parola")
    waiting.refresh_from_db()
    with pytest.raises(NotReachable):
        activation.begin(waiting, now=NOON + timedelta(minutes=1))
    zeynep.refresh_from_db()
    assert check_password(NEW_PASSWORD, zeynep.password)


def test_whoever_has_secrets_keeps_them_and_opens_the_account_signed_in() -> None:
    person = make_person()
    account = make_account("ikinci@hs01.kep.tr", holder=person, state=PENDING)
    activation.begin(account, now=NOON)
    with pytest.raises(SignInInstead):
        activate(person, account, last_code(person))
    person.refresh_from_db()
    assert check_password(PASSWORD, person.password)
    stranger = make_person()
    with pytest.raises(NothingToActivate):
        activation.activate_signed_in(stranger, account.public_id, accepted=TEXTS, texts=TEXTS, now=NOON)
    with pytest.raises(TermsNotAccepted):
        activation.activate_signed_in(person, account.public_id, accepted=(), texts=TEXTS, now=NOON)
    opened = activation.activate_signed_in(person, account.public_id, accepted=TEXTS, texts=TEXTS, now=NOON)
    assert opened.state == KepAccount.State.ACTIVE
    with pytest.raises(NothingToActivate):
        activation.activate_signed_in(person, account.public_id, accepted=TEXTS, texts=TEXTS, now=NOON)


def test_a_company_is_opened_by_its_main_operator_only(zeynep: Person) -> None:
    company, sub = make_account("firma@hs01.kep.tr", holder="Firma A.Ş.", state=PENDING), without_secrets()
    with pytest.raises(NotReachable):
        activation.begin(company, now=NOON)
    make_operator(company, sub)
    make_operator(company, zeynep, is_main=True)
    activation.begin(company, now=NOON)
    assert texts(sub) == []
    code = last_code(zeynep)
    with pytest.raises(ActivationRefused):
        activate(sub, company, code)
    assert activate(zeynep, company, code).account is not None


def test_an_invited_person_sets_secrets_and_opens_nothing(zeynep: Person) -> None:
    company = make_account("firma@hs01.kep.tr", holder="Firma A.Ş.")
    activation.begin_for(zeynep, now=NOON)
    code = last_code(zeynep)
    with pytest.raises(ActivationRefused):  # nobody has invited her to this one
        activate(zeynep, company, code)
    make_operator(company, zeynep)
    assert activate(zeynep, company, code).account is None
    zeynep.refresh_from_db()
    assert zeynep.has_secrets
    assert not AccountChange.objects.exists()
    with pytest.raises(NotReachable):
        activation.begin_for(zeynep, now=NOON)


def test_a_holder_whose_secrets_were_taken_away_sets_new_ones(zeynep: Person) -> None:
    account = make_account("zeynep.kaya@hs01.kep.tr", holder=zeynep)
    activation.begin_for(zeynep, now=NOON)
    assert activate(zeynep, account, last_code(zeynep)).account is None
    zeynep.refresh_from_db()
    assert zeynep.has_secrets


@pytest.mark.parametrize("password", ["", "!", PASSWORD])
def test_whoever_was_not_activated_yet_is_refused_like_nobody(client: Client, zeynep: Person, password: str) -> None:
    answers = [post_secrets(client, tckn, password or " ", PIN) for tckn in (zeynep.tckn, new_tckn())]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("GRS-02" in answer.content.decode() for answer in answers)


# --- recovery and renewal -------------------------------------------------------------------------------------------
def test_recovery_sets_both_ends_every_visit_forgives_and_tells(person: Person) -> None:
    client = Client()
    sign_in(client, person)
    WrongTries.objects.create(tckn_index=person.tckn_index, count=100, last_at=NOON)
    recovery.begin(person, now=NOON)
    recovery.recover(tckn=person.tckn, code=last_code(person), password=NEW_PASSWORD, pin=NEW_PIN, now=NOON)
    person.refresh_from_db()
    assert check_password(NEW_PASSWORD, person.password)
    assert check_password(NEW_PIN, person.pin_hash)
    assert not WrongTries.objects.exists()
    assert not person.known_devices.exists()
    assert not Session.objects.exists()
    assert client.get("/gelen/").status_code == 302
    assert "yenilendi" in SmsNotice.objects.get().text


def test_recovery_has_one_answer_and_the_code_is_of_this_person(person: Person) -> None:
    stranger = make_person()
    recovery.begin(person, now=NOON)
    code = last_code(person)
    answers = set()
    for tckn, typed in ((stranger.tckn, code), (new_tckn(), code), (person.tckn, "00000000"), (person.tckn, "")):
        with pytest.raises(RecoveryRefused) as refusal:
            recovery.recover(tckn=tckn, code=typed, password=NEW_PASSWORD, pin=NEW_PIN, now=NOON)
        answers.add(refusal.value.for_person())
    assert len(answers) == 1
    assert not WrongTries.objects.exists()
    with pytest.raises(SecretsRefused):
        recovery.recover(tckn=person.tckn, code=code, password=NEW_PASSWORD, pin="111111", now=NOON)
    assert recovery.recover(tckn=person.tckn, code=code, password=NEW_PASSWORD, pin=NEW_PIN, now=NOON) == person
    with pytest.raises(RecoveryRefused):
        recovery.recover(tckn=person.tckn, code=code, password=PASSWORD, pin=PIN, now=NOON)


def test_one_secret_is_renewed_and_the_other_stays(person: Person) -> None:
    recovery.renew(person, password=NEW_PASSWORD, proof="x", now=NOON)
    assert check_password(NEW_PASSWORD, person.password)
    assert check_password(PIN, person.pin_hash)
    recovery.renew(person, pin=NEW_PIN, proof="x", now=NOON)
    assert check_password(NEW_PIN, person.pin_hash)
    for given in ({"password": NEW_PASSWORD}, {"pin": NEW_PIN}):
        with pytest.raises(NothingChanged):
            recovery.renew(person, **given, proof="x", now=NOON)  # type: ignore[arg-type]
    with pytest.raises(SecretsRefused):
        recovery.renew(person, password=NEW_PIN + "00", pin=NEW_PIN + "00", proof="x", now=NOON)
