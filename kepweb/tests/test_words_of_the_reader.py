"""A refusal and a finding speak the language of whoever reads them; what is kept stays Turkish (`guards.spoken`)."""

import hashlib
import re
from datetime import UTC, datetime

import pytest
from django.utils import translation

import kepweb.urls  # noqa: F401 - the whole product, with every refusal that it has
from accounts.errors import SecretsRefused
from accounts.persons import pin_fault
from evidence.answers import RevocationFinding
from evidence.chain import Finding
from evidence.proof_check import judge_proof
from evidence.refusals import EvidenceRefused
from guards.errors import KepError
from guards.refusal_texts import tables, text_of_code
from guards.spoken import spoken
from kepweb.tests.english import turkish_in
from mailbox import proof_reasons
from mailbox.errors import TooManyRecipients
from signing.errors import CertificateUnfit
from signing.profile import Fault


def test_a_refusal_is_said_in_the_language_of_the_reader_with_its_facts():
    refusal = TooManyRecipients("too many", limit=300)
    assert "en çok 300 alıcı" in refusal.for_person()
    with translation.override("en"):
        assert "at most 300 recipients" in refusal.for_person()


def every_refusal() -> list[type[KepError]]:
    kinds, found = [KepError], []
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if "tests" not in kind.__module__ and not kind.__module__.startswith(("demo", "script")):
            found.append(kind)
    return found


@pytest.mark.parametrize("kind", every_refusal(), ids=lambda kind: kind.__name__)
def test_every_refusal_is_spoken_in_english(kind):
    facts = dict.fromkeys(re.findall(r"\{([a-z_]+)\}", kind.user_message), "7")
    refusal = KepError.__new__(kind)
    KepError.__init__(refusal, "reason", **facts)
    assert refusal.for_person() == kind.user_message.format(**facts)
    with translation.override("en"):
        assert turkish_in(refusal.for_person()) == []


def test_every_finding_is_spoken_in_english():
    sentences = {code: sentence for table in tables() for code, sentence in table.items()}
    assert len(sentences) > 40
    for code, sentence in sentences.items():
        assert text_of_code(code) == sentence
        with translation.override("en"):
            assert turkish_in(text_of_code(code)) == []
            assert text_of_code(code) == spoken(sentence) != sentence


def test_a_fact_that_is_a_sentence_is_translated_with_its_refusal():
    refusal = CertificateUnfit("unfit", fault="NES-10", text=Fault.EXPIRED.value[1])
    with translation.override("en"):
        said = refusal.for_person()
    assert said.startswith("The certificate has expired. ")
    assert said.endswith("your draft is safe.")


def test_a_reason_inside_a_refusal_is_spoken_too():
    refusal = SecretsRefused("may not be chosen", why=pin_fault("111111", tckn="12345678901"))
    with translation.override("en"):
        assert refusal.for_person() == (
            "This password and PIN code cannot be used together: "
            "the PIN code cannot be one digit repeated, nor digits in a row."
        )


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
    with translation.override("en"):
        not_ours = judge_proof(broken, digest=hashlib.sha256(broken).digest())
    assert not_ours.reasons == (EvidenceRefused.user_message,)


def test_a_reason_is_written_in_turkish_and_shown_in_the_language_of_the_reader():
    with translation.override("en"):
        written = proof_reasons.term_ended(datetime(2026, 11, 24, 9, 0, tzinfo=UTC))
        shown = proof_reasons.reason_for_reader(written)
    assert written == "Okuma süresi 24.11.2026 12:00:00 (TSİ) anında doldu; ileti o ana kadar açılmadı."
    assert "24.11.2026 12:00:00" in shown
    assert shown != written
    assert proof_reasons.reason_for_reader(written) == written
