"""An RFC 3161 time-stamp authority that answers one request at a time, out of a template.

Everything in a token that does not depend on the request is one constant, written in DER order when the key is loaded:
SignedData version 3, one signer named by issuer and serial, signed attributes content-type, message-digest and
signing-certificate-v2 and no others. The holes are the request's imprint and nonce, the time in whole seconds, a serial
number of constant length, and the signature; so a verifier can rebuild every byte. The serial number is a prefix drawn
at start (first byte 01 to 7F) and a counter: unique over restarts without anything being remembered. Accuracy is one
second, which is what whole seconds can promise (A-006).
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import count

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from demo.pki_store import PrivateKey, config
from evidence import algorithms, carried, cms, der

TST_INFO = "1.2.840.113549.1.9.16.1.4"
_GRANTED = der.seq(der.integer(0))
_TST_INFO = der.oid(TST_INFO)
_HEAD, _NO_BAG = der.integer(3) + der.tlv(der.SET, algorithms.SHA256_IDENTIFIER), der.explicit(0)
"""SignedData up to the content, and its certificates where none are wanted."""
BAD_ALGORITHM, BAD_REQUEST, BAD_FORMAT, BAD_POLICY, BAD_EXTENSION = 0, 2, 5, 15, 16
"""Bit numbers of PKIFailureInfo (RFC 3161, 2.4.2)."""


class _Declined(Exception):
    """The request cannot be served; `failure` is the bit to answer with."""

    def __init__(self, failure: int, text: str) -> None:
        super().__init__(text)
        self.failure, self.text = failure, text


class Stamper:
    """One time-stamping key with its certificate and the certificates above it."""

    def __init__(self, key: PrivateKey, certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> None:
        raws = [one.public_bytes(serialization.Encoding.DER) for one in (certificate, *chain)]
        self._key, self._cut = key, carried.cut(raws[0])
        self._policy = config()["timestamp"]["policy"]
        self._accuracy = der.seq(der.integer(config()["timestamp"]["accuracy_seconds"]))
        bound = tuple(carried.cut(raw) for raw in raws)  # the chain too: no certificate in a token goes unsigned
        binding = cms.signing_certificate_v2(bound, tuple(one.digest for one in bound))
        identifier = (
            algorithms.KeyAlgorithm.RSA_SHA256
            if isinstance(key, rsa.RSAPrivateKey)
            else algorithms.KeyAlgorithm.P256_SHA256
        ).identifier
        hole = bytes(32)
        attributes = der.set_of_sorted(  # the order hangs on the names alone
            cms.attribute(cms.CONTENT_TYPE, der.oid(TST_INFO)),
            cms.attribute(cms.MESSAGE_DIGEST, der.octets(hole)),
            cms.attribute(cms.SIGNING_CERTIFICATE_V2, binding),
        )
        self._attributes = attributes.partition(hole)[::2]
        fields = cms.signer_info(self._cut, algorithms.SHA256_IDENTIFIER, hole, identifier, b"")
        before, _, after = fields.partition(b"\xa0" + hole[1:])
        self._signer_head, self._signer_tail = before, after.removesuffix(der.octets(b""))
        self._info_head = der.integer(1) + der.oid(self._policy)
        self._bag = der.explicit(0, *sorted(raws))
        self._serial_prefix = bytes((secrets.randbelow(0x7F) + 1,)) + secrets.token_bytes(7)
        self._numbers = count(1)

    def reply(self, request: bytes, now: datetime) -> bytes:
        """A TimeStampResp for any bytes: a token, or the failure RFC 3161 has for what is wrong with them."""
        try:
            imprint, nonce, wants_certificates = self._read(request)
        except _Declined as declined:
            return _refusal(declined.failure, declined.text)
        except der.DerRefused:
            return _refusal(BAD_FORMAT, "not a TimeStampReq in DER")
        return der.seq(_GRANTED, self._token(imprint, nonce, now, wants_certificates))

    def _read(self, request: bytes) -> tuple[bytes, bytes, bool]:
        """The imprint and the nonce as they stand in the request, and whether certificates are wanted."""
        fields = list(der.read(request, max_bytes=16 * 1024).expect(der.SEQUENCE).children)
        if len(fields) < 2 or fields[0].as_integer() != 1:
            raise _Declined(BAD_REQUEST, "version 1 with an imprint is asked for")
        imprint, rest = fields[1], fields[2:]
        algorithm, digest = imprint.parts(der.SEQUENCE, 2)
        try:
            name = algorithms.read_digest(algorithm)
        except algorithms.AlgorithmRefused as refusal:
            raise _Declined(BAD_ALGORITHM, "SHA-256, SHA-384 or SHA-512") from refusal
        if len(digest.as_octets()) != hashlib.new(name).digest_size:
            raise _Declined(BAD_FORMAT, "imprint of another length than its algorithm's")
        nonce, wants_certificates = b"", False
        if rest and rest[0].tag == der.OID and rest.pop(0).as_oid() != self._policy:
            raise _Declined(BAD_POLICY, "unknown policy")
        if rest and rest[0].tag == der.INTEGER:
            node = rest.pop(0)
            node.as_integer()
            nonce = node.raw
        if rest and rest[0].tag == der.BOOLEAN:
            wants_certificates = rest.pop(0).as_boolean()
        if rest:
            raise _Declined(BAD_EXTENSION, "no extension is known here")
        return imprint.raw, nonce, wants_certificates

    def _token(self, imprint: bytes, nonce: bytes, now: datetime, wants_certificates: bool) -> bytes:
        info = der.seq(
            self._info_head,
            imprint,
            der.tlv(der.INTEGER, self._serial_prefix + next(self._numbers).to_bytes(8, "big")),
            _second(now.replace(microsecond=0)),
            self._accuracy,
            nonce,
        )
        attributes = hashlib.sha256(info).digest().join(self._attributes)
        signature = der.octets(self._sign(attributes))
        fields = b"".join((self._signer_head, b"\xa0", attributes[1:], self._signer_tail, signature))
        encapsulated = der.seq(_TST_INFO, der.explicit(0, der.octets(info)))
        certificates = self._bag if wants_certificates else _NO_BAG
        return cms.assemble(b"".join((_HEAD, encapsulated, certificates)), fields)

    def _sign(self, octets: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(octets, ec.ECDSA(hashes.SHA256()))


@lru_cache(maxsize=4)
def _second(moment: datetime) -> bytes:
    return der.generalized_time(moment)


def _refusal(failure: int, text: str) -> bytes:
    """A TimeStampResp with status rejection, a sentence, and the one failure bit."""
    octets = bytes(failure // 8) + bytes((0x80 >> failure % 8,))
    return der.seq(der.seq(der.integer(2), der.seq(der.utf8(text)), der.bits(octets, 7 - failure % 8)))
