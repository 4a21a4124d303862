"""The environment is made once, whole or not at all, and renewed only when its lock has changed (design.md 3)."""

import subprocess
import sys

import environment
import pytest
import run_lint
import run_tests


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A project of two lock files in a folder of its own."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text(f"# {name}\n")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    return tmp_path


@pytest.fixture
def runs(monkeypatch, place):
    """What would have been run; making a venv makes its folder, and every run ends with `status`."""
    noted = []

    class Runs(list):
        status = 0

    noted = Runs()

    def run(command, **_):
        noted.append([str(piece) for piece in command])
        if "venv" in noted[-1]:
            (place / ".venv" / "bin").mkdir(parents=True)
        return subprocess.CompletedProcess(command, noted.status)

    monkeypatch.setattr(environment.subprocess, "run", run)
    return noted


@pytest.fixture
def without_ensurepip(monkeypatch):
    """A Debian whose python3-venv is not installed."""
    find = environment.importlib.util.find_spec
    monkeypatch.setattr(
        environment.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find(name)
    )


@pytest.mark.usefixtures("without_ensurepip")
def test_without_the_venv_module_the_package_is_named_and_nothing_is_left(runs, place, capsys):
    assert environment.ensure_venv() == 1
    said = capsys.readouterr().err
    assert f"apt-get install python{sys.version_info.major}.{sys.version_info.minor}-venv" in said
    assert not (place / ".venv").exists()
    assert runs == []


def test_a_half_made_environment_is_taken_away(runs, place, capsys):
    runs.status = 1
    assert environment.ensure_venv() == 1
    assert not (place / ".venv").exists()
    assert "yarım kalan .venv silindi" in capsys.readouterr().err


def test_one_that_does_not_start_is_made_anew(runs, place):
    """Its Python was removed from the machine: a link that leads nowhere."""
    (place / ".venv" / "bin").mkdir(parents=True)
    (place / ".venv" / "bin" / "python").symlink_to("/nowhere/python3.11")
    assert environment.ensure_venv() == 0
    assert [command[1:3] for command in runs] == [["-m", "venv"]]
    assert not (place / ".venv" / "bin" / "python").is_symlink()


def test_packages_come_by_hash_and_as_wheels_only(runs, place):
    (place / ".venv").mkdir()
    assert environment.ensure_packages(["requirements.txt"]) == 0
    assert {"--require-hashes", "--only-binary", ":all:"} <= set(runs[0])


def test_they_come_once_and_again_when_the_lock_changes(runs, place):
    (place / ".venv").mkdir()
    locks = ["requirements.txt", "requirements-dev.txt"]
    for _ in range(3):
        assert environment.ensure_packages(locks) == 0
    assert len(runs) == 1
    (place / "requirements-dev.txt").write_text("# changed\n")
    assert environment.ensure_packages(locks) == 0
    assert len(runs) == 2
    assert [piece.rpartition("/")[2] for piece in runs[1] if piece.endswith(".txt")] == ["requirements-dev.txt"]


def test_an_installation_that_failed_is_tried_again(runs, place, capsys):
    (place / ".venv").mkdir()
    runs.status = 1
    assert environment.ensure_packages(["requirements.txt"]) == 1
    assert "ağ bağlantısını" in capsys.readouterr().err
    runs.status = 0
    assert environment.ensure_packages(["requirements.txt"]) == 0
    assert len(runs) == 2


def test_an_old_python_is_refused_in_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(environment.sys, "version_info", (3, 10, 4))
    assert environment.main() == 1
    assert "Python 3.11 ya da yenisi gerekir" in capsys.readouterr().err


# --- the second run of the suite ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "narrowed"),
    [
        ([], ["-m", "(database or queue or crash)"]),
        (["-k", "vault", "-x"], ["-k", "vault", "-x", "-m", "(database or queue or crash)"]),
        (["-m", "not journey", "mailbox"], ["mailbox", "-m", "(database or queue or crash) and (not journey)"]),
    ],
)
def test_the_callers_selection_is_narrowed_and_not_replaced(given, narrowed):
    assert run_tests.narrowed(given) == narrowed


# --- lengths --------------------------------------------------------------------------------------------------------
def test_a_file_of_over_a_thousand_lines_is_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "long.py").write_text("x = 1\n" * 1001)
    monkeypatch.setattr(run_lint, "ROOT", tmp_path)
    monkeypatch.setattr(run_lint, "tracked", lambda *_: [tmp_path / "long.py"])
    assert not run_lint.lengths()
    assert "long.py: 1001 lines" in capsys.readouterr().out
