"""The proof bundle `.kepdelil`: everything a stranger needs, in one file with one spelling (design.md 3).

    mimetype                       application/vnd.etsi.asic-e+zip, first and stored, so that file(1) knows it
    META-INF/ASiCManifest.xml      every other member with its SHA-256
    META-INF/signature.p7s         CAdES-T of the işlem key over the manifest
    ileti.eml  orijinal.eml        the KEP message, and the original the sender signed
    deliller/NN-<code>-<no>.xml    the proofs, numbered without a gap
    zincir/                        certificates, revocation data; zd/: the octets each stamp covers, and the stamp
    ozetler.sha256                 digests for sha256sum
    BENIOKU.txt  README.en.txt     how to check all this with openssl and xmlsec1

Stored zip, fixed order, fixed bytes (guards.zip): a reader makes container, manifest, digests and helper files again
from the members and compares, so that nothing in the file is free. The root certificate is never inside; the texts
state its fingerprint and where to get it. The proofs are taken as they are: checking them is `evidence.verify`.
`ozet.pdf` and `muhur/` come with later issues. No Django here.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from evidence import bundle_texts, cades, containers, xades
from evidence.certificate import facts_of
from evidence.containers import MANIFEST, SIGNATURE, BundleRefused, changed_members, digest_list, from_pem, to_pem
from evidence.envelope import read_dispatch
from evidence.facts import EvidenceKind
from evidence.revocation import Material
from guards.mime import cut_signed
from guards.zip import ZipLimits, ZipRefused, read_stored, write_stored

MIMETYPE: Final = b"application/vnd.etsi.asic-e+zip"
ENVELOPE: Final = "ileti.eml"
ORIGINAL: Final = "orijinal.eml"
DIGESTS: Final = "ozetler.sha256"
TEXTS: Final = ("BENIOKU.txt", "README.en.txt")
LIMITS: Final = ZipLimits(max_members=20_000)

_PROOF_NAME = re.compile(r"deliller/(?P<number>[0-9]{2,4})-(?P<code>[0-9]{2})-(?P<recipient>0|[1-9][0-9]{0,4})\.xml")
_CHAIN_NAME = re.compile(r"zincir/(?:(?:islem(?:-[0-9]+)?|ara|zd|kisi)\.pem|(?:kisi|ara-[1-9])\.(?:ocsp|crl))")
Sign = Callable[[bytes], bytes]
"""The manifest's bytes in, a detached CAdES signature of the işlem key out."""


@dataclass(frozen=True, slots=True)
class BundleProof:
    """A sealed proof and what it is about."""

    code: int
    recipient_no: int
    xml: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BundleContent:
    """What goes in. `proofs` in the order they came to be; `person_path` leaf first, root last or left out;
    `materials` one for each certificate of the path below the root; `intermediates` further authorities' certificates
    (those of the time-stamp authority, when its tokens do not carry them).
    """

    envelope: bytes = field(repr=False)
    original: bytes = field(repr=False)
    proofs: tuple[BundleProof, ...]
    person_path: tuple[bytes, ...] = field(default=(), repr=False)
    materials: Sequence[Material] = field(default=(), repr=False)
    intermediates: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ProofMember:
    """One proof inside a bundle."""

    member: str
    code: int
    recipient_no: int
    xml: bytes = field(repr=False)

    @property
    def stem(self) -> str:
        """The name of its stamp files under `zincir/zd/`."""
        return self.member.removeprefix("deliller/").removesuffix(".xml")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as read. `members` in order; `changed` are listed members whose digest is not the manifest's."""

    members: dict[str, bytes] = field(repr=False)
    proofs: tuple[ProofMember, ...]
    manifest: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    changed: tuple[str, ...]

    def certificates(self, member: str) -> tuple[bytes, ...]:
        """The certificates (DER) of a PEM member; none when it is not there."""
        return from_pem(self.members.get(member, b""))

    def material(self, position: int) -> Material:
        """The revocation data shipped for the certificate at `position` of the sender's path."""
        stem = "zincir/kisi" if position == 0 else f"zincir/ara-{position}"
        return Material(self.members.get(f"{stem}.ocsp"), self.members.get(f"{stem}.crl"))


