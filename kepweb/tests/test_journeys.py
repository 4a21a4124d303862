"""The first message, as people send and read it: browser, signer and workers of one `script/server` (issue: Must show).

`KEP_SCREENSHOTS=DIR` keeps pictures of every screen a journey passes, to be looked at by a person.
"""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kepweb.tests.journey import House, Sitting

pytestmark = [
    pytest.mark.journey,
    pytest.mark.loopback,
    pytest.mark.needs("chromium"),
]
ROOT = Path(__file__).resolve().parents[2]
SUBJECT = "Depo teslim tutanağı ve İĞÜŞÖÇ ığüşöç"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    pdf, note = tmp_path / "Teslim tutanağı ĞÜŞİÖÇ.pdf", tmp_path / "ığdır notları.txt"
    pdf.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 40)
    note.write_text("Çınarova deposu", encoding="utf-8")
    return [pdf, note]


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("KEP_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def send(sitting: Sitting, to: str, files: list[Path], subject: str = SUBJECT) -> None:
    """From the empty form to the signed message."""
    sitting.write(to, subject, "Sayın yetkili,\n\nTutanak ektedir.\n\nSaygılarımızla", files)
    picture(sitting.page, "yaz")
    sitting.to_signing()
    picture(sitting.page, "imza")
    signer = sitting.sign()
    picture(signer, "imza-programi")
    expect(sitting.page.get_by_role("heading", level=1)).to_contain_text("kabul", ignore_case=True)
    picture(sitting.page, "imza-kabul")


@pytest.mark.parametrize(("sender", "recipient"), [("sender", "main_operator"), ("main_operator", "receive_only")])
def test_a_message_is_signed_sent_delivered_read_and_proven(
    house: House, chromium: Browser, files: list[Path], sender: str, recipient: str
) -> None:
    subject = f"{SUBJECT} {sender}"
    writer, reader = Sitting(chromium, house, sender), Sitting(chromium, house, recipient)
    writer.sign_in()
    send(writer, reader.person["addresses"][0], files, subject)

    reader.sign_in()
    reader.wait_for_text(subject, at="/gelen/")
    picture(reader.page, "gelen")
    reader.page.get_by_role("link", name=subject).click()
    assert "Tutanak ektedir" not in reader.page.content()
    picture(reader.page, "acilmamis")
    reader.page.get_by_role("button", name="İletiyi aç").click()
    expect(reader.page.locator("main")).to_contain_text("Tutanak ektedir")
    expect(reader.page.locator("main")).to_contain_text("Geçerli")
    picture(reader.page, "okunmus")
    with reader.page.expect_download() as download:
        reader.page.get_by_role("link", name="İndir: Teslim tutanağı ĞÜŞİÖÇ.pdf").click()
    assert Path(download.value.path()).read_bytes() == files[0].read_bytes()
    assert download.value.suggested_filename == files[0].name

    writer.page.goto("/giden/")
    writer.page.get_by_role("link", name=subject).first.click()
    url = writer.page.url
    writer.wait_for_proofs("10", "40", "60", at=url)
    picture(writer.page, "gonderilen")
    bundle = fetch_bundle(writer)
    verdict = subprocess.run(
        [ROOT / "script" / "verify", str(bundle), "--roots", str(house.data / "pki" / "root.pem")],
        capture_output=True,
        text=True,
    )
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    writer.close()
    reader.close()


def fetch_bundle(sitting: Sitting) -> Path:
    with sitting.page.expect_download() as download:
        sitting.page.get_by_role("button", name="Delil paketini indir").click()
    return Path(download.value.path())


def test_a_receive_only_account_cannot_compose_by_page_or_by_request(house: House, chromium: Browser) -> None:
    sitting = Sitting(chromium, house, "receive_only")
    sitting.sign_in()
    assert sitting.page.get_by_role("link", name="Yeni ileti").count() == 0
    assert sitting.page.goto("/yaz/").status == 403  # type: ignore[union-attr]
    picture(sitting.page, "yetki-yok")
    token = next(each["value"] for each in sitting.context.cookies() if "csrf" in each["name"])
    answer = sitting.context.request.post(
        "/yaz/",
        form={"to": "ayse.yildiz@hs01.kep.tr", "subject": "x", "text": "y", "csrfmiddlewaretoken": token},
        headers={"Referer": house.origin},
    )
    assert answer.status == 403
    assert "YTK-01" in answer.text()
    sitting.close()


def test_the_journey_completes_while_the_broker_stands_still(
    house: House, chromium: Browser, files: list[Path]
) -> None:
    """R-003, design.md 1.6: no bell is heard from sign-in to the read proof; the rows are found all the same."""
    broker = broker_of(house)
    os.kill(broker, signal.SIGSTOP)
    try:
        subject = f"{SUBJECT} zilsiz"
        writer, reader = Sitting(chromium, house, "sender"), Sitting(chromium, house, "receive_only")
        writer.sign_in()
        reader.sign_in()
        send(writer, reader.person["addresses"][0], files, subject)
        reader.wait_for_text(subject, at="/gelen/")
        reader.page.get_by_role("link", name=subject).click()
        reader.page.get_by_role("button", name="İletiyi aç").click()
        expect(reader.page.locator("main")).to_contain_text("Tutanak ektedir")
        writer.page.goto("/giden/")
        writer.page.get_by_role("link", name=subject).first.click()
        writer.wait_for_proofs("10", "40", "60", at=writer.page.url)
        assert process_state(broker) == "T", "the broker was running again: the journey proved nothing"
    finally:
        os.kill(broker, signal.SIGCONT)
    writer.close()
    reader.close()


def broker_of(house: House) -> int:
    """The process id of this provider's own broker."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(house.data).encode() in line and (b"valkey" in line or b"redis-server" in line):
                return int(entry.name)
    raise AssertionError("no broker runs")


def process_state(pid: int) -> str:
    """One letter of /proc/PID/stat; T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
