"""An address is given once and for ever, to an approved application, with all that belongs to it (K-020, K-033)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import allotment, lifecycle
from accounts.errors import AccountsError, AddressRefused
from accounts.identity import read_address
from accounts.identity_errors import AddressNotAllowed, AddressTaken, AlreadyAllotted, NotApproved, Why
from accounts.models import AccountChange, AccountHolder, Application, EntityDomain, KepAccount, Operator, Person
from accounts.operators import Act
from accounts.tests.approved import GUNES, make_application
from accounts.tests.cast import make_account, make_person
from accounts.tests.conftest import NOON
from accounts.tests.together import at_once
from evidence.models import Event

pytestmark = pytest.mark.django_db
Kind = Application.Kind
CLERK = "person:6f0c1f6e-0000-4000-8000-000000000001"


def allot(application: Application, address: str, **more: object) -> KepAccount:
    facts: dict[str, object] = {"now": NOON, "actor": CLERK, "branch": "34-01", **more}
    return allotment.allot(application, address, **facts)  # type: ignore[arg-type]


def nothing_happened() -> bool:
    return not (KepAccount.objects.exists() or Person.objects.exists() or AccountHolder.objects.exists())


# --- what comes into being --------------------------------------------------------------------------------------------
def test_a_natural_person_gets_account_holder_and_person_without_secrets() -> None:
    application = make_application(listed=True, takes_tebligat=True, wants_email=True, email="ali@example.com")
    account = allot(application, "ALI.CELIK@HS01.KEP.TR")
    application.refresh_from_db()
    person = Person.objects.get()
    assert application.account == account
    assert (account.address, account.state) == ("ali.celik@hs01.kep.tr", KepAccount.State.PENDING_ACTIVATION)
    assert (account.listed, account.takes_tebligat, account.wants_sms, account.wants_email) == (True, True, True, True)
    assert (account.holder.person, account.holder.name) == (person, "Ali Çelik")
    assert (account.opened_at, account.activated_at) == (NOON, None)
    assert not person.has_secrets
    assert (person.identity_state, person.identity_established_at) == (Person.IdentityState.ESTABLISHED, NOON)
    assert (person.phone, person.email) == (application.phone, "ali@example.com")
    change = AccountChange.objects.get()
    assert (change.kind, change.actor, change.branch, change.at) == ("opened", CLERK, "34-01", NOON)
    assert not Operator.objects.exists()


def test_a_legal_person_gets_a_main_operator_with_every_right() -> None:
    application = make_application("Mehmet", "Kaya", kind=Kind.PRIVATE_LEGAL, legal=GUNES)
    account = allot(application, "gunes@hs01.kep.tr")
    holder = account.holder
    assert (holder.kind, holder.name, holder.mersis, holder.company_type, holder.person) == (
        "private_legal", GUNES["name"], GUNES["mersis"], "anonim", None,
    )  # fmt: skip
    operator = Operator.objects.get(account=account)
    assert operator.is_main
    assert all(getattr(operator, act.value) for act in Act)
    assert account.listed, "legal persons stand in the directory without being asked (K-063)"


def test_the_event_names_no_person_and_no_number() -> None:
    application = make_application()
    allot(application, "ali.celik@hs01.kep.tr")
    bodies = "".join(bytes(each.body).decode() for each in Event.objects.all())
    for secret in (application.tckn, application.phone, "Çelik", "ali.celik"):
        assert secret not in bodies
    assert application.public_id in bodies


def test_a_person_with_an_account_gets_a_second_one_and_stays_as_he_is() -> None:
    known = make_person("Ali", "Çelik")
    before = (known.phone, known.password, known.pin_hash)
    make_account("ali.celik@hs01.kep.tr", holder=known)
    second = allot(make_application(tckn=known.tckn, phone="+905559999999"), "ali.celik.2@hs01.kep.tr")
    known.refresh_from_db()
    assert (known.phone, known.password, known.pin_hash) == before
    assert second.holder.person == known
    assert AccountHolder.objects.filter(person=known).count() == 1


def test_a_company_with_a_second_account_is_the_same_holder() -> None:
    first = allot(make_application(kind=Kind.PRIVATE_LEGAL, legal=GUNES), "gunes@hs01.kep.tr")
    second = allot(make_application(kind=Kind.PRIVATE_LEGAL, legal=GUNES), "gunes.2@hs01.kep.tr")
    assert first.holder == second.holder


# --- steps skipped, repeated, or another's ----------------------------------------------------------------------------
@pytest.mark.parametrize("state", [each for each in Application.State if each != Application.State.APPROVED])
def test_no_address_before_approval_and_none_after_it_was_given(state: str) -> None:
    """K-025, V-045."""
    application = make_application(state=state)
    with pytest.raises(NotApproved):
        allot(application, "ali.celik@hs01.kep.tr")
    assert nothing_happened()


def test_an_application_gets_one_address() -> None:
    application = make_application()
    allot(application, "ali.celik@hs01.kep.tr")
    with pytest.raises(AlreadyAllotted):
        allot(application, "ali.celik.2@hs01.kep.tr")
    assert KepAccount.objects.count() == 1


@pytest.mark.parametrize("state", list(KepAccount.State))
def test_an_address_somebody_has_or_had_is_given_to_nobody(state: str) -> None:
    owner = make_account("ali.celik@hs01.kep.tr", holder=make_person("Ali", "Çelik"), state=state)
    assert not allotment.is_free(owner.address)
    application = make_application()
    with pytest.raises(AddressTaken):
        allot(application, "ali.celik@hs01.kep.tr")
    application.refresh_from_db()
    assert application.account is None
    assert Person.objects.count() == 1, "the applicant's person came into being in the transaction that was undone"
    assert "ali.celik@hs01.kep.tr" not in allotment.proposals_for(application)


def test_a_closed_address_is_not_even_its_former_holders_by_allotment() -> None:
    """It comes back by opening the account again (K-034), never by a second row."""
    person = make_person("Ali", "Çelik")
    account = make_account("ali.celik@hs01.kep.tr", holder=person)
    lifecycle.close(account, reason=lifecycle.Closing.REQUEST, actor=CLERK, now=NOON)
    with pytest.raises(AddressTaken):
        allot(make_application(tckn=person.tckn), "ali.celik@hs01.kep.tr")


@pytest.mark.parametrize(
    ("address", "refusal"),
    [
        ("ayse.yildiz@hs01.kep.tr", AddressNotAllowed),
        ("ali.celik@hs02.kep.tr", AddressNotAllowed),
        ("ali.celik@gunes.hs01.kep.tr", AddressNotAllowed),
        ("ali.celik@example.com", AddressRefused),
        ("alı.celik@hs01.kep.tr", AddressRefused),
        ("", AddressRefused),
    ],
)
def test_an_address_of_wrong_form_or_of_somebody_else_is_refused(address: str, refusal: type[AccountsError]) -> None:
    with pytest.raises(refusal):
        allot(make_application(), address)
    assert nothing_happened()


def test_what_is_free_is_asked_of_ours_only() -> None:
    assert allotment.is_free("ali.celik@hs01.kep.tr")
    assert allotment.is_free("ALI.celik@hs01.kep.tr")
    for never in ("ali.celik@hs02.kep.tr", "ali@example.com", "alı.celik@hs01.kep.tr", ""):
        assert not allotment.is_free(never)


# --- proposals --------------------------------------------------------------------------------------------------------
def test_five_hundred_namesakes_cost_few_questions() -> None:
    for number in range(500):
        suffix = f".{number}" if number else ""
        make_account(f"ali.celik{suffix}@hs01.kep.tr", holder=f"Adaş {number}")
    application = make_application()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        offered = allotment.proposals_for(application)
    assert offered[0] == "ali.celik.500@hs01.kep.tr"
    assert len(asked) <= 3


def test_proposals_of_a_legal_person_leave_out_anothers_domain() -> None:
    sponsor = allot(make_application(kind=Kind.PRIVATE_LEGAL, legal=GUNES), "gunes@gunes.hs01.kep.tr")
    member = make_application("Ayşe", "Kaya", kind=Kind.MEMBER, sponsor=sponsor)
    assert allotment.proposals_for(member)[0] == "ayse.kaya@gunes.hs01.kep.tr"
    other = make_application(
        kind=Kind.PRIVATE_LEGAL, legal={"name": "Güneş Enerji Ltd. Şti.", "mersis": "0555000111200019"}
    )
    assert all(each.endswith("@hs01.kep.tr") for each in allotment.proposals_for(other))


# --- the domain of an entity ------------------------------------------------------------------------------------------
def test_the_domain_belongs_to_the_first_holder_for_ever() -> None:
    first = allot(make_application(kind=Kind.PRIVATE_LEGAL, legal=GUNES), "gunes@gunes.hs01.kep.tr")
    assert EntityDomain.objects.get().holder == first.holder
    rival = {"name": "Güneş Enerji Ltd. Şti.", "mersis": "0555000111200019"}
    lifecycle.close(first, reason=lifecycle.Closing.DISSOLUTION, actor=CLERK, now=NOON)
    with pytest.raises(AddressNotAllowed) as refusal:
        allot(make_application(kind=Kind.PRIVATE_LEGAL, legal=rival), "gunesenerji@gunes.hs01.kep.tr")
    assert refusal.value.why == Why.OTHER_ENTITY  # type: ignore[attr-defined]
    again = allot(make_application(kind=Kind.PRIVATE_LEGAL, legal=GUNES), "gunes.2@gunes.hs01.kep.tr")
    assert again.holder == first.holder


def test_a_domain_given_before_it_was_written_down_is_still_its_holders() -> None:
    make_account("gunes@gunes.hs01.kep.tr", holder="Güneş Turizm")
    with pytest.raises(AddressNotAllowed):
        allot(make_application(kind=Kind.PRIVATE_LEGAL, legal=GUNES), "gunes.2@gunes.hs01.kep.tr")


def test_a_domain_taken_between_asking_and_giving_stays_its_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two desks that both saw it free: the unique row decides, and the later one gets nothing at all."""
    first = allot(make_application(kind=Kind.PRIVATE_LEGAL, legal=GUNES), "gunes@gunes.hs01.kep.tr")
    monkeypatch.setattr(allotment, "_domain_is_open", lambda *_: True)
    rival = {"name": "Güneş Enerji Ltd. Şti.", "mersis": "0555000111200019"}
    with pytest.raises(AddressNotAllowed):
        allot(make_application(kind=Kind.PRIVATE_LEGAL, legal=rival), "gunesenerji@gunes.hs01.kep.tr")
    assert EntityDomain.objects.get().holder == first.holder
    assert AccountHolder.objects.count() == 1


