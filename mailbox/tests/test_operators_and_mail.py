"""Operators and mail: a right that is gone stops what it began, and every act names its person (K-133, V-044)."""

from datetime import timedelta

import pytest

from accounts import access
from accounts.access import AccessRefused
from accounts.models import KepAccount, Operator
from accounts.operating import activity, grants, offices
from accounts.operating.grants import RIGHTS, Grant
from accounts.tests.cast import make_account, make_operator, make_person
from mailbox import compose, reading, tasks
from mailbox.errors import MayNotRead, MayNotSend
from mailbox.models import Message
from mailbox.tests.road import Road
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database]

ALL = dict.fromkeys(RIGHTS, True)


@pytest.fixture
def company(road: Road) -> KepAccount:
    return make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")


@pytest.fixture
def head(company: KepAccount) -> Operator:
    return make_operator(company, make_person("Elif", "Şahin"), is_main=True, **ALL)


@pytest.fixture
def sender(road: Road, company: KepAccount) -> Operator:
    """Ayşe, who has an e-imza, works for the company as well."""
    return make_operator(company, road.ayse, **{**ALL, "may_manage_operators": False})


def ask(road: Road, operator: Operator) -> SigningOperation:
    """A draft of the company for which this operator is being asked to sign."""
    acting = road.acting(operator.person, operator.account)
    draft = compose.new_draft(acting, now=road.clock.now)
    written = {"to": [road.mehmets.address], "cc": [], "subject": "Teklif", "text": "Sayın Kaya,\n"}
    compose.save_draft(draft, **written, now=road.clock.now)
    draft.refresh_from_db()
    compose.ask_signature(draft, acting=acting, visit=road.visit(), now=road.clock.now)
    return SigningOperation.objects.get(reference=draft.public_id)


def narrow(road: Road, head: Operator, operator: Operator, *switches: str) -> None:
    manager = access.account_for(head.person, head.account.public_id, now=road.clock.now)
    seen = grants.state_of(Operator.objects.get(pk=operator.pk))
    grant = Grant(frozenset(switches))
    offices.change(manager, operator.public_id, grant=grant, seen=seen, now=road.clock.now)


@pytest.mark.parametrize("how", ["removed", "narrowed"])
def test_a_signature_that_was_asked_ends_with_the_right(road: Road, head: Operator, sender: Operator, how: str) -> None:
    asked, own = ask(road, sender), road.draft()
    compose.ask_signature(own, acting=road.acting(road.ayse, road.ayses), visit=road.visit(), now=road.clock.now)
    if how == "removed":
        offices.end(sender, actor="person:x", now=road.clock.now)
    else:
        narrow(road, head, sender, "may_read", "may_compose")
    asked.refresh_from_db()
    assert asked.state == SigningOperation.State.CANCELLED
    kept = SigningOperation.objects.get(reference=own.public_id)  # for her own account she is asked on
    assert kept.state in SigningOperation.OPEN_STATES


def test_a_signature_stays_asked_when_another_right_goes(road: Road, head: Operator, sender: Operator) -> None:
    asked = ask(road, sender)
    narrow(road, head, sender, "may_compose", "may_sign_and_send")
    asked.refresh_from_db()
    assert asked.state in SigningOperation.OPEN_STATES


def test_what_was_signed_before_is_not_sent_after_the_right_is_gone(
    road: Road, head: Operator, sender: Operator
) -> None:
    acting = road.acting(sender.person, sender.account)
    draft = compose.new_draft(acting, now=road.clock.now)
    written = {"to": [road.mehmets.address], "cc": [], "subject": "Teklif", "text": "Sayın Kaya,\n"}
    compose.save_draft(draft, **written, now=road.clock.now)
    draft.refresh_from_db()
    road.sign(draft)
    offices.end(sender, actor="person:x", now=road.clock.now)
    tasks.submit_signed(road.clock.now)
    assert not Message.objects.filter(account=sender.account).exists()


def test_single_rights_hold_in_the_mailbox(road: Road, company: KepAccount, head: Operator) -> None:
    road.send(to=company.address)
    road.turn()
    writer = make_operator(company, make_person(), **{**dict.fromkeys(RIGHTS, False), "may_compose": True})
    reader = make_operator(company, make_person(), **{**dict.fromkeys(RIGHTS, False), "may_read": True})
    from mailbox import access as mailbox_access

    item = company.items.get()
    with pytest.raises(MayNotRead):
        mailbox_access.item_for(road.acting(writer.person, company), item.public_id)
    assert mailbox_access.item_for(road.acting(reader.person, company), item.public_id) == item
    with pytest.raises(MayNotSend):
        compose.new_draft(road.acting(reader.person, company), now=road.clock.now)
    draft = compose.new_draft(road.acting(writer.person, company), now=road.clock.now)
    with pytest.raises(MayNotSend):
        compose.ask_signature(draft, acting=road.acting(writer.person, company), visit=road.visit(), now=road.clock.now)
    with pytest.raises(AccessRefused):
        access.account_for(reader.person, road.ayses.public_id, now=road.clock.now)


def test_who_opened_and_who_sent_is_told_with_the_person_and_without_the_subject(
    road: Road, company: KepAccount, head: Operator, sender: Operator
) -> None:
    message = road.send(to=company.address, subject="Gizli konu")
    road.turn()
    item = company.items.get()
    reading.open_message(item, reader=road.reader(head.person, company), now=road.clock.now)
    lines = activity.lines(company, before=road.clock.now + timedelta(seconds=1))
    assert [(line.who, line.did, line.detail) for line in lines] == [
        ("Elif Şahin", "İletiyi açtı", message.kep_id),
    ]
    theirs = activity.lines(road.ayses, before=road.clock.now + timedelta(seconds=1))
    assert ("Ayşe Yıldız", "İletiyi imzalayıp gönderdi", message.kep_id) in [
        (line.who, line.did, line.detail) for line in theirs
    ]
    assert not any("Gizli" in f"{line}" for line in (*lines, *theirs))
