"""Arriving at the page means nothing: who may do what at the loopback page (design.md 1.7 and 4)."""

import http.client
import json
import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signer.errors import InvalidArgument
from signer.page import KEY_HEADER, START_HEADER, LoopbackPage
from signer.session import Session, Stage
from signer.tests.provider import CODE, FakeProvider
from signer.tests.test_session import Clock
from signer.tests.workshop import PIN, key_file, person
from signer.wallet import open_wallet

pytestmark = pytest.mark.loopback


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def clock(fake: FakeProvider) -> Clock:
    return Clock(fake.now)


@pytest.fixture
def signer_page(tmp_path: Path, fake: FakeProvider, clock: Clock) -> Iterator[LoopbackPage]:
    wallet = open_wallet(files=[key_file(tmp_path, person())], folders=[], modules=[])
    session = Session(wallet, allowed=[fake.origin], now=clock.now, monotonic=clock.monotonic)
    page = LoopbackPage(session, port=0, allowed=[fake.origin])
    thread = threading.Thread(target=page.serve, kwargs={"every": 0.02}, daemon=True)
    thread.start()
    yield page
    page.stop()
    thread.join(10)
    assert not thread.is_alive()


def request(
    page: LoopbackPage, method: str, path: str, body: bytes | None = None, **headers: str | None
) -> tuple[int, dict[str, str], bytes]:
    """One request over a real socket; a header given as None is left out."""
    connection = http.client.HTTPConnection("127.0.0.1", int(page.host.split(":")[1]), timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in ({"Host": page.host} | headers).items():
        if value is not None:
            connection.putheader(name.replace("_", "-"), value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, read


def ours(page: LoopbackPage, key: str = "", **changes: str | None) -> dict[str, str | None]:
    """The headers that the page's own script sends."""
    return {
        "Origin": page.origin,
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Dest": "empty",
        "Content-Type": "application/json",
        START_HEADER: page.start_token,
        KEY_HEADER: key,
    } | changes


def act(page: LoopbackPage, path: str, body: Any, headers: dict[str, str | None]) -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, read = request(page, "POST", path, raw, **headers)
    return status, json.loads(read) if status in (200, 409) else {}


def opened(page: LoopbackPage, fake: FakeProvider) -> str:
    status, state = act(page, "/islem/ac", {"code": CODE, "origin": fake.origin}, ours(page))
    assert status == 200, state
    return str(state["key"])


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"Host": "127.0.0.1:{port}"}, id="by number"),
        pytest.param({"Host": "localhost"}, id="without port"),
        pytest.param({"Host": "kotu.ornek.tr:{port}"}, id="a name pointed here by DNS"),
        pytest.param({"Host": "LOCALHOST:{port}"}, id="other spelling"),
        pytest.param({"Host": None}, id="no Host"),
        pytest.param({"Origin": None}, id="no Origin"),
        pytest.param({"Origin": "null"}, id="hidden Origin"),
        pytest.param({"Origin": "http://127.0.0.1:{port}"}, id="Origin by number"),
        pytest.param({"Origin": "http://localhost:8000"}, id="another port"),
        pytest.param({"Origin": "https://localhost:{port}"}, id="another scheme"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="another port of this machine"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="another site"),
        pytest.param({"Sec-Fetch-Site": "none"}, id="typed by hand"),
        pytest.param({"Sec-Fetch-Site": None}, id="no word on where from"),
        pytest.param({START_HEADER: None}, id="no start token"),
        pytest.param({START_HEADER: "a" * 43}, id="another start token"),
        pytest.param({START_HEADER: "ş"}, id="a start token with odd letters"),
    ],
)
def test_a_request_that_is_not_from_the_page_does_nothing(
    signer_page: LoopbackPage, fake: FakeProvider, changes: dict[str, str | None]
) -> None:
    port = signer_page.host.split(":")[1]
    changed = {name: value and value.replace("{port}", port) for name, value in changes.items()}
    if changed.get(START_HEADER) == "ş":
        changed[START_HEADER] = "Å"

    status, _ = act(signer_page, "/islem/ac", {"code": CODE, "origin": fake.origin}, ours(signer_page) | changed)

    assert status == 403
    assert (fake.asked, signer_page.session.stage) == ([], Stage.IDLE)


