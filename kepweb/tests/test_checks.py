"""Each mistake of a deployment is named by its code, and a right deployment by none."""

import pytest
from django.core.checks import run_checks
from django.db import connection

from kepweb import checks


def codes(found) -> set[str]:
    return {message.id for message in found}


@pytest.fixture
def production(settings):
    settings.KEP_PROFILE = "production"
    settings.KEP_KEYSTORE = {"class": "evidence.keys.Pkcs11Keystore"}
    settings.KEP_SMS = "accounts.sms_gateways.HttpGateway"
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "demo"]
    return settings


def test_this_profile_has_no_mistakes():
    assert codes(run_checks()) & {f"kep.E{number:03}" for number in range(1, 100)} == set()


def test_an_embedded_key_in_production_is_e001(production):
    assert codes(checks.no_embedded_parts_in_production()) == set()
    production.KEP_KEYSTORE = {"class": "evidence.keys.FileKeystore"}
    assert codes(checks.no_embedded_parts_in_production()) == {"kep.E001"}


def test_the_demo_in_production_is_e002(production):
    production.INSTALLED_APPS = [*production.INSTALLED_APPS, "demo"]
    assert codes(checks.no_embedded_parts_in_production()) == {"kep.E002"}


def test_the_demo_phone_in_production_is_e002(production):
    production.KEP_SMS = "accounts.sms_gateways.JsonlGateway"
    assert codes(checks.no_embedded_parts_in_production()) == {"kep.E002"}


@pytest.mark.parametrize("host", ["kep.example", "192.168.1.5", "0.0.0.0", "*", ".example", "localhost.example"])  # noqa: S104
def test_an_embedded_provider_that_serves_others_is_e003(settings, host):
    settings.ALLOWED_HOSTS = ["127.0.0.1", host]
    assert codes(checks.embedded_stays_on_this_machine()) == {"kep.E003"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "icerik.localhost", "::1"])
def test_loopback_names_are_this_machine(host):
    assert checks.is_loopback(host)


def test_a_setting_that_is_missing_is_e004(settings):
    del settings.KEP_TSA_URL
    assert codes(checks.settings_are_whole()) == {"kep.E004"}


def test_a_sweep_that_leads_nowhere_is_e005(settings):
    settings.KEP_SWEEPS = {**settings.KEP_SWEEPS, "seal": ("mailbox.tasks.no_such_sweep",)}
    assert codes(checks.settings_are_whole()) == {"kep.E005"}


@pytest.mark.parametrize("value", [b"short", b"\0" * 32, b"ab" * 16])
def test_a_weak_key_is_e006(settings, value):
    settings.KEP_FIELD_KEY = value
    assert codes(checks.secrets_are_strong()) == {"kep.E006"}


def test_two_secrets_of_one_value_are_e006(settings):
    settings.KEP_INDEX_KEY = settings.KEP_FIELD_KEY
    assert codes(checks.secrets_are_strong()) == {"kep.E006"}


def test_the_same_value_in_the_secret_key_is_e006(settings):
    settings.SECRET_KEY = settings.KEP_FIELD_KEY.hex()
    assert codes(checks.secrets_are_strong()) == {"kep.E006"}


def test_no_message_shows_a_secret(settings):
    settings.KEP_FIELD_KEY = settings.KEP_INDEX_KEY = b"planted-planted!" * 2
    assert "planted" not in str(checks.secrets_are_strong())


def test_content_on_the_products_own_host_is_e007(settings):
    settings.KEP_CONTENT_ORIGIN = "http://127.0.0.1:8099"
    assert codes(checks.content_has_a_host_of_its_own()) == {"kep.E007"}


def test_a_certificate_that_is_none_is_e010(settings, tmp_path):
    settings.KEP_KEYSTORE = {"certificate_path": tmp_path / "islem.pem"}
    assert codes(checks.islem_key_is_long_enough()) == {"kep.E010"}
    (tmp_path / "islem.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert codes(checks.islem_key_is_long_enough()) == {"kep.E010"}


def test_a_short_rsa_key_is_w001(settings, demo_pki, tmp_path):
    from demo import pki

    pki.ensure(tmp_path, providers=["hs01"], transaction_key="rsa2048")
    settings.KEP_KEYSTORE = {"certificate_path": tmp_path / "pki" / "islem-hs01.pem"}
    assert codes(checks.islem_key_is_long_enough()) == {"kep.W001"}
    settings.KEP_KEYSTORE = {"certificate_path": demo_pki.folder / "islem-hs01.pem"}
    assert codes(checks.islem_key_is_long_enough()) == set()


@pytest.mark.database
@pytest.mark.django_db
def test_a_missing_trigger_is_e008():
    assert codes(checks.tables_are_insert_only(databases=["default"])) == set()
    with connection.cursor() as cursor:
        on_table = " ON evidence_event" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER evidence_event_no_update{on_table}", None)
    assert codes(checks.tables_are_insert_only(databases=["default"])) == {"kep.E008"}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only on SQLite: its pragmas")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("pragma", ["synchronous=NORMAL", "foreign_keys=OFF", "recursive_triggers=OFF"])
def test_sqlite_opened_carelessly_is_e009(pragma):
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA {pragma}", None)
        assert codes(checks.tables_are_insert_only(databases=["default"])) == {"kep.E009"}
    finally:
        connection.close()
