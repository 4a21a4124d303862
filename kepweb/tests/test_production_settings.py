"""The production profile names everything it lacks, shows no value, and is clean once it has all (design.md 1.7)."""

import os
import runpy
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]
PROFILE = "kepweb.settings.production"


@pytest.fixture
def whole(demo_pki, tmp_path) -> dict[str, str]:
    """Everything a real provider hands in; nothing of it is reachable, and nothing has to be."""
    vault = tmp_path / "vault"
    vault.mkdir()
    folder = demo_pki.folder
    return {
        **{f"KEP_{name}": secrets.token_hex(32) for name in ("SECRET_KEY", "FIELD_KEY", "INDEX_KEY", "VAULT_KEY")},
        "KEP_PASSWORD_PEPPER": secrets.token_hex(32),
        "KEP_PROVIDER_CODE": "hs01",
        "KEP_PROVIDER_DOMAIN": "hs01.kep.tr",
        "KEP_PROVIDER_NAME": "Örnek A.Ş.",
        "KEP_PROVIDER_POLICY": "urn:oid:2.16.792.9.9.9.1",
        "KEP_WEB_ORIGIN": "https://kep.example",
        "KEP_CONTENT_ORIGIN": "https://icerik.example",
        "KEP_DATABASE_URL": "postgres://kep:gizli-parola@db.example/kep",
        "KEP_VAULT_DIR": str(vault),
        "KEP_REDIS_URL": "rediss://:gizli-parola@redis.example/0",
        "KEP_TSA_URL": "https://tsa.example/tsa",
        "KEP_TRUST_ROOTS": str(folder / "root.pem"),
        "KEP_TRUST_POLICY": str(folder / "root.pem"),
        "KEP_INTERMEDIATES": f"{folder / 'eshs-ca.pem'}:{folder / 'islem-ca.pem'}",
        "KEP_OUTBOUND_ALLOW": "https://tsa.example https://ocsp.example",
        "KEP_PKCS11_MODULE": str(folder / "root.pem"),
        "KEP_PKCS11_TOKEN": "islem",
        "KEP_PKCS11_KEY": "islem-2026",
        "KEP_PKCS11_PIN": "493817",
        "KEP_CERTIFICATE": str(folder / "islem-hs01.pem"),
        "KEP_CERTIFICATE_CHAIN": str(folder / "islem-ca.pem"),
        "KEP_SMS_URL": "https://sms.example/send",
        "KEP_SMS_USER": "kep",
        "KEP_SMS_PASSWORD": "gizli-parola",
        "KEP_SMS_SENDER": "KEP",
        "KEP_PROCESS_ROLE": "seal",
    }


@pytest.fixture
def load(monkeypatch):
    """Runs the profile as a process with exactly these values would."""

    def run(values: dict[str, str]) -> dict[str, object]:
        for name in [name for name in os.environ if name.startswith("KEP_")]:
            monkeypatch.delenv(name)
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delitem(sys.modules, "kepweb.settings.base")
        return runpy.run_module(PROFILE)

    return run


def refusal_of(load, values: dict[str, str]) -> str:
    with pytest.raises(ImproperlyConfigured) as refused:
        load(values)
    return str(refused.value)


def test_with_everything_it_loads(load, whole):
    loaded = load(whole)
    assert loaded["KEP_PROFILE"] == "production"
    assert loaded["ALLOWED_HOSTS"] == ["kep.example", "icerik.example"]
    assert loaded["DATABASES"]["default"]["ENGINE"] == "django.db.backends.postgresql"
    assert "demo" not in loaded["INSTALLED_APPS"]
    assert loaded["KEP_EXTRA_URLS"] == ()


def test_with_nothing_it_names_every_value_at_once(load, whole):
    refusal = refusal_of(load, {"KEP_PROCESS_ROLE": "seal"})
    wanted = set(whole) - {"KEP_PROCESS_ROLE"}
    assert {name for name in wanted if f"{name}: missing" in refusal} == wanted


