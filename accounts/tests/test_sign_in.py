"""Signing in with four factors, and what a visit is between the steps (V-030, V-038, W-008, K-080)."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models import F
from django.test import Client, RequestFactory
from django.urls import reverse
from django_otp import DEVICE_ID_SESSION_KEY
from two_factor.plugins.registry import registry

from accounts import login
from accounts.models import Person, SmsAttempt
from accounts.second_step import SmsMethod
from accounts.sms import SmsKind, SmsResult
from accounts.tests.cast import (
    make_account,
    make_operator,
    make_person,
    post_code,
    post_secrets,
    sign_in,
    texts,
)
from accounts.visit import SIGN_IN_BY_SMS
from evidence.models import Event

Clock = time_machine.Traveller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class NoGateway:
    """An operator that takes nothing."""

    def send(self, kind: SmsKind, msisdn: str, text: str, ref: str) -> SmsResult:
        return SmsResult(is_accepted=False, is_retryable=True, error="DOWN")


def session_id(client: Client) -> str:
    """The id of the visit, as the cookie says it; empty without one."""
    cookie = client.cookies.get(django_settings.SESSION_COOKIE_NAME)
    return cookie.value if cookie else ""


# --- the road -----------------------------------------------------------------------------------------------------
def test_four_factors_open_the_inbox(client: Client, person: Person) -> None:
    answer = post_secrets(client, person.tckn)
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("accounts:sign_in_sms"))
    answer = post_code(client, texts(person)[0].code)
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("mailbox:inbox"))
    page = client.get(reverse("mailbox:inbox"))
    assert page.content.decode() == "inbox of ayse.yildiz@hs01.kep.tr for Ayşe Yıldız"


def test_the_visit_says_when_and_how_it_was_opened(client: Client, person: Person) -> None:
    sign_in(client, person)
    told = client.get("/oturum/").json()
    assert told["opened_at"].startswith("2026-11-24T09:00:00")
    assert told["method"] == SIGN_IN_BY_SMS == "urn:kep:sign-in:two-secrets-and-sms"


def test_each_outcome_is_an_event(client: Client, person: Person) -> None:
    post_secrets(client, person.tckn, "wrong")
    post_secrets(client, person.tckn)
    right = texts(person)[0].code
    post_code(client, "000000" if right != "000000" else "111111")
    post_code(client, right)
    client.post("/cikis/")
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["sign_in.refused", "sign_in.code_sent", "sign_in.refused", "sign_in.completed", "sign_out"]
    actors = set(Event.objects.exclude(kind="sign_in.refused").values_list("actor", flat=True))
    assert actors == {f"person:{person.pk}"}


@pytest.mark.parametrize(("is_behind_proxy", "written"), [(True, "192.0.2.7"), (False, "127.0.0.1")])
def test_an_event_names_the_client_and_not_the_proxy(
    client: Client, person: Person, settings: Any, is_behind_proxy: bool, written: str
) -> None:
    """What the client itself claims is never believed, only what our own proxy added (V-082)."""
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if is_behind_proxy else None
    client.defaults["HTTP_X_FORWARDED_FOR"] = "198.51.100.1, 192.0.2.7"
    sign_in(client, person)
    event = Event.objects.get(kind="sign_in.completed")
    assert json.loads(bytes(event.body))["facts"]["from"] == written


def test_the_sms_page_shows_two_digits_of_the_number_and_the_times(client: Client) -> None:
    person = make_person(phone="+905551230047")
    post_secrets(client, person.tckn)
    answer = client.get("/giris/sms/")
    page = answer.content.decode()
    assert "Sonu 47 ile biten" in page
    assert "5551230047" not in page
    assert "12:03" in page
    assert answer.context["resend_allowed"] is False
    assert answer.context["resend_at"] - answer.context["sent_at"] == timedelta(seconds=60)


def test_the_text_names_service_and_site_and_warns(client: Client, person: Person) -> None:
    post_secrets(client, person.tckn)
    text = texts(person)[0].text
    assert text.isascii()
    assert len(text) <= 160
    assert text.startswith("KEP hs01 giris kodunuz: ")
    assert "Kimseyle paylasmayin" in text
    assert text.splitlines()[-1] == f"@127.0.0.1 #{texts(person)[0].code}"
    assert person.tckn not in text


def test_the_second_step_is_two_factors_only_method() -> None:
    assert [type(method) for method in registry.get_methods()] == [SmsMethod]


def test_a_code_may_be_typed_with_a_blank_in_the_middle(client: Client, person: Person) -> None:
    post_secrets(client, person.tckn)
    code = texts(person)[0].code
    assert post_code(client, f" {code[:3]} {code[3:]} ").status_code == 302


# --- where to afterwards ------------------------------------------------------------------------------------------
def test_whoever_was_sent_away_comes_back(client: Client, person: Person) -> None:
    sent_away = client.get("/kapali/?sayfa=2")
    assert sent_away.headers["Location"] == "/giris/?next=%2Fkapali%2F%3Fsayfa%3D2"
    page = client.get(sent_away.headers["Location"])
    assert 'name="next" value="/kapali/?sayfa=2"' in page.content.decode()
    client.post("/giris/", {"tckn": person.tckn, "parola": "wrong", "sifre": "wrong", "next": "/kapali/?sayfa=2"})
    client.post(
        "/giris/",
        {"tckn": person.tckn, "parola": "mavi-liman-kavak", "sifre": "480163", "next": "/kapali/?sayfa=2"},
    )
    assert post_code(client, texts(person)[-1].code).headers["Location"] == "/kapali/?sayfa=2"


@pytest.mark.parametrize(
    "elsewhere", ["https://example.com/", "//example.com/", "/\\example.com", "javascript:alert(1)", "https:///x"]
)
def test_nobody_is_led_to_another_site(client: Client, person: Person, elsewhere: str) -> None:
    client.post("/giris/", {"tckn": person.tckn, "parola": "mavi-liman-kavak", "sifre": "480163", "next": elsewhere})
    assert post_code(client, texts(person)[-1].code).headers["Location"] == "/gelen/"


def test_somebody_with_several_accounts_chooses_first(client: Client, person: Person) -> None:
    company = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
    make_operator(company, person, role="Alt yetkili")
    answer = sign_in(client, person)
    assert answer.headers["Location"] == "/hesap/sec/?next=%2Fgelen%2F"
    page = client.get(answer.headers["Location"])
    assert [(each.address, each.role) for each in page.context["accounts"]] == [
        ("ayse.yildiz@hs01.kep.tr", ""),
        ("anadolu.makina@hs01.kep.tr", "Alt yetkili"),
    ]
    chosen = client.post("/hesap/sec/", {"account": company.public_id})
    assert chosen.headers["Location"] == "/gelen/"
    assert "anadolu.makina" in client.get("/gelen/").content.decode()


def test_a_signed_in_person_is_not_asked_again(client: Client, person: Person) -> None:
    sign_in(client, person)
    assert client.get("/giris/").headers["Location"] == "/gelen/"
    assert client.get("/giris/sms/").headers["Location"] == "/gelen/"


# --- between the steps ----------------------------------------------------------------------------------------------
def test_looking_at_the_page_makes_no_visit(client: Client) -> None:
    assert client.get("/giris/").status_code == 200
    assert Session.objects.count() == 0
    assert session_id(client) == ""


@pytest.mark.parametrize("path", ["/gelen/", "/kapali/", "/hesap/sec/", "/oturum/", "/yok-boyle-bir-sayfa/"])
def test_half_signed_in_nothing_but_the_next_step_is_reached(client: Client, person: Person, path: str) -> None:
    post_secrets(client, person.tckn)
    assert client.get(path).headers["Location"].startswith("/giris/")
    assert client.post(path, {"account": "x"}).headers["Location"].startswith("/giris/")
    assert b"signed in: False" in client.get("/brosur/").content
    assert SESSION_KEY not in client.session
    assert client.get("/giris/sms/").status_code == 200


def test_the_visit_has_a_new_id_after_each_step(client: Client, person: Person) -> None:
    """V-030: an id known before a step is worth nothing after it."""
    planted = SessionStore()
    planted["kep_next"] = "/kapali/"
    planted.create()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = planted.session_key
    seen = [session_id(client)]
    post_secrets(client, person.tckn)
    seen.append(session_id(client))
    post_code(client, texts(person)[0].code)
    seen.append(session_id(client))
    assert len(set(seen)) == 3
    assert set(Session.objects.values_list("session_key", flat=True)) == {seen[2]}, "the old visits are gone"
    thief = Client()
    for old in seen[:2]:
        thief.cookies[django_settings.SESSION_COOKIE_NAME] = old
        assert thief.get("/gelen/").headers["Location"].startswith("/giris/")
        assert thief.get("/giris/sms/").headers["Location"] == "/giris/"


def test_a_new_sign_in_throws_the_running_visit_away(client: Client, person: Person) -> None:
    sign_in(client, person)
    other = make_person("Deniz", "Arslan")
    post_secrets(client, other.tckn)
    assert client.get("/gelen/").headers["Location"].startswith("/giris/")


def test_a_step_cannot_be_skipped(client: Client, person: Person) -> None:
    assert client.get("/giris/sms/").headers["Location"] == "/giris/"
    answer = post_code(client, "123456")
    assert answer.status_code == 403
    assert "GRS-05" in answer.content.decode()
    assert client.post("/giris/sms/yeniden/").status_code == 403
    assert texts() == []


def test_finishing_without_an_accepted_code_is_a_fault_of_ours(rf: Any, person: Person, client: Client) -> None:
    post_secrets(client, person.tckn)
    with pytest.raises(ValueError, match="not accepted"):
        login.finish(rf.get("/"), SmsAttempt.objects.get(), now=SmsAttempt.objects.get().sent_at)


def test_a_finished_visit_remembers_device_and_moments_and_no_attempt(client: Client, person: Person) -> None:
    sign_in(client, person)
    assert set(client.session.keys()) == {
        SESSION_KEY,
        BACKEND_SESSION_KEY,
        HASH_SESSION_KEY,
        DEVICE_ID_SESSION_KEY,
        "kep_visit",
        "kep_account",
    }
    assert client.session[DEVICE_ID_SESSION_KEY] == SmsAttempt.objects.get().persistent_id


def test_finishing_ties_the_visit_to_the_attempt_by_itself(rf: RequestFactory, client: Client, person: Person) -> None:
    """Also when nobody's form has put the device on the person before."""
    post_secrets(client, person.tckn)
    SmsAttempt.objects.update(used_at=F("sent_at"))
    request = rf.get("/")
    request.session, request.user = client.session, AnonymousUser()
    attempt = SmsAttempt.objects.get()
    login.finish(request, attempt, now=attempt.sent_at)
    assert request.session[DEVICE_ID_SESSION_KEY] == attempt.persistent_id


