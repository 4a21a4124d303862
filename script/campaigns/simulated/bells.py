"""The bells of the simulation, named by its settings: a bell may come late, twice, or not at all."""

from functools import partial

from django.db import transaction

from . import present


def ring_deliver() -> None:
    """Wake the delivering workers after the commit, if the seed lets them hear it."""
    transaction.on_commit(partial(_ring, "deliver"))


def ring_seal() -> None:
    """Wake the sealing workers after the commit, if the seed lets them hear it."""
    transaction.on_commit(partial(_ring, "seal"))


def _ring(queue: str) -> None:
    present.world().ring(queue)
