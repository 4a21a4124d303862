"""A batch is signed, stamped, checked and stored together, and each proof still fails alone (R-016, V-090)."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence import cades, issue, xades
from evidence.errors import SealMismatch
from evidence.models import Event, EvidenceIntent, SealedEvidence, SealWork
from evidence.refusals import KeyNotInForce, KeyUnavailable, TimestampRefused, TimestampUnavailable
from evidence.tests.pki import KINDS, NOW, Holder, one_by_one, pki
from evidence.tests.samples import facts
from guards.errors import KepError

OURS = pki()
PARTS = [f"Content-Type: text/plain\r\n\r\nMerhaba {number}\r\n".encode() for number in range(8)]
Bend = Callable[[int, bytes], bytes]


class Stamper:
    """The authority of the test world; `bend` may change or refuse the answer to the n-th digest."""

    def __init__(self, bend: Bend = lambda number, token: token) -> None:
        self.asked: list[int] = []
        self._bend, self._count = bend, 0

    def stamp(self, digest: bytes) -> bytes:
        self._count += 1
        return self._bend(self._count - 1, OURS.stamper().stamp(digest))

    def stamp_many(self, digests: Sequence[bytes]) -> list[bytes | TimestampUnavailable | TimestampRefused]:
        self.asked.append(len(digests))
        return one_by_one(self.stamp, digests)


def fails_at(*numbers: int, by: KepError) -> Bend:
    def bend(number: int, token: bytes) -> bytes:
        if number in numbers:
            raise by
        return token

    return bend


def rubbish_at(at: int) -> Bend:
    return lambda number, token: token[:-1] + bytes([token[-1] ^ 1]) if number == at else token


class Tiring:
    """A key that signs `times` times and no more."""

    def __init__(self, holder: Holder, times: int) -> None:
        self._holder, self._left = holder, times
        self.certificate, self.chain, self.algorithm = holder.certificate, holder.chain, holder.algorithm

    def sign(self, octets: bytes) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise KeyUnavailable("token-did-not-sign")
        return self._holder.sign(octets)


def owed(count: int) -> None:
    """`count` proofs are owed."""
    several = [
        replace(facts(), evidence_id=f"ev-{number:032x}", kep_id=f"<ileti{number}@hs01.kep.tr>")
        for number in range(count)
    ]
    issue.prepare(several, now=NOW)


def seal(stamper: Stamper, signer: object = None, **more: object) -> int:
    given = {"now": NOW, "worker": "one"} | more
    return issue.seal_due(signer=signer or OURS.islem("p256"), stamper=stamper, **given)  # type: ignore[arg-type]


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The codes of the alarms that rang; nothing else may be as loud."""
    loud = [each for each in caplog.records if each.levelname in ("ERROR", "CRITICAL")]
    return [each.getMessage().split()[0] for each in loud]


def put_back() -> list[tuple[str, int]]:
    return list(SealWork.objects.order_by("pk").values_list("last_error", "tries"))


# --- envelopes --------------------------------------------------------------------------------------------------------
def envelopes(stamper: Stamper, signer: object = None) -> list[bytes | KepError]:
    return issue.sign_envelopes(PARTS, signer=signer or OURS.islem("p256"), stamper=stamper, now=NOW)  # type: ignore[arg-type]


def good(made: Sequence[bytes | KepError]) -> list[int]:
    """Which of them are the true signature of their own part."""
    found = []
    for number, (signature, part) in enumerate(zip(made, PARTS, strict=True)):
        if isinstance(signature, bytes):
            checked = cades.verify_emitted(signature, hashlib.sha256(part).digest(), anchors=OURS.anchors)
            assert checked.stamp is not None
            found.append(number)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_envelope_gets_its_own_signature_in_order(kind: str) -> None:
    stamper = Stamper()
    made = envelopes(stamper, OURS.islem(kind))
    assert good(made) == list(range(8))
    assert sum(stamper.asked) == 8
    assert len(stamper.asked) <= 2
    one = issue.sign_envelope(PARTS[0], signer=OURS.islem(kind), stamper=Stamper(), now=NOW)
    assert cades.verify_emitted(one, hashlib.sha256(PARTS[0]).digest())
    assert issue.sign_envelopes([], signer=OURS.islem(kind), stamper=Stamper(), now=NOW) == []


def test_one_envelope_without_a_time_stamp_leaves_the_others() -> None:
    made = envelopes(Stamper(fails_at(3, by=TimestampRefused("imprint"))))
    assert good(made) == [0, 1, 2, 4, 5, 6, 7]
    assert isinstance(made[3], TimestampRefused)


