"""The legal pages in the house: open to everybody, versioned, dated, and linked from every footer (K-006)."""

import hashlib
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts import legal_texts
from accounts.legal_texts import PUBLISHED, LegalVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def second_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The KEPUE has been changed once, and a third version is announced."""
    made = [each for each in PUBLISHED if each.text != "kepue"]
    for each in made:
        (tmp_path / f"{each.text}-{each.version}.txt").write_bytes(legal_texts.raw_of(each))
    for version, day in (("1.0", date(2020, 1, 1)), ("1.1", date(2021, 1, 1)), ("2.0", date(2126, 1, 1))):
        raw = f"Esaslar {version}\n\n# Amaç\nBu, {version} sürümüdür <script>alert(1)</script>.\n".encode()
        (tmp_path / f"kepue-{version}.txt").write_bytes(raw)
        made.append(LegalVersion("kepue", version, day, hashlib.sha256(raw).hexdigest()))
    monkeypatch.setattr(legal_texts, "PUBLISHED", tuple(made))
    monkeypatch.setattr(legal_texts, "_FOLDER", tmp_path)


@pytest.mark.parametrize("each", PUBLISHED, ids=lambda each: f"{each.text}-{each.version}")
def test_a_stranger_reads_every_text_with_its_version_and_day(
    client: Client, each: LegalVersion, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        answer = client.get(f"/yasal/{each.text}/{each.version}/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f"Sürüm {each.version}" in page
    assert each.digest in page
    headings = re.findall(r'<h2 id="(bolum-\d+)">([^<]+)</h2>', page)
    assert len(headings) == legal_texts.raw_of(each).decode().count("\n# ")
    assert re.findall(r'<a href="#(bolum-\d+)">([^<]+)</a>', page) == headings


def test_the_list_shows_each_text_once(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        page = client.get("/yasal/").content.decode()
    main = page[page.index("<main") : page.index("</main")]
    assert re.findall(r'href="(/yasal/[a-z]+/)"', main) == ["/yasal/kepue/", "/yasal/kvkk/", "/yasal/kosullar/"]


@pytest.mark.parametrize("path", ["/giris/", "/yardim/", "/yasal/", "/yasal/kepue/"])
def test_every_footer_leads_to_the_texts(client: Client, path: str) -> None:
    page = client.get(path).content.decode()
    footer = page[page.index("<footer") :]
    for name in ("kepue", "kvkk", "kosullar"):
        assert f'href="/yasal/{name}/"' in footer
        assert client.get(f"/yasal/{name}/").status_code == 200


def test_the_short_address_shows_the_version_in_force_and_old_ones_stay(client: Client, second_version: None) -> None:
    assert "Bu, 1.1 sürümüdür" in client.get("/yasal/kepue/").content.decode()
    old = client.get("/yasal/kepue/1.0/").content.decode()
    assert "Bu, 1.0 sürümüdür" in old
    assert "artık yürürlükte değil" in old
    assert "Yürürlükteki sürümü okuyun" in old
    announced = client.get("/yasal/kepue/2.0/").content.decode()
    assert "1 Ocak 2126 tarihinde yürürlüğe girecek" in announced


def test_a_text_is_shown_and_never_run(client: Client, second_version: None) -> None:
    page = client.get("/yasal/kepue/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>" not in page


def test_the_file_is_exactly_what_was_published(client: Client) -> None:
    for each in PUBLISHED:
        answer = client.get(f"/yasal/{each.text}/{each.version}/metin.txt")
        assert hashlib.sha256(answer.content).hexdigest() == each.digest
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["Content-Disposition"] == f'attachment; filename="{each.text}-{each.version}.txt"'


@pytest.mark.parametrize(
    "path", ["parola/", "kepue/9.9/", "kepue/..-kvkk/", "kepue/9.9/metin.txt", "parola/1.0/metin.txt"]
)
def test_what_was_never_published_is_not_found(client: Client, path: str) -> None:
    assert client.get(f"/yasal/{path}").status_code == 404


def test_a_changed_file_is_refused_with_its_code(client: Client, second_version: None) -> None:
    (legal_texts._FOLDER / "kepue-1.1.txt").write_text("Başka\n")
    answer = client.get("/yasal/kepue/")
    assert answer.status_code == 503
    assert "YSL-02" in answer.content.decode()


def test_nothing_can_be_posted_here(client: Client) -> None:
    for path in ("/yasal/", "/yasal/kepue/", "/yasal/kepue/1.0/", "/yasal/kepue/1.0/metin.txt"):
        assert client.post(path).status_code == 405
