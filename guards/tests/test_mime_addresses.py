"""Addresses and header facts: V-073, V-074, K-085, K-087."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.mime import Address, Field, MimeRefused, addresses, is_kep_address, read_headers
from guards.mime_addresses import read_date, write_date
from guards.mime_fields import unshowable
from guards.mime_write import address_value, header
from guards.tests.originals import BLOCK

SHOWABLE = st.text(max_size=120).filter(lambda text: unshowable(text) is None)


def _to(value: str) -> Field:
    return Field("to", b"To", b" " + value.encode("ascii"))


@pytest.mark.parametrize(
    "address",
    [
        "ali.celik@hs01.kep.tr",
        "ali.celik.66@hs01.kep.tr",
        "1122334455667788@hs02.kep.tr",
        "1122334455667788.muhasebe@hs02.kep.tr",
        "ptt.hukuk@ptt.hs01.kep.tr",
        "a-b@x-y.hs99.kep.tr",
        "a" * 63 + "@hs01.kep.tr",
    ],
)
def test_addresses_of_the_closed_circuit_are_read(address: str) -> None:
    assert is_kep_address(address)
    assert addresses(_to(address)) == (Address("", address),)
    assert addresses(_to(f"<{address}>")) == (Address("", address),)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        ",",
        "ali.celik@hs01.kep.tr,",
        ",ali.celik@hs01.kep.tr",
        "ali.celik@example.com",
        "ali.celik@kep.tr",
        "ali.celik@hs1.kep.tr",
        "ali.celik@hs01.kep.tr.example.com",
        "ali.celik@hs01.kep.tr.",
        "ali.celik@a.b.hs01.kep.tr",
        "Ali.Celik@hs01.kep.tr",
        "ali.celik@HS01.kep.tr",
        "ali..celik@hs01.kep.tr",
        ".ali@hs01.kep.tr",
        "ali_celik@hs01.kep.tr",
        "ali+x@hs01.kep.tr",
        "a" * 65 + "@hs01.kep.tr",
        '"ali.celik"@hs01.kep.tr',
        '"ali.celik@hs01.kep.tr"',
        "ali.celik(yorum)@hs01.kep.tr",
        "Ali (yorum) <ali.celik@hs01.kep.tr>",
        "ali.celik@hs01.kep.tr (Ali)",
        "grup: ali.celik@hs01.kep.tr;",
        "undisclosed-recipients:;",
        "<@hs02.kep.tr:ali.celik@hs01.kep.tr>",
        "<ali.celik@[127.0.0.1]>",
        "<ali.celik@hs01.kep.tr> fazla",
        "<ali.celik@hs01.kep.tr><b@hs01.kep.tr>",
        "b@hs01.kep.tr <ali.celik@hs01.kep.tr>",
        "b@hs01.kep.tr ali.celik@hs01.kep.tr",
        "Ali <>",
        "Ali",
        "Ali <ali.celik @hs01.kep.tr>",
        "<=?utf-8?b?YWxp?=@hs01.kep.tr>",
        "=?utf-8?b?YWxpLmNlbGlrQGhzMDEua2VwLnRy?=",
        "=?utf-8?b?QWxpDQo=?= <ali.celik@hs01.kep.tr>",
        "=?utf-8?q?A=E2=80=AEli?= <ali.celik@hs01.kep.tr>",
        '"=?utf-8?q?Ali?=" <ali.celik@hs01.kep.tr>',
        '"Ali <ali.celik@hs01.kep.tr>',
        "Ali;Veli <ali.celik@hs01.kep.tr>",
        "ali.celik@xn--hs01-abc.kep.tr",
    ],
)
def test_every_other_form_is_refused(value: str) -> None:
    with pytest.raises(MimeRefused):
        addresses(_to(value))


def test_a_quoted_comma_does_not_make_two_recipients() -> None:
    found = addresses(_to('"Veli, \\"Ali\\" \\\\" <ali.celik@hs01.kep.tr>, Ayşe'.replace(", Ayşe", ", b@hs01.kep.tr")))
    assert found == (Address('Veli, "Ali" \\', "ali.celik@hs01.kep.tr"), Address("", "b@hs01.kep.tr"))


@given(st.lists(st.builds(Address, SHOWABLE, st.sampled_from(["a.b@hs01.kep.tr", "c@x.hs02.kep.tr"])), min_size=1))
def test_any_showable_name_is_read_back_as_written(given_addresses: list[Address]) -> None:
    line = header("To", address_value(given_addresses))
    assert addresses(Field("to", b"To", line[3:-2])) == tuple(given_addresses)
    assert max(len(text) for text in line.split(b"\r\n")) <= 78


@given(st.text(max_size=80))
def test_any_field_value_gives_addresses_or_a_refusal(value: str) -> None:
    try:
        found = addresses(Field("to", b"To", value.encode("utf-8", "replace")))
    except MimeRefused:
        return
    assert all(is_kep_address(address.address) for address in found)


def test_too_many_recipients_are_refused() -> None:
    with pytest.raises(MimeRefused):
        addresses(_to(",".join(["a@hs01.kep.tr"] * 2_002)))


def _fields(**changed: str | None) -> list[Field]:
    values: dict[str, str | None] = {
        "from": "a.b@hs01.kep.tr",
        "to": "c.d@hs01.kep.tr",
        "subject": "Konu",
        "date": "Tue, 24 Nov 2026 11:00:00 +0300",
        "message-id": "<1@hs01.kep.tr>",
    }
    values.update({name.replace("_", "-"): value for name, value in changed.items()})
    return [Field(name, name.encode(), b" " + value.encode()) for name, value in values.items() if value is not None]


def test_the_facts_of_a_message_stand_in_its_headers() -> None:
    facts = read_headers(_fields(x_tr_rem_iletitip="eYazisma", x_tr_rem_iletiid="E-1", cc="e.f@hs02.kep.tr"))
    assert facts.from_ == Address("", "a.b@hs01.kep.tr")
    assert facts.cc == (Address("", "e.f@hs02.kep.tr"),)
    assert (facts.kind, facts.kind_id) == ("eYazisma", "E-1")
    assert facts.date == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    assert read_headers(_fields()).kind == "standart"


@pytest.mark.parametrize(
    "changed",
    [
        {"from": None},
        {"to": None},
        {"subject": None},
        {"date": None},
        {"message_id": None},
        {"from": "a.b@hs01.kep.tr, c.d@hs01.kep.tr"},
        {"from": "a.b@example.com"},
        {"bcc": "c.d@hs01.kep.tr"},
        {"sender": "c.d@hs01.kep.tr"},
        {"reply_to": "c.d@example.com"},
        {"cc": "c.d@example.com"},
        {"resent_to": "c.d@hs01.kep.tr"},
        {"received": "from a by b"},
        {"x_tr_rem_iletitip": "STANDART"},
        {"x_tr_rem_iletitip": "reklam"},
        {"message_id": "1@hs01.kep.tr"},
        {"message_id": "<1@hs01.kep.tr> <2@hs01.kep.tr>"},
        {"date": "yesterday"},
        {"date": "Mon, 24 Nov 2026 11:00:00 +0300"},
        {"date": "31 Feb 2026 11:00:00 +0300"},
        {"date": "24 Nov 2026 11:00:00 +9900"},
        {"date": "24 Nov 2026 11:00:00 EST"},
        {"subject": "=?utf-8?b?QQ0KQmNjOiB4?="},
    ],
)
def test_messages_of_two_readings_are_refused(changed: dict[str, str | None]) -> None:
    with pytest.raises(MimeRefused):
        read_headers(_fields(**changed))


def test_a_second_subject_is_refused_whatever_its_letters() -> None:
    with pytest.raises(MimeRefused):
        read_headers([*_fields(), Field("subject", b"SUBJECT", b" iki")])


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(9000, 1, 1)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_a_written_date_is_read_back_to_the_second(naive: datetime, offset: int) -> None:
    moment = naive.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset)))
    assert read_date(write_date(moment)) == moment


def test_a_date_without_zone_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        write_date(datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_block_of_the_sound_message_is_seven_bit_and_short_lined() -> None:
    assert BLOCK.isascii()
    assert max(len(line) for line in BLOCK.split(b"\r\n")) <= 78
