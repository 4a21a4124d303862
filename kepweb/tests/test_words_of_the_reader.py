"""A refusal and a finding speak the language of whoever reads them; what is kept stays Turkish (`guards.spoken`)."""

from datetime import UTC, datetime

import pytest
from django.utils import translation

from evidence.answers import RevocationFinding
from evidence.chain import Finding
from evidence.proof_check import judge_proof
from guards.errors import KepError
from guards.refusal_texts import text_of_code
from mailbox import proof_reasons
from mailbox.errors import TooManyRecipients
from signing.errors import CertificateUnfit
from signing.profile import Fault


def test_a_refusal_is_said_in_the_language_of_the_reader_with_its_facts():
    refusal = TooManyRecipients("too many", limit=300)
    assert "en çok 300 alıcı" in refusal.for_person()
    with translation.override("en"):
        assert "at most 300 recipients" in refusal.for_person()


def test_a_fact_that_is_a_sentence_is_translated_with_its_refusal():
    refusal = CertificateUnfit("unfit", fault="NES-10", text=Fault.EXPIRED.value[1])
    with translation.override("en"):
        said = refusal.for_person()
    assert said.startswith("The certificate has expired. ")
    assert said.endswith("your draft is safe.")


@pytest.mark.parametrize("table", [Finding, RevocationFinding, Fault])
def test_a_stored_code_of_each_table_has_its_own_english_sentence(table):
    with translation.override("en"):
        said = [text_of_code(each.value[0]) for each in table]
        general = text_of_code("YOK-99")
    assert general not in said
    assert len(set(said)) == len(said)
    assert not {each.value[1] for each in table} & set(said)


def test_an_unknown_code_has_the_general_sentence_in_english_too():
    with translation.override("en"):
        assert text_of_code("YOK-99").startswith("This could not be completed.")
    assert text_of_code("YOK-99") == KepError.user_message


def test_a_verdict_that_is_remembered_is_turkish_whoever_asked_first():
    broken = b"<kanit/>"
    with translation.override("en"):
        first = judge_proof(broken, digest=bytes(32)).reasons
    assert first == ("Saklanan delil, kayıttaki özetiyle uyuşmuyor.",)
    assert judge_proof(broken, digest=bytes(32)).reasons == first


def test_a_reason_is_written_in_turkish_and_shown_in_the_language_of_the_reader():
    with translation.override("en"):
        written = proof_reasons.term_ended(datetime(2026, 11, 24, 9, 0, tzinfo=UTC))
        shown = proof_reasons.reason_for_reader(written)
    assert written == "Okuma süresi 24.11.2026 12:00:00 (TSİ) anında doldu; ileti o ana kadar açılmadı."
    assert "24.11.2026 12:00:00" in shown
    assert shown != written
    assert proof_reasons.reason_for_reader(written) == written
