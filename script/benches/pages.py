"""Latencies of pages over real HTTP, with a small and a large box: `python -m benches.pages --data DIR [--quick]`.

Two providers run side by side, one with 100 messages in the box and one with 100,000, each with the web processes that
script/start.py starts. Deniz, whose inbox it is, and Ayşe, among whose sent items the same messages lie, sign in with
all four factors. One client asks in turn, small and large, page after page, over a connection that it keeps, as a
browser does; what is measured is from the first byte sent to the last byte read. Nothing else runs beside it.

Search does not exist yet, so nothing of it is measured.
"""

import argparse
import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from . import mailboxes, place
from .floor import Keys

SIZES, QUICK_SIZES = (100, 100_000), (60, 300)
REQUESTS, QUICK_REQUESTS = 200, 8
WARM_UP, QUICK_WARM_UP = 12, 3
"""Requests of each page before the first that counts: gunicorn's processes and threads each begin cold."""
MIDDLE = 0.5


@dataclass
class Browser:
    """One person's browser: cookies and a connection that is kept."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> tuple[int, bytes, Mapping[str, str]]:
        """GET: status, body, headers."""
        return self._ask("GET", path, None)

    def post(self, path: str, form: Mapping[str, str]) -> tuple[int, bytes, Mapping[str, str]]:
        """POST a form that was shown on this very path."""
        _, page, _ = self.get(path)
        token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if token is None:
            raise RuntimeError(f"no form at {path}")
        return self._ask("POST", path, urlencode({**form, "csrfmiddlewaretoken": token[1].decode()}))

    def _ask(self, method: str, path: str, body: str | None) -> tuple[int, bytes, Mapping[str, str]]:
        headers = {
            "Host": f"127.0.0.1:{self.port}",
            "Accept-Encoding": "gzip",
            "Accept-Language": "tr",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        if body is not None:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"http://127.0.0.1:{self.port}",
            }
        for attempt in (1, 2):
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                raw = answer.read()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.connection = None  # the server ends connections that were idle
                if attempt == 2:
                    raise
                continue
            for line in answer.headers.get_all("Set-Cookie") or ():
                for name, morsel in SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
            return answer.status, raw, dict(answer.headers.items())
        raise AssertionError("unreachable")


def sign_in(browser: Browser, data: Path, role: str) -> None:
    """Both steps, with the code from the demo's phone."""
    person = next(each for each in json.loads((data / "demo.json").read_text())["people"] if each["role"] == role)
    form = {"tckn": person["tckn"], "parola": person["parola"], "sifre": person["sifre"]}
    status, page, _ = browser.post("/giris/", form)
    if status != 302:
        raise RuntimeError(f"sign-in refused: {status} {page[:300]!r}")
    texts = [json.loads(line) for line in (data / "sms.jsonl").read_text().splitlines()]
    code = next(re.search(r"#([0-9]{6})$", each["text"]) for each in reversed(texts) if each["to"] == person["phone"])
    status, page, _ = browser.post("/giris/sms/", {"sms": code[1] if code else ""})
    if status != 302:
        raise RuntimeError(f"code refused: {status} {page[:300]!r}")


@dataclass
class Side:
    """One provider with its two signed-in browsers and the addresses that are asked."""

    owner: Browser
    sender: Browser
    addresses: dict[str, tuple[Browser, str]]


PAGES = ("inbox", "inbox, middle", "sent", "message", "compose")


