"""Checking a whole proof bundle: every part by itself, and that the parts belong together.

A part may be genuine and still not belong here: a true proof of another message, a true envelope of another original,
a set from which the uncomfortable proof was taken away. The manifest's signature binds the set, so that nobody but the
provider can leave a member out; what is asked here beyond it is what even the provider may not do: a reading without a
delivery, two outcomes for one recipient, a proof about another subject, another sender or another digest.
No Django, no network.
"""

import hashlib
import itertools
from collections.abc import Sequence

from evidence import bundle as bundles
from evidence import cades
from evidence.anchors import Verdict
from evidence.bundle import Bundle, ProofMember, carried_by, open_bundle
from evidence.checks import (
    CLOCK_SKEW,
    Findings,
    OriginalFacts,
    Trust,
    check_envelope,
    check_original,
    check_proof,
    check_provider_signature,
    proof_name,
)
from evidence.containers import MANIFEST, SIGNATURE, BundleRefused, digest_list
from evidence.der import DerRefused
from evidence.envelope import Dispatch
from evidence.facts import EvidenceKind as Kind
from evidence.refusals import CmsRefused
from evidence.revocation import check_revocation
from evidence.xades import SealedParts

SET = "Delil takımı"
_FOR_SET = "deliller"


def check_bundle(raw: bytes, trust: Trust, found: Findings) -> None:
    """Everything about one `.kepdelil`."""
    try:
        bundle = open_bundle(raw)
    except BundleRefused as refusal:
        found.add("Paket", Verdict.INVALID, f"Paketin yapısı bozuk ({refusal.reason}).", refusal.member)
        return
    _ask_digests(bundle, found)
    shipped = tuple(one for name in bundle.members if name.endswith(".pem") for one in bundle.certificates(name))
    trust = Trust(trust.anchors, trust.now, tuple(dict.fromkeys((*trust.pool, *shipped))))
    envelope = check_envelope(bundle.members[bundles.ENVELOPE], trust, found, where=bundles.ENVELOPE)
    domain = envelope.headers.provider if envelope else ""
    signature = check_provider_signature(
        bundle.signature, bundle.manifest, trust, found, name="Paket imzası", domain=domain, where=SIGNATURE
    )
    if signature is None and _manifest_changed(bundle):
        found.add("Paket", Verdict.INVALID, "Üye listesi imzadan sonra değişmiş.", MANIFEST)
    if signature is not None:
        missing = [one for one in carried_by(signature) if one not in shipped]
        wrong = "İmzanın taşıdığı bir sertifika paketteki sertifikalar arasında yok."
        found.ask("Paket imzası: sertifikalar", not missing, "Paketteki sertifikalarla aynı.", wrong, SIGNATURE)
    proofs = [
        (member, parts)
        for member in bundle.proofs
        if (parts := check_proof(member.xml, trust, found, where=member.member)) is not None
    ]
    original = check_original(bundle.members[bundles.ORIGINAL], trust, found, where=bundles.ORIGINAL)
    if original is not None:
        _ask_revocation(bundle, original, trust, found)
    _ask_helpers(bundle, proofs, found)
    if envelope is not None and original is not None:
        _ask_envelope(bundle, envelope, original, found)
        _ask_belonging(bundle, envelope, original, proofs, found)
    if len(proofs) == len(bundle.proofs):
        _ask_set(proofs, found)


def _manifest_changed(bundle: Bundle) -> bool:
    """Whether the signature, as far as it can be read, is over another list."""
    try:
        return cades.read(bundle.signature).message_digest != hashlib.sha256(bundle.manifest).digest()
    except (CmsRefused, DerRefused):
        return False


def _ask_digests(bundle: Bundle, found: Findings) -> None:
    for member in bundle.changed:
        found.add("Paket", Verdict.INVALID, "Üye değişmiş: özeti listedekiyle aynı değil.", member)
    if not bundle.changed:
        found.add("Paket", Verdict.VALID, f"{len(bundle.members)} üye, hepsi listedeki gibi.", MANIFEST)


