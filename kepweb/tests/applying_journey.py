"""An application as a browser makes it, step by step, for tests that need one at some point."""

import re
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import Application, Branch
from accounts.tests.cast import LONG_AGO, new_tckn, texts

PERSON = {
    "ad": "Işıl",
    "soyad": "Çağrı",
    "dogum": "05.03.1984",
    "telefon": "0555 987 65 43",
    "eposta": "isil@example.com.tr",
}
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
BODY = {
    "unvan": "Çınarova Belediye Başkanlığı",
    "vkn": "1234567890",
    "detsis": "12345678",
    "faaliyet": "Belediye hizmetleri",
    "il": "Ankara",
    "posta_adresi": "Meydan 1, Çınarova",
}
FORMS = {"gercek": PERSON, "tuzel": PERSON | COMPANY, "kamu": PERSON | BODY}


def make_branch(code: str = "CIN", **more: Any) -> Branch:
    """An open branch."""
    return Branch.objects.create(
        code=code, **{"name": "Çınarova Merkez Şubesi", "province": "Ankara", "opened_at": LONG_AGO, **more}
    )


def post(client: Client, name: str, *args: str, **form: Any) -> Any:
    """Post to one of the application's pages."""
    return client.post(reverse(f"accounts:{name}", args=args), form)


def begin(client: Client, kind: str = "gercek", **more: str) -> Any:
    """The first form, filled in."""
    return post(client, "applying_begin", kind, **{"tckn": new_tckn(), **FORMS[kind], **more})


def last_code(phone: str = "+905559876543") -> str:
    """The code that came last to this phone."""
    return [each for each in texts() if each.to == phone][-1].code


def check_phone(client: Client) -> Any:
    """Type the code that came."""
    return post(client, "applying_phone", kod=last_code())


def choose(client: Client, **more: str) -> Any:
    """The account step: the plainest address that is offered."""
    page = client.get(reverse("accounts:applying_account")).content.decode()
    found = re.search(r'name="adres" value="([^"]+@[^"]+)"', page)
    assert found is not None, page
    return post(
        client, "applying_account", **{"adres": found[1], "hizmet": "receive_only", "sube": "CIN", "sms": "on", **more}
    )


def apply(client: Client, kind: str = "gercek", **more: str) -> Application:
    """Everything up to the papers; the draft."""
    for answer in (begin(client, kind, **more), check_phone(client), choose(client)):
        assert answer.status_code == 302, answer.content.decode()
    application = Application.objects.order_by("pk").last()
    assert application is not None
    return application


def codes(answer: Any) -> list[str]:
    """The codes of an error summary."""
    return re.findall(r'error-summary__code">([A-Z]{3}-[0-9]{2})', answer.content.decode())
