"""Does the sign-in tell who has an account? Tries against a running provider, by the clock and by every byte (V-008).

Six cases, each try against an identity number of its own, in a drawn order, so that whatever the machine does
meanwhile falls on all cases alike:

- *unknown*: a valid number that nobody holds;
- *parola*, *sifre*: a person's number with one factor wrong;
- *closed*: a person whose access was closed, with both secrets right;
- *locked*: a person's number after five wrong tries from this network, and *locked-unknown*: a number that nobody
  holds, after the same.

The first four must be one answer: same status, same text, same headers, same time. So must the last two, whose page
says when the wait ends: that five tries were wrong is known to whoever made them, but not whether somebody holds the
number.
Times are the same when the medians lie within three milliseconds, or the rank sum test finds no difference after
Holm's correction. A locked number computes both hashes as well, and all medians are shown; but where the page itself
says that one has to wait, the clock has nothing to add.

Each try is what a stranger's browser sends: a page with its token is fetched first, over the same connection; only
the POST is measured.
"""

import http.client
import itertools
import random
import re
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from campaigns import run
from campaigns.deployment import Deployment
from campaigns.rank_test import holm, rank_sum_p

TRIES, QUICK_TRIES = 400, 12
WITHIN_MS = 3.0
SIGNIFICANT = 0.01
WRONG_TRIES = 5
GROUPS = (("unknown", "parola", "sifre", "closed"), ("locked", "locked-unknown"))
CASES = tuple(case for group in GROUPS for case in group)
HELD = ("parola", "sifre", "closed", "locked")
PASSWORD, PIN = "mavi-liman-kavak", "480163"
WRONG_PASSWORD, WRONG_PIN = "sari-liman-kavak", "592748"
PATH = "/giris/"
CLOCKS = ("Date", "Expires")
VARIES = re.compile(
    r'(csrfmiddlewaretoken" value|nonce)="[^"]+"|nonce-[^\']+|[1-9][0-9]{10}|_csrf_hs[0-9]+=[^;]+|expires=[^;]+'
    r"|[0-9]{2}[.:][0-9]{2}"
)
"""What differs from one answer to the next in any case: tokens, nonces, the number typed, the moment a wait ends."""


@dataclass(frozen=True)
class Told:
    """Everything a visitor can see of one answer, without what differs anyway."""

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str


@dataclass(frozen=True)
class Tried:
    """One measured try."""

    case: str
    seconds: float
    told: Told