def test_a_domain_is_asked_for_before_it_is_given() -> None:
    """What a form shows: the refusal comes before anything is written."""
    allot(make_application(kind=Kind.PRIVATE_LEGAL, legal=GUNES), "gunes@gunes.hs01.kep.tr")
    rival = {"name": "Güneş Enerji Ltd. Şti.", "mersis": "0555000111200019"}
    application = make_application(kind=Kind.PRIVATE_LEGAL, legal=rival)
    with pytest.raises(AddressNotAllowed) as refusal:
        allotment.refuse(application, read_address("gunesenerji@gunes.hs01.kep.tr"))
    assert refusal.value.why == Why.OTHER_ENTITY  # type: ignore[attr-defined]
    allotment.refuse(application, read_address("gunesenerji@hs01.kep.tr"))


def test_members_live_in_their_sponsors_domain_and_nowhere_else() -> None:
    """K-043: and a member whom his employer wrote down is not established by that (I-004)."""
    sponsor = allot(make_application(kind=Kind.PRIVATE_LEGAL, legal=GUNES), "gunes@hs01.kep.tr")
    member = make_application("Ayşe", "Kaya", kind=Kind.MEMBER, sponsor=sponsor)
    for elsewhere in ("ayse.kaya@hs01.kep.tr", "ayse.kaya@lojistik.hs01.kep.tr"):
        with pytest.raises(AddressNotAllowed):
            allot(member, elsewhere)
    account = allot(member, "ayse.kaya@gunes.hs01.kep.tr")
    assert account.sponsor == sponsor.holder
    assert EntityDomain.objects.get().holder == sponsor.holder
    assert account.holder.person is not None
    assert account.holder.person.identity_state == Person.IdentityState.FORM_ONLY


