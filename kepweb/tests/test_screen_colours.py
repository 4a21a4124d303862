"""The colours keep the contrast they were measured with, in both schemes.

Read from tokens.css itself: text must reach 4.5, borders and marks 3 (WCAG 2.2, 1.4.3 and 1.4.11), and each
pair must stay at its measured ratio, so that nobody moves a colour without noticing.
"""

import re
from pathlib import Path

import pytest
from django.conf import settings

TOKENS = Path(settings.BASE_DIR) / "static" / "css" / "tokens.css"
TEXT, MARK = 4.5, 3.0

# foreground, ground, least, measured in light, measured in dark
PAIRS = [
    ("ink", "sheet", TEXT, 16.51, 14.59),
    ("ink-2", "page", TEXT, 7.19, 10.43),
    ("ink-2", "sheet", TEXT, 8.00, 9.59),
    ("ink-3", "sheet", TEXT, 5.78, 6.82),
    ("ink-3", "page", TEXT, 5.19, 7.41),
    ("ink-3", "sunken", TEXT, 4.78, 7.69),
    ("act", "sheet", TEXT, 8.10, 9.25),
    ("act", "page", TEXT, 7.28, 10.05),
    ("act-strong", "act-tint", TEXT, 9.89, 9.65),
    ("on-act", "act", TEXT, 8.10, 9.02),
    ("on-deep", "deep", TEXT, 12.90, 13.54),
    ("on-deep-2", "deep", TEXT, 8.57, 8.57),
    ("valid", "sheet", TEXT, 6.59, 9.20),
    ("valid", "valid-tint", TEXT, 5.76, 7.95),
    ("broken", "sheet", TEXT, 7.22, 8.37),
    ("broken", "broken-tint", TEXT, 6.20, 7.81),
    ("unsure", "sheet", TEXT, 6.55, 9.39),
    ("unsure", "unsure-tint", TEXT, 5.85, 8.21),
    ("edge", "sheet", MARK, 3.50, 3.84),
    ("edge", "page", MARK, 3.15, 4.17),
    ("focus", "sheet", MARK, 8.10, 10.18),
]


def _tokens(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9A-Fa-f]{6});", css))


def _schemes() -> tuple[dict[str, str], dict[str, str]]:
    light_css, dark_css = TOKENS.read_text(encoding="utf-8").split("@media screen and (prefers-color-scheme: dark)")
    light = _tokens(light_css)
    return light, light | _tokens(dark_css)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("front", "ground", "least", "light_ratio", "dark_ratio"), PAIRS)
def test_each_pair_keeps_its_contrast_in_both_schemes(front, ground, least, light_ratio, dark_ratio):
    light, dark = _schemes()

    for scheme, measured in ((light, light_ratio), (dark, dark_ratio)):
        ratio = _contrast(scheme[front], scheme[ground])
        assert ratio >= least
        assert ratio == pytest.approx(measured, abs=0.01)


def test_focus_on_the_banner_is_seen_in_both_schemes():
    for scheme in _schemes():
        assert _contrast(scheme["focus-on-deep"], scheme["deep"]) >= MARK


def test_the_dark_scheme_names_every_colour_that_text_or_ground_uses():
    light_css, dark_css = TOKENS.read_text(encoding="utf-8").split("@media screen and (prefers-color-scheme: dark)")

    assert set(_tokens(light_css)) - set(_tokens(dark_css)) == {"focus-on-deep"}