# --- writing ------------------------------------------------------------------------------------------------------


def pack(content: BundleContent, sign: Sign) -> bytes:
    """The finished bundle; the same content and signature give the same bytes.

    The manifest lists the certificates its own signature carries, so `sign` is asked once more in the rare case that
    it signed or was stamped with others than envelope and proofs. Refuses BundleRefused for content without proof or
    with a proof of another step, and what the readers of envelope, original, signatures and proofs refuse.
    """
    if not content.proofs:
        raise BundleRefused("no proof", member="deliller")
    parts = _parts(content)
    signer, carried_too = parts.envelope_signer, parts
    for _ in range(3):
        members = _members(content, carried_too, signer)
        manifest = containers.manifest(containers.digests(members))
        signature = sign(manifest)
        facts = cades.verify_over(signature, manifest)
        shipped = {one for name, raw in members if name.endswith(".pem") for one in from_pem(raw)}
        if facts.certificate == signer and shipped.issuperset(carried_by(facts)):
            listed = [("mimetype", MIMETYPE), (MANIFEST, manifest), (SIGNATURE, signature), *members]
            return write_stored(listed, limits=LIMITS)
        signer, carried_too = facts.certificate, _with(parts, facts)
    raise BundleRefused("the signer keeps changing", member=SIGNATURE)


def carried_by(facts: cades.CmsFacts) -> tuple[bytes, ...]:
    """Every certificate a signature and its time-stamp carry, roots left out."""
    both = (*facts.certificates, *(facts.stamp.certificates if facts.stamp else ()))
    return tuple(one for one in both if not _is_root(one))


def _with(parts: "_Parts", facts: cades.CmsFacts) -> "_Parts":
    stampers = (*parts.stampers, facts.stamp.tsa_certificate) if facts.stamp else parts.stampers
    return replace(parts, stampers=tuple(dict.fromkeys(stampers)), met=(*parts.met, *carried_by(facts)))


@dataclass(frozen=True, slots=True)
class _Stamp:
    stem: str
    octets: bytes
    token: bytes


@dataclass(frozen=True, slots=True)
class _Parts:
    """What was read out of the content: signers, stamps, and every certificate met on the way."""

    envelope_signer: bytes
    person: bytes
    proofs: tuple[ProofMember, ...]
    signers: tuple[bytes, ...]
    kep_id: str
    domain: str
    stamps: tuple[_Stamp, ...]
    stampers: tuple[bytes, ...]
    met: tuple[bytes, ...]


def _parts(content: BundleContent) -> _Parts:
    width = max(2, len(str(len(content.proofs))))
    members, signers, stamps, stampers, met = [], [], [], [], list(content.intermediates)
    for number, proof in enumerate(content.proofs, start=1):
        name = f"deliller/{number:0{width}d}-{proof.code:d}-{proof.recipient_no:d}.xml"
        member = ProofMember(name, proof.code, proof.recipient_no, proof.xml)
        sealed = xades.take_apart(proof.xml)
        if (int(sealed.facts.kind), sealed.facts.recipient_no) != (proof.code, proof.recipient_no):
            raise BundleRefused("proof of another step", member=name)
        members.append(member)
        signers.append(sealed.signing_certificate)
        met += sealed.certificates
        stamps.append(_Stamp(member.stem, sealed.signature_value_element, sealed.token))
        stampers.append(sealed.stamp.tsa_certificate)
        met += sealed.stamp.certificates
    dispatch, original = read_dispatch(content.envelope), cut_signed(content.original)
    read = {
        "ileti": cades.verify_over(dispatch.signature_der, dispatch.signed_part),
        "orijinal": cades.verify_over(original.signature_der, original.signed_part),
    }
    for stem, facts in read.items():
        met += facts.certificates
        if facts.token is not None and facts.stamp is not None:
            stamps.append(_Stamp(stem, facts.signature, facts.token))
            stampers.append(facts.stamp.tsa_certificate)
            met += facts.stamp.certificates
    return _Parts(
        envelope_signer=read["ileti"].certificate,
        person=read["orijinal"].certificate,
        proofs=tuple(members),
        signers=tuple(signers),
        kep_id=dispatch.headers.kep_id.strip("<>"),
        domain=dispatch.headers.provider,
        stamps=tuple(stamps),
        stampers=tuple(dict.fromkeys(stampers)),
        met=tuple(dict.fromkeys((*met, *content.person_path[1:]))),
    )


