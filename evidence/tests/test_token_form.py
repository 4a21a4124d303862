"""A token read by its form is read like one that is checked in full, and nothing is let through more easily (V-062)."""

import hashlib
from collections.abc import Callable

import pytest

from evidence import cms, der, timestamp, token_form
from evidence.refusals import TimestampRefused
from evidence.tests.pki import KINDS, NOW, Authority, pki
from evidence.token_form import FormReader

DIGEST, OTHER = hashlib.sha256(b"bir").digest(), hashlib.sha256(b"iki").digest()
OURS = pki()


@pytest.fixture
def forms(monkeypatch: pytest.MonkeyPatch) -> FormReader:
    """No form is known."""
    fresh = FormReader()
    monkeypatch.setattr(timestamp, "_forms", fresh)
    timestamp._facts.cache_clear()
    return fresh


def learned(forms: FormReader, token: bytes) -> bytes:
    assert forms.read(token) is None
    timestamp._checked(token)
    assert forms.read(token) is not None
    return token


def in_full(token: bytes, monkeypatch: pytest.MonkeyPatch) -> timestamp.TokenFacts:
    with monkeypatch.context() as patched:
        patched.setattr(timestamp, "_forms", FormReader())
        return timestamp._checked(token)


def of_one_length(authority: Authority, count: int) -> list[bytes]:
    """Tokens whose signatures are equally long, as those of RSA are by themselves."""
    by_length: dict[int, list[bytes]] = {}
    for number in range(200):
        token = authority.token(hashlib.sha256(bytes([number])).digest(), nonce=2**62 + number)
        them = by_length.setdefault(len(token), [])
        them.append(token)
        if len(them) == count:
            return them
    raise AssertionError("no two signatures of one length")


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_token_is_read_by_its_form_as_it_would_be_in_full(
    kind: str, forms: FormReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = of_one_length(Authority(OURS.tsa(kind)), 5)
    learned(forms, first)
    for token in others:
        assert forms.read(token) == in_full(token, monkeypatch)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [0x01, 0x80, 0xFF])
def test_no_changed_byte_is_taken_anywhere(kind: str, bits: int, forms: FormReader) -> None:
    """Neither in the token the form was learned from nor in the next one."""
    first, second = of_one_length(Authority(OURS.tsa(kind)), 2)
    learned(forms, first)
    for token in (first, second):
        taken = [
            at
            for at in range(len(token))
            if forms.read(token[:at] + bytes([token[at] ^ bits]) + token[at + 1 :]) is not None
        ]
        assert taken == []


def test_a_token_of_another_authority_with_the_same_lengths_is_checked_in_full(forms: FormReader) -> None:
    theirs = pki("theirs")
    (ours,) = of_one_length(Authority(OURS.tsa("rsa2048")), 1)
    learned(forms, ours)
    assert forms.read(Authority(theirs.tsa("rsa2048")).token(DIGEST, nonce=2**62)) is None


# --- what only the authority itself could do: places that hold nonsense, truly signed --------------------------------
def resigned(token: bytes, change: Callable[[bytearray, token_form._Form], None]) -> bytes:
    """The token with its content changed in place, digest and signature made anew with the authority's own key."""
    signed = cms.parse(token)
    form = token_form._form_of(token, signed, timestamp._checked(token))
    raw = bytearray(token)
    change(raw, form)
    content = bytes(raw[form.content.body : form.content.end])
    raw[form.digest.body : form.digest.end] = hashlib.sha256(content).digest()
    attributes = b"\x31" + bytes(raw[form.attributes.start + 1 : form.attributes.end])
    raw[form.signature.body : form.signature.end] = OURS.tsa("rsa2048").sign(attributes)
    assert len(raw) == len(token)
    return bytes(raw)


def write(name: str, content: bytes) -> Callable[[bytearray, token_form._Form], None]:
    def change(raw: bytearray, form: token_form._Form) -> None:
        place = getattr(form, name)
        assert place.end - place.body == len(content)
        raw[place.body : place.end] = content

    return change


