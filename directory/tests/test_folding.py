"""Folding names for search (I-015, I-018, I-019)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.search import fold_name


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Işıl", "isil"),
        ("Çağrı", "cagri"),
        ("Gökçe", "gokce"),
        ("Mehmet Ali", "mehmetali"),
        ("Hâle", "hale"),
        ("I\N{COMBINING DOT ABOVE}brahim", "ibrahim"),
        ("İSTANBUL", "istanbul"),
        ("ISPARTA", "isparta"),
        ("IĞDIR", "igdir"),
        ("Güneş Lojistik A.Ş.", "guneslojistikas"),
        ("Çınarova 2. Asliye Hukuk Mahkemesi", "cinarova2asliyehukukmahkemesi"),
        ("", ""),
    ],
)
def test_names_fold_to_one_key(name: str, key: str) -> None:
    assert fold_name(name) == key


@pytest.mark.parametrize("spelling", ["işlem", "İŞLEM", "islem", "İşlem", "iŞLEM", "ışlem"])
def test_spellings_of_one_word_meet(spelling: str) -> None:
    assert fold_name(spelling) == "islem"


@given(st.text(alphabet="abcçdefgğhıijklmnoöprsştuüvyzABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZâîûÂÎÛ .-'", max_size=40))
def test_the_key_is_ascii_stable_and_blind_to_composition(name: str) -> None:
    key = fold_name(name)
    assert key.isascii()
    assert fold_name(key) == key
    assert fold_name(unicodedata.normalize("NFD", name)) == key
    assert key == key.lower()
