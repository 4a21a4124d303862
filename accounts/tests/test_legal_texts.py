"""A legal text that was published stays what it was, and everybody finds the version in force and every other one."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from accounts import legal_texts
from accounts.legal_texts import PUBLISHED, TITLES, LegalTextChanged, LegalTextUnknown, LegalVersion
from accounts.models import TermsAccepted

SECOND, TENTH = date(2027, 3, 1), date(2028, 1, 1)


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[LegalVersion, ...]:
    """A text with three versions, the last of them beyond 1.9."""
    made = []
    for version, day in (("1.0", date(2026, 11, 24)), ("1.9", SECOND), ("1.10", TENTH)):
        raw = f"Esaslar {version}\n\n# Amaç\nBirinci.\n- a\n- b\nSon <b>{version}</b>.\n".encode()
        (tmp_path / f"kepue-{version}.txt").write_bytes(raw)
        made.append(LegalVersion("kepue", version, day, hashlib.sha256(raw).hexdigest()))
    monkeypatch.setattr(legal_texts, "PUBLISHED", tuple(made))
    monkeypatch.setattr(legal_texts, "_FOLDER", tmp_path)
    return tuple(made)


def test_every_published_file_is_what_was_published_and_no_file_is_unpublished() -> None:
    for each in PUBLISHED:
        assert hashlib.sha256(legal_texts.raw_of(each)).hexdigest() == each.digest
    files = {place.stem for place in legal_texts._FOLDER.iterdir()}
    assert files == {f"{each.text}-{each.version}" for each in PUBLISHED}


def test_every_text_has_a_version_and_fits_the_rows_that_remember_it() -> None:
    assert {each.text for each in PUBLISHED} == set(TITLES)
    assert len({(each.text, each.version) for each in PUBLISHED}) == len(PUBLISHED)
    longest = {field: TermsAccepted._meta.get_field(field).max_length for field in ("text", "version")}
    assert all(len(each.text) <= longest["text"] and len(each.version) <= longest["version"] for each in PUBLISHED)


def test_every_text_is_read_as_headings_paragraphs_and_items() -> None:
    for each in PUBLISHED:
        blocks = legal_texts.blocks_of(each)
        said = [line for block in blocks for line in block.lines]
        raw = legal_texts.raw_of(each).decode()
        assert [line.removeprefix("# ").removeprefix("- ") for line in raw.splitlines()[1:] if line] == said
        assert blocks[0].kind == "heading"
        assert len([block for block in blocks if block.kind == "heading"]) >= 6
        assert legal_texts.title_of(each) == raw.splitlines()[0]


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (date(2020, 1, 1), "1.0"),  # before the first: the first
        (date(2026, 11, 24), "1.0"),
        (date(2027, 2, 28), "1.0"),
        (SECOND, "1.9"),
        (date(2027, 12, 31), "1.9"),
        (TENTH, "1.10"),
    ],
)
def test_the_version_of_a_day_is_the_last_one_in_force(
    history: tuple[LegalVersion, ...], day: date, version: str
) -> None:
    assert legal_texts.in_force("kepue", on=day).version == version


def test_versions_are_ordered_by_their_numbers(history: tuple[LegalVersion, ...]) -> None:
    assert [each.version for each in legal_texts.versions("kepue")] == ["1.10", "1.9", "1.0"]


def test_what_is_accepted_on_a_day_is_every_text_once() -> None:
    accepted = legal_texts.of_the_day(date(2026, 12, 1))
    assert [each.text for each in accepted] == ["kepue", "kvkk", "kosullar"]


def test_a_changed_file_is_not_shown(history: tuple[LegalVersion, ...], tmp_path: Path) -> None:
    place = tmp_path / "kepue-1.0.txt"
    place.write_bytes(place.read_bytes().replace(b"Birinci", b"Ikinci."))
    with pytest.raises(LegalTextChanged, match="another one"):
        legal_texts.raw_of(history[0])
    (tmp_path / "kepue-1.9.txt").unlink()
    with pytest.raises(LegalTextChanged, match="gone"):
        legal_texts.blocks_of(history[1])


@pytest.mark.parametrize(("text", "version"), [("kepue", "9.9"), ("kepue", "../kvkk-1.0"), ("parola", "1.0"), ("", "")])
def test_what_was_never_published_is_unknown(text: str, version: str) -> None:
    with pytest.raises(LegalTextUnknown):
        legal_texts.find(text, version)
