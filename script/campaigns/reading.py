"""Recipients in a browser of their own: they sign in for real and open messages, over HTTP and nothing else.

Each reader signs in with T.C. kimlik no, parola, şifre and the SMS code, before the storm. Then it looks into the
inbox again and again and opens a share of what it sees by the button's POST, with cookies and CSRF token as a browser
sends them. An opening that got no answer is repeated: opening twice is opening once. What was answered is appended to
a file and forced to disk before the reader goes on.

The lines: `{"trying": item}` before the first POST, `{"opened": item, "at": ...}` after its answer.
"""

import hashlib
import http.client
import json
import os
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from campaigns.deployment import Deployment

READERS = ("receive_only", "stranger", "municipality_operator")
ITEM = re.compile(r'href="/ileti/([a-z2-7]{26})/"')
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([A-Za-z0-9]+)"')
CODE = re.compile(r"#([0-9]{6})")
PAUSE = 0.5


class NotAnswered(Exception):
    """No whole answer came, or one that says that it cannot now."""


class SignInFailed(Exception):
    """A person of the demo could not sign in; the text says at which step."""


@dataclass
class Browser:
    """One person's browser: cookies, the last CSRF token, one connection."""

    port: int
    origin: str
    headers: Mapping[str, str]
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> tuple[int, str]:
        """Status and text. `NotAnswered`."""
        status, text, _ = self._exchange("GET", path, None)
        return status, text

    def post(self, path: str, **form: str) -> tuple[int, str]:
        """Status and where it leads. `NotAnswered`."""
        body = urlencode({"csrfmiddlewaretoken": self.csrf, **form}).encode()
        status, _, location = self._exchange("POST", path, body)
        return status, location

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, str, str]:
        headers = {**self.headers, "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin}
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            raise NotAnswered(type(error).__name__) from error
        if answer.status >= 500 or answer.status == 429:
            raise NotAnswered(f"status {answer.status}")
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        if found := CSRF.search(text):
            self.csrf = found[1]
        return answer.status, text, answer.headers.get("Location", "")


def sign_in(browser: Browser, person: Mapping[str, Any], texts: Path) -> None:
    """All four factors. `SignInFailed`, `NotAnswered`."""
    browser.get("/giris/")
    status, _ = browser.post("/giris/", tckn=person["tckn"], parola=person["parola"], sifre=person["sifre"])
    if status != 302:
        raise SignInFailed(f"step one answered {status}")
    browser.get("/giris/sms/")
    status, _ = browser.post("/giris/sms/", sms=_code(texts, person["phone"]))
    if status != 302:
        raise SignInFailed(f"step two answered {status}")


def _code(texts: Path, phone: str) -> str:
    for line in reversed(texts.read_text().splitlines()):
        text = json.loads(line)
        if text["to"] == phone and (found := CODE.search(text["text"])):
            return found[1]
    raise SignInFailed("no code on the phone")


class Reader(threading.Thread):
    """A signed-in person who opens a share of what arrives, until told to stop."""

    def __init__(self, browser: Browser, file: Path, *, share: float, pause: float) -> None:
        super().__init__(daemon=True)
        self._browser, self._file, self._share, self._pause = browser, file, share, pause
        self._ending = threading.Event()
        self.refused: list[str] = []

    def stop(self) -> None:
        """Finish the opening in hand, and end."""
        self._ending.set()
        self.join()

    def run(self) -> None:
        """Look and open."""
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        seen: set[str] = set()
        try:
            while not self._ending.wait(self._pause):
                for item in self._look() - seen:
                    seen.add(item)
                    if not self._ending.is_set() and _is_chosen(item, self._share):
                        self._open(item, descriptor)
        finally:
            os.close(descriptor)

    def _look(self) -> set[str]:
        try:
            status, text = self._browser.get("/gelen/")
        except NotAnswered:
            return set()
        if status != 200:
            self.refused.append(f"the inbox answered {status}")
        return set(ITEM.findall(text))

    def _open(self, item: str, descriptor: int) -> None:
        os.write(descriptor, f"{json.dumps({'trying': item})}\n".encode())
        while True:
            try:
                status, location = self._browser.post(f"/ileti/{item}/ac/")
            except NotAnswered:
                time.sleep(PAUSE)
                continue
            if status == 302 and location == f"/ileti/{item}/":
                os.write(descriptor, f"{json.dumps({'opened': item, 'at': time.time()})}\n".encode())
                os.fsync(descriptor)
            else:
                self.refused.append(f"opening {item} answered {status}")
            return


def started(deployment: Deployment, *, share: float, pause: float) -> list[Reader]:
    """The demo's readers, signed in, each looking every `pause` seconds. `SignInFailed`, `NotAnswered`."""
    people = json.loads((deployment.data / "demo.json").read_text())["people"]
    scheme = "https" if deployment.is_behind_tls else "http"
    readers = []
    for number, person in enumerate(each for each in people if each["role"] in READERS):
        browser = Browser(deployment.port, f"{scheme}://{deployment.host_header}", deployment.headers())
        sign_in(browser, person, deployment.data / "sms.jsonl")
        file = deployment.data.parent / f"opened-{number}.jsonl"
        readers.append(Reader(browser, file, share=share, pause=pause))
    for reader in readers:
        reader.start()
    return readers


def _is_chosen(item: str, share: float) -> bool:
    return int.from_bytes(hashlib.sha256(item.encode()).digest()[:4]) < share * 2**32
