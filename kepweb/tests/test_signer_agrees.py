"""The desktop signer and the provider are two programs that must agree byte for byte, and share no line of code.

The same attributes from both writers; every message that the mailbox can build is one that the signer can show; and
one hand-over between the real program and the real views, judged by openssl. So it is for requests that are no message.
"""

import hashlib
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
from django.conf import LazySettings
from hypothesis import strategies as st

from demo import pki
from demo.pki_profiles import Fault
from evidence import cades, outside
from guards.mime_addresses import Address
from mailbox.original import AttachmentContent, DraftContent, OriginalRefused, build_signed_part, wrap_signed
from signer import attributes, message, request
from signer.errors import OperationOver, ServerRefused, TypedRequest
from signer.pin import Pin
from signer.session import Session, Stage
from signer.wallet import open_wallet
from signing import integrity, operations, requests
from signing.models import SigningOperation
from signing.tests import handover

TCKN, OTHER_TCKN = "10000000146", "12345678950"
PIN = "4826"
SENDER = Address("Ayşe Yıldız", "ayse@hs01.kep.tr")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo PKI with key files of two people."""
    directory = tmp_path_factory.mktemp("agree")
    pki.ensure(directory)
    pki.issue_person(directory, "ayse", "Ayşe Yıldız", TCKN, PIN, key="rsa2048")
    pki.issue_person(directory, "ayse-p256", "Ayşe Yıldız", TCKN, PIN, key="p256")
    pki.issue_person(directory, "ali", "Ali Veli", OTHER_TCKN, PIN, key="p256")
    return directory / "pki"


@pytest.fixture
def trusted(world: Path, settings: LazySettings) -> Any:
    settings.KEP_TRUST_ROOTS = world / "root.pem"
    settings.KEP_INTERMEDIATES = [world / "eshs-ca.pem"]
    settings.KEP_SIGNED_BELL = "signing.tests.handover.ring"
    outside.anchors.cache_clear()
    outside.intermediates.cache_clear()
    yield settings
    outside.anchors.cache_clear()
    outside.intermediates.cache_clear()


MOMENTS = [
    datetime(2026, 11, 24, 8, tzinfo=UTC),
    datetime(2049, 12, 31, 23, tzinfo=UTC),
    datetime(2050, 1, 1, tzinfo=UTC),
]


@pytest.mark.parametrize("key", ["rsa2048", "rsa3072", "p256"])
@pytest.mark.parametrize("faults", [frozenset(), frozenset({Fault.TCKN_PREFIXED})])
@pytest.mark.parametrize("at", MOMENTS)
def test_both_write_the_same_attributes(world: Path, key: str, faults: frozenset[Fault], at: datetime) -> None:
    issued = pki.issue(world.parent, "person", name="Ğükhan Şırşır", tckn=TCKN, key=key, faults=faults)
    digest = hashlib.sha256(key.encode()).digest()

    ours = attributes.signed_attributes(issued.der, digest, at)

    assert ours == cades.signed_attributes(issued.der, digest, at)


def draft(**changes: Any) -> DraftContent:
    """A message as the mailbox builds it."""
    fields: dict[str, Any] = {
        "from_": SENDER,
        "to": (Address("Güneş Lojistik A.Ş.", "gunes@hs01.kep.tr"),),
        "cc": (),
        "subject": "Depo teslim tutanağı",
        "text": "Sayın yetkili,\nekte sunulmuştur.\n",
        "attachments": (),
        "date": datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
        "message_id": f"<{uuid4().hex}@hs01.kep.tr>",
    }
    return DraftContent(**(fields | changes))


ODD_NAMES = ["boş.txt", 'tırnak"lı.pdf', "ters\\bölü;noktalı=virgül.pdf", "100%.pdf", "kesme'li.pdf", "a" * 90 + ".pdf"]
MANY = tuple(Address(f"Çok Uzun Adlı Şirket {n}, A.Ş. (Merkez)", f"sirket{n}@hs02.kep.tr") for n in range(60))
FEW = (Address("", "bilgi@hs01.kep.tr"), Address("ali veli", "ali.veli@hs01.kep.tr"))
ODD_FILES = tuple(AttachmentContent(name, "application/pdf", b"x" * size) for size, name in enumerate(ODD_NAMES))
LARGE = AttachmentContent("büyük.bin", "application/octet-stream", bytes(9_000_000))
DRAFTS = [
    pytest.param({}, id="plain"),
    pytest.param({"subject": "Ğ" * 200}, id="long Turkish subject"),
    pytest.param({"subject": "Fatura =?utf-8?b?x?= no: 5 (yeni) <a@b>"}, id="subject that looks like something else"),
    pytest.param({"subject": "  boşluklu   konu  "}, id="blanks"),
    pytest.param({"to": MANY, "cc": FEW}, id="many recipients with commas"),
    pytest.param({"attachments": ODD_FILES}, id="odd file names"),
    pytest.param({"text": ""}, id="empty text"),
    pytest.param({"text": "satır\n" * 5_000}, id="long text"),
    pytest.param({"attachments": (LARGE,)}, id="large"),
]


@pytest.mark.parametrize("changes", DRAFTS)
def test_whatever_the_mailbox_builds_the_signer_can_show(changes: dict[str, Any]) -> None:
    content = draft(**changes)

    assert_shown(content, message.read(build_signed_part(content)))
    assert content.text[: message.TEXT_SHOWN] == message.read(build_signed_part(content)).text


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(subject=st.text(max_size=120), name=st.text(max_size=80), filename=st.text(max_size=120))
def test_so_it_is_for_any_words_that_the_mailbox_takes(subject: str, name: str, filename: str) -> None:
    content = draft(
        subject=subject,
        to=(Address(name, "gunes@hs01.kep.tr"),),
        attachments=(AttachmentContent(filename, "application/pdf", b"x"),),
    )
    try:
        signed_part = build_signed_part(content)
    except OriginalRefused:
        return
    assert_shown(content, message.read(signed_part))


def assert_shown(content: DraftContent, shown: message.Shown) -> None:
    """Nothing is left out, added or read otherwise; blanks at the ends and in rows do not count."""

    def people(addresses: Sequence[Address | message.Person]) -> list[tuple[str, str]]:
        return [(" ".join(each.name.split()), each.address) for each in addresses]

    assert people((content.from_,)) == people((shown.sender,))
    assert people(content.to) == people(shown.to)
    assert people(content.cc) == people(shown.cc)
    assert shown.subject.split() == content.subject.split()
    files = [(" ".join(each.filename.split()), len(each.raw)) for each in content.attachments]
    assert [(" ".join(each.name.split()), each.size) for each in shown.files] == files


def ask(signed_part: bytes) -> operations.Asked:
    """The mailbox's side, without a mailbox."""
    return operations.ask(
        purpose="message",
        person=uuid4(),
        tckn=TCKN,
        acting_for=f"{SENDER.name} <{SENDER.address}>",
        reference=uuid4().hex,
        reference_version="1",
        content=signed_part,
        content_type="multipart/mixed",
        now=datetime.now(UTC),
    )


