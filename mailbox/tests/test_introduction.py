"""The introduction is filled by hand; here the template engine of Django, which escapes by itself, says the same."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.template import Context, engines
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from mailbox.introduction import introduction

HTML = """\
{% load kep_format %}<!DOCTYPE html>
<html lang="tr"><head><meta charset="utf-8"><title>KEP iletisi</title></head><body>
<p>Bu bir kayıtlı elektronik posta (KEP) iletisidir.</p>
<table>
<tr><th scope="row">Gönderen</th><td>{{ message.sender_name }} &lt;{{ message.sender_address }}&gt;</td></tr>
{% for each in recipients %}<tr><th scope="row">{% if each.is_cc %}Bilgi{% else %}Alıcı{% endif %}</th><td>{{ each.name }} &lt;{{ each.address }}&gt;</td></tr>
{% endfor %}<tr><th scope="row">Konu</th><td>{{ message.subject }}</td></tr>
<tr><th scope="row">Kabul</th><td>{{ acceptance.intent.event_at|tsi }}</td></tr>
<tr><th scope="row">KEP no</th><td>{{ message.kep_id }}</td></tr>
</table>
<p>Gönderenin imzaladığı özgün ileti bu zarfın içinde değişmeden durur. Kabul delili ektedir (delil-10.xml). Zarfın ve delilin imzası ile zaman damgası, hizmet sağlayıcıya başvurmadan da denetlenebilir: kök sertifikanın özetini dışarıdan edinip openssl ve xmlsec1 ile doğrulayın.</p>
<p>Bu bölüm bilgi içindir; hukuki sonuç özgün iletiye ve delillere bağlıdır.</p>
</body></html>
"""  # noqa: E501 - as it stood in the template
TEXT = """\
{% load kep_format %}{% autoescape off %}Bu bir kayıtlı elektronik posta (KEP) iletisidir.

Gönderen : {{ message.sender_name }} <{{ message.sender_address }}>
{% for each in recipients %}{% if each.is_cc %}Bilgi    {% else %}Alıcı    {% endif %}: {{ each.name }} <{{ each.address }}>
{% endfor %}Konu     : {{ message.subject }}
Kabul    : {{ acceptance.intent.event_at|tsi }}
KEP no   : {{ message.kep_id }}

Gönderenin imzaladığı özgün ileti bu zarfın içinde değişmeden durur. Kabul delili ektedir
(delil-10.xml). Zarfın ve delilin imzası ile zaman damgası, hizmet sağlayıcıya başvurmadan
da denetlenebilir: kök sertifikanın özetini dışarıdan edinip openssl ve xmlsec1 ile doğrulayın.

Bu bölüm bilgi içindir; hukuki sonuç özgün iletiye ve delillere bağlıdır.
{% endautoescape %}"""  # noqa: E501

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror="x">',
    "Ali & Veli &lt;ortak&gt; 'A.Ş.'",
    "{subject} {0} {{ message.kep_id }} {% now 'Y' %} %s %(x)s",
    "{recipients.__class__.__init__.__globals__}",
    "\\g<0> $name ${name}",
    "ğüşiöçİI\u00a0\u2028 😀",
    "",
]
WORDS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - zone beside


def rendered(source: str, facts: dict[str, Any]) -> str:
    with translation.override("tr"):
        return str(engines["django"].from_string(source).template.render(Context(facts)))


def case(words: list[str], recipients: list[tuple[bool, str, str]], at: datetime) -> dict[str, Any]:
    sender_name, sender_address, subject, kep_id = words
    people = [SimpleNamespace(is_cc=is_cc, name=name, address=address) for is_cc, name, address in recipients]
    return {
        "message": SimpleNamespace(
            sender_name=sender_name,
            sender_address=sender_address,
            subject=subject,
            kep_id=kep_id,
            recipients=SimpleNamespace(all=lambda: people),
        ),
        "acceptance": SimpleNamespace(intent=SimpleNamespace(event_at=at)),
        "recipients": people,
    }


def agrees(facts: dict[str, Any]) -> None:
    made = introduction(facts["message"], facts["acceptance"])
    assert made.html == rendered(HTML, facts)
    assert made.text == rendered(TEXT, facts)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_words_come_out_as_the_template_engine_escapes_them(hostile):
    agrees(case([hostile] * 4, [(False, hostile, hostile), (True, hostile, hostile)], datetime.now(UTC)))


@given(
    st.lists(WORDS, min_size=4, max_size=4),
    st.lists(st.tuples(st.booleans(), WORDS, WORDS), max_size=4),
    MOMENTS,
)
def test_any_words_come_out_as_the_template_engine_writes_them(words, recipients, at):
    agrees(case(words, recipients, at))


def test_a_moment_is_written_in_turkish_whoever_asks():
    facts = case(["A", "a@b", "K", "k"], [], datetime(2026, 11, 23, 11, 5, 9, tzinfo=UTC) + timedelta(microseconds=7))
    with translation.override("en"):
        made = introduction(facts["message"], facts["acceptance"])
    assert "Kabul    : 23 Kasım 2026 14:05:09 (TSİ)\n" in made.text
    assert "<td>23 Kasım 2026 14:05:09 (TSİ)</td>" in made.html
