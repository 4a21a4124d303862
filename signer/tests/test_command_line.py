"""`kep-imza` at the shell: the same session, words on paper, an exit status per kind of end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from signer.__main__ import main
from signer.tests.provider import CODE, FakeProvider
from signer.tests.test_protocol import change
from signer.tests.workshop import PIN, key_file, person

pytestmark = pytest.mark.loopback


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def p12(tmp_path: Path) -> Path:
    return key_file(tmp_path, person())


@pytest.fixture
def pin_file(tmp_path: Path) -> Path:
    path = tmp_path / "pin"
    path.write_bytes(PIN + b"\n")
    return path


def sign(fake: FakeProvider, p12: Path, pin_file: Path, *more: str) -> int:
    return main(["sign", CODE, "--origin", fake.origin, "--p12", str(p12), "--pin-file", str(pin_file), *more])


def test_listing_shows_owner_expiry_and_what_cannot_sign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key_file(tmp_path, person())
    key_file(tmp_path, person("Ali Veli", days=-1), name="ali")
    key_file(tmp_path, person("Can Ak"), name="can", companion=False)

    assert main(["list", "--p12-dir", str(tmp_path)]) == 0

    out, err = capsys.readouterr()
    assert [line.split("  ")[1] for line in out.splitlines()] == ["Ayşe Yıldız", "Ali Veli"]
    assert "24.10.2028" in out.splitlines()[0]
    assert "(süresi dolmuş)" in out.splitlines()[1]
    assert "can.p12" in err
    assert "[PRG-08]" in err


def test_a_message_is_shown_then_signed(
    fake: FakeProvider, p12: Path, pin_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sign(fake, p12, pin_file, "--yes") == 0

    out = capsys.readouterr().out
    for expected in (fake.origin, "7K4M-QX29", "Güneş Lojistik A.Ş. <gunes@hs01.kep.tr>", "bilgi@hs01.kep.tr"):
        assert expected in out
    assert "Depo teslim tutanağı ve teminat iadesi" in out
    assert "Teslim tutanağı ĞÜŞİÖÇ.pdf (15 bayt)" in out
    assert PIN.decode() not in out.replace("15", "")
    assert fake.state == "SIGNED"


def test_without_a_yes_nothing_is_signed(
    fake: FakeProvider, p12: Path, pin_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read, write = os.pipe()
    os.write(write, b"h\n")
    os.close(write)
    with os.fdopen(read) as answers:
        monkeypatch.setattr(sys, "stdin", answers)
        assert sign(fake, p12, pin_file) == 3
    assert (fake.cancelled_for, fake.signature) == ("user", b"")
    assert "[PRG-11]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "status", "code"), [(b"0000", 4, "PRG-04"), (b"", 4, "PRG-05"), (b"4" * 65, 2, "PRG-02")]
)
def test_a_wrong_or_missing_pin_from_a_file_ends_it(
    fake: FakeProvider,
    p12: Path,
    pin_file: Path,
    capsys: pytest.CaptureFixture[str],
    written: bytes,
    status: int,
    code: str,
) -> None:
    pin_file.write_bytes(written)

    assert sign(fake, p12, pin_file, "--yes") == status

    assert f"[{code}]" in capsys.readouterr().err
    assert fake.cancelled_for == "user", "nobody is left to try again, so the provider is told"


def test_the_pin_may_come_from_the_environment(fake: FakeProvider, p12: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DENEME_PIN", PIN.decode())
    monkeypatch.setenv("KEP_SIGNER_ALLOW", f"https://kep.ornek.tr {fake.origin}")
    monkeypatch.setenv("KEP_SIGNER_P12", str(p12))

    assert main(["sign", CODE, "--origin", fake.origin, "--yes", "--pin-env", "DENEME_PIN"]) == 0


def test_an_origin_outside_the_list_has_its_own_status(
    fake: FakeProvider, p12: Path, pin_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sign(fake, p12, pin_file, "--allow", "https://kep.ornek.tr") == 7
    assert "[PRG-16]" in capsys.readouterr().err
    assert fake.asked == []


def test_a_lie_of_the_provider_has_its_own_status(
    p12: Path, pin_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeProvider(twist=change("/imza/v1/certificate", digest="00" * 32)) as fake:
        assert sign(fake, p12, pin_file, "--yes") == 9
    assert "[PRG-22]" in capsys.readouterr().err


def test_several_certificates_want_a_choice(
    fake: FakeProvider, p12: Path, pin_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = key_file(p12.parent, person("Ali Veli", "p256"), name="ali")

    assert sign(fake, p12, pin_file, "--yes", "--p12", str(other)) == 2
    assert "Ali Veli" in capsys.readouterr().err
    fake.state = "ASKED"
    assert sign(fake, p12, pin_file, "--yes", "--p12", str(other), "--certificate", person().id[:16]) == 0
    assert fake.certificate == person().der


def test_export_writes_the_certificate_once(tmp_path: Path, pin_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = key_file(tmp_path, person(), name="yeni", companion=False)

    assert main(["export", str(path), "--pin-file", str(pin_file)]) == 0
    assert main(["list", "--p12", str(path)]) == 0
    assert "Ayşe Yıldız" in capsys.readouterr().out
    assert b"PRIVATE KEY" not in path.with_suffix(".cer").read_bytes()
    assert main(["export", str(path), "--pin-file", str(pin_file)]) == 2


def test_nothing_to_sign_with_and_nowhere_to_go_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 2
    assert "--module" in capsys.readouterr().err
    assert main(["page", "--p12", "x.p12"]) == 2
    assert "--allow" in capsys.readouterr().err


def test_it_runs_as_a_program_of_its_own_without_django(p12: Path) -> None:
    code = "import sys; from signer.__main__ import main; main(sys.argv[1:]); assert 'django' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code, "list", "--p12", str(p12)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Ayşe Yıldız" in done.stdout
