"""Send at a steady rate through the signer's completing door, and measure what a sender feels (R-032..R-034,
design.md 5).

Messages with a 50 kB attachment fall due at even distances for some minutes, whether or not earlier ones are done;
some recipients open theirs. `--burst` sends five times the rate for two minutes and waits for the drain (R-033).

How the figures come about:

- *answer*: by the client's clock, from the POST that was answered to its answer; *from due* counts from the moment the
  message should have been posted, so that a client kept waiting is not forgotten;
- *accept*: from the answer to the moment proof 10 is seen sealed in the database, which is looked at every tenth of a
  second from outside (see `campaigns.watching`): an upper bound;
- *delivery*: from the answer to the moment proof 40 of the slowest recipient is seen sealed, likewise;
- *queue age*: every two seconds the age of the oldest row that is owed; flat when the median of the last third of the
  sending is not above the first third's by more than a half, or a second;
- *sustained*: messages whose proof 10 was seen while sending went on, divided by its length.

All clocks are this machine's. At the end every proof must be sealed, and `campaigns.history` and `kepcheck` clean.
The quick size judges that alone: its times are shown and not judged.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

from campaigns import reading, run
from campaigns.told import Told

OCTETS, SHARE_OPENED, LOOK_EVERY, THREADS = 50_000, 0.1, 5.0, 16
MUST = {"rate": 25.0, "accept_p95": 1.0, "accept_p99": 3.0, "delivery_p95": 10.0}
GOAL = {"rate": 100.0, "accept_p95": 0.3, "accept_p99": 3.0, "delivery_p95": 3.0}
MINUTES, QUICK_RATE, QUICK_MINUTES = 10.0, 5.0, 0.15
BURST, BURST_MINUTES, DRAIN_SECONDS = 5, 2.0, 900.0
SUSTAINED = 0.97
"""Share of the rate that must have been accepted while sending: the last messages are still on their way at its end."""


def main() -> int:
    """Run, print, write the record; 0 when it passed."""
    parser = run.arguments("load", __doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=None, help="messages a second")
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--burst", action="store_true", help="five times the rate for two minutes")
    given = parser.parse_args()
    size = run.size_of(given)
    rate, minutes = asked(given)
    messages = given.messages or max(1, round(rate * minutes * 60))
    began, commit = time.monotonic(), run.commit()
    print(
        f"load: seed {size.seed}, commit {commit}, profile {size.profile}, {rate:g} messages/s, {messages} messages",
        flush=True,
    )
    with run.deployed("load", size, given.data) as deployment:
        from campaigns import watching

        stock = run.prepare(deployment, size, messages=messages, octets=OCTETS)
        readers = reading.started(deployment, share=SHARE_OPENED, pause=LOOK_EVERY)
        prepared = time.monotonic() - began
        watch = watching.Watch()
        watch.start()
        posting = run.client(deployment, stock, "--rate", str(rate), "--threads", str(THREADS))
        status = posting.wait()
        for reader in readers:
            reader.stop()
        drained = run.settle()
        watch.stop()
        end = run.ended(deployment, stock, readers)
        record: dict[str, Any] = {
            "name": "load",
            "profile": size.profile,
            "seed": size.seed,
            "commit": commit,
            "quick": size.is_quick,
            "burst": given.burst,
            "workers": size.workers,
            "rate": rate,
            "minutes": round(messages / rate / 60, 2),
            "messages": messages,
            **end.figures,
            "client_status": status,
            "put_off": sum(each.put_off for each in end.said.acked.values()),
            "unanswered": sum(each.tries - 1 - each.put_off for each in end.said.acked.values()),
            "drained_seconds": drained and round(drained, 1),
            "prepared_seconds": round(prepared, 1),
            **figures(end.said, watch.sealed, watch.samples),
            "seconds": round(time.monotonic() - began, 1),
        }
        record["must"] = not misses(record, MUST)
        record["goal"] = not misses(record, GOAL)
        run.conclude(record, faults_of(record), end, given.data, tell=tell)
    return run.verdict(record, deployment, given)


def asked(given: argparse.Namespace) -> tuple[float, float]:
    """Rate and minutes of this run."""
    rate = given.rate or (QUICK_RATE if given.quick else MUST["rate"])
    if given.burst:
        return rate * BURST, given.minutes or BURST_MINUTES
    return rate, given.minutes or (QUICK_MINUTES if given.quick else MINUTES)


# --- figures ----------------------------------------------------------------------------------------------------------
def figures(
    said: Told, sealed: dict[tuple[str, int, int], float], samples: Sequence[tuple[float, float]]
) -> dict[str, Any]:
    """Every measured figure of a run; seconds."""
    from mailbox.models import Message

    kep_ids = {str(operation): kep_id for operation, kep_id in Message.objects.values_list("operation", "kep_id")}
    accepted: dict[str, float] = {}
    slowest: dict[str, float] = {}
    for (kep_id, _, code), at in sealed.items():
        if code == 10:
            accepted[kep_id] = at
        elif code == 40:
            slowest[kep_id] = max(at, slowest.get(kep_id, 0.0))
    acked = list(said.acked.items())
    begin = min((each.due for _, each in acked), default=0.0)
    end = max((each.answered for _, each in acked), default=0.0)
    accepts = [accepted[kep_ids[op]] - each.answered for op, each in acked if kep_ids.get(op) in accepted]
    from_due = [accepted[kep_ids[op]] - each.due for op, each in acked if kep_ids.get(op) in accepted]
    deliveries = [slowest[kep_ids[op]] - each.answered for op, each in acked if kep_ids.get(op) in slowest]
    ages = [age for at, age in samples if begin <= at <= end]
    third = max(1, len(ages) // 3)
    first, last = (statistics.median(part) if part else 0.0 for part in (ages[:third], ages[-third:]))
    return {
        "sending_seconds": round(end - begin, 1),
        "sustained_per_second": round(sum(at <= end for at in accepted.values()) / max(end - begin, 0.001), 2),
        "answer": percentiles([each.answered - each.sent for _, each in acked]),
        "answer_from_due": percentiles([each.answered - each.due for _, each in acked]),
        "accept": percentiles(accepts),
        "accept_from_due": percentiles(from_due),
        "delivery": percentiles(deliveries),
        "queue_age": {"first_third": round(first, 2), "last_third": round(last, 2), "most": max(ages, default=0.0)},
        "queue_is_flat": last <= max(first * 1.5, first + 1.0),
        "samples": [[round(at - begin, 1), round(age, 2)] for at, age in samples],
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and the longest, in seconds; what was seen before its own answer came counts as 0."""
    ranked = sorted(max(0.0, each) for each in values)
    if not ranked:
        return {}
    named = {f"p{share}": ranked[min(len(ranked) - 1, len(ranked) * share // 100)] for share in (50, 95, 99)}
    return {name: round(value, 3) for name, value in (named | {"longest": ranked[-1]}).items()}


def misses(record: dict[str, Any], wanted: dict[str, float]) -> list[str]:
    """What of `wanted` this run did not show."""
    found = []
    if record["rate"] < wanted["rate"] or record["sustained_per_second"] < record["rate"] * SUSTAINED:
        found.append(f"{record['sustained_per_second']} accepted/s of {wanted['rate']:g}")
    for name in ("accept_p95", "accept_p99", "delivery_p95"):
        what, _, share = name.partition("_")
        value = record[what].get(share)
        if value is None or value > wanted[name]:
            found.append(f"{what} {share} {value} s of {wanted[name]} s")
    if not record["queue_is_flat"]:
        found.append("the queue grew")
    return found


def faults_of(record: dict[str, Any]) -> list[str]:
    """Why a run did not pass; empty when it did."""
    faults = run.faults_of_end(record)
    if record["acknowledged"] != record["messages"] or record["client_status"]:
        faults.append(f"{record['acknowledged']} of {record['messages']} messages were acknowledged")
    if record["errors"] or record["unanswered"]:
        faults.append(f"{len(record['errors'])} requests were refused, {record['unanswered']} got no clear answer")
    if record["drained_seconds"] is None or record["drained_seconds"] > DRAIN_SECONDS:
        faults.append("the queue was not drained")
    if not record["quick"] and not record["burst"]:
        faults += misses(record, {**MUST, "rate": min(MUST["rate"], record["rate"])})
    return faults


def tell(record: dict[str, Any]) -> None:
    """The run for a person."""
    print(
        f"  acknowledged {record['acknowledged']}, deliveries {record['deliveries']}, proofs verified "
        f"{record['proofs']}, put off {record['put_off']}, without a clear answer {record['unanswered']}"
    )
    for name in ("answer", "answer_from_due", "accept", "accept_from_due", "delivery"):
        print(f"  {name:<16}" + "  ".join(f"{share} {value:.3f} s" for share, value in record[name].items()))
    age = record["queue_age"]
    print(
        f"  queue age: first third {age['first_third']} s, last third {age['last_third']} s, most {age['most']:.1f} s; "
        f"drained {record['drained_seconds']} s after the last answer"
    )
    print(
        f"  prepared in {record['prepared_seconds']} s, sending {record['sending_seconds']} s, "
        f"all {record['seconds']} s"
    )
    found = record["findings"]
    print(
        f"figure: {record['sustained_per_second']} accepted/s sustained of {record['rate']:g} sent, "
        f"accept p95 {record['accept'].get('p95')} s, delivery p95 {record['delivery'].get('p95')} s, "
        f"lost {found['LOST']}, findings {sum(found.values())}, kepcheck {record['kepcheck']}; "
        f"must {'met' if record['must'] else 'not shown'}, goal {'met' if record['goal'] else 'not shown'}"
    )


if __name__ == "__main__":
    sys.exit(main())
