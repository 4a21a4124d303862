"""The raw floor: the same count of signatures, verifications and hashes by bare calls, on all cores.

One process per core, started once and asleep between its turns. Keys are of the kinds the pipeline uses, made once;
what is signed is as long as a set of signed attributes, what is hashed is as long as the original. There is nothing
in the loop but the calls themselves.
"""

import hashlib
import multiprocessing
import os
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

ATTRIBUTES = 260
"""Octets of a set of signed attributes with its signing-certificate attribute, about."""


@dataclass(frozen=True)
class Count:
    """Raw operations of one message, by whose key they need."""

    provider_signatures: int
    authority_signatures: int
    sender_verifications: int
    provider_verifications: int
    authority_verifications: int
    passes: int

    @property
    def signatures(self) -> int:
        """All signatures."""
        return self.provider_signatures + self.authority_signatures

    @property
    def verifications(self) -> int:
        """All verifications."""
        return self.sender_verifications + self.provider_verifications + self.authority_verifications


@dataclass(frozen=True)
class Keys:
    """Kinds of key of a run: `rsa2048` or `p256`; persons always sign with RSA-2048 (design.md 1.8)."""

    provider: str = "rsa2048"
    authority: str = "rsa2048"
    sender: str = "rsa2048"

    @property
    def name(self) -> str:
        """As the command line names it."""
        return f"{self.provider}/{self.authority}"


@dataclass(frozen=True)
class _Pair:
    key: Any
    public: Any
    signed: bytes
    how: tuple[Any, ...]

    @classmethod
    def make(cls, kind: str, octets: bytes) -> "_Pair":
        key: Any
        how: tuple[Any, ...]
        if kind.startswith("rsa"):
            key = rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))
            how = (padding.PKCS1v15(), hashes.SHA256())
        else:
            key = ec.generate_private_key(ec.SECP256R1())
            how = (ec.ECDSA(hashes.SHA256()),)
        return cls(key, key.public_key(), key.sign(octets, *how), how)


def spend(pairs: tuple[_Pair, _Pair, _Pair], octets: bytes, message: bytes, count: Count, messages: int) -> None:
    """The raw work of so many messages."""
    provider, authority, sender = pairs
    signing = [provider] * count.provider_signatures + [authority] * count.authority_signatures
    checking = [provider] * count.provider_verifications + [authority] * count.authority_verifications
    checking += [sender] * count.sender_verifications
    for _ in range(messages):
        for pair in signing:
            pair.key.sign(octets, *pair.how)
        for pair in checking:
            pair.public.verify(pair.signed, octets, *pair.how)
        for _ in range(count.passes):
            hashlib.sha256(message).digest()


def _serve(pipe: Connection, keys: Keys, count: Count, size: int) -> None:
    octets, message = os.urandom(ATTRIBUTES), os.urandom(size)
    pairs = tuple(_Pair.make(kind, octets) for kind in (keys.provider, keys.authority, keys.sender))
    pipe.send(True)
    while messages := pipe.recv():
        spend(pairs, octets, message, count, messages)  # type: ignore[arg-type]
        pipe.send(True)


class Floor:
    """Processes that do the raw work when they are asked; a context manager, so that none of them is left behind."""

    def __init__(self, keys: Keys, count: Count, *, size: int, cores: int) -> None:
        """`size` is the length of the original in bytes."""
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for _ in range(cores):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, keys, count, size), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> "Floor":
        for pipe in self._pipes:
            pipe.recv()
        return self

    def __exit__(self, *_: object) -> None:
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.send(0)
            process.join()

    def rate(self, messages: int) -> float:
        """Messages per second of raw work over all cores; each process does its share of `messages`."""
        share = -(-messages // len(self._pipes))
        began = perf_counter()
        for pipe in self._pipes:
            pipe.send(share)
        for pipe in self._pipes:
            pipe.recv()
        return share * len(self._pipes) / (perf_counter() - began)
