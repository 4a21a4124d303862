"""`/basvuru/toplu/` in the house frame: a list as it was understood, its findings, and who sees it (K-043)."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Application, KepAccount
from accounts.tests.cast import make_account, make_operator, make_person, new_tckn, sign_in
from kepweb.tests.applying_journey import codes, make_branch, post

pytestmark = [pytest.mark.django_db]


@pytest.fixture(autouse=True)
def branch() -> Any:
    """One open branch."""
    return make_branch()


HEAD = "tckn;ad;soyad;dogum_tarihi;telefon;eposta;adres"


def _list(*lines: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("liste.csv", "\r\n".join((HEAD, *lines)).encode("utf-8-sig"))


@pytest.fixture
def main(client: Client) -> Client:
    """A main operator at work for a company."""
    person, company = make_person(), make_account("toros@hs01.kep.tr", holder="Toros Lojistik A.Ş.")
    make_operator(company, person, is_main=True, may_manage_operators=True)
    sign_in(client, person, account=company)
    return client


def test_a_list_is_shown_as_understood_and_sent_by_one_press(main: Client) -> None:
    tckn = new_tckn()
    answer = post(
        main,
        "applying_bulk",
        liste=_list(f"{tckn};Işıl;Çağrı;05.03.1984;05551112233;;"),
        hizmet="receive_only",
        sube="CIN",
    )
    assert answer.status_code == 302
    page = main.get(answer.headers["Location"]).content.decode()
    assert "isil.cagri@toros.hs01.kep.tr" in page
    assert tckn not in page
    batch = Application.objects.get().batch
    assert post(main, "applying_batch_send", batch).status_code == 302
    assert Application.objects.get().state == "DOCUMENTS_AWAITED"
    assert post(main, "applying_batch_send", batch).status_code == 404
    assert post(main, "applying_batch_discard", batch).status_code == 404


def test_findings_are_listed_by_row_and_shown_as_text(main: Client) -> None:
    answer = post(
        main, "applying_bulk", hizmet="receive_only", sube="CIN",
        liste=_list("12345678951;=cmd;Çağrı;05.03.1984;05551112233;;", f"{new_tckn()};Ali;Çelik;;0312;;<b>x</b>"),
    )  # fmt: skip
    assert (answer.status_code, codes(answer)) == (422, ["BSV-32"])
    page = answer.content.decode()
    assert "Hücre formül gibi başlıyor" in page
    assert "<b>x</b>" not in page
    assert not Application.objects.exists()


def test_strangers_operators_and_the_signed_out_see_no_list(main: Client) -> None:
    post(
        main, "applying_bulk", liste=_list(f"{new_tckn()};Işıl;Çağrı;;05551112233;;"), hizmet="receive_only", sube="CIN"
    )
    batch = Application.objects.get().batch
    stranger, sub, out = Client(), Client(), Client()
    person, account = make_person(), make_account("bir.kisi@hs01.kep.tr", holder=make_person())
    make_account("ayse.yildiz@hs01.kep.tr", holder=person)
    sign_in(stranger, person)
    helper, company = make_person(), KepAccount.objects.get(address="toros@hs01.kep.tr")
    make_operator(company, helper)
    sign_in(sub, helper, account=company)
    assert account.pk
    for browser, status in ((stranger, 403), (sub, 403), (out, 302)):
        assert browser.get(reverse("accounts:applying_bulk")).status_code == status
        assert browser.get(reverse("accounts:applying_batch", args=[batch])).status_code == status
        assert post(browser, "applying_batch_send", batch).status_code == status
        assert post(browser, "applying_batch_discard", batch).status_code == status
    assert Application.objects.get().state == "DRAFT"
