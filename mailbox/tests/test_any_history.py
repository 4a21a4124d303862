"""Whatever happens in whatever order, the proofs tell a legal story, each once (A-001, A-004).

A message to two people is signed and accepted; then workers turn, time passes, boxes are opened and closed, in an
order that Hypothesis chooses. In the end every recipient's proofs must be one of the stories the law knows, and the
store checker must find nothing.
"""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import KepAccount
from accounts.tests.cast import make_account, make_person
from evidence import integrity as evidence_integrity
from evidence import issue
from mailbox import integrity, reading
from mailbox.models import BoxItem, Message, Recipient
from mailbox.state_names import RecipientState
from mailbox.tests.road import Clock, Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]

ACTS = ("deliver", "seal", "hour", "day", "open first", "open second", "close first", "close second")
STORIES = {
    RecipientState.READ: [40, 60],
    RecipientState.DEEMED_READ: [40, 61],
    RecipientState.UNDELIVERED: [41],
}


class Story:
    """One message to Mehmet and Hatice, and what is done to it."""

    def __init__(self, directory: Any) -> None:
        self.road = Road(directory, Clock())
        self.hatice = make_person("Hatice", "Koç")
        self.hatices = make_account("hatice.koc@hs01.kep.tr", holder=self.hatice)
        self.road.sign(self.road.draft(to="mehmet.kaya@hs01.kep.tr,hatice.koc@hs01.kep.tr"))
        self.road.turn("deliver")  # at the real hour: the responders' answers are of now
        self.boxes = {"first": (self.road.mehmet, self.road.mehmets), "second": (self.hatice, self.hatices)}
        self.closed: set[str] = set()

    def act(self, act: str) -> None:
        verb, _, whose = act.partition(" ")
        if verb in ("deliver", "seal"):
            self.road.turn(verb)
        elif verb in ("hour", "day"):
            self.road.clock.move(hours=1 if verb == "hour" else 24)
        elif verb == "close":
            self.closed.add(whose)
            KepAccount.objects.filter(pk=self.boxes[whose][1].pk).update(
                state=KepAccount.State.CLOSED, closed_at=self.road.clock.now
            )
        elif whose not in self.closed:
            person, account = self.boxes[whose]
            item = (
                BoxItem.objects.select_related("message", "recipient").filter(account=account, folder="inbox").first()
            )
            if item is not None:
                reading.open_message(item, reader=self.road.reader(person, account), now=self.road.clock.now)

    def end(self) -> None:
        """Everything owed is done, and the term of what nobody opened passes."""
        self.road.clock.move(minutes=2)
        self.road.turn()
        self.road.clock.move(hours=25)
        self.road.turn()


def codes_of(message: Message, number: int) -> list[int]:
    sealed = issue.sealed_proofs([message.kep_id])[message.kep_id]
    return [each.intent.code for each in sealed if each.intent.recipient_no == number]


@pytest.mark.django_db
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=st.lists(st.sampled_from(ACTS), max_size=14))
def test_every_history_ends_in_a_legal_story(provider: Any, acts: list[str]) -> None:
    with transaction.atomic():
        story = Story(provider.directory)
        for act in acts:
            story.act(act)
        story.end()
        message = Message.objects.get()
        assert codes_of(message, 0) == [10]
        for recipient in Recipient.objects.filter(message=message):
            state = RecipientState(recipient.state)
            assert state in STORIES
            assert codes_of(message, recipient.recipient_no) == STORIES[state]
        found = [*evidence_integrity.findings(story.road.clock.now), *integrity.findings(story.road.clock.now)]
        assert found == []
        transaction.set_rollback(True)
