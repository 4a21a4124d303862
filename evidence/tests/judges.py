"""Programs and libraries that did not write our signatures, asked for their opinion at the moment `NOW`.

Each function raises AssertionError with the judge's own words when it says no. All are told a root, never the machine's
own store, and xmlsec1 is always held to X.509 keys: without that switch it accepts a bare key (measured.md).
"""

import asyncio
import subprocess
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import x509 as asn1_x509
from lxml import etree
from pyhanko.sign.general import load_certs_from_pemder_data
from pyhanko.sign.validation import async_validate_detached_cms
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

SCHEMAS = Path(__file__).parents[3] / "shared" / "schemas" / "etsi-02640"
needs_schemas = pytest.mark.skipif(
    not SCHEMAS.is_dir(), reason="only on a machine that has the ETSI schemas beside the project"
)


def pem(*certificates: bytes) -> bytes:
    """The certificates in PEM."""
    lines = []
    for raw in certificates:
        text = b64encode(raw).decode("ascii")
        body = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
        lines.append(f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    return "".join(lines).encode()


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A judge's run, whatever it says."""
    return subprocess.run([str(one) for one in arguments], capture_output=True, text=True, check=False, timeout=30)


def accepts(*arguments: str | Path) -> None:
    """The judge must say yes."""
    said = run(*arguments)
    assert said.returncode == 0, said.stderr + said.stdout


def openssl_cms(folder: Path, signature: bytes, content: bytes, root: bytes, *, at: datetime) -> list[str | Path]:
    """The line that has openssl check a detached CAdES signature."""
    (folder / "signature.p7s").write_bytes(signature)
    (folder / "content").write_bytes(content)
    (folder / "root.pem").write_bytes(pem(root))
    return [
        "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", folder / "signature.p7s",
        "-content", folder / "content", "-CAfile", folder / "root.pem", "-no-CApath", "-no-CAstore",
        "-attime", str(int(at.timestamp())), "-out", folder / "out",
    ]  # fmt: skip


def openssl_ts(folder: Path, token: bytes, content: bytes, root: bytes, *, at: datetime) -> list[str | Path]:
    """The line that has openssl check a bare token over content."""
    (folder / "token.tst").write_bytes(token)
    (folder / "content").write_bytes(content)
    (folder / "root.pem").write_bytes(pem(root))
    return [
        "openssl", "ts", "-verify", "-token_in", "-in", folder / "token.tst", "-data", folder / "content",
        "-CAfile", folder / "root.pem", "-attime", str(int(at.timestamp())),
    ]  # fmt: skip


def xmlsec1(folder: Path, sealed: bytes, root: bytes, *, at: datetime) -> list[str | Path]:
    """The line that has xmlsec1 check a sealed evidence."""
    (folder / "evidence.xml").write_bytes(sealed)
    (folder / "root.pem").write_bytes(pem(root))
    return [
        "xmlsec1", "--verify", "--enabled-key-data", "x509", "--trusted-pem", folder / "root.pem",
        "--verification-gmt-time", f"{at:%Y-%m-%d %H:%M:%S}", "--id-attr:Id", "SignedProperties",
        folder / "evidence.xml",
    ]  # fmt: skip


@cache
def schema() -> etree.XMLSchema:
    """The schema of TS 102 640-2 with XAdES."""
    return etree.XMLSchema(etree.parse(SCHEMAS / "TS102640_v2.xsd"))


def pyhanko_accepts(
    signature: bytes,
    content: bytes,
    root: bytes,
    *,
    at: datetime,
    usage: str,
    stamp: bool,
    others: Sequence[bytes] = (),
) -> None:
    """pyHanko's bottom line on signature, path and time-stamp must be good, with no network."""
    roots = list(load_certs_from_pemder_data(pem(root)))
    context = ValidationContext(
        trust_roots=roots,
        other_certs=[asn1_x509.Certificate.load(raw) for raw in others],
        moment=at,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    info = asn1_cms.ContentInfo.load(signature)
    status = asyncio.run(
        async_validate_detached_cms(
            input_data=content,
            signed_data=info["content"],
            signer_validation_context=context,
            ts_validation_context=context,
            key_usage_settings=KeyUsageConstraints(key_usage={usage}),
        )
    )
    assert status.intact, status
    assert status.valid, status
    assert status.trusted, status
    if stamp:
        assert status.timestamp_validity is not None
        assert status.timestamp_validity.intact, status.timestamp_validity
        assert status.timestamp_validity.valid, status.timestamp_validity
        assert status.timestamp_validity.trusted, status.timestamp_validity
    assert status.bottom_line, status
