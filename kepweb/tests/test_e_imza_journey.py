"""E-imza in a real browser, through the real signer: the owner gets in, a thief does not, forgotten secrets go.

The pages on the way are measured by axe in every look. `KEP_SCREENSHOTS=DIR` keeps pictures.
"""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from kepweb.tests.journey import House, Sitting
from kepweb.tests.test_accessibility import check

pytestmark = [pytest.mark.journey, pytest.mark.loopback, pytest.mark.needs("chromium")]
STILL = {"reduced_motion": "reduce"}
"""Colours change at once: no picture and no measure is taken in the middle of a change."""
NEW_PASSWORD, NEW_PIN = "kestane-rüzgar-kule-deniz", "905274"


def begin(sitting: Sitting) -> None:
    """From the sign-in to the page that waits."""
    page = sitting.page
    page.locator("[name=tckn]").fill(sitting.person["tckn"])
    page.get_by_role("button", name="İmza isteği oluştur").click()
    page.wait_for_url("**/giris/imza/bekle/")


def open_signer(sitting: Sitting) -> Page:
    """Follow the link, compare the codes."""
    page = sitting.page
    shown = re.sub(r"[\s-]", "", page.locator(".comparison__code").inner_text())
    with sitting.context.expect_page() as waiting:
        page.get_by_role("link", name="İmza programında aç").click()
    signer = waiting.value
    signer.get_by_role("button", name="İşlemi aç").click()
    expect(signer.locator("#comparison-left")).to_have_text(shown[:4])
    expect(signer.locator("#comparison-right")).to_have_text(shown[-4:])
    return signer


def sign(signer: Page, sitting: Sitting) -> None:
    """Choose the card, enter the PIN; the program leads back to the provider by itself."""
    signer.locator("#certificates label", has_text=sitting.person["name"]).first.click()
    signer.get_by_role("button", name="İsteği göster").click()
    signer.locator("#pin").fill(sitting.person["p12_pin"])
    signer.get_by_role("button", name="İsteği imzala").click()
    signer.wait_for_url("**/giris/imza/")


def test_the_owner_gets_in_by_card_and_a_stranger_with_her_link_does_not(house: House, chromium: Browser) -> None:
    owner, wrong = Sitting(chromium, house, "sender", **STILL), []
    owner.page.goto("/giris/")
    owner.page.get_by_role("link", name="e-imza ile").click()
    wrong += check(owner.page, "e-imza-giris")
    begin(owner)
    wrong += check(owner.page, "e-imza-bekle")
    signer = open_signer(owner)
    expect(signer.get_by_role("heading", level=1)).to_have_text("Bu bir GİRİŞ isteği")
    signer.locator("#certificates label", has_text=owner.person["name"]).first.click()
    signer.get_by_role("button", name="İsteği göster").click()
    expect(signer.locator("#meaning")).to_contain_text("hesabınıza girilir")
    wrong += check(signer, "e-imza-program")
    addresses: list[str] = []
    signer.on("framenavigated", lambda frame: addresses.append(frame.url))
    signer.locator("#pin").fill(owner.person["p12_pin"])
    signer.get_by_role("button", name="İsteği imzala").click()
    expect(signer.get_by_role("button", name="Girişi bitir")).to_be_visible()
    assert signer.url == f"{house.origin}/giris/imza/", "the token is out of the address"
    wrong += check(signer, "e-imza-bitir")

    stolen = next(each for each in addresses if "#" in each)
    thief = chromium.new_context(base_url=house.origin, locale="tr-TR", **STILL).new_page()
    thief.goto(stolen)
    thief.get_by_role("button", name="Girişi bitir").click()
    expect(thief.locator(".error-summary")).to_contain_text("GRS-21")
    wrong += check(thief, "e-imza-red")

    signer.get_by_role("button", name="Girişi bitir").click()
    signer.wait_for_url(re.compile(r"/(gelen|hesap/sec)/"))
    owner.page.bring_to_front()
    expect(owner.page.get_by_role("heading", level=1)).to_have_text("İşlem tamamlandı")
    thief.context.close()
    owner.close()
    assert wrong == []


def test_a_forgotten_parola_is_set_anew_by_card(house: House, chromium: Browser) -> None:
    owner = Sitting(chromium, house, "stranger", **STILL)
    page = owner.page
    page.goto("/giris/")
    page.get_by_role("link", name="Parola ya da şifremi unuttum").click()
    wrong = check(page, "unuttum")
    page.get_by_role("link", name="E-imzayla yenile").click()
    begin(owner)
    signer = open_signer(owner)
    sign(signer, owner)
    signer.get_by_role("button", name="Girişi bitir").click()
    signer.wait_for_url("**/hesap/yeni-parola/")
    wrong += check(signer, "yeni-parola")
    for name, value in (("parola", NEW_PASSWORD), ("sifre", NEW_PIN)):
        signer.locator(f"[name={name}]").fill(value)
        signer.locator(f"[name={name}_yeniden]").fill(value)
    signer.get_by_role("button", name="Yenilerini kaydet").click()
    signer.wait_for_url("**/giris/")
    expect(signer.locator("main")).to_contain_text("Parolanız ve şifreniz yenilendi")
    owner.person |= {"parola": NEW_PASSWORD, "sifre": NEW_PIN}
    house.keep(owner.person)
    owner.sign_in()
    owner.close()
    assert wrong == []


def test_a_code_that_was_read_out_and_typed_opens_nothing(house: House, chromium: Browser) -> None:
    """Somebody on the telephone has the owner type the code of his own sign-in into her signer."""
    thief = Sitting(chromium, house, "sender")
    thief.page.goto("/giris/imza/")
    begin(thief)
    link = thief.page.get_by_role("link", name="İmza programında aç").get_attribute("href") or ""
    code, signer_at = link.partition("#")[2].partition("@")[0], link.partition("#")[0]
    signer = chromium.new_context(locale="tr-TR").new_page()
    signer.goto(signer_at)
    signer.locator("#code").fill(code)
    signer.get_by_role("button", name="İşlemi aç").click()
    expect(signer.locator("#error-code")).to_have_text("PRG-25")
    expect(signer.locator("#error-text")).to_contain_text("kod yazılarak açılmaz")
    thief.page.reload()
    expect(thief.page.get_by_role("link", name="İmza programında aç")).to_be_visible()
    signer.context.close()
    thief.close()
