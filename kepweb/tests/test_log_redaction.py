"""Log lines carry no identity number, phone number or forged second line, whoever wrote them (V-025, V-095)."""

import io
import logging
import logging.config

import pytest

from kepweb.log_redaction import OneLine

TCKN, PHONE = "10000000146", "+905551112233"


@pytest.fixture
def log():
    """A logger set up as the settings do, and what it wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLine())
    logger = logging.getLogger("kep.test.redaction")
    logger.propagate = False
    logger.handlers = [handler]
    logger.written = stream.getvalue
    yield logger
    logger.handlers = []


def test_an_identity_number_is_masked_in_the_text_and_in_arguments(log):
    log.warning("number %s and " + TCKN, TCKN)
    assert TCKN not in log.written()
    assert log.written().count("***********") == 2


def test_a_phone_number_is_masked(log):
    log.warning("sent to %s", PHONE)
    assert "5551112233" not in log.written()


def test_values_inside_structures_are_masked(log):
    log.warning("%r", {"tckn": TCKN, "phones": [PHONE]})
    assert TCKN not in log.written()
    assert "5551112233" not in log.written()


def test_an_exception_and_its_traceback_are_masked(log):
    try:
        raise ValueError(f"no person {TCKN} with {PHONE}")
    except ValueError:
        log.exception("failed")
    assert "ValueError" in log.written()
    assert TCKN not in log.written()
    assert "5551112233" not in log.written()


def test_the_cause_of_an_exception_is_masked(log):
    try:
        try:
            raise KeyError(TCKN)
        except KeyError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        log.exception("failed")
    assert TCKN not in log.written()


def test_a_hostile_value_cannot_begin_a_second_line(log):
    log.warning("subject %s", "x\r\n2026-11-24T09:00:00Z CRITICAL forged\u2028line\x1b[31m")
    assert len(log.written().splitlines()) == 1
    assert "\x1b" not in log.written()


def test_a_traceback_is_one_line_too(log):
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        log.exception("failed")
    assert log.written().count("\n") == 1


@pytest.mark.parametrize("text", ["+905551112233", "05551112233", "90 5551112233", "tel:5551112233"])
def test_a_phone_number_is_masked_however_it_is_written(log, text):
    log.warning("%s", text)
    assert "5551112233" not in log.written()


@pytest.mark.parametrize("text", [TCKN, f"code{TCKN}", f"tckn={TCKN};", "12345678901"])
def test_whatever_could_be_an_identity_number_is_masked(log, text):
    log.warning("%s", text)
    assert "*" * 11 in log.written()


@pytest.mark.parametrize(
    "text", ["2026112409300012", "a1b2c3d4e5f60718", "size 26214400", "12345", "e3b12345678901aa", "ev-0199c5551112233"]
)
def test_other_numbers_stay_readable(log, text):
    log.warning("%s", text)
    assert text in log.written()


def test_the_settings_write_every_line_so(settings):
    handler = settings.LOGGING["handlers"]["stderr"]
    assert handler["formatter"] == "line"
    assert settings.LOGGING["formatters"]["line"] == {"()": "kepweb.log_redaction.OneLine"}
    assert settings.LOGGING["root"]["handlers"] == ["stderr"]
