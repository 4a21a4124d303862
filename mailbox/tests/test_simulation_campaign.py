"""The simulation itself: it runs, it repeats itself, its rules bite, and a planted bug does not get past it (R-023)."""

import json
import os
import random
import re
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction

from accounts.models import Person
from accounts.tests.cast import make_person
from mailbox import states
from mailbox.states import Event, MessageState, RecipientState
from script.campaigns.simulated import plants, walks, watch
from script.campaigns.simulated.scheduler import Death, Endless, Fate, Scheduler

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2027, 1, 4, 6, 0, tzinfo=UTC)


def campaign(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The command as people call it."""
    return subprocess.run(
        [ROOT / "script" / "campaign", "simulation", *arguments],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True,
    )  # fmt: skip


# --- the campaign ---------------------------------------------------------------------------------------------------
def test_the_size_for_ci_holds_and_finds_its_planted_bugs(tmp_path: Path) -> None:
    done = campaign("--quick", "--seed", "1", "--data", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "campaigns" / "simulation.json").read_text())
    assert record["verdict"] == "passed"
    assert record["failures"] == []
    assert record["twice"] >= 4
    assert record["messages"] > 20
    assert record["proofs"] > record["messages"]
    assert record["kills"] > 10
    for name in plants.QUICK:
        assert re.search(rf"planted {name}: found by seed \d+", done.stdout), done.stdout


def test_a_seed_plays_out_the_same_way_in_another_process() -> None:
    told = {campaign("--seed", "4711", "--trace", PYTHONHASHSEED=salt).stdout for salt in ("1", "2")}
    assert len(told) == 1
    assert "verdict: holds" in told.pop()


def test_every_plant_still_fits_the_source(tmp_path: Path) -> None:
    for plant in plants.PLANTS:
        tree = plants.planted(plant, tmp_path)
        for edit in plant.edits:
            assert (tree / edit.path).read_text() != (ROOT / edit.path).read_text()


def test_a_plant_whose_text_is_gone_is_an_error(tmp_path: Path) -> None:
    plant = plants.Plant("none", "", 1, (plants.Edit("mailbox/states.py", "this is nowhere", ""),))
    with pytest.raises(plants.PlantGone):
        plants.planted(plant, tmp_path)


# --- the walks ------------------------------------------------------------------------------------------------------
def test_the_tables_of_the_law_tell_no_story_it_does_not_know() -> None:
    assert [found for seed in range(200) if (found := walks.walk(seed))] == []


@pytest.mark.parametrize(
    ("table", "pair", "target"),
    [
        ("RECIPIENT_TRANSITIONS", (RecipientState.READ, Event.TERM_ENDED), RecipientState.DEEMED_READ),
        ("RECIPIENT_TRANSITIONS", (RecipientState.RELAYED, Event.PEER_READ), RecipientState.READ),
        ("RECIPIENT_TRANSITIONS", (RecipientState.DELIVERED, Event.PLACED), RecipientState.DELIVERED),
        ("RECIPIENT_TRANSITIONS", (RecipientState.RELAY_REJECTED, Event.PEER_TOOK), RecipientState.RELAYED),
        ("MESSAGE_TRANSITIONS", (MessageState.REJECTED, Event.PASSED), MessageState.ACCEPTED),
        ("MESSAGE_TRANSITIONS", (MessageState.ACCEPTED, Event.WITHDRAWN), MessageState.RETURNED),
    ],
)
def test_a_step_that_the_law_does_not_know_is_found(
    monkeypatch: pytest.MonkeyPatch, table: str, pair: Any, target: Any
) -> None:
    monkeypatch.setattr(states, table, {**getattr(states, table), pair: target})
    assert any(walks.walk(seed) for seed in range(200))


def test_a_state_without_an_end_in_reach_is_found() -> None:
    table = {pair: new for pair, new in states.RECIPIENT_TRANSITIONS.items() if pair[0] != RecipientState.DELIVERED}
    assert RecipientState.DELIVERED not in walks._reach(table, walks.ENDS_OF_RECIPIENT)
    assert RecipientState.DELIVERED in walks._REACH_OF_RECIPIENT


# --- the scheduler --------------------------------------------------------------------------------------------------
class Bench:
    """Two acts over one connection, and what they did in which order."""

    def __init__(self, fate: Fate, seed: int = 1) -> None:
        self.done: list[str] = []
        self.scheduler = Scheduler(START, connections["default"], random.Random(seed), fate)

    def act(self, name: str, steps: int) -> Callable[[], None]:
        """So many steps, each of them a place where others may go on."""

        def body() -> None:
            with self.scheduler.exposing():
                for number in range(steps):
                    self.scheduler.passes(f"{name} {number}")
                    self.done.append(f"{name}{number}")

        return body

    def run(self, **acts: Callable[[], None]) -> list[str]:
        for name, body in acts.items():
            self.scheduler.plan(name, body, after=0.0)
        try:
            self.scheduler.run(START + timedelta(hours=1), lambda: None)
        finally:
            self.scheduler.end()
        return self.done


@pytest.fixture
def bench(transactional_db: None) -> Any:
    made: list[Bench] = []

    def make(fate: Fate, seed: int = 1) -> Bench:
        made.append(Bench(fate, seed))
        return made[-1]

    yield make
    for _ in made:
        connections["default"].dec_thread_sharing()


def interleaved(bench: Any, seed: int) -> list[str]:
    on_one = bench(Fate(waits=0.5), seed)
    return on_one.run(a=on_one.act("a", 6), b=on_one.act("b", 6))  # type: ignore[no-any-return]


def test_acts_take_turns_as_the_seed_has_it(bench: Any) -> None:
    orders = [interleaved(bench, seed) for seed in (1, 1, 2, 3)]
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) > 1
    assert any(order != sorted(order) for order in orders)
    assert all(sorted(order) == sorted(orders[0]) for order in orders)


def test_who_is_killed_takes_an_open_transaction_along(bench: Any) -> None:
    on_one = bench(Fate(dies_at_point=1.0))

    def body() -> None:
        with on_one.scheduler.exposing():
            make_person("Ayşe", "Kalır")
            with transaction.atomic():
                make_person("Ali", "Gider")
                on_one.scheduler.point("before.commit")

    on_one.run(a=body)
    assert [person.last_name for person in Person.objects.all()] == ["Kalır"]
    assert any("killed at before.commit" in line for line in on_one.scheduler.trace)


def test_nobody_else_runs_inside_a_transaction(bench: Any) -> None:
    on_one = bench(Fate(waits=1.0))

    def body() -> None:
        with on_one.scheduler.exposing(), transaction.atomic():
            for number in range(3):
                on_one.scheduler.passes("inside")
                on_one.done.append(f"t{number}")

    order = on_one.run(a=body, b=on_one.act("b", 3))
    at = order.index("t0")
    assert order[at : at + 3] == ["t0", "t1", "t2"]


def test_an_act_that_never_ends_is_reported(bench: Any) -> None:
    on_one = bench(Fate())
    with pytest.raises(Endless):
        on_one.run(a=on_one.act("a", 10**9))


def test_no_thread_is_left_behind(bench: Any) -> None:
    before = threading.active_count()
    on_one = bench(Fate())
    on_one.scheduler.plan("a", lambda: on_one.scheduler.rest(7200), after=0.0)
    on_one.scheduler.run(START + timedelta(seconds=1), lambda: None)
    assert threading.active_count() == before + 1
    on_one.scheduler.end()
    assert threading.active_count() == before


def test_what_an_act_raises_comes_out_and_a_death_does_not(bench: Any) -> None:
    def dies() -> None:
        raise Death("here")

    def fails() -> None:
        raise ZeroDivisionError

    on_one = bench(Fate())
    assert on_one.run(a=dies) == []
    with pytest.raises(ZeroDivisionError):
        bench(Fate()).run(a=fails)


# --- the watch ------------------------------------------------------------------------------------------------------
def test_every_rule_is_a_question_the_database_understands(db: None) -> None:
    looking = watch.Watch(Scheduler(START, connections["default"], random.Random(1), Fate()))
    connections["default"].dec_thread_sharing()
    looking.look()
    assert looking.next_due("deliver") is None
    assert looking.next_due("seal") is None


def test_an_error_of_the_log_is_a_violation(db: None) -> None:
    looking = watch.Watch(Scheduler(START, connections["default"], random.Random(1), Fate()))
    connections["default"].dec_thread_sharing()
    looking.alarms.append("something")
    with pytest.raises(watch.Violation, match="nobody foresaw"):
        looking.look()
