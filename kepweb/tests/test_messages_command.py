"""script/messages finds every text there is, and lint sees a catalogue that does not say it (screens 10, rule 4)."""

import json
import subprocess
import sys
from pathlib import Path

import polib
import pytest
import run_messages
from django.conf import settings

ROOT = Path(settings.BASE_DIR)


# --- the texts of the sources ---------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def texts() -> dict[str, list[str]]:
    """Every text of the sources with the files that say it; found by a process with settings of its own."""
    program = (
        "import json, sys; sys.path.insert(0, 'script'); import run_messages; found = run_messages.collected();"
        "json.dump({each.msgid: [name for name, _ in each.occurrences] for each in found}, sys.stdout)"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found: dict[str, list[str]] = json.loads(run.stdout)
    return found


@pytest.mark.needs("gettext")
@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("Gelen kutusuna dön", "kepweb/refusals.py"),  # a call
        ("Okunmuş sayıldı", "mailbox/state_names.py"),  # a lazy call, as a label
        ("şifre en az 6 rakam olmalı.", "accounts/secret_rules.py"),  # noted, said elsewhere
        ("TSİ", "kepweb/templatetags/kep_format.py"),  # with a context
        ("%(hours)d saat", "mailbox/views/shown.py"),  # with a plural
        ("Telefonlar", "templates/demo/phone.html"),  # a tag in an attribute
        ("(konu yok)", "templates/parts/message_rows.html"),  # within a filter
        ("%(total)s taslak", "templates/mailbox/drafts.html"),  # a block with a plural
        ("En az bir alıcı yazın. İletiniz taslakta duruyor.", "mailbox/errors.py"),  # a refusal
        ("Sertifikanın süresi o anda dolmuştu.", "guards/refusal_texts.py"),  # a finding of chains
        ("Sertifikanın süresi dolmuş. Yenilenmiş sertifikanızla imzalayın.", "guards/refusal_texts.py"),
        ("Sertifika, imza anından önce iptal edilmişti.", "guards/refusal_texts.py"),
        ("Alıcının kutusuna teslim edildi", "evidence/facts.py"),  # the name of a proof
    ],
)
def test_a_text_is_found_whatever_way_it_is_said(texts, text, file):
    assert file in texts[text]


@pytest.mark.needs("gettext")
def test_records_tests_and_the_desktop_signer_are_no_texts_of_screens(texts):
    files = {file for files in texts.values() for file in files}
    assert not [each for each in files if "/tests/" in each or each.startswith(("signer/", "script/"))]
    assert "mailbox/introduction.py" not in files


@pytest.mark.needs("gettext")
def test_the_catalogues_of_this_project_say_all_of_it():
    run = subprocess.run(
        [sys.executable, "script/run_messages.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert (run.returncode, run.stdout) == (0, ""), run.stdout + run.stderr


# --- one catalogue --------------------------------------------------------------------------------------------------
def template(*texts: str, plural: str = "%d ileti") -> polib.POFile:
    sources = polib.POFile()
    for text in texts:
        sources.append(polib.POEntry(msgid=text, occurrences=[("a.py", "")]))
    sources.append(polib.POEntry(msgid=plural, msgid_plural=plural, msgstr_plural={0: "", 1: ""}))
    return sources


@pytest.fixture
def catalogue(tmp_path):
    """A catalogue of three texts with its compiled form."""
    written = polib.POFile()
    written.metadata = {"Content-Type": "text/plain; charset=utf-8", "Plural-Forms": "nplurals=2; plural=(n!=1);"}
    written.append(polib.POEntry(msgid="Gelen", msgstr="Inbox"))
    written.append(polib.POEntry(msgid="Taslak", msgstr="Draft"))
    written.append(
        polib.POEntry(msgid="%d ileti", msgid_plural="%d ileti", msgstr_plural={0: "%d item", 1: "%d items"})
    )
    written.save(str(tmp_path / "django.po"))
    written.save_as_mofile(str(tmp_path / "django.mo"))
    return tmp_path / "django.po"


def test_a_whole_catalogue_has_no_problem(catalogue):
    assert run_messages.problems(catalogue, template("Gelen", "Taslak")) == []


def test_a_text_it_lacks_and_a_text_nobody_says_are_told(catalogue):
    assert run_messages.problems(catalogue, template("Gelen", "Giden")) == [
        "nobody says this any more: 'Taslak'",
        "not in the catalogue: 'Giden'",
    ]


def test_without_the_sources_only_the_catalogue_is_looked_at(catalogue):
    assert run_messages.problems(catalogue, None) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"Inbox"', '"In-tray"', ["its .mo is missing or says something else"]),
        ('"%d items"', '"%d letters"', ["its .mo is missing or says something else"]),
        ('"Inbox"', '""', ["its .mo is missing or says something else", "not translated: 'Gelen'"]),
        ('"%d items"', '""', ["its .mo is missing or says something else", "not translated: '%d ileti'"]),
        ('msgid "Gelen"', '#, fuzzy\nmsgid "Gelen"', ["fuzzy: 'Gelen'", "its .mo is missing or says something else"]),
    ],
)
def test_a_catalogue_that_was_changed_has_a_problem(catalogue, old, new, told):
    assert old in catalogue.read_text()
    catalogue.write_text(catalogue.read_text().replace(old, new))
    assert run_messages.problems(catalogue, template("Gelen", "Taslak")) == told


def test_a_compiled_form_that_is_missing_is_told(catalogue):
    catalogue.with_suffix(".mo").unlink()
    assert run_messages.problems(catalogue, None) == ["its .mo is missing or says something else"]


def test_rewriting_keeps_words_brings_new_texts_and_drops_old_ones(catalogue):
    run_messages.rewrite(catalogue, template("Giden", "Gelen"))
    entries = {each.msgid: each.msgstr_plural or each.msgstr for each in polib.pofile(str(catalogue))}
    assert entries == {"Giden": "", "Gelen": "Inbox", "%d ileti": {0: "%d item", 1: "%d items"}}
    assert list(entries) == ["Giden", "Gelen", "%d ileti"]
    assert [each.msgid for each in polib.mofile(str(catalogue.with_suffix(".mo")))] == ["%d ileti", "Gelen"]
    assert run_messages.problems(catalogue, template("Giden", "Gelen")) == ["not translated: 'Giden'"]


def test_rewriting_twice_changes_nothing(catalogue):
    run_messages.rewrite(catalogue, template("Giden", "Gelen"))
    once = catalogue.read_bytes(), catalogue.with_suffix(".mo").read_bytes()
    run_messages.rewrite(catalogue, template("Giden", "Gelen"))
    assert (catalogue.read_bytes(), catalogue.with_suffix(".mo").read_bytes()) == once
