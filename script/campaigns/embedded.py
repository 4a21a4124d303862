"""The embedded profile as a deployment: `script/server` itself, in a data directory of its own."""

from pathlib import Path

import redis
from campaigns.deployment import ROOT, CampaignError, Deployment, Kind
from campaigns.processes import variable_of
from start import Plan, environment_of


class Embedded(Deployment):
    """`script/server --data DIR --port P --workers N`: SQLite, a broker on a private socket, keys in files."""

    profile = "embedded"
    kinds = (
        Kind.WEB_MASTER,
        Kind.WEB_WORKER,
        Kind.DELIVER,
        Kind.SEAL,
        Kind.BEAT,
        Kind.BROKER,
        Kind.PKI,
        Kind.FLUSH,
    )

    def __init__(self, data: Path, *, workers: int) -> None:
        super().__init__(data, workers=workers)
        self.host_header = f"127.0.0.1:{self.port}"
        plan = Plan(data, self.port, workers)
        self.environment = environment_of(plan, plan.run / "valkey.sock")

    def start(self) -> None:
        """See `Deployment.start`."""
        command = [str(ROOT / "script" / "server"), "--data", str(self.data), "--port", str(self.port)]
        self._supervise([*command, "--workers", str(self.workers)], self.environment)
        children = self.standing(Kind.WEB_MASTER)
        if not children:
            raise CampaignError("the web is not below the supervisor")
        # the supervisor moves the socket when its path is too long: ask what it told its children
        self.environment["KEP_BROKER_SOCKET"] = variable_of(children[0].pid, "KEP_BROKER_SOCKET")

    def broker(self) -> redis.Redis:
        """See `Deployment.broker`."""
        return redis.Redis(
            unix_socket_path=self.environment["KEP_BROKER_SOCKET"], socket_timeout=1, socket_connect_timeout=1
        )
