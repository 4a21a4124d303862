"""The list of a corporate application: hostile files, findings by row, all or nothing (K-043)."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import access
from accounts.access import Acting
from accounts.applying import bulk, sheet
from accounts.applying.errors import (
    BulkNotAllowed,
    NoBranch,
    NoSuchBatch,
    RowsRefused,
    SheetRefused,
    StaleApplication,
)
from accounts.applying.sheet import SheetFault
from accounts.applying.states import State
from accounts.models import Application, Branch, KepAccount
from accounts.tests.cast import make_account, make_operator, make_person, new_tckn
from evidence.models import Event as LogEvent

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MOST_PER_PERSON = 6
"""Questions for one person of a list, by far the most of them for addresses."""
HEAD = "tckn;ad;soyad;dogum_tarihi;telefon;eposta;adres"


def line(
    tckn: str = "", ad: str = "Işıl", soyad: str = "Çağrı", telefon: str = "0555 111 22 33", adres: str = ""
) -> str:
    """One row of the list."""
    return f"{tckn or new_tckn()};{ad};{soyad};05.03.1984;{telefon};;{adres}"


def raw(*lines: str, head: str = HEAD) -> bytes:
    """The file."""
    return "\r\n".join((head, *lines)).encode()


@pytest.fixture
def branch(db: None) -> Branch:
    """An open branch."""
    return Branch.objects.create(code="CIN", name="Çınarova Merkez", province="Ankara", opened_at=NOW)


@pytest.fixture
def acting(branch: Branch) -> Acting:
    """A main operator who may manage operators, acting for a company."""
    company = make_account("toros@hs01.kep.tr", holder="Toros Lojistik A.Ş.")
    person = make_person()
    make_operator(company, person, is_main=True, may_manage_operators=True)
    return access.account_for(person, company.public_id, now=NOW)


def upload(acting: Acting, file: bytes) -> bulk.Batch:
    """The list as the page hands it over."""
    return bulk.upload(acting, file, branch_code="CIN", mode=KepAccount.Mode.RECEIVE_ONLY, now=NOW)


def findings(acting: Acting, file: bytes) -> set[tuple[int, str]]:
    """Lines and columns of what is wrong; nothing may be left behind."""
    with pytest.raises(RowsRefused) as refused:
        upload(acting, file)
    assert not Application.objects.exists()
    return {(each.line, each.column) for each in refused.value.facts["findings"]}  # type: ignore[attr-defined]


# --- the file -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sign", [";", ",", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_ways_spreadsheets_write_a_list_are_read(sign: str, mark: bytes) -> None:
    file = mark + raw(line(tckn="12345678950")).replace(b";", sign.encode())
    read = sheet.read(file)
    assert read.findings == ()
    assert read.rows[0].cells["tckn"] == "12345678950"
    assert read.rows[0]["telefon"] == "0555 111 22 33"


NO_LISTS = {
    "empty": b"",
    "blank": b"\r\n\r\n",
    "heads only": raw(),
    "nul": raw(line()) + b"\0",
    "utf-16": raw(line()).decode().encode("utf-16"),
    "latin-5": raw(line()).decode().encode("iso-8859-9"),
    "binary": bytes(range(256)),
    "too large": raw(*["x" * 1000] * 300),
    "too many rows": raw(*["1;a;b;;2;;"] * 501),
    "open quote": raw('"12345678950;ad'),
    "wrong heads": raw(line(), head="tckn;ad;soyad"),
    "head twice": raw(line(), head="tckn;ad;soyad;telefon;telefon"),
    "unknown head": raw(line(), head="tckn;ad;soyad;telefon;is_main"),
    "formula as head": raw(line(), head="tckn;ad;soyad;telefon;=1+1"),
}


@pytest.mark.parametrize("name", list(NO_LISTS))
def test_what_is_no_list_is_refused(name: str) -> None:
    with pytest.raises(SheetFault):
        sheet.read(NO_LISTS[name])


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tAyşe", "=HYPERLINK(1)", "|calc", "%0a",
        "Ay\u202ese", "Ay\u200bse", "a" * 300,
    ],
)  # fmt: skip
def test_a_cell_a_spreadsheet_would_run_or_nobody_would_see_is_a_finding(cell: str) -> None:
    assert [(each.line, each.column) for each in sheet.read(raw(line(ad=cell))).findings] == [(2, "ad")]


def test_a_phone_may_begin_with_its_plus_and_nothing_else_may() -> None:
    assert sheet.read(raw(line(telefon="+90 555 111 22 33"))).findings == ()
    assert sheet.read(raw(line(telefon="+1+cmd"))).findings[0].column == "telefon"


# --- the rows -------------------------------------------------------------------------------------------------------
def test_a_list_becomes_drafts_and_is_sent_whole(acting: Acting) -> None:
    batch = upload(acting, raw(line(), line(adres="isil.cagri.x@toros.hs01.kep.tr"), line(ad="Ali", soyad="Çelik")))
    rows = list(Application.objects.order_by("pk"))
    assert [row.state for row in rows] == ["DRAFT"] * 3
    assert [row.wanted_address.rpartition("@")[2] for row in rows] == ["toros.hs01.kep.tr"] * 3
    assert len({row.wanted_address for row in rows}) == 3
    assert {row.kind for row in rows} == {"member"}
    assert rows[0].wanted_address == "isil.cagri@toros.hs01.kep.tr"
    bulk.send(acting, batch.public_id, now=NOW)
    assert set(Application.objects.values_list("state", flat=True)) == {"DOCUMENTS_AWAITED"}
    assert LogEvent.objects.filter(kind="application.submitted").count() == 3
    sent = LogEvent.objects.get(kind="application.list_sent")
    assert sent.subject == f"account:{acting.account.public_id}"
    assert sent.actor == f"person:{acting.person.pk}"


def test_one_finding_keeps_the_whole_list_out_and_every_finding_is_named(acting: Acting) -> None:
    twice = new_tckn()
    found = findings(
        acting,
        raw(
            line(),
            line(tckn="12345678951"),
            line(tckn="１２３４５６７８９５０"),
            line(ad="Al1"),
            line(telefon="0312 111 22 33"),
            line(tckn=twice),
            line(tckn=twice),
            f"{new_tckn()};Ad;Soyad;31.02.1984;05551112233;;",
            f"{new_tckn()};Ad;Soyad;;05551112233;kimse@hs01.kep.tr;",
            ";Ad;Soyad;;05551112233;;",
            "bir;iki",
        ),
    )
    assert found == {
        (3, "tckn"), (4, "tckn"), (5, "ad"), (6, "telefon"), (7, "tckn"), (8, "tckn"),
        (9, "dogum_tarihi"), (10, "eposta"), (11, "tckn"), (12, ""),
    }  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "isil.cagri@hs01.kep.tr",  # not in the entity's domain
        "isil.cagri@baska.hs01.kep.tr",
        "isil.cagri@toros.hs02.kep.tr",
        "baska.biri@toros.hs01.kep.tr",
        "ışıl.çağrı@toros.hs01.kep.tr",
        "isil.cagri@example.com",
        "postmaster@toros.hs01.kep.tr",
    ],
)
def test_an_address_must_be_the_person_s_in_the_entity_s_own_domain(acting: Acting, address: str) -> None:
    assert findings(acting, raw(line(), line(adres=address))) == {(3, "adres")}


def test_two_people_of_a_list_never_get_one_address(acting: Acting) -> None:
    address = "isil.cagri@toros.hs01.kep.tr"
    assert findings(acting, raw(line(adres=address), line(adres=address.upper()))) == {(3, "adres")}
    upload(acting, raw(line(adres=address), line(), line()))
    assert len(set(Application.objects.values_list("wanted_address", flat=True))) == 3


def test_a_person_with_a_running_application_of_this_sponsor_is_a_finding(acting: Acting) -> None:
    number = new_tckn()
    bulk.send(acting, upload(acting, raw(line(tckn=number))).public_id, now=NOW)
    with pytest.raises(RowsRefused) as refused:
        upload(acting, raw(line(tckn=number)))
    assert [each.words for each in refused.value.facts["findings"]] == [bulk.APPLIED]  # type: ignore[attr-defined]


def test_what_is_no_list_and_no_branch_are_said_so(acting: Acting, branch: Branch) -> None:
    with pytest.raises(SheetRefused):
        upload(acting, b"\0")
    Branch.objects.update(closed_at=NOW)
    with pytest.raises(NoBranch):
        upload(acting, raw(line()))


# --- who ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "rights",
    [{"is_main": True, "may_manage_operators": False}, {"is_main": False, "may_manage_operators": True}],
)
def test_nobody_but_a_main_operator_with_the_right_applies_for_others(branch: Branch, rights: dict[str, Any]) -> None:
    company, person = make_account("toros@hs01.kep.tr", holder="Toros Lojistik A.Ş."), make_person()
    make_operator(company, person, **rights)
    with pytest.raises(BulkNotAllowed):
        upload(access.account_for(person, company.public_id, now=NOW), raw(line()))


def test_a_natural_person_has_no_people(branch: Branch) -> None:
    person = make_person()
    account = make_account("ayse.yildiz@hs01.kep.tr", holder=person)
    with pytest.raises(BulkNotAllowed):
        upload(access.account_for(person, account.public_id, now=NOW), raw(line()))


def test_another_account_s_list_is_like_one_that_does_not_exist(acting: Acting) -> None:
    batch = upload(acting, raw(line()))
    other, person = make_account("baska@hs01.kep.tr", holder="Başka A.Ş."), make_person()
    make_operator(other, person, is_main=True, may_manage_operators=True)
    stranger = access.account_for(person, other.public_id, now=NOW)
    for number in (batch.public_id, "yok", "", "a\0"):
        for verb in (bulk.send, bulk.discard):
            with pytest.raises(NoSuchBatch):
                verb(stranger, number, now=NOW)
    assert Application.objects.get().state == State.DRAFT


def test_a_list_that_was_sent_is_neither_sent_again_nor_thrown_away(acting: Acting) -> None:
    batch = upload(acting, raw(line()))
    bulk.send(acting, batch.public_id, now=NOW)
    for verb in (bulk.send, bulk.discard):
        with pytest.raises(NoSuchBatch):
            verb(acting, batch.public_id, now=NOW)


def test_a_list_thrown_away_sends_nothing(acting: Acting) -> None:
    batch = upload(acting, raw(line(), line()))
    bulk.discard(acting, batch.public_id, now=NOW)
    assert set(Application.objects.values_list("state", flat=True)) == {"WITHDRAWN"}
    with pytest.raises(NoSuchBatch):
        bulk.send(acting, batch.public_id, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_send_a_list_at_once_one_does() -> None:
    Branch.objects.create(code="CIN", name="Çınarova Merkez", province="Ankara", opened_at=NOW)
    company, person = make_account("toros@hs01.kep.tr", holder="Toros Lojistik A.Ş."), make_person()
    make_operator(company, person, is_main=True, may_manage_operators=True)
    acting = access.account_for(person, company.public_id, now=NOW)
    batch, sent = upload(acting, raw(line(), line())), []

    def send(number: int) -> None:
        try:
            bulk.send(acting, batch.public_id, now=NOW)
            sent.append(number)
        except (NoSuchBatch, StaleApplication):
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 1
    assert LogEvent.objects.filter(kind="application.submitted").count() == 2


def test_each_person_more_costs_few_questions(acting: Acting) -> None:
    def questions(number: int, surname: str) -> int:
        people = [line(soyad=surname + chr(97 + each % 26)) for each in range(number)]
        with CaptureQueriesContext(connection) as captured:
            upload(acting, raw(*people))
        return len(captured)

    questions(1, "Ilk")  # the entity's domain is looked up alike for everybody
    assert (questions(12, "Uzun") - questions(2, "Kisa")) / 10 <= MOST_PER_PERSON
