"""An application signed by e-imza opens without paper, as it was signed and for whoever signed it (K-022, K-025)."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts import e_imza
from accounts.applying import statement
from accounts.models import AccountChange, Application, KepAccount, OneTimeCode, Person
from accounts.tests.cast import make_account, make_person, texts
from accounts.tests.e_imza_card import card_of, finish, newest, sign
from accounts.tests.papers import pdf
from conftest import DemoPki
from evidence.models import Event
from kepweb.tests.applying_journey import FORMS, apply, make_branch, post
from signing.errors import CertificateUnfit

pytestmark = [pytest.mark.loopback, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def neighbours(provider: DemoPki) -> DemoPki:
    """OCSP and CRL answer; one branch is open."""
    make_branch()
    return provider


def signed(client: Client, provider: DemoPki, kind: str = "gercek") -> Application:
    """A draft that its applicant has signed."""
    application = apply(client, kind)
    assert post(client, "applying_sign").headers["Location"] == reverse("accounts:e_imza_waiting")
    returned = sign(card_of(provider.directory, application.tckn))
    assert finish(client, returned).headers["Location"] == reverse("accounts:applying_papers")
    application.refresh_from_db()
    return application


def test_a_natural_person_s_account_opens_without_a_clerk_and_without_paper(client: Client, provider: DemoPki) -> None:
    application = signed(client, provider)
    assert application.state == "DRAFT"
    assert e_imza.signed_text(application) == statement.text_of(application)
    page = client.get(reverse("accounts:applying_papers")).content.decode()
    assert "E-imzanız yerine geçer" in page

    post(client, "applying_submit")

    application.refresh_from_db()
    account = application.account
    assert account is not None
    assert (application.state, account.state) == ("AWAITING_ACTIVATION", "PENDING_ACTIVATION")
    assert account.address == application.wanted_address == "isil.cagri@hs01.kep.tr"
    person = Person.objects.get(pk=account.holder.person_id)
    assert (person.identity_state, person.has_secrets) == ("ESTABLISHED", False)
    assert OneTimeCode.objects.filter(purpose="activation", subject=f"account:{account.public_id}").count() == 1
    assert "aktivasyon" in texts()[-1].text
    assert AccountChange.objects.get().actor == "system"
    steps = Event.objects.filter(kind__startswith="application.").order_by("pk").values_list("kind", flat=True)
    assert list(steps)[-5:] == [
        "application.signed",
        "application.submitted_whole",
        "application.approved",
        "application.allotted",
        "application.activation_begun",
    ]
    assert "Etkinleştirmeniz bekleniyor" in client.get(reverse("accounts:applying_mine")).content.decode()


def test_what_was_changed_after_the_signature_is_signed_again(client: Client, provider: DemoPki) -> None:
    application = signed(client, provider)
    details = {"tckn": application.tckn, **FORMS["gercek"], "eposta": ""}
    post(client, "applying_details", **details)
    application.refresh_from_db()
    assert (application.signed_by_e_imza_at, application.signature_digest) == (None, None)
    post(client, "applying_submit")
    application.refresh_from_db()
    assert (application.state, application.account) == ("DOCUMENTS_AWAITED", None)


def test_a_draft_changed_past_the_verbs_is_not_sent_under_the_old_signature(client: Client, provider: DemoPki) -> None:
    application = signed(client, provider)
    Application.objects.update(mode=KepAccount.Mode.SEND_AND_RECEIVE)
    assert post(client, "applying_submit").status_code == 409
    application.refresh_from_db()
    assert (application.state, application.account) == ("DRAFT", None)


def test_an_address_taken_meanwhile_leaves_the_application_to_its_branch(client: Client, provider: DemoPki) -> None:
    application = signed(client, provider)
    make_account("isil.cagri@hs01.kep.tr", holder=make_person())
    post(client, "applying_submit")
    application.refresh_from_db()
    assert (application.state, application.account) == ("UNDER_REVIEW", None)
    assert not Event.objects.filter(kind="application.approved").exists()


@pytest.mark.parametrize(("kind", "paper"), [("tuzel", "registry"), ("kamu", "official_letter")])
def test_a_legal_person_still_shows_who_may_represent_it(
    client: Client, provider: DemoPki, kind: str, paper: str
) -> None:
    application = signed(client, provider, kind)
    post(client, "applying_submit")
    application.refresh_from_db()
    assert (application.state, application.account) == ("DOCUMENTS_AWAITED", None)
    for each in (paper, "signatures") if kind == "tuzel" else (paper,):
        post(client, "applying_papers", tur=each, dosya=_file(each))
    application.refresh_from_db()
    assert (application.state, application.account) == ("UNDER_REVIEW", None)


def test_another_s_card_signs_nothing(client: Client, provider: DemoPki) -> None:
    application = apply(client)
    post(client, "applying_sign")
    with pytest.raises(CertificateUnfit):
        sign(card_of(provider.directory, make_person().tckn))
    application.refresh_from_db()
    assert application.signed_by_e_imza_at is None


def test_another_browser_finishes_nothing(client: Client, provider: DemoPki) -> None:
    application = apply(client)
    post(client, "applying_sign")
    returned = sign(card_of(provider.directory, application.tckn), newest())
    assert finish(Client(), returned).status_code == 403
    application.refresh_from_db()
    assert application.signed_by_e_imza_at is None


def test_a_second_sending_opens_no_second_account(client: Client, provider: DemoPki) -> None:
    signed(client, provider)
    post(client, "applying_submit")
    assert post(client, "applying_submit").status_code == 409
    assert KepAccount.objects.count() == 1


def _file(content: str) -> Any:
    return SimpleUploadedFile("belge.pdf", pdf(content.encode()))
