"""The provider's key as a seed has it: there, or out of reach for a while, as a token is that was pulled out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evidence.algorithms import KeyAlgorithm, Signer
from evidence.keys import FileKeystore
from evidence.refusals import KeyUnavailable

from . import present
from .outside import Mood


@dataclass(frozen=True, eq=False)
class _Signer:
    """The signer of a key file, which does not sign while its token is away."""

    _signer: Signer

    @property
    def certificate(self) -> bytes:
        return self._signer.certificate

    @property
    def chain(self) -> tuple[bytes, ...]:
        return self._signer.chain

    @property
    def algorithm(self) -> KeyAlgorithm:
        return self._signer.algorithm

    def sign(self, octets: bytes) -> bytes:
        _refuse_while_away()
        return self._signer.sign(octets)


@dataclass(frozen=True)
class Keystore:
    """In place of `evidence.keys.FileKeystore`, with the same arguments (`KEP_KEYSTORE`)."""

    key_path: Path
    certificate_path: Path
    chain_paths: Sequence[Path] = ()

    def open(self) -> Signer:
        """See `evidence.keys.Keystore.open`."""
        _refuse_while_away()
        return _Signer(FileKeystore(self.key_path, self.certificate_path, self.chain_paths).open())


def _refuse_while_away() -> None:
    if present.is_inside():
        world = present.world()
        if world.network.mood("key", world.scheduler.now) is not Mood.WELL:
            raise KeyUnavailable("token-away")