def test_a_unit_of_a_public_body_comes_in_through_its_sponsor() -> None:
    body = {"name": "Tapu ve Kadastro Genel Müdürlüğü", "detsis": "24301785"}
    unit = {"name": "Kayseri Bölge Müdürlüğü", "detsis": "24301786"}
    sponsor = allot(make_application(kind=Kind.PUBLIC_LEGAL, legal=body), "tkgm@tkgm.hs01.kep.tr")
    with pytest.raises(AddressNotAllowed):
        allot(make_application(kind=Kind.PUBLIC_LEGAL, legal=unit), "kayseribm@tkgm.hs01.kep.tr")
    account = allot(make_application(kind=Kind.PUBLIC_LEGAL, legal=unit, sponsor=sponsor), "kayseribm@tkgm.hs01.kep.tr")
    assert (account.holder.detsis, account.sponsor) == ("24301786", sponsor.holder)


# --- at the same moment -----------------------------------------------------------------------------------------------
@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_fifty_desks_that_give_one_address_at_once_one_has_given_it(transactional_db: None) -> None:
    applications = [make_application() for _ in range(50)]
    done = at_once([lambda each=each: allot(each, "ali.celik@hs01.kep.tr") for each in applications])  # type: ignore[misc]
    assert done == 1
    assert (KepAccount.objects.count(), Person.objects.count(), AccountChange.objects.count()) == (1, 1, 1)


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_fifty_clerks_on_one_application_one_has_given_an_address(transactional_db: None) -> None:
    application = make_application()
    done = at_once(
        [lambda n=n: allot(application, f"ali.celik.{n}@hs01.kep.tr") for n in range(1, 51)]  # type: ignore[misc]
    )
    assert done == 1
    assert KepAccount.objects.count() == 1
