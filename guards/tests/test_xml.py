"""Hostile XML: refused by form, before anybody walks it (V-063)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.xml import XmlRefused, parse_hostile

BOMB = (
    b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;">]>'
    b"<a>&d;</a>"
)
REFUSED = {
    "entity bomb": BOMB,
    "external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "parameter entity": b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x"> %x;]><a/>',
    "external document type": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
    "empty document type": b"<!DOCTYPE a><a/>",
    "unknown entity": b"<a>&x;</a>",
    "comment": b"<a>b<!-- c -->d</a>",
    "comment before the root": b"<!-- c --><a/>",
    "comment after the root": b"<a/><!-- c -->",
    "instruction": b"<a><?php x?></a>",
    "style sheet": b'<?xml-stylesheet href="x.xsl"?><a/>',
    "instruction after the root": b"<a/><?x y?>",
    "16 bit": "<a/>".encode("utf-16"),
    "16 bit without a mark": "<a/>".encode("utf-16-be"),
    "a document type hidden in 7-bit letters": b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a><a/>',
    "another encoding": b'<?xml version="1.0" encoding="iso-8859-9"?><a/>',
    "utf-7": b"<?xml version='1.0' encoding='utf-7'?><a/>",
    "not utf-8": b"<a>\xff</a>",
    "NUL": b"<a>\0</a>",
    "two roots": b"<a/><b/>",
    "text after the root": b"<a/>x",
    "not closed": b"<a>",
    "control character": b"<a>\x01</a>",
    "nothing": b"",
    "an attribute twice": b'<a x="1" x="2"/>',
    "unbound prefix": b"<p:a/>",
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses(name: str) -> None:
    with pytest.raises(XmlRefused):
        parse_hostile(REFUSED[name], max_bytes=10_000)


def test_a_plain_document_is_read() -> None:
    root = parse_hostile(
        '<?xml version="1.0" encoding="UTF-8"?><a b="ş"><![CDATA[<!DOCTYPE]]></a>'.encode().replace(b"<!DOCTYPE", b"x"),
        max_bytes=200,
    )
    assert (root.tag, root.get("b"), root.text) == ("a", "ş", "x")


def test_comments_and_instructions_pass_only_when_asked_for() -> None:
    raw = b"<a><!-- c --><?x y?></a>"
    assert parse_hostile(raw, max_bytes=100, allow_comments=True, allow_instructions=True).tag == "a"
    for allowed in ("allow_comments", "allow_instructions"):
        with pytest.raises(XmlRefused):
            parse_hostile(raw, max_bytes=100, **{allowed: True})


def test_size_and_depth_are_bounded() -> None:
    def nested(depth: int) -> bytes:
        return b"<a>" * depth + b"</a>" * depth

    assert parse_hostile(nested(100), max_bytes=1_000).tag == "a"
    for depth in (101, 10_000):
        with pytest.raises(XmlRefused):
            parse_hostile(nested(depth), max_bytes=1_000_000)
    with pytest.raises(XmlRefused):
        parse_hostile(b"<a/>", max_bytes=3)
    with pytest.raises(XmlRefused):
        parse_hostile(b"<a>" + b"<b/>" * 200_001 + b"</a>", max_bytes=10_000_000)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for text in (raw, b"<a>" + raw + b"</a>"):
        try:
            parse_hostile(text, max_bytes=1_000)
        except XmlRefused:
            continue
