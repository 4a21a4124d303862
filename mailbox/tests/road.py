"""The road of a message in tests: the cast of two, a real e-imza, and workers that turn when they are told.

Everything is the product's own: the demo PKI answers over HTTP, the signer's attributes are signed with the key
of a .p12, and `turn` calls the very sweeps the workers call, with a clock that the test holds.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from django.conf import settings
from django.utils.module_loading import import_string

from accounts.access import Acting, account_for
from accounts.models import KepAccount, Person
from accounts.tests.cast import make_account, make_person
from accounts.visit import SIGN_IN_BY_SMS, Visit
from demo import pki
from evidence import cades
from mailbox import compose
from mailbox.models import BoxItem, Draft, Message
from mailbox.reading import Reader
from signing import operations
from signing.models import SigningOperation

PIN = "4801"


@dataclass
class Clock:
    """The clock of one test; it stands still until it is moved."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def move(self, **by: float) -> datetime:
        """Forward by a timedelta's keywords; the new moment."""
        self.now += timedelta(**by)
        return self.now


@dataclass(frozen=True)
class EImza:
    """A person's qualified certificate with its key."""

    certificate: bytes
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    @classmethod
    def of(cls, path: Path, pin: str = PIN) -> "EImza":
        """Open a .p12."""
        key, certificate, _ = pkcs12.load_key_and_certificates(path.read_bytes(), pin.encode())
        assert certificate is not None
        assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        return cls(certificate.public_bytes(Encoding.DER), key)

    def sign(self, octets: bytes) -> bytes:
        """What the card answers."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(octets, ec.ECDSA(hashes.SHA256()))


class Road:
    """Two people who write to each other, over a provider whose workers turn on command."""

    def __init__(self, pki_directory: Path, clock: Clock, **faults: bool) -> None:
        self.clock = clock
        self.pki_directory = pki_directory
        self.ayse = make_person("Ayşe", "Yıldız")
        self.mehmet = make_person("Mehmet", "Kaya")
        self.ayses = make_account("ayse.yildiz@hs01.kep.tr", holder=self.ayse)
        self.mehmets = make_account("mehmet.kaya@hs01.kep.tr", holder=self.mehmet, mode=KepAccount.Mode.RECEIVE_ONLY)
        self.ayses_imza = self.e_imza(self.ayse, **faults)

    def e_imza(self, person: Person, **faults: bool) -> EImza:
        """A certificate for this person, with faults if asked."""
        slug = f"{person.pk.hex[:12]}-{'-'.join(sorted(faults)) or 'ok'}".replace("_", "-")
        return EImza.of(pki.issue_person(self.pki_directory, slug, person.full_name, person.tckn, PIN, **faults))

    def acting(self, person: Person | None = None, account: KepAccount | None = None) -> Acting:
        """The person acting for the account now; Ayşe for her own by default."""
        return account_for(person or self.ayse, (account or self.ayses).public_id, now=self.clock.now)

    def visit(self) -> Visit:
        """A visit opened a minute ago."""
        opened = self.clock.now - timedelta(minutes=1)
        return Visit(opened, opened, SIGN_IN_BY_SMS)

    def draft(self, *, to: str = "mehmet.kaya@hs01.kep.tr", cc: str = "", subject: str = "Kira sözleşmesi İĞÜŞÖÇ",
              text: str = "Sayın Kaya,\n\nEkte.\n", files: tuple[compose.FileGiven, ...] = ()) -> Draft:  # fmt: skip
        """A written draft of Ayşe's."""
        draft = compose.new_draft(self.acting(), now=self.clock.now)
        compose.save_draft(
            draft,
            to=[each for each in to.split(",") if each],
            cc=[each for each in cc.split(",") if each],
            subject=subject,
            text=text,
            now=self.clock.now,
        )
        return compose.attach(draft, files, now=self.clock.now)

    def sign(self, draft: Draft, imza: EImza | None = None, *, person: Person | None = None) -> SigningOperation:
        """Ask, claim, offer, download, sign, complete: as page and signer do it."""
        acting = self.acting(person, draft.account)
        asked = compose.ask_signature(draft, acting=acting, visit=self.visit(), now=self.clock.now)
        return self.answer(asked.code, imza or self.ayses_imza)

    def answer(self, code: str, imza: EImza) -> SigningOperation:
        """The signer's half of the hand-over."""
        claimed = operations.claim(code, client="127.0.0.1", now=self.clock.now)
        offered = operations.offer_certificate(claimed.token, imza.certificate, [], now=self.clock.now)
        content = operations.document(claimed.token, now=self.clock.now)
        octets = cades.signed_attributes(imza.certificate, hashlib.sha256(content).digest(), offered.signing_time)
        return operations.complete(claimed.token, imza.sign(octets), now=self.clock.now)

    def turn(self, queue: str | None = None) -> int:
        """All sweeps of one queue, or of both, until nothing moves; the rows moved."""
        queues = [queue] if queue else list(settings.KEP_SWEEPS)
        moved = 0
        while True:
            now_moved = sum(
                import_string(path)(self.clock.now)
                for name in queues
                for path in settings.KEP_SWEEPS[name]
                if path.startswith("mailbox.")
            )
            if not now_moved:
                return moved
            moved += now_moved

    def send(self, **draft: object) -> Message:
        """A message from draft to box."""
        operation = self.sign(self.draft(**draft))  # type: ignore[arg-type]
        self.turn()
        return Message.objects.get(operation=operation.pk)

    def arrived(self, message: Message, account: KepAccount | None = None) -> BoxItem:
        """The item in the recipient's box."""
        return BoxItem.objects.select_related("message", "recipient", "account").get(
            message=message, account=account or self.mehmets, folder=BoxItem.Folder.INBOX
        )

    def reader(self, person: Person | None = None, account: KepAccount | None = None) -> Reader:
        """Mehmet reading his own mail, or somebody else."""
        return Reader(
            self.acting(person or self.mehmet, account or self.mehmets),
            self.clock.now - timedelta(minutes=1),
            SIGN_IN_BY_SMS,
        )
