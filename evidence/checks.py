"""Checking one thing that somebody hands us: a proof, a KEP message, an original. No Django, no network.

Each check asks the same three questions and keeps the answers apart. Is it intact: every byte compared with what must
stand there, signatures and time-stamps true. Who made it: not only a path to a root, but a certificate in the right
role, at the moment its time-stamp proves; a person's certificate under the same root must not pass as a provider's
(V-061, measured.md "Trust"). Does it say what it may say: a provider speaks for its own domain and for its own side of
the exchange. The roots come from the caller, never from what is checked; where none of them is reached the answer is
"cannot tell", which is not "valid".

Revocation is asked only of material that was shipped along: offline there is no other. Where there is none, the report
says so in a note; the provider's own acceptance (proof 10) was made after an online check.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from evidence import cades, carried, xades
from evidence.anchors import CertificateRefused, Role, TrustAnchors, Verdict
from evidence.certificate import facts_of
from evidence.chain import PathReport, check_path
from evidence.der import DerRefused
from evidence.envelope import Dispatch, read_dispatch
from evidence.facts import EvidenceFacts, EvidenceKind
from evidence.refusals import BrokenChain, CmsRefused, EvidenceRefused, TimestampRefused
from evidence.timestamp import TokenFacts
from evidence.xades import SealedParts
from guards.mime import HeadersDiffer, MessageHeaders, MimeRefused, ProtectionState, open_signed, parse, read_headers

STAMP_SKEW = timedelta(seconds=60)
"""How far a time-stamp may lie before its event (two clocks), or after it without a note (design.md 1.2)."""
CLOCK_SKEW = timedelta(minutes=5)
_PROVIDER_DOMAIN = re.compile(r"(?:^|\.|@)(hs[0-9]{2}\.kep\.tr)$")
_ISTANBUL = ZoneInfo("Europe/Istanbul")

PLACES = {
    "evidence": "delilin metni",
    "signed-info": "imzalanan bilgi",
    "signature-value": "imza değeri",
    "key-info": "imzadaki sertifikalar",
    "signed-properties": "imza özellikleri",
    "timestamp": "zaman damgası",
    "signature": "imza bölümü",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One row of a report: what was asked, the verdict, one Turkish sentence, and the member or part it is about."""

    name: str
    verdict: Verdict
    detail_tr: str
    where: str


@dataclass(frozen=True, slots=True)
class Trust:
    """What the caller brings: roots, the moment now, and certificates that may help to reach a root."""

    anchors: TrustAnchors
    now: datetime
    pool: tuple[bytes, ...] = ()


@dataclass(slots=True)
class Findings:
    """Rows and notes as they come up."""

    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, verdict: Verdict, detail_tr: str, where: str) -> None:
        """Append one row."""
        self.checks.append(Check(name, verdict, detail_tr, where))

    def ask(self, name: str, holds: bool, right: str, wrong: str, where: str) -> None:
        """Append a row that is valid or invalid."""
        self.add(name, Verdict.VALID if holds else Verdict.INVALID, right if holds else wrong, where)


def shown(moment: datetime) -> str:
    """A moment as documents show it."""
    return f"{moment.astimezone(_ISTANBUL):%d.%m.%Y %H:%M:%S} (TSİ)"


def provider_of(address_or_domain: str) -> str:
    """The `hsNN.kep.tr` an address or domain belongs to; empty when it belongs to none."""
    found = _PROVIDER_DOMAIN.search(address_or_domain)
    return found[1] if found else ""


def proof_name(code: int, recipient_no: int) -> str:
    """How rows call a proof."""
    return f"Delil {code} ({f'{recipient_no}. alıcı' if recipient_no else 'iletinin bütünü'})"


# --- a proof ------------------------------------------------------------------------------------------------------


def check_proof(raw: bytes, trust: Trust, found: Findings, *, where: str) -> SealedParts | None:
    """Check one sealed evidence; the parts when it is intact, whatever the other rows say."""
    try:
        parts = xades.take_apart(raw)
    except (EvidenceRefused, BrokenChain, TimestampRefused, DerRefused) as refusal:
        place = PLACES.get(str(refusal.facts.get("where")), "delil")
        found.add("Delil", Verdict.INVALID, f"Değişmiş ya da delil değil: {place} ({refusal.reason}).", where)
        return None
    facts = parts.facts
    name = proof_name(int(facts.kind), facts.recipient_no)
    found.add(name, Verdict.VALID, f"{facts.kind.title}, {shown(facts.event_at)}. Her baytı yerinde.", where)
    _ask_path(found, f"{name}: imzalayan", parts.signing_certificate, parts.certificates, trust, parts.stamp, where)
    _ask_issuer(found, f"{name}: yetki", facts, parts.signing_certificate, where)
    _ask_stamp(found, f"{name}: zaman damgası", parts.stamp, trust, where, event_at=facts.event_at)
    return parts


