"""The flips campaign itself: it runs, it covers what it says, and it would see a survivor."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from evidence.tests.bundles import packed, realm
from evidence.verify import Report, Verdict
from guards.zip import read_stored

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def flips() -> ModuleType:
    found = importlib.util.spec_from_file_location("flips_campaign", ROOT / "script" / "campaigns" / "flips.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules["flips_campaign"] = module
    found.loader.exec_module(module)
    return module


def test_the_plan_reaches_every_byte_it_promises_and_can_be_repeated(flips: ModuleType) -> None:
    members = read_stored(packed())
    planned = flips.plan(packed(), seed=1, quick=False)
    assert planned == flips.plan(packed(), seed=1, quick=False)
    assert planned != flips.plan(packed(), seed=2, quick=False)
    for name in ("deliller/02-40-1.xml", "ileti.eml", "META-INF/signature.p7s"):
        assert [one.at for one in planned if one.part == name] == list(range(len(members[name])))
    structure = [one.at for one in planned if one.part == "zip"]
    assert len(structure) == len(packed()) - sum(map(len, members.values()))
    assert structure[0] == 0
    assert structure[-1] == len(packed()) - 1
    assert sum(one.part == "elsewhere" for one in planned) == 2_000
    assert all(one.mask for one in planned)


def test_a_survivor_would_be_seen(flips: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = flips.plan(packed(), seed=1, quick=True)[:5]
    outcomes = flips.run(planned, packed(), realm().root.raw, processes=1)
    assert flips.has_passed(flips.summary(outcomes))
    monkeypatch.setattr(flips, "check_file", lambda raw, **asked: Report("bundle", Verdict.VALID, (), ()))
    blind = flips.summary(flips.run(planned, packed(), realm().root.raw, processes=1))
    assert blind["deliller/02-40-1.xml"]["survivors"] == 5
    assert not flips.has_passed(blind)


def test_a_member_that_is_not_named_fails_the_run(flips: ModuleType) -> None:
    one = {"flips": 1, "survivors": 0, "undecided": 0, "unnamed": 0}
    assert flips.has_passed({"ileti.eml": one, "orijinal.eml alone": {**one, "undecided": 1}})
    for fault in ("survivors", "undecided", "unnamed"):
        assert not flips.has_passed({"ileti.eml": {**one, fault: 1}})
    assert not flips.has_passed({"orijinal.eml alone": {**one, "survivors": 1}})


def test_the_quick_size_passes_and_leaves_a_record(tmp_path: Path) -> None:
    command = [ROOT / "script" / "campaign", "flips", "--quick", "--seed", "7", "--data", tmp_path]
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 7" in done.stdout
    record = json.loads((tmp_path / "campaigns" / "flips.json").read_text())
    assert (record["seed"], record["quick"], record["survivors"], record["verdict"]) == (7, True, 0, "passed")
    assert record["flips"] == sum(part["flips"] for part in record["parts"].values()) > 1_000


@pytest.mark.parametrize("name", ["seeds", "tamper", "", "yok"])
def test_a_campaign_that_is_not_there_is_said_to_be_so(name: str) -> None:
    done = subprocess.run([ROOT / "script" / "campaign", name], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert ("later issue" in done.stderr) == (name not in ("", "yok"))
