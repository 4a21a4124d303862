"""Codes sent to a phone for anything but a sign-in: made, sent, replaced, accepted once (V-012, V-020..V-026, W-007).

A code belongs to one purpose and one subject, and its row holds an HMAC over the row's own id and the code: neither the
table, nor another occasion, nor an older row of the same occasion can use it. A new code kills the older ones of its
occasion. Acceptance is one conditional UPDATE: of fifty right answers at the same moment one wins.

**What is typed a moment after it arrives** (phone check, status page, step-up) has six digits, three minutes and three
tries. **What waits for somebody to come home** has eight digits, because it can be guessed at for longer, and five
tries: activation and recovery a day (W-007, V-012), a stop as long as the change it stops has to wait (design.md 1.9).

Limits per number: half a minute between two codes, five an hour, ten a day; per subject ten wrong entries within an
hour. What anybody can ask for who types a number (`PHONE`, `STATUS`) is counted apart from what only follows a proof or
a clerk's act: otherwise a stranger could use the limits to keep the owner's own codes away (V-007). The limits of the
sign-in (`sms_code`) are its own for the same reason.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import randbelow
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet, Sum

from evidence.fieldcrypt import index_of

from . import persons, sms
from .clock_words import clock_words
from .errors import AccountsError, CodeTooSoon, TooManyTries
from .life_errors import CodeNotRight, CodeNotSent, CodeUsedUp
from .models import OneTimeCode
from .sms import SmsKind

Purpose = OneTimeCode.Purpose

GAP: Final = timedelta(seconds=30)
PER_HOUR: Final = 5
PER_DAY: Final = 10
WRONG_PER_HOUR: Final = 10

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Kind:
    """How a code of one purpose looks and lives; `words` stand in its text, ASCII (N-002)."""

    digits: int
    life: timedelta
    tries: int
    words: str
    is_for_anybody: bool = False

    @property
    def life_words(self) -> str:
        """`3 dakika` or `24 saat`."""
        return f"{self.life // timedelta(minutes=1)} dakika" if self.life < _HOUR else f"{self.life // _HOUR} saat"


_QUICK: Final = settings.KEP_SMS_CODE_LIFE
KINDS: Final[Mapping[str, Kind]] = {
    Purpose.ACTIVATION: Kind(8, timedelta(hours=24), 5, "aktivasyon kodunuz"),
    Purpose.RECOVERY: Kind(8, timedelta(hours=24), 5, "parola ve sifre yenileme kodunuz"),
    Purpose.STOP: Kind(8, timedelta(hours=72), 5, "telefon degisikligini durdurma kodunuz"),
    Purpose.PHONE: Kind(6, _QUICK, 3, "telefon dogrulama kodunuz", is_for_anybody=True),
    Purpose.STATUS: Kind(6, _QUICK, 3, "basvuru durumu kodunuz", is_for_anybody=True),
    Purpose.STEP_UP: Kind(6, _QUICK, 3, "islem onay kodunuz"),
}


def send(purpose: str, subject: str, *, phone: str, now: datetime, is_read_out: bool = False) -> OneTimeCode:
    """Send a new code for `subject` to `phone` (E.164); older codes of the same occasion are dead from then on.

    `is_read_out` is for a code that its person reads to a clerk: its text says whom it is for, and nothing of the web.

    Refused: `CodeTooSoon` by the limits of the number, `CodeNotSent` when the gateway did not take it; then the older
    code lives on. Outside a transaction the row is committed before the text leaves. Inside one the gateway is waited
    for in it, and whatever undoes the transaction leaves the phone with a code that opens nothing.
    """
    kind, index = KINDS[purpose], persons.phone_index(phone)
    code = f"{randbelow(10**kind.digits):0{kind.digits}d}"
    with transaction.atomic():
        _one_at_a_time(index)
        _refuse_flood(kind, index, now=now)
        row = OneTimeCode(purpose=purpose, subject=subject, number_index=index, sent_at=now, expires_at=now + kind.life)
        row.code_hmac = _hmac(row.public_id, code)
        row.save(force_insert=True)
    result = sms.send(
        _SMS_KINDS.get(purpose, SmsKind.OTP), phone, _text(kind, code, is_read_out=is_read_out), row.public_id
    )
    living = OneTimeCode.objects.filter(purpose=purpose, subject=subject, used_at=None, replaced_at=None)
    if not result.is_accepted:
        living.filter(pk=row.pk).update(replaced_at=now)
        raise CodeNotSent("the gateway did not take the code", error=result.error)
    living.filter(pk__lt=row.pk).update(replaced_at=now)
    return row


def spend(purpose: str, subject: str, code: str, *, now: datetime) -> OneTimeCode:
    """Accept the code and use it up. Never inside a transaction (RuntimeError): a counted entry must be committed.

    Refused: `CodeNotRight`, `CodeUsedUp` once the last try was wrong, `TooManyTries` after ten wrong ones in an hour.
    """
    with spending(purpose, subject, code, now=now) as row:
        return row


@contextmanager
def spending(purpose: str, subject: str, code: str, *, now: datetime) -> Iterator[OneTimeCode]:
    """Accept the code and do the act of the `with` block in one transaction: both are there or neither is.

    An act that is refused gives the code back, without a counted try. Refused as by `spend`.
    """
    with transaction.atomic(durable=True):
        taken = take(purpose, subject, code, now=now)
        if isinstance(taken, OneTimeCode):
            yield taken
            return
    raise taken


def take(purpose: str, subject: str, code: str, *, now: datetime) -> OneTimeCode | AccountsError:
    """The same inside the caller's transaction: the refusal is returned, so that the counted entry is committed.

    The questions asked are the same whether or not the subject exists, and whatever is wrong with the code (V-008).
    """
    kind, of_subject = KINDS[purpose], OneTimeCode.objects.filter(purpose=purpose, subject=subject)
    row = of_subject.filter(used_at=None, replaced_at=None, expires_at__gt=now).order_by("-pk").first()
    wanted = _hmac(row.public_id if row else "", code)
    refusal = _too_many_wrong(of_subject, kind, now=now)
    this = OneTimeCode.objects.filter(
        pk=row.pk if row else 0, used_at=None, replaced_at=None, expires_at__gt=now, tries__lt=kind.tries
    )
    if refusal is None and this.filter(code_hmac=wanted).update(used_at=now) and row is not None:
        row.used_at = now
        return row
    if refusal is not None:
        return refusal
    was_counted = this.update(tries=F("tries") + 1)
    if row is not None and row.tries + was_counted >= kind.tries:
        return CodeUsedUp("as many wrong entries as it takes", most=kind.tries)
    return CodeNotRight("not the code of this occasion")


def living(purpose: str, subject: str, *, now: datetime) -> OneTimeCode | None:
    """The code that would still be taken, for screens that say until when; None when there is none."""
    rows = OneTimeCode.objects.filter(purpose=purpose, subject=subject, used_at=None, replaced_at=None)
    return rows.filter(expires_at__gt=now, tries__lt=KINDS[purpose].tries).order_by("-pk").first()


def revoke(purpose: str, subject: str, *, now: datetime) -> int:
    """Kill every living code of the occasion; how many there were."""
    rows = OneTimeCode.objects.filter(purpose=purpose, subject=subject, used_at=None, replaced_at=None)
    return rows.update(replaced_at=now)


_SMS_KINDS: Final[Mapping[str, SmsKind]] = {Purpose.ACTIVATION: SmsKind.ACTIVATION}


def _text(kind: Kind, code: str, *, is_read_out: bool) -> str:
    provider = settings.KEP_PROVIDER_CODE
    if is_read_out:
        return (
            f"KEP {provider} {kind.words}: {code}. {kind.life_words} gecerlidir. "
            "Kodu yalnizca gisede karsinizdaki gorevliye okuyun."
        )
    return (
        f"KEP {provider} {kind.words}: {code}. {kind.life_words} gecerlidir. "
        f"Kimseyle paylasmayin.\n\n@{sms.web_host()} #{code}"
    )


def _one_at_a_time(number_index: str) -> None:
    """Two codes for one number are counted one after the other; SQLite's write transactions are, as it is."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(number_index[:15], 16)])


