"""BENIOKU.txt and README.en.txt: every line in them runs as written, and finds what it says it finds."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from evidence import bundle
from evidence.bundle import pack
from evidence.containers import to_pem
from evidence.tests.bundles import Exchange, exchange, realm
from guards.mime import Address
from guards.zip import read_stored, write_stored

pytestmark = pytest.mark.needs("openssl", "xmlsec1", "unzip")

TEXTS = ("BENIOKU.txt", "README.en.txt")
Step = tuple[str, str]


def steps(text: str) -> Iterator[Step]:
    """The blocks of indented lines, each with the heading that stands above it."""
    heading, block = "", []
    for line in [*text.splitlines(), "."]:
        if line.startswith("    "):
            block.append(line.removeprefix("    "))
        elif block and line:
            yield heading, "\n".join(block)
            block = []
        if line and not line.startswith((" ", "-")):
            heading = line
    assert not block


def unpack(folder: Path, raw: bytes, root: bytes) -> list[Step]:
    """Lay a bundle and a root as the texts say, unpack it by the first line, and give the steps after it."""
    folder.mkdir()
    (folder / "paket.kepdelil").write_bytes(raw)
    (folder / "kok.pem").write_bytes(to_pem([root]))
    text = read_stored(raw, limits=bundle.LIMITS)["BENIOKU.txt"].decode()
    first, *rest = steps(text)
    assert shell(folder, first[1]).returncode == 0
    return rest


def shell(folder: Path, commands: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", commands],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def said(folder: Path, rest: list[Step], number: str) -> str:
    """What the step of this number prints, whatever it returns."""
    (commands,) = [block for heading, block in rest if heading.startswith(f"{number}.")]
    done = shell(folder / "paket", commands.replace("set -e", ""))
    return done.stdout + done.stderr


TWO = Exchange(realm(), recipients=(Address("", "cagri@hs01.kep.tr"), Address("", "veli@hs02.kep.tr")))


@pytest.mark.parametrize("given", [exchange(), TWO], ids=["one recipient", "two providers"])
def test_every_line_runs_as_written_on_a_sound_bundle(given: Exchange, tmp_path: Path) -> None:
    raw = pack(given.content(), given.sign)
    rest = unpack(tmp_path / "a", raw, realm().root.raw)
    assert len(rest) == 11
    proofs = len(given.proofs())
    for heading, commands in rest:
        done = shell(tmp_path / "a" / "paket", commands)
        assert done.returncode == 0, f"{heading}\n{commands}\n{done.stdout}{done.stderr}"
        out = done.stdout + done.stderr
        if "yazmamalı" in heading:
            assert out == ""
        elif "CAdES Verification" in heading:
            assert "CAdES Verification successful" in out
        elif "OK)" in heading and "xmlsec1" in commands:
            assert out.count("\nOK\n") + out.startswith("OK\n") == 2 * proofs
        elif "Verification: OK" in heading:
            assert out.count("Verification: OK") == proofs + 2


def test_both_texts_give_the_same_lines() -> None:
    members = read_stored(pack(TWO.content(), TWO.sign), limits=bundle.LIMITS)
    turkish, english = ([block for _, block in steps(members[name].decode())] for name in TEXTS)
    assert [block.replace("FARKLI", "DIFFERS") for block in turkish] == english


def test_the_fingerprints_printed_are_those_in_the_text(tmp_path: Path) -> None:
    raw = pack(exchange().content(), exchange().sign)
    rest = unpack(tmp_path / "a", raw, realm().root.raw)
    text = read_stored(raw)["BENIOKU.txt"].decode()
    printed = [shell(tmp_path / "a" / "paket", commands).stdout.strip() for _, commands in rest[:2]]
    for line in printed:
        assert line.partition("=")[2] in text


def _spoiled(name: str, change: bytes) -> bytes:
    members = read_stored(pack(exchange().content(), exchange().sign))
    assert change in members[name]
    members[name] = members[name].replace(change, bytes([change[0] ^ 1]) + change[1:], 1)
    return write_stored(list(members.items()))


@pytest.mark.parametrize(
    ("name", "change", "number", "word"),
    [
        ("orijinal.eml", b"Subject", "4", "FARKLI: orijinal.eml"),
        ("orijinal.eml", b"Subject", "5", "FARKLI: deliller/01-10-0.xml"),
        ("ozetler.sha256", b"mimetype", "4", "FARKLI: ozetler.sha256"),
        ("META-INF/ASiCManifest.xml", b"ileti.eml", "3", "failure"),
        ("deliller/02-40-1.xml", b"cagri", "6", "FAIL"),
        ("zincir/zd/02-40-1.bin", b"ds:SignatureValue", "7", "Verification: FAILED"),
        ("zincir/zd/02-40-1.bin", b"ds:SignatureValue", "8", "differ"),
    ],
)
def test_a_changed_member_is_found_by_its_step(
    name: str, change: bytes, number: str, word: str, tmp_path: Path
) -> None:
    rest = unpack(tmp_path / "a", _spoiled(name, change), realm().root.raw)
    assert word in said(tmp_path / "a", rest, number)


def test_a_member_that_nobody_lists_is_found(tmp_path: Path) -> None:
    members = read_stored(pack(exchange().content(), exchange().sign))
    raw = write_stored([*members.items(), ("deliller/04-61-1.xml", b"x")])
    rest = unpack(tmp_path / "a", raw, realm().root.raw)
    assert "deliller/04-61-1.xml" in said(tmp_path / "a", rest, "2")


def test_a_manifest_signed_by_a_person_is_found_by_the_pinned_line(tmp_path: Path) -> None:
    sound = read_stored(pack(exchange().content(), exchange().sign))
    sound["META-INF/signature.p7s"] = exchange().sign(sound["META-INF/ASiCManifest.xml"], realm().person)
    rest = unpack(tmp_path / "a", write_stored(list(sound.items())), realm().root.raw)
    assert "signer certificate not found" in said(tmp_path / "a", rest, "3")


def test_another_root_passes_no_step(tmp_path: Path) -> None:
    raw = pack(exchange().content(), exchange().sign)
    rest = unpack(tmp_path / "a", raw, realm("theirs").root.raw)
    assert "CAdES Verification successful" not in said(tmp_path / "a", rest, "3")
    assert "Verification: OK" not in said(tmp_path / "a", rest, "7")
    assert "CAdES Verification successful" not in said(tmp_path / "a", rest, "9")
