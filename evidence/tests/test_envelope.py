"""The KEP message: order of parts, headers, the original untouched inside (K-100..K-105)."""

import email
import email.policy
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.envelope import (
    DispatchDraft,
    DispatchHeaders,
    EnvelopeRefused,
    assemble_dispatch,
    build_dispatch_part,
    read_dispatch,
)
from evidence.facts import EvidenceKind, Issuer
from guards.mime import HeadersDiffer, MimeRefused
from guards.mime_fields import unshowable
from guards.mime_write import multipart
from guards.tests.originals import FOREIGN, SOUND

HS01 = Issuer("Örnek KEPHS A.Ş.", "urn:oid:2.16.792.9.9.9.1", "hs01", "hs01.kep.tr")
SIGNATURE = b"\x30\x82\x01\x00" + bytes(256)
PROOF = b'<SubmissionAcceptanceRejection xmlns="http://uri.etsi.org/02640/v2#"></SubmissionAcceptanceRejection>'
HEADERS = DispatchHeaders(
    sender_address="ayse.yilmaz@hs01.kep.tr",
    sender_name="Ayşe Yılmaz",
    to=(("Veli, Ali", "ali.celik@hs01.kep.tr"),),
    cc=(("", "ptt.hukuk@ptt.hs01.kep.tr"),),
    subject="İhtarname: ĞÜŞİÖÇ ığüşöç",
    kep_id="<01933f2a.kep@hs01.kep.tr>",
    original_message_id="<01933f2ab7c0@hs01.kep.tr>",
    date=datetime(2026, 11, 24, 8, 0, 5, tzinfo=UTC),
    evidence_id="ev-01933f2ab7c0",
    evidence_kind=EvidenceKind.SUBMITTED,
    original_digest=hashlib.sha256(SOUND).digest(),
    kind="standart",
    provider="hs01.kep.tr",
)


def a_draft(
    *,
    original: bytes | None = SOUND,
    evidences: tuple[tuple[str, bytes], ...] = (("delil-10.xml", PROOF),),
    headers: DispatchHeaders = HEADERS,
) -> DispatchDraft:
    return build_dispatch_part(
        provider=HS01,
        introduction_text="Bu bir KEP iletisidir.\n",
        introduction_html="<p>Bu bir KEP iletisidir.</p>",
        original=original,
        evidences=evidences,
        headers=headers,
    )


def test_what_was_wrapped_comes_out_untouched() -> None:
    draft = a_draft(evidences=(("delil-10.xml", PROOF), ("delil-40.xml", PROOF + b" ")))
    read = read_dispatch(assemble_dispatch(draft, SIGNATURE))
    assert read.original == SOUND
    assert read.evidences == (("delil-10.xml", PROOF), ("delil-40.xml", PROOF + b" "))
    assert read.introduction == "Bu bir KEP iletisidir.\n"
    assert read.headers == HEADERS
    assert (read.signed_part, read.signature_der) == (draft.signed_part, SIGNATURE)
    assert read.protected
    assert read.is_ours


def test_the_parts_stand_in_the_order_of_the_rule_and_the_standard_library_sees_them_alike() -> None:
    message = email.message_from_bytes(assemble_dispatch(a_draft(), SIGNATURE), policy=email.policy.default)
    assert message.get_content_type() == "multipart/signed"
    assert message.get_param("protocol") == "application/pkcs7-signature"
    mixed, signature = message.iter_parts()
    assert signature.get_payload(decode=True) == SIGNATURE
    assert [part.get_content_type() for part in mixed.iter_parts()] == [
        "multipart/alternative",
        "message/rfc822",
        "application/xml",
    ]
    proof = list(mixed.iter_parts())[2]
    assert (proof.get_filename(), proof.get_payload(decode=True)) == ("delil-10.xml", PROOF)


