"""The page in a real browser: one signing from the provider's link to the end, every state drawn and measured.

`KEP_SCREENSHOTS=DIR` keeps the pictures that a person should look at.
"""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from signer.page import LoopbackPage
from signer.session import Session
from signer.tests.provider import CODE, FakeProvider
from signer.tests.test_page_protections import request
from signer.tests.test_session import Clock
from signer.tests.workshop import PIN, key_file, message, person
from signer.wallet import open_wallet

pytestmark = [pytest.mark.loopback, pytest.mark.journey, pytest.mark.needs("chromium")]
LOOKS = [("light", 1280), ("light", 390), ("dark", 1280), ("dark", 390)]
FILES = (("Teslim tutanağı ĞÜŞİÖÇ.pdf", bytes(1_300_000)), ("Teminat mektubu.pdf", b"x" * 900))


@pytest.fixture(scope="module")
def browser(chromium: Browser) -> Browser:
    return chromium


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider(document=message(files=FILES)) as provider:
        yield provider


@pytest.fixture
def clock(fake: FakeProvider) -> Clock:
    return Clock(fake.now)


@pytest.fixture
def signer_page(tmp_path: Path, fake: FakeProvider, clock: Clock) -> Iterator[LoopbackPage]:
    files = [
        key_file(tmp_path, person()),
        key_file(tmp_path, person("Ali Veli", "p256"), name="ali"),
        key_file(tmp_path, person("Eski Kart", days=-1), name="eski"),
        key_file(tmp_path, person("Can Ak"), name="can", companion=False),
    ]
    wallet = open_wallet(files=files, folders=[], modules=[])
    session = Session(wallet, allowed=[fake.origin], now=clock.now, monotonic=clock.monotonic)
    page = LoopbackPage(session, port=0, allowed=[fake.origin])
    thread = threading.Thread(target=page.serve, kwargs={"every": 0.05}, daemon=True)
    thread.start()
    yield page
    page.stop()
    thread.join(10)


@pytest.fixture(params=LOOKS, ids=[f"{scheme}-{width}" for scheme, width in LOOKS])
def look(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    scheme, width = request.param
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce", locale="tr-TR"
    )
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="tr-TR")
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def assert_clean(tab: Page, name: str) -> None:
    """0 violations, nothing sideways, and a picture for whoever wants to look."""
    folder = os.environ.get("KEP_SCREENSHOTS")
    if folder:
        scheme = tab.evaluate("matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'")
        tab.screenshot(path=f"{folder}/imza-{name}-{tab.viewport_size['width']}-{scheme}.png", full_page=True)
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name}: something sticks out sideways"


def open_by_fragment(tab: Page, signer_page: LoopbackPage, fake: FakeProvider) -> None:
    tab.goto(f"{signer_page.address}#{CODE}@{fake.origin}")
    tab.get_by_role("button", name="İşlemi aç").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Sertifikanızı seçin")


def show_message(tab: Page, signer_page: LoopbackPage, fake: FakeProvider) -> None:
    open_by_fragment(tab, signer_page, fake)
    tab.get_by_label("Ayşe Yıldız").check()
    tab.get_by_role("button", name="İletiyi göster").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("İletiyi inceleyin ve imzalayın")


def test_the_whole_journey_in_every_look(look: BrowserContext, signer_page: LoopbackPage, fake: FakeProvider) -> None:
    tab = look.new_page()
    complaints: list[str] = []
    tab.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))

    tab.goto(f"{signer_page.address}#{CODE}@{fake.origin}")
    expect(tab.get_by_label("İşlem kodu")).to_have_value(CODE)
    assert tab.url == signer_page.address, "the code leaves the address at once"
    assert fake.asked == [], "nothing happens before a click"
    assert_clean(tab, "1-kod")

    tab.get_by_role("button", name="İşlemi aç").click()
    expect(tab.get_by_role("heading", level=1)).to_be_focused()
    expect(tab.locator(".comparison__code")).to_have_text("7K4MQX29")
    expect(tab.locator("#fact-account")).to_contain_text("Ayşe Yıldız <ayse@hs01.kep.tr>")
    expect(tab.get_by_label("Eski Kart")).to_be_disabled()
    assert_clean(tab, "2-sertifika")

    tab.get_by_label("Ayşe Yıldız").check()
    tab.get_by_role("button", name="İletiyi göster").click()
    facts = tab.get_by_role("complementary")
    for words in ("Güneş Lojistik A.Ş.", "ali.veli@hs02.kep.tr", "bilgi@hs01.kep.tr", "Depo teslim tutanağı"):
        expect(facts).to_contain_text(words)
    expect(facts).to_contain_text("Teslim tutanağı ĞÜŞİÖÇ.pdf, 1,3 MB")
    tab.get_by_text("İletinin metnini oku").click()
    expect(facts).to_contain_text("Ekte sunulmuştur.")
    assert_clean(tab, "3-inceleme")

    tab.get_by_label("PIN", exact=True).fill("0000")
    tab.get_by_role("button", name="İletiyi imzala").click()
    expect(tab.locator("#error")).to_be_focused()
    expect(tab.locator("#error")).to_contain_text("2 deneme hakkınız kaldı")
    expect(tab.get_by_label("PIN", exact=True)).to_have_value("")
    assert_clean(tab, "4-yanlis-pin")

    tab.get_by_label("PIN", exact=True).fill(PIN.decode())
    tab.get_by_role("button", name="İletiyi imzala").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("İmzalandı")
    expect(tab.locator("#error")).to_be_hidden()
    assert_clean(tab, "5-imzalandi")
    fake.verify()
    assert complaints == [text for text in complaints if "409 (Conflict)" in text], complaints
    assert look.cookies() == []


