"""Work that fails again and again is parked where people see it, and runs again when they say so (R-016)."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from evidence import xades
from evidence.claims import give_back
from evidence.models import Event, SealedEvidence, SealWork
from evidence.refusals import TimestampRefused
from guards.errors import KepError
from mailbox import delivery, submit, tasks
from mailbox.models import Message, Recipient
from mailbox.state_names import MessageState, RecipientState
from mailbox.tests.road import Road
from mailbox.trouble import put_back
from mailbox.views.steps import standing_of
from signing import integrity as signing_integrity
from signing import operations
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database, pytest.mark.queue]


class Away(KepError):
    """Something outside that is away now."""

    code = "TST-01"
    temporary = True


@pytest.fixture(autouse=True)
def park_soon(settings: Any) -> None:
    settings.KEP_PARK_AFTER = 3


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("nobody foresaw this")


def fail_until_parked(road: Road, queue: str) -> None:
    for _ in range(3):
        road.turn(queue)
        road.clock.move(seconds=61)


def kepparked(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("kepparked", *arguments, stdout=out, stderr=StringIO())
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_a_proof_that_goes_on_failing_is_parked_and_the_others_are_sealed(
    road: Road, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        road.sign(road.draft(subject=f"Konu {number}"))
    road.turn("deliver")
    poisoned = SealWork.objects.order_by("pk")[1].intent
    whole = xades.sign

    def sign(unsigned: bytes, *rest: Any, **more: Any) -> xades.Unstamped:
        if unsigned == bytes(poisoned.unsigned):
            raise RuntimeError("nobody foresaw this")
        return whole(unsigned, *rest, **more)

    monkeypatch.setattr(xades, "sign", sign)
    fail_until_parked(road, "seal")
    work = SealWork.objects.get(intent=poisoned)
    assert (work.due_at, work.failures, work.claimed_until) == (None, 3, None)
    assert SealedEvidence.objects.count() >= 2
    assert [record.message.partition(":")[0] for record in caplog.records if record.levelname == "CRITICAL"] == [
        "ALM-01 work is parked"
    ]
    status, listed = kepparked()
    assert (status, listed.split()[0]) == (1, f"seal:{work.pk}")
    assert poisoned.evidence_id in listed
    monkeypatch.setattr(xades, "sign", whole)
    road.turn()
    assert SealWork.objects.filter(parked_at__isnull=False).count() == 1, "parked work is left alone"
    assert kepparked("--retry", f"seal:{work.pk}")[0] == 0
    road.clock.move(hours=1)
    road.turn("seal")
    assert SealedEvidence.objects.filter(intent=poisoned).exists()
    assert Event.objects.filter(kind="work.made_due", subject=poisoned.evidence_id).count() == 1
    assert kepparked() == (0, "")


def test_a_signature_that_cannot_be_submitted_is_parked_and_named(
    road: Road, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    operation = road.sign(road.draft())
    with monkeypatch.context() as patched:
        patched.setattr(submit, "_message_of", broken)
        fail_until_parked(road, "deliver")
    operation.refresh_from_db()
    assert (operation.state, operation.due_at, operation.failures) == ("SIGNED", None, 3)
    assert [each.code for each in signing_integrity.findings(road.clock.now)] == ["SG-01"]
    assert kepparked("--all")[0] == 0
    road.clock.move(hours=1)
    road.turn()
    assert Message.objects.get(operation=operation.pk).state == MessageState.ACCEPTED
    assert list(signing_integrity.findings(road.clock.now)) == []


def test_a_message_parked_in_checking_says_so_and_still_goes_back_after_25_hours(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    road.sign(road.draft())
    tasks.submit_signed(road.clock.now)
    message = Message.objects.get()
    for _ in range(3):
        put_back(message, RuntimeError("nobody foresaw this"), now=road.clock.now)
        message.refresh_from_db()
    assert message.parked_at == road.clock.now
    assert "teknik ekibe haber verildi" in standing_of(message, [])[0]
    assert message.due_at == message.submitted_at + timedelta(hours=25)
    road.clock.move(hours=24, minutes=59)
    road.turn()
    message.refresh_from_db()
    assert message.state == MessageState.CHECKING
    road.clock.move(minutes=2)
    road.turn()
    message.refresh_from_db()
    assert (message.state, message.due_at, message.parked_at) == (MessageState.RETURNED, None, None)
    assert kepparked() == (0, "")


def test_a_message_parked_in_checking_goes_on_when_it_is_made_due(road: Road) -> None:
    road.sign(road.draft())
    tasks.submit_signed(road.clock.now)
    message = Message.objects.get()
    for _ in range(3):
        put_back(message, RuntimeError("nobody foresaw this"), now=road.clock.now)
        message.refresh_from_db()
    assert kepparked("--retry", f"checking:{message.pk}")[0] == 0
    road.clock.move(hours=1)
    road.turn()
    message.refresh_from_db()
    assert (message.state, message.hold_reason, message.parked_at) == (MessageState.ACCEPTED, "", None)


def test_a_delivery_and_a_term_that_go_on_failing_are_parked_and_run_again(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(delivery, "_place", broken)
        road.sign(road.draft())
        road.turn()
        fail_until_parked(road, "deliver")
    recipient = Recipient.objects.get()
    assert kepparked()[1].split()[0] == f"deliver:{recipient.pk}"
    kepparked("--all")
    road.clock.move(hours=1)
    road.turn()
    recipient.refresh_from_db()
    assert recipient.state == RecipientState.DELIVERED
    road.clock.move(hours=25)
    with monkeypatch.context() as patched:
        patched.setattr(delivery, "end_terms", broken)
        fail_until_parked(road, "deliver")
    assert kepparked()[1].split()[0] == f"term:{recipient.pk}"
    road.turn()
    recipient.refresh_from_db()
    assert recipient.state == RecipientState.DELIVERED, "parked work is left alone"
    kepparked("--all")
    road.clock.move(hours=1)
    road.turn()
    recipient.refresh_from_db()
    assert recipient.state == RecipientState.DEEMED_READ


@pytest.mark.parametrize("hold", [Away("away"), TimestampRefused("imprint")])
def test_a_hold_never_parks_and_rings_no_bell_however_long_it_lasts(
    road: Road, hold: KepError, caplog: pytest.LogCaptureFixture
) -> None:
    operation = road.sign(road.draft())
    for _ in range(20):
        (taken,) = operations.take_signed("message", 10, now=road.clock.now)
        operations.put_back(taken, hold, now=road.clock.now)
        road.clock.move(seconds=61)
    operation.refresh_from_db()
    assert (operation.tries, operation.failures, operation.parked_at) == (20, 0, None)
    assert operation.due_at is not None
    said = [each for each in caplog.records if "SigningOperation" in each.getMessage()]
    assert [(each.levelname, each.exc_info) for each in said] == [("WARNING", None)] * 20
    operations.put_back(operation, RuntimeError("nobody foresaw this"), now=road.clock.now)
    assert caplog.records[-1].levelname == "ERROR"
    assert caplog.records[-1].exc_info, "what nobody foresaw has its traceback"


def test_a_row_that_never_opens_is_parked_like_any_other(road: Road) -> None:
    operation = road.sign(road.draft())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE signing_signingoperation SET tckn = %s", [b"\x01" * 48])
    for _ in range(3):
        assert operations.take_signed("message", 10, now=road.clock.now) == []
        road.clock.move(seconds=61)
    row = SigningOperation.objects.values("due_at", "failures", "last_error").get(pk=operation.pk)
    assert row == {"due_at": None, "failures": 3, "last_error": "DEP-01"}
    assert kepparked()[1].split()[0] == f"signature:{operation.pk}"


def test_a_claimed_signature_is_nobody_elses_until_it_is_given_back_or_its_claim_runs_out(road: Road) -> None:
    road.sign(road.draft())
    (first,) = operations.take_signed("message", 10, now=road.clock.now)
    assert operations.take_signed("message", 10, now=road.clock.now) == []
    give_back([first])
    (second,) = operations.take_signed("message", 10, now=road.clock.now)
    operations.put_back(first, RuntimeError(), now=road.clock.now)  # its claim is lost: it has no word any more
    second.refresh_from_db()
    assert (second.tries, second.claimed_until is None) == (0, False)
    road.clock.move(seconds=61)
    assert len(operations.take_signed("message", 10, now=road.clock.now)) == 1


def test_a_name_that_is_not_parked_is_refused(road: Road) -> None:
    with pytest.raises(CommandError, match="not parked") as refused:
        call_command("kepparked", "--retry", "seal:4711", stdout=StringIO(), stderr=StringIO())
    assert refused.value.returncode == 2