def _ask_path(
    found: Findings,
    name: str,
    leaf: bytes,
    certificates: Sequence[bytes],
    trust: Trust,
    stamp: TokenFacts | None,
    where: str,
    *,
    role: Role = Role.TRANSACTION,
    otherwise: datetime | None = None,
) -> PathReport:
    """A row on who signed: path and role at the moment the stamp proves (or `otherwise`)."""
    at = stamp.generated_at if stamp else otherwise or trust.now
    report = check_path(leaf, _pool(certificates, trust), trust.anchors, at=at, role=role)
    found.add(name, report.verdict, _said(leaf, report), where)
    return report


def _pool(certificates: Sequence[bytes], trust: Trust) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys((*certificates, *trust.pool)))


def _said(leaf: bytes, report: PathReport) -> str:
    try:
        facts = facts_of(leaf)
        who = f"{facts.common_name}, parmak izi {facts.fingerprint_sha256[:16]}…"
    except CertificateRefused:
        who = "okunamayan sertifika"
    return " ".join((f"{who}.", *(reason.text_tr for reason in report.reasons)))


def _ask_issuer(found: Findings, name: str, facts: EvidenceFacts, certificate: bytes, where: str) -> None:
    """The proof must come from the provider its certificate belongs to, and speak for its own side."""
    domain = facts.issuer.domain
    entitled = entitled_provider(facts)
    if not _speaks_for(certificate, domain):
        wrong = f"Delil {domain} adına düzenlenmiş, ama imzalayan sertifika o sağlayıcının değil."
        found.add(name, Verdict.INVALID, wrong, where)
        return
    right = f"{facts.issuer.name} ({domain})."
    wrong = f"Bu delili {entitled or 'bilinmeyen bir sağlayıcı'} düzenleyebilir, {domain} değil."
    found.ask(name, bool(entitled) and entitled == domain, right, wrong, where)


def entitled_provider(facts: EvidenceFacts) -> str:
    """Whose step it is (design.md 1.2): the sender's provider for 10, 11 and 31, the recipient's for all others."""
    by_sender = facts.kind in (EvidenceKind.SUBMITTED, EvidenceKind.NOT_SUBMITTED, EvidenceKind.RELAY_FAILED)
    party = facts.sender if by_sender else facts.recipients[facts.recipient_no - 1]
    return provider_of(party.address)


def _speaks_for(certificate: bytes, domain: str) -> bool:
    try:
        return domain in facts_of(certificate).san_dns
    except CertificateRefused:
        return False


def _ask_stamp(
    found: Findings, name: str, stamp: TokenFacts, trust: Trust, where: str, *, event_at: datetime | None = None
) -> None:
    """A row on the time-stamp: who made it, in which role, and whether its time is possible."""
    report = check_path(
        stamp.tsa_certificate,
        _pool(stamp.certificates, trust),
        trust.anchors,
        at=stamp.generated_at,
        role=Role.TIMESTAMP,
    )
    verdict, detail = report.verdict, f"{shown(stamp.generated_at)}, {_said(stamp.tsa_certificate, report)}"
    if stamp.generated_at > trust.now + CLOCK_SKEW:
        verdict = Verdict.worst((verdict, Verdict.INDETERMINATE))
        detail += " Damga bu bilgisayarın saatine göre gelecekte; saatinizi denetleyin."
    if event_at is not None and stamp.generated_at < event_at - STAMP_SKEW:
        verdict, detail = Verdict.INVALID, detail + " Damga, delilin anlattığı olaydan önce alınmış."
    elif event_at is not None and stamp.generated_at > event_at + STAMP_SKEW:
        found.notes.append(f"{where}: zaman damgası olaydan {_seconds(stamp.generated_at - event_at)} saniye sonra.")
    found.add(name, verdict, detail, where)


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


# --- a signature of a provider ------------------------------------------------------------------------------------


def check_provider_signature(
    signature: bytes,
    content: bytes,
    trust: Trust,
    found: Findings,
    *,
    name: str,
    domain: str,
    where: str,
    claimed_at: datetime | None = None,
) -> cades.CmsFacts | None:
    """A CAdES signature of an işlem key over `content`, every byte of it compared; the facts when it is intact.

    Without a time-stamp it is invalid, unless `claimed_at` (a signed date) may stand in for one.
    """
    try:
        facts = cades.verify_emitted(signature, hashlib.sha256(content).digest())
    except (CmsRefused, BrokenChain, TimestampRefused, DerRefused) as refusal:
        found.add(name, Verdict.INVALID, _cms_said(refusal.reason), where)
        return None
    found.add(name, Verdict.VALID, "İmza tutuyor, her baytı yerinde.", where)
    signer = f"{name}: imzalayan"
    _ask_path(found, signer, facts.certificate, facts.certificates, trust, facts.stamp, where, otherwise=claimed_at)
    right, wrong = f"{domain}.", f"İmzalayan sertifika {domain} sağlayıcısının değil."
    found.ask(f"{name}: yetki", _speaks_for(facts.certificate, domain), right, wrong, where)
    if facts.stamp is not None:
        _ask_stamp(found, f"{name}: zaman damgası", facts.stamp, trust, where)
    elif claimed_at is not None:
        found.notes.append(f"{where}: imzada zaman damgası yok; sertifika, yazılan tarihe göre denetlendi.")
    else:
        found.add(f"{name}: zaman damgası", Verdict.INVALID, "İmzada zaman damgası yok (K-101).", where)
    return facts


