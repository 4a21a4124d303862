"""Every alarm has a code, and docs/OPERATIONS.md says what each code means and what to do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("guards", "evidence", "signing", "accounts", "directory", "mailbox", "kepweb")
CODE = re.compile(r"ALM-\d\d")


def sources() -> Iterator[Path]:
    for app in PRODUCT:
        yield from (path for path in (ROOT / app).rglob("*.py") if "tests" not in path.parts)


def alarms() -> Iterator[tuple[str, str]]:
    """Where each `critical` call stands and how its words begin."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_alarm = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if is_alarm and node.func.attr in ("critical", "fatal"):
                words = node.args[0] if node.args else None
                text = words.value if isinstance(words, ast.Constant) else ""
                yield f"{path.relative_to(ROOT)}:{node.lineno}", str(text)


def explained() -> set[str]:
    text = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (ALM-\d\d) \| (.+) \| (.+) \|$", text, re.MULTILINE)
    return {code for code, meaning, act in rows if len(meaning) > 20 and len(act) > 10}


def test_every_alarm_begins_with_a_code() -> None:
    found = list(alarms())
    assert len(found) >= 12
    assert [where for where, words in found if not re.match(r"ALM-\d\d [a-z]", words)] == []


def test_every_code_is_explained_and_every_explained_code_is_rung() -> None:
    rung = {code for _, words in alarms() for code in CODE.findall(words)}
    rung |= set(CODE.findall((ROOT / "script" / "supervisor.py").read_text(encoding="utf-8")))
    assert rung == explained()
