"""Signing in by e-imza: strangers, thieves, replays and skipped steps first, then the owner (S-022, S-023, V-018)."""

import hashlib
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as product
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import throttle
from accounts.applying.limits import Door
from accounts.hygiene import forget_old
from accounts.models import EImzaProof, OpenVisit, Person, WrongTries
from accounts.persons import tckn_index
from accounts.tests.cast import PASSWORD, PIN, make_account, make_person, new_tckn, post_secrets
from accounts.tests.e_imza_card import Card, begin, card_of, claim, finish, newest, sign, sign_in_by_card
from accounts.visit import SIGN_IN_BY_E_IMZA
from conftest import DemoPki
from demo import pki
from demo.pki_profiles import Fault
from evidence import outside
from evidence.models import Event
from guards import clock as product_clock
from signing import operations
from signing.errors import CertificateUnfit, OperationOver, UnknownCode
from signing.models import SigningOperation
from signing.requests import SIGN_IN, read_request

pytestmark = [pytest.mark.loopback, pytest.mark.django_db]
State = SigningOperation.State


@pytest.fixture(autouse=True)
def neighbours(provider: DemoPki) -> DemoPki:
    """OCSP and CRL answer."""
    return provider


@pytest.fixture
def from_anywhere(settings: Any) -> None:
    """The embedded profile answers loopback only; here the other addresses matter."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "loopback" not in name.casefold()]


@pytest.fixture
def card(person: Person, provider: DemoPki) -> Card:
    return card_of(provider.directory, person.tckn)


def is_signed_in(client: Client) -> bool:
    return client.get("/oturum/").status_code == 200


# --- thieves --------------------------------------------------------------------------------------------------------
def test_whoever_signs_for_another_browser_lets_nobody_in(client: Client, person: Person, card: Card) -> None:
    """The thief begins with the owner's number and has her follow his link: he has no token, she has no request."""
    thief, owner = client, Client()
    begin(thief, person.tckn)
    returned = sign(card)

    assert finish(owner, returned).status_code == 403
    assert not is_signed_in(owner)
    assert finish(thief, "0" * 64).status_code == 403
    assert finish(thief, "").status_code == 403
    assert not is_signed_in(thief)


def test_a_finished_request_of_mine_signs_nobody_else_in(
    client: Client, person: Person, card: Card, provider: DemoPki
) -> None:
    """Login CSRF: the thief's own token in the owner's browser, which has begun a request of its own."""
    thief = make_person("Kem", "Göz")
    begin(Client(), thief.tckn)
    returned = sign(card_of(provider.directory, thief.tckn))
    begin(client, person.tckn)

    assert finish(client, returned).status_code == 403
    assert not is_signed_in(client)


def test_another_persons_card_does_not_get_the_bytes(client: Client, person: Person, provider: DemoPki) -> None:
    begin(client, person.tckn)
    token = claim()
    strange = card_of(provider.directory, new_tckn())

    with pytest.raises(CertificateUnfit) as refused:
        operations.offer_certificate(token, strange.certificate, [], now=product_clock.now())
    assert refused.value.facts["fault"] == "NES-12"
    assert "taslağınız" not in refused.value.for_person().casefold()
    with pytest.raises(OperationOver):
        operations.document(token, now=product_clock.now())


def test_a_typed_code_never_hits_a_sign_in(client: Client, person: Person) -> None:
    """The code is for the link alone: it is on the page in no readable place, and is longer than what people type."""
    begin(client, person.tckn)
    page = client.get(reverse("accounts:e_imza_waiting")).content.decode()
    code = newest().code_shown
    assert code is not None
    assert len(code) == 20
    assert page.count(code) == 1
    assert f'href="http://localhost:8040/#{code}@' in page
    with pytest.raises(UnknownCode):
        operations.claim(code[:13], client="192.0.2.9", now=product_clock.now())


def test_a_signed_message_signs_nobody_in(client: Client, person: Person, card: Card) -> None:
    """The same bytes signed for another purpose stay what they were asked for."""
    begin(client, person.tckn)
    request = newest()
    asked = operations.ask(
        purpose="message",
        person=person.pk,
        tckn=person.tckn,
        acting_for="Ayşe Yıldız",
        reference="taslak",
        reference_version="1",
        content=operations.content_of(request),
        content_type="multipart/mixed",
        now=product_clock.now(),
    )
    returned = sign(card, asked.operation)

    assert finish(client, returned).status_code == 403
    session = client.session
    session["kep_e_imza"] = {**session["kep_e_imza"], "operation": str(asked.operation.pk)}
    session.save()  # even if the session named that operation
    assert finish(client, returned).status_code == 403
    assert not is_signed_in(client)


