"""Four eyes: an act that one person on duty asks for, and another allows (V-046). Used by every later issue.

**What** can be asked for is a kind, registered when the process starts: its title, the verb that does it, and how long
it has to wait. **Who** may decide: somebody on duty who is not the one who asked and whom the act is not about; a clerk
decides for his own branch only, the back office for all. Rights are read again in the transaction of the act, under the
lock of the post: a right that was withdrawn a moment ago decides nothing (V-043).

**What was allowed is what is done**: facts are written when asked, encrypted, and never changed. Each step is one
conditional UPDATE from the state before it; of fifty approvals at the same moment one wins (V-047).

```
ASKED ──approve──► APPROVED ──at not_before──► DONE
  │                   │  └─ no longer possible, or 24 h too late: FAILED
  ├─ refuse: REFUSED, withdraw: WITHDRAWN, stop: STOPPED (from both); three days without a word: LAPSED
  └─ DONE may still be STOPPED by the holder where the kind can be undone, as long as it says
```

**When.** Allowed and without a wait, the act is done in the transaction of the approval. With a wait it is a due row,
done by `run_due` from a worker's sweep, and the wait is asked again at that moment: it may have grown. An act that
fails for the moment (no SMS gateway) is tried again every five minutes, for a day; what is refused for good is FAILED,
and says why. A row is claimed by moving its next try before it is tried: one that breaks stands in nobody's way.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from evidence import eventlog
from evidence.eventlog import Happening
from guards.errors import KepError
from guards.ids import could_be_public_id

from .approval_errors import (
    AlreadyAsked,
    ApprovalOver,
    ApprovalUnknown,
    AskerLeft,
    NotThisPost,
    OwnMatter,
    OwnRequest,
    WhyMissing,
)
from .errors import NotServing
from .models import Approval, Post
from .operators import running
from .posts import Serving

Execute = Callable[[Approval, datetime], None]
Wait = Callable[[Approval], datetime | None]

ASK_LIFE: Final = timedelta(days=3)
"""How long a request waits for a decision."""
DO_LIFE: Final = timedelta(hours=24)
"""How long after its due moment an allowed act may still be done."""
RETRY: Final = timedelta(minutes=5)
LONGEST_WHY: Final = 500
BATCH: Final = 50

_OPEN: Final = (Approval.State.ASKED, Approval.State.APPROVED)


@dataclass(frozen=True)
class Kind:
    """One kind of act: see `register`."""

    name: str
    title: str
    execute: Execute
    wait: Wait | None
    undo: Execute | None
    undo_within: timedelta
    roles: frozenset[str]


_kinds: dict[str, Kind] = {}


def register(
    kind: str,
    *,
    title: str,
    execute: Execute,
    wait: Wait | None = None,
    undo: Execute | None = None,
    undo_within: timedelta = timedelta(),
    roles: frozenset[str] = frozenset(Post.Role.values),
) -> None:
    """Make `kind` an act that can be asked for; call it from `AppConfig.ready`. Saying the same twice
    changes nothing; ValueError when the name is taken.

    `title` is Turkish, for lists. `execute(approval, now)` does the act inside a transaction and refuses with a
    `KepError`: a temporary one is tried again. `wait(approval)` is the moment before which it is not done, asked inside
    the transaction (it locks what it reads). `undo` takes a done act back when its holder stops it within
    `undo_within`. `roles` are those who may ask, and decide beside the back office.
    """
    made = Kind(kind, title, execute, wait, undo, undo_within, roles)
    if _kinds.setdefault(kind, made) != made:
        raise ValueError(f"a kind of this name is there: {kind}")


def kind_of(approval: Approval) -> Kind:
    """The kind of this request; KeyError when no app of this process registers it."""
    return _kinds[approval.kind]


def facts_of(approval: Approval) -> dict[str, str]:
    """What will be done, as it was asked for."""
    facts: dict[str, str] = json.loads(approval.facts)
    return facts


def ask(kind: str, *, subject: str, facts: Mapping[str, str], why: str, by: Serving, now: datetime) -> Approval:
    """Ask for an act. `facts["person"]`, if there, is the key of the person it is about, who takes no part in it.

    Refused: `NotServing`, `NotThisPost`, `OwnMatter`, `WhyMissing`, `AlreadyAsked`. KeyError for an unknown kind.
    """
    asked, reason = _kinds[kind], " ".join(why.split())[:LONGEST_WHY]
    if not reason:
        raise WhyMissing("no reason given")
    if by.post.role not in asked.roles:
        raise NotThisPost("asked in another role")
    if str(by.person.pk) in (subject.removeprefix("person:"), facts.get("person")):
        raise OwnMatter("about the person who asks")
    with transaction.atomic():
        _on_duty(by, now=now)
        try:
            with transaction.atomic():
                approval = Approval.objects.create(
                    kind=kind,
                    subject=subject,
                    facts=json.dumps(dict(facts), ensure_ascii=False, sort_keys=True),
                    why=reason,
                    branch=by.branch,
                    asked_by=by.person,
                    asked_at=now,
                    lapses_at=now + ASK_LIFE,
                )
        except IntegrityError as error:
            raise AlreadyAsked("an open request of this kind about this subject") from error
        _write(approval, "asked", by.actor, now=now, branch=by.branch_code)
    return approval


def approve(approval_id: str, *, by: Serving, now: datetime) -> Approval:
    """Allow what was asked for, and do it now unless it has to wait; the row as it is afterwards.

    Its state says what became of it: DONE, APPROVED (waits, or is tried again), FAILED (no longer possible).
    Refused: `NotServing`, `ApprovalUnknown`, `OwnRequest`, `OwnMatter`, `AskerLeft`, `ApprovalOver`.
    """
    with transaction.atomic():
        _on_duty(by, now=now)
        approval = _for_decision(approval_id, by)
        if not Post.objects.filter(running(now), person=approval.asked_by, person__is_active=True).exists():
            raise AskerLeft("whoever asked holds no post")
        due = max(now, _waits_until(approval) or now)
        allowed = Approval.objects.filter(pk=approval.pk, state=Approval.State.ASKED, lapses_at__gt=now)
        if not allowed.update(
            state=Approval.State.APPROVED,
            decided_by=by.person,
            decided_at=now,
            not_before=due,
            lapses_at=due + DO_LIFE,
        ):
            raise ApprovalOver("not open any more")
        approval.refresh_from_db()
        _write(approval, "approved", by.actor, now=now, branch=by.branch_code, not_before=due.isoformat())
        if due <= now:
            _do(approval, now=now)
    return approval


def refuse(approval_id: str, *, by: Serving, now: datetime) -> Approval:
    """Refuse what was asked for, or take an approval back that was not done yet. Refusals as of `approve`."""
    with transaction.atomic():
        _on_duty(by, now=now)
        approval = _for_decision(approval_id, by)
        facts = {"state": Approval.State.REFUSED, "decided_by": by.person, "decided_at": now, "ended_at": now}
        if not _open(approval).update(**facts):
            raise ApprovalOver("not open any more")
        _write(approval, "refused", by.actor, now=now, branch=by.branch_code)
    approval.refresh_from_db()
    return approval


def withdraw(approval_id: str, *, by: Serving, now: datetime) -> Approval:
    """The one who asked takes the request back, while it is not done. Refused: `ApprovalUnknown`, `ApprovalOver`."""
    with transaction.atomic():
        _on_duty(by, now=now)
        approval = _within_reach(approval_id, by)
        if approval.asked_by_id != by.person.pk:
            raise ApprovalUnknown("asked by somebody else")
        if not _open(approval).update(state=Approval.State.WITHDRAWN, ended_at=now):
            raise ApprovalOver("not open any more")
        _write(approval, "withdrawn", by.actor, now=now, branch=by.branch_code)
    approval.refresh_from_db()
    return approval


def stop(approval: Approval, *, reason: str, now: datetime, actor: str = "holder") -> None:
    """The holder stops the act: before it is done, or after it where the kind can be undone and there is time left.

    Whoever calls has proved that it is the holder. `reason` says how, in a word. Refused: `ApprovalOver`.
    """
    kind = kind_of(approval)
    stopped = {"state": Approval.State.STOPPED, "ended_at": now, "end_reason": reason}
    with transaction.atomic():
        if not _open(approval).update(**stopped):
            undoable = Approval.objects.filter(
                pk=approval.pk, state=Approval.State.DONE, ended_at__gt=now - kind.undo_within
            )
            if kind.undo is None or not undoable.update(**stopped):
                raise ApprovalOver("nothing left to stop")
            kind.undo(approval, now)
        _write(approval, "stopped", actor, now=now, how=reason)
    approval.refresh_from_db()


def can_be_stopped(approval: Approval, *, now: datetime) -> bool:
    """Whether `stop` would find something to stop."""
    if approval.state in _OPEN:
        return True
    kind = kind_of(approval)
    is_done = approval.state == Approval.State.DONE and approval.ended_at is not None
    return kind.undo is not None and is_done and approval.ended_at > now - kind.undo_within  # type: ignore[operator]


def open_for(by: Serving) -> "QuerySet[Approval]":
    """What waits for a decision where this person serves, oldest first; his own requests are among them.

    Only kinds that this process knows. Those he may not decide himself say so: `may_decide`.
    """
    waiting = Approval.objects.filter(_reach(by), state=Approval.State.ASKED, kind__in=_kinds)
    return waiting.select_related("asked_by", "branch").order_by("asked_at", "pk")


def decided_for(by: Serving) -> "QuerySet[Approval]":
    """What is not waiting for a decision any more where this person serves, the newest first."""
    decided = Approval.objects.filter(_reach(by), kind__in=_kinds).exclude(state=Approval.State.ASKED)
    return decided.select_related("asked_by", "branch").order_by("-asked_at", "-pk")


def asked_about(subject: str, by: Serving) -> "QuerySet[Approval]":
    """Everything ever asked about this subject where this person serves, the newest first."""
    rows = Approval.objects.filter(_reach(by), subject=subject, kind__in=_kinds)
    return rows.select_related("asked_by", "branch").order_by("-pk")


def may_decide(approval: Approval, by: Serving) -> bool:
    """Whether this person may be the second pair of eyes: neither the one who asked nor the one it is about."""
    return approval.asked_by_id != by.person.pk and not _is_about(approval, by)


def find(approval_id: str, by: Serving) -> Approval:
    """The request in any state, where this person may look at it. Refused: `ApprovalUnknown`."""
    return _within_reach(approval_id, by)


def run_due(*, now: datetime) -> int:
    """Do what is due, and close what nobody decided or what came too late; how many rows were moved."""
    return sum((_lapse(now=now), _give_up(now=now), *(_take(key, now=now) for key in _due(now=now))))


def _due(*, now: datetime) -> list[int]:
    rows = Approval.objects.filter(state=Approval.State.APPROVED, not_before__lte=now, kind__in=_kinds)
    return list(rows.order_by("not_before").values_list("pk", flat=True)[:BATCH])


def _take(key: int, *, now: datetime) -> int:
    due = Approval.objects.filter(pk=key, state=Approval.State.APPROVED, not_before__lte=now)
    if not due.update(not_before=now + RETRY):  # another worker has it
        return 0
    with transaction.atomic():
        approval = Approval.objects.get(pk=key)
        until = _waits_until(approval)
        if until is not None and until > now:
            still = Approval.objects.filter(pk=key, state=Approval.State.APPROVED)
            return still.update(not_before=until, lapses_at=until + DO_LIFE)
        return _do(approval, now=now)


def _do(approval: Approval, *, now: datetime) -> int:
    """Do it, once: whoever turns APPROVED into DONE does. A refused act leaves nothing behind but its reason."""
    this = Approval.objects.filter(pk=approval.pk)
    if not this.filter(state=Approval.State.APPROVED).update(state=Approval.State.DONE, ended_at=now):
        return 0
    try:
        with transaction.atomic():
            kind_of(approval).execute(approval, now)
    except KepError as refusal:
        if refusal.temporary:
            this.update(state=Approval.State.APPROVED, ended_at=None, not_before=now + RETRY)
            _write(approval, "put_off", "system", now=now, code=refusal.code)
        else:
            this.update(state=Approval.State.FAILED, end_reason=refusal.code)
            _write(approval, "failed", "system", now=now, code=refusal.code)
    else:
        _write(approval, "done", f"person:{approval.asked_by_id}", now=now)
    approval.refresh_from_db()
    return 1


def _lapse(*, now: datetime) -> int:
    return _close(Approval.State.ASKED, Approval.State.LAPSED, "", "lapsed", now=now)


def _give_up(*, now: datetime) -> int:
    return _close(Approval.State.APPROVED, Approval.State.FAILED, "too_late", "failed", now=now)


def _close(state: str, to: str, reason: str, word: str, *, now: datetime) -> int:
    rows = Approval.objects.filter(state=state, lapses_at__lte=now).defer("facts", "why")
    closed = 0
    for approval in rows[:BATCH]:
        with transaction.atomic():
            this = Approval.objects.filter(pk=approval.pk, state=state, lapses_at__lte=now)
            if this.update(state=to, ended_at=now, end_reason=reason):
                _write(approval, word, "system", now=now)
                closed += 1
    return closed


def _on_duty(by: Serving, *, now: datetime) -> None:
    """The post as it is now, under its lock: whoever ends it at this moment comes before or after us."""
    held = Post.objects.select_for_update(of=("self",)).filter(
        running(now),
        Q(branch=None) | Q(branch__closed_at=None) | Q(branch__closed_at__gt=now),
        pk=by.post.pk,
        person=by.person,
        person__is_active=True,
    )
    if not held:
        raise NotServing("the post has ended")


def _reach(by: Serving) -> Q:
    """A clerk's own branch; everything for the back office."""
    return Q() if by.post.role == Post.Role.BACK_OFFICE else Q(branch=by.branch, branch__isnull=False)