def test_an_envelope_that_fails_our_own_check_never_leaves_and_rings(caplog: pytest.LogCaptureFixture) -> None:
    made = envelopes(Stamper(rubbish_at(2)))
    assert good(made) == [0, 1, 3, 4, 5, 6, 7]
    assert isinstance(made[2], SealMismatch)
    assert alarms(caplog) == ["ALM-04"]
    with pytest.raises(SealMismatch):
        issue.sign_envelope(PARTS[0], signer=OURS.islem("p256"), stamper=Stamper(rubbish_at(0)), now=NOW)


def test_a_key_that_stops_leaves_what_it_signed_and_the_rest_is_a_hold() -> None:
    made = envelopes(Stamper(), Tiring(OURS.islem("p256"), 3))
    assert good(made) == [0, 1, 2]
    assert {type(each) for each in made[3:]} == {KeyUnavailable}


def test_with_a_certificate_that_is_not_in_force_nothing_is_signed() -> None:
    made = issue.sign_envelopes(
        PARTS, signer=OURS.islem("p256"), stamper=Stamper(), now=NOW + timedelta(days=4000)
    )  # fmt: skip
    assert {type(each) for each in made} == {KeyNotInForce}
    assert len(made) == len(PARTS)


@pytest.mark.parametrize("first", range(8))
def test_an_authority_that_goes_away_leaves_what_it_gave(first: int) -> None:
    stamper = Stamper(fails_at(*range(first, 8), by=TimestampUnavailable("no-answer")))
    made = envelopes(stamper)
    assert good(made) == list(range(first))
    assert {type(each) for each in made[first:]} == {TimestampUnavailable}
    if first < issue.PROBE:
        assert stamper.asked == [issue.PROBE]  # and nobody waits for the others


def test_a_slow_authority_is_not_asked_for_more_than_it_can_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(issue, "monotonic", lambda: now[0])

    def slow(number: int, token: bytes) -> bytes:
        now[0] += 4
        return token

    stamper = Stamper(slow)
    made = envelopes(stamper)
    assert good(made) == [0, 1, 2, 3, 4]  # five times four seconds are the patience
    assert [each.reason for each in made if isinstance(each, KepError)] == ["authority-slow"] * 3
    assert sum(stamper.asked) == 5


# --- proofs -----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_sealed_together(kind: str) -> None:
    owed(8)
    assert seal(Stamper(), OURS.islem(kind)) == 8
    assert not SealWork.objects.exists()
    for proof in SealedEvidence.objects.select_related("intent"):
        parts = xades.take_apart(bytes(proof.xml), anchors=OURS.anchors)
        assert parts.unsigned == bytes(proof.intent.unsigned)
        assert hashlib.sha256(bytes(proof.xml)).digest() == bytes(proof.digest)
    assert Event.objects.filter(kind="seal.begun").count() == Event.objects.filter(kind="seal.stored").count() == 8


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("bend", "code"),
    [(fails_at(3, by=TimestampRefused("imprint")), "ZMD-02"), (fails_at(3, by=TimestampUnavailable("x")), "ZMD-01")],
    ids=["refused", "away"],
)
def test_one_proof_without_a_time_stamp_is_put_back_alone(bend: Bend, code: str) -> None:
    owed(8)
    assert seal(Stamper(bend)) == SealedEvidence.objects.count() == 7
    assert put_back() == [(code, 1)]


@pytest.mark.django_db
def test_a_proof_that_fails_our_own_check_is_never_stored_and_rings(caplog: pytest.LogCaptureFixture) -> None:
    owed(8)
    assert seal(Stamper(rubbish_at(5))) == 7
    assert [code for code, _ in put_back()] == ["DEP-06"]
    assert alarms(caplog) == ["ALM-04"]


@pytest.mark.django_db
def test_a_token_of_another_proof_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    """Both tokens are true, each over the other's signature."""
    kept: list[bytes] = []

    def swap(number: int, token: bytes) -> bytes:
        kept.append(token)
        return kept[0] if number == 1 else token

    owed(3)
    assert seal(Stamper(swap)) == 2
    assert [code for code, _ in put_back()] == ["DEP-06"]
    assert alarms(caplog) == ["ALM-04"]


@pytest.mark.django_db
def test_an_intent_that_we_would_not_have_written_is_never_signed_and_rings(caplog: pytest.LogCaptureFixture) -> None:
    owed(3)
    strange = b"<not-evidence/>"
    intent = EvidenceIntent.objects.order_by("pk")[1]
    work = SealWork.objects.get(intent=intent)
    with connection.cursor() as cursor:  # a row of its own: what is prepared cannot be changed
        cursor.execute("DELETE FROM evidence_sealwork WHERE intent_id = %s", [intent.pk])
    intent.pk, intent.evidence_id, intent.recipient_no = None, "ev-strange", 9
    intent.unsigned, intent.digest = strange, hashlib.sha256(strange).digest()
    intent.save(force_insert=True)
    work.pk, work.intent = None, intent
    work.save(force_insert=True)
    assert seal(Stamper()) == 2
    assert put_back() == [("DEP-06", 1)]
    assert alarms(caplog) == ["ALM-04"]


