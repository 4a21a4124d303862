"""The provider that is measured on the production profile: the deployment of the campaigns, without its supervisor.

PostgreSQL with fsync, Redis over TCP, the işlem key in a SoftHSM token, an SMS gateway over TLS, the demo PKI as the
outside. The processes are the deployment's own list, started here, because a supervisor would take workers that are
stopped between two turns for dead.
"""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import start
from campaigns.production import Production
from campaigns.production_processes import child_of

from demo import pki

from . import place
from .floor import Keys

KINDS = ("redis", "demo-pki", "sms-gateway", "deliver", "seal")


class Measured(Production):
    """A production deployment whose processes nobody has started yet."""

    def _supervise(self, command: list[str], environment: Mapping[str, str]) -> None:
        """Nothing: see the module."""

    def run(self, *command: str | Path, environment: Mapping[str, str] | None = None) -> str:
        """As the deployment's, but warnings stop nothing: RSA-2048, for which the figure is set, is one (kep.W001)."""
        lenient = ["ERROR" if piece == "WARNING" else piece for piece in command]
        return super().run(*lenient, environment=environment)

    @property
    def database_pid(self) -> int:
        """The process id of PostgreSQL's first process."""
        return int((self._cluster.folder / "data" / "postmaster.pid").read_text().split()[0])

    def entries(self) -> list[dict[str, object]]:
        """The processes in the order of starting."""
        return self._processes()


@contextlib.contextmanager
def running(data: Path, keys: Keys, *, workers: int) -> Iterator[place.Place]:
    """A production provider, made anew, of which the processes of `KINDS` run. Thrown away afterwards."""
    shutil.rmtree(data, ignore_errors=True)
    deployment = Measured(data.resolve(), workers=workers)
    pki.ensure(
        deployment.data,
        providers=("hs01",),
        port=deployment.port + 30,
        transaction_key=keys.provider,
        timestamp_key=keys.authority,
    )
    here = place.Place(start.Plan(deployment.data, deployment.port, workers), {})
    try:
        deployment.start()
        here.environment = {**deployment.environment, place.PEOPLE: str(deployment.data / "demo.json")}
        here.neighbours["postgresql"] = deployment.database_pid
        for entry in deployment.entries():
            if place.kind_of(str(entry["name"])) in KINDS:
                here.add(child_of(entry))
        yield here
    finally:
        here.end()
        deployment.stop()
        deployment.remove()
