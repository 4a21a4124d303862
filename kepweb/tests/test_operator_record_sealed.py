"""A record of operators from the button to the sealed file, through the sealing worker."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.operating import record
from accounts.operating.grants import RIGHTS
from accounts.tests.cast import make_account, make_operator, sign_in
from evidence import pdf, pdf_seal, sealed_papers
from evidence.models import Event, SealRequest
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]


def test_the_record_is_sealed_and_fetched_by_its_account_only(road: Road) -> None:
    account = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
    make_operator(account, road.mehmet, is_main=True, **dict.fromkeys(RIGHTS, True))
    browser, stranger = Client(), Client()
    sign_in(browser, road.mehmet, account=account)
    sign_in(stranger, road.ayse)
    address = browser.post(reverse("accounts:operator_record_ask"))["Location"]
    assert browser.get(address).status_code == 202
    assert sealed_papers.seal_due() == 1
    answer = browser.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Content-Disposition"].startswith("attachment")
    request = SealRequest.objects.get(kind=record.KIND)
    assert request.finished_at is not None
    paper = record.describe(request, request.finished_at)
    pdf_seal.check_seal(answer.content, unsealed=pdf.render(paper.template, paper.facts))
    assert stranger.get(address).status_code == 403
    sealed = Event.objects.get(kind="paper.sealed")
    assert sealed.subject == f"account:{account.public_id}"
