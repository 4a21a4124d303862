"""The SMS code: made, sent, replaced, and accepted once (V-020..V-026, N-003, design.md 1.9).

A code belongs to one sign-in attempt and to one row. The row holds an HMAC over the row's own id and the code, so
that neither the table nor another attempt can use it. It lives three minutes and three tries. A new code kills every
older one of the person, whichever window asked for it: the code that came last is the one that works.

Limits, per phone number: sixty seconds between two codes of one attempt, half a minute between two attempts while a
code is unanswered, five codes an hour, ten unanswered ones a day. Per person: ten wrong entries an hour. All are
asked under the lock of the person's row, and acceptance is one conditional UPDATE: of twenty right answers at the
same moment one wins (V-021).

The text leaves after the row is committed. When the gateway does not take it, the new code is dead and the older one
lives on.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum

from evidence.fieldcrypt import index_of

from . import sms
from .clock_words import clock_words
from .errors import AccountsError, CodeSpent, CodeTooSoon, SmsUnavailable, TooManyTries, WrongCode
from .models import Person, SmsAttempt
from .sms import SmsKind

DIGITS = 6
BETWEEN_ATTEMPTS = timedelta(seconds=30)
UNANSWERED_PER_DAY = 10
WRONG_PER_HOUR = 10
ATTEMPT_LIFE = timedelta(minutes=15)
"""How long a half-finished sign-in may ask for new codes before it has to begin again."""

_HOUR = timedelta(hours=1)


def new_code() -> str:
    """Six digits, every code as likely as any other (V-020)."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def ask(person: Person, *, now: datetime) -> SmsAttempt:
    """Begin an attempt: a first code is on its way. Refused: `CodeTooSoon`, `SmsUnavailable`."""
    return _send(person, asked_at=now, gap=BETWEEN_ATTEMPTS, now=now)


def ask_again(attempt: SmsAttempt, *, now: datetime) -> SmsAttempt:
    """A new code for the same attempt, in a new row; the old one is dead. Refused: `CodeTooSoon`, `SmsUnavailable`."""
    return _send(attempt.user, asked_at=attempt.asked_at, gap=settings.KEP_SMS_RESEND_AFTER, now=now)


def may_ask_again_at(attempt: SmsAttempt) -> datetime:
    """From when a new code of this attempt may be asked for."""
    return attempt.sent_at + settings.KEP_SMS_RESEND_AFTER


def is_alive(attempt: SmsAttempt, *, now: datetime) -> bool:
    """Whether the attempt can still lead to a sign-in, with this code or a new one."""
    return attempt.used_at is None and attempt.replaced_at is None and now < attempt.asked_at + ATTEMPT_LIFE


def verify(attempt: SmsAttempt, code: str, *, now: datetime) -> AccountsError | None:
    """None when this was the right code, now used up; else `WrongCode`, `CodeSpent` or `TooManyTries`.

    The refusal is returned and not raised, because the entry that was counted must be committed.
    """
    this = SmsAttempt.objects.filter(pk=attempt.pk, used_at=None, replaced_at=None, expires_at__gt=now)
    live = this.filter(tries__lt=settings.KEP_SMS_CODE_TRIES)
    with transaction.atomic():
        _lock(attempt.user_id)
        if refusal := too_many_wrong(attempt.user_id, now=now, entered_within=settings.KEP_SMS_CODE_LIFE):
            return refusal
        if live.filter(code_hmac=_hmac(attempt.public_id, code)).update(used_at=now):
            return None
        live.update(tries=F("tries") + 1)
    is_spent = this.filter(tries__gte=settings.KEP_SMS_CODE_TRIES).exists()
    return CodeSpent("three wrong entries") if is_spent else WrongCode("not the code of this attempt")


def _send(person: Person, *, asked_at: datetime, gap: timedelta, now: datetime) -> SmsAttempt:
    code = new_code()
    with transaction.atomic():
        _lock(person.pk)
        _refuse_flood(person, gap, now=now)
        attempt = SmsAttempt(
            user=person, name="sms", asked_at=asked_at, sent_at=now, expires_at=now + settings.KEP_SMS_CODE_LIFE
        )
        attempt.code_hmac = _hmac(attempt.public_id, code)
        attempt.save()
    result = sms.send(SmsKind.OTP, person.phone, sms.code_text(code), attempt.public_id)
    older, this = Q(pk__lt=attempt.pk), Q(pk=attempt.pk)
    open_codes = SmsAttempt.objects.filter(user=person, used_at=None, replaced_at=None)
    open_codes.filter(older if result.is_accepted else this).update(replaced_at=now)
    if not result.is_accepted:
        raise SmsUnavailable("the gateway did not take the code", error=result.error)
    return attempt


def _refuse_flood(person: Person, gap: timedelta, *, now: datetime) -> None:
    codes = SmsAttempt.objects.filter(user__phone_index=person.phone_index)
    unanswered = codes.filter(used_at=None)
    until = max(
        _free_at(unanswered, 1, gap, now=now),
        _free_at(codes, settings.KEP_SMS_PER_HOUR, _HOUR, now=now),
        _free_at(unanswered, UNANSWERED_PER_DAY, timedelta(days=1), now=now),
    )
    if now < until:
        raise CodeTooSoon("too many codes", until=until, at=clock_words(until, now=now))


def _free_at(codes: QuerySet[SmsAttempt], most: int, within: timedelta, *, now: datetime) -> datetime:
    """When one more code fits into `most` codes in any time of length `within`."""
    newest = codes.filter(sent_at__gt=now - within).order_by("-sent_at").values_list("sent_at", flat=True)[:most]
    sent = list(newest)
    return sent[-1] + within if len(sent) == most else now


def too_many_wrong(person_id: UUID, *, now: datetime, entered_within: timedelta) -> TooManyTries | None:
    """The refusal after ten wrong entries of an hour; an entry comes within `entered_within` of its code (V-024)."""
    since = now - _HOUR - entered_within  # this window holds every entry of the last hour
    recent = SmsAttempt.objects.filter(user=person_id, sent_at__gt=since, tries__gt=0)
    wrong = recent.aggregate(sum=Sum("tries"))["sum"] or 0
    if wrong < WRONG_PER_HOUR:
        return None
    oldest = recent.order_by("sent_at").values_list("sent_at", flat=True)[0]
    until = oldest + _HOUR + entered_within
    return TooManyTries("wrong codes", count=wrong, until=until, at=clock_words(until, now=now))


def _lock(person_id: UUID) -> None:
    """One step at a time per person; SQLite's write transactions are IMMEDIATE and need no more."""
    Person.objects.select_for_update().only("pk").get(pk=person_id)


def _hmac(attempt_id: str, code: str) -> str:
    return index_of(f"{attempt_id}:{code}", "accounts.sms_code")
