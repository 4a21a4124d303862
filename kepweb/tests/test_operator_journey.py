"""An operator in Chromium: invited, limited, refused what is not granted, removed with his visit (W-005, W-006).

The invited person has an account of his own and works for the company beside it; everything goes through the pages of
the running provider.
"""

import re
import time

import pytest
from playwright.sync_api import Browser, expect

from kepweb.tests.journey import House, Sitting

pytestmark = [pytest.mark.journey, pytest.mark.loopback, pytest.mark.needs("chromium")]


def test_an_operator_is_invited_limited_refused_and_removed(house: House, chromium: Browser) -> None:
    head, invited = Sitting(chromium, house, "main_operator"), Sitting(chromium, house, "stranger")
    person = invited.person
    head.sign_in()
    head.page.goto("/yetkililer/")
    head.page.get_by_role("link", name="Yetkili ekle").click()
    for label, value in {
        "T.C. kimlik no": person["tckn"],
        "Adı": "Yazılan",
        "Soyadı": "Ad",
        "Cep telefonu": person["phone"],
    }.items():
        head.page.get_by_label(label, exact=True).fill(value)
    head.page.get_by_label("Okuma", exact=True).check()
    head.page.get_by_role("button", name="Davet et").click()
    expect(head.page.get_by_role("heading", name="Yanıt bekleyen davetler")).to_be_visible()
    expect(head.page.get_by_role("main")).not_to_contain_text(person["name"])  # what was typed, and no more

    invited.sign_in()
    page = invited.page
    page.goto("/hesap/sec/")
    page.get_by_role("link", name="Davetinizi yanıtlayın").click()
    page.get_by_role("link", name=re.compile("Daveti oku")).click()
    page.get_by_role("button", name="Daveti kabul et").click()
    expect(page.get_by_role("region", name="Adına işlem yaptığınız hesap")).to_contain_text("Anadolu Makina")

    # reading was granted; writing, sending and managing were not
    answers = {path: page.goto(path) for path in ("/gelen/", "/yaz/", "/yetkililer/")}
    assert {path: answer.status for path, answer in answers.items() if answer} == {
        "/gelen/": 200,
        "/yaz/": 403,
        "/yetkililer/": 403,
    }
    page.goto("/gelen/")
    assert page.get_by_role("link", name="Yeni ileti").count() == 0
    assert page.get_by_role("link", name="Yetkililer").count() == 0

    head.page.goto("/yetkililer/")
    head.page.get_by_role("row", name=re.compile(person["name"])).get_by_role("link", name="Düzenle").click()
    head.page.get_by_role("link", name="Yetkililikten çıkar").click()
    head.page.get_by_role("button", name="Yetkililikten çıkar").click()
    removed = time.monotonic()
    page.goto("/gelen/")
    assert time.monotonic() - removed < 5  # of the browser; the visit ended in the commit of the removal
    expect(page).to_have_url(re.compile(r"/giris/"))
    for each in (head, invited):
        each.context.close()