def _members(content: BundleContent, parts: _Parts, signer: bytes) -> list[tuple[str, bytes]]:
    """Everything the manifest lists, in order. `signer` is the certificate the manifest will be signed with."""
    others = [one for one in dict.fromkeys((*parts.signers, parts.envelope_signer)) if one != signer]
    own = {signer, parts.envelope_signer}
    pinned = {signer: "zincir/islem.pem"} | {
        one: f"zincir/islem-{number}.pem" for number, one in enumerate(others, start=2)
    }
    leaves = {*pinned, parts.person, *parts.stampers}
    authorities = [one for one in dict.fromkeys(parts.met) if one not in leaves and not _is_root(one)]
    members = [(ENVELOPE, content.envelope), (ORIGINAL, content.original)]
    members += [(proof.member, proof.xml) for proof in parts.proofs]
    members.append(("zincir/islem.pem", to_pem(one for one in pinned if one in own)))
    members += [(name, to_pem([one])) for one, name in pinned.items() if one != signer]
    members += [("zincir/ara.pem", to_pem(authorities)), ("zincir/zd.pem", to_pem(parts.stampers))]
    members.append(("zincir/kisi.pem", to_pem([parts.person])))
    for position, answers in enumerate(content.materials):
        stem = "zincir/kisi" if position == 0 else f"zincir/ara-{position}"
        members += [(f"{stem}.{kind}", raw) for kind, raw in (("ocsp", answers.ocsp), ("crl", answers.crl)) if raw]
    for stamp in parts.stamps:
        members += [(f"zincir/zd/{stamp.stem}.bin", stamp.octets), (f"zincir/zd/{stamp.stem}.tst", stamp.token)]
    facts = _text_facts(content, parts, pinned)
    texts = [(name, bundle_texts.render(name, facts)) for name in TEXTS]
    return [*members, (DIGESTS, digest_list([("mimetype", MIMETYPE), *members, *texts])), *texts]


def _text_facts(content: BundleContent, parts: _Parts, pinned: dict[bytes, str]) -> bundle_texts.TextFacts:
    roots = [one for one in content.person_path if _is_root(one)]
    return bundle_texts.TextFacts(
        kep_id=parts.kep_id,
        domain=parts.domain,
        proofs=[
            {
                "member": proof.member,
                "stem": proof.stem,
                "code": str(proof.code),
                "title": EvidenceKind(proof.code).title,
                "whom_tr": f"{proof.recipient_no}. alıcı" if proof.recipient_no else "iletinin bütünü",
                "whom_en": f"recipient {proof.recipient_no}" if proof.recipient_no else "the whole message",
                "pinned": pinned[signer],
            }
            for proof, signer in zip(parts.proofs, parts.signers, strict=True)
        ],
        stamps=[{"stem": stamp.stem} for stamp in parts.stamps],
        transactions=[{"member": name, "fingerprint": _fingerprint(one)} for one, name in pinned.items()],
        roots=[{"fingerprint": _fingerprint(one)} for one in dict.fromkeys(roots)],
        has_person_material=any(answers.ocsp or answers.crl for answers in content.materials),
    )