def _within_reach(approval_id: str, by: Serving) -> Approval:
    rows = Approval.objects.filter(_reach(by), public_id=approval_id, kind__in=_kinds)
    approval = rows.select_related("asked_by", "decided_by", "branch").first()
    if not could_be_public_id(approval_id) or approval is None:
        raise ApprovalUnknown("no such request within reach")
    return approval


def _for_decision(approval_id: str, by: Serving) -> Approval:
    approval = _within_reach(approval_id, by)
    if approval.asked_by_id == by.person.pk:
        raise OwnRequest("asked by the same person")
    if _is_about(approval, by):
        raise OwnMatter("about the person who decides")
    return approval


def _is_about(approval: Approval, by: Serving) -> bool:
    person = str(by.person.pk)
    return approval.subject == f"person:{person}" or facts_of(approval).get("person") == person


def _waits_until(approval: Approval) -> datetime | None:
    wait = kind_of(approval).wait
    return wait(approval) if wait else None


def _open(approval: Approval) -> "QuerySet[Approval]":
    return Approval.objects.filter(pk=approval.pk, state__in=_OPEN)


def _write(approval: Approval, word: str, actor: str, *, now: datetime, **facts: str) -> None:
    told = {"approval": approval.public_id, "kind": approval.kind, **facts}
    eventlog.append_all([Happening(f"approval.{word}", now, actor, approval.subject, told)])
