"""The whole road in one process: written, signed, accepted, delivered, read, with each proof once (K-111, A-001)."""

import pytest

from evidence import issue, vault
from evidence.models import EvidenceIntent, SealedEvidence, SealWork
from mailbox import folders, integrity, reading, takeout
from mailbox.compose import FileGiven
from mailbox.errors import NotReadYet
from mailbox.models import BoxItem, Draft, Message, Recipient, Transition
from mailbox.original import read_original
from mailbox.state_names import MessageState, RecipientState
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]


def codes(message: Message) -> list[tuple[int, int]]:
    """(recipient number, code) of the sealed proofs, as they came to be."""
    return [
        (each.intent.recipient_no, each.intent.code) for each in issue.sealed_proofs([message.kep_id])[message.kep_id]
    ]


def test_from_draft_to_box_with_10_and_40(road: Road) -> None:
    message = road.send(files=(FileGiven("Kira sözleşmesi ĞÜŞİÖÇ.pdf", b"%PDF-1.7 sample"), FileGiven("boş.txt", b"")))
    assert message.state == MessageState.ACCEPTED
    assert codes(message) == [(0, 10), (1, 40)]
    item = road.arrived(message)
    assert item.opened_at is None
    assert item.recipient.state == RecipientState.DELIVERED
    assert not SealWork.objects.exists()
    original = read_original(vault.get(bytes(message.original_digest)))
    assert [each.filename for each in original.attachments] == ["Kira sözleşmesi ĞÜŞİÖÇ.pdf", "boş.txt"]
    assert original.protected
    assert Draft.objects.get(pk=message.draft_id).submitted_at is not None


def test_opening_makes_60_once(road: Road) -> None:
    message = road.send()
    item = road.arrived(message)
    reading.open_message(item, reader=road.reader(), now=road.clock.move(hours=2))
    reading.open_message(item, reader=road.reader(), now=road.clock.move(minutes=1))
    road.turn()
    assert codes(message) == [(0, 10), (1, 40), (1, 60)]
    assert Recipient.objects.get(message=message).state == RecipientState.READ


def test_several_recipients_each_have_their_proofs(road: Road) -> None:
    message = road.send(to="mehmet.kaya@hs01.kep.tr", cc="ayse.yildiz@hs01.kep.tr")
    assert codes(message) == [(0, 10), (1, 40), (2, 40)]
    assert BoxItem.objects.filter(message=message, folder="inbox").count() == 2


def test_the_history_is_written_down(road: Road) -> None:
    message = road.send()
    steps = [(each.recipient_no, each.event) for each in Transition.objects.filter(message=message).order_by("pk")]
    assert steps == [(0, "submitted"), (0, "passed"), (1, "passed"), (1, "released_here"), (1, "placed")]


def test_a_second_turn_changes_nothing(road: Road) -> None:
    message = road.send()
    before = (codes(message), BoxItem.objects.count(), EvidenceIntent.objects.count())
    assert road.turn() == 0
    assert (codes(message), BoxItem.objects.count(), EvidenceIntent.objects.count()) == before


def test_the_store_checker_finds_nothing_wrong(road: Road) -> None:
    message = road.send()
    reading.open_message(road.arrived(message), reader=road.reader(), now=road.clock.now)
    road.turn()
    assert list(integrity.findings(road.clock.now)) == []


def test_takeouts_are_refused_before_opening_and_exact_after(road: Road) -> None:
    message = road.send()
    item = road.arrived(message)
    for verb in (takeout.kep_message, takeout.original):
        with pytest.raises(NotReadYet):
            verb(item)
    reading.open_message(item, reader=road.reader(), now=road.clock.now)
    road.turn()
    assert takeout.original(item).raw == vault.get(bytes(message.original_digest))
    sealed = SealedEvidence.objects.get(intent__kep_id=message.kep_id, intent__code=60)
    assert takeout.proof(item, code=60, recipient_no=1).raw == bytes(sealed.xml)


def test_the_lists_show_it_to_both_and_to_nobody_else(road: Road) -> None:
    message = road.send()
    assert [each.message_id for each in folders.inbox(road.mehmets).items] == [message.pk]
    assert [each.message_id for each in folders.sent(road.ayses).items] == [message.pk]
    assert not folders.inbox(road.ayses).items
    assert not folders.sent(road.mehmets).items
