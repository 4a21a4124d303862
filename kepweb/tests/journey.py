"""People in front of a browser, for the journeys: they sign in, write, sign, read, as the screens let them.

Everything goes through the pages and the running processes of `script/server`. The SMS code is read where the
person reads it, on the demo phone; the signature is made in the desktop signer's own page.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)  # a busy machine is no fault of the page


@dataclass(frozen=True)
class House:
    """A running provider: its origin, its data, its people."""

    origin: str
    data: Path

    def person(self, role: str) -> dict[str, Any]:
        """The first demo person with this role."""
        return self.people(role)[0]

    def people(self, role: str) -> list[dict[str, Any]]:
        """Every demo person with this role."""
        everybody = json.loads((self.data / "demo.json").read_text())["people"]
        return [each for each in everybody if each["role"] == role]

    def keep(self, person: dict[str, Any]) -> None:
        """A person of the demo has other secrets or another phone now: journeys after this one find them."""
        file = self.data / "demo.json"
        known = json.loads(file.read_text())
        known["people"] = [person if each["tckn"] == person["tckn"] else each for each in known["people"]]
        file.write_text(json.dumps(known, ensure_ascii=False, indent=2))

    def texts(self, number: str) -> list[str]:
        """Every text that came to a phone, newest first."""
        lines = map(json.loads, reversed((self.data / "sms.jsonl").read_text().splitlines()))
        return [each["text"] for each in lines if each["to"] == number]

    def last_sms(self, number: str) -> str:
        """The newest text with a code for the site on a phone: a notice may come at any moment."""
        return next(text for text in self.texts(number) if re.search(r"#[0-9]{6,8}$", text))


class Sitting:
    """One person in one browser."""

    def __init__(self, browser: Browser, house: House, who: str | dict[str, Any], **look: Any) -> None:
        """`who` is a role of the demo, or what a newcomer knows by heart."""
        self.house = house
        self.person = house.person(who) if isinstance(who, str) else who
        self.context: BrowserContext = browser.new_context(locale="tr-TR", base_url=house.origin, **look)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()

    def sign_in(self) -> None:
        """Four factors: T.C. kimlik no, parola, şifre, and the code on the phone."""
        page = self.page
        page.goto("/giris/")
        page.locator("[name=tckn]").fill(self.person["tckn"])
        page.locator("[name=parola]").fill(self.person["parola"])
        page.locator("[name=sifre]").fill(self.person["sifre"])
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_url("**/giris/sms/")
        page.locator("[name=sms]").fill(self.sms_code())
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_url(re.compile(r"/(gelen|hesap/sec|sube|yonetim|yetkililer/davetler)/"))

    def sms_code(self) -> str:
        """The six digits of the newest text."""
        found = re.search(r"#([0-9]{6})", self.house.last_sms(self.person["phone"]))
        assert found is not None
        return found[1]

    def write(self, to: str, subject: str, text: str, files: list[Path]) -> None:
        """A draft with its files, saved by the page."""
        page = self.page
        page.goto("/yaz/")
        page.get_by_label("Kime", exact=True).fill(to)
        page.get_by_label("Konu", exact=True).fill(subject)
        page.get_by_label("Metin", exact=True).fill(text)
        if files:
            page.locator("[name=files]").set_input_files([str(each) for each in files])

    def to_signing(self) -> None:
        """Press the one step-ending button."""
        self.page.get_by_role("button", name="İmza adımına geç").click()
        self.page.wait_for_url("**/imza/")

    def sign(self) -> Page:
        """Open the signer by its link, compare the codes, choose the certificate, enter the PIN."""
        page = self.page
        shown = page.locator(".comparison__code").inner_text().replace("\n", "").replace(" ", "").replace("-", "")
        with self.context.expect_page() as waiting:
            page.get_by_role("link", name="Programda aç").click()
        signer = waiting.value
        signer.get_by_role("button", name="İşlemi aç").click()
        expect(signer.locator("#comparison-left")).to_have_text(shown[:4])
        expect(signer.locator("#comparison-right")).to_have_text(shown[-4:])
        signer.locator("#certificates label", has_text=self.person["name"]).first.click()
        signer.get_by_role("button", name="İletiyi göster").click()
        signer.locator("#pin").fill(self.person["p12_pin"])
        signer.get_by_role("button", name="İletiyi imzala").click()
        expect(signer.get_by_role("heading", level=1)).to_have_text("İmzalandı")
        return signer

    def wait_for_text(self, text: str, *, at: str) -> None:
        """Look at a page again and again until it says so: workers take the time they need."""
        self._look(at, lambda: text in self.page.locator("main").inner_text(), f"never said {text!r}")

    def wait_for_proofs(self, *codes: str, at: str) -> None:
        """Look at a message again and again until exactly these proofs exist, in this order."""
        made = self.page.locator(".timeline__step[data-state=exists] .seal")
        self._look(at, lambda: [each.strip() for each in made.all_text_contents()] == list(codes), "lacks proofs")

    def _look(self, at: str, seen: Callable[[], bool], complaint: str) -> None:
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while True:
            self.page.goto(at)
            if seen():
                return
            assert time.monotonic() < deadline, f"{at} {complaint}"
            self.page.wait_for_timeout(500)

    def close(self) -> None:
        self.context.close()
