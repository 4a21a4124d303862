"""Keys: opened once, seen to fit their certificate, refused where others could read them (V-090, A-008)."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pkcs11
import pytest
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from pkcs11.util.ec import decode_ec_private_key
from pkcs11.util.rsa import decode_rsa_private_key

from evidence import cades, xades, xml
from evidence.algorithms import KeyAlgorithm
from evidence.keys import FileKeystore, Pkcs11Keystore, Pkcs11Signer
from evidence.refusals import KeyRefused, KeyUnavailable
from evidence.tests import forge, judges
from evidence.tests.pki import KINDS, NOW, Holder, pki
from evidence.tests.samples import facts

OURS = pki()
DIGEST = hashlib.sha256(b"icerik").digest()
PIN = "1234-deneme"


def pem_key(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())


@dataclass
class Folder:
    """A key with its certificates on disk."""

    path: Path

    def lay(self, holder: Holder, *, key: PrivateKeyTypes | None = None, mode: int = 0o600) -> FileKeystore:
        (self.path / "islem.key").write_bytes(pem_key(key or holder.key))
        (self.path / "islem.key").chmod(mode)
        (self.path / "islem.pem").write_bytes(judges.pem(holder.certificate))
        (self.path / "islem-ca.pem").write_bytes(judges.pem(*holder.chain))
        return FileKeystore(self.path / "islem.key", self.path / "islem.pem", [self.path / "islem-ca.pem"])


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# --- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_file_signs_evidence_and_envelopes(kind: str, folder: Folder) -> None:
    signer = folder.lay(OURS.islem(kind)).open()
    assert (signer.certificate, signer.chain) == (OURS.islem(kind).certificate, (OURS.islem_ca.raw,))
    assert signer.algorithm is OURS.islem(kind).algorithm
    raw = xades.seal(xml.render(facts()), signer, signing_time=NOW, stamper=OURS.stamper())
    assert xades.take_apart(raw, anchors=OURS.anchors)
    signature = cades.sign_detached(DIGEST, signer, signing_time=NOW, stamper=None)
    assert cades.verify_emitted(signature, DIGEST, anchors=OURS.anchors)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_not_opened(mode: int, folder: Folder) -> None:
    with pytest.raises(KeyRefused, match="readable-by-others"):
        folder.lay(OURS.islem("p256"), mode=mode).open()


def test_a_key_of_another_certificate_is_found_at_opening(folder: Folder) -> None:
    with pytest.raises(KeyRefused, match="does-not-fit"):
        folder.lay(OURS.islem("p256"), key=OURS.person("p256").key).open()
    with pytest.raises(KeyRefused, match="does-not-fit"):
        folder.lay(OURS.islem("p256"), key=OURS.islem("rsa2048").key).open()


def test_a_key_too_weak_or_of_another_kind_is_not_opened(folder: Folder) -> None:
    for kind in ("rsa1024", "p384"):
        made = forge.make(forge.name(f"Zayıf {kind}"), [], issuer=OURS.islem_ca, holder=forge.key(kind, kind))
        with pytest.raises(KeyRefused, match="key-kind"):
            folder.lay(Holder(made, (OURS.islem_ca.raw,))).open()


def test_a_chain_that_does_not_lead_up_from_the_certificate_is_refused(folder: Folder) -> None:
    made = OURS.islem("p256").made
    with pytest.raises(KeyRefused, match="certificate-chain"):
        folder.lay(Holder(made, (OURS.eshs_ca.raw,))).open()
    with pytest.raises(KeyRefused, match="certificate-chain"):
        folder.lay(Holder(made, (pki("theirs").islem_ca.raw,))).open()


def test_a_chain_laid_out_of_order_is_refused(folder: Folder) -> None:
    between = forge.make(
        forge.name("Ara"), [forge.constraints(True), forge.CA_USAGE], issuer=OURS.islem_ca, holder=forge.key("ara")
    )
    made = forge.make(forge.name("hs01"), [], issuer=between, holder=forge.key("uc"))
    assert folder.lay(Holder(made, (between.raw, OURS.islem_ca.raw))).open().chain == (between.raw, OURS.islem_ca.raw)
    with pytest.raises(KeyRefused, match="certificate-order"):
        folder.lay(Holder(made, (OURS.islem_ca.raw, between.raw))).open()


def test_a_root_in_the_chain_file_is_left_out(folder: Folder) -> None:
    signer = folder.lay(Holder(OURS.islem("p256").made, (OURS.islem_ca.raw, OURS.root.raw))).open()
    assert signer.chain == (OURS.islem_ca.raw,)


def test_missing_and_broken_files_are_told_apart(folder: Folder) -> None:
    store = folder.lay(OURS.islem("p256"))
    store.key_path.write_bytes(b"-----BEGIN PRIVATE KEY-----\nbozuk\n-----END PRIVATE KEY-----\n")
    with pytest.raises(KeyRefused, match="key-file"):
        store.open()
    store.key_path.unlink()
    with pytest.raises(KeyUnavailable, match="key-file") as away:
        store.open()
    assert away.value.temporary
    store.certificate_path.write_bytes(b"bozuk")
    with pytest.raises(KeyRefused, match="certificate-file"):
        store.open()
    store.certificate_path.unlink()
    with pytest.raises(KeyUnavailable, match="certificate-file"):
        store.open()


def test_neither_key_nor_pin_is_shown_when_a_keystore_or_signer_is_printed(folder: Folder) -> None:
    assert "_key" not in repr(folder.lay(OURS.islem("p256")).open())
    assert PIN not in repr(Pkcs11Keystore(Path("m"), "t", "k", PIN, Path("c")))


# --- tokens -------------------------------------------------------------------------------------------------------

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A SoftHSM of this test alone, with one token that holds an RSA and a P-256 key."""
    found = next((Path(one) for one in MODULES if Path(one).exists()), None)
    if found is None:
        pytest.skip("not installed: softhsm2")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    judges.accepts("softhsm2-util", "--init-token", "--free", "--label", "kep", "--so-pin", "5678-deneme", "--pin", PIN)
    library = pkcs11.lib(str(found))
    library.reinitialize()
    with library.get_token(token_label="kep").open(rw=True, user_pin=PIN) as session:
        for kind in KINDS:
            key = OURS.islem(kind).key
            raw = key.private_bytes(
                s.Encoding.DER,
                s.PrivateFormat.TraditionalOpenSSL,
                s.NoEncryption(),
            )
            attributes = (
                decode_rsa_private_key(raw) if isinstance(key, rsa.RSAPrivateKey) else decode_ec_private_key(raw)
            )
            session.create_object(
                attributes | {pkcs11.Attribute.LABEL: f"islem-{kind}", pkcs11.Attribute.TOKEN: True,
                              pkcs11.Attribute.PRIVATE: True}
            )  # fmt: skip
    yield found
    library.finalize()


