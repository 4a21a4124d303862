"""From "I want a KEP address" to the first message, and the ways back in: browser, counter, signer, workers.

`KEP_SCREENSHOTS=DIR` keeps pictures of the screens a journey passes.
"""

import sqlite3
import time
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from kepweb.tests import account_journey
from kepweb.tests.account_journey import (
    SCAN,
    activate,
    apply,
    browser_of_nobody,
    code,
    e_imza,
    newcomer,
    serve,
    sitting_of,
)
from kepweb.tests.journey import House, Sitting

pytestmark = [pytest.mark.journey, pytest.mark.loopback, pytest.mark.needs("chromium")]
COMPANY = {
    "unvan": "Toros Lojistik A.Ş.",
    "tur": "anonim",
    "mersis": "0123-4567-8900-0001",
    "vkn": "1234567890",
    "sicil_no": "12345",
    "sicil_mudurlugu": "Ankara",
    "faaliyet": "Lojistik",
    "il": "Ankara",
    "posta_adresi": "Liman Cad. 5, Çankaya",
}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    paper = tmp_path / "Tarama ĞÜŞİÖÇ.pdf"
    paper.write_bytes(SCAN)
    return paper


@pytest.mark.parametrize("is_company", [False, True], ids=["a person", "a company"])
def test_from_the_application_to_the_first_message(
    house: House, chromium: Browser, scan: Path, is_company: bool
) -> None:
    applicant = newcomer("Işıl", "Çağrı")
    page, clerk = browser_of_nobody(chromium, house), Sitting(chromium, house, "branch_clerk")
    more = {"kind": "Tüzel kişi adına", **COMPANY} if is_company else {}
    number = apply(page, house, applicant, **more)  # type: ignore[arg-type]
    clerk.sign_in()
    address = serve(clerk, number, applicant, house, scan)
    activate(page, house, applicant, address)
    e_imza(house, applicant)

    writer = sitting_of(chromium, house, applicant, address)
    writer.sign_in()
    reader = Sitting(chromium, house, "receive_only")
    subject = f"İlk ileti {number}"
    writer.write(reader.person["addresses"][0], subject, "Sayın yetkili,\n\nİlk iletimdir.", [])
    writer.to_signing()
    writer.sign()
    expect(writer.page.get_by_role("heading", level=1)).to_contain_text("kabul", ignore_case=True)
    reader.sign_in()
    reader.wait_for_text(subject, at="/gelen/")
    for each in (writer, reader, clerk):
        each.close()
    page.context.close()


def test_a_forgotten_parola_is_recovered_by_two_clerks_after_72_hours(house: House, chromium: Browser) -> None:
    """The phone was changed at the desk first: the reset waits, the old phone hears of it, and time has its way."""
    owner = Sitting(chromium, house, "sub_operator")  # nobody else's journey: a phone takes five codes an hour
    first, second = (Sitting(chromium, house, each) for each in house.people("branch_clerk"))
    new_phone = account_journey.newcomer("Yeni", "Telefon").phone
    for clerk in (first, second):
        clerk.sign_in()
    open_person(first, owner)
    first.page.get_by_role("link", name="Değişiklik iste").click()
    first.page.locator("[name=telefon]").fill(f"0{new_phone.removeprefix('+90')}")
    first.page.get_by_role("button", name="Kod gönder").click()
    first.page.locator("[name=kod]").fill(code(house, new_phone, 6))
    ask(first, "Telefonunu kaybetmiş")
    allow(second)
    assert any("durdurma" in text for text in house.texts(owner.person["phone"]))
    open_person(first, owner)
    first.page.get_by_role("link", name="Yenileme iste").click()
    ask(first, "Parolasını unutmuş")
    allow(second)
    expect(second.page.locator("main")).to_contain_text("Onaylandı, zamanını bekliyor")
    assert not any("yenileme kodunuz" in text for text in house.texts(new_phone))

    move_back(house, timedelta(hours=72, minutes=1))
    deadline = time.monotonic() + 60
    while not any("yenileme kodunuz" in text for text in house.texts(new_phone)):
        assert time.monotonic() < deadline, "the waiting reset was not done when its time had come"
        time.sleep(0.2)
    page = owner.page
    page.goto("/hesap/kurtarma/")
    given = {"tckn": owner.person["tckn"], "kod": code(house, new_phone, 8)}
    secrets = {"parola": account_journey.PASSWORD, "sifre": account_journey.PIN}
    for name, value in {**given, **secrets, **{f"{name}_yeniden": each for name, each in secrets.items()}}.items():
        page.locator(f"[name={name}]").fill(value)
    page.locator("main form button.button--primary").first.click()
    page.wait_for_url("**/hesap/kurtarma/tamam/")
    owner.person |= {**secrets, "phone": new_phone}
    house.keep(owner.person)
    owner.sign_in()
    for each in (owner, first, second):
        each.close()


def open_person(clerk: Sitting, owner: Sitting) -> None:
    """Find somebody by the number on his document."""
    clerk.page.goto("/sube/kisi/")
    clerk.page.locator("[name=ara]").fill(owner.person["tckn"])
    clerk.page.get_by_role("button", name="Bul").click()


def ask(clerk: Sitting, why: str) -> None:
    """The end of a form that asks for an act: the document that was seen, and the reason."""
    page = clerk.page
    page.locator("[name=belge]").select_option(index=1)
    page.locator("[name=gordum]").check()
    page.locator("[name=gerekce]").fill(why)
    page.locator("button[name=adim][value=iste]").click()


def allow(clerk: Sitting) -> None:
    """The second pair of eyes."""
    clerk.page.goto("/sube/onay/")
    clerk.page.locator("main a[href*='/sube/onay/']").first.click()
    clerk.page.get_by_role("button", name="Onayla").click()


def move_back(house: House, by: timedelta) -> None:
    """Three days go by: every moment that the waiting act hangs on moves into the past, in the rows themselves."""
    with sqlite3.connect(house.data / "kep.sqlite3", timeout=30) as rows:
        shift = f"-{int(by.total_seconds())} seconds"
        moved = "strftime('%Y-%m-%d %H:%M:%f', {}, ?)"
        rows.execute(
            f"UPDATE accounts_person SET phone_changed_at = {moved.format('phone_changed_at')} "  # noqa: S608
            "WHERE phone_changed_at IS NOT NULL",
            (shift,),
        )
        rows.execute(
            f"UPDATE accounts_approval SET not_before = {moved.format('not_before')}, "  # noqa: S608
            "lapses_at = strftime('%Y-%m-%d %H:%M:%f', lapses_at, '+0 seconds') WHERE state = 'APPROVED'",
            (shift,),
        )
