"""XML from outside, read within bounds (V-063).

No document type, so no entity that grows, fetches or hides; no network; UTF-8 only, because a second encoding is
a second reading; size, depth and number of nodes bounded before anybody walks the tree. The guard looks at form
only: whose schema, whose signature and which node was signed are questions for the caller (V-064).
"""

import re
from typing import Any, Final

from lxml import etree  # type: ignore[import-untyped]

from guards.errors import KepError

MAX_NODES: Final = 200_000

_DECLARED_ENCODING = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([^\"']{0,40})")
_MARKUP_DECLARATION = re.compile(rb"<!(?!--|\[CDATA\[)")


class XmlRefused(KepError):
    """Not an XML document we read. `reason` is English, for the log."""

    code = "DSY-01"
    user_message = "XML dosyası okunamadı ya da kabul edilmeyen bir yapı taşıyor. Hiçbir şey işlenmedi."


def parse_hostile(
    raw: bytes, *, max_bytes: int, max_depth: int = 100, allow_comments: bool = False, allow_instructions: bool = False
) -> Any:
    """The root element of `raw` (an lxml element).

    Refuses (XmlRefused): more than `max_bytes` bytes or `max_depth` levels, another encoding than UTF-8, any
    DOCTYPE or entity, comments and processing instructions unless allowed, and whatever is not well-formed.
    """
    if len(raw) > max_bytes:
        raise XmlRefused("too large", size=len(raw), limit=max_bytes)
    if b"\0" in raw:
        raise XmlRefused("NUL byte or 16-bit encoding")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        raise XmlRefused("not UTF-8") from None
    declared = _DECLARED_ENCODING.search(raw[:200])
    if declared is not None and declared[1].lower() not in (b"utf-8", b"us-ascii"):
        raise XmlRefused("another encoding declared")
    if _MARKUP_DECLARATION.search(raw):
        raise XmlRefused("document type or entity declaration")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=False,
        remove_pis=False,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError:
        raise XmlRefused("not well-formed") from None
    _refuse_nodes(root, max_depth, allow_comments, allow_instructions)
    return root


def _refuse_nodes(root: Any, max_depth: int, allow_comments: bool, allow_instructions: bool) -> None:
    outside = [*root.itersiblings(preceding=True), *root.itersiblings()]
    depth = count = 0
    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "end":
            depth -= 1
            continue
        count += 1
        if count > MAX_NODES:
            raise XmlRefused("too many nodes")
        if event == "start":
            depth += 1
            if depth > max_depth:
                raise XmlRefused("nested too deep")
        else:
            outside.append(node)
    for node in outside:
        if node.tag is etree.Comment and not allow_comments:
            raise XmlRefused("comment")
        if node.tag is etree.PI and not allow_instructions:
            raise XmlRefused("processing instruction")