def token_store(module: Path, folder: Folder, kind: str, **changes: str) -> Pkcs11Keystore:
    files = folder.lay(OURS.islem(kind))
    named = {"token_label": "kep", "key_label": f"islem-{kind}", "pin": PIN} | changes
    return Pkcs11Keystore(module, certificate_path=files.certificate_path, chain_paths=files.chain_paths, **named)


@pytest.mark.needs("softhsm2")
@pytest.mark.parametrize("kind", KINDS)
def test_a_token_signs_what_a_file_would_sign(kind: str, module: Path, folder: Folder) -> None:
    """The key object is the only difference: RSA gives the very same bytes."""
    signer = token_store(module, folder, kind).open()
    raw = xades.seal(xml.render(facts()), signer, signing_time=NOW, stamper=OURS.stamper())
    assert xades.take_apart(raw, anchors=OURS.anchors).signing_certificate == OURS.islem(kind).certificate
    signature = cades.sign_detached(DIGEST, signer, signing_time=NOW, stamper=OURS.stamper())
    assert cades.verify_emitted(signature, DIGEST, anchors=OURS.anchors)
    if signer.algorithm is KeyAlgorithm.RSA_SHA256:
        assert signer.sign(b"ayni") == OURS.islem(kind).sign(b"ayni")


@pytest.mark.needs("softhsm2")
def test_two_keys_of_one_token_are_open_at_once_although_the_login_is_one(module: Path, folder: Folder) -> None:
    signers = [token_store(module, folder, kind).open() for kind in KINDS]
    for signer in (*signers, *signers):
        assert cades.verify_emitted(cades.sign_detached(DIGEST, signer, signing_time=NOW, stamper=None), DIGEST)


@pytest.mark.needs("softhsm2")
def test_threads_take_turns_at_a_token(module: Path, folder: Folder) -> None:
    signer = token_store(module, folder, "p256").open()
    made: list[bytes] = []

    def work() -> None:
        made.extend(cades.sign_detached(DIGEST, signer, signing_time=NOW, stamper=None) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 80
    assert all(cades.verify_emitted(one, DIGEST) for one in made)


@pytest.mark.needs("softhsm2")
@pytest.mark.parametrize(
    ("changes", "refused", "reason"),
    [
        ({"pin": "0000"}, KeyRefused, "pin"),
        ({"pin": ""}, KeyRefused, "pin"),
        ({"token_label": "baska"}, KeyUnavailable, "token-not-found"),
        ({"key_label": "baska"}, KeyUnavailable, "key-not-found"),
        ({"key_label": "islem-rsa2048"}, KeyUnavailable, "token-did-not-sign"),
    ],
)
def test_a_token_that_does_not_open_says_why(
    changes: dict[str, str], refused: type[Exception], reason: str, module: Path, folder: Folder
) -> None:
    with pytest.raises(refused, match=reason) as shown:
        token_store(module, folder, "p256", **changes).open()
    assert PIN not in str(shown.value)


@pytest.mark.needs("softhsm2")
def test_a_closed_session_is_an_outage_and_no_crash(module: Path, folder: Folder) -> None:
    signer = token_store(module, folder, "p256").open()
    assert isinstance(signer, Pkcs11Signer)
    signer.close()
    with pytest.raises(KeyUnavailable, match="did-not-sign"):
        signer.sign(b"octets")


def test_a_module_that_is_not_there_is_an_outage(folder: Folder) -> None:
    with pytest.raises(KeyUnavailable, match="module"):
        token_store(folder.path / "yok.so", folder, "p256").open()
