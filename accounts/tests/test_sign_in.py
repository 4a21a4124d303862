"""Signing in with four factors, and what is between the steps."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Person
from accounts.tests.cast import post_code, post_secrets, texts

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_four_factors_open_the_inbox(client: Client, person: Person) -> None:
    answer = post_secrets(client, person.tckn)
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("accounts:sign_in_sms"))
    answer = post_code(client, texts(person)[0].code)
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("mailbox:inbox"))
    page = client.get(reverse("mailbox:inbox"))
    assert page.content.decode() == "inbox of ayse.yildiz@hs01.kep.tr for Ayşe Yıldız"