def test_a_request_of_another_provider_or_purpose_in_our_row_is_refused(
    client: Client, person: Person, card: Card
) -> None:
    """Even with the rights to write rows: origin, purpose and challenge are read from the signed bytes."""
    for change in ({"origin": "https://hs02.kep.tr"}, {"challenge": "A" * 43}, {"purpose": "step_up"}):
        begin(client, person.tckn)
        operation = newest()
        said = {**json.loads(bytes(operation.content or b"")), **change}
        octets = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        operation.content, operation.content_digest = octets, hashlib.sha256(octets).digest()
        operation.content_size = len(octets)
        operation.save()
        assert finish(client, sign(card, operation)).status_code == 403, change
        assert not is_signed_in(client)


# --- replays, skipped steps, time -----------------------------------------------------------------------------------
def test_a_token_opens_once(client: Client, person: Person, card: Card) -> None:
    begin(client, person.tckn)
    kept = client.session.session_key
    returned = sign(card)
    assert finish(client, returned).status_code == 302
    client.cookies[product.SESSION_COOKIE_NAME] = kept
    assert finish(client, returned).status_code == 403
    assert EImzaProof.objects.count() == 1


@pytest.mark.parametrize("at", [120.5, 3_600])
def test_after_two_minutes_it_is_over_whoever_signed(client: Client, person: Person, card: Card, at: float) -> None:
    begin(client, person.tckn)
    returned = sign(card)
    with time_machine.travel(newest().asked_at + timedelta(seconds=at), tick=False):
        answer = finish(client, returned)
        assert (answer.status_code, "GRS-22" in answer.content.decode()) == (403, True)
        operations.expire_due(product_clock.now())
        assert "GRS-22" in finish(client, returned).content.decode()
    assert newest().state == State.EXPIRED
    assert not is_signed_in(client)


def test_a_signature_after_two_minutes_is_not_taken(client: Client, person: Person, card: Card) -> None:
    begin(client, person.tckn)
    token = claim()
    with time_machine.travel(newest().asked_at + timedelta(seconds=121), tick=False), pytest.raises(OperationOver):
        operations.offer_certificate(token, card.certificate, [], now=product_clock.now())


@pytest.mark.parametrize("step", ["asked", "claimed", "offered"])
def test_no_step_can_be_skipped(client: Client, person: Person, card: Card, step: str) -> None:
    begin(client, person.tckn)
    if step != "asked":
        token = claim()
        if step == "offered":
            operations.offer_certificate(token, card.certificate, [], now=product_clock.now())
    for returned in ("0" * 64, "", "x", "f" * 65, "０" * 64):
        assert finish(client, returned).status_code == 403
    assert not is_signed_in(client)


def test_extra_fields_are_refused(client: Client, person: Person, card: Card) -> None:
    assert begin(client, person.tckn, person=str(person.pk)).status_code == 422
    begin(client, person.tckn)
    returned = sign(card)
    assert finish(client, returned, purpose="step_up").status_code == 403
    assert not is_signed_in(client)


def test_beginning_again_ends_what_this_browser_began(client: Client, person: Person, card: Card) -> None:
    begin(client, person.tckn)
    first = sign(card)
    begin(client, person.tckn)
    assert finish(client, first).status_code == 403


def test_beginning_for_the_same_number_elsewhere_ends_nothing(client: Client, person: Person, card: Card) -> None:
    """A stranger who knows the number cannot end the owner's request (V-007)."""
    begin(client, person.tckn)
    mine = newest()
    for _ in range(5):
        begin(Client(), person.tckn)
    assert finish(client, sign(card, mine)).status_code == 302
    assert is_signed_in(client)


def test_get_finishes_nothing(client: Client, person: Person, card: Card) -> None:
    begin(client, person.tckn)
    returned = sign(card)
    assert client.get(reverse("accounts:e_imza_finish"), {"isaret": returned}).status_code == 405
    assert client.get(reverse("accounts:e_imza"), {"isaret": returned}).status_code == 200
    assert newest().state == State.SIGNED
    assert not is_signed_in(client)


def test_a_post_without_its_csrf_token_finishes_nothing(person: Person, card: Card) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get(reverse("accounts:e_imza")).content.decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    fields = {"tckn": person.tckn, "csrfmiddlewaretoken": token}
    assert client.post(reverse("accounts:e_imza"), fields).status_code == 302
    returned = sign(card)
    assert finish(client, returned).status_code == 403
    assert newest().state == State.SIGNED


# --- certificates ---------------------------------------------------------------------------------------------------
def test_a_certificate_revoked_before_is_refused_for_good(
    client: Client, person: Person, card: Card, provider: DemoPki
) -> None:
    pki.revoke(provider.directory, card.serial)
    begin(client, person.tckn)
    returned = sign(card)
    answer = finish(client, returned)
    assert (answer.status_code, "GRS-23" in answer.content.decode()) == (422, True)
    assert newest().state == State.CANCELLED
    assert finish(client, returned).status_code == 403
    assert not is_signed_in(client)
    assert Event.objects.filter(kind="e_imza.refused").count() == 1


