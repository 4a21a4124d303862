"""Where an unknown failure is survived: the head of kepweb/work_loop.py names those places, and there are no others."""

import ast
import re
from pathlib import Path

from kepweb import work_loop
from kepweb.tests.test_alarms import ROOT, sources

BROAD = {"Exception", "BaseException"}


def catches_everything(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            named = {"BaseException"} if node.type is None else {
                each.id for each in ast.walk(node.type) if isinstance(each, ast.Name)
            }  # fmt: skip
            if named & BROAD:
                return True
    return False


def test_every_boundary_is_named_and_every_named_one_is_there() -> None:
    found = {str(path.relative_to(ROOT)) for path in sources() if catches_everything(path)}
    named = set(re.findall(r"^- `([a-z_/]+\.py)`", work_loop.__doc__ or "", re.MULTILINE))
    assert found == named