def _ask_helpers(bundle: Bundle, proofs: Sequence[tuple[ProofMember, SealedParts]], found: Findings) -> None:
    """The files for openssl and sha256sum must say what the proofs and members say."""
    listed = [(name, raw) for name, raw in bundle.members.items() if name not in (MANIFEST, SIGNATURE, bundles.DIGESTS)]
    if bundle.members[bundles.DIGESTS] != digest_list(listed):
        found.add("Paket: özetler", Verdict.INVALID, "Özet dosyası üyelerle aynı değil.", bundles.DIGESTS)
    for member, parts in proofs:
        for kind, raw in (("bin", parts.signature_value_element), ("tst", parts.token)):
            name = f"zincir/zd/{member.stem}.{kind}"
            if bundle.members[name] != raw:
                found.add("Paket: damga dosyası", Verdict.INVALID, "Delildeki damgayla aynı değil.", name)


def _ask_revocation(bundle: Bundle, original: OriginalFacts, trust: Trust, found: Findings) -> None:
    """The shipped answers about the sender's certificate and those above it, at the moment its stamp proves."""
    at = original.proven_at or trust.now
    asked = False
    for position in range(len(original.path) - 1):
        material = bundle.material(position)
        if material.ocsp is None and material.crl is None:
            continue
        asked = True
        report = check_revocation(
            original.path[position],
            original.path[position + 1],
            at=at,
            ocsp=material.ocsp,
            crl=material.crl,
            anchors=trust.anchors,
            now=trust.now,
            recorded=True,
        )
        name = "Göndericinin imzası: iptal durumu"
        said = " ".join(reason.text_tr for reason in report.findings) or "Sertifika o anda iptal edilmemişti."
        where = "zincir/kisi" if position == 0 else f"zincir/ara-{position}"
        found.add(name, report.verdict, said, where)
        if report.verdict is Verdict.VALID and report.revoked_at is not None:
            found.notes.append(f"{where}: sertifika imzadan sonra iptal edilmiş.")
    if not asked:
        found.notes.append("Pakette göndericinin sertifikası için iptal bilgisi yok; kabul anında denetlenmişti.")


def _ask_envelope(bundle: Bundle, envelope: Dispatch, original: OriginalFacts, found: Findings) -> None:
    """The envelope must carry this original and these proofs, under this original's headers."""
    where = bundles.ENVELOPE
    same = envelope.original == bundle.members[bundles.ORIGINAL]
    found.ask("KEP iletisi: içindeki orijinal", same, "orijinal.eml ile aynı.", "orijinal.eml ile aynı değil.", where)
    shipped = {proof.xml for proof in bundle.proofs}
    strange = [name for name, xml in envelope.evidences if xml not in shipped]
    wrong = f"Zarftaki delil pakette yok: {', '.join(strange)}."
    found.ask("KEP iletisi: içindeki delil", not strange, "Paketteki delille aynı.", wrong, where)
    headers, said = envelope.headers, original.headers
    equal = (
        headers.sender_address == said.from_.address
        and [address for _, address in headers.to] == [one.address for one in said.to]
        and [address for _, address in headers.cc] == [one.address for one in said.cc]
        and headers.subject == said.subject
        and headers.original_message_id == said.message_id
        and headers.kind == said.kind
    )
    wrong = "Zarfın konusu, tarafları ya da numarası orijinal iletininkiyle aynı değil."
    found.ask("KEP iletisi: başlıklar", equal, "Orijinal iletininkiyle aynı.", wrong, where)


def _ask_belonging(
    bundle: Bundle,
    envelope: Dispatch,
    original: OriginalFacts,
    proofs: Sequence[tuple[ProofMember, SealedParts]],
    found: Findings,
) -> None:
    """Each proof must speak of this message: id, digest, subject, sender, recipients, and its own place in the set."""
    digest = hashlib.sha256(bundle.members[bundles.ORIGINAL]).digest()
    said = original.headers
    recipients = [one.address for one in (*said.to, *said.cc)]
    for member, parts in proofs:
        facts = parts.facts
        differs = [
            what
            for what, same in (
                ("KEP ileti no", facts.kep_id == envelope.headers.kep_id),
                ("orijinal iletinin özeti", facts.original_digest == digest),
                ("ileti no", facts.original_message_id == said.message_id),
                ("konu", facts.subject == said.subject),
                ("gönderici", facts.sender.address == said.from_.address),
                ("alıcılar", [one.address for one in facts.recipients] == recipients),
                ("dosya adı", (member.code, member.recipient_no) == (int(facts.kind), facts.recipient_no)),
            )
            if not same
        ]
        name = f"{proof_name(member.code, member.recipient_no)}: bu iletinin"
        wrong = f"Başka bir iletiden söz ediyor: {', '.join(differs)}."
        found.ask(name, not differs, "Bu iletiden söz ediyor.", wrong, member.member)


