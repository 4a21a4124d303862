"""The counter in a browser: somebody without an account comes in, and opens his box at home (issue: Must show).

The clerk is one of the demo's, in a real browser against a running provider; every page he passes is looked at by axe
in both schemes and at both widths. `KEP_SCREENSHOTS=DIR` keeps the pictures.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.tests.cast import new_tckn
from accounts.tests.counter import PDF
from kepweb.tests.journey import PATIENCE_MS, House, Sitting
from kepweb.tests.test_accessibility import check

pytestmark = [
    pytest.mark.journey,
    pytest.mark.loopback,
    pytest.mark.needs("chromium"),
]
PHONE = "+905550009911"
PASSWORD, PIN = "kervan-tepe-yonca-81", "480163"
ADDRESS = "nazli.gunes@hs01.kep.tr"


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A paper as the scanner hands it over."""
    file = tmp_path / "tarama ĞÜŞ.pdf"
    file.write_bytes(PDF)
    return file


@pytest.fixture
def clerk(house: House, chromium: Browser) -> Iterator[Page]:
    """A demo clerk who has come to his counter."""
    sitting = Sitting(chromium, house, "branch_clerk", reduced_motion="reduce")
    page = sitting.page
    enter(
        page, house, sitting.person["tckn"], sitting.person["parola"], sitting.person["sifre"], sitting.person["phone"]
    )
    page.goto("/sube/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Başvurular")
    yield page
    sitting.close()


def enter(page: Page, house: House, tckn: str, password: str, pin: str, phone: str) -> None:
    """Four factors."""
    page.goto("/giris/")
    for name, value in (("tckn", tckn), ("parola", password), ("sifre", pin)):
        page.locator(f"[name={name}]").fill(value)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/giris/sms/")
    page.locator("[name=sms]").fill(code(house, phone))
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(re.compile(r"/(gelen|hesap/sec|sube)/"))


def code(house: House, phone: str) -> str:
    """The code in the newest text on this phone that holds one."""
    found = (re.search(r"kodunuz: ([0-9]{6,8})\.", text) for text in house.texts(phone))
    return next(each[1] for each in found if each)


def test_somebody_comes_to_the_counter_and_opens_the_box_at_home(
    house: House, chromium: Browser, clerk: Page, scan: Path
) -> None:
    page, tckn, wrong = clerk, new_tckn(), check(clerk, "sube-basvurular")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("link", name="Yeni başvuru").first.click()
    wrong += check(page, "sube-yeni")
    page.get_by_role("link", name="Gerçek kişi").click()
    for name, value in (
        ("tckn", tckn),
        ("ad", "Nazlı"),
        ("soyad", "Güneş"),
        ("dogum", "05.03.1984"),
        ("telefon", PHONE),
    ):
        page.locator(f"[name={name}]").fill(value)
    page.get_by_label("Yalnız alıcı").check()
    wrong += check(page, "sube-basvuru")
    page.get_by_role("button", name="Kaydet ve adımlara geç").click()

    heading(page, "Kimlik")
    page.get_by_role("button", name="Kaydet ve sürdür").click()
    expect(page.locator(".error-summary")).to_be_visible()
    wrong += check(page, "sube-kimlik-hata")
    page.locator("[name=belge]").select_option("id_card")
    page.locator("[name=tckn]").fill(tckn)
    page.locator("[name=ayni_kisi]").check()
    page.get_by_role("button", name="Kaydet ve sürdür").click()

    heading(page, "Belgeler")
    file(page, scan, "identity", "form")
    wrong += check(page, "sube-belgeler")
    page.locator("[name=asillari_goruldu]").check()
    page.get_by_role("button", name="Belgeleri onayla ve sürdür").click()

    heading(page, "Telefon doğrulama")
    page.get_by_role("button", name="Kod gönder").click()
    expect(page.locator("[name=kod]")).to_be_visible()
    wrong += check(page, "sube-telefon")
    page.locator("[name=kod]").fill(code(house, PHONE))
    page.locator("[name=elinde]").check()
    page.get_by_role("button", name="Doğrula ve sürdür").click()

    heading(page, "Hesap")
    wrong += check(page, "sube-hesap")
    page.get_by_label(ADDRESS, exact=True).check()
    page.get_by_role("button", name="Onayla ve adresi ver").click()

    heading(page, "Sözleşme ve taahhütname")
    file(page, scan, "contract", "undertaking")
    wrong += check(page, "sube-sozlesme")
    page.locator("[name=imzalandi]").check()
    page.get_by_role("button", name="Kaydet ve sürdür").click()

    heading(page, "İlk parola ve şifre")
    wrong += check(page, "sube-aktivasyon")
    page.get_by_role("button", name="Aktivasyon kodunu gönder").click()
    heading(page, "Aktivasyon bekleniyor")
    wrong += check(page, "sube-bekliyor")
    page.goto("/sube/bugun/")
    wrong += check(page, "sube-bugun")
    assert tckn not in page.content()
    assert wrong == []
    open_at_home(house, chromium, tckn)


def open_at_home(house: House, chromium: Browser, tckn: str) -> None:
    """The holder sets parola and şifre himself and finds an empty box."""
    context = chromium.new_context(locale="tr-TR", base_url=house.origin)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/aktivasyon/")
    for name, value in (
        ("tckn", tckn),
        ("adres", ADDRESS),
        ("kod", code(house, PHONE)),
        ("parola", PASSWORD),
        ("parola_yeniden", PASSWORD),
        ("sifre", PIN),
        ("sifre_yeniden", PIN),
    ):
        page.locator(f"[name={name}]").fill(value)
    for box in page.locator("main form input[type=checkbox]").all():
        box.check()
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/aktivasyon/tamam/")
    enter(page, house, tckn, PASSWORD, PIN, PHONE)
    page.goto("/gelen/")
    expect(page.locator("body")).to_contain_text("Nazlı Güneş")
    context.close()


def heading(page: Page, words: str) -> None:
    expect(page.locator("#adim-basligi")).to_have_text(words)


def file(page: Page, scan: Path, *kinds: str) -> None:
    """Scans under their kinds of paper."""
    for kind in kinds:
        page.locator(f"#dosya-{kind}").set_input_files(scan)
        page.locator(f'form[action$="/ekle/{kind}/"] button').click()
        expect(page.locator(f'form[action$="/ekle/{kind}/"]').locator("xpath=..")).to_contain_text("Kaldır")
