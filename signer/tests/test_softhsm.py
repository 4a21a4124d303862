"""A real PKCS#11 library: list, sign, wrong PIN, no PIN, with RSA and P-256 (S-026, S-027)."""

import subprocess
from pathlib import Path

import pytest

from signer.errors import PinMissing, TokenMissing, WrongPin
from signer.pin import Pin
from signer.tests.test_key_file import OCTETS, assert_signed
from signer.tests.workshop import NOW, PIN, Holder, person
from signer.token import PinState
from signer.token_card import Pkcs11Token

pytestmark = [pytest.mark.needs("softhsm2"), pytest.mark.needs("opensc")]

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
RSA, EC = person("Ayşe Yıldız", "rsa2048"), person("Ali Veli", "p256")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A token holding one RSA and one P-256 certificate with their keys; SoftHSM adds an uninitialised one."""
    path = next(Path(each) for each in MODULES if Path(each).exists())
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    _run(
        "softhsm2-util",
        "--init-token",
        "--free",
        "--label",
        "Deneme kartı",
        "--so-pin",
        "87654321",
        "--pin",
        PIN.decode(),
    )
    for number, holder in ((1, RSA), (2, EC)):
        _put(tmp_path, path, number, holder)
    return path


def _put(folder: Path, module: Path, number: int, holder: Holder) -> None:
    (folder / "key.pem").write_bytes(holder.pkcs8_pem)
    (folder / "cert.der").write_bytes(holder.der)
    common = ("--id", f"0{number}", "--label", f"imza{number}")
    _run(
        "softhsm2-util", "--import", str(folder / "key.pem"), "--token", "Deneme kartı", "--pin", PIN.decode(), *common
    )
    _run(
        "pkcs11-tool", "--module", str(module), "--token-label", "Deneme kartı", "--login", "--pin", PIN.decode(),
        "--write-object", str(folder / "cert.der"), "--type", "cert", *common,
    )  # fmt: skip


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def pin(octets: bytes = PIN) -> Pin:
    return Pin(bytearray(octets))


def test_both_certificates_are_listed_without_a_pin(module: Path) -> None:
    listed = Pkcs11Token(module).certificates(now=NOW)

    assert {(each.owner, each.id, each.held_by) for each in listed} == {
        ("Ayşe Yıldız", RSA.id, "Deneme kartı"),
        ("Ali Veli", EC.id, "Deneme kartı"),
    }
    assert {each.pin for each in listed} == {PinState.READY}


@pytest.mark.parametrize("holder", [RSA, EC], ids=["rsa2048", "p256"])
def test_a_list_is_signed_under_one_login(module: Path, holder: Holder) -> None:
    token = Pkcs11Token(module)

    signatures = token.sign(holder.id, [OCTETS, b"ikinci", b"ucuncu"], pin())

    for octets, signature in zip((OCTETS, b"ikinci", b"ucuncu"), signatures, strict=True):
        assert_signed(holder, octets, signature)


@pytest.mark.parametrize("wrong", [b"0000", b"1", "şifreğ".encode(), b"9" * 64])
def test_a_wrong_pin_is_told_and_the_next_list_warns(module: Path, wrong: bytes) -> None:
    token = Pkcs11Token(module)
    with pytest.raises(WrongPin):
        token.sign(RSA.id, [OCTETS], pin(wrong))

    assert {each.pin for each in token.certificates(now=NOW)} == {PinState.COUNT_LOW}

    token.sign(RSA.id, [OCTETS], pin())
    assert {each.pin for each in token.certificates(now=NOW)} == {PinState.READY}


def test_no_pin_is_told_apart(module: Path) -> None:
    with pytest.raises(PinMissing):
        Pkcs11Token(module).sign(RSA.id, [OCTETS], None)


def test_nobody_is_logged_in_after_a_signature(module: Path) -> None:
    token = Pkcs11Token(module)
    token.sign(RSA.id, [OCTETS], pin())

    with pytest.raises(WrongPin):
        token.sign(RSA.id, [OCTETS], pin(b"0000"))


def test_a_certificate_of_another_card_is_missing(module: Path) -> None:
    with pytest.raises(TokenMissing):
        Pkcs11Token(module).sign(person("Başkası").id, [OCTETS], pin())
