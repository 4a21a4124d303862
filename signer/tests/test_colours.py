"""The signer's window and the provider's window look like one thing: the same tokens in both style sheets."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def tokens(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Custom properties before and inside the dark scheme."""
    light, _, dark = path.read_text("utf-8").partition("(prefers-color-scheme: dark)")
    dark = dark.split("@media")[0].split("@layer base {")[0]
    found = [dict(re.findall(r"(--[a-z0-9-]+):\s*([^;]+);", part)) for part in (light, dark)]
    return found[0], found[1]


def test_every_token_has_the_providers_value_in_both_schemes() -> None:
    ours, theirs = tokens(ROOT / "signer/static/imza.css"), tokens(ROOT / "static/css/tokens.css")

    assert len(ours[0]) > 20
    assert len(ours[1]) > 15
    for own, provider in zip(ours, theirs, strict=True):
        assert own == {name: provider[name] for name in own}
