"""The processes of a production deployment under the supervisor of `script/`, from a plan in JSON.

A real provider has an init system for this; here it is the same supervisor that the embedded profile has, so that
what a campaign kills comes back by the same rules. Settings and secrets come from the environment this is started
with.
"""

import http.client
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from campaigns.deployment import ROOT
from probe import Probe
from start import connects
from supervisor import Child, Supervisor


def child_of(entry: Mapping[str, Any]) -> Child:
    """One process of the plan."""
    heartbeat = Path(entry["heartbeat"]) if "heartbeat" in entry else None
    environment = {**entry.get("environment", {}), "KEP_PROCESS_ROLE": entry.get("role", "none")}
    if heartbeat is not None:
        environment["KEP_HEARTBEAT_FILE"] = str(heartbeat)
    return Child(
        entry["name"],
        entry["command"],
        _answering(entry, heartbeat),
        environment,
        stop_turn=entry.get("stop_turn", 0),
        stop_patience=entry.get("stop_patience", 10.0),
        heartbeat=heartbeat,
        probe=_probe(entry["asked"]) if "asked" in entry else None,
    )


def _probe(asked: Mapping[str, Any]) -> Probe:
    return Probe(("127.0.0.1", asked["port"]), asked["question"].encode(), asked["expected"].encode())


def _answering(entry: Mapping[str, Any], heartbeat: Path | None) -> Callable[[], bool]:
    if heartbeat is not None:
        return heartbeat.exists
    if "port" in entry:
        return lambda: connects(entry["port"])
    if "ready" in entry:
        return lambda: _is_ready(entry["ready"], entry["host"])
    return lambda: True


def _is_ready(port: int, host: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/readyz", headers={"Host": host, "X-Forwarded-Proto": "https"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> int:
    """Run until told to end; one line on stdout when every process answers."""
    os.umask(0o077)
    plan = Path(sys.argv[1])
    supervisor = Supervisor(root=ROOT, log=plan.parent.parent / "log", environment=dict(os.environ))
    supervisor.listen_for_signals()
    children = [child_of(entry) for entry in json.loads(plan.read_text())]
    supervisor.run(children, when_ready=lambda: print("ready", flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