def _is_root(certificate: bytes) -> bool:
    """Whether subject and issuer are one. Read by `facts_of`: old roots signed themselves with what we refuse today."""
    facts = facts_of(certificate)
    return facts.subject_name == facts.issuer_name


def _fingerprint(certificate: bytes) -> str:
    return bundle_texts.fingerprint(hashlib.sha256(certificate).digest())


# --- reading ------------------------------------------------------------------------------------------------------


def open_bundle(raw: bytes) -> Bundle:
    """Cut a bundle, make everything again that is not content, and compare.

    Refuses BundleRefused naming the member: a container in another spelling, a member missing, unknown or out of
    order, proofs not numbered from 01 without a gap, a manifest in another form. Members whose bytes differ from their
    digest in the manifest are told in `changed`, so that a report can name all of them.
    """
    try:
        members = read_stored(raw, limits=LIMITS)
    except ZipRefused as refusal:
        raise BundleRefused(refusal.reason, member=str(refusal.facts.get("member", "zip"))) from refusal
    names = list(members)
    if names[:5] != ["mimetype", MANIFEST, SIGNATURE, ENVELOPE, ORIGINAL] or members["mimetype"] != MIMETYPE:
        raise BundleRefused("first members in another order", member=names[0] if names else "zip")
    proofs = _read_proofs(members)
    _refuse_strangers(names, proofs)
    listed = [(name, body) for name, body in members.items() if name not in ("mimetype", MANIFEST, SIGNATURE)]
    changed = changed_members(members[MANIFEST], listed)
    return Bundle(members, proofs, members[MANIFEST], members[SIGNATURE], changed)


def _read_proofs(members: dict[str, bytes]) -> tuple[ProofMember, ...]:
    proofs: list[ProofMember] = []
    for name, body in members.items():
        if not name.startswith("deliller/"):
            continue
        found = _PROOF_NAME.fullmatch(name)
        if found is None or int(found["number"]) != len(proofs) + 1:
            raise BundleRefused("proofs not numbered without a gap", member=name)
        proofs.append(ProofMember(name, int(found["code"]), int(found["recipient"]), body))
    if not proofs:
        raise BundleRefused("no proof", member="deliller")
    width = max(2, len(str(len(proofs))))
    if any(len(proof.stem.partition("-")[0]) != width for proof in proofs):
        raise BundleRefused("proofs numbered in another form", member=proofs[0].member)
    return tuple(proofs)


def _refuse_strangers(names: list[str], proofs: Sequence[ProofMember]) -> None:
    """The members after the original: proofs, chain, stamps, digests, texts, in this order and no others."""
    known = [proof.member for proof in proofs]
    stems = [*(proof.stem for proof in proofs), "ileti", "orijinal"]
    stamps = {f"zincir/zd/{stem}.{kind}" for stem in stems for kind in ("bin", "tst")}
    rest = names[5:]
    ranks = []
    for name in rest:
        if name in known:
            ranks.append(0)
        elif _CHAIN_NAME.fullmatch(name):
            ranks.append(1)
        elif name in stamps:
            ranks.append(2)
        elif name == DIGESTS:
            ranks.append(3)
        elif name in TEXTS:
            ranks.append(4 + TEXTS.index(name))
        else:
            raise BundleRefused("a member nobody knows", member=name)
        if len(ranks) > 1 and ranks[-1] < ranks[-2]:
            raise BundleRefused("members in another order", member=name)
    missing = {DIGESTS, *TEXTS, "zincir/islem.pem", "zincir/ara.pem", "zincir/zd.pem", "zincir/kisi.pem"} - set(rest)
    missing |= {f"zincir/zd/{proof.stem}.{kind}" for proof in proofs for kind in ("bin", "tst")} - set(rest)
    if missing:
        raise BundleRefused("member missing", member=min(missing))
