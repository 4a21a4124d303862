"""The second host hands out attachments of a running visit and knows nothing else, least of all cookies (V-054)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core import signing
from django.test import Client, RequestFactory

from accounts.access import acting_of
from accounts.content_links import signed_content_url
from accounts.errors import AccessRefused
from accounts.models import Person
from accounts.tests.cast import make_account, make_person, post_secrets, sign_in

HOST = "icerik.localhost:8000"
NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Piece:
    filename: str
    content_type: str
    raw: bytes


given: dict[str, Piece] = {}
seen_cookies: list[str] = []


def give(request, part):
    """In the mailbox's place: the part, for whoever acts for the account it belongs to."""
    seen_cookies.append(f"{request.COOKIES or ''}{request.META.get('HTTP_COOKIE', '')}")
    account, _, name = part.partition(":")
    if acting_of(request).account.address != account:
        raise AccessRefused("not his")
    return given[name]


@pytest.fixture(autouse=True)
def content(settings):
    """A content view of this test, and some pieces of strangers' making."""
    settings.KEP_CONTENT_VIEW = "kepweb.tests.test_content_origin.give"
    settings.ROOT_URLCONF = "accounts.tests.urls"
    given.clear()
    given["report"] = Piece("Yıllık rapor – çok önemli.pdf", "application/pdf", b"%PDF-1.7")
    given["page"] = Piece('sayfa".html', "text/html", b"<script>alert(1)</script>")


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def reader(clock):
    """A signed-in person with one account."""
    person = make_person()
    make_account("okur@hs01.kep.tr", holder=person)
    client = Client()
    sign_in(client, person)
    client.person = person
    return client


def link(client, name="report", account="okur@hs01.kep.tr"):
    """A content link as a page of this client's visit would make it."""
    request = RequestFactory().get("/")
    request.session = client.session
    return urlsplit(signed_content_url(request, f"{account}:{name}")).path


def fetch(path, method="get", **headers):
    """What a browser without cookies gets from the content host."""
    return getattr(Client(), method)(path, headers={"host": HOST, **headers})


def test_a_link_of_a_running_visit_opens_its_part(reader):
    answer = fetch(link(reader))
    assert (answer.status_code, answer.content) == (200, b"%PDF-1.7")
    assert answer["Content-Type"] == "application/pdf"


def test_the_address_is_on_the_content_host(reader):
    request = RequestFactory().get("/")
    request.session = reader.session
    assert signed_content_url(request, "x").startswith("http://icerik.localhost:8000/ek/")


def test_it_leaves_as_a_download_with_its_turkish_name_and_an_ascii_one(reader):
    disposition = fetch(link(reader))["Content-Disposition"]
    assert disposition.startswith('attachment; filename="Yillik rapor _ cok onemli.pdf"')
    assert "filename*=UTF-8''Y%C4%B1ll%C4%B1k%20rapor%20%E2%80%93%20%C3%A7ok%20%C3%B6nemli.pdf" in disposition


def test_a_page_leaves_as_a_harmless_kind_of_file(reader):
    answer = fetch(link(reader, "page"))
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith('attachment; filename="sayfa_.html"')


@pytest.mark.parametrize("path", ["good", "/ek/broken", "/", "/gelen/", "/static/css/kep.css"])
def test_every_answer_is_sandboxed_not_sniffed_not_kept_and_without_cookies(reader, path):
    answer = fetch(link(reader) if path == "good" else path)
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert not answer.cookies
    assert "Set-Cookie" not in answer


@pytest.mark.parametrize(
    "path", ["/", "/gelen/", "/giris/", "/healthz", "/static/css/kep.css", "/ek", "/imza/v1/claim"]
)
def test_no_page_of_the_product_is_served_there(reader, path):
    assert fetch(path).status_code == 404


def test_a_cookie_that_arrives_is_not_looked_at(reader):
    """The visit's own cookie opens nothing there; only the link does."""
    cookie = f"kep_hs01={reader.session.session_key}"
    assert fetch("/ek/broken", cookie=cookie).status_code == 403
    assert fetch("/gelen/", cookie=cookie).status_code == 404
    assert fetch(link(reader), cookie=cookie).status_code == 200
    assert seen_cookies[-1] == ""


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
def test_only_reading_is_allowed(reader, method):
    assert fetch(link(reader), method).status_code == 405


def test_the_link_lives_five_minutes(reader, clock):
    path = link(reader)
    clock.shift(timedelta(minutes=5) - timedelta(seconds=1))
    assert fetch(path).status_code == 200
    clock.shift(timedelta(seconds=2))
    answer = fetch(path)
    assert answer.status_code == 403
    assert "EKL-01" in answer.content.decode()


def test_signing_out_ends_every_link_of_the_visit(reader):
    path = link(reader)
    assert fetch(path).status_code == 200
    reader.post("/cikis/")
    assert fetch(path).status_code == 403


def test_a_visit_that_is_idle_too_long_opens_nothing(reader, clock):
    clock.shift(timedelta(minutes=28))
    path = link(reader)
    clock.shift(timedelta(minutes=1))
    assert fetch(path).status_code == 200
    clock.shift(timedelta(minutes=2))
    assert fetch(path).status_code == 403


def test_somebody_who_was_locked_meanwhile_opens_nothing(reader):
    path = link(reader)
    Person.objects.filter(pk=reader.person.pk).update(is_active=False)
    assert fetch(path).status_code == 403


def test_the_link_opens_only_its_own_part(reader):
    make_account("baska@hs01.kep.tr", holder=make_person("Veli", "Kaya"))
    answer = fetch(link(reader, account="baska@hs01.kep.tr"))
    assert answer.status_code in (403, 404)
    assert b"%PDF" not in answer.content


@pytest.mark.parametrize("place", [4, 40, -4])
def test_a_changed_link_opens_nothing(reader, place):
    path = link(reader)
    head, tail = path[: len("/ek/")], list(path[len("/ek/") :])
    tail[place] = "A" if tail[place] != "A" else "B"
    assert fetch(head + "".join(tail)).status_code == 403


def test_a_link_signed_for_another_purpose_opens_nothing(reader):
    assert fetch("/ek/" + signing.dumps(["x", "okur@hs01.kep.tr:report"])).status_code == 403


def test_a_half_signed_in_visit_makes_no_link_that_opens(reader):
    """Three factors are right, the code has not been given: a visit, and nobody's."""
    half = Client()
    assert post_secrets(half, reader.person.tckn).status_code == 302
    assert half.session.session_key
    assert fetch(link(half)).status_code == 403


def test_the_link_does_not_show_the_visit(reader):
    assert reader.session.session_key not in link(reader)


def test_the_products_own_host_serves_no_content_link(reader):
    answer = reader.get(link(reader), headers={"host": "127.0.0.1:8000"})
    assert answer.status_code in (302, 404)
    assert b"%PDF" not in answer.content


def test_a_download_does_not_keep_an_idle_visit_open(reader, clock):
    before = reader.session["kep_visit"]
    clock.shift(timedelta(minutes=3))
    assert fetch(link(reader)).status_code == 200
    assert reader.session["kep_visit"] == before


@pytest.mark.parametrize("host", ["icerik.localhost.:8000", "icerik.localhost.", "ICERIK.LOCALHOST.:8000"])
def test_the_content_host_with_its_last_dot_is_the_content_host(host):
    """A full stop ends every host name; Django allows it, so the product must not answer there with its cookies."""
    answer = Client().get("/giris/", headers={"host": host})
    assert answer.status_code == 404
    assert not answer.cookies