@contextmanager
def opened(data: Path, messages: int) -> Iterator[Side]:
    """A provider with a filled box, signed in."""
    command = [sys.executable, "-m", "benches.mailboxes", "--data", str(data), "--messages", str(messages)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    plan = place.plan_of(data, workers=1)
    with place.running(plan, Keys("p256", "p256"), ("valkey", "demo-pki", "web")):
        owner, sender = Browser(plan.port), Browser(plan.port)
        sign_in(owner, data, mailboxes.OWNER)
        sign_in(sender, data, mailboxes.SENDER)
        _, found, _ = owner.get("/gelen/")
        letters = re.findall(rb'href="(/ileti/[a-z2-7]+/)"', found)
        addresses = {
            "inbox": (owner, "/gelen/"),
            "inbox, middle": (owner, f"/gelen/?sayfa={_middle(data, messages)}"),
            "sent": (sender, "/giden/"),
            "message": (owner, _opened_letter(owner, letters)),
            "compose": (sender, _draft(sender)),
        }
        yield Side(owner, sender, addresses)


def _opened_letter(browser: Browser, letters: list[bytes]) -> str:
    """The first message of the list that shows its content: one that came through the product (see mailboxes)."""
    for letter in letters:
        address = letter.decode()
        if b"/ek/" in (page := browser.get(address)[1]) or b"delil-paketi" in page:
            return address
    raise RuntimeError("no opened message in the list")


def _draft(browser: Browser) -> str:
    """A draft with an address, a subject and a text."""
    form = {"to": "deniz.arslan@hs01.kep.tr", "subject": "Ölçüm", "text": "Sayın ilgili,\n\n", "action": "save"}
    status, page, headers = browser.post("/yaz/", form)
    if status != 302:
        raise RuntimeError(f"no draft: {status} {page[:300]!r}")
    return headers["Location"].partition("#")[0].partition("?")[0]


def _middle(data: Path, messages: int) -> str:
    """The cursor of the place half way down the inbox, read from the rows."""
    question = (
        "import django; django.setup();"
        "from mailbox.models import BoxItem; from mailbox.folders import Cursor;"
        "rows = BoxItem.objects.filter(folder='inbox').order_by('-placed_at', '-pk');"
        f"at = rows[{int(messages * MIDDLE)}];"
        "print(Cursor(at.placed_at, at.pk).written())"
    )
    plan = place.plan_of(data, workers=1)
    import start

    environment = start.environment_of(plan, plan.run / "none.sock")
    done = subprocess.run(
        [sys.executable, "-c", question], cwd=start.ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def timed(side: Side, page: str) -> tuple[float, int]:
    """Milliseconds and bytes of one request. RuntimeError for anything but a page."""
    browser, address = side.addresses[page]
    began = time.perf_counter()
    status, raw, _ = browser.get(address)
    spent = (time.perf_counter() - began) * 1000
    if status != 200:
        raise RuntimeError(f"{page} at {address}: {status}")
    return spent, len(raw)


def percentiles(times: list[float]) -> tuple[float, float]:
    """p50 and p95."""
    ordered = sorted(times)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def measure(sides: tuple[Side, Side], requests: int, warm_up: int) -> list[dict[str, Any]]:
    """Every page on both sides, one request after the other, in turn."""
    times: dict[tuple[str, int], list[float]] = {(page, side): [] for page in PAGES for side in (0, 1)}
    sizes: dict[str, int] = {}
    for number in range(warm_up + requests):
        for page in PAGES:
            for position, side in enumerate(sides):
                spent, sizes[page] = timed(side, page)
                if number >= warm_up:
                    times[(page, position)].append(spent)
    return [
        {
            "page": page,
            "small": percentiles(times[(page, 0)]),
            "large": percentiles(times[(page, 1)]),
            "bytes": sizes[page],
        }
        for page in PAGES
    ]


def main() -> None:
    """Fill the boxes if need be, measure, and write one line of JSON to stdout."""
    parser = argparse.ArgumentParser(prog="benches.pages")
    parser.add_argument("--data", type=Path, required=True, help="boxes are kept beside this folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    sizes = QUICK_SIZES if given.quick else SIZES
    requests, warm_up = (QUICK_REQUESTS, QUICK_WARM_UP) if given.quick else (REQUESTS, WARM_UP)
    with ExitStack() as stack:
        small, large = (stack.enter_context(opened(given.data.parent / f"box-{size}", size)) for size in sizes)
        pages = measure((small, large), requests, warm_up)
    print(json.dumps({"sizes": sizes, "requests": requests, "pages": pages}))


if __name__ == "__main__":
    main()