def test_each_value_is_missed_by_its_name_and_no_other(load, whole):
    """One value at a time: none has a default that a busy operator would not notice."""
    named = {}
    for name in whole.keys() - {"KEP_PROCESS_ROLE"}:
        refusal = refusal_of(load, {key: value for key, value in whole.items() if key != name})
        named[name] = [each for each in whole if f"{each}: " in refusal]
    assert named == {name: [name] for name in named}
    assert len(named) >= 26


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEP_FIELD_KEY", "0123-not-hex"),
        ("KEP_FIELD_KEY", "ab" * 31),
        ("KEP_WEB_ORIGIN", "http://kep.example"),
        ("KEP_WEB_ORIGIN", "https://kep.example/path"),
        ("KEP_DATABASE_URL", "sqlite:////tmp/kep.sqlite3"),
        ("KEP_REDIS_URL", "memory://"),
        ("KEP_VAULT_DIR", "/nowhere/at/all"),
        ("KEP_INTERMEDIATES", "/nowhere/a.pem:/nowhere/b.pem"),
        ("KEP_SMS_URL", "http://sms.example"),
        ("KEP_OUTBOUND_ALLOW", "https://tsa.example/with/path"),
    ],
)
def test_a_malformed_value_is_named_and_not_shown(load, whole, name, value):
    refusal = refusal_of(load, {**whole, name: value})
    assert f"{name}: " in refusal
    assert value not in refusal


def test_no_refusal_shows_a_secret(load, whole):
    del whole["KEP_TSA_URL"]
    refusal = refusal_of(load, {**whole, "KEP_DATABASE_URL": "mysql://kep:gizli-parola@db.example/kep"})
    secrets_handed_in = [value for name, value in whole.items() if "KEY" in name or "PIN" in name]
    assert "gizli-parola" not in refusal
    assert [value for value in secrets_handed_in if value in refusal] == []


def test_a_secret_may_come_from_a_file(load, whole, tmp_path):
    file = tmp_path / "field.key"
    file.write_text(f"{'5a' * 32}\n")
    del whole["KEP_FIELD_KEY"]
    assert load({**whole, "KEP_FIELD_KEY_FILE": str(file)})["KEP_FIELD_KEY"] == b"\x5a" * 32


def test_a_secret_file_that_cannot_be_read_is_named(load, whole):
    del whole["KEP_FIELD_KEY"]
    refusal = refusal_of(load, {**whole, "KEP_FIELD_KEY_FILE": "/nowhere/field.key"})
    assert "KEP_FIELD_KEY: cannot be read (FileNotFoundError)" in refusal


def test_only_the_sealing_worker_is_given_the_pin(load, whole):
    assert load({**whole, "KEP_PROCESS_ROLE": "seal"})["KEP_KEYSTORE"]["pin"] == "493817"
    assert load({**whole, "KEP_PROCESS_ROLE": "web"})["KEP_KEYSTORE"]["pin"] == ""
    del whole["KEP_PKCS11_PIN"]
    assert load({**whole, "KEP_PROCESS_ROLE": "web"})["KEP_PROFILE"] == "production"


def test_the_proxy_header_is_believed_only_when_told(load, whole):
    assert "SECURE_PROXY_SSL_HEADER" not in load(whole)
    assert load({**whole, "KEP_BEHIND_PROXY": "yes"})["SECURE_PROXY_SSL_HEADER"] == (
        "HTTP_X_FORWARDED_PROTO",
        "https",
    )


def test_cookies_are_bound_to_the_host_and_to_tls(load, whole):
    loaded = load(whole)
    names = [value for name, value in loaded.items() if name.endswith("COOKIE_NAME")]
    assert len(names) == 4
    assert [name for name in names if not name.startswith("__Host-")] == []
    assert loaded["SESSION_COOKIE_SECURE"] is loaded["CSRF_COOKIE_SECURE"] is True
    assert loaded["SECURE_HSTS_SECONDS"] >= 31_536_000


def test_check_deploy_is_clean(whole):
    """The whole command, in a process of its own; warnings fail it too."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KEP_", "DJANGO_"))}
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**environment, **whole, "DJANGO_SETTINGS_MODULE": PROFILE},
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout
