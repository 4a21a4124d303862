"""A workshop for whole exchanges: an original signed by a person, the KEP message around it, proofs, a bundle.

`Realm` is a certificate world that is good for decades, because openssl and xmlsec1 judge at the machine's own time;
what is signed in it is dated `NOW`. A second realm has the same names and other keys. Everything wrong is made by
handing in another signer, other facts or other parts, so that the right one stands beside it as the control.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509

from evidence import bundle, cades, xades, xml
from evidence.anchors import TrustAnchors
from evidence.envelope import DispatchHeaders, assemble_dispatch, build_dispatch_part
from evidence.facts import Authentication, EvidenceFacts, EvidenceKind, Issuer, Party
from evidence.revocation import Material
from evidence.tests import forge, forge_status
from evidence.tests.forge import NOW, Made
from evidence.tests.pki import Authority, Holder, LocalStamper
from evidence.tests.samples import REASONS
from guards.mime import Address
from mailbox.original import AttachmentContent, DraftContent, build_signed_part, wrap_signed

HS01 = Issuer("Örnek KEPHS A.Ş.", "urn:oid:2.16.792.9.9.9.1", "hs01", "hs01.kep.tr")
HS02 = Issuer("Öteki KEPHS A.Ş.", "urn:oid:2.16.792.9.9.9.2", "hs02", "hs02.kep.tr")
AYSE = Address("Ayşe Işık", "ayse.isik@hs01.kep.tr")
ALI = Address("Çağrı Öztürk", "cagri.ozturk@hs01.kep.tr")
FROM, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2065, 1, 1, tzinfo=UTC)


class Realm:
    """Root, authorities, işlem keys of two providers, a person, a time-stamp authority."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.root = self._make("Kök", [forge.constraints(True, 1), forge.CA_USAGE], None, "p384")
        self.islem_ca = self._authority("İşlem Makamı", forge.TRANSACTION)
        self.tsa_ca = self._authority("Zaman Damgası Makamı", forge.TIMESTAMP)
        self.eshs_ca = self._authority("ESHS", forge.PERSON)
        self.anchors = TrustAnchors((self.root.raw,))
        self.hs01 = self.islem("hs01.kep.tr")
        self.hs02 = self.islem("hs02.kep.tr")
        self.person = self._leaf("Ayşe Işık", forge.PERSON_EXTENSIONS, self.eshs_ca, "rsa2048", "12345678950")
        self.tsa = self._leaf("Damga", forge.STAMPER_EXTENSIONS, self.tsa_ca)
        self.responder = forge.responder(self.eshs_ca, label=f"realm {label}")

    def islem(self, domain: str, *, common_name: str = "", issuer: Made | None = None) -> Holder:
        """An işlem key for a provider's domain."""
        extensions = [
            forge.constraints(False),
            forge.LEAF_USAGE,
            forge.policies(forge.TRANSACTION),
            (x509.SubjectAlternativeName([x509.DNSName(domain)]), False),
        ]
        return self._leaf(common_name or f"{domain} işlem", extensions, issuer or self.islem_ca)

    def stamper(self, at: datetime = NOW, **others: Any) -> LocalStamper:
        """A stamper whose clock stands at `at`."""
        return LocalStamper(Authority(self.tsa, at=at, **others))

    def _make(
        self, common_name: str, extensions: Any, issuer: Made | None, kind: str = "p256", serial: str = ""
    ) -> Made:
        holder = forge.key(f"realm {self.label} {common_name}", kind)
        return forge.make(
            forge.name(common_name, serial), extensions, issuer=issuer, holder=holder, not_before=FROM, not_after=UNTIL
        )

    def _authority(self, common_name: str, policy: str) -> Made:
        extensions = [forge.constraints(True, 0), forge.CA_USAGE, forge.policies(policy)]
        return self._make(common_name, extensions, self.root)

    def _leaf(self, common_name: str, extensions: Any, issuer: Made, kind: str = "p256", serial: str = "") -> Holder:
        return Holder(self._make(common_name, extensions, issuer, kind, serial), (issuer.raw,))


_realm = cache(Realm)


def realm(label: str = "ours") -> Realm:
    """One realm per label for the whole run."""
    return _realm(label)


@dataclass(frozen=True)
class Exchange:
    """One message on its way from Ayşe to `recipients`, all of it genuine."""

    realm: Realm
    subject: str = "İhtarname: ĞÜŞİÖÇ ığüşöç"
    text: str = "Sayın ilgili,\nbilginize.\n"
    number: str = "01933f2ab7c07a30b3d8aa00bb11cc22"
    recipients: tuple[Address, ...] = (ALI,)
    attachment: bytes = b"%PDF-1.7 bir ek"
    signed_at: datetime = NOW

    @property
    def kep_id(self) -> str:
        return f"<{self.number}.kep@hs01.kep.tr>"

    @property
    def message_id(self) -> str:
        return f"<{self.number}@hs01.kep.tr>"

    def signed_part(self) -> bytes:
        return build_signed_part(
            DraftContent(
                from_=AYSE,
                to=self.recipients[:1],
                cc=self.recipients[1:],
                subject=self.subject,
                text=self.text,
                attachments=(AttachmentContent("ĞÜŞİÖÇ ığüşöç.pdf", "application/pdf", self.attachment),),
                date=self.signed_at,
                message_id=self.message_id,
            )
        )

    def original(self, signer: Holder | None = None, *, stamped: bool = True) -> bytes:
        """The finished original: the one of this exchange, or one that somebody else signed."""
        if signer is None and stamped:
            return _original(self)
        return self.signed_by(signer or self.realm.person, stamped=stamped)

    def signed_by(self, signer: Holder, *, stamped: bool = True) -> bytes:
        part = self.signed_part()
        return wrap_signed(part, self.persons_signature(part, signer, stamped=stamped))

    def persons_signature(self, part: bytes, signer: Holder, *, stamped: bool = True) -> bytes:
        attributes = cades.signed_attributes(signer.certificate, hashlib.sha256(part).digest(), self.signed_at)
        value = signer.sign(attributes)
        token = self.realm.stamper(self.signed_at).stamp(hashlib.sha256(value).digest()) if stamped else None
        return cades.assemble(
            signer.certificate, signer.chain, attributes, value, algorithm=signer.algorithm, token=token
        )

    def facts(self, kind: EvidenceKind, recipient_no: int = 0, **changes: Any) -> EvidenceFacts:
        issuer = HS01
        if kind.names_recipient and kind is not EvidenceKind.RELAY_FAILED:
            issuer = HS02 if self.recipients[recipient_no - 1].address.endswith("hs02.kep.tr") else HS01
        right = EvidenceFacts(
            evidence_id=f"ev-{self.number[:20]}{int(kind):02d}{recipient_no:02d}",
            kind=kind,
            reasons=REASONS.get(kind, ()),
            issuer=issuer,
            event_at=NOW + timedelta(seconds=int(kind)),
            submitted_at=NOW,
            sender=Party(AYSE.address, AYSE.name),
            sender_authentication=Authentication(NOW, "urn:oid:2.16.792.9.9.9.1.1"),
            recipient_authentication=None,
            recipients=tuple(Party(one.address, one.name) for one in self.recipients),
            recipient_no=recipient_no,
            subject=self.subject,
            original_message_id=self.message_id,
            kep_id=self.kep_id,
            original_digest=hashlib.sha256(self.original()).digest(),
        )
        return replace(right, **changes)

    def proof(
        self, kind: EvidenceKind, recipient_no: int = 0, signer: Holder | None = None, **changes: Any
    ) -> bundle.BundleProof:
        facts = self.facts(kind, recipient_no, **changes)
        holder = signer or {"hs01.kep.tr": self.realm.hs01, "hs02.kep.tr": self.realm.hs02}[facts.issuer.domain]
        stamper = self.realm.stamper(facts.event_at)
        sealed = xades.seal(xml.render(facts), holder, signing_time=facts.event_at, stamper=stamper)
        return bundle.BundleProof(int(kind), recipient_no, sealed)

    def headers(self, acceptance: bytes, **changes: Any) -> DispatchHeaders:
        right = DispatchHeaders(
            sender_address=AYSE.address,
            sender_name=AYSE.name,
            to=tuple((one.name, one.address) for one in self.recipients[:1]),
            cc=tuple((one.name, one.address) for one in self.recipients[1:]),
            subject=self.subject,
            kep_id=self.kep_id,
            original_message_id=self.message_id,
            date=NOW,
            evidence_id=xades.take_apart(acceptance).facts.evidence_id,
            evidence_kind=EvidenceKind.SUBMITTED,
            original_digest=hashlib.sha256(self.original()).digest(),
            kind="standart",
            provider="hs01.kep.tr",
        )
        return replace(right, **changes)

    def envelope(
        self,
        acceptance: bytes,
        signer: Holder | None = None,
        *,
        original: bytes | None = None,
        stamped: bool = True,
        **changes: Any,
    ) -> bytes:
        draft = build_dispatch_part(
            provider=HS01,
            introduction_text="Bu bir KEP iletisidir.\n",
            introduction_html="<p>Bu bir KEP iletisidir.</p>",
            original=original or self.original(),
            evidences=[("delil-10.xml", acceptance)],
            headers=self.headers(acceptance, **changes),
        )
        return assemble_dispatch(draft, self.sign(draft.signed_part, signer, stamped=stamped))

    def sign(self, octets: bytes, signer: Holder | None = None, *, stamped: bool = True) -> bytes:
        """The işlem key over these octets, as the sealing worker signs."""
        stamper = self.realm.stamper(NOW + timedelta(seconds=5)) if stamped else None
        return cades.sign_detached(
            hashlib.sha256(octets).digest(), signer or self.realm.hs01, signing_time=NOW, stamper=stamper
        )

    def proofs(self) -> tuple[bundle.BundleProof, ...]:
        """10, and 40 and 60 for each recipient."""
        rest = [
            self.proof(kind, number)
            for number in range(1, len(self.recipients) + 1)
            for kind in (EvidenceKind.DELIVERED, EvidenceKind.READ)
        ]
        return (self.proof(EvidenceKind.SUBMITTED), *rest)

    def content(self, **changes: Any) -> bundle.BundleContent:
        """What the provider packs, revocation data included."""
        proofs: Sequence[bundle.BundleProof] = changes.pop("proofs", None) or self.proofs()
        right = bundle.BundleContent(
            envelope=self.envelope(proofs[0].xml),
            original=self.original(),
            proofs=tuple(proofs),
            person_path=(self.realm.person.certificate, self.realm.eshs_ca.raw, self.realm.root.raw),
            materials=(Material(ocsp=self.answer()), Material()),
        )
        return replace(right, **changes)

    def answer(self, **others: Any) -> bytes:
        """An OCSP answer about the person, from the realm's responder."""
        given = {"leaf": self.realm.person.made, "issuer": self.realm.eshs_ca, "responder": self.realm.responder}
        return forge_status.answer(**{**given, **others})

    def pack(self, signer: Holder | None = None, **changes: Any) -> bytes:
        """The finished bundle, its manifest signed by `signer` or the işlem key."""
        return bundle.pack(self.content(**changes), lambda manifest: self.sign(manifest, signer))


@cache
def _original(given: Exchange) -> bytes:
    """Signed once: a second signature and time-stamp would be other bytes."""
    return given.signed_by(given.realm.person)


def exchange(label: str = "ours") -> Exchange:
    """The usual message of a realm."""
    return Exchange(realm(label))


@cache
def _packed(given: Exchange) -> bytes:
    return given.pack()


def packed(label: str = "ours") -> bytes:
    """The usual bundle of a realm, made once."""
    return _packed(exchange(label))
