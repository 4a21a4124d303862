"""The numbers beside the folders: what they count, where they stop, and that no folder is walked through for them."""

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import translation

from mailbox import compose, folders, reading, submit
from mailbox.folders import Tally
from mailbox.models import BoxItem, Message
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]
Folder = BoxItem.Folder


def test_a_tally_says_how_many_or_that_there_are_more() -> None:
    assert (str(Tally(0)), str(Tally(7)), str(Tally(1000, are_more=True))) == ("0", "7", "1.000+")
    with translation.override("en"):
        assert str(Tally(10_000, are_more=True)) == "10,000+"
    assert not Tally(0)
    assert Tally(1)


def test_unread_are_received_items_that_nobody_opened(road: Road) -> None:
    first, _second = road.send(), road.send()
    assert folders.unread(road.mehmets) == Tally(2)
    assert folders.unread(road.ayses) == Tally(0), "what one sent is never unread"
    reading.open_message(road.arrived(first), reader=road.reader(), now=road.clock.now)
    assert folders.unread(road.mehmets) == Tally(1)
    road.clock.move(hours=25)
    road.turn()
    assert folders.unread(road.mehmets) == Tally(1), "counted as read in law, and still unopened"


def test_counting_stops_at_the_limit(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        road.send()
    for most, unread, total in ((3, Tally(3), Tally(3)), (2, Tally(2, are_more=True), Tally(2, are_more=True))):
        monkeypatch.setattr(folders, "MOST_UNREAD_COUNTED", most)
        monkeypatch.setattr(folders, "MOST_COUNTED", most)
        assert folders.unread(road.mehmets) == unread
        assert folders.total(road.mehmets, Folder.INBOX) == folders.total(road.ayses, Folder.SENT) == total


def test_what_came_back_to_the_draft_is_not_among_the_sent_ones(road: Road) -> None:
    road.send()
    operation = road.sign(road.draft())
    message = submit.submit(operation, now=road.clock.now)
    assert message is not None
    assert folders.total(road.ayses, Folder.SENT) == Tally(2)
    submit.withdraw(message, acting=road.acting(), now=road.clock.now)
    assert folders.total(road.ayses, Folder.SENT) == Tally(1)
    assert len(folders.sent(road.ayses).items) == 1


def test_awaiting_are_open_drafts_with_a_running_operation_of_this_account(road: Road) -> None:
    road.send()
    waiting, signed = road.draft(), road.draft()
    compose.ask_signature(waiting, acting=road.acting(), visit=road.visit(), now=road.clock.now)
    road.sign(signed)
    road.draft()
    assert folders.counts(road.ayses, now=road.clock.now).awaiting == 2
    assert folders.counts(road.mehmets, now=road.clock.now).awaiting == 0
    assert [each.draft.pk for each in folders.awaiting(road.ayses, now=road.clock.now)] == [waiting.pk, signed.pk]
    road.clock.move(minutes=11)
    assert folders.counts(road.ayses, now=road.clock.now).awaiting == 1, "what was signed runs out no more"


def plan_of(rows: "QuerySet[object]") -> str:
    """How the database would answer."""
    return rows.explain()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only on SQLite: others choose plans by statistics")
def test_no_count_looks_at_rows(road: Road) -> None:
    account, now = road.ayses, road.clock.now
    unread = BoxItem.objects.filter(account=account, recipient__isnull=False, opened_at__isnull=True)
    assert "COVERING INDEX item_unopened" in plan_of(unread.values("pk"))
    held = BoxItem.objects.filter(account=account, folder=Folder.SENT)
    assert "COVERING INDEX mailbox_box_account" in plan_of(held.values("pk"))
    nowhere = Message.objects.filter(account=account, released_at__isnull=True, due_at__isnull=True)
    assert "INDEX message_went_nowhere" in plan_of(nowhere.values("pk"))
    waiting = plan_of(folders._awaiting(account, now=now))
    assert "INDEX draft_open" in waiting
    assert "INDEX signing_sig_referen" in waiting
    assert "SCAN" not in waiting
