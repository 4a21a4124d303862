"""Facts of every paper as tests use them; the names in them are hostile on purpose where a test asks for it."""

from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from typing import Any

MADE_AT = datetime(2026, 11, 24, 18, 0, 5, tzinfo=UTC)  # 21:00:05 in Istanbul


def person(**changed: Any) -> dict[str, Any]:
    """An applicant."""
    return {
        "first_name": "Işıl",
        "last_name": "Öğütçü",
        "tckn": "10000000146",
        "birth_date": date(1980, 2, 3),
        "phone": "+905321234567",
        "email": "",
        **changed,
    }


def legal(**changed: Any) -> dict[str, Any]:
    """A company."""
    return {
        "name": "Çınar Yapı Limited Şirketi",
        "company_type": "Limited şirket",
        "mersis": "0123456789012345",
        "vkn": "1234567890",
        "detsis": "",
        "registry_no": "4711",
        "registry_office": "Çınarova",
        "activity": "Yapı malzemesi ticareti",
        "province": "Çınarova",
        "postal_address": "Atatürk Caddesi 1",
        **changed,
    }


def operator(**changed: Any) -> dict[str, Any]:
    """One line of the record of operators."""
    return {
        "name": "Ayşe Işık",
        "masked_tckn": "10*******46",
        "is_main": True,
        "role": "Genel müdür",
        "relation": "Çalışan",
        "rights": ["Okuma", "İmzalama ve gönderme"],
        "starts_at": MADE_AT,
        "ends_at": None,
        **changed,
    }


_CHOICES = {
    "mode": "send_and_receive",
    "wants_sms": True,
    "wants_email": False,
    "listed": True,
    "takes_tebligat": True,
}
_FACTS: dict[str, dict[str, Any]] = {
    "application_form": {
        "number": "B-2026-7K3M9Q",
        "made_at": MADE_AT,
        "kind": "natural",
        "applicant": person(),
        "legal": None,
        "wanted_address": "isil.ogutcu@hs01.kep.tr",
        **_CHOICES,
        "papers": ["Fotoğraflı kimlik belgesi"],
        "branch_name": "",
        "signed_by_e_imza_at": None,
    },
    "undertaking": {
        "number": "B-2026-7K3M9Q",
        "made_at": MADE_AT,
        "kind": "private_legal",
        "applicant": person(),
        "legal": legal(),
        "address": "cinaryapi@hs01.kep.tr",
        "mode": "send_and_receive",
    },
    "contract": {
        "number": "B-2026-7K3M9Q",
        "made_at": MADE_AT,
        "kind": "private_legal",
        "applicant": person(),
        "legal": legal(),
        "address": "cinaryapi@hs01.kep.tr",
        **_CHOICES,
        "branch_name": "Çınarova Merkez Şubesi",
        "terms_version": "1.0",
    },
    "activation_letter": {
        "number": "B-2026-7K3M9Q",
        "made_at": MADE_AT,
        "holder_name": "Işıl Öğütçü",
        "person_name": "Işıl Öğütçü",
        "address": "isil.ogutcu@hs01.kep.tr",
        "phone_ending": "67",
        "page": "https://hs01.example/aktivasyon/",
        "code_valid_until": MADE_AT + timedelta(hours=24),
        "branch_name": "Çınarova Merkez Şubesi",
    },
    "operators_record": {
        "reference": "k3m9q7",
        "made_at": MADE_AT,
        "holder_name": "Çınar Yapı Limited Şirketi",
        "address": "cinaryapi@hs01.kep.tr",
        "asked_by": "Ayşe Işık",
        "operators": [operator()],
    },
}


FIXED = ("kind", "mode", "masked_tckn")
"""Facts that no person has written."""


def facts_of(template: str, **changed: Any) -> dict[str, Any]:
    """Facts of a paper that are in order, with what the test changes."""
    return {**deepcopy(_FACTS[template]), **changed}


def hostile(template: str, text: str) -> dict[str, Any]:
    """The facts of a paper with `text` in every place where a person's words may stand."""

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: each if name in FIXED else put(each) for name, each in value.items()}
        if isinstance(value, list):
            return [put(each) for each in value]
        return text if isinstance(value, str) else value

    return dict(put(facts_of(template)))