def _refuse_flood(kind: Kind, number_index: str, *, now: datetime) -> None:
    together = [each for each, other in KINDS.items() if other.is_for_anybody == kind.is_for_anybody]
    codes = OneTimeCode.objects.filter(number_index=number_index, purpose__in=together)
    until = max(
        _free_at(codes, 1, GAP, now=now),
        _free_at(codes, PER_HOUR, _HOUR, now=now),
        _free_at(codes, PER_DAY, timedelta(days=1), now=now),
    )
    if now < until:
        raise CodeTooSoon("too many codes to this number", until=until, at=clock_words(until, now=now))


def _free_at(codes: "QuerySet[OneTimeCode]", most: int, within: timedelta, *, now: datetime) -> datetime:
    newest = codes.filter(sent_at__gt=now - within).order_by("-sent_at").values_list("sent_at", flat=True)[:most]
    sent = list(newest)
    return sent[-1] + within if len(sent) == most else now


def _too_many_wrong(of_subject: "QuerySet[OneTimeCode]", kind: Kind, *, now: datetime) -> TooManyTries | None:
    # a code takes entries as long as it lives, so this window holds every entry of the last hour
    recent = of_subject.filter(sent_at__gt=now - _HOUR - kind.life, tries__gt=0)
    wrong = recent.aggregate(sum=Sum("tries"))["sum"] or 0
    if wrong < WRONG_PER_HOUR:
        return None
    oldest = recent.order_by("sent_at").values_list("sent_at", flat=True)[0]
    until = oldest + _HOUR + kind.life
    return TooManyTries("wrong codes", count=wrong, until=until, at=clock_words(until, now=now))


def _hmac(public_id: str, code: str) -> str:
    return index_of(f"{public_id}:{code}", "accounts.one_time")