GOOD: list[Callable[[bytearray, token_form._Form], None]] = [
    write("imprint", OTHER),
    write("serial", b"\x7f" + bytes(15)),
    write("serial", b"\x80" + bytes(15)),
    write("nonce", b"\x40" + bytes(7)),
    write("time", (NOW.replace(minute=(NOW.minute + 1) % 60)).strftime("%Y%m%d%H%M%SZ").encode()),
]
BAD: list[tuple[Callable[[bytearray, token_form._Form], None], str]] = [
    (write("serial", bytes(16)), "not-der"),
    (write("serial", b"\xff\xff" + bytes(14)), "not-der"),
    (write("nonce", bytes(8)), "not-der"),
    (write("nonce", b"\xff" * 8), "not-der"),
    (write("time", b"20261399000000Z"), "not-der"),
    (write("time", b"20261124000060Z"), "not-der"),
    (write("time", b"20261124 00000Z"), "not-der"),
    (write("time", b"202611240000.0Z"), "not-der"),
    (write("time", b"19991124000000Z"), "certificate-not-valid-then"),
    (write("time", b"29991124000000Z"), "certificate-not-valid-then"),
]


@pytest.mark.parametrize("number", range(len(GOOD)))
def test_what_a_place_may_hold_is_read_alike(number: int, forms: FormReader, monkeypatch: pytest.MonkeyPatch) -> None:
    token = learned(forms, Authority(OURS.tsa("rsa2048")).token(DIGEST, nonce=2**62))
    other = resigned(token, GOOD[number])
    assert forms.read(other) == in_full(other, monkeypatch)


@pytest.mark.parametrize(("change", "reason"), BAD)
def test_what_a_place_must_not_hold_is_refused_alike(
    change: Callable[[bytearray, token_form._Form], None], reason: str, forms: FormReader
) -> None:
    token = learned(forms, Authority(OURS.tsa("rsa2048")).token(DIGEST, nonce=2**62))
    other = resigned(token, change)
    assert forms.read(other) is None
    with pytest.raises(TimestampRefused) as refused:
        timestamp.check_token(other, DIGEST, trust=None)
    assert refused.value.reason == reason


def test_a_token_without_nonce_has_a_form_too(forms: FormReader, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(OURS.tsa("rsa2048"))
    learned(forms, authority.token(DIGEST))
    other = authority.token(OTHER)
    assert forms.read(other) == in_full(other, monkeypatch)
    assert forms.read(authority.token(OTHER, nonce=2**62)) is None


def test_only_what_passed_in_full_is_learned_and_not_endlessly_much(forms: FormReader) -> None:
    wrong = Authority(OURS.tsa_with(purposes=(), critical=True)).token(DIGEST)
    with pytest.raises(TimestampRefused):
        timestamp.check_token(wrong, DIGEST, trust=None)
    assert forms.read(wrong) is None
    assert not forms._forms
    for count in range(200):
        authority = Authority(OURS.tsa("rsa2048"), policy=".".join(["1.2", *["3"] * count]))
        timestamp.check_token(authority.token(DIGEST), DIGEST, trust=None)
    assert len(forms._forms) <= token_form._MOST


def test_the_content_type_of_a_der_value_is_not_touched_by_its_place() -> None:
    """The places lie inside their values: no tag and no length is ever in one."""
    token = Authority(OURS.tsa("p256")).token(DIGEST, nonce=2**62)
    form = token_form._form_of(token, cms.parse(token), timestamp._checked(token))
    places = [form.imprint, form.serial, form.time, form.nonce, form.digest, form.signature]
    assert all(place is not None and place.start < place.body < place.end for place in places)
    tags = [token[place.start] for place in places if place is not None]
    assert tags == [
        der.OCTET_STRING,
        der.INTEGER,
        der.GENERALIZED_TIME,
        der.INTEGER,
        der.OCTET_STRING,
        der.OCTET_STRING,
    ]
    covered = sum(end - start for start, end, _ in form.around)
    held = sum(place.end - place.body for place in places if place is not None)
    assert covered + held == len(token)
