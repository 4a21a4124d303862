"""Evidence XML: valid against ETSI TS 102 640-2, canonical by construction, and read back byte for byte (K-106)."""

import hashlib
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from evidence import xml
from evidence.facts import Authentication, EvidenceKind, Issuer, Party, Reason
from evidence.refusals import EvidenceRefused, InconsistentFacts, UnrepresentableText
from evidence.tests.judges import needs_schemas, schema
from evidence.tests.samples import facts

CASES = [
    *(facts(kind) for kind in EvidenceKind),
    facts(EvidenceKind.NOT_DELIVERED, expired=True, reasons=((Reason.NO_DELIVERY_INFO, "24 saat doldu"),)),
    facts(sender_authentication=None, original_message_id="", subject=""),
    facts(subject='\t]]> "tırnak"\r\nsatır 😀 & < >', sender=Party("a@hs01.kep.tr", "\t\r\n\"'&<>İı")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{int(case.kind)}")
def test_what_is_written_is_read_back_equal(case: Any) -> None:
    assert xml.read(xml.render(case)) == case


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{int(case.kind)}")
def test_the_bytes_are_their_own_canonical_form_under_three_methods(case: Any) -> None:
    raw = xml.render(case)
    tree = etree.fromstring(raw)
    assert etree.tostring(tree, method="c14n", exclusive=True) == raw
    assert etree.tostring(tree, method="c14n") == raw
    assert etree.tostring(tree, method="c14n2") == raw


@needs_schemas
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{int(case.kind)}")
def test_each_kind_is_valid_against_the_etsi_schema(case: Any) -> None:
    schema().assertValid(etree.fromstring(xml.render(case)))


def test_each_kind_has_its_element_code_and_turkish_title() -> None:
    event = "http:uri.etsi.org/02640/Event#"
    assert [(int(kind), kind.title, kind.root_element, kind.event_code) for kind in EvidenceKind] == [
        (10, "Gönderi kabul edildi", "SubmissionAcceptanceRejection", event + "Acceptance"),
        (11, "Gönderi kabul edilmedi", "SubmissionAcceptanceRejection", event + "Rejection"),
        (20, "Alıcının hizmet sağlayıcısı iletiyi kabul etti", "RelayREMMDAcceptanceRejection", event + "Acceptance"),
        (21, "Alıcının hizmet sağlayıcısı iletiyi kabul etmedi", "RelayREMMDAcceptanceRejection", event + "Rejection"),
        (31, "İleti alıcının hizmet sağlayıcısına iletilemedi", "RelayREMMDFailure", None),
        (40, "Alıcının kutusuna teslim edildi", "DeliveryNonDeliveryToRecipient", event + "Delivery"),
        (41, "Teslim edilemedi", "DeliveryNonDeliveryToRecipient", event + "NonDelivery"),
        (60, "Okundu", "RetrievalNonRetrievalByRecipient", event + "Retrieval"),
        (61, "Okunmuş sayıldı", "RetrievalNonRetrievalByRecipient", event + "RetrievalExpiration"),
    ]


def test_reasons_are_emitted_in_one_spelling_and_read_in_those_that_circulate() -> None:
    base = "http:uri.etsi.org/REM/EventReason#"
    assert Reason.R_REMMD_NOT_IDENTIFIED.uri == base + "R_REMMD_NotIdentified"
    assert Reason.ATTACHMENT_FORMAT_NOT_ACCEPTED.uri == base + "AttachementFormatNotAccepted"
    assert Reason.parse(base + "R_REMMD_NotIdenified") is Reason.R_REMMD_NOT_IDENTIFIED
    assert Reason.parse("http://uri.etsi.org/REM/EventReason#AttachmentFormatNotAccepted").number == 13
    assert [reason.number for reason in Reason] == list(range(1, 23))
    assert all(Reason.parse(reason.uri) is reason for reason in Reason)
    with pytest.raises(InconsistentFacts):
        Reason.parse(base + "Uydurma")


def test_everything_a_proof_must_bind_stands_in_it() -> None:
    """A-002, K-106."""
    text = xml.render(facts(EvidenceKind.READ)).decode()
    for piece in (
        "<EvidenceIdentifier>ev-0198b0c0d0e07000800000000000abcd</EvidenceIdentifier>",
        "<PolicyID>urn:oid:2.16.792.9.9.9.1</PolicyID>",
        '<EntityName xml:lang="tr"><Name>Örnek KEPHS A.Ş.</Name></EntityName>',
        '<AttributedElectronicAddress scheme="mailto">kephs@hs01.kep.tr</AttributedElectronicAddress>',
        "<EventTime>2026-11-24T08:00:00Z</EventTime><SubmissionTime>2026-11-24T08:00:00Z</SubmissionTime>",
        "<EvidenceRefersToRecipient>2</EvidenceRefersToRecipient>",
        "<MessageSubject>Kira sözleşmesi &lt;fesih&gt; &amp; ihtar</MessageSubject>",
        "<UAMessageIdentifier>&lt;0198b0c0@hs01.kep.tr&gt;</UAMessageIdentifier>",
        "<MessageIdentifierByREMMD>&lt;0198b0c1.kep@hs01.kep.tr&gt;</MessageIdentifierByREMMD>",
        f">{b64encode(hashlib.sha256(b'original').digest()).decode()}</ds:DigestValue>",
    ):
        assert piece in text
    assert "EvidenceRefersToRecipient" not in xml.render(facts(EvidenceKind.SUBMITTED)).decode()


def _xml_can_hold(text: str) -> bool:
    """What libxml2 thinks of the bare characters."""
    try:
        etree.fromstring(f"<a>{text.translate({ord(char): None for char in '&<>'})}</a>".encode())
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        return False
    return True


@given(subject=st.text(max_size=60), name=st.text(max_size=60), detail=st.text(max_size=40))
@example(subject="\ud800", name="", detail="")
@example(subject="￿", name="", detail="")
@example(subject="a\x0bb", name="", detail="")
@example(subject="&#x9;", name="&quot;", detail="&amp;amp;")
def test_any_text_is_read_back_equal_or_refused_before_it_is_written(subject: str, name: str, detail: str) -> None:
    try:
        case = facts(
            EvidenceKind.NOT_SUBMITTED,
            subject=subject,
            sender=Party("a@hs01.kep.tr", name),
            reasons=((Reason.OTHER, detail),),
        )
    except UnrepresentableText:
        assert not _xml_can_hold(subject + name + detail)
        return
    assert _xml_can_hold(subject + name + detail)
    raw = xml.render(case)
    assert xml.read(raw) == case
    tree = etree.fromstring(raw)
    assert etree.tostring(tree, method="c14n") == raw
    assert tree.findtext(".//{*}MessageSubject") == subject
    assert tree.find(".//{*}SenderDetails/{*}AttributedElectronicAddress").get("DisplayName", "") == name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ayse.isik@", "ayse.isik<!-- -->@"),
        ("<EventTime>", "<!--x--><EventTime>"),
        ("<EventTime>", "<?x y?><EventTime>"),
        ("<EventTime>", "<EventTime >"),
        ("<EventTime>", "\n<EventTime>"),
        ("sözleşmesi", "s&#246;zleşmesi"),
        ("sözleşmesi", "<![CDATA[sözleşmesi]]>"),
        ("ihtar", "ihtar\r"),
        ("&amp; ihtar", "& ihtar"),
        ("&amp; ihtar", "&apos; ihtar"),
        ("&amp; ihtar", "&quot; ihtar"),
        ("fesih&gt;", "fesih>"),
        ('scheme="mailto">ayse', "scheme='mailto'>ayse"),
        ('scheme="mailto">ayse', 'scheme="mailto" >ayse'),
        ('version="2.1.1"', 'version="2.1.2"'),
        ("2026-11-24T08:00:00Z</EventTime>", "2026-11-24T08:00:00+00:00</EventTime>"),
        ("2026-11-24T08:00:00Z</EventTime>", "2026-11-24T11:00:00+03:00</EventTime>"),
        ("2026-11-24T08:00:00Z</EventTime>", "2026-11-24T08:00:00.0Z</EventTime>"),
        ("></ds:DigestMethod>", "/>"),
        ("<EventCode>", "<EventCode></EventCode><EventCode>"),
        ("Event#Acceptance", "Event#Delivery"),
        ("<SubmissionAcceptanceRejection ", "<?xml version='1.0'?><SubmissionAcceptanceRejection "),
        ("</SubmissionAcceptanceRejection>", "</SubmissionAcceptanceRejection>\n"),
        ("<MessageSubject>", "<ReplyTo>x</ReplyTo><MessageSubject>"),
        ('" Id="ev"', '" Id="ev2"'),
        ("kephs@hs01", "kep@hs01"),
        (">ali@hs02", ">ali(yorum)@hs02"),
    ],
)
def test_the_same_document_in_another_form_is_refused(old: str, new: str) -> None:
    """Parsers take most of these and an XML signature stays valid over many; our reader knows one form (V-064)."""
    raw = xml.render(facts())
    changed = raw.decode().replace(old, new, 1).encode()
    assert changed != raw
    with pytest.raises(EvidenceRefused):
        xml.read(changed)


