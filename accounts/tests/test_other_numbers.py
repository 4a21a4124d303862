"""Tax, trade, organisation and service numbers, company types, and names (I-005..I-013, K-009, T-006, V-010)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import TcknRefused
from accounts.identity import (
    CompanyType,
    detsis_fits,
    is_vkn,
    mersis_fits,
    mersis_holds_tckn,
    read_detsis,
    read_mersis,
    read_name,
    read_registry_no,
    read_tax_number,
    read_uets,
    read_vkn,
    shown_mersis,
)
from accounts.identity_errors import IdentifierRefused, NameRefused


# --- VKN --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "number",
    ["1234567890", "0000000019", "9876543217", "5550001112", "1111111114", "9999999994", "4005550016"],
)
def test_valid_tax_numbers_are_read_as_they_are(number: str) -> None:
    assert read_vkn(number) == number


@pytest.mark.parametrize(
    "number",
    ["1234567891", "0000000000", "123456789", "12345678901", "", " 1234567890", "1234567890\n", "１２３４５６７８９０",
     "١٢٣٤٥٦٧٨٩٠", "123456789O", "123 456 7890"],
)  # fmt: skip
def test_other_tax_numbers_are_refused_and_never_mended(number: str) -> None:
    with pytest.raises(IdentifierRefused) as refusal:
        read_vkn(number)
    assert "10 rakam" in refusal.value.for_person()


def vkn(first_nine: str) -> str:
    """The whole number, by the other formulation of I-007: doubling place by place."""
    total = 0
    for place, digit in enumerate(first_nine):
        value = (int(digit) + 9 - place) % 10
        for _ in range(9 - place):
            value = value * 2 if value * 2 <= 9 else value * 2 - 9
        total += value
    return f"{first_nine}{(10 - total % 10) % 10}"


@given(st.integers(0, 999_999_999).map(lambda number: f"{number:09d}"), st.integers(0, 9), st.integers(1, 9))
def test_two_formulations_agree_and_every_single_wrong_digit_is_found(first_nine: str, place: int, shift: int) -> None:
    number = vkn(first_nine)
    assert is_vkn(number)
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert not is_vkn(wrong)


def test_a_tax_number_is_told_from_an_identity_number_by_its_length() -> None:
    """I-008."""
    assert read_tax_number("1234567890") == "1234567890"
    assert read_tax_number("54637281950") == "54637281950"
    with pytest.raises(TcknRefused):
        read_tax_number("54637281951")
    with pytest.raises(IdentifierRefused):
        read_tax_number("123456789")


# --- MERSİS, DETSİS, registry, UETS -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text", ["0555000111200018", "0555-0001-1120-0018", "0555 0001 1120 0018", "0555 0001-1120 0018"]
)
def test_a_mersis_number_has_one_form(text: str) -> None:
    assert read_mersis(text) == "0555000111200018"
    assert shown_mersis(read_mersis(text)) == "0555-0001-1120-0018"


@pytest.mark.parametrize(
    "text",
    ["", "055500011120001", "05550001112000180", "0555.0001.1120.0018", "O555000111200018",
     "０５５５０００１１１２０００１８",
     "0555\N{NO-BREAK SPACE}0001\N{NO-BREAK SPACE}1120\N{NO-BREAK SPACE}0018", "0555\N{EN DASH}000111200018",
     " 0555000111200018", "0555000111200018\n", "0555\t000111200018", "055500011120001٨"],
)  # fmt: skip
def test_what_is_no_mersis_number_is_refused(text: str) -> None:
    with pytest.raises(IdentifierRefused):
        read_mersis(text)


def test_the_usual_build_of_a_mersis_number_is_a_soft_check() -> None:
    """I-010: what does not fit is worth a warning, never a refusal."""
    assert mersis_fits("0555000111200018")
    assert mersis_fits("5463728195000001")
    assert mersis_holds_tckn("5463728195000001")
    assert not mersis_holds_tckn("0555000111200018")
    assert not mersis_fits("1122334455667788")
    assert read_mersis("1122334455667788") == "1122334455667788"


@pytest.mark.parametrize("number", ["1", "24301785", "123456789012"])
def test_a_detsis_number_has_up_to_twelve_digits(number: str) -> None:
    assert read_detsis(number) == number
    assert detsis_fits(number) is (len(number) == 8)


@pytest.mark.parametrize("number", ["", "1234567890123", "2430178a", " 24301785", "24301785\n", "٢٤٣٠١٧٨٥"])
def test_what_is_no_detsis_number_is_refused(number: str) -> None:
    with pytest.raises(IdentifierRefused):
        read_detsis(number)


@pytest.mark.parametrize("number", ["1", "123456", "123456-5", "12345/67", "34 567 / 8", "1" * 20])
def test_a_registry_number_is_written_freely(number: str) -> None:
    assert read_registry_no(number) == number


@pytest.mark.parametrize("number", ["", "1" * 21, "-1", "1-", " 1", "1 ", "1  2", "12a", "1\n", "١٢", "1\t2"])
def test_what_is_no_registry_number_is_refused(number: str) -> None:
    with pytest.raises(IdentifierRefused):
        read_registry_no(number)


def test_a_service_address_has_fifteen_digits() -> None:
    """I-013."""
    assert read_uets("12345-67890-12345") == read_uets("123456789012345") == "123456789012345"
    for wrong in ("", "12345678901234", "1234567890123456", "12345-67890-1234x", "１２３４５６７８９０１２３４５"):
        with pytest.raises(IdentifierRefused):
            read_uets(wrong)


# --- who must be served electronically --------------------------------------------------------------------------------
def test_the_company_type_decides_who_must_be_served() -> None:
    bound = {CompanyType.ANONIM, CompanyType.LIMITED, CompanyType.SHARE_KOMANDIT}
    assert {each for each in CompanyType if each.must_be_served("kep_2013")} == bound
    assert all(each.must_be_served("uets_2018") for each in CompanyType)
    with pytest.raises(ValueError, match="regime"):
        CompanyType.ANONIM.must_be_served("by_date")


def test_every_company_type_is_stored_in_ascii_and_has_a_name() -> None:
    for each in CompanyType:
        assert each.value.isascii()
        assert len(each.value) <= 24
        assert each.label


# --- names ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ayşe", "Ayşe"),
        ("  Mehmet   Ali ", "Mehmet Ali"),
        ("İBRAHİM", "İBRAHİM"),
        ("Yıldız-Kaya", "Yıldız-Kaya"),
        ("O'Brien", "O'Brien"),
        ("Şükrü", "Şükrü"),
        ("Ays\N{COMBINING CEDILLA}e", "Ayşe"),
        ("I\N{COMBINING DOT ABOVE}pek", "İpek"),
        ("Łukasz", "Łukasz"),
        ("M.", "M."),
    ],
)
def test_a_name_keeps_its_letters_in_one_form(text: str, name: str) -> None:
    assert read_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-", "'", "4li", "Al1", "Ali\n", "A\tli", "Ali<b>", "Ali;", "=Ali", "@Ali", "Al\x00i",
        "\N{CYRILLIC CAPITAL LETTER A}li", "Al\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}",
        "\N{GREEK CAPITAL LETTER ALPHA}li", "\N{FULLWIDTH LATIN CAPITAL LETTER A}li",
        "Al\N{ZERO WIDTH SPACE}i", "Al\N{RIGHT-TO-LEFT OVERRIDE}i", "Al\N{SOFT HYPHEN}i", "Ali\N{NO-BREAK SPACE}Can",
        "\N{MATHEMATICAL BOLD CAPITAL A}li", "A\N{COMBINING ENCLOSING KEYCAP}",
        "\N{MODIFIER LETTER SMALL A}li", "A" * 81,
    ],
)  # fmt: skip
def test_what_shows_one_name_and_is_another_is_refused(text: str) -> None:
    with pytest.raises(NameRefused):
        read_name(text)


@given(st.text(max_size=30))
def test_a_name_is_read_to_itself_or_refused(text: str) -> None:
    try:
        name = read_name(text)
    except NameRefused:
        return
    assert read_name(name) == name
    assert unicodedata.normalize("NFC", name) == name
    assert all(char in " -'’." or unicodedata.name(char).startswith("LATIN ") for char in name)
