"""The timing campaign in its small size, and that it sees what it looks for (V-008)."""

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from campaigns.rank_test import holm, rank_sum_p
from campaigns.timing import CASES, GROUPS, Told, Tried, judged

ROOT = Path(__file__).resolve().parents[2]
SAID = {case: Told(422 if case in GROUPS[0] else 429, (("allow", "GET"),), "bir cevap") for case in CASES}


@pytest.mark.loopback
@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux: processes are found in /proc")
def test_nobody_learns_who_has_an_account(tmp_path: Path) -> None:
    command = [ROOT / "script" / "campaign", "timing", "--quick", "--tries", "4", "--seed", "3", "--data", tmp_path]
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "campaigns" / "timing.json").read_text())
    assert (record["verdict"], record["tries"], record["faults"]) == ("passed", 4, [])
    assert record["status"] == {case: [422 if case in GROUPS[0] else 429] for case in CASES}


def tried(chance: random.Random, slower: dict[str, float] | None = None) -> list[Tried]:
    """A hundred tries of each case, some cases slower by so many milliseconds."""
    return [
        Tried(case, chance.gauss(0.05, 0.002) + (slower or {}).get(case, 0) / 1000, SAID[case])
        for _ in range(100)
        for case in CASES
    ]


def test_equal_cases_pass() -> None:
    assert judged(tried(random.Random(1)), is_timed=True)["faults"] == []


@pytest.mark.parametrize(
    ("case", "other"), [("unknown", "parola"), ("closed", "unknown"), ("locked-unknown", "locked")]
)
def test_a_case_that_is_slower_is_found(case: str, other: str) -> None:
    faults = judged(tried(random.Random(1), {case: 4.0}), is_timed=True)["faults"]
    assert any(case in fault and other in fault for fault in faults)
    assert judged(tried(random.Random(1), {case: 4.0}), is_timed=False)["faults"] == []


@pytest.mark.parametrize("change", [{"status": 400}, {"headers": ()}, {"text": "baska bir cevap"}])
def test_one_answer_that_differs_is_found(change: dict[str, object]) -> None:
    made = tried(random.Random(1))
    position = next(place for place, each in enumerate(made) if each.case == "sifre")
    made[position] = replace(made[position], told=replace(made[position].told, **change))  # type: ignore[arg-type]
    (fault,) = judged(made, is_timed=True)["faults"]
    assert "2 different answers" in fault


def test_the_rank_test_agrees_with_known_values() -> None:
    """By hand: no overlap of 5 and 5 gives U = 0, mean 12.5, deviation 4.787; with the correction z = 2.507."""
    assert rank_sum_p([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(0.01219, abs=1e-4)
    assert rank_sum_p([1, 1, 1], [1, 1, 1]) == 1.0
    assert rank_sum_p([1, 2, 3], [1, 2, 3]) > 0.9


def test_the_correction_grows_with_the_number_of_questions() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})