def _cms_said(reason: str) -> str:
    """What a refusal of a CMS signature means, in Turkish."""
    if reason == "message-digest":
        return "İmzalanan içerik değişmiş."
    if reason == "signature":
        return "İmza değeri tutmuyor."
    if reason.startswith("timestamp"):
        return f"İmzanın zaman damgası bozuk ({reason.partition(': ')[2] or reason})."
    return f"İmza verisi değişmiş, eksik ya da izin verilmeyen biçimde ({reason})."


# --- a KEP message ------------------------------------------------------------------------------------------------


def check_envelope(raw: bytes, trust: Trust, found: Findings, *, where: str) -> Dispatch | None:
    """The envelope itself: form, headers, signature. What it contains is the caller's to check."""
    try:
        dispatch = read_dispatch(raw)
    except HeadersDiffer as refusal:
        found.add("KEP iletisi", Verdict.INVALID, f"Başlık imzadan sonra değişmiş: {refusal.name}.", where)
        return None
    except MimeRefused as refusal:
        found.add("KEP iletisi", Verdict.INVALID, f"Biçimi bozuk ya da değişmiş ({refusal.reason}).", where)
        return None
    if not dispatch.is_ours:
        found.add("KEP iletisi", Verdict.INDETERMINATE, "Başka bir programın biçiminde; bayt bayt denetlenemez.", where)
    check_provider_signature(
        dispatch.signature_der,
        dispatch.signed_part,
        trust,
        found,
        name="KEP iletisi",
        domain=dispatch.headers.provider,
        where=where,
        claimed_at=dispatch.headers.date,
    )
    if dispatch.original is not None:
        same = hashlib.sha256(dispatch.original).digest() == dispatch.headers.original_digest
        right, wrong = "Başlıktaki özetle aynı.", "İçindeki orijinal ileti, başlıktaki özetle aynı değil."
        found.ask("KEP iletisi: orijinal", same, right, wrong, where)
    return dispatch


# --- an original --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OriginalFacts:
    """An original whose form and signature hold: its headers, and the signer's path as found (leaf first)."""

    headers: MessageHeaders
    is_protected: bool
    path: tuple[bytes, ...]
    proven_at: datetime | None


def check_original(raw: bytes, trust: Trust, found: Findings, *, where: str) -> OriginalFacts | None:
    """An original: form, headers against the signed ones, the person's signature, role and time-stamp."""
    try:
        cut, protection = open_signed(raw)
        parse(cut.signed_part)
        headers = read_headers(cut.outer)
    except HeadersDiffer as refusal:
        found.add("Orijinal ileti", Verdict.INVALID, f"Başlık imzadan sonra değişmiş: {refusal.name}.", where)
        return None
    except MimeRefused as refusal:
        found.add("Orijinal ileti", Verdict.INVALID, f"Biçimi bozuk ya da değişmiş ({refusal.reason}).", where)
        return None
    try:
        facts = cades.verify_over(cut.signature_der, cut.signed_part)
        if facts.digest_algorithm != cut.digest_name:
            raise CmsRefused("micalg")
        carried.path(facts.certificate, facts.certificates)
    except (CmsRefused, BrokenChain, TimestampRefused, DerRefused) as refusal:
        found.add("Göndericinin imzası", Verdict.INVALID, _cms_said(refusal.reason), where)
        return None
    found.add("Göndericinin imzası", Verdict.VALID, f"İmza tutuyor: {headers.from_.address}.", where)
    report = _ask_path(
        found,
        "Göndericinin imzası: imzalayan",
        facts.certificate,
        facts.certificates,
        trust,
        facts.stamp,
        where,
        role=Role.PERSON,
    )
    if facts.stamp is not None:
        _ask_stamp(found, "Göndericinin imzası: zaman damgası", facts.stamp, trust, where)
    else:
        found.notes.append(f"{where}: göndericinin imzasında zaman damgası yok; sertifika bu ana göre denetlendi.")
    is_protected = protection is ProtectionState.PROTECTED
    if not is_protected:
        found.notes.append(f"{where}: başlıklar (konu, alıcılar, tarih) imza kapsamında değil.")
    if not _is_our_form(cut.signature_der):
        found.notes.append(f"{where}: imza başka bir programın biçiminde; imza kapsamındaki her şey denetlendi.")
    return OriginalFacts(headers, is_protected, report.path, facts.stamp.generated_at if facts.stamp else None)


def _is_our_form(signature: bytes) -> bool:
    try:
        return cades.rebuild(signature) == signature
    except (CmsRefused, DerRefused):
        return False
