"""The pages of the house itself, and what every answer carries (V-055, V-056, V-088, design.md 6)."""

import json
from pathlib import Path

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from accounts.tests.cast import make_account, make_operator, make_person, sign_in
from evidence.errors import VaultUnavailable
from kepweb import context, readiness
from kepweb.loopback_only import LoopbackOnly
from kepweb.urls import urlpatterns as whole
from mailbox.errors import NotYours

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client):
    person = make_person("Ayşe", "Yıldız")
    make_account("ayse.yildiz@hs01.kep.tr", holder=person)
    sign_in(client, person)
    return client


# --- door, health, help ----------------------------------------------------------------------------------------------
def test_the_door_leads_a_stranger_to_the_sign_in_page(client):
    answer = client.get("/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/giris/")
    assert answer.status_code == 200


def test_the_door_leads_somebody_who_is_signed_in_to_the_inbox(signed_in):
    assert signed_in.get("/")["Location"] == "/gelen/"


def test_healthz_says_only_that_the_process_answers(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert not answer.cookies


def test_help_is_for_everybody(client):
    answer = client.get("/yardim/")
    assert answer.status_code == 200
    assert "Yardım" in answer.content.decode()


def test_a_failed_csrf_check_says_what_to_do():
    answer = Client(enforce_csrf_checks=True).post("/giris/", {"tckn": "1"})
    assert answer.status_code == 403
    assert "<html" in answer.content.decode()


# --- readiness -------------------------------------------------------------------------------------------------------
@pytest.mark.loopback
@pytest.mark.usefixtures("provider")
class TestReady:
    @pytest.fixture(autouse=True)
    def ask_anew(self, monkeypatch):
        """Nothing is remembered from another test."""
        monkeypatch.setattr(readiness, "_asked", (-1.0, ()))

    def test_it_is_ready_when_every_needed_part_works(self, client, settings, broker_url):
        settings.CELERY_BROKER_URL = broker_url
        answer = client.get("/readyz")
        parts = answer.json()["parts"]
        assert answer.status_code == 200, parts
        assert {name for name in parts if parts[name] == "ok"} >= {"database", "vault", "queue", "timestamp"}

    def test_a_broker_that_is_away_is_said_and_does_not_matter(self, client):
        answer = client.get("/readyz")
        assert answer.status_code == 200
        assert answer.json()["parts"]["broker"] != "ok"

    def test_a_time_stamp_authority_that_is_away_matters(self, client, settings, unused_port):
        settings.KEP_TSA_URL = f"http://127.0.0.1:{unused_port}/tsa"
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["parts"]["timestamp"] == "ConnectionRefusedError"

    def test_a_vault_that_takes_nothing_matters(self, client, settings, tmp_path):
        (tmp_path / "file").write_text("")
        settings.KEP_VAULT_DIR = tmp_path / "file" / "vault"
        assert client.get("/readyz").status_code == 503

    def test_work_that_nobody_does_matters(self, client, monkeypatch):
        monkeypatch.setattr(readiness, "_queue_age", lambda now: "work waits too long")
        assert client.get("/readyz").json()["parts"]["queue"] == "work waits too long"

    def test_many_requests_ask_once_a_second(self, client, monkeypatch):
        asked = []
        monkeypatch.setattr(readiness, "_vault", lambda: asked.append(1) or "")
        for _ in range(20):
            assert client.get("/readyz").status_code == 200
        assert len(asked) == 1
        monkeypatch.setattr(readiness, "KEPT_SECONDS", -1.0)
        client.get("/readyz")
        assert len(asked) == 2

    def test_the_page_names_no_address_path_or_version(self, client, settings, unused_port):
        settings.KEP_TSA_URL = f"http://127.0.0.1:{unused_port}/tsa"
        text = client.get("/readyz").content.decode()
        assert "127.0.0.1" not in text
        assert str(settings.KEP_VAULT_DIR) not in text


@pytest.fixture
def unused_port():
    from conftest import free_port

    return free_port()


# --- headers ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", ["/giris/", "/yardim/", "/healthz", "/yok-boyle-bir-sayfa/"])
def test_every_answer_carries_the_headers_of_the_house(client, address):
    answer = client.get(address)
    assert answer["Cache-Control"].startswith(("no-store", "max-age=0"))
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert "noindex" in answer["X-Robots-Tag"]


def test_the_policy_allows_our_own_scripts_by_nonce_and_nothing_inline(client):
    answer = client.get("/giris/")
    policy = dict(piece.strip().partition(" ")[::2] for piece in answer["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert policy["script-src"].startswith("'self' 'nonce-")
    nonce = policy["script-src"].split("'nonce-")[1].rstrip("'")
    assert f'nonce="{nonce}"' in answer.content.decode()


def test_no_answer_names_a_version(client):
    assert "Server" not in client.get("/giris/")
    assert "Django" not in client.get("/yok/").content.decode()


# --- refusals --------------------------------------------------------------------------------------------------------
def refuse(request, kind):
    kinds = {"yours": NotYours, "vault": VaultUnavailable, "own": ZeroDivisionError, "tables": OperationalError}
    raise kinds[kind]("planted reason")


urlpatterns = [*whole, path("reddet/<str:kind>/", refuse)]


@pytest.mark.urls("kepweb.tests.test_house_pages")
class TestRefusals:
    def test_a_refusal_becomes_a_page_with_sentence_code_and_status(self, signed_in):
        answer = signed_in.get("/reddet/yours/")
        text = answer.content.decode()
        assert answer.status_code == 404
        assert NotYours.code in text
        assert "Bu ileti bulunamadı" in text
        assert "planted reason" not in text

    def test_one_that_may_pass_by_itself_is_a_503(self, signed_in):
        answer = signed_in.get("/reddet/vault/")
        assert answer.status_code == VaultUnavailable.status == 503
        assert VaultUnavailable.code in answer.content.decode()

    def test_tables_that_cannot_be_written_now_are_a_503_with_words(self, signed_in, caplog):
        answer = signed_in.get("/reddet/tables/")
        text = answer.content.decode()
        assert (answer.status_code, "DEP-07" in text, "planted reason" in text) == (503, True, False)
        assert "OperationalError" in caplog.text

    def test_a_script_gets_json(self, signed_in):
        answer = signed_in.get("/reddet/yours/", headers={"accept": "application/json"})
        assert answer.status_code == 404
        assert json.loads(answer.content) == {"code": NotYours.code, "message": NotYours.user_message}

    def test_a_fault_of_ours_is_not_hidden(self, signed_in):
        with pytest.raises(ZeroDivisionError):
            signed_in.get("/reddet/own/")

    def test_a_fault_of_ours_shows_a_page_without_details(self, signed_in):
        signed_in.raise_request_exception = False
        answer = signed_in.get("/reddet/own/")
        assert answer.status_code == 500
        assert "ZeroDivision" not in answer.content.decode()


# --- the frame -------------------------------------------------------------------------------------------------------
class TestFrame:
    @pytest.fixture
    def frame(self, client):
        """The shell that a page of this client would draw."""

        def of(person, account=None):
            sign_in(client, person, account=account)
            request = RequestFactory().get("/")
            request.session, request.user = client.session, person
            return context.house(request)

        return of

    def test_somebody_with_an_account_of_his_own_has_no_banner(self, frame):
        person = make_person("Ayşe", "Yıldız")
        make_account("ayse.yildiz@hs01.kep.tr", holder=person)
        shell = frame(person)["shell"]
        assert (shell.person_name, shell.account_address) == ("Ayşe Yıldız", "ayse.yildiz@hs01.kep.tr")
        assert shell.acting is None
        assert (shell.can_compose, shell.can_switch) == (True, False)
        assert (shell.counts.inbox.number, shell.counts.awaiting) == (0, 0)

    def test_an_operator_sees_for_whom_he_acts(self, frame):
        person = make_person("Veli", "Kaya")
        account = make_account("kurum@hs01.kep.tr", holder="Örnek A.Ş.")
        make_operator(account, person)
        shell = frame(person)["shell"]
        assert shell.acting == context.ActingFor("Örnek A.Ş.", "Veli Kaya", "işlem yetkilisi")

    def test_a_receive_only_account_offers_no_composing(self, frame):
        person = make_person()
        make_account("alici@hs01.kep.tr", holder=person, mode="receive_only")
        assert not frame(person)["shell"].can_compose

    def test_two_accounts_can_be_switched_between(self, frame):
        person = make_person()
        own = make_account("ayse.yildiz@hs01.kep.tr", holder=person)
        make_operator(make_account("kurum@hs01.kep.tr", holder="Örnek A.Ş."), person)
        assert frame(person, own)["shell"].can_switch

    def test_nobody_has_no_frame_and_asks_nothing(self, rf, django_assert_num_queries):
        from django.contrib.auth.models import AnonymousUser

        request = rf.get("/")
        request.user = AnonymousUser()
        with django_assert_num_queries(0):
            shown = context.house(request)
            assert not shown["shell"]
        assert shown["provider_code"] == "hs01"

    def test_a_page_that_draws_no_frame_asks_nothing(self, rf, django_assert_num_queries):
        with django_assert_num_queries(0):
            context.house(rf.get("/"))


# --- this machine only -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", ["192.168.1.7", "10.0.0.1", "8.8.8.8", "2001:db8::1", ""])
def test_the_embedded_profile_refuses_strangers(rf, address):
    answer = LoopbackOnly(lambda request: HttpResponse("page"))(rf.get("/", REMOTE_ADDR=address))
    assert answer.status_code == 403
    assert b"page" not in answer.content


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.53", "::1"])
def test_the_embedded_profile_answers_this_machine(rf, address):
    assert LoopbackOnly(lambda request: HttpResponse("page"))(rf.get("/", REMOTE_ADDR=address)).content == b"page"


def test_it_stands_before_everything_else(settings):
    assert settings.MIDDLEWARE[0] == "kepweb.loopback_only.LoopbackOnly"
    assert "LoopbackOnly" not in Path(context.__file__).with_name("settings").joinpath("production.py").read_text()