class Stranger:
    """A browser without a past, on a connection that is kept open."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._connection = http.client.HTTPConnection("127.0.0.1", deployment.port, timeout=60)

    def tries(self, tckn: str, password: str, pin: str) -> tuple[float, Told]:
        """Post the three factors to the first step; how long the answer took, and what it said."""
        page, answer = self._exchange("GET", b"", "")
        cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page)
        if token is None:
            raise SystemExit("the sign-in page has no token")
        given = {"csrfmiddlewaretoken": token[1], "tckn": tckn, "parola": password, "sifre": pin}
        body = urlencode(given).encode()
        began = time.perf_counter()
        text, answer = self._exchange("POST", body, cookie)
        took = time.perf_counter() - began
        headers = sorted((name.lower(), _plain(value)) for name, value in answer.getheaders() if name not in CLOCKS)
        return took, Told(answer.status, tuple(headers), _plain(text))

    def _exchange(self, method: str, body: bytes, cookie: str) -> tuple[str, http.client.HTTPResponse]:
        headers = {**self._deployment.headers(), "Accept-Language": "tr"}
        if cookie:
            headers["Cookie"] = cookie
        if body:
            origin = f"http://127.0.0.1:{self._deployment.port}"
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
        self._connection.request(method, PATH, body, headers)
        answer = self._connection.getresponse()
        return answer.read().decode(), answer


def main() -> int:
    """Run, print, write the record; 0 when it passed."""
    parser = run.arguments("timing", __doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=None, help="of each case")
    given = parser.parse_args()
    size = run.size_of(given)
    tries = given.tries or (QUICK_TRIES if size.is_quick else TRIES)
    began, commit = time.monotonic(), run.commit()
    print(f"timing: seed {size.seed}, commit {commit}, profile {size.profile}, {tries} tries of each case", flush=True)
    with run.deployed("timing", size, given.data) as deployment:
        chance = random.Random(size.seed)  # noqa: S311 - an order to be repeated, no secret
        numbers = seeded(tries)
        lock(deployment, [*numbers["locked"], *numbers["locked-unknown"]])
        tried = list(measured(deployment, numbers, chance))
        record: dict[str, Any] = {
            "name": "timing",
            "profile": size.profile,
            "seed": size.seed,
            "commit": commit,
            "quick": size.is_quick,
            "tries": tries,
            **judged(tried, is_timed=not size.is_quick),
            "duration_s": round(time.monotonic() - began, 1),
        }
        deployment.stop()
        record["verdict"] = "failed" if record["faults"] else "passed"
        run.keep_record(record, given.data)
        tell(record)
        return run.verdict(record, deployment, given)


def seeded(tries: int) -> dict[str, list[str]]:
    """Identity numbers for every try of every case; those that somebody holds are persons with both secrets."""
    from accounts.identity import check_digits
    from accounts.models import Person
    from accounts.persons import phone_index, set_secrets, tckn_index

    first_nine = itertools.count(100_000_000, 7)
    numbers = {
        case: [f"{digits}{check_digits(str(digits))}" for digits in itertools.islice(first_nine, tries)]
        for case in CASES
    }
    hashed = Person(tckn=numbers["unknown"][0], phone="+905550000000")
    set_secrets(hashed, password=PASSWORD, pin=PIN)
    persons = []
    for case in HELD:
        for number in numbers[case]:
            phone = f"+90555{len(persons):07d}"
            persons.append(
                Person(
                    tckn_index=tckn_index(number),
                    tckn=number,
                    phone=phone,
                    phone_index=phone_index(phone),
                    first_name="Zaman",
                    last_name="Ölçer",
                    password=hashed.password,
                    pin_hash=hashed.pin_hash,
                    is_active=case != "closed",
                )
            )
    Person.objects.bulk_create(persons, batch_size=200)
    return numbers


def lock(deployment: Deployment, numbers: list[str]) -> None:
    """Five wrong tries against each, as a stranger makes them."""

    def wrong(some: list[str]) -> None:
        stranger = Stranger(deployment)
        for number in some:
            for _ in range(WRONG_TRIES):
                stranger.tries(number, WRONG_PASSWORD, WRONG_PIN)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(wrong, [numbers[part::4] for part in range(4)]))


def measured(deployment: Deployment, numbers: dict[str, list[str]], chance: random.Random) -> Iterator[Tried]:
    """Every try once, in a drawn order, one after the other."""
    given = {"parola": (WRONG_PASSWORD, PIN), "sifre": (PASSWORD, WRONG_PIN)}
    plan = [(case, number) for case in CASES for number in numbers[case]]
    chance.shuffle(plan)
    stranger = Stranger(deployment)
    for case, number in plan:
        seconds, told = stranger.tries(number, *given.get(case, (PASSWORD, PIN)))
        yield Tried(case, seconds, told)


def judged(tried: list[Tried], *, is_timed: bool) -> dict[str, Any]:
    """Figures and faults. Times of a quick run are shown and not judged: they are too few."""
    times = {case: [each.seconds * 1000 for each in tried if each.case == case] for case in CASES}
    medians = {case: statistics.median(some) for case, some in times.items()}
    pairs = [pair for group in GROUPS for pair in itertools.combinations(group, 2)]
    corrected = holm({pair: rank_sum_p(times[pair[0]], times[pair[1]]) for pair in pairs})
    faults = []
    for group in GROUPS:
        said = {each.told for each in tried if each.case in group}
        if len(said) > 1:
            faults.append(f"{' '.join(group)}: {len(said)} different answers: {_difference(said)}")
    for left, right in pairs:
        apart = abs(medians[left] - medians[right])
        if is_timed and apart > WITHIN_MS and corrected[left, right] < SIGNIFICANT:
            faults.append(f"{left} and {right}: medians {apart:.2f} ms apart, p {corrected[left, right]:.2g}")
    statuses = {case: sorted({each.told.status for each in tried if each.case == case}) for case in CASES}
    return {
        "median_ms": {case: round(median, 2) for case, median in medians.items()},
        "status": statuses,
        "widest_ms": {group[0]: round(_spread([medians[case] for case in group]), 2) for group in GROUPS},
        "smallest_p": round(min(corrected.values()), 4),
        "faults": faults,
    }


def tell(record: dict[str, Any]) -> None:
    """Print the figures."""
    for case in CASES:
        print(f"  {case:15} status {record['status'][case]}  median {record['median_ms'][case]:8.2f} ms")
    apart = ", ".join(f"{width} ms from {group}" for group, width in record["widest_ms"].items())
    print(f"  medians lie apart: {apart}; smallest corrected p {record['smallest_p']}")
    run.show(record["faults"])


def _spread(values: list[float]) -> float:
    return max(values) - min(values)


def _plain(text: str) -> str:
    return VARIES.sub("*", text)


def _difference(said: set[Told]) -> str:
    """The first thing in which two answers differ."""
    left, right = sorted(said, key=repr)[:2]
    if left.status != right.status:
        return f"status {left.status} and {right.status}"
    if left.headers != right.headers:
        return f"headers {sorted(set(left.headers) ^ set(right.headers))}"
    lines = zip(left.text.splitlines(), right.text.splitlines(), strict=False)
    return next((f"{one.strip()!r} and {other.strip()!r}" for one, other in lines if one != other), "length")


if __name__ == "__main__":
    sys.exit(main())
