"""People at the road to an account, in front of a browser: an applicant without one, a clerk at his counter.

Newcomers have no row in the demo's cast. Their identity number fits the algorithm and is new in every run; the demo's
authority gives them an e-imza like anybody's, which the desktop signer finds beside the others.
"""

import random
import re
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from accounts.identity import check_digits
from demo import pki
from kepweb.tests.journey import House, Sitting

SCAN = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nstartxref\n9\n%%EOF\n"
PASSWORD, PIN, CARD_PIN = "kestane-rüzgar-kule-deniz", "905274", "736152"
BIRTH_DATE = "05.03.1984"
_ANY = random.SystemRandom()


@dataclass(frozen=True)
class Newcomer:
    """Somebody nobody here knows yet."""

    first_name: str
    last_name: str
    tckn: str
    phone: str

    @property
    def name(self) -> str:
        """Name and surname."""
        return f"{self.first_name} {self.last_name}"

    @property
    def national_phone(self) -> str:
        """As people write it."""
        return f"0{self.phone.removeprefix('+90')}"


def newcomer(first_name: str, last_name: str) -> Newcomer:
    """A new person; the surname gets an ending of its own, so that addresses of two runs never meet."""
    ending = "".join(_ANY.choice(string.ascii_lowercase) for _ in range(5))
    nine = str(_ANY.randrange(200_000_000, 899_999_999))
    return Newcomer(first_name, f"{last_name}{ending}", nine + check_digits(nine), f"+90555{_ANY.randrange(10**7):07d}")


def e_imza(house: House, person: Newcomer) -> None:
    """A qualified certificate for this person, in the folder of the desktop signer."""
    pki.issue_person(house.data, f"yeni-{person.tckn[-6:]}", person.name, person.tckn, CARD_PIN)


def code(house: House, phone: str, digits: int) -> str:
    """The code in the newest text on this phone that holds one of so many digits."""
    found = (re.search(rf"kodunuz: ([0-9]{{{digits}}})\.", text) for text in house.texts(phone))
    return next(each[1] for each in found if each)


def browser_of_nobody(chromium: Browser, house: House) -> Page:
    """A browser in which nobody is signed in."""
    context = chromium.new_context(locale="tr-TR", base_url=house.origin, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    return context.new_page()


def apply(page: Page, house: House, person: Newcomer, *, kind: str = "Gerçek kişi olarak", **company: str) -> str:
    """The application from its first page to its number; it goes to the demo's branch."""
    page.goto("/basvuru/")
    page.get_by_role("link", name=f"{kind} başvur").click()
    given = {
        **company,
        "tckn": person.tckn,
        "ad": person.first_name,
        "soyad": person.last_name,
        "dogum": BIRTH_DATE,
        "telefon": person.national_phone,
    }
    for name, value in given.items():
        field = page.locator(f"main [name={name}]")
        if field.evaluate("each => each.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.get_by_role("button", name="Kaydet ve telefonu doğrula").click()
    page.locator("[name=kod]").fill(code(house, person.phone, 6))
    page.get_by_role("button", name="Doğrula").click()
    page.locator("[name=adres]").first.check()
    page.locator("[name=hizmet][value=send_and_receive]").check()
    page.locator("[name=sube]").select_option(index=1)
    page.get_by_role("button", name="Kaydet ve belgelere geç").click()
    page.get_by_role("button", name="Başvuruyu gönder").click()
    page.wait_for_url("**/basvuru/basvurum/")
    return page.locator(".applying__number .code").inner_text()


def serve(clerk: Sitting, number: str, person: Newcomer, house: House, scan: Path) -> str:
    """The counter, step by step, as the page leads; the address that was allotted."""
    page = clerk.page
    page.goto("/sube/")
    page.locator("[name=ara]").fill(number)
    page.get_by_role("button", name="Ara", exact=True).click()
    page.locator("tr", has_text=number).get_by_role("link").first.click()
    page.locator("[name=belge]").select_option(index=1)
    for name, value in {
        "tckn": person.tckn,
        "ad": person.first_name,
        "soyad": person.last_name,
        "dogum": BIRTH_DATE,
        "gecerlilik": "01.01.2031",
    }.items():
        page.locator(f"[name={name}]").fill(value)
    page.locator("[name=ayni_kisi]").check()
    press_step(page)
    scan_all(page, scan)
    page.locator("[name=asillari_goruldu]").check()
    press_step(page)
    page.locator("[name=telefon]").fill(person.national_phone)
    send_code(page)
    page.locator("[name=kod]").fill(code(house, person.phone, 6))
    page.locator("[name=elinde]").check()
    press_step(page)
    page.locator("[name=secim]").first.check()
    press_step(page)
    scan_all(page, scan)
    page.locator("[name=imzalandi]").check()
    press_step(page)
    press_step(page)
    found = re.search(r"[a-z0-9.]+@hs01\.kep\.tr", page.locator("main").inner_text())
    assert found is not None
    return found[0]


def send_code(page: Page) -> None:
    """Have the code sent; once more where the applicant's own went to the same phone less than half a minute ago."""
    told = page.locator("[name=kod], .error-summary").first
    page.get_by_role("button", name="Kod gönder").click()
    expect(told).to_be_visible()
    while not page.locator("[name=kod]").count():
        page.wait_for_timeout(5000)
        with page.expect_navigation():
            page.get_by_role("button", name="Kod gönder").click()


def press_step(page: Page) -> None:
    """The one button that ends a step; the next step stands there afterwards."""
    before = page.locator("#adim-basligi").inner_text()
    page.locator(".desk__end button.button--primary").click()
    expect(page.locator("#adim-basligi")).not_to_have_text(before)


def scan_all(page: Page, scan: Path) -> None:
    """Lay every paper of this step on the scanner, one after the other."""
    for position in range(page.locator("form.desk-paper__add").count()):
        form, filed = page.locator("form.desk-paper__add").nth(position), page.locator("main a", has_text=scan.name)
        before = filed.count()
        form.locator("[name=dosya]").set_input_files(str(scan))
        form.get_by_role("button", name="Taramayı ekle").click()
        expect(filed).to_have_count(before + 1)


def activate(page: Page, house: House, person: Newcomer, address: str) -> None:
    """At home: number, address, code; then the two secrets and the texts of the day."""
    page.goto("/aktivasyon/")
    given = {
        "tckn": person.tckn,
        "adres": address,
        "kod": code(house, person.phone, 8),
        "parola": PASSWORD,
        "parola_yeniden": PASSWORD,
        "sifre": PIN,
        "sifre_yeniden": PIN,
    }
    for name, value in given.items():
        page.locator(f"[name={name}]").fill(value)
    for box in page.locator("[name=kabul]").all():
        box.check()
    page.get_by_role("button", name="Hesabı etkinleştir").click()
    page.wait_for_url("**/aktivasyon/tamam/")


def sitting_of(chromium: Browser, house: House, person: Newcomer, address: str) -> Sitting:
    """The newcomer in a browser of his own, with everything he knows by heart now."""
    known: dict[str, Any] = {
        "name": person.name,
        "tckn": person.tckn,
        "parola": PASSWORD,
        "sifre": PIN,
        "phone": person.phone,
        "p12_pin": CARD_PIN,
        "addresses": [address],
    }
    return Sitting(chromium, house, known)
