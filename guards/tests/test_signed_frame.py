"""The frame of a signed message: what openssl lets pass and we must not (measured.md, "Original message")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.mime import HeadersDiffer, MimeRefused, ProtectionState, cut_signed, open_signed
from guards.tests.originals import BLOCK, FOREIGN, SIGNATURE, SIGNED_PART, SOUND, boundary_of

DELIMITER = b"--" + boundary_of(SOUND)


def test_the_signed_octets_run_from_after_the_delimiter_line_to_before_the_next_one() -> None:
    cut = cut_signed(SOUND)
    start = SOUND.index(DELIMITER + b"\r\n") + len(DELIMITER) + 2
    end = SOUND.index(b"\r\n" + DELIMITER, start)
    assert cut.signed_part == SOUND[start:end] == SIGNED_PART
    assert cut.signed_part.endswith(b"--\r\n")
    assert cut.signature_der == SIGNATURE
    assert cut.digest_name == "sha256"
    assert cut.protected_block == BLOCK


def test_a_sound_message_of_ours_is_protected_and_recognised_by_its_signed_octets() -> None:
    cut, state = open_signed(SOUND)
    assert state is ProtectionState.PROTECTED
    assert cut.is_ours


def test_an_upload_without_protected_headers_is_read_and_said_to_be_so() -> None:
    cut, state = open_signed(FOREIGN)
    assert state is ProtectionState.ABSENT
    assert not cut.is_ours
    assert cut.digest_name == "sha512"
    assert cut.signed_part.endswith(b"\xfe\xf0\xfd")


def _once(raw: bytes, old: bytes, new: bytes) -> bytes:
    assert old in raw
    return raw.replace(old, new, 1)


def _last(raw: bytes, old: bytes, new: bytes) -> bytes:
    at = raw.rindex(old)
    return raw[:at] + new + raw[at + len(old) :]


SPOILED = {
    "line feeds only": SOUND.replace(b"\r\n", b"\n"),
    "one lone line feed in the part": _once(SOUND, b"\r\n\r\nU2F5", b"\n\r\nU2F5"),
    "one lone carriage return": _once(SOUND, b"U2F5", b"U2\rF5"),
    "a NUL byte": _once(SOUND, b"U2F5", b"U2F5\0"),
    "text before the first delimiter": _once(SOUND, b"\r\n" + DELIMITER, b"\r\nmerhaba\r\n" + DELIMITER),
    "a blank line before the first delimiter": _once(SOUND, b"\r\n" + DELIMITER, b"\r\n\r\n" + DELIMITER),
    "text after the last delimiter": SOUND + b"merhaba\r\n",
    "a blank line after the last delimiter": SOUND + b"\r\n",
    "no line end after the last delimiter": SOUND[:-2],
    "blanks after the first delimiter": _once(SOUND, DELIMITER + b"\r\n", DELIMITER + b" \r\n"),
    "blanks after the second delimiter": _last(SOUND, DELIMITER + b"\r\n", DELIMITER + b"\t\r\n"),
    "blanks after the close delimiter": _once(SOUND, DELIMITER + b"--\r\n", DELIMITER + b"-- \r\n"),
    "a third part": _once(
        SOUND, DELIMITER + b"--", DELIMITER + b"\r\nContent-Type: text/plain\r\n\r\nek\r\n" + DELIMITER + b"--"
    ),
    "no close delimiter": _once(SOUND, DELIMITER + b"--\r\n", b""),
    "the second delimiter as close delimiter": _last(SOUND, DELIMITER + b"\r\n", DELIMITER + b"--\r\n"),
    "a weak micalg": _once(SOUND, b"micalg=sha-256", b"micalg=sha-1"),
    "no micalg": _once(SOUND, b"\r\n micalg=sha-256;", b""),
    "another protocol": _once(SOUND, b"application/pkcs7-signature", b"application/pgp-signature"),
    "a header twice": b"Subject: baska\r\n" + SOUND,
    "a header twice in other letters": b"SUBJECT: baska\r\n" + SOUND,
    "a blank before the colon": _once(SOUND, b"Subject:", b"Subject :"),
    "a fold of blanks only": _once(SOUND, b"Subject:", b"Subject:\r\n \r\n"),
    "an 8-bit header": _once(SOUND, b"Subject: ", "Subject: ğ".encode()),
    "a control in a header": _once(SOUND, b"Subject: ", b"Subject: \x07"),
    "a line without a colon": b"Merhaba\r\n" + SOUND,
    "a first line that is a fold": b" x\r\n" + SOUND,
    "no MIME-Version": _once(SOUND, b"MIME-Version: 1.0\r\n", b""),
    "junk in the signature": _last(SOUND, b"MIIBAA", b"MII*AA"),
    "a signature not in base64": _last(SOUND, b"Encoding: base64", b"Encoding: 8bit"),
    "a second part of another type": _last(SOUND, b"application/pkcs7-signature", b"application/octet-stream"),
    "no blank line after the signature's headers": _last(SOUND, b'"smime.p7s"\r\n\r\n', b'"smime.p7s"\r\n'),
    "a line of a thousand bytes": _once(SOUND, b"Subject:", b"X-Uzun: " + b"a" * 992 + b"\r\nSubject:"),
    "no content type": _once(FOREIGN, b"Content-Type: multipart/signed", b"X-Content-Type: multipart/signed"),
    "an encoded frame": b"Content-Transfer-Encoding: base64\r\n" + FOREIGN,
    "a binary frame": b"Content-Transfer-Encoding: binary\r\n" + FOREIGN,
    "no boundary": FOREIGN.replace(b"; boundary=sinir", b"").replace(b"--sinir", b"--"),
    "a boundary with a blank": FOREIGN.replace(b"boundary=sinir", b'boundary="si nir"').replace(
        b"--sinir", b"--si nir"
    ),
    "a second part without anything": _once(
        FOREIGN, FOREIGN[FOREIGN.rindex(b"--sinir\r\n") + 9 : FOREIGN.rindex(b"--sinir--")], b""
    ),
    "an empty first part": _once(
        FOREIGN, FOREIGN[FOREIGN.index(b"--sinir\r\n") + 9 : FOREIGN.rindex(b"--sinir\r\n")], b""
    ),
    "a huge signature": _once(FOREIGN, b"MAMCAQE=\r\n", b"MAMCAQE=\r\n".replace(b"=", b"A") * 300_000),
    "a huge message": FOREIGN.replace(b"\r\n\xfe", b"\r\n" * 17_000_000 + b"\xfe"),
    "an empty message": b"",
    "headers only": SOUND[: SOUND.index(b"\r\n\r\n") + 2],
}


@pytest.mark.parametrize("name", SPOILED)
def test_it_refuses(name: str) -> None:
    assert SPOILED[name] != SOUND
    with pytest.raises(MimeRefused):
        cut_signed(SPOILED[name])


def test_a_line_of_998_bytes_is_the_longest_that_passes() -> None:
    long = _once(FOREIGN, b"Subject:", b"X-Uzun: " + b"a" * 990 + b"\r\nSubject:")
    assert cut_signed(long).signed_part == cut_signed(FOREIGN).signed_part


CHANGED_HEADERS = {
    "from": _once(SOUND, b"ayse.yilmaz@", b"ayse.yilmas@"),
    "to": _once(SOUND, b"ali.celik@", b"ali.celih@"),
    "cc": _once(SOUND, b"Cc: ptt.hukuk@", b"Cc: ptt.gukuk@"),
    "subject": _once(SOUND, b"Subject: =?utf-8?b?", b"Subject: =?UTF-8?b?"),
    "date": _once(SOUND, b"11:00:00", b"11:00:01"),
    "message-id": _once(SOUND, b"<01933f2ab7c0@", b"<01933f2ab7c1@"),
    "x-tr-rem-iletitip": _once(SOUND, b"standart", b"eTebligat"),
    "reply-to": b"Reply-To: baska@hs01.kep.tr\r\n" + SOUND,
    "received": b"Received: from a by b\r\n" + SOUND,
    "x-priority": _once(SOUND, b"MIME-Version", b"X-Priority: 1\r\nMIME-Version"),
}


@pytest.mark.parametrize("name", CHANGED_HEADERS)
def test_a_header_changed_or_added_after_signing_is_named(name: str) -> None:
    with pytest.raises(HeadersDiffer) as caught:
        open_signed(CHANGED_HEADERS[name])
    assert caught.value.name == name
    assert name in caught.value.for_person()


def test_a_lost_header_is_named() -> None:
    with pytest.raises(HeadersDiffer) as caught:
        open_signed(_once(SOUND, b"Date: Tue, 24 Nov 2026 11:00:00 +0300\r\n", b""))
    assert caught.value.name == "date"


def test_refolding_and_reordering_are_differences() -> None:
    with pytest.raises(HeadersDiffer):
        open_signed(_once(SOUND, b"Tue, 24 Nov", b"Tue,\r\n 24 Nov"))
    lines = BLOCK.split(b"\r\n")
    moved = b"\r\n".join([lines[-2], *lines[:-2], b""])
    with pytest.raises(HeadersDiffer):
        open_signed(moved + SOUND[len(BLOCK) :])


def test_losing_all_outer_headers_does_not_turn_a_protected_message_into_an_unprotected_one() -> None:
    with pytest.raises(HeadersDiffer):
        open_signed(SOUND[len(BLOCK) :])


def test_an_upload_may_fold_and_encode_differently_but_not_say_something_else() -> None:
    inner = b"Subject: =?utf-8?q?=C4=B0htar?=\r\nFrom: ayse.yilmaz@hs01.kep.tr\r\n"
    frame = (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256;'
    )
    body = (
        b" boundary=s\r\n\r\n--s\r\n" + inner + b'Content-Type: text/plain; hp="clear"\r\n\r\nmetin\r\n--s\r\n'
        b"Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\nMAMCAQE=\r\n--s--\r\n"
    )
    same = b"From:\r\n\tayse.yilmaz@hs01.kep.tr\r\nSubject: =?utf-8?b?xLBodGFy?=\r\n"
    assert open_signed(same + frame + body)[1] is ProtectionState.PROTECTED
    with pytest.raises(HeadersDiffer):
        open_signed(same.replace(b"xLBodGFy", b"aWh0YXI=") + frame + body)
    with pytest.raises(HeadersDiffer):
        open_signed(same + b"X-Ek: 1\r\n" + frame + body)
    with pytest.raises(HeadersDiffer):
        open_signed(frame + body)


@given(st.integers(0, len(SOUND) - 1), st.integers(1, 255))
def test_no_single_byte_outside_the_signed_octets_and_the_signature_is_free(at: int, mask: int) -> None:
    flipped = bytearray(SOUND)
    flipped[at] ^= mask
    try:
        cut, _ = open_signed(bytes(flipped))
    except MimeRefused:
        return
    assert cut.signed_part != SIGNED_PART or cut.signature_der != SIGNATURE


@given(st.binary(max_size=400))
def test_any_bytes_are_cut_or_refused(raw: bytes) -> None:
    for text in (raw, SOUND[:300] + raw + SOUND[300:], SOUND[:-200] + raw):
        try:
            open_signed(text)
        except MimeRefused:
            continue