def test_half_signed_in_lasts_a_quarter_of_an_hour(clock: Clock, client: Client, person: Person) -> None:
    post_secrets(client, person.tckn)
    clock.shift(timedelta(minutes=14, seconds=59))
    assert client.get("/giris/sms/").status_code == 200
    clock.shift(timedelta(seconds=1))
    assert client.get("/giris/sms/").headers["Location"] == "/giris/"


def test_somebody_shut_out_between_the_steps_does_not_come_in(client: Client, person: Person) -> None:
    post_secrets(client, person.tckn)
    Person.objects.filter(pk=person.pk).update(is_active=False)
    assert post_code(client, texts(person)[0].code).status_code == 403
    assert client.get("/gelen/").status_code == 302


def test_both_steps_ask_for_the_form_token(person: Person) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert post_secrets(strict, person.tckn).status_code == 403
    assert post_code(strict, "123456").status_code == 403
    assert strict.post("/giris/sms/yeniden/").status_code == 403
    assert strict.post("/cikis/").status_code == 403
    assert texts() == []


# --- the gateway, and the way out ------------------------------------------------------------------------------------
def test_without_sms_the_person_hears_that_nothing_changed(client: Client, person: Person, settings: Any) -> None:
    settings.KEP_SMS = "accounts.tests.test_sign_in.NoGateway"
    answer = post_secrets(client, person.tckn)
    assert answer.status_code == 503
    assert "GRS-12" in answer.content.decode()
    assert client.get("/giris/sms/").status_code == 302


def test_signing_out_ends_the_visit_on_the_server(client: Client, person: Person) -> None:
    sign_in(client, person)
    old = session_id(client)
    answer = client.post("/cikis/")
    assert answer.headers["Location"] == "/giris/"
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert Session.objects.count() == 0
    thief = Client()
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = old
    assert thief.get("/gelen/").status_code == 302


def test_signing_out_is_never_a_link(client: Client, person: Person) -> None:
    sign_in(client, person)
    assert client.get("/cikis/").status_code == 405
    assert client.get("/gelen/").status_code == 200
