"""Somebody applies in a browser, with and without scripts; every step is looked at by axe in every look."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.tests.cast import new_tckn
from accounts.tests.papers import pdf
from kepweb.tests.journey import PATIENCE_MS, House
from kepweb.tests.test_accessibility import check

pytestmark = [pytest.mark.journey, pytest.mark.loopback, pytest.mark.needs("chromium")]


def code(house: House, phone: str) -> str:
    """The six digits that came last."""
    found = re.search(r"#([0-9]{6})", house.last_sms(phone))
    assert found is not None
    return found[1]


def fill_in(page: Page, phone: str) -> None:
    """The details of a natural person."""
    for name, value in {
        "tckn": new_tckn(),
        "ad": "Işıl",
        "soyad": "Çağrı",
        "dogum": "05.03.1984",
        "telefon": phone,
    }.items():
        page.locator(f"main [name={name}]").fill(value)
    page.get_by_role("button", name="Kaydet ve telefonu doğrula").click()
    page.wait_for_url("**/basvuru/telefon/")


@pytest.mark.parametrize(("scripts", "phone"), [(True, "+905551119001"), (False, "+905551119002")])
def test_from_the_first_page_to_the_branch(
    house: House, chromium: Browser, tmp_path: Path, scripts: bool, phone: str
) -> None:
    context = chromium.new_context(
        base_url=house.origin, locale="tr-TR", reduced_motion="reduce", java_script_enabled=scripts
    )
    context.set_default_timeout(PATIENCE_MS)
    page, wrong = context.new_page(), []

    def look(name: str) -> None:
        if scripts:  # axe is a script itself
            wrong.extend(check(page, f"basvuru-{name}"))

    page.goto("/giris/")
    page.get_by_role("link", name="KEP hesabı başvurusu").click()
    look("basla")
    page.get_by_role("link", name="Gerçek kişi olarak başvur").click()
    page.get_by_role("button", name="Kaydet ve telefonu doğrula").click()
    expect(page.locator(".error-summary")).to_be_visible()
    look("bilgiler-hata")
    fill_in(page, phone)
    look("telefon")
    page.locator("[name=kod]").fill(code(house, phone))
    page.get_by_role("button", name="Doğrula").click()
    page.wait_for_url("**/basvuru/hesap/")
    look("hesap")
    page.locator("[name=adres]").first.check()
    page.locator("[name=hizmet]").last.check()
    page.locator("[name=sube]").select_option(index=1)
    page.get_by_role("button", name="Kaydet ve belgelere geç").click()
    page.wait_for_url("**/basvuru/belgeler/")
    paper = tmp_path / "Kimlik ĞÜŞİÖÇ.pdf"
    for raw, name in ((b"<html>", "belgeler-hata"), (pdf(), "belgeler")):
        paper.write_bytes(raw)
        page.locator("[name=tur]").select_option("identity")
        page.locator("[name=dosya]").set_input_files(str(paper))
        page.get_by_role("button", name="Belgeyi yükle").click()
        expect(page.locator(".error-summary")).to_have_count(0 if name == "belgeler" else 1)
        look(name)
    expect(page.get_by_role("link", name="Kimlik ĞÜŞİÖÇ.pdf")).to_be_visible()
    page.get_by_role("button", name="Başvuruyu gönder").click()
    page.wait_for_url("**/basvuru/basvurum/")
    look("basvurum")
    number = page.locator(".applying__number strong").inner_text()
    assert re.fullmatch(r"B-20[0-9]{2}-[2-9A-Z]{6}", number)
    page.goto("/basvuru/geri-cek/")
    look("geri-cek")
    context.close()

    elsewhere = chromium.new_context(base_url=house.origin, locale="tr-TR", reduced_motion="reduce")
    page = elsewhere.new_page()
    page.goto("/basvuru/durum/")
    look("durum")
    page.locator("[name=no]").fill(number)
    page.get_by_role("button", name="Kod gönder").click()
    page.wait_for_url("**/basvuru/durum/kod/")
    look("durum-kod")
    elsewhere.close()
    assert wrong == []