@pytest.fixture
def ran_out(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The işlem certificate ran out a minute ago; the signers that were given up for it."""
    forgotten: list[object] = []
    monkeypatch.setattr(issue, "_forget_signer", forgotten.append)
    monkeypatch.setattr(issue, "_term_of", lambda _: (NOW - timedelta(days=1), NOW - timedelta(minutes=1)))
    return forgotten


@pytest.mark.django_db
def test_a_certificate_that_ran_out_before_the_time_stamp_rings_once_and_the_key_is_opened_anew(
    ran_out: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    owed(3)
    signer = OURS.islem("p256")
    SealWork.objects.update(due_at=NOW - timedelta(minutes=2))
    assert seal(Stamper(), signer, now=NOW - timedelta(minutes=2)) == 0
    assert put_back() == [("ANH-03", 1)] * 3
    assert ran_out == [signer]
    assert alarms(caplog) == ["ALM-05"]
    assert not SealWork.objects.exclude(failures=0).exists(), "it is a hold"


def test_an_envelope_whose_certificate_ran_out_before_the_time_stamp_is_not_sent(
    ran_out: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever checks it asks whether the certificate was in force at the time-stamp: it would be invalid for ever."""
    signer = OURS.islem("p256")
    made = issue.sign_envelopes(PARTS[:3], signer=signer, stamper=Stamper(), now=NOW - timedelta(minutes=2))
    assert [type(each) for each in made] == [KeyNotInForce] * 3
    assert ran_out == [signer]
    assert alarms(caplog) == ["ALM-05"]


@pytest.mark.django_db
def test_an_authority_that_goes_away_costs_no_seal_that_it_gave() -> None:
    owed(8)
    assert seal(Stamper(fails_at(*range(4, 8), by=TimestampUnavailable("no-answer")))) == 4
    assert put_back() == [("ZMD-01", 1)] * 4
    assert SealWork.objects.filter(claimed_until=None, due_at__gt=NOW).count() == 4
    assert seal(Stamper(), now=NOW + timedelta(minutes=1)) == 4


@pytest.mark.django_db
def test_a_slow_authority_leaves_the_rest_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(issue, "monotonic", lambda: now[0])

    def slow(number: int, token: bytes) -> bytes:
        now[0] += 4
        return token

    owed(8)
    assert seal(Stamper(slow)) == 5
    assert put_back() == [("", 0)] * 3
    assert SealWork.objects.filter(claimed_until=None, due_at=NOW).count() == 3


@pytest.mark.django_db
def test_a_slow_key_leaves_time_for_the_time_stamps_of_what_it_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(issue, "monotonic", lambda: now[0])

    class Slow(Tiring):
        def sign(self, octets: bytes) -> bytes:
            now[0] += 4
            return super().sign(octets)

    owed(8)
    assert seal(Stamper(), Slow(OURS.islem("p256"), 8)) == 3
    assert put_back() == [("", 0)] * 5


@pytest.mark.django_db
def test_the_number_of_queries_does_not_hang_on_the_size_of_the_batch() -> None:
    counts = []
    for size in (2, 20):
        SealWork.objects.all().delete()
        several = [
            replace(facts(), evidence_id=f"ev-{size}-{number:030x}", kep_id=f"<b{size}-{number}@hs01.kep.tr>")
            for number in range(size)
        ]
        issue.prepare(several, now=NOW)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert seal(Stamper()) == size
        counts.append(len(asked))
    assert counts[0] == counts[1]


@pytest.mark.django_db
def test_trouble_of_a_whole_batch_is_written_in_one_query() -> None:
    counts = []
    for size in (2, 20):
        several = [
            replace(facts(), evidence_id=f"ev-{size}-{number:030x}", kep_id=f"<b{size}-{number}@hs01.kep.tr>")
            for number in range(size)
        ]
        issue.prepare(several, now=NOW)
        with CaptureQueriesContext(connection) as asked:
            assert seal(Stamper(fails_at(*range(20), by=TimestampUnavailable("no-answer")))) == 0
        counts.append(len(asked))
        assert put_back() == [("ZMD-01", 1)] * SealWork.objects.count()
    assert counts[0] == counts[1]
