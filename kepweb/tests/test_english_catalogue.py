"""The English catalogue is complete and its compiled form is the one that is committed."""

import re
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

CATALOGUE = Path(settings.BASE_DIR) / "locale" / "en" / "LC_MESSAGES" / "django.po"


def _entries() -> list[polib.POEntry]:
    return [entry for entry in polib.pofile(CATALOGUE) if not entry.obsolete]


def test_every_text_has_english_words():
    assert [entry.msgid for entry in _entries() if not entry.translated() or entry.fuzzy] == []


def test_every_text_of_the_templates_is_in_the_catalogue():
    known = {entry.msgid for entry in _entries()}
    used = set()
    for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'{% translate "([^"]+)"', html)) | set(re.findall(r'_\("([^"]+)"\)', html))

    assert used - known == set()


def test_the_compiled_catalogue_says_the_same():
    compiled = {(entry.msgctxt, entry.msgid): entry for entry in polib.mofile(str(CATALOGUE.with_suffix(".mo")))}

    for entry in _entries():
        other = compiled[entry.msgctxt, entry.msgid]
        assert (other.msgstr, other.msgstr_plural) == (entry.msgstr, entry.msgstr_plural)


@pytest.mark.parametrize("entry", _entries(), ids=lambda entry: entry.msgid[:40])
def test_holes_and_marks_survive_translation(entry):
    def pieces(text: str) -> list[str]:
        return sorted(re.findall(r"%\([a-z_]+\)[sd]|\{[a-z_]*\}|</?[a-z]+[^>]*>", text))

    for written in (entry.msgstr, *entry.msgstr_plural.values()):
        assert not written or pieces(written) == pieces(entry.msgid)


def test_the_source_language_is_turkish_and_english_is_one_switch_away():
    assert gettext("Gelen Kutusu") == "Gelen Kutusu"
    with translation.override("en"):
        assert gettext("Gelen Kutusu") == "Inbox"
