"""A provider as a person starts it, once for all journeys and screens of a run."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kepweb.tests.journey import House
from mailbox.tests.road import Clock, Road

ROOT = Path(__file__).resolve().parents[2]


def ports_free(base: int) -> bool:
    """Whether web, demo PKI and signer find their ports."""
    for port in (base, base + 30, base + 40):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return False
    return True


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """`script/server` with an empty data directory and nothing else: no setting, no other step."""
    data = tmp_path_factory.mktemp("house") / "veri"
    base = next(port for port in range(18000 + os.getpid() % 500, 30000, 101) if ports_free(port))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KEP_", "DJANGO_"))}
    server = subprocess.Popen(
        [ROOT / "script" / "server", "--data", str(data), "--port", str(base)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert server.stdout is not None
        ready = next((line for line in server.stdout if line.startswith("KEP hazır")), "")
        assert ready.strip() == f"KEP hazır: http://127.0.0.1:{base}"
        yield House(f"http://127.0.0.1:{base}", data)
    finally:
        server.terminate()
        server.wait(30)
        if server.stdout is not None:
            server.stdout.close()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at this moment."""
    return Clock()


@pytest.fixture
def road(db: None, provider: Any, clock: Clock) -> Road:
    """A sender, a recipient and a provider that can seal."""
    return Road(provider.directory, clock)