def test_the_same_request_from_the_page_is_carried_out(signer_page: LoopbackPage, fake: FakeProvider) -> None:
    assert opened(signer_page, fake)
    assert fake.asked == ["/imza/v1/claim"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_a_body_that_a_form_could_send_is_refused(
    signer_page: LoopbackPage, fake: FakeProvider, kind: str | None
) -> None:
    status, _ = act(
        signer_page, "/islem/ac", {"code": CODE, "origin": fake.origin}, ours(signer_page, **{"Content-Type": kind})
    )

    assert (status, fake.asked) == (415, [])


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "PUT", "DELETE", "TRACE", "CONNECT"])
def test_preflights_and_other_methods_get_403_and_no_permission(signer_page: LoopbackPage, method: str) -> None:
    status, headers, _ = request(
        signer_page,
        method,
        "/islem/ac",
        **{"Origin": "http://127.0.0.1:8000", "Access-Control-Request-Headers": START_HEADER},
    )
    assert status == 403
    assert not [name for name in headers if name.startswith("access-control")]


def test_a_get_never_acts(signer_page: LoopbackPage, fake: FakeProvider) -> None:
    for path in ("/islem/ac", "/islem/durum", "/islem/iptal", f"/islem/ac?code={CODE}"):
        assert request(signer_page, "GET", path, **ours(signer_page))[0] == 404
    assert fake.asked == []


def test_every_answer_forbids_framing_including_and_storing(signer_page: LoopbackPage) -> None:
    for path in ("/", "/imza.css", "/imza.js", "/yok"):
        _, headers, _ = request(signer_page, "GET", path)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "set-cookie" not in headers
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("path", "site", "mode", "dest", "status"),
    [
        ("/", "cross-site", "navigate", "document", 200),  # the provider's page opens us in a new tab
        ("/", "none", "navigate", "document", 200),
        ("/", "cross-site", "navigate", "iframe", 403),
        ("/", "cross-site", "no-cors", "script", 403),
        ("/", "same-site", "cors", "empty", 403),
        ("/imza.js", "same-origin", "cors", "script", 200),
        ("/imza.js", "cross-site", "no-cors", "script", 403),
        ("/imza.css", "same-site", "no-cors", "style", 403),
    ],
)
def test_the_page_is_given_to_a_whole_tab_and_its_parts_to_the_page(
    signer_page: LoopbackPage, path: str, site: str, mode: str, dest: str, status: int
) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
    assert request(signer_page, "GET", path, **headers)[0] == status


def test_another_tab_cannot_see_or_touch_an_open_operation(signer_page: LoopbackPage, fake: FakeProvider) -> None:
    key = opened(signer_page, fake)

    for path in ("/islem/durum", "/islem/sertifikalar", "/islem/sertifika", "/islem/iptal"):
        assert act(signer_page, path, {}, ours(signer_page))[0] == 403
        assert act(signer_page, path, {}, ours(signer_page, "b" * 32))[0] == 403
    assert signer_page.session.stage is Stage.CLAIMED
    status, state = act(signer_page, "/islem/durum", {}, ours(signer_page, key))
    assert (status, state["comparison"]) == (200, "7K4M-QX29")


def test_a_second_operation_does_not_take_the_key_over(signer_page: LoopbackPage, fake: FakeProvider) -> None:
    key = opened(signer_page, fake)
    status, state = act(signer_page, "/islem/ac", {"code": CODE, "origin": fake.origin}, ours(signer_page))
    assert (status, state["error"]["code"]) == (409, "PRG-13")
    assert "key" not in state
    assert state["account"] == "", "the stranger's tab learns nothing of the open operation"
    assert act(signer_page, "/islem/durum", {}, ours(signer_page, key))[0] == 200


