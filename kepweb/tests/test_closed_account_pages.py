"""The proofs of a closed account, for its former holder and nobody else (K-035, V-039, V-040, V-042)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import lifecycle
from accounts.lifecycle import Closing, Suspension
from accounts.models import KepAccount, Person
from accounts.tests.cast import make_account, make_operator, make_person, sign_in
from evidence.models import Event
from mailbox import reading, takeout
from mailbox.models import BoxItem, Message
from mailbox.state_names import RecipientState
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]
STAFF = "person:6f0c1f6e-0000-4000-8000-000000000001"


def close(road: Road, account: KepAccount, reason: Closing = Closing.REQUEST) -> None:
    lifecycle.close(account, reason=reason, actor=STAFF, now=road.clock.now)


@pytest.fixture
def closed(road: Road) -> tuple[Road, BoxItem, BoxItem]:
    """Mehmet's box: one message that he opened, one that he never did; then the account is closed."""
    opened, unread = road.send(), road.send(subject="Açılmamış")
    reading.open_message(road.arrived(opened), reader=road.reader(), now=road.clock.now)
    road.turn()
    close(road, road.mehmets)
    return road, road.arrived(opened), road.arrived(unread)


def pages(account: KepAccount, item: BoxItem) -> dict[str, str]:
    args = [account.public_id, item.public_id]
    return {
        "account": reverse("mailbox:closed_account", args=args[:1]),
        "item": reverse("mailbox:closed_item", args=args),
        "proof": reverse("mailbox:closed_proof", args=[*args, 40, 1]),
        "bundle": reverse("mailbox:closed_bundle", args=args),
    }


def visit(person: Person) -> Client:
    client = Client(SERVER_NAME="127.0.0.1")
    sign_in(client, person)
    return client


def test_the_former_holder_finds_his_proofs_from_the_sign_in_on(closed: tuple[Road, BoxItem, BoxItem]) -> None:
    """With no other account, the choice of an account leads to what is left."""
    road, opened, _ = closed
    client = visit(road.mehmet)
    answer = client.get(reverse("accounts:choose_account"), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("mailbox:closed_accounts")
    assert road.mehmets.address in answer.content.decode()
    listed = client.get(pages(road.mehmets, opened)["account"]).content.decode()
    assert "hesap sahibinin isteği" in listed
    assert "Açılmamış" in listed
    shown = client.get(pages(road.mehmets, opened)["item"]).content.decode()
    assert pages(road.mehmets, opened)["proof"] in shown
    proof = client.get(pages(road.mehmets, opened)["proof"])
    assert proof.headers["Content-Disposition"].startswith("attachment")
    assert proof.content == takeout.proof(opened, code=40, recipient_no=1).raw
    assert Event.objects.filter(kind="closed.proof_taken", actor=f"person:{road.mehmet.pk}").count() == 1


def test_a_bundle_of_what_was_opened_is_made_and_fetched(closed: tuple[Road, BoxItem, BoxItem]) -> None:
    road, opened, _ = closed
    client, where = visit(road.mehmet), pages(road.mehmets, opened)["bundle"]
    assert client.get(where).status_code == 404
    assert client.post(where).status_code == 302
    assert client.get(where).status_code == 202
    road.clock.move(minutes=1)
    road.turn()
    done = client.get(where)
    assert (done.status_code, done.headers["Content-Type"]) == (200, "application/vnd.etsi.asic-e+zip")


def test_what_was_never_opened_keeps_its_content(closed: tuple[Road, BoxItem, BoxItem]) -> None:
    """Its proofs are his; a bundle carries the message itself and is refused."""
    road, _, unread = closed
    client, where = visit(road.mehmet), pages(road.mehmets, unread)
    shown = client.get(where["item"]).content.decode()
    assert "artık açılamaz" in shown
    assert where["bundle"] not in shown
    assert "Sayın Kaya" not in shown
    assert client.get(where["proof"]).status_code == 200
    for answer in (client.get(where["bundle"]), client.post(where["bundle"])):
        assert answer.status_code == 409
    unread.refresh_from_db()
    assert unread.opened_at is None


def test_no_door_of_the_box_itself_stands_open_any_more(closed: tuple[Road, BoxItem, BoxItem]) -> None:
    road, opened, unread = closed
    client = visit(road.mehmet)
    for name in ("message", "download_message", "download_original", "download_bundle"):
        assert client.get(reverse(f"mailbox:{name}", args=[opened.public_id])).status_code != 200
    client.post(reverse("mailbox:open", args=[unread.public_id]))
    unread.refresh_from_db()
    assert unread.opened_at is None
    assert unread.recipient is not None
    assert unread.recipient.state == RecipientState.DELIVERED


def test_looking_changes_nothing_but_the_event_log(closed: tuple[Road, BoxItem, BoxItem]) -> None:
    """V-039: by GET and by HEAD."""
    road, opened, unread = closed
    client = visit(road.mehmet)
    before = [list(model.objects.order_by("pk").values()) for model in (BoxItem, Message, KepAccount)]
    for item in (opened, unread):
        for path in pages(road.mehmets, item).values():
            client.get(path)
            client.head(path)
    assert [list(model.objects.order_by("pk").values()) for model in (BoxItem, Message, KepAccount)] == before


@pytest.mark.parametrize("who", ["sender", "stranger"])
def test_anothers_closed_account_is_like_one_that_does_not_exist(
    closed: tuple[Road, BoxItem, BoxItem], who: str
) -> None:
    road, opened, _ = closed
    person = road.ayse
    if who == "stranger":
        person = make_person("Deniz", "Arslan")
        make_account("deniz.arslan@hs01.kep.tr", holder=person)
    client = visit(person)
    for name, path in pages(road.mehmets, opened).items():
        missing = path.replace(road.mehmets.public_id, "a" * 26)
        theirs, nobodys = client.get(path), client.get(missing)
        assert (theirs.status_code, nobodys.status_code) == (302, 302), name
        assert theirs.headers["Location"].partition("?")[0] == nobodys.headers["Location"].partition("?")[0]
    assert client.post(pages(road.mehmets, opened)["bundle"]).status_code == 403


def test_an_item_of_another_account_is_not_reached_through_ones_own(closed: tuple[Road, BoxItem, BoxItem]) -> None:
    road, opened, _ = closed
    sent = BoxItem.objects.get(message=opened.message, folder=BoxItem.Folder.SENT)
    client = visit(road.mehmet)
    for name in ("item", "proof", "bundle"):
        assert client.get(pages(road.mehmets, sent)[name]).status_code == 404


def test_the_signed_out_see_nothing(closed: tuple[Road, BoxItem, BoxItem], client: Client) -> None:
    road, opened, _ = closed
    for path in (reverse("mailbox:closed_accounts"), *pages(road.mehmets, opened).values()):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("accounts:sign_in"))