def test_a_revocation_nobody_can_tell_lets_nobody_in(client: Client, person: Person, card: Card, settings: Any) -> None:
    begin(client, person.tckn)
    returned = sign(card)
    allowed = settings.KEP_OUTBOUND_ALLOW
    settings.KEP_OUTBOUND_ALLOW = []
    outside.close()
    answer = finish(client, returned)
    assert (answer.status_code, "GRS-24" in answer.content.decode()) == (503, True)
    assert not is_signed_in(client)
    settings.KEP_OUTBOUND_ALLOW = allowed
    outside.close()
    assert finish(client, returned).status_code == 302, "the request was not spent by a fault that is not the person's"


@pytest.mark.parametrize(
    "fault",
    [
        Fault.EXPIRED,
        Fault.NO_NON_REPUDIATION,
        Fault.NO_ETSI_STATEMENT,
        Fault.NO_TCKN,
        Fault.SEAL,
        Fault.BROKEN_SIGNATURE,
    ],
)
def test_what_is_no_qualified_certificate_of_the_person_is_refused(
    client: Client, person: Person, provider: DemoPki, fault: Fault
) -> None:
    begin(client, person.tckn)
    with pytest.raises(CertificateUnfit):
        sign(card_of(provider.directory, person.tckn, faults={fault}))


def test_a_certificate_whose_time_ran_out_meanwhile_is_refused(
    client: Client, person: Person, card: Card, provider: DemoPki
) -> None:
    """Judged again at the last step, by the same profile (S-023)."""
    begin(client, person.tckn)
    returned = sign(card)
    other = card_of(provider.directory, person.tckn, faults={Fault.EXPIRED})
    SigningOperation.objects.filter(pk=newest().pk).update(certificate=other.certificate)
    answer = finish(client, returned)
    assert (answer.status_code, "GRS-23" in answer.content.decode()) == (422, True)
    assert not is_signed_in(client)


# --- enumeration and floods -----------------------------------------------------------------------------------------
def test_a_number_nobody_holds_is_asked_for_like_any_other(client: Client, person: Person) -> None:
    pages, kinds = [], []
    for tckn in (person.tckn, new_tckn()):
        browser = Client()
        answer = begin(browser, tckn)
        page = browser.get(answer["Location"])
        operation = newest()
        text = page.content.decode()
        for own in (operation.code_shown or "", operation.comparison[:4], operation.comparison[4:], tckn):
            text = text.replace(own, "#")
        pages.append(len(text))
        kinds.append(
            (answer.status_code, sorted(answer.headers), page.status_code, sorted(page.headers), operation.person)
        )
    assert kinds[0] == kinds[1]
    assert abs(pages[0] - pages[1]) <= 80  # nonces and moments


def test_beginning_reads_no_person(client: Client, person: Person) -> None:
    with CaptureQueriesContext(connection) as seen:
        begin(client, person.tckn)
    assert not [each["sql"] for each in seen if '"accounts_person"' in each["sql"]]


def test_a_card_of_somebody_unknown_hears_so_only_once_he_has_proved_it(client: Client, provider: DemoPki) -> None:
    tckn = new_tckn()
    begin(client, tckn)
    answer = finish(client, sign(card_of(provider.directory, tckn)))
    assert (answer.status_code, "GRS-25" in answer.content.decode()) == (403, True)
    assert not is_signed_in(client)
    assert tckn not in json.dumps([bytes(each.body).decode() for each in Event.objects.all()])


def test_a_person_whose_access_was_closed_is_not_let_in(client: Client, person: Person, card: Card) -> None:
    Person.objects.filter(pk=person.pk).update(is_active=False)
    answer = sign_in_by_card(client, person, card)
    assert (answer.status_code, "GRS-25" in answer.content.decode()) == (403, True)


@pytest.mark.usefixtures("from_anywhere")
def test_a_network_that_floods_waits_and_others_do_not(person: Person, card: Card) -> None:
    most = Door.E_IMZA.per_hour
    with time_machine.travel(product_clock.now().replace(minute=5), tick=False):
        for number in range(most - 1):
            begin(Client(REMOTE_ADDR=f"2001:db8:1:1::{number:x}"), person.tckn)
        assert begin(Client(REMOTE_ADDR="2001:db8:1:1:ffff::1"), person.tckn).status_code == 302
        answer = begin(Client(REMOTE_ADDR="2001:db8:1:1:ffff::2"), person.tckn)
        assert (answer.status_code, "BSV-25" in answer.content.decode()) == (429, True)
        assert SigningOperation.objects.count() == most, "nothing was made for the one too many"
        assert begin(Client(REMOTE_ADDR="2001:db8:1:2::1"), person.tckn).status_code == 302
    assert sign_in_by_card(Client(REMOTE_ADDR="203.0.113.6"), person, card).status_code == 302