def test_a_refusal_names_the_first_byte_that_differs() -> None:
    raw = xml.render(facts())
    with pytest.raises(EvidenceRefused) as refused:
        xml.read(raw.replace(b"&gt; &amp;", b"> &amp;"))
    assert (refused.value.reason, refused.value.facts["at"]) == ("bytes", raw.index(b"&gt; &amp;"))


def test_bytes_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(EvidenceRefused, match="grammar"):
        xml.read(xml.render(facts()).replace("ö".encode(), b"\xf6"))


NOT_UTC = datetime(2026, 11, 24, 11, 0, tzinfo=timezone(timedelta(hours=3)))


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (EvidenceKind.NOT_SUBMITTED, {"reasons": ()}),
        (EvidenceKind.SUBMITTED, {"recipient_no": 1}),
        (EvidenceKind.DELIVERED, {"recipient_no": 0}),
        (EvidenceKind.DELIVERED, {"recipient_no": 3}),
        (EvidenceKind.SUBMITTED, {"recipients": ()}),
        (EvidenceKind.DELIVERED, {"expired": True}),
        (EvidenceKind.SUBMITTED, {"original_digest": b"short"}),
        (EvidenceKind.SUBMITTED, {"kep_id": ""}),
        (EvidenceKind.SUBMITTED, {"evidence_id": "0198b0c0"}),
        (EvidenceKind.SUBMITTED, {"event_at": datetime(2026, 11, 24, 8, 0, 0, 1, tzinfo=UTC)}),
        (EvidenceKind.SUBMITTED, {"event_at": NOT_UTC}),
        (EvidenceKind.SUBMITTED, {"submitted_at": datetime(2026, 11, 24, 8, 0)}),  # noqa: DTZ001 - the fault under test
    ],
)
def test_facts_that_no_proof_may_state_do_not_come_to_be(kind: EvidenceKind, changes: dict[str, Any]) -> None:
    right = facts(kind)
    with pytest.raises(InconsistentFacts):
        replace(right, **changes)


@pytest.mark.parametrize(
    "address", ["", "ayse", "ayse@", "a b@hs01.kep.tr", "a<b>@hs01.kep.tr", "ş@hs01.kep.tr", "a@b@c"]
)
def test_what_is_no_kep_address_is_no_party(address: str) -> None:
    with pytest.raises(InconsistentFacts):
        Party(address)


def test_an_issuer_s_domain_begins_with_its_code_and_a_method_is_a_uri() -> None:
    with pytest.raises(InconsistentFacts):
        Issuer("Ad", "urn:oid:2.16.792.9.9.9.1", "hs02", "hs01.kep.tr")
    with pytest.raises(InconsistentFacts):
        Issuer("Ad", "2.16.792", "hs01", "hs01.kep.tr")
    with pytest.raises(InconsistentFacts):
        Authentication(facts().event_at, "e-imza ile")


def test_ten_thousand_recipients_are_written_and_read_in_a_moment() -> None:
    many = tuple(Party(f"kisi{number}@hs01.kep.tr", "Ad & Soyad") for number in range(10_000))
    case = facts(EvidenceKind.DELIVERED, recipients=many, recipient_no=9_999)
    assert xml.read(xml.render(case)) == case
