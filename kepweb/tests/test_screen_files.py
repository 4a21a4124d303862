"""What the templates, styles, scripts and drawings owe one another."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.template.loader import get_template

ROOT = Path(settings.BASE_DIR)
# the introduction is a part of a KEP message, not a screen: its words are fixed in Turkish by K-100
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").rglob("*.css"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
SCRIPT_LIMIT = 15_000

# What may stand in a template without going through gettext: names that are the same in every language.
UNTRANSLATED = {"KEP", "·", "Türkçe", "English", ":", ",", ".", "(", ")", "()", "/"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_compiles(path):
    get_template(str(path.relative_to(ROOT / "templates")))


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_has_no_inline_script_style_or_handler(path):
    html = path.read_text(encoding="utf-8")

    assert "<style" not in html
    assert not re.search(r"\sstyle=", html)
    assert not re.search(r"\son[a-z]+\s*=", html)
    for script in re.findall(r"<script[^>]*>", html):
        assert 'type="module"' in script
        assert "src=" in script
        assert 'nonce="{{ request.csp_nonce }}"' in script


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_every_form_that_posts_carries_its_token(path):
    html = path.read_text(encoding="utf-8")

    for form in re.findall(r'<form\b[^>]*method="post".*?</form>', html, flags=re.DOTALL):
        assert "{% csrf_token %}" in form


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_every_word_on_screen_goes_through_gettext(path):
    html = path.read_text(encoding="utf-8")
    html = re.sub(r"{% blocktranslate.*?{% endblocktranslate %}", "", html, flags=re.DOTALL)
    html = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", "", html, flags=re.DOTALL)
    html = re.sub(r'<span class="error-summary__code">SYF-\d+</span>', "", html)
    shown = re.sub(r"<[^>]*>", "\n", html)
    words = {word for word in shown.split() if re.search(r"[^\W\d_]", word) and "--" not in word}  # "--": a class

    assert words <= UNTRANSLATED
    for attribute in re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', html):
        assert not re.search(r"[^\W\d_]", attribute)


def test_the_sprite_holds_the_icons_in_use_and_no_other():
    sprite = (ROOT / "static" / "img" / "icons.svg").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    named = set(re.findall(r'{% icon "([a-z0-9-]+)"', source)) | set(re.findall(r'drawing="([a-z0-9-]+)"', source))
    tags = (ROOT / "kepweb" / "templatetags" / "kep_format.py").read_text(encoding="utf-8")
    named |= set(re.findall(r'"(file-[a-z-]+)"', tags))

    assert set(re.findall(r'id="tabler-([a-z0-9-]+)"', sprite)) == named


def test_the_entry_sheet_imports_every_other_sheet_once_in_a_layer():
    folder = ROOT / "static" / "css"
    entry = (folder / "kep.css").read_text(encoding="utf-8")
    imported = re.findall(r'@import url\("([^"]+)"\) layer\((\w+)\)', entry)

    assert sorted(name for name, _ in imported) == sorted(
        str(path.relative_to(folder)) for path in STYLES if path.name != "kep.css"
    )
    order = [name.strip() for name in re.search(r"@layer ([^;]+);", entry)[1].split(",")]
    assert [layer for _, layer in imported] == sorted((layer for _, layer in imported), key=order.index)


@pytest.mark.parametrize("path", [path for path in STYLES if path.name not in {"tokens.css", "print.css"}], ids=_name)
def test_a_part_uses_the_named_colours_only(path):
    css = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)

    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(|\boklch\(", css)
    assert not re.search(r"font-size:\s*\d+px", css)


@pytest.mark.parametrize("path", [path for path in STYLES if path.name != "tokens.css"], ids=_name)
def test_a_part_uses_tokens_that_exist(path):
    known = set(re.findall(r"(--[a-z0-9-]+):", (ROOT / "static" / "css" / "tokens.css").read_text(encoding="utf-8")))

    assert set(re.findall(r"var\((--[a-z0-9-]+)\)", path.read_text(encoding="utf-8"))) <= known


def test_the_scripts_stay_small_and_import_nothing():
    assert sum(path.stat().st_size for path in SCRIPTS) < SCRIPT_LIMIT
    for path in SCRIPTS:
        # an import's path would not follow the hashed names of the manifest
        assert not re.search(r"^\s*import\b|\bimport\(", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_manifest_storage_finds_every_path_that_a_sheet_names(tmp_path, settings):
    settings.STATIC_ROOT = str(tmp_path)
    settings.DEBUG = False
    storage = ManifestStaticFilesStorage(location=str(tmp_path), base_url="/static/")
    source = FileSystemStorage(location=ROOT / "static")
    names = [str(path.relative_to(ROOT / "static")) for path in (ROOT / "static").rglob("*") if path.is_file()]
    for name in names:
        storage._save(name, ContentFile((ROOT / "static" / name).read_bytes()))

    results = list(storage.post_process({name: (source, name) for name in names}))

    assert [outcome for _, _, outcome in results if isinstance(outcome, Exception)] == []
    entry = (tmp_path / storage.stored_name("css/kep.css")).read_text(encoding="utf-8")
    assert re.search(r'@import url\("tokens\.[0-9a-f]{12}\.css"\) layer\(tokens\)', entry)
