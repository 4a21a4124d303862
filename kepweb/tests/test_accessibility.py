"""axe finds nothing on any page, light and dark, at 1280 and 390 px; nothing scrolls sideways at 320 (WCAG 2.2 AA).

The pages are those of a running provider, in the states a person meets them. `KEP_SCREENSHOTS=DIR` keeps pictures.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from kepweb.tests.journey import House, Sitting

pytestmark = [
    pytest.mark.journey,
    pytest.mark.loopback,
    pytest.mark.needs("chromium"),
]
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 390)]
SUBJECT = "Sözleşmenin feshi ihbarı ve teslim edilen belgelerin dökümü"


@pytest.fixture(scope="module")
def pages(house: House, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Two people after one message between them: addresses of every page in its states, and their cookies."""
    file = tmp_path_factory.mktemp("ek") / "Fesih ihbarı ve dayanakları ĞÜŞİÖÇ.pdf"
    file.write_bytes(b"%PDF-1.7\n" + bytes(3000))
    writer, reader = Sitting(chromium, house, "sender"), Sitting(chromium, house, "main_operator")
    for each in (writer, reader):
        each.sign_in()
    address = reader.person["addresses"][0]
    found: dict[str, Any] = {"bos-gelen": ("sender", "/gelen/"), "bos-giden": ("sender", "/giden/")}
    empty = {name: inspect_now(writer.page, path) for name, (_, path) in found.items()}
    writer.write(address, SUBJECT, "Sayın yetkili,\n\nİhbarımız ektedir.", [file])
    writer.to_signing()
    waiting = re.sub(r"^https?://[^/]+", "", writer.page.url)
    writer.sign()
    expect(writer.page.get_by_role("heading", level=1)).to_contain_text("kabul", ignore_case=True)
    reader.wait_for_text(SUBJECT, at="/gelen/")
    reader.page.get_by_role("link", name=SUBJECT).first.click()
    unopened = re.sub(r"^https?://[^/]+", "", reader.page.url)
    writer.page.goto("/giden/")
    writer.page.get_by_role("link", name=SUBJECT).first.click()
    sent = re.sub(r"^https?://[^/]+", "", writer.page.url)
    writer.write(f"{address}, kimse.yok@hs01.kep.tr", "Yarım kalan", "…", [])
    writer.page.get_by_role("button", name="Taslak olarak bırak").click()
    writer.page.wait_for_url(re.compile(r"/yaz/[a-z0-9]+/"))
    draft = re.sub(r"^https?://[^/]+|#.*$", "", writer.page.url)
    yield {
        "empty": empty,
        "writer": writer.context.storage_state(),
        "reader": reader.context.storage_state(),
        "paths": {
            "imza-kabul": ("writer", waiting),
            "gonderilen": ("writer", sent),
            "giden": ("writer", "/giden/"),
            "taslaklar": ("writer", "/taslaklar/"),
            "imza-bekleyenler": ("writer", "/imza-bekleyenler/"),
            "taslak": ("writer", draft),
            "taslak-sil": ("writer", f"{draft}sil/"),
            "yaz": ("writer", "/yaz/"),
            "yardim": ("writer", "/yardim/"),
            "gelen": ("reader", "/gelen/"),
            "acilmamis": ("reader", unopened),
            "yok": ("reader", "/ileti/aaaaaaaaaaaaaaaaaaaaaaaaaa/"),
            "giris": ("nobody", "/giris/"),
            "hesap": ("writer", "/hesap/"),
            "hesap-parola": ("writer", "/hesap/parola/"),
            "hesap-kodlar": ("writer", "/hesap/kurtarma-kodlari/"),
            "oturumlar": ("writer", "/hesap/oturumlar/"),
            "hareketler": ("writer", "/hesap/hareketler/"),
            "aktivasyon": ("nobody", "/aktivasyon/"),
            "unuttum": ("nobody", "/giris/unuttum/"),
            "kurtarma": ("nobody", "/hesap/kurtarma/"),
            "yasal": ("nobody", "/yasal/"),
            "yasal-kepue": ("nobody", "/yasal/kepue/"),
            "telefon": ("nobody", "/demo/telefon/"),
        },
        "open": unopened,
        "draft": draft,
    }
    writer.close()
    reader.close()