def test_the_headers_say_who_sends_for_whom_and_what_is_inside() -> None:
    message = email.message_from_bytes(assemble_dispatch(a_draft(), SIGNATURE), policy=email.policy.default)
    assert message["from"].addresses[0].addr_spec == "kephs@hs01.kep.tr"
    assert message["from"].addresses[0].display_name == "ayse.yilmaz@hs01.kep.tr adına"
    assert message["reply-to"].addresses[0].addr_spec == "ayse.yilmaz@hs01.kep.tr"
    assert message["subject"] == "KEP iletisi: İhtarname: ĞÜŞİÖÇ ığüşöç"
    assert message["message-id"] == "<01933f2a.kep@hs01.kep.tr>"
    assert message["x-rem-msg-type"] == "Dispatch"
    assert message["x-rem-event"] == "http:uri.etsi.org/02640/Event#Acceptance"
    assert message["x-rem-evidence-type"] == "SubmissionAcceptanceRejection"
    assert message["x-rem-uamessageidentifier"] == "<01933f2ab7c0@hs01.kep.tr>"


def test_an_eight_bit_original_travels_as_eight_bit() -> None:
    raw = assemble_dispatch(a_draft(original=FOREIGN), SIGNATURE)
    assert b"Content-Transfer-Encoding: 8bit" in raw
    assert read_dispatch(raw).original == FOREIGN


def test_a_receipt_carries_proofs_only() -> None:
    raw = assemble_dispatch(a_draft(original=None), SIGNATURE)
    assert b"X-REM-Msg-Type: Message\r\n" in raw
    assert read_dispatch(raw).original is None


SHOWABLE = st.text(max_size=60).filter(lambda text: unshowable(text) is None)


@settings(max_examples=60)
@given(SHOWABLE, SHOWABLE, SHOWABLE, st.sampled_from(["standart", "eYazisma", "eTebligat"]))
def test_any_showable_headers_are_read_back(subject: str, sender: str, recipient: str, kind: str) -> None:
    headers = replace(
        HEADERS, subject=subject, sender_name=sender, to=((recipient, "ali.celik@hs01.kep.tr"),), cc=(), kind=kind
    )
    assert read_dispatch(assemble_dispatch(a_draft(headers=headers), SIGNATURE)).headers == headers


def test_the_other_prefix_is_read_as_well() -> None:
    draft = a_draft()
    block = draft.outer_headers.replace(b"X-REM-", b"REM-")
    other = DispatchDraft(block, draft.signed_part.replace(draft.outer_headers, block))
    assert read_dispatch(assemble_dispatch(other, SIGNATURE)).headers == HEADERS


def _with_block(change: Callable[[bytes], bytes]) -> bytes:
    """A KEP message whose headers were wrong before it was signed."""
    draft = a_draft()
    block = change(draft.outer_headers)
    return assemble_dispatch(DispatchDraft(block, draft.signed_part.replace(draft.outer_headers, block, 1)), SIGNATURE)


@pytest.mark.parametrize(
    "name",
    [
        "From",
        "Reply-To",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "X-REM-Event-Code",
        "X-REM-Evidence-Identifier",
        "X-REM-Message-Identifier",
        "X-REM-UAMessageIdentifier",
        "X-REM-DigestMethod",
        "X-REM-DigestValue",
    ],
)
def test_a_kep_message_without_a_header_it_needs_is_refused(name: str) -> None:
    def without(block: bytes) -> bytes:
        return re.sub(rb"(?m)^" + name.encode() + rb":.*\r\n(?: .*\r\n)*", b"", block)

    assert without(a_draft().outer_headers) != a_draft().outer_headers
    with pytest.raises(EnvelopeRefused):
        read_dispatch(_with_block(without))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"X-REM-Event-Code: 10", b"X-REM-Event-Code: on"),
        (b"X-REM-Event-Code: 10", b"X-REM-Event-Code: 99"),
        (b"X-REM-DigestValue: ", b"X-REM-DigestValue: *"),
        (b"xmlenc#sha256", b"xmlenc#sha1"),
        (b"X-REM-Message-Identifier: <0", b"X-REM-Message-Identifier: <1"),
        (b"iletiTip: standart", b"iletiTip: reklam"),
        (b"\r\n <kephs@hs01.kep.tr>", b"\r\n <kephs@hs01.kep.tr>, kephs@hs02.kep.tr"),
        (b"\r\n <ayse.yilmaz@hs01.kep.tr>", b"\r\n <ayse.yilmaz@hs01.kep.tr>, ali@hs01.kep.tr"),
    ],
)
def test_a_kep_message_with_a_header_of_another_form_is_refused(old: bytes, new: bytes) -> None:
    assert old in a_draft().outer_headers
    with pytest.raises(EnvelopeRefused):
        read_dispatch(_with_block(lambda block: block.replace(old, new, 1)))


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "a\r\nBcc: x"},
        {"sender_name": "a\nb"},
        {"sender_address": "ayse@example.com"},
        {"to": ()},
        {"to": (("", "x@example.com"),)},
        {"kep_id": "01933f2a@hs01.kep.tr"},
        {"original_message_id": "<a>\r\nX: y"},
        {"evidence_id": "ev-1\r\nX: y"},
        {"kind": "reklam"},
        {"original_digest": b"kisa"},
        {"provider": "hs02.kep.tr"},
    ],
)
def test_headers_that_could_break_the_message_are_never_written(changed: dict[str, object]) -> None:
    with pytest.raises(MimeRefused):
        a_draft(headers=replace(HEADERS, **changed))  # type: ignore[arg-type]


