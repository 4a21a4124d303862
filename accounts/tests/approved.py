"""Applications for tests, as the desk has them before an address is given."""

import itertools
import json
from typing import Any

from accounts.identity import read_tckn
from accounts.models import Application, KepAccount
from accounts.persons import tckn_index
from accounts.tests.cast import LONG_AGO, new_tckn

_numbers = itertools.count(1)

GUNES = {"name": "Güneş Lojistik A.Ş.", "mersis": "0555000111200018", "company_type": "anonim"}


def make_application(
    first_name: str = "Ali",
    last_name: str = "Çelik",
    *,
    kind: str = Application.Kind.NATURAL,
    state: str = Application.State.APPROVED,
    legal: dict[str, str] | None = None,
    tckn: str | None = None,
    phone: str | None = None,
    sponsor: KepAccount | None = None,
    **more: Any,
) -> Application:
    """An application that was checked and approved; `legal` are the fields of a legal person."""
    number, serial = read_tckn(tckn or new_tckn()), next(_numbers)
    return Application.objects.create(
        number=f"B-2026-{serial:06d}",
        kind=kind,
        state=state,
        tckn=number,
        tckn_index=tckn_index(number),
        first_name=first_name,
        last_name=last_name,
        phone=phone or f"+90556{serial:07d}",
        legal=json.dumps(legal) if legal else None,
        mode=more.pop("mode", KepAccount.Mode.SEND_AND_RECEIVE),
        sponsor=sponsor,
        created_at=LONG_AGO,
        **more,
    )