def test_the_whole_journey_over_the_wire(signer_page: LoopbackPage, fake: FakeProvider) -> None:
    key = opened(signer_page, fake)
    status, state = act(signer_page, "/islem/sertifika", {"certificate": person().id}, ours(signer_page, key))
    assert (status, state["message"]["subject"]) == (200, "Depo teslim tutanağı ve teminat iadesi")

    octets = ours(signer_page, key, **{"Content-Type": "application/octet-stream"})
    status, state = act(signer_page, "/islem/imzala", b"0000", octets)
    assert (status, state["stage"], state["error"]["code"]) == (409, "hazir", "PRG-04")
    assert "2 deneme" in state["error"]["message"]

    status, state = act(signer_page, "/islem/imzala", PIN, octets)
    assert (status, state["stage"]) == (200, "imzalandi")
    fake.verify()


@pytest.mark.parametrize(
    ("path", "body", "kind", "status"),
    [
        ("/islem/ac", {"code": CODE}, "application/json", 409),
        ("/islem/ac", {"code": CODE, "origin": "x", "pin": "1"}, "application/json", 409),
        ("/islem/ac", {"code": 1, "origin": "x"}, "application/json", 409),
        ("/islem/ac", b"{", "application/json", 409),
        ("/islem/ac", b"\xff", "application/json", 409),
        ("/islem/ac", bytes(4097), "application/json", 413),
        ("/islem/yok", {}, "application/json", 404),
        ("/islem/imzala", bytes(66), "application/octet-stream", 413),
        ("/islem/imzala", b"4826", "application/json", 415),
    ],
)
def test_unknown_fields_and_large_bodies_are_refused(
    signer_page: LoopbackPage, fake: FakeProvider, path: str, body: Any, kind: str, status: int
) -> None:
    assert act(signer_page, path, body, ours(signer_page, **{"Content-Type": kind}))[0] == status
    assert fake.asked == []


@pytest.mark.parametrize("length", ["-1", "+4", "4_0", "٤", "99999999999", ""])
def test_a_length_that_is_no_number_is_refused(signer_page: LoopbackPage, length: str) -> None:
    headers = ours(signer_page) | {"Content-Length": length.encode().decode("latin-1")}
    assert request(signer_page, "POST", "/islem/ac", None, **headers)[0] in (400, 403, 413, 415)


def test_it_closes_by_itself_after_120_seconds(signer_page: LoopbackPage, fake: FakeProvider, clock: Clock) -> None:
    key = opened(signer_page, fake)
    clock.pass_by(121)
    status, state = act(signer_page, "/islem/durum", {}, ours(signer_page, key))
    assert (status, state["stage"], state["error"]["code"]) == (200, "suresi_doldu", "PRG-12")
    assert fake.cancelled_for == "timeout"


def test_ending_the_program_tells_the_provider(tmp_path: Path, fake: FakeProvider, clock: Clock) -> None:
    wallet = open_wallet(files=[key_file(tmp_path, person())], folders=[], modules=[])
    signer_page = LoopbackPage(
        Session(wallet, allowed=[fake.origin], now=clock.now, monotonic=clock.monotonic), port=0, allowed=[fake.origin]
    )
    thread = threading.Thread(target=signer_page.serve, kwargs={"every": 0.02}, daemon=True)
    thread.start()
    opened(signer_page, fake)

    signer_page.stop()
    thread.join(10)

    assert fake.cancelled_for == "user"


def test_the_log_holds_no_code_no_key_no_pin(
    signer_page: LoopbackPage, fake: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = opened(signer_page, fake)
    act(signer_page, "/islem/sertifika", {"certificate": person().id}, ours(signer_page, key))
    act(signer_page, "/islem/imzala", PIN, ours(signer_page, key, **{"Content-Type": "application/octet-stream"}))
    request(signer_page, "GET", f"/{CODE}?{CODE}")

    text = caplog.text
    assert "POST /islem/imzala 200" in text
    for secret in (CODE, key, signer_page.start_token, PIN.decode(), fake.document[:40].decode()):
        assert secret not in re.sub(r":\d{3,5}\b", "", text)


def test_a_port_that_is_taken_stops_the_start(signer_page: LoopbackPage, fake: FakeProvider) -> None:
    with pytest.raises(InvalidArgument):
        LoopbackPage(signer_page.session, port=int(signer_page.host.split(":")[1]), allowed=[fake.origin])
