"""From the code of the branch to a visit that is ended from outside, in Chromium and without JavaScript."""

import base64
import re
import time
from typing import Any

import pytest
from django_otp.oath import TOTP
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts import activation
from accounts.models import KepAccount, Person, SmsAttempt
from accounts.tests.cast import make_account, make_person, texts
from guards import clock

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.journey,
    pytest.mark.loopback,
    pytest.mark.needs("chromium"),
]
PASSWORD, PIN = "deniz-feneri-uzak", "730825"


def last_code(person: Person) -> str:
    """The newest code on the phone."""
    return texts(person)[-1].text.rsplit("#", 1)[1]


def a_minute_later() -> None:
    """As if the codes sent so far had been sent a while ago: nobody waits for the next one."""
    SmsAttempt.objects.update(sent_at=clock.now().replace(year=2025))


def opened(chromium: Browser, origin: str) -> BrowserContext:
    """A browser of its own in which no script runs."""
    return chromium.new_context(base_url=origin, locale="tr-TR", java_script_enabled=False)


def give_secrets(page: Page, person: Person) -> None:
    """Step one of a sign-in."""
    page.goto("/giris/")
    for name, value in (("tckn", person.tckn), ("parola", PASSWORD), ("sifre", PIN)):
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name="Devam et").click()
    page.wait_for_url("**/giris/sms/")


def shown_by(words: str, at: float) -> str:
    """What an authenticator with this key shows at this moment."""
    totp = TOTP(base64.b32decode(words.replace(" ", "")))
    totp.time = at
    return f"{totp.token():06d}"


def test_a_life_of_a_sign_in(live_server: Any, chromium: Browser) -> None:
    person = make_person("Zeynep", "Kaya")
    person.set_unusable_password()
    person.pin_hash = ""
    person.save()
    account = make_account("zeynep.kaya@hs01.kep.tr", holder=person, state=KepAccount.State.PENDING_ACTIVATION)
    activation.begin(account, now=clock.now())

    # she activates, and signs in with what she has chosen
    first = opened(chromium, live_server.url)
    page = first.new_page()
    page.goto("/giris/")
    page.get_by_role("link", name="Aktivasyon kodum var").click()
    filled = {"tckn": person.tckn, "adres": account.address, "kod": last_code(person)}
    filled |= {"parola": PASSWORD, "parola_yeniden": PASSWORD, "sifre": PIN, "sifre_yeniden": PIN}
    for name, value in filled.items():
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name="Hesabı etkinleştir").click()
    expect(page.get_by_role("heading", name="Hesap etkinleştirilmedi")).to_be_visible()  # the texts were not accepted
    page.locator("[name=parola]").fill(PASSWORD)
    page.locator("[name=parola_yeniden]").fill(PASSWORD)
    page.locator("[name=sifre]").fill(PIN)
    page.locator("[name=sifre_yeniden]").fill(PIN)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Hesabı etkinleştir").click()
    expect(page.get_by_role("heading", name="Hesabınız etkin")).to_be_visible()
    give_secrets(page, person)
    page.locator("[name=sms]").fill(last_code(person))
    page.get_by_role("button", name="Giriş yap").click()
    page.wait_for_url("**/gelen/")

    # she adds an authenticator and signs in with it elsewhere, without an SMS
    page.goto("/hesap/")
    page.get_by_role("link", name="Uygulama ekle").click()
    page.get_by_role("button", name="Uygulama ekle").click()
    words = page.locator(".account__key").inner_text()
    assert re.fullmatch(r"([A-Z2-7]{4} ){7}[A-Z2-7]{4}", words)
    page.locator("[name=kod]").fill(shown_by(words, time.time() - 30))
    page.get_by_role("button", name="Uygulamayı ekle").click()
    expect(page.get_by_role("heading", name="Hesabım")).to_be_visible()
    a_minute_later()
    second = opened(chromium, live_server.url)
    other = second.new_page()
    give_secrets(other, person)
    other.get_by_role("link", name="Doğrulama uygulaması").click()
    other.locator("[name=kod]").fill(shown_by(words, time.time() + 1))
    other.get_by_role("button", name="Giriş yap").click()
    other.wait_for_url("**/gelen/")

    # and ends that visit from the first browser: its next click is nobody's
    page.goto("/hesap/oturumlar/")
    page.get_by_role("button", name="Bu oturum dışındakilerin tümünü kapat").click()
    ended = time.monotonic()
    other.goto("/hesap/")
    other.wait_for_url("**/giris/**")
    assert time.monotonic() - ended < 10, "a busy machine has time; a visit that goes on has none"
    expect(page.get_by_role("heading", name="Oturumlar ve cihazlar")).to_be_visible()
    first.close()
    second.close()