def test_a_locked_token_says_what_to_do(tab: Page, signer_page: LoopbackPage, fake: FakeProvider) -> None:
    show_message(tab, signer_page, fake)
    for wrong in ("0001", "0002", "0003"):
        tab.get_by_label("PIN", exact=True).fill(wrong)
        tab.get_by_role("button", name="İletiyi imzala").click()
        expect(tab.locator("#error-code")).to_have_text("IMZ-03" if wrong == "0003" else "PRG-04")
        expect(tab.locator("#error")).to_be_focused()
    expect(tab.get_by_role("heading", level=1)).to_have_text("İmza atılmadı")
    assert fake.cancelled_for == "pin_locked"
    assert_clean(tab, "6-kilitli")


def test_cancelling_ends_it_and_a_new_code_can_follow(tab: Page, signer_page: LoopbackPage, fake: FakeProvider) -> None:
    show_message(tab, signer_page, fake)
    tab.get_by_role("button", name="İmzalamayı iptal et").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("İmzalama iptal edildi")
    assert fake.cancelled_for == "user"
    assert_clean(tab, "7-iptal")

    fake.state = "ASKED"
    tab.get_by_role("button", name="Yeni işlem").click()
    tab.get_by_label("İşlem kodu").fill("h8qf-3mxw-92tda")
    tab.get_by_role("button", name="İşlemi aç").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Sertifikanızı seçin")


def test_a_term_that_passes_is_seen_without_a_click(
    tab: Page, signer_page: LoopbackPage, fake: FakeProvider, clock: Clock
) -> None:
    tab.clock.install()
    show_message(tab, signer_page, fake)
    clock.pass_by(121)
    tab.clock.run_for(125_000)
    expect(tab.get_by_role("heading", level=1)).to_have_text("İmzalamanın süresi doldu")
    expect(tab.locator("#error-code")).to_have_text("PRG-12")
    assert_clean(tab, "8-sure")


def test_a_reload_in_the_middle_finds_its_operation_again(
    tab: Page, signer_page: LoopbackPage, fake: FakeProvider
) -> None:
    show_message(tab, signer_page, fake)
    tab.reload()
    expect(tab.get_by_role("heading", level=1)).to_have_text("İletiyi inceleyin ve imzalayın")
    tab.get_by_label("PIN", exact=True).fill(PIN.decode())
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text("İmzalandı")


def test_a_second_tab_sees_nothing_of_it(tab: Page, signer_page: LoopbackPage, fake: FakeProvider) -> None:
    show_message(tab, signer_page, fake)
    with tab.context.expect_page() as waiting:
        tab.evaluate("open('/', '_blank', 'noopener')")
    second = waiting.value
    expect(second.get_by_role("heading", level=1)).to_have_text("İmza programı")
    second.get_by_label("İşlem kodu").fill(CODE)
    second.get_by_role("button", name="İşlemi aç").click()
    expect(second.locator("#error-code")).to_have_text("PRG-13")
    expect(second.get_by_role("complementary")).to_be_hidden()


def test_an_origin_outside_the_list_gets_nothing(tab: Page, signer_page: LoopbackPage, fake: FakeProvider) -> None:
    tab.goto(f"{signer_page.address}#{CODE}@https://kep.kotu.ornek.tr")
    tab.get_by_role("button", name="İşlemi aç").click()
    expect(tab.locator("#error-code")).to_have_text("PRG-16")
    assert fake.asked == []


def test_a_page_of_another_origin_can_neither_frame_nor_drive_it(
    tab: Page, signer_page: LoopbackPage, fake: FakeProvider
) -> None:
    """The other page runs on another port of the same host, as near as an attacker can come."""
    arrived: list[str] = []
    tab.context.on("response", lambda response: arrived.append(f"{response.request.method} {response.status}"))
    ours = signer_page.address
    body = f"<iframe src='{ours}'></iframe><script src='{ours}imza.js'></script>"
    tab.route("http://localhost:8001/", lambda route: route.fulfill(content_type="text/html", body=body))
    tab.goto("http://localhost:8001/")
    outcome = tab.evaluate(
        """async ([address, body]) => {
            const tried = [];
            for (const options of [
                {method: 'POST', mode: 'no-cors', body},
                {method: 'POST', mode: 'cors', body, headers: {'X-Imza-Baslangic': 'a'}},
                {method: 'GET', mode: 'cors'},
            ]) {
                try { const got = await fetch(address, options); tried.push(got.type + got.status); }
                catch (error) { tried.push('refused'); }
            }
            return tried;
        }""",
        [f"{ours}islem/ac", json.dumps({"code": CODE, "origin": fake.origin})],
    )
    assert outcome[1:] == ["refused", "refused"]
    assert all(each.startswith("opaque") or each == "refused" for each in outcome)
    assert len(tab.frames) == 1 or "İşlem kodu" not in tab.frames[1].content()
    assert fake.asked == []
    assert request(signer_page, "GET", "/")[0] == 200
