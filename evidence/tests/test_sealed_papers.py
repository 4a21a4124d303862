"""A page asks for a sealed paper by a row; the sealing worker makes it once, and trouble never loses the request."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from django.db import Error, connection

from evidence import integrity, issue, outside, parking, pdf, sealed_papers, vault
from evidence.errors import ClockAdrift, KeyNotHere, SealMismatch
from evidence.interruptions import is_interruption
from evidence.models import Event, SealRequest
from evidence.pdf_seal import check_seal
from evidence.refusals import KeyUnavailable, TimestampUnavailable
from evidence.sealed_papers import Paper
from evidence.tests.interrupted import break_off
from evidence.tests.papers import facts_of
from evidence.tests.pki import NOW, pki

OURS = pki()
KIND = "pdf.test"
Describe = Callable[[SealRequest, datetime], Paper]


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Callable[[Describe], None]:
    """Registers how papers of the test's kind are described; a worker's process whose key and stamps are ours."""
    settings.KEP_PROCESS_ROLE = "seal"
    monkeypatch.setattr(sealed_papers, "_kinds", dict(sealed_papers._kinds))
    monkeypatch.setattr(issue, "open_signer", cache(lambda: OURS.islem("p256")))
    monkeypatch.setattr(outside, "stamper", OURS.stamper)

    def register(describe: Describe) -> None:
        sealed_papers._kinds.pop(KIND, None)
        sealed_papers.register(KIND, describe)

    register(record)
    return register


def record(request: SealRequest, now: datetime) -> Paper:
    facts = facts_of("operators_record", made_at=now, reference=request.reference)
    return Paper("operators_record", facts, subject=f"account:{request.reference}")


def ask(reference: str = "hesap1", version: str = "1") -> SealRequest:
    return sealed_papers.ask(
        KIND, reference=reference, version=version, asked_by="person:x", subject=f"account:{reference}", now=NOW
    )


def kinds_of_events() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("kind", flat=True))


@pytest.mark.django_db
def test_a_paper_that_was_asked_for_is_made_sealed_and_kept(owner: object) -> None:
    request = ask()
    assert sealed_papers.finished(request) is None
    assert sealed_papers.seal_due(NOW) == 1
    request.refresh_from_db()
    raw = sealed_papers.finished(request)
    assert raw is not None
    printed = pdf.render("operators_record", facts_of("operators_record", made_at=NOW, reference="hesap1"))
    assert check_seal(raw, unsealed=printed).certificate == OURS.islem("p256").certificate
    assert (request.finished_at, request.claimed_until, request.due_at) == (NOW, None, None)
    assert kinds_of_events() == ["paper.asked", "paper.sealed"]
    assert bytes(Event.objects.latest("pk").body).decode().count(bytes(request.result).hex()) == 1
    assert sealed_papers.seal_due(NOW) == 0


@pytest.mark.django_db
def test_the_same_question_is_one_request_and_another_version_another(owner: object) -> None:
    first = ask()
    assert ask().pk == first.pk
    assert ask(version="2").pk != first.pk
    assert kinds_of_events() == ["paper.asked"] * 2
    assert sealed_papers.asked(KIND, reference="hesap1", version="1") == first
    assert sealed_papers.asked(KIND, reference="hesap1", version="3") is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.database
def test_many_who_ask_at_once_get_one_request(owner: object) -> None:
    found: list[int] = []

    def one() -> None:
        found.append(ask().pk)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert set(found) == set(SealRequest.objects.values_list("pk", flat=True))
    assert kinds_of_events() == ["paper.asked"]


@pytest.mark.django_db
def test_the_paper_says_what_is_so_when_it_is_made_and_not_when_it_was_asked(
    owner: Callable[[Describe], None],
) -> None:
    seen: list[datetime] = []

    def describe(request: SealRequest, now: datetime) -> Paper:
        seen.append(now)
        return record(request, now)

    owner(describe)
    ask()
    later = NOW + timedelta(hours=3)
    assert sealed_papers.seal_due(later) == 1
    assert seen == [later]


@pytest.mark.django_db
def test_attachments_of_a_paper_are_under_the_seal(owner: Callable[[Describe], None]) -> None:
    def describe(request: SealRequest, now: datetime) -> Paper:
        inside = [pdf.Attachment("delil.xml", "application/xml", "Kabul delili", b"<a/>")]
        return Paper("operators_record", facts_of("operators_record"), "account:x", inside)

    owner(describe)
    request = ask()
    sealed_papers.seal_due(NOW)
    request.refresh_from_db()
    with pikepdf.open(BytesIO(sealed_papers.finished(request) or b"")) as document:
        assert document.attachments["delil.xml"].get_file().read_bytes() == b"<a/>"


@pytest.mark.django_db
def test_one_paper_that_cannot_be_made_leaves_the_others_alone_and_is_parked_at_last(
    owner: Callable[[Describe], None], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.KEP_PARK_AFTER = 3

    def describe(request: SealRequest, now: datetime) -> Paper:
        if request.reference == "bozuk":
            raise LookupError("no such account")
        return record(request, now)

    owner(describe)
    poisoned, sound = ask("bozuk"), ask("sağlam")
    moment = NOW
    assert sealed_papers.seal_due(moment) == 1
    for _ in range(2):
        moment += timedelta(minutes=2)
        assert sealed_papers.seal_due(moment) == 0
    poisoned.refresh_from_db()
    sound.refresh_from_db()
    assert sound.result is not None
    assert (poisoned.failures, poisoned.last_error, poisoned.due_at) == (3, "LookupError", None)
    assert poisoned.parked_at == moment
    assert "ALM-01" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("error", [TimestampUnavailable("no-answer"), KeyUnavailable("token-did-not-sign")])
def test_what_is_away_is_waited_for_and_never_parks(
    owner: object, settings: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    settings.KEP_PARK_AFTER = 2

    def away(*_: object, **__: object) -> bytes:
        raise error

    request, moment = ask(), NOW
    with monkeypatch.context() as broken:
        broken.setattr("evidence.pdf_seal.seal", away)
        for _ in range(4):
            assert sealed_papers.seal_due(moment) == 0
            moment += timedelta(minutes=2)
    request.refresh_from_db()
    assert (request.tries, request.failures, request.parked_at, request.result) == (4, 0, None, None)
    assert sealed_papers.seal_due(moment) == 1


@pytest.mark.django_db
def test_a_key_that_does_not_sign_is_opened_anew(owner: object, monkeypatch: pytest.MonkeyPatch) -> None:
    given_up: list[object] = []

    def away(*_: object, **__: object) -> bytes:
        raise KeyUnavailable("token-did-not-sign")

    monkeypatch.setattr("evidence.pdf_seal.seal", away)
    monkeypatch.setattr(issue, "give_up_key", lambda signer, error: given_up.append(signer))
    ask()
    sealed_papers.seal_due(NOW)
    assert given_up == [OURS.islem("p256")]


@pytest.mark.django_db
def test_our_own_wrong_output_is_never_kept_and_rings(
    owner: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def wrong(*_: object, **__: object) -> bytes:
        raise SealMismatch("the sealed paper does not pass our own check")

    monkeypatch.setattr("evidence.pdf_seal.seal", wrong)
    request = ask()
    assert sealed_papers.seal_due(NOW) == 0
    request.refresh_from_db()
    assert (request.result, request.failures) == (None, 1)
    assert "ALM-04" in caplog.text


@pytest.mark.django_db
def test_two_workers_with_one_request_make_one_paper(owner: object) -> None:
    request = ask()
    made = [
        sealed_papers.make(request, signer=OURS.islem("p256"), stamper=OURS.stamper(), now=NOW + timedelta(seconds=at))
        for at in (1, 2)
    ]
    assert made == [True, False]
    request.refresh_from_db()
    assert request.finished_at == NOW + timedelta(seconds=1)
    assert kinds_of_events() == ["paper.asked", "paper.sealed"]
    assert vault.has(bytes(request.result))


@pytest.mark.django_db
def test_a_kind_that_nobody_owns_is_refused_and_a_row_of_one_is_not_lost_from_sight(owner: object) -> None:
    with pytest.raises(pdf.PaperRefused, match="unknown-kind"):
        sealed_papers.ask("pdf.other", reference="x", version="1", asked_by="", subject="", now=NOW)
    assert not SealRequest.objects.exists()
    row = SealRequest.objects.create(
        kind="pdf.other", reference="x", version="1", asked_by="", asked_at=NOW, due_at=NOW
    )
    assert sealed_papers.seal_due(NOW) == 0
    row.refresh_from_db()
    assert (row.failures, row.last_error) == (1, "PaperRefused")


def test_a_kind_has_one_owner_and_a_name_of_its_own(owner: object) -> None:
    with pytest.raises(ValueError, match="owner"):
        sealed_papers.register(KIND, lambda request, now: record(request, now))
    sealed_papers.register(KIND, record)  # the same once more is nothing new
    for name in ("bundle", "pdf", "pdf." + "x" * 21):
        with pytest.raises(ValueError, match="is called"):
            sealed_papers.register(name, record)


@pytest.mark.django_db
def test_other_kinds_of_requests_are_left_to_their_own_sweep(owner: object) -> None:
    bundle = SealRequest.objects.create(
        kind="bundle", reference="x", version="1", asked_by="", asked_at=NOW, due_at=NOW
    )
    assert sealed_papers.seal_due(NOW) == 0
    bundle.refresh_from_db()
    assert (bundle.tries, bundle.claimed_by) == (0, "")


@pytest.mark.django_db
def test_slow_papers_leave_the_rest_to_the_next_turn(owner: object, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [0.0]

    def slow(request: SealRequest, **_: Any) -> bool:
        seconds[0] += 15
        SealRequest.objects.filter(pk=request.pk).update(finished_at=NOW)
        return True

    monkeypatch.setattr(sealed_papers, "monotonic", lambda: seconds[0])
    monkeypatch.setattr(sealed_papers, "make", slow)
    for number in range(4):
        ask(f"hesap{number}")
    assert sealed_papers.seal_due(NOW) == 2
    rest = SealRequest.objects.filter(finished_at=None)
    assert [(each.tries, each.claimed_until) for each in rest] == [(0, None), (0, None)]
    assert sealed_papers.seal_due(NOW) == 2


@pytest.mark.django_db
def test_nothing_is_sealed_while_the_clock_is_wrong(owner: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def adrift() -> None:
        raise ClockAdrift("off")

    monkeypatch.setattr("evidence.clock_drift.refuse_when_adrift", adrift)
    request = ask()
    with pytest.raises(ClockAdrift):
        sealed_papers.seal_due(NOW)
    request.refresh_from_db()
    assert request.claimed_until is None


@pytest.mark.django_db
def test_a_web_process_makes_no_paper(owner: object, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    def not_here() -> object:
        raise KeyNotHere("only the sealing worker opens the key")

    monkeypatch.setattr(issue, "open_signer", not_here)
    request = ask()
    assert sealed_papers.seal_due(NOW) == 0
    request.refresh_from_db()
    assert (request.result, request.last_error) == (None, "KeyNotHere")


@pytest.mark.django_db
@pytest.mark.loopback
@pytest.mark.database
def test_the_worker_seals_with_the_real_key_and_authority(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_papers, "_kinds", {KIND: record})
    now = sealed_papers.clock()
    request = sealed_papers.ask(
        KIND, reference="hesap1", version="1", asked_by="person:x", subject="account:hesap1", now=now
    )
    assert sealed_papers.seal_due(now) == 1
    request.refresh_from_db()
    raw = sealed_papers.finished(request)
    printed = pdf.render("operators_record", facts_of("operators_record", made_at=now, reference="hesap1"))
    assert check_seal(raw or b"", unsealed=printed).certificate == issue.open_signer().certificate


@pytest.mark.django_db(transaction=True)
@pytest.mark.database
def test_a_worker_that_dies_between_the_file_and_its_row_leaves_a_request_that_the_next_one_answers(
    owner: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Died

    request = ask()
    with monkeypatch.context() as patch:
        patch.setattr("evidence.eventlog.append", die)  # the last thing before the commit
        with pytest.raises(Died):
            sealed_papers.seal_due(NOW)
    request.refresh_from_db()
    assert (request.result, request.finished_at, request.tries) == (None, None, 0)
    assert request.claimed_until is not None
    assert sealed_papers.seal_due(NOW) == 0, "the dead one's claim still runs"
    assert sealed_papers.seal_due(NOW + timedelta(seconds=61)) == 1
    assert kinds_of_events() == ["paper.asked", "paper.sealed"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.database
def test_the_database_breaking_off_is_no_paper_s_fault_and_leaves_no_claim(
    owner: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("hesap1")
    ask("hesap2")
    with monkeypatch.context() as patch:
        met = break_off(patch, sealed_papers, "make")
        with pytest.raises(Error) as raised:
            sealed_papers.seal_due(NOW)
    assert is_interruption(raised.value)
    assert met == ["make"]
    work = SealRequest.objects.values_list("claimed_until", "claimed_by", "tries")
    assert list(work) == [(None, "", 0)] * 2
    assert sealed_papers.seal_due(NOW) == 2
    connection.close()


@pytest.mark.django_db
def test_kepcheck_misses_a_sealed_paper_that_the_vault_lost(owner: object) -> None:
    request = ask()
    sealed_papers.seal_due(NOW)
    request.refresh_from_db()
    assert [each.code for each in integrity.findings(NOW)] == []
    vault.path_of(bytes(request.result)).unlink()
    assert [(each.code, each.subject) for each in integrity.findings(NOW)] == [("EV-16", "hesap1")]


def test_parked_papers_are_seen_and_made_due_again_like_all_work() -> None:
    from kepweb.parked import KINDS

    assert any(kind.model is SealRequest and kind.queue == "seal" for kind in KINDS)
    assert issubclass(SealRequest, parking.Work)
