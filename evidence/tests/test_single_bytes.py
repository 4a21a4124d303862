"""One byte changed anywhere in what we emit is refused: evidence, signatures, tokens (A-002; measured.md, Judges).

Every byte of what a P-256 key made and every third of what an RSA key made; the offset also chooses the bit. Where a
chosen value could hit what a bit cannot, all values are tried. `script/campaign flips` walks further.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator

import pytest

from evidence import cades, timestamp, xades, xml
from evidence.algorithms import SHA256_IDENTIFIER
from evidence.refusals import CmsRefused, EvidenceRefused, TimestampRefused
from evidence.tests.pki import KINDS, NOW, pki
from evidence.tests.samples import facts
from guards.errors import KepError

OURS = pki()
CONTENT = b"Content-Type: text/plain\r\n\r\nMerhaba\r\n"
DIGEST = hashlib.sha256(CONTENT).digest()


def survivors(
    raw: bytes,
    check: Callable[[bytes], object],
    refused: type[KepError],
    masks: Callable[[int], Iterable[int]],
    step: int,
) -> list[tuple[int, int]]:
    """Offsets and masks that were not refused. Another exception than `refused` goes through."""
    check(raw)
    return [(at, mask) for at, mask, changed in changes(raw, masks, step) if not _refuses(check, changed, refused)]


def changes(raw: bytes, masks: Callable[[int], Iterable[int]], step: int) -> Iterator[tuple[int, int, bytes]]:
    for at in range(0, len(raw), step):
        for mask in masks(at):
            changed = bytearray(raw)
            changed[at] ^= mask
            yield at, mask, bytes(changed)


def _refuses(check: Callable[[bytes], object], raw: bytes, refused: type[KepError]) -> bool:
    try:
        check(raw)
    except refused:
        return True
    return False


def one_bit(at: int) -> tuple[int, ...]:
    return (1 << at % 8,)


def step(kind: str) -> int:
    return 1 if kind == "p256" else 3


@pytest.mark.parametrize("kind", KINDS)
def test_in_an_evidence(kind: str) -> None:
    raw = xades.seal(xml.render(facts()), OURS.islem(kind), signing_time=NOW, stamper=OURS.stamper(kind))
    assert survivors(raw, xades.take_apart, EvidenceRefused, one_bit, step(kind)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_in_an_envelope_s_signature(kind: str) -> None:
    raw = cades.sign_detached(DIGEST, OURS.islem(kind), signing_time=NOW, stamper=OURS.stamper(kind))
    assert survivors(raw, lambda raw: cades.verify_emitted(raw, DIGEST), CmsRefused, one_bit, step(kind)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_person_s_signature_with_the_roots_at_hand(kind: str) -> None:
    """The person's attributes bind the person's certificate alone, so the one above it needs the roots."""
    holder = OURS.person(kind)
    attributes = cades.signed_attributes(holder.certificate, DIGEST, NOW)
    signature = holder.sign(attributes)
    token = OURS.stamper(kind).stamp(hashlib.sha256(signature).digest())
    raw = cades.assemble(
        holder.certificate, holder.chain, attributes, signature, algorithm=holder.algorithm, token=token
    )

    def check(changed: bytes) -> object:
        return cades.verify_emitted(changed, DIGEST, anchors=OURS.anchors)

    assert survivors(raw, check, CmsRefused, one_bit, step(kind)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_token(kind: str) -> None:
    token = OURS.stamper(kind).stamp(DIGEST)
    assert survivors(token, _check_token, TimestampRefused, one_bit, 1) == []


@pytest.mark.parametrize("kind", KINDS)
def test_in_the_algorithms_of_a_token_with_every_value(kind: str) -> None:
    """One byte makes rsaEncryption of sha256WithRSAEncryption, or SHA-512 of SHA-256: no other spelling may pass."""
    token = OURS.stamper(kind).stamp(DIGEST)
    places = [
        found.start() + offset
        for identifier in (SHA256_IDENTIFIER, OURS.tsa(kind).algorithm.identifier)
        for found in re.finditer(re.escape(identifier), token)
        for offset in range(len(identifier))
    ]
    assert len(places) > 4 * len(SHA256_IDENTIFIER)
    for at in places:
        for value in set(range(256)) - {token[at]}:
            changed = token[:at] + bytes((value,)) + token[at + 1 :]
            assert _refuses(_check_token, changed, TimestampRefused), (at, value)


def _check_token(token: bytes) -> object:
    return timestamp.check_token(token, DIGEST, trust=None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_byte_left_out_or_put_in_is_refused_too(kind: str) -> None:
    raw = xades.seal(xml.render(facts()), OURS.islem(kind), signing_time=NOW, stamper=OURS.stamper(kind))
    for at in range(0, len(raw), 41):
        for changed in (raw[:at] + raw[at + 1 :], raw[:at] + raw[at : at + 1] + raw[at:]):
            if changed != raw:
                assert _refuses(xades.take_apart, changed, EvidenceRefused), at
