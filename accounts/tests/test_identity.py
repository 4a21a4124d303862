"""Identifiers have one canonical form, and whatever is not in it is refused (I-001..I-019, V-009, V-010, V-074)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import AddressRefused, PhoneRefused, TcknRefused
from accounts.identity import (
    check_digits,
    is_foreigner_number,
    is_tckn,
    mask_tckn,
    read_address,
    read_mobile,
    read_tckn,
)

nine_digits = st.integers(min_value=100_000_000, max_value=999_999_999).map(str)


# --- T.C. kimlik no -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "number",
    [
        "10000000078",
        "12345678950",
        "11111111110",
        "54637281950",
        "98765432150",
        "20000000046",
        "99000000110",
        "99012345698",
        # neighbours that differ by five can be swapped unseen: the limit of the check digits (I-002)
        "16000000018",
        "61000000018",
    ],
)
def test_valid_numbers_are_read_as_they_are(number: str) -> None:
    assert read_tckn(number) == number


@pytest.mark.parametrize(
    "number",
    [
        "01234567890",
        "12345678951",
        "12345678940",
        "1234567895",
        "123456789500",
        "",
        " 12345678950",
        "12345678950 ",
        "12345678950\n",
        "1234567895O",
        "-12345678950",
        "１２３４５６７８９５０",
        "1２345678950",
        "١٢٣٤٥٦٧٨٩٥٠",
        "1234567895\N{MATHEMATICAL BOLD DIGIT ZERO}",
        "12345 67895",
    ],
)
def test_other_numbers_are_refused_and_never_mended(number: str) -> None:
    with pytest.raises(TcknRefused) as refusal:
        read_tckn(number)
    assert number.strip() == "" or number not in str(refusal.value), "the number must not reach a log"


@given(nine_digits)
def test_the_computed_digits_make_a_number_that_is_even_and_follows_the_short_rule(first_nine: str) -> None:
    number = first_nine + check_digits(first_nine)
    digits = [int(digit) for digit in number]
    assert is_tckn(number)
    assert digits[10] % 2 == 0
    assert digits[10] == 8 * sum(digits[0:9:2]) % 10


@given(nine_digits, st.integers(0, 10), st.integers(1, 9))
def test_every_single_wrong_digit_is_found(first_nine: str, place: int, shift: int) -> None:
    number = first_nine + check_digits(first_nine)
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert not is_tckn(wrong)


@given(nine_digits, st.integers(0, 8))
def test_a_swap_of_neighbours_is_unseen_exactly_when_they_differ_by_five(first_nine: str, place: int) -> None:
    number = first_nine + check_digits(first_nine)
    one, two = number[place], number[place + 1]
    swapped = number[:place] + two + one + number[place + 2 :]
    if one != two and swapped[0] != "0":
        assert is_tckn(swapped) == (abs(int(one) - int(two)) == 5)


@pytest.mark.parametrize("text", ["12345678", "1234567890", "12345678a", "１２３４５６７８９"])
def test_check_digits_are_computed_for_nine_digits_only(text: str) -> None:
    with pytest.raises(ValueError, match="nine"):
        check_digits(text)


def test_a_foreigners_number_is_told_by_its_beginning() -> None:
    assert is_foreigner_number("99000000110")
    assert not is_foreigner_number("54637281950")


def test_the_mask_leaves_two_digits_at_each_end() -> None:
    assert mask_tckn("54637281950") == "54*******50"


# --- mobile numbers -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "5551234567",
        "05551234567",
        "905551234567",
        "+905551234567",
        "+90 555 123 45 67",
        "0555 123 45 67",
        "0555-1234567",
    ],
)
def test_a_mobile_number_has_one_form(text: str) -> None:
    assert read_mobile(text) == "+905551234567"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "08501234567",
        "02121234567",
        "+15551234567",
        "+4915551234567",
        "555123456",
        "55512345678",
        "00905551234567",
        "+90 (555) 123 45 67",
        "٥٥٥١٢٣٤٥٦٧",
        "5551234567\n",
        "+9005551234567",
    ],
)
def test_other_numbers_get_no_code(text: str) -> None:
    with pytest.raises(PhoneRefused):
        read_mobile(text)


# --- KEP addresses --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "local", "entity", "provider"),
    [
        ("ali.celik@hs01.kep.tr", "ali.celik", "", "hs01"),
        ("ALI.Celik.66@HS01.kep.TR", "ali.celik.66", "", "hs01"),
        ("1122334455667788@hs02.kep.tr", "1122334455667788", "", "hs02"),
        ("ptt.hukuk@ptt.hs01.kep.tr", "ptt.hukuk", "ptt", "hs01"),
        ("kayseribm@tkgm.hs01.kep.tr", "kayseribm", "tkgm", "hs01"),
        ("gunes-lojistik@hs99.kep.tr", "gunes-lojistik", "", "hs99"),
    ],
)
def test_an_address_is_taken_apart(text: str, local: str, entity: str, provider: str) -> None:
    address = read_address(text)
    assert (address.local, address.entity, address.provider) == (local, entity, provider)
    assert str(address) == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ali",
        "ali@example.com",
        "ali@kep.tr",
        "ali@hs1.kep.tr",
        "ali@hs001.kep.tr",
        "ali@hs01.kep.tr.example.com",
        "ali@hs01.kep.tr ",
        " ali@hs01.kep.tr",
        "ali@hs01.kep.tr\n",
        "ali@a.b.hs01.kep.tr",
        "ali@-a.hs01.kep.tr",
        "ali..veli@hs01.kep.tr",
        ".ali@hs01.kep.tr",
        "ali.@hs01.kep.tr",
        "ali_veli@hs01.kep.tr",
        '"ali"@hs01.kep.tr',
        "Ali <ali@hs01.kep.tr>",
        "ali(yorum)@hs01.kep.tr",
        "@hs02.kep.tr:ali@hs01.kep.tr",
        "ali@hs01.kep.tr,veli@hs01.kep.tr",
        "=?utf-8?q?ali?=@hs01.kep.tr",
        "ali@hs01。kep。tr",
        "ali@hs０1.kep.tr",
        "ali@[127.0.0.1]",
        "a" * 65 + "@hs01.kep.tr",
        "a" * 64 + ".b@hs01.kep.tr",
    ],
)
def test_what_is_no_kep_address_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused):
        read_address(text)


LOOKALIKES = [
    "ışıl@hs01.kep.tr",
    "işil@hs01.kep.tr",
    "İpek@hs01.kep.tr",
    "i\N{COMBINING DOT ABOVE}pek@hs01.kep.tr",
    "ayse\N{COMBINING CEDILLA}@hs01.kep.tr",
    "straße@hs01.kep.tr",
    "\N{KELVIN SIGN}aya@hs01.kep.tr",
    "ay\N{LATIN SMALL LETTER LONG S}e@hs01.kep.tr",
    "\N{FULLWIDTH LATIN SMALL LETTER A}yse@hs01.kep.tr",
    "ay\N{ZERO WIDTH SPACE}se@hs01.kep.tr",
    "ay\N{ZERO WIDTH NON-JOINER}se@hs01.kep.tr",
    "ay\N{RIGHT-TO-LEFT OVERRIDE}se@hs01.kep.tr",
    "ay\N{SOFT HYPHEN}se@hs01.kep.tr",
    "\N{CYRILLIC SMALL LETTER A}yse@hs01.kep.tr",
    "ayse@hs\N{FULLWIDTH DIGIT ZERO}1.kep.tr",
]


@pytest.mark.parametrize("text", LOOKALIKES)
def test_no_letter_outside_ascii_leads_to_an_account(text: str) -> None:
    with pytest.raises(AddressRefused):
        read_address(text)


def test_a_thousand_lookalikes_reach_no_account_by_a_second_road() -> None:
    """V-010: every character that some normal form or case mapping turns into an ASCII letter or digit is refused."""
    tried = 0
    for point in range(0x80, 0x11_0000):
        char = chr(point)
        mapped = {char.lower(), char.upper(), char.casefold(), unicodedata.normalize("NFKC", char)}
        if any(form.isascii() for form in mapped if form):
            tried += 1
            with pytest.raises(AddressRefused):
                read_address(f"a{char}b@hs01.kep.tr")
    assert tried > 1_000


@given(st.text(alphabet="abcABC019.-_@ hsptrıİşK\u0307\u212a", max_size=40))
def test_reading_is_idempotent_or_refused(text: str) -> None:
    try:
        address = read_address(text)
    except AddressRefused:
        return
    assert read_address(str(address)) == address
    assert str(address).isascii()
    assert text.lower() == str(address)