# --- the owner ------------------------------------------------------------------------------------------------------
def test_the_owner_gets_in_and_the_visit_says_how(client: Client, person: Person, card: Card) -> None:
    begin(client, person.tckn)
    before = client.session.session_key
    operation = newest()
    asked = read_request(operations.content_of(operation))
    assert (len(asked.challenge), asked.purpose, asked.origin) == (32, SIGN_IN, "http://127.0.0.1:8000")
    assert operation.content_type == "application/vnd.kep.giris+json"

    answer = finish(client, sign(card))

    assert (answer.status_code, answer["Location"]) == (302, "/gelen/")
    assert client.session.session_key != before, "a new session id at each step (V-030)"
    assert client.get("/oturum/").json()["method"] == SIGN_IN_BY_E_IMZA
    assert client.get("/gelen/").status_code == 200
    operation.refresh_from_db()
    assert operation.state == State.CONSUMED
    proof, visit = EImzaProof.objects.get(), OpenVisit.objects.get()
    assert (proof.user, proof.operation, visit.method) == (person, operation.pk, SIGN_IN_BY_E_IMZA)
    said = json.loads(bytes(Event.objects.get(kind="sign_in.completed").body))
    assert (said["actor"], said["facts"]["method"]) == (f"person:{person.pk}", SIGN_IN_BY_E_IMZA)
    everything = json.dumps([bytes(each.body).decode() for each in Event.objects.all()])
    assert person.tckn not in everything
    assert person.phone not in everything


def test_the_wanted_page_is_kept_and_a_strange_one_is_not(client: Client, person: Person, card: Card) -> None:
    assert sign_in_by_card(client, person, card, next="/kapali/")["Location"] == "/kapali/"
    assert sign_in_by_card(Client(), person, card, next="https://evil.example/")["Location"] == "/gelen/"


def test_a_locked_out_owner_gets_in_and_the_lock_is_gone(client: Client, person: Person, card: Card) -> None:
    """V-007: a stranger has driven the counters up to the end; the card opens all the same, and then SMS works too."""
    WrongTries.objects.create(tckn_index=person.tckn_index, count=throttle.SHUT_OUT_AT, last_at=product_clock.now())
    assert post_secrets(client, person.tckn).status_code == 429

    assert sign_in_by_card(client, person, card).status_code == 302
    assert is_signed_in(client)
    assert not WrongTries.objects.filter(pk=tckn_index(person.tckn)).exists()
    assert post_secrets(Client(), person.tckn, PASSWORD, PIN).status_code == 302


def test_a_card_on_a_known_device_opens_the_lock_of_the_others(person: Person, card: Card) -> None:
    """The pair of the unknown device is locked by a stranger; the owner proves himself on a device of his own."""
    known, stranger = Client(), Client()
    sign_in_by_card(known, person, card)
    known.post(reverse("accounts:sign_out"))
    answers = [post_secrets(stranger, person.tckn, "yanlış").status_code for _ in range(6)]
    assert answers[-1] == 429
    sign_in_by_card(known, person, card)
    assert post_secrets(Client(), person.tckn, PASSWORD, PIN).status_code == 302


def test_several_accounts_lead_to_the_choice(client: Client, person: Person, card: Card) -> None:
    make_account("ayse.yildiz.2@hs01.kep.tr", holder=person)
    assert sign_in_by_card(client, person, card)["Location"] == "/hesap/sec/?next=%2Fgelen%2F"


def test_the_card_is_stored_encrypted_and_old_requests_go(client: Client, person: Person, card: Card) -> None:
    begin(client, person.tckn)
    begin(client, person.tckn)
    assert SigningOperation.objects.count() == 2
    late = product_clock.now() + timedelta(days=2)
    operations.expire_due(late)
    forget_old(now=late)
    assert SigningOperation.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_fifty_finishes_at_once_one_wins(client: Client, person: Person, card: Card) -> None:
    begin(client, person.tckn)
    returned = sign(card)
    cookies = client.cookies
    statuses: list[int] = []
    start = threading.Barrier(50)

    def press() -> None:
        browser = Client()
        browser.cookies = cookies.copy()
        start.wait(30)
        try:
            statuses.append(finish(browser, returned).status_code)
        finally:
            connections.close_all()
            outside._client().close()  # what this thread has asked about the revocation over

    threads = [threading.Thread(target=press) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses.count(302) == 1, statuses
    assert set(statuses) <= {302, 403}
    assert EImzaProof.objects.count() == OpenVisit.objects.count() == 1