# --- the set ------------------------------------------------------------------------------------------------------

_NEEDS: dict[Kind, tuple[Kind, ...]] = {Kind.READ: (Kind.DELIVERED,), Kind.DEEMED_READ: (Kind.DELIVERED,)}
_EXCLUDES = (
    (Kind.SUBMITTED, Kind.NOT_SUBMITTED),
    (Kind.RELAYED, Kind.NOT_RELAYED),
    (Kind.NOT_RELAYED, Kind.DELIVERED),
    (Kind.NOT_RELAYED, Kind.NOT_DELIVERED),
    (Kind.DELIVERED, Kind.NOT_DELIVERED),
    (Kind.READ, Kind.DEEMED_READ),
)
_ORDER = (
    Kind.SUBMITTED,
    Kind.RELAYED,
    Kind.NOT_RELAYED,
    Kind.DELIVERED,
    Kind.NOT_DELIVERED,
    Kind.READ,
    Kind.DEEMED_READ,
)


def _ask_set(proofs: Sequence[tuple[ProofMember, SealedParts]], found: Findings) -> None:
    """Acceptance is there, each step once, nothing that rests on a proof that is not there, times in order."""
    faults = set_faults([parts for _, parts in proofs])
    for fault in faults:
        found.add(SET, Verdict.INVALID, fault, _FOR_SET)
    if not faults:
        found.add(SET, Verdict.VALID, f"{len(proofs)} delil; kabul delili var, adımlar sırasında.", _FOR_SET)


def set_faults(proofs: Sequence[SealedParts]) -> list[str]:
    """What the law of the steps finds wrong with a set of intact proofs of one message; empty when nothing is."""
    faults: list[str] = []
    by_recipient: dict[int, dict[Kind, SealedParts]] = {}
    for parts in proofs:
        steps = by_recipient.setdefault(parts.facts.recipient_no, {})
        if parts.facts.kind in steps:
            faults.append(f"{proof_name(int(parts.facts.kind), parts.facts.recipient_no)} iki kez var.")
        steps[parts.facts.kind] = parts
    whole = by_recipient.pop(0, {})
    if Kind.SUBMITTED not in whole:
        faults.append("Kabul delili (10) yok.")
    if Kind.NOT_SUBMITTED in whole:
        faults.append("Kabul edilen bir iletinin ret delili (11) olamaz.")
    for number, steps in sorted(by_recipient.items()):
        for kind, needed in _NEEDS.items():
            faults += [
                f"{number}. alıcı için {int(kind)} var, dayandığı {int(one)} yok."
                for one in needed
                if kind in steps and one not in steps
            ]
        faults += [
            f"{number}. alıcı için {int(one)} ve {int(other)} birlikte olamaz."
            for one, other in _EXCLUDES
            if one in steps and other in steps
        ]
        faults += _out_of_order(number, whole | steps)
    return faults


def _out_of_order(number: int, steps: dict[Kind, SealedParts]) -> list[str]:
    """Steps whose times contradict their order. Between two providers' clocks a few minutes are forgiven."""
    faults = []
    chain = [steps[kind].facts for kind in _ORDER if kind in steps]
    for earlier, later in itertools.pairwise(chain):
        forgiven = CLOCK_SKEW * (earlier.issuer.domain != later.issuer.domain)
        if later.event_at + forgiven < earlier.event_at:
            faults.append(
                f"{number}. alıcının {int(later.kind)} delili, {int(earlier.kind)} delilinden önceki bir anı anlatıyor."
            )
    return faults
