"""`script/bench --quick`: every part runs on real processes and says what it should; no figure is judged by its size.

The count behind the floor is compared with what one message really does: a floor that counted too much would flatter
the pipeline.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from benches.count import count, proofs_of_the_road

ROOT = Path(__file__).parents[2]


def test_the_floor_counts_nine_signatures_and_ten_verifications() -> None:
    counted = count()
    assert proofs_of_the_road() == (10, 40, 60)
    assert (counted.signatures, counted.verifications, counted.passes) == (9, 10, 2)


@pytest.mark.loopback
def test_the_quick_size_runs_and_is_sane(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KEP_", "DJANGO_"))}
    command = [ROOT / "script" / "bench", "--quick", "--seed", "7", "--data", tmp_path]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    record = json.loads((tmp_path / "bench.json").read_text())
    assert record["seed"] == 7
    assert record["commit"]
    (row,) = record["pipeline"]
    assert len(row["turns"]) == len(row["ratios"]) == 2
    assert f"{row['ratio']:.3f}" in done.stdout
    assert all(0 < ratio < 1 for ratio in row["ratios"]), "faster than its own floor: something is not done"
    assert {"deliver", "seal", "demo-pki", "reader"} <= row["cpu_ms"].keys()
    (steps,) = record["steps"]
    assert all(step["moved"] == steps["messages"] for step in steps["steps"])
    assert steps["counted"]["sign"] == count().provider_signatures
    assert steps["counted"]["verify"] >= count().verifications
    pages = record["pages"]["pages"]
    assert [page["page"] for page in pages] == ["inbox", "inbox, middle", "sent", "message", "compose"]
    assert all(page["bytes"] > 5_000 for page in pages)
