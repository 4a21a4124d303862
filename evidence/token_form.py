"""The form of a time-stamp token that was checked in full: what may differ in the next token of the same authority.

The tokens of one authority differ in six places only: imprint, serial number, time, nonce, digest of the content, and
signature value. So once a token has passed every check, the bytes around those places are known to be right, and a
token with exactly these bytes around them and places of exactly these lengths has nothing left to be wrong in but the
places themselves. They are primitive values; their lengths stand in the bytes that are compared; so what a place holds
can move nothing else. `FormReader.read` checks the places by the same rules as the full check (`evidence.timestamp`).
A token in any other form is none of its business: it answers None and the full check speaks.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evidence import cms, der
from evidence.algorithms import Scheme, is_signed
from evidence.carried import Certificate
from evidence.der import DerRefused, Node

if TYPE_CHECKING:
    from evidence.timestamp import TokenFacts

_MOST = 64
"""Forms remembered: ECDSA signatures have three common lengths, so an authority has about three forms."""


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where a value stands in the token: with tag and length from `start`, its content from `body` to `end`."""

    start: int
    body: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class _Form:
    around: tuple[tuple[int, int, bytes], ...]
    """Everything that is not in a place: start, end, bytes."""
    imprint: _Place
    serial: _Place
    time: _Place
    nonce: _Place | None
    digest: _Place
    signature: _Place
    content: _Place
    attributes: _Place
    signer: Certificate
    scheme: Scheme
    facts: "TokenFacts"


class FormReader:
    """Forms of the tokens that were checked in full lately, by the length of the token."""

    def __init__(self) -> None:
        self._forms: dict[int, _Form] = {}

    def learn(self, token: bytes, signed: cms.SignedData, facts: "TokenFacts") -> None:
        """Remember the form of a token that passed every check."""
        if len(self._forms) >= _MOST:
            self._forms.clear()
        self._forms[len(token)] = _form_of(token, signed, facts)

    def read(self, token: bytes) -> "TokenFacts | None":
        """The facts of a token in a form that is known, every byte accounted for. None where the full check must look:
        at a token of another form, and at one that something is wrong with."""
        form = self._forms.get(len(token))
        if form is None or any(token[start:end] != known for start, end, known in form.around):
            return None
        try:
            generated_at = _node(token, form.time).as_time()
            serial = _node(token, form.serial).as_integer()
            nonce = _node(token, form.nonce).as_integer() if form.nonce is not None else None
        except DerRefused:
            return None
        content = token[form.content.body : form.content.end]
        attributes = b"\x31" + token[form.attributes.start + 1 : form.attributes.end]
        if (
            not form.signer.not_before <= generated_at <= form.signer.not_after
            or hashlib.new(form.scheme.digest, content).digest() != token[form.digest.body : form.digest.end]
            or not is_signed(form.signer.key, form.scheme, token[form.signature.body : form.signature.end], attributes)
        ):
            return None
        return replace(
            form.facts,
            generated_at=generated_at,
            serial=serial,
            nonce=nonce,
            imprint=token[form.imprint.body : form.imprint.end],
        )


def _form_of(token: bytes, signed: cms.SignedData, facts: "TokenFacts") -> _Form:
    """The places of a token of which everything is known to be right."""
    parts = der.read(token).children[1].children[0].children
    content = parts[2].children[1].children[0]
    fields = parts[-1].children[0].children
    digest = next(
        one.children[1].children[0] for one in fields[3].children if one.children[0].as_oid() == cms.MESSAGE_DIGEST
    )
    info = der.read(token[content.body : content.end]).children
    nonce = next((_moved(node, content.body) for node in info[5:] if node.tag == der.INTEGER), None)
    places = {
        "imprint": _moved(info[2].children[1], content.body),
        "serial": _moved(info[3], content.body),
        "time": _moved(info[4], content.body),
        "digest": _moved(digest),
        "signature": _moved(fields[5]),
    }
    holes = sorted([(one.body, one.end) for one in (*places.values(), *([nonce] if nonce else []))])
    edges = [0, *(edge for hole in holes for edge in hole), len(token)]
    around = tuple(
        (start, end, token[start:end]) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end
    )
    return _Form(
        around=around,
        nonce=nonce,
        content=_moved(content),
        attributes=_moved(fields[3]),
        signer=signed.signer,
        scheme=signed.scheme,
        facts=facts,
        **places,
    )


def _moved(node: Node, by: int = 0) -> _Place:
    return _Place(node.start + by, node.body + by, node.end + by)


def _node(token: bytes, place: _Place) -> Node:
    return Node(token, place.start, token[place.start], place.body, place.end)