@pytest.fixture
def program(live_server: Any, trusted: Any, world: Path) -> Callable[[str], Session]:
    """Start the program with one person's key file against the running server."""
    trusted.KEP_WEB_ORIGIN = live_server.url

    def start(slug: str) -> Session:
        wallet = open_wallet(files=[world / "people" / f"{slug}.p12"], folders=[], modules=[])
        return Session(wallet, allowed=[live_server.url])

    return start


@pytest.mark.loopback
@pytest.mark.needs("openssl")
@pytest.mark.parametrize("slug", ["ayse", "ayse-p256"])
@pytest.mark.django_db(transaction=True)
def test_one_hand_over_ends_in_a_signature_that_openssl_accepts(
    program: Callable[[str], Session], live_server: Any, world: Path, tmp_path: Path, slug: str
) -> None:
    signed_part = build_signed_part(draft(attachments=(AttachmentContent("ek.pdf", "application/pdf", b"%PDF"),)))
    asked = ask(signed_part)
    session = program(slug)

    claimed = session.open(asked.code, origin=live_server.url)
    assert claimed.comparison.replace("-", "") == asked.operation.comparison
    session.choose(session.certificates[0].id)
    session.sign(Pin(bytearray(PIN.encode())))

    operation = SigningOperation.objects.get(pk=asked.operation.pk)
    assert (session.stage, operation.state) == (Stage.SIGNED, "SIGNED")
    (tmp_path / "orijinal.eml").write_bytes(wrap_signed(signed_part, bytes(operation.cms)))
    verify = ["openssl", "cms", "-verify", "-cades", "-in", tmp_path / "orijinal.eml", "-CAfile", world / "root.pem"]
    judged = subprocess.run([*verify, "-out", tmp_path / "out"], capture_output=True, timeout=60, check=False)
    assert judged.returncode == 0, judged.stderr.decode()
    assert (tmp_path / "out").read_bytes() == signed_part


