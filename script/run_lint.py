"""Runs every check of the source and says at the end which ones failed; all are run, whatever the first says."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE = 1000
"""Lines. Past comfort, about 400, a file is split by screen or by verb; past this it is refused."""


def main() -> int:
    """0 when every check passed."""
    failed = [name for name, check in CHECKS.items() if not passed(name, check)]
    print(f"lint: {', '.join(failed)} failed" if failed else "lint: clean", flush=True)
    return bool(failed)


def passed(name: str, check: Callable[[], bool]) -> bool:
    """Run one check under its title."""
    print(f"--- {name}", flush=True)
    return check()


def tool(*command: str) -> Callable[[], bool]:
    """A check that is a program of the environment."""

    def run() -> bool:
        program = Path(sys.executable).with_name(command[0])
        return subprocess.run([program, *command[1:]], cwd=ROOT, stdin=subprocess.DEVNULL).returncode == 0

    return run


def templates() -> bool:
    """djade on every template."""
    files = tracked("templates/*.html")
    return not files or tool("djade", "--check", "--target-version", "5.2", *map(str, files))()


def django() -> bool:
    """No pending migration and no complaint of the system checks, with the settings of the suite."""
    with tempfile.TemporaryDirectory(prefix="kep-lint-") as folder:
        environment = {**os.environ, "KEP_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "kepweb.settings.embedded"}
        return all(
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment).returncode == 0
            for command in (["makemigrations", "--check", "--dry-run"], ["check", "--fail-level", "WARNING"])
        )


def catalogues() -> bool:
    """The catalogues say every text of the sources, in full, and each .mo says what its .po says."""
    return subprocess.run([sys.executable, "script/run_messages.py", "--check"], cwd=ROOT).returncode == 0


def lengths() -> bool:
    """No file of ours has over a thousand lines."""
    long = {}
    for path in tracked("*.py", "*.html", "*.css", "*.js", "*.md", "script/*"):
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > LONGEST_FILE:
            long[path] = lines
    for path, lines in long.items():
        print(f"{path.relative_to(ROOT)}: {lines} lines; split it by screen or by verb")
    return not long


def tracked(*patterns: str) -> list[Path]:
    """The project's own files of these patterns, whether or not they are committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


CHECKS: dict[str, Callable[[], bool]] = {
    "ruff": tool("ruff", "check"),
    "format": tool("ruff", "format", "--check", "--quiet"),
    "templates": templates,
    "types": tool("mypy"),
    "imports": tool("lint-imports", "--no-cache"),
    "django": django,
    "catalogues": catalogues,
    "lengths": lengths,
}

if __name__ == "__main__":
    sys.exit(main())