def inspect_now(page: Page, path: str) -> list[str]:
    """Names of the rules a page breaks as it stands in this tab."""
    page.goto(path)
    return violations(page)


def violations(page: Page) -> list[str]:
    """Rule and first place of everything axe finds."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['target']}" for each in found]


def open_page(chromium: Browser, house: House, state: Any, locale: str = "tr-TR") -> Page:
    # reduced motion: colours change at once, so that no picture and no measure is taken in the middle of a change
    context = chromium.new_context(base_url=house.origin, locale=locale, storage_state=state, reduced_motion="reduce")
    return context.new_page()


def check(page: Page, name: str) -> list[str]:
    """What is wrong with the page as it stands, in every look; its pictures are kept where they are asked for."""
    wrong = []
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900 if width > 400 else 844})
        if folder := os.environ.get("KEP_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        found = [*violations(page), *(["scrolls sideways"] if wide else [])]
        wrong += [f"{name} {scheme} {width}: {each}" for each in found]
    return wrong


def test_empty_boxes_have_no_violations(pages: dict[str, Any]) -> None:
    assert pages["empty"] == {"bos-gelen": [], "bos-giden": []}


def test_every_page_has_no_violations_in_any_look(house: House, chromium: Browser, pages: dict[str, Any]) -> None:
    wrong = []
    states = {"writer": pages["writer"], "reader": pages["reader"], "nobody": None}
    tabs = {who: open_page(chromium, house, state) for who, state in states.items()}
    for name, (who, path) in pages["paths"].items():
        tabs[who].goto(path)
        wrong += check(tabs[who], name)
    writer, reader = tabs["writer"], tabs["reader"]
    writer.goto(pages["draft"])
    writer.get_by_role("button", name="İmza adımına geç").click()
    expect(writer.locator(".error-summary")).to_be_visible()
    wrong += check(writer, "yaz-hata")
    reader.goto(pages["open"])
    reader.get_by_role("button", name="İletiyi aç").click()
    expect(reader.locator("main")).to_contain_text("İhbarımız ektedir")
    wrong += check(reader, "okunmus")
    for tab in tabs.values():
        tab.context.close()
    assert wrong == []


def test_the_sign_in_steps_have_no_violations_in_any_look(house: House, chromium: Browser) -> None:
    page = open_page(chromium, house, None)
    person = house.person("stranger")
    page.goto("/giris/")
    page.locator("[name=tckn]").fill(person["tckn"])
    page.locator("[name=parola]").fill("yanlis-parola")
    page.locator("[name=sifre]").fill("000000")
    page.locator("main form button[type=submit]").first.click()
    wrong = check(page, "giris-hata")
    page.locator("[name=tckn]").fill(person["tckn"])
    page.locator("[name=parola]").fill(person["parola"])
    page.locator("[name=sifre]").fill(person["sifre"])
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/giris/sms/")
    wrong += check(page, "giris-sms")
    page.context.close()
    assert wrong == []


@pytest.mark.parametrize("locale", ["tr-TR", "en-GB"])
def test_nothing_scrolls_sideways_at_320(house: House, chromium: Browser, pages: dict[str, Any], locale: str) -> None:
    wrong = []
    states = {"writer": pages["writer"], "reader": pages["reader"], "nobody": None}
    tabs = {who: open_page(chromium, house, state, locale) for who, state in states.items()}
    for name, (who, path) in pages["paths"].items():
        tabs[who].set_viewport_size({"width": 320, "height": 700})
        tabs[who].goto(path)
        assert tabs[who].evaluate("document.documentElement.lang") == locale[:2]
        if tabs[who].evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wrong.append(name)
    for tab in tabs.values():
        tab.context.close()
    assert wrong == []