@pytest.mark.loopback
@pytest.mark.django_db(transaction=True)
def test_somebody_elses_card_sees_no_document(program: Callable[[str], Session], live_server: Any) -> None:
    session = program("ali")
    session.open(ask(build_signed_part(draft())).code, origin=live_server.url)

    with pytest.raises(ServerRefused) as refused:
        session.choose(session.certificates[0].id)

    assert "başka bir kişiye ait" in refused.value.for_person()
    assert session.prepared is None


@pytest.mark.loopback
@pytest.mark.django_db(transaction=True)
def test_a_cancel_on_either_side_ends_the_other(program: Callable[[str], Session], live_server: Any) -> None:
    first = ask(build_signed_part(draft()))
    session = program("ayse")
    session.open(first.code, origin=live_server.url)
    session.cancel()
    first.operation.refresh_from_db()
    assert (first.operation.state, first.operation.refusal_code) == ("CANCELLED", "")

    second = ask(build_signed_part(draft()))
    session.open(second.code, origin=live_server.url)
    session.choose(session.certificates[0].id)
    operations.cancel(second.operation.pk, person=second.operation.person, now=datetime.now(UTC))
    with pytest.raises(OperationOver):
        session.sign(Pin(bytearray(PIN.encode())))
    assert session.stage is Stage.EXPIRED


def ask_request(purpose: str, text: str = "") -> operations.Asked:
    """The asking side of a request, without a browser."""
    asked = requests.new_request(purpose, now=datetime.now(UTC), text=text)
    return operations.ask_request(
        asked, tckn=TCKN, acting_for="Örnek KEP, giriş", reference=uuid4().hex, now=datetime.now(UTC)
    )


@pytest.mark.parametrize("purpose", sorted(requests.PURPOSES))
@pytest.mark.parametrize(
    "text", ['Başvuru\nAd: Ğükhan Şırşır "A\\B" <x> \u2028 \U0001f4ee', "x" * requests.LONGEST_TEXT]
)
def test_whatever_request_we_write_the_signer_reads(purpose: str, text: str, settings: LazySettings) -> None:
    asked = requests.new_request(purpose, now=datetime.now(UTC), text=text if purpose == requests.APPLICATION else "")
    assert (request.FORM, request.LONGEST_TEXT) == (requests.FORM, requests.LONGEST_TEXT)
    assert dict(request.CONTENT_TYPES) == dict(requests.CONTENT_TYPES)

    shown = request.read(asked.octets(), purpose=purpose, origin=settings.KEP_WEB_ORIGIN)

    assert (shown.asked_at, shown.expires_at) == (asked.asked_at, asked.expires_at)
    assert shown.text == message.spelled_out(asked.text)
    assert requests.read_request(asked.octets()) == asked


@pytest.mark.loopback
@pytest.mark.parametrize("slug", ["ayse", "ayse-p256"])
@pytest.mark.django_db(transaction=True)
def test_a_request_comes_back_with_the_token_that_only_its_signer_gets(
    program: Callable[[str], Session], live_server: Any, slug: str
) -> None:
    asked = ask_request(requests.SIGN_IN)
    session = program(slug)
    with pytest.raises(TypedRequest):
        session.open(asked.code, origin=live_server.url)
    session.open(asked.code, origin=live_server.url, by_link=True)
    session.choose(session.certificates[0].id)
    session.sign(Pin(bytearray(PIN.encode())))

    returned = session.return_address.removeprefix(f"{live_server.url}/giris/imza/#")
    now = datetime.now(UTC)
    assert operations.returned(asked.operation.pk, requests.SIGN_IN, returned, now=now) is not None
    assert operations.returned(asked.operation.pk, requests.STEP_UP, returned, now=now) is None
    assert operations.returned(asked.operation.pk, requests.SIGN_IN, "f" * 64, now=now) is None
    assert handover.rung == [], "no worker is rung for a request"
    assert SigningOperation.objects.get(pk=asked.operation.pk).due_at is None
    assert list(integrity.findings(now + timedelta(hours=1))) == []
