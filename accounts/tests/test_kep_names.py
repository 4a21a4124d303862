"""Which addresses a holder may have, and which are offered (K-040..K-050, I-019..I-022)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import kep_names
from accounts.folding import fold_name, fold_words, turkish_lower, turkish_upper
from accounts.identity import read_address
from accounts.identity_errors import AddressNotAllowed, Why
from accounts.kep_names import holds_tckn, is_entity_name, legal_proposals, natural_proposals

TCKN = "54637281950"
MERSIS = "0555000111200018"
TRADERS_MERSIS = "5463728195000001"  # a natural trader's: his identity number stands in it


def everything(address: str) -> bool:
    return True


def nothing(address: str) -> bool:
    return False


def refuse_natural(address: str, first: str = "Mehmet Ali", last: str = "Çelik", entity: str = "") -> None:
    kep_names.refuse_natural(read_address(address), first_name=first, last_name=last, tckn=TCKN, entity=entity)


def refuse_legal(address: str, name: str = "Güneş Lojistik A.Ş.", mersis: str = MERSIS, **more: object) -> None:
    facts: dict[str, object] = {"corporate": False, **more}
    kep_names.refuse_legal(read_address(address), name=name, mersis=mersis, **facts)  # type: ignore[arg-type]


# --- Turkish letters --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("upper", "lower"),
    [("İSTANBUL", "istanbul"), ("ISPARTA", "ısparta"), ("IĞDIR", "ığdır"), ("İPEK", "ipek"), ("IŞIK", "ışık")],
)
def test_turkish_case_is_turkish(upper: str, lower: str) -> None:
    """I-016; and what Python would have done (I-015)."""
    assert turkish_lower(upper) == lower
    assert turkish_upper(lower) == upper
    assert turkish_lower("I\N{COMBINING DOT ABOVE}PEK") == "ipek"
    assert len("İ".lower()) == 2
    assert "ipek".upper() == "IPEK"
    assert "ışık".casefold() != "IŞIK".casefold()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Işıl", ("isil",)),
        ("Çağrı", ("cagri",)),
        ("Gökçe", ("gokce",)),
        ("Mehmet Ali", ("mehmet", "ali")),
        ("Hâle", ("hale",)),
        ("I\N{COMBINING DOT ABOVE}brahim", ("ibrahim",)),
        ("Nas\N{COMBINING CEDILLA}it", ("nasit",)),
        ("O'Brien", ("o", "brien")),
        ("Yıldız-Kaya", ("yildiz", "kaya")),
        ("Straße Łukasz Şəfa", ("strasse", "lukasz", "sefa")),
        ("Güneş Lojistik A.Ş.", ("gunes", "lojistik", "a", "s")),
        ("Иван", ()),
        ("...", ()),
        ("", ()),
    ],
)
def test_a_name_is_folded_into_words_an_address_can_hold(name: str, words: tuple[str, ...]) -> None:
    assert fold_words(name) == words


# --- natural persons --------------------------------------------------------------------------------------------------
def test_the_plainest_address_comes_first_and_the_surname_is_never_hidden() -> None:
    offered = natural_proposals("Mehmet Ali", "Çelik", provider="hs01", is_free=everything)
    assert offered == (
        "mehmetali.celik@hs01.kep.tr",
        "mali.celik@hs01.kep.tr",
        "mehmetali.celik.1@hs01.kep.tr",
        "mehmet.celik@hs01.kep.tr",
        "ali.celik@hs01.kep.tr",
    )


def test_what_is_taken_gets_the_next_free_suffix() -> None:
    taken = {"ali.yilmaz@hs01.kep.tr", "ali.yilmaz.1@hs01.kep.tr", "ali.yilmaz.3@hs01.kep.tr"}
    offered = natural_proposals("Ali", "Yılmaz", provider="hs01", is_free=lambda each: each not in taken)
    assert offered[:3] == ("ali.yilmaz.2@hs01.kep.tr", "ali.yilmaz.4@hs01.kep.tr", "ali.yilmaz.5@hs01.kep.tr")


def test_members_are_offered_addresses_in_their_sponsors_domain() -> None:
    offered = natural_proposals("Ali", "Yılmaz", provider="hs01", is_free=everything, entity="gunes")
    assert offered[0] == "ali.yilmaz@gunes.hs01.kep.tr"


@pytest.mark.parametrize(("first", "last"), [("Иван", "Иванов"), ("Ali", "..."), ("", "")])
def test_a_name_without_ascii_letters_is_offered_nothing(first: str, last: str) -> None:
    assert natural_proposals(first, last, provider="hs01", is_free=everything) == ()


def test_the_search_for_a_free_address_ends() -> None:
    assert natural_proposals("Ali", "Yılmaz", provider="hs01", is_free=nothing) == ()


names = st.text(alphabet="abcçdefgğhıijklmnoöprsştuüvyzABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZâîûéßø '-", min_size=1, max_size=70)


@given(names, names)
def test_whatever_is_offered_is_allowed(first: str, last: str) -> None:
    for address in natural_proposals(first, last, provider="hs01", is_free=everything):
        refuse_natural(address, first, last)
    for address in legal_proposals(f"{first} {last}", MERSIS, provider="hs01", is_free=everything):
        refuse_legal(address, f"{first} {last}")
    for address in legal_proposals(f"{first} {last}", MERSIS, provider="hs01", is_free=everything, entity_domain=True):
        refuse_legal(address, f"{first} {last}", corporate=True)


@pytest.mark.parametrize(
    "address",
    [
        "mehmetali.celik@hs01.kep.tr",
        "mali.celik@hs01.kep.tr",
        "mehmet.celik@hs01.kep.tr",
        "ali.celik@hs01.kep.tr",
        "mehmeta.celik@hs01.kep.tr",
        "MEHMETALI.CELIK.66@HS01.KEP.TR",
        "ali.celik.x7@hs01.kep.tr",
    ],
)
def test_given_names_are_joined_or_shortened(address: str) -> None:
    refuse_natural(address)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("celik@hs01.kep.tr", Why.NOT_THE_NAME),
        ("mehmetali@hs01.kep.tr", Why.NOT_THE_NAME),
        ("m.celik@hs01.kep.tr", Why.NOT_THE_NAME),
        ("ma.celik@hs01.kep.tr", Why.NOT_THE_NAME),
        ("mehmetali.c@hs01.kep.tr", Why.NOT_THE_NAME),
        ("mehmetali.celi@hs01.kep.tr", Why.NOT_THE_NAME),
        ("alimehmet.celik@hs01.kep.tr", Why.NOT_THE_NAME),
        ("ayse.yildiz@hs01.kep.tr", Why.NOT_THE_NAME),
        ("a1i.celik@hs01.kep.tr", Why.NOT_THE_NAME),
        ("ali.celik.1.2@hs01.kep.tr", Why.SUFFIX),
        ("ali.celik.a-b@hs01.kep.tr", Why.SUFFIX),
        ("ali.celik.54637281950@hs01.kep.tr", Why.HOLDS_A_TCKN),
        ("ali.celik.12345678950@hs01.kep.tr", Why.HOLDS_A_TCKN),
        ("ali.celik.0012345678950@hs01.kep.tr", Why.HOLDS_A_TCKN),
        ("postmaster@hs01.kep.tr", Why.RESERVED),
        ("ali.celik@gunes.hs01.kep.tr", Why.NATURAL_DOMAIN),
    ],
)
def test_an_address_of_another_shape_is_not_this_persons(address: str, why: str) -> None:
    with pytest.raises(AddressNotAllowed) as refusal:
        refuse_natural(address)
    assert refusal.value.why == why  # type: ignore[attr-defined]


def test_two_surnames_are_both_written() -> None:
    for fine in ("ayse.yildizkaya@hs01.kep.tr", "ayse.yildiz-kaya@hs01.kep.tr"):
        refuse_natural(fine, "Ayşe", "Yıldız Kaya")
    for hiding in ("ayse.yildiz@hs01.kep.tr", "ayse.kaya@hs01.kep.tr"):
        with pytest.raises(AddressNotAllowed):
            refuse_natural(hiding, "Ayşe", "Yıldız Kaya")


def test_under_a_corporate_application_the_sponsors_domain_is_compulsory() -> None:
    refuse_natural("ali.celik@gunes.hs01.kep.tr", entity="gunes")
    for elsewhere in ("ali.celik@hs01.kep.tr", "ali.celik@baska.hs01.kep.tr"):
        with pytest.raises(AddressNotAllowed):
            refuse_natural(elsewhere, entity="gunes")


# --- legal persons ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "address",
    [
        f"{MERSIS}@hs01.kep.tr",
        f"{MERSIS}.sube2@hs01.kep.tr",
        "guneslojistik@hs01.kep.tr",
        "gunes-lojistik@hs01.kep.tr",
        "gunes.34@hs01.kep.tr",
        "guneslojistikas@hs01.kep.tr",
        "gunes@gunes.hs01.kep.tr",
        f"{MERSIS}@gunes.hs01.kep.tr",
        "glas@hs01.kep.tr",
    ],
)
def test_the_four_shapes_of_a_legal_persons_address(address: str) -> None:
    refuse_legal(address)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("garanti@hs01.kep.tr", Why.NOT_THE_ENTITY),
        ("lojistikgunes@hs01.kep.tr", Why.NOT_THE_ENTITY),
        ("g@hs01.kep.tr", Why.NOT_THE_ENTITY),
        ("g-unes@hs01.kep.tr", Why.NOT_THE_ENTITY),
        ("gunes--lojistik@hs01.kep.tr", Why.NOT_THE_ENTITY),
        ("gunes@garanti.hs01.kep.tr", Why.NOT_THE_ENTITY),
        ("satis@gunes.hs01.kep.tr", Why.NOT_THE_ENTITY),
        ("0555000111200019@hs01.kep.tr", Why.NOT_THE_MERSIS),
        ("gunes.a.b@hs01.kep.tr", Why.SUFFIX),
        ("gunes.12345678950@hs01.kep.tr", Why.HOLDS_A_TCKN),
        ("12345678950@hs01.kep.tr", Why.HOLDS_A_TCKN),
        ("hs02@hs01.kep.tr", Why.RESERVED),
        ("gunes@hs02.hs01.kep.tr", Why.RESERVED),
        ("postmaster@gunes.hs01.kep.tr", Why.RESERVED),
        ("abuse.1@hs01.kep.tr", Why.RESERVED),
        ("gunes@www.hs01.kep.tr", Why.RESERVED),
    ],
)
def test_an_address_that_is_not_this_entitys(address: str, why: str) -> None:
    with pytest.raises(AddressNotAllowed) as refusal:
        refuse_legal(address)
    assert refusal.value.why == why  # type: ignore[attr-defined]


@pytest.mark.parametrize("word", sorted(kep_names.RESERVED))
def test_a_reserved_name_is_nobodys_even_as_a_name(word: str) -> None:
    with pytest.raises(AddressNotAllowed):
        refuse_legal(f"{word}@hs01.kep.tr", name=word)
    with pytest.raises(AddressNotAllowed):
        refuse_legal(f"{word}.7@hs01.kep.tr", name=word)
    assert word not in {
        each.partition("@")[0] for each in legal_proposals(word, "", provider="hs01", is_free=everything)
    }


def test_a_traders_mersis_number_holds_his_identity_number_and_is_no_address() -> None:
    with pytest.raises(AddressNotAllowed):
        refuse_legal(f"{TRADERS_MERSIS}@hs01.kep.tr", mersis=TRADERS_MERSIS)
    offered = legal_proposals("Çelik Ticaret", TRADERS_MERSIS, provider="hs01", is_free=everything)
    assert offered
    assert not any(TRADERS_MERSIS in each for each in offered)


def test_a_corporate_application_needs_the_entitys_domain() -> None:
    refuse_legal("gunes@gunes.hs01.kep.tr", corporate=True)
    with pytest.raises(AddressNotAllowed) as refusal:
        refuse_legal("gunes@hs01.kep.tr", corporate=True)
    assert refusal.value.why == Why.ENTITY_DOMAIN_NEEDED  # type: ignore[attr-defined]


def test_public_units_combine_both_forms() -> None:
    """K-044, word for word."""
    ptt, tkgm = "Posta ve Telgraf Teşkilatı", "Tapu ve Kadastro Genel Müdürlüğü"
    refuse_legal("ptt.hukuk@hs01.kep.tr", ptt, "", public=True)
    refuse_legal("ptt.hukuk@ptt.hs01.kep.tr", ptt, "", public=True)
    refuse_legal("kayseribm@tkgm.hs01.kep.tr", tkgm, "", public=True)
    unit = "Kayseri Tapu ve Kadastro Bölge Müdürlüğü"
    refuse_legal("kayseribm@tkgm.hs01.kep.tr", unit, "", public=True, entity="tkgm")
    with pytest.raises(AddressNotAllowed):
        refuse_legal("kayseribm@tkgm.hs01.kep.tr", unit, "", public=True)


@pytest.mark.parametrize(
    ("label", "is_one"),
    [("tkgm", True), ("tapukadastro", True), ("tapu-kadastro", True), ("tapu", True), ("kadastro", True),
     ("tapuvekadastro", True), ("kt", False), ("t", False), ("tkgmx", False), ("", False), ("-tkgm", False)],
)  # fmt: skip
def test_an_entity_name_is_made_of_the_beginnings_of_its_words(label: str, is_one: bool) -> None:
    assert is_entity_name(label, "Tapu ve Kadastro Genel Müdürlüğü") is is_one


@pytest.mark.parametrize("local", ["12345678950", "a12345678950", "x.123.456.789-50", "9912345678950"])
def test_an_identity_number_is_found_however_it_is_parted(local: str) -> None:
    assert holds_tckn(local)


@pytest.mark.parametrize("local", ["", "12345678951", "1234567895", "ali.celik.66", "a1b2c3d4e5f6g7h8i9j5k0"])
def test_what_holds_no_identity_number(local: str) -> None:
    assert not holds_tckn(local)


def test_the_fold_of_search_and_the_fold_of_addresses_agree() -> None:
    for name in ("Işıl", "Çağrı", "Gökçe", "Hâle", "İBRAHİM", "Şükrü", "Ğ"):
        assert "".join(fold_words(name)) == fold_name(name)
