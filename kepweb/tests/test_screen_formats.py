"""How times, terms, sizes, codes and identity numbers are written (libraries.md 3)."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils import translation

from kepweb.templatetags import kep_format

NOW = datetime(2026, 11, 23, 11, 5, 9, tzinfo=UTC)  # 14:05:09 in Istanbul


def _at(hour: int, minute: int) -> datetime:
    """A clock of 23 November in Istanbul, stored in UTC."""
    return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hour - 3, minutes=minute)


def test_a_time_is_written_out_to_the_second_with_its_zone():
    assert kep_format.tsi(NOW) == "23 Kasım 2026 14:05:09 (TSİ)"
    assert kep_format.tsi_minute(NOW) == "23 Kasım 2026 14:05 (TSİ)"
    assert kep_format.tsi(None) == ""


def test_the_machine_form_of_a_time_is_utc():
    assert kep_format.iso(NOW) == "2026-11-23T11:05:09Z"


@pytest.mark.parametrize(
    ("clock", "to", "at", "from_"),
    [
        ((14, 42), "14:42’ye", "14:42’de", "14:42’den"),
        ((14, 5), "14:05’e", "14:05’te", "14:05’ten"),
        ((14, 2), "14:02’ye", "14:02’de", "14:02’den"),
        ((14, 3), "14:03’e", "14:03’te", "14:03’ten"),
        ((9, 46), "09:46’ya", "09:46’da", "09:46’dan"),
        ((9, 40), "09:40’a", "09:40’ta", "09:40’tan"),
        ((9, 20), "09:20’ye", "09:20’de", "09:20’den"),
        ((9, 30), "09:30’a", "09:30’da", "09:30’dan"),
        ((9, 59), "09:59’a", "09:59’da", "09:59’dan"),
        ((14, 0), "14:00’e", "14:00’te", "14:00’ten"),  # the hour is what is spoken last
        ((20, 0), "20:00’ye", "20:00’de", "20:00’den"),
        ((0, 0), "00:00’a", "00:00’da", "00:00’dan"),
    ],
)
def test_a_clock_takes_the_ending_of_its_last_spoken_number(clock, to, at, from_):
    value = _at(*clock)

    assert (kep_format.clock_to(value), kep_format.clock_at(value), kep_format.clock_from(value)) == (to, at, from_)


def test_every_minute_and_hour_has_an_ending():
    for hour in range(24):
        for minute in range(60):
            assert kep_format.clock_to(_at(hour, minute)).count("’") == 1


def test_english_gets_the_bare_clock_and_its_own_words():
    with translation.override("en"):
        clocks = [each(_at(14, 42)) for each in (kep_format.clock_to, kep_format.clock_at, kep_format.clock_from)]
        assert clocks == ["14:42"] * 3
        assert kep_format.tsi(NOW) == "23 November 2026 14:05:09 (TRT)"
        assert kep_format.tsi_minute(NOW) == "23 November 2026 14:05 (TRT)"
        assert [kep_format.left(NOW + timedelta(seconds=each), NOW) for each in (3661, 580, 40, 0)] == [
            "1 h 1 min",
            "9 min 40 s",
            "40 s",
            "time is up",
        ]
        ages = (0, 1, 3, 7)
        assert [kep_format.day_heading(NOW - timedelta(days=each), NOW) for each in ages] == [
            "Today, 23 November",
            "Sunday, 22 November",
            "Friday, 20 November",
            "Earlier days",
        ]
        assert [kep_format.row_time(NOW - timedelta(days=each), NOW) for each in (7, 400)] == ["16 Nov", "19 Oct 2025"]
        sizes = [kep_format.kilobytes(each) for each in (0, 1, 1023, 421_888, 1_887_436)]
        assert sizes == ["0 bytes", "1 byte", "1023 bytes", "412 kB", "1.8 MB"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(580, "9 dk 40 sn"), (40, "40 sn"), (3 * 3600 + 61, "3 sa 1 dk"), (0, "süre doldu"), (-5, "süre doldu")],
)
def test_what_is_left_is_an_extra_beside_the_exact_time(seconds, words):
    assert kep_format.left(NOW + timedelta(seconds=seconds), NOW) == words


def test_rows_stand_under_the_headings_of_their_days():
    ages = [0, 1, 3, 3, 7, 400]
    rows = [SimpleNamespace(at=NOW - timedelta(days=age)) for age in ages]

    found = kep_format.by_day(rows, NOW)

    assert [(day.heading, len(day.rows)) for day in found] == [
        ("Bugün, 23 Kasım", 1),
        ("Pazar, 22 Kasım", 1),
        ("Cuma, 20 Kasım", 2),
        ("Önceki günler", 2),
    ]
    assert [kep_format.row_time(row.at, NOW) for row in rows] == ["14:05"] * 4 + ["16 Kas", "19 Eki 2025"]


def test_days_are_counted_in_istanbul_and_not_in_utc():
    just_after_midnight = datetime(2026, 11, 22, 21, 0, 0, tzinfo=UTC)

    assert kep_format.day_heading(just_after_midnight, NOW) == "Bugün, 23 Kasım"
    assert kep_format.day_heading(just_after_midnight - timedelta(seconds=1), NOW) == "Pazar, 22 Kasım"


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bayt"),
        (1023, "1023 bayt"),
        (421_888, "412 kB"),
        (1_887_436, "1,8 MB"),
        (26_214_400, "25 MB"),
        (None, ""),
    ],
)
def test_a_size_is_written_in_steps_of_1024(size, words):
    assert kep_format.kilobytes(size) == words


def test_an_identity_number_never_comes_out_whole():
    assert kep_format.mask_tckn("54321098750") == "54*******50"
    assert kep_format.mask_tckn("54*******50") == "54*******50"
    assert kep_format.mask_tckn("1234") == "****"


def test_codes_are_grouped_for_reading_aloud():
    assert kep_format.code_groups("H8QF3MXW92TDK") == "H8QF-3MXW-92TDK"
    assert kep_format.code_groups("7K4M-QX29") == "7K4M-QX29"
    assert kep_format.digest_head("41d70c9eb2a855f3" + "0" * 48) == "41D7 0C9E B2A8 55F3 …"
    assert kep_format.digest_head("9f3a27c1" + "0" * 56, 2) == "9F3A 27C1 …"


def test_only_the_last_signing_step_says_accepted():
    steps = kep_format.signing_steps("waiting")

    assert [(step.word, step.state) for step in steps] == [
        ("Hazırlandı", "done"),
        ("İmza bekleniyor", "current"),
        ("Doğrulanıyor", "ahead"),
        ("Kabul edildi", "ahead"),
    ]
    assert [step.state for step in kep_format.signing_steps("accepted")] == ["done", "done", "done", "current"]


class _TwoFields(forms.Form):
    tckn = forms.CharField()
    parola = forms.CharField()

    def clean_tckn(self) -> str:
        raise ValidationError("Numara on bir haneli olmalı.", code="GRS-02")


def test_a_forms_errors_come_in_the_order_of_its_fields_with_our_codes_only():
    form = _TwoFields({"tckn": "1", "parola": ""})

    first, second = kep_format.form_errors(form)

    assert (first.field_id, first.message, first.code) == ("id_tckn", "Numara on bir haneli olmalı.", "GRS-02")
    assert (second.field_id, second.code) == ("id_parola", "")  # Django's word "required" is no code for a person


def test_a_fact_that_is_a_time_is_written_by_the_rule_of_times():
    assert kep_format.as_text(NOW) == "23 Kasım 2026 14:05:09 (TSİ)"
    assert kep_format.as_text("Örnek ESHS") == "Örnek ESHS"


def test_an_input_is_told_together_with_its_hint_and_its_error():
    fresh, wrong = _TwoFields(), _TwoFields({"tckn": "1", "parola": ""})

    assert 'aria-describedby="ipucu"' in kep_format.described_by(fresh["parola"], "ipucu")
    assert 'aria-describedby="ipucu id_parola_error"' in kep_format.described_by(wrong["parola"], "ipucu")


def test_a_trail_draws_what_exists_what_is_awaited_and_what_failed():
    drawn = kep_format.trail(SimpleNamespace(points=("exists", "negative", "awaited"), word="<b>", is_final=False))

    assert drawn.count("trail__exists") == drawn.count("trail__negative") == drawn.count('class="trail__awaited"') == 1
    assert 'aria-hidden="true"' in drawn
