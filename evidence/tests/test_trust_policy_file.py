"""A provider's own trust policy is read whole or not at all (S-003, S-005; design.md 1.3)."""

from pathlib import Path

import pytest

from evidence.anchors import AnchorsRefused, TrustPolicy

GOOD = """
[policies]
person = ["2.16.792.1.2.1"]
transaction = ["2.16.792.3.1"]
timestamp = ["2.16.792.3.2"]
seal = ["2.16.792.1.2.1.1.5.7.50.1", "2.16.792.1.2.1.1.5.7.50.2"]
[statements]
etsi = ["0.4.0.1862.1.1"]
btk = ["2.16.792.1.61.0.1.5070.1.1"]
[limits]
min_rsa_bits = 3072
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_list_arrives_where_it_belongs(tmp_path: Path) -> None:
    policy = TrustPolicy.from_toml(written(tmp_path, GOOD))
    assert policy.person == {"2.16.792.1.2.1"}
    assert policy.transaction == {"2.16.792.3.1"}
    assert policy.timestamp == {"2.16.792.3.2"}
    assert len(policy.seal) == 2
    assert policy.etsi_statements == {"0.4.0.1862.1.1"}
    assert policy.btk_statements == {"2.16.792.1.61.0.1.5070.1.1"}
    assert policy.min_rsa_bits == 3072
    assert policy.zero_limit_refused is True


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not toml",
        GOOD.replace('seal = ["2.16.792.1.2.1.1.5.7.50.1", "2.16.792.1.2.1.1.5.7.50.2"]\n', ""),
        GOOD.replace('"2.16.792.3.1"', '"2.16.792.3.01"'),
        GOOD.replace('["2.16.792.3.2"]', '"2.16.792.3.2"'),
        GOOD.replace("min_rsa_bits = 3072", 'min_rsa_bits = "3072"'),
        GOOD.replace("min_rsa_bits = 3072", "min_rsa_bits = true"),
        GOOD + "surprise = 1\n",
        GOOD + "[other]\n",
    ],
)
def test_a_policy_with_anything_missing_odd_or_more_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(AnchorsRefused):
        TrustPolicy.from_toml(written(tmp_path, text))


def test_a_policy_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnchorsRefused):
        TrustPolicy.from_toml(tmp_path / "nowhere.toml")