@pytest.mark.parametrize("state", ["ACTIVE", "SUSPENDED", "PENDING_ACTIVATION"])
def test_only_a_closed_account_is_looked_back_at(road: Road, state: str) -> None:
    message = road.send()
    item = road.arrived(message)
    if state == "SUSPENDED":
        lifecycle.suspend(road.mehmets, reason=Suspension.PROVIDER, actor=STAFF, now=road.clock.now)
    elif state == "PENDING_ACTIVATION":
        close(road, road.mehmets)
        lifecycle.reopen(road.mehmets, actor=STAFF, now=road.clock.now)
    client = visit(road.mehmet)
    for path in pages(road.mehmets, item).values():
        assert client.get(path).status_code == 302
    assert road.mehmets.address not in client.get(reverse("mailbox:closed_accounts")).content.decode()


def test_a_companys_main_operator_looks_back_and_its_others_do_not(road: Road) -> None:
    company = make_account("gunes@hs01.kep.tr", holder="Güneş Lojistik A.Ş.")
    main, sub, gone = (make_person("Yetkili", name) for name in ("Ana", "Alt", "Eski"))
    make_operator(company, main, is_main=True)
    make_operator(company, sub)
    make_operator(company, gone, is_main=True, ends_at=road.clock.now - timedelta(days=1))
    item = road.arrived(road.send(to=company.address), company)
    close(road, company, Closing.DISSOLUTION)
    make_operator(company, late := make_person("Yetkili", "Sonradan"))
    assert visit(main).get(pages(company, item)["proof"]).status_code == 200
    for person in (sub, gone, late):
        assert visit(person).get(pages(company, item)["proof"]).status_code == 302


EXPECTED = {"accounts": 4, "account": 6, "sent": 6, "item": 8}
"""Session, person and device 3; the account, why it was closed, and the page's own."""


def test_the_pages_ask_a_constant_number(road: Road) -> None:
    counts: list[dict[str, int]] = []
    for more in (1, 4):
        for _ in range(more):
            item = road.arrived(road.send())
        close(road, road.mehmets)
        client = visit(road.mehmet)
        where = pages(road.mehmets, item)
        asked = {"accounts": reverse("mailbox:closed_accounts"), "account": where["account"], "item": where["item"],
                 "sent": where["account"] + "?kutu=giden"}  # fmt: skip
        counts.append({name: count(client, path) for name, path in asked.items()})
        KepAccount.objects.filter(pk=road.mehmets.pk).update(state=KepAccount.State.ACTIVE, closed_at=None)
    assert counts[0] == counts[1] == EXPECTED


def count(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)
