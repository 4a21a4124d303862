"""DER: one spelling per value, written right and read strictly (V-062)."""

from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from evidence import der
from evidence.der import DerRefused

moments = st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2049, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.integers(min_value=-(2**300), max_value=2**300))
def test_integers_come_back_and_another_library_agrees(number: int) -> None:
    written = der.integer(number)
    assert der.read(written).as_integer() == number
    assert written == core.Integer(number).dump()


@given(st.binary(max_size=70_000))
def test_octet_strings_of_any_length_come_back(content: bytes) -> None:
    written = der.octets(content)
    assert der.read(written).as_octets() == content
    assert written == core.OctetString(content).dump()


@given(
    st.integers(0, 2).flatmap(
        lambda first: st.tuples(
            st.just(first),
            st.integers(0, 39 if first < 2 else 2**70),
            st.lists(st.integers(0, 2**70), max_size=8).map(tuple),
        )
    )
)
def test_object_identifiers_come_back(arcs: tuple[int, int, tuple[int, ...]]) -> None:
    dotted = ".".join(str(arc) for arc in (arcs[0], arcs[1], *arcs[2]))
    assert der.read(der.oid(dotted)).as_oid() == dotted


@pytest.mark.parametrize("dotted", ["1", "3.1", "1.40", "1.-2", "", "1.x"])
def test_what_is_no_object_identifier_is_not_written(dotted: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - int() and ours alike
        der.oid(dotted)


@pytest.mark.parametrize("octets", [256, 2_100, 60_000, 2_000_000])
def test_an_object_identifier_longer_than_any_is_refused_at_once(octets: int) -> None:
    """Python refuses to write down a number of that length (ValueError), after a time that grows with its square."""
    hostile = der.read(der.tlv(der.OID, b"\x81" * octets + b"\x01"))
    begun = perf_counter()
    with pytest.raises(DerRefused):
        hostile.as_oid()
    assert perf_counter() - begun < 0.1


@given(moments)
def test_times_come_back_to_the_microsecond_or_second(moment: datetime) -> None:
    assert der.read(der.generalized_time(moment)).as_time() == moment
    whole = moment.replace(microsecond=0)
    assert der.read(der.utc_time(moment)).as_time() == whole
    assert der.read(der.time(moment)).as_time() == whole


def test_the_time_of_a_signature_changes_its_form_in_2050() -> None:
    last = datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert der.time(last)[0] == der.UTC_TIME
    assert der.time(last + timedelta(seconds=1))[0] == der.GENERALIZED_TIME
    assert der.read(der.time(last + timedelta(seconds=1))).as_time() == last + timedelta(seconds=1)


def test_a_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="zone"):
        der.utc_time(datetime(2026, 11, 24, 8, 0))  # noqa: DTZ001 - the fault under test


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_a_set_is_written_in_the_order_of_its_bytes(contents: list[bytes]) -> None:
    written = der.set_of_sorted(*(der.octets(one) for one in contents))
    members = der.read(written).children
    assert [member.raw for member in members] == sorted(der.octets(one) for one in contents)
    assert der.is_sorted(members) == (len(set(contents)) == len(contents))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "cut off"),
        ("30", "cut off"),
        ("3080020101 0000", "length out of bounds"),
        ("04820001 00", "shortest form"),
        ("048105 0102030405", "shortest form"),
        ("0485 0000000001 00", "length out of bounds"),
        ("0402 01", "beyond its container"),
        ("0401 01 00", "bytes after the value"),
        ("1f0100", "several bytes"),
    ],
)
def test_a_head_in_another_spelling_is_refused(raw: str, reason: str) -> None:
    with pytest.raises(DerRefused, match=reason):
        der.read(bytes.fromhex(raw))


@pytest.mark.parametrize("raw", ["0200", "02020001", "0202ffff", "02020080ff"])
def test_an_integer_in_another_spelling_is_refused(raw: str) -> None:
    with pytest.raises(DerRefused):
        der.read(bytes.fromhex(raw)).as_integer()


@pytest.mark.parametrize("raw", ["010101", "0100", "01020000"])
def test_a_boolean_other_than_two_is_refused(raw: str) -> None:
    with pytest.raises(DerRefused):
        der.read(bytes.fromhex(raw)).as_boolean()


@pytest.mark.parametrize("raw", ["0600", "060180", "0602 8001", "060381"])
def test_an_object_identifier_in_another_spelling_is_refused(raw: str) -> None:
    with pytest.raises(DerRefused):
        der.read(bytes.fromhex(raw)).as_oid()


@pytest.mark.parametrize(
    "text",
    ["2611240800Z", "261124080000+0300", "261324080000Z", "261124080060Z", "+61124080000Z", "26112408000٠Z"],
)
def test_a_utc_time_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(DerRefused):
        der.read(der.tlv(der.UTC_TIME, text.encode())).as_time()


@pytest.mark.parametrize(
    "text", ["20261124080000.50Z", "20261124080000.Z", "20261124080000", "20261124080000,5Z", "20261124080000.1234567Z"]
)
def test_a_generalized_time_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(DerRefused):
        der.read(der.tlv(der.GENERALIZED_TIME, text.encode())).as_time()


def test_a_bit_string_with_unused_bits_and_a_null_with_content_are_refused() -> None:
    with pytest.raises(DerRefused):
        der.read(der.bits(b"\xf0", unused=4)).as_bits()
    with pytest.raises(DerRefused):
        der.read(b"\x05\x01\x00").as_null()


def test_nesting_beyond_the_bound_is_refused_and_not_walked() -> None:
    raw = b""
    for _ in range(der.MAX_DEPTH + 2):
        raw = der.seq(raw)
    with pytest.raises(DerRefused, match="deep"):
        der.check_all(der.read(raw))


def test_more_bytes_than_allowed_are_refused_at_once() -> None:
    with pytest.raises(DerRefused, match="more bytes"):
        der.read(der.octets(bytes(100)), max_bytes=50)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_refusal(raw: bytes) -> None:
    try:
        node = der.read(raw)
        der.check_all(node)
    except DerRefused:
        return
    assert node.raw == raw
