"""A seal that cannot be made stands in nobody's way, and a key that may not sign seals nothing (R-016, V-061)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evidence import issue, outside, xades
from evidence.models import SealedEvidence, SealWork
from evidence.refusals import EvidenceRefused, KeyUnavailable
from mailbox import tasks
from mailbox.models import Message
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.database, pytest.mark.queue]


def three_owed(road: Road) -> list[SealWork]:
    for number in range(3):
        road.sign(road.draft(subject=f"Konu {number}"))
    road.turn("deliver")
    return list(SealWork.objects.order_by("pk"))


@pytest.mark.parametrize("fault", [EvidenceRefused("grammar", where="evidence"), RuntimeError("nobody foresaw this")])
def test_a_proof_that_cannot_be_sealed_lets_the_others_be_sealed(
    road: Road, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    poisoned = three_owed(road)[1].intent
    whole = xades.sign

    def sign(unsigned: bytes, *rest: Any, **more: Any) -> xades.Unstamped:
        if unsigned == bytes(poisoned.unsigned):
            raise fault
        return whole(unsigned, *rest, **more)

    monkeypatch.setattr(xades, "sign", sign)
    assert tasks.seal_due(road.clock.now) == 2
    assert SealedEvidence.objects.count() == 2
    left = SealWork.objects.get()
    assert (left.intent, left.tries, left.claimed_until) == (poisoned, 1, None)
    assert left.due_at > road.clock.now


class Forgetful:
    """A token whose session ended: it signs `after` times and no more."""

    def __init__(self, after: int) -> None:
        self._signer, self._left = issue.open_signer(), after
        self.certificate, self.chain, self.algorithm = (
            self._signer.certificate,
            self._signer.chain,
            self._signer.algorithm,
        )

    def sign(self, octets: bytes) -> bytes:
        if not self._left:
            raise KeyUnavailable("token-did-not-sign")
        self._left -= 1
        return self._signer.sign(octets)


def test_a_token_that_stops_signing_costs_no_seal_and_is_opened_anew(road: Road) -> None:
    three_owed(road)
    signer = issue.open_signer()
    sealed = issue.seal_due(signer=Forgetful(after=1), stamper=outside.stamper(), now=road.clock.now, worker="one")
    assert sealed == SealedEvidence.objects.count() == 1
    assert list(SealWork.objects.values_list("last_error", "tries", "claimed_until")) == [("ANH-02", 1, None)] * 2
    assert issue.open_signer() is not signer


@pytest.mark.parametrize("moved", [timedelta(days=-1), timedelta(days=4000)])
def test_nothing_is_sealed_with_a_certificate_that_is_not_in_force(
    road: Road, monkeypatch: pytest.MonkeyPatch, moved: timedelta
) -> None:
    """Such a proof would be Geçersiz for ever, because there can be only one: better it waits for the new key."""
    three_owed(road)
    started = datetime.now(UTC)
    whole = issue.facts_of

    def facts_of(raw: bytes, **more: Any) -> Any:
        facts = whole(raw, **more)
        if raw != issue.open_signer().certificate:
            return facts
        return replace(facts, not_before=started + moved, not_after=started + moved + timedelta(hours=1))

    monkeypatch.setattr(issue, "facts_of", facts_of)
    issue._term_of.cache_clear()
    try:
        assert tasks.seal_due(road.clock.now) == 0
        assert not SealedEvidence.objects.exists()
        assert set(SealWork.objects.values_list("last_error", "claimed_until")) == {("ANH-03", None)}
        assert not Message.objects.filter(released_at__isnull=False).exists()
    finally:
        issue._term_of.cache_clear()
    monkeypatch.undo()
    road.clock.move(minutes=2)
    road.turn()
    assert Message.objects.filter(released_at__isnull=False).count() == 3
