"""The authorities as a seed has them: they answer, say nothing, take long, refuse, or answer rubbish.

The answers are real: the demo's own time-stamp authority, responders and lists, asked in the process instead of over
a socket, at the time of the simulated clock. The product's clients and all their checks stand in between. Whoever asks
inside a transaction is reported: a slow authority would hold the database.
"""

import enum
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from accounts.sms import SmsKind, SmsResult
from demo import pki_profiles as profiles
from demo import pki_store as store
from demo.pki_answers import Authority
from demo.pki_store import Index, Revocation
from demo.pki_tsa import Stamper
from evidence import der
from guards.outbound import OutboundRefused, OutboundUnavailable, Reply

from . import present


class Mood(enum.Enum):
    """How a service behaves for a while."""

    WELL = "well"
    SILENT = "silent"
    SLOW = "slow"
    REFUSING = "refusing"
    RUBBISH = "rubbish"


@dataclass(frozen=True)
class Spell:
    """One service in one mood, from a moment until another."""

    service: str
    mood: Mood
    begins: datetime
    ends: datetime


SERVICES = ("tsa", "tsa", "ocsp", "crl", "sms", "key")
_CANNOT_NOW = der.seq(der.seq(der.integer(2), der.bits(bytes((0, 0, 0, 0x40)), 6)))  # systemFailure
_DECLINED = der.seq(der.seq(der.integer(2), der.bits(bytes((0x20,)), 5)))  # badRequest
_TRY_LATER = der.seq(der.tlv(0x0A, b"\x03"))  # OCSPResponseStatus tryLater


def weather(chance: random.Random, start: datetime, *, hours: float) -> list[Spell]:
    """The spells of one seed, most of them short."""
    spells = []
    for _ in range(chance.choice((1, 1, 2, 3))):
        service = chance.choice(SERVICES)
        begins = start + timedelta(seconds=chance.uniform(0, 600))
        length = chance.choice((chance.uniform(1, 60), chance.uniform(1, 60), chance.uniform(60, 900), hours * 3600))
        spells.append(Spell(service, chance.choice(tuple(Mood)[1:]), begins, begins + timedelta(seconds=length)))
        if service == "ocsp" and chance.random() < 0.6:  # or the list always steps in
            spells.append(Spell("crl", chance.choice((Mood.SILENT, Mood.RUBBISH)), begins, spells[-1].ends))
    return spells


class Records:
    """What was issued and revoked, in memory: a seed revokes without touching the files of another."""

    def __init__(self, directory: Path) -> None:
        self._written = store.read_index(directory)
        self._index = self._written

    def current(self) -> Index:
        """The index as it stands now."""
        return self._index

    def begin(self) -> None:
        """A new seed: nothing is revoked."""
        self._index = Index(self._written.port, self._written.issued, {})

    def revoke(self, serial: int, at: datetime) -> None:
        """From now on the responder says that the certificate was revoked at `at`."""
        entry = Revocation(at.replace(microsecond=0), "keyCompromise")
        self._index = Index(self._index.port, self._index.issued, {**self._index.revoked, serial: entry})


class Authorities:
    """The keys and certificates of the demo PKI, loaded once per process."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.records = Records(directory)
        folder = store.folder_of(directory)
        self._authorities = {name: self._authority(name) for name in profiles.AUTHORITIES}
        key = store.read_key(folder / "private" / "tsa.key")
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the time-stamp key is on P-256")
        chain = [self._authorities["tsa-ca"].certificate]
        self._stamper = Stamper(key, store.read_certificate(folder / "tsa.pem"), chain)

    def answer(self, service: str, path: str, body: bytes, now: datetime) -> bytes:
        """What the authority behind `path` says."""
        if service == "tsa":
            return self._stamper.reply(body, now)
        name = Path(path).stem
        if service == "ocsp":
            return self._authorities[name].answer(body, now)
        return self._authority(name).revocation_list(now)  # a new one: no list of another seed

    def _authority(self, name: str) -> Authority:
        return Authority(name, self._directory, self.records)  # type: ignore[arg-type]  # what it reads: `current`


class Network:
    """What stands between the provider and the authorities in one seed."""

    def __init__(self, authorities: Authorities, spells: Iterable[Spell], chance: random.Random) -> None:
        self._authorities, self.spells, self._chance = authorities, list(spells), chance

    def mood(self, service: str, now: datetime) -> Mood:
        """How the service behaves now."""
        return next(
            (each.mood for each in self.spells if each.service == service and each.begins <= now < each.ends), Mood.WELL
        )

    def clear(self) -> None:
        """All is well from now on."""
        self.spells = []

    def ask(self, url: str, body: bytes) -> bytes:
        """The body of a good answer. `OutboundUnavailable` when there is none."""
        path = urlsplit(url).path
        service = path.split("/")[1]
        scheduler = present.world().enter_network(service)
        mood = self.mood(service, scheduler.now)
        if mood is not Mood.WELL:
            scheduler.note(f"{scheduler.name_of_act()} asks {service}, which is {mood.value}")
        if mood is Mood.SILENT:
            scheduler.rest(self._chance.uniform(5, 10))
            raise OutboundUnavailable("no answer", error="silent")
        if mood is Mood.SLOW:
            scheduler.rest(self._chance.uniform(0.5, 9))
        if mood is Mood.REFUSING:
            if service == "tsa":
                return self._chance.choice((_CANNOT_NOW, _DECLINED))
            if service == "ocsp":
                return _TRY_LATER
            raise OutboundUnavailable("answered without success", status=404)
        answer = self._authorities.answer(service, path, body, scheduler.now)
        return answer[: len(answer) // 2] if mood is Mood.RUBBISH else answer


class Client:
    """In place of `guards.outbound.OutboundClient`: the same verbs, another network."""

    def __init__(self, allow: frozenset[str]) -> None:
        self._allow = allow

    def post(self, url: str, body: bytes, content_type: str, *, authorization: str = "") -> Reply:
        """The answer to a POST."""
        return self._call(url, body)

    def post_many(
        self, url: str, bodies: Sequence[bytes], content_type: str
    ) -> list[Reply | OutboundRefused | OutboundUnavailable]:
        """The answers to several, in their order; the first silence ends the sending."""
        answers: list[Reply | OutboundRefused | OutboundUnavailable] = []
        for body in bodies:
            if answers and isinstance(answers[-1], OutboundUnavailable):
                answers.append(OutboundUnavailable("not sent"))
                continue
            try:
                answers.append(self._call(url, body))
            except (OutboundRefused, OutboundUnavailable) as error:
                answers.append(error)
        return answers

    def get(self, url: str) -> Reply:
        """The answer to a GET."""
        return self._call(url, b"")

    def close(self) -> None:
        """Nothing is kept open."""

    def _call(self, url: str, body: bytes) -> Reply:
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" not in self._allow:
            raise OutboundRefused("origin not allowed", origin=parts.netloc)
        return Reply(200, "", present.world().network.ask(url, body))


class Phone:
    """In place of an SMS gateway (`KEP_SMS`)."""

    def send(self, kind: SmsKind, msisdn: str, text: str, ref: str) -> SmsResult:
        """Taken, or not, by the mood of the service."""
        world = present.world()
        scheduler = world.enter_network("sms")
        mood = world.network.mood("sms", scheduler.now)
        if mood in (Mood.WELL, Mood.SLOW):
            return SmsResult(is_accepted=True, provider_id="1")
        return SmsResult(is_accepted=False, is_retryable=mood is not Mood.REFUSING, error=mood.value)