def test_a_message_without_evidence_is_no_kep_message() -> None:
    with pytest.raises(EnvelopeRefused):
        a_draft(evidences=())


def test_an_original_with_bare_line_feeds_cannot_travel() -> None:
    with pytest.raises(MimeRefused):
        read_dispatch(assemble_dispatch(a_draft(original=b"a: b\n\nc\n"), SIGNATURE))


def test_a_header_changed_on_the_way_is_named() -> None:
    raw = assemble_dispatch(a_draft(), SIGNATURE)
    with pytest.raises(HeadersDiffer) as caught:
        read_dispatch(raw.replace(b"X-REM-Event-Code: 10", b"X-REM-Event-Code: 40", 1))
    assert caught.value.name == "x-rem-event-code"


def _rearranged(order: list[int]) -> bytes:
    draft = a_draft(evidences=(("delil-10.xml", PROOF), ("delil-40.xml", PROOF)))
    boundary = draft.signed_part.partition(b'boundary="')[2].partition(b'"')[0]
    pieces = draft.signed_part.split(b"--" + boundary + b"\r\n")[1:]
    parts = [piece.removesuffix(b"\r\n") for piece in pieces]
    parts[-1] = parts[-1].partition(b"\r\n--" + boundary + b"--")[0]
    mixed = multipart("mixed", [parts[at] for at in order], first=draft.outer_headers, attribute='hp="clear"')
    return assemble_dispatch(DispatchDraft(draft.outer_headers, mixed), SIGNATURE)


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 2, 1], [0, 1], [1, 2], [0], [0, 1, 1, 2], [0, 0, 1, 2], [0, 1, 2, 2]])
def test_parts_out_of_order_missing_or_doubled_are_refused(order: list[int]) -> None:
    assert read_dispatch(_rearranged([0, 1, 2, 3])).original == SOUND
    with pytest.raises(EnvelopeRefused):
        read_dispatch(_rearranged(order))


def test_a_signed_part_of_another_kind_is_refused() -> None:
    draft = a_draft()
    boundary = draft.signed_part.partition(b'boundary="')[2].partition(b'"')[0]
    pieces = draft.signed_part.split(b"\r\n--" + boundary)[1:-1]
    parts = [piece.removeprefix(b"\r\n") for piece in pieces]
    for subtype in ("mixed", "related"):
        part = multipart(subtype, parts, first=draft.outer_headers, attribute='hp="clear"')
        raw = assemble_dispatch(DispatchDraft(draft.outer_headers, part), SIGNATURE)
        if subtype == "mixed":
            assert read_dispatch(raw).original == SOUND
        else:
            with pytest.raises(EnvelopeRefused):
                read_dispatch(raw)


def test_an_original_is_not_a_kep_message() -> None:
    with pytest.raises(MimeRefused):
        read_dispatch(SOUND)


@settings(max_examples=200)
@given(st.data())
def test_no_changed_byte_goes_unseen_outside_what_is_signed(data: st.DataObject) -> None:
    raw = assemble_dispatch(a_draft(), SIGNATURE)
    sound = read_dispatch(raw)
    flipped = bytearray(raw)
    flipped[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = read_dispatch(bytes(flipped))
    except MimeRefused:
        return
    assert read.signed_part != sound.signed_part or read.signature_der != sound.signature_der
