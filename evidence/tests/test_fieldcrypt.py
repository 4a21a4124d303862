"""What a person wrote or is leaves the process encrypted, is found by its index, and opens nowhere else (V-094)."""

import pytest
from django.core import serializers
from django.db import connection

from accounts.models import Person
from accounts.tests.cast import make_person
from evidence import fieldcrypt
from evidence.errors import CipherTextRefused

LABEL = "accounts.person.tckn"


def test_a_value_opens_under_its_own_label_only():
    sealed = fieldcrypt.seal_value(b"10000000146", LABEL)
    assert fieldcrypt.open_value(sealed, LABEL) == b"10000000146"
    with pytest.raises(CipherTextRefused):
        fieldcrypt.open_value(sealed, "accounts.person.phone")


def test_the_same_value_is_never_sealed_alike():
    assert len({fieldcrypt.seal_value(b"x", LABEL) for _ in range(50)}) == 50


def test_every_changed_bit_is_found():
    sealed = fieldcrypt.seal_value(b"10000000146", LABEL)
    survivors = []
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            fieldcrypt.open_value(bytes(changed), LABEL)
        except CipherTextRefused:
            continue
        survivors.append(bit)
    assert survivors == []


@pytest.mark.parametrize("length", range(0, 30, 3))
def test_a_cut_value_is_refused(length):
    with pytest.raises(CipherTextRefused):
        fieldcrypt.open_value(fieldcrypt.seal_value(b"10000000146", LABEL)[:length], LABEL)


def test_another_key_opens_nothing(settings):
    sealed = fieldcrypt.seal_value(b"10000000146", LABEL)
    settings.KEP_FIELD_KEY = b"\x21" * 32
    with pytest.raises(CipherTextRefused):
        fieldcrypt.open_value(sealed, LABEL)


def test_the_refusal_does_not_show_the_value_or_the_key(settings):
    with pytest.raises(CipherTextRefused) as refused:
        fieldcrypt.open_value(b"\x01" + b"planted-value" * 4, LABEL)
    assert "planted" not in f"{refused.value!r} {refused.value.for_person()}"
    assert settings.KEP_FIELD_KEY.hex() not in repr(refused.value)


def test_an_index_needs_the_key_and_keeps_fields_apart(settings):
    index = fieldcrypt.index_of("10000000146", "tckn")
    assert index == fieldcrypt.index_of("10000000146", "tckn")
    assert index != fieldcrypt.index_of("10000000146", "phone")
    assert index != fieldcrypt.index_of("10000000147", "tckn")
    settings.KEP_INDEX_KEY = b"\x22" * 32
    assert index != fieldcrypt.index_of("10000000146", "tckn")


@pytest.mark.database
@pytest.mark.django_db
class TestInTheDatabase:
    def test_text_comes_back_as_text(self):
        person = make_person(phone="+905551112233")
        assert Person.objects.get(pk=person.pk).phone == "+905551112233"
        assert list(Person.objects.values_list("phone", flat=True)) == ["+905551112233"]

    def test_nothing_stands_there_in_clear(self):
        person = make_person(phone="+905551112233")
        with connection.cursor() as cursor:
            cursor.execute("SELECT tckn, phone, tckn_index, phone_index FROM accounts_person", None)
            stored = [bytes(value) if not isinstance(value, str) else value.encode() for value in cursor.fetchone()]
        assert [value for value in stored if person.tckn.encode() in value or b"5551112233" in value] == []

    @pytest.mark.parametrize("lookup", ["exact", "in", "contains", "startswith", "gt"])
    def test_searching_by_value_is_an_error_and_not_an_empty_answer(self, lookup):
        with pytest.raises(TypeError, match="cannot be searched"):
            Person.objects.filter(**{f"phone__{lookup}": "+905551112233"}).count()

    def test_whether_there_is_a_value_can_be_asked(self):
        make_person()
        assert Person.objects.filter(phone__isnull=True).count() == 0

    def test_an_update_by_query_is_encrypted_too(self):
        person = make_person()
        Person.objects.update(phone="+905559998877")
        assert Person.objects.get(pk=person.pk).phone == "+905559998877"

    def test_it_is_not_written_to_fixtures(self):
        person = make_person()
        with pytest.raises(TypeError, match="fixtures"):
            serializers.serialize("json", [person])

    def test_a_value_moved_to_another_column_does_not_open(self):
        person = make_person()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE accounts_person SET phone = tckn", None)
        with pytest.raises(CipherTextRefused):
            Person.objects.get(pk=person.pk)


def test_a_field_without_a_label_cannot_be_made():
    with pytest.raises(TypeError, match="label"):
        fieldcrypt.EncryptedText()
