"""The production profile as a deployment on this machine: everything that `kepweb.settings.production` asks for.

PostgreSQL with fsync, Redis, the işlem key in a SoftHSM token, an HTTPS SMS gateway, the demo PKI as the outside
(time-stamps, OCSP, CRL over HTTP), gunicorn behind what stands for a TLS proxy: clients send `X-Forwarded-Proto` and
the public host name, as the proxy would. All processes stand under the supervisor of `script/`, in a process of its
own; PostgreSQL is an outside service, stopped and started by the campaign. The demo's people are seeded, the demo's
pages are not installed.
"""

import json
import os
import secrets
import shutil
import sys
import time
from pathlib import Path

import redis
from campaigns.deployment import ROOT, Blow, CampaignError, Deployment, Kind
from campaigns.production_parts import Cluster, server_certificate, token, token_settings

from demo import pki
from evidence.anchors import DEMO_POLICY

HOST, CONTENT_HOST = "kep.example", "icerik.example"
SMS_USER = "kep-deneme"


class Production(Deployment):
    """See the module."""

    profile = "production"
    kinds = tuple(Kind)
    host_header = HOST
    is_behind_tls = True

    def __init__(self, data: Path, *, workers: int) -> None:
        super().__init__(data, workers=workers)
        self._cluster = Cluster(self.port + 60)
        self._redis_password, self._pin = secrets.token_hex(16), secrets.token_hex(8)

    @property
    def redis_port(self) -> int:
        """Where Redis listens."""
        return self.port + 40

    @property
    def sms_port(self) -> int:
        """Where the SMS gateway listens."""
        return self.port + 50

    def start(self) -> None:
        """See `Deployment.start`."""
        for name in ("run", "log", "vault", "static"):
            (self.data / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._cluster.make()
        folder = pki.ensure(self.data, providers=("hs01",), port=self.port + 30)
        self.environment = self._settings(folder)
        manage = [sys.executable, "manage.py"]
        self.run(*manage, "migrate", "--no-input", "--verbosity", "0")
        self.run(*manage, "collectstatic", "--no-input", "--verbosity", "0")
        self.run(sys.executable, "script/campaigns/people.py", "--data", self.data)
        # after the seed, which would make a key that has gone from its file anew
        token(self.data / "hsm", folder / "islem-hs01.key", self._pin)
        sealing = {**self.environment, "KEP_PROCESS_ROLE": "seal", "KEP_PKCS11_PIN": self._pin}
        check = ("check", "--deploy", "--database", "default", "--fail-level", "WARNING")
        self.run(*manage, *check, environment=sealing)
        plan = self.data / "run" / "processes.json"
        plan.touch(mode=0o600)
        plan.write_text(json.dumps(self._processes(), indent=1))
        command = [sys.executable, str(ROOT / "script" / "campaigns" / "production_processes.py"), str(plan)]
        self._supervise(command, self.environment)

    def stop(self) -> None:
        """See `Deployment.stop`."""
        super().stop()
        self._cluster.end()

    def remove(self) -> None:
        """See `Deployment.remove`."""
        super().remove()
        self._cluster.remove()

    def broker(self) -> redis.Redis:
        """See `Deployment.broker`."""
        return redis.Redis(
            port=self.redis_port, password=self._redis_password, socket_timeout=1, socket_connect_timeout=1
        )

    def strike(self, kind: Kind, choice: int) -> Blow | None:
        """See `Deployment.strike`; the database is stopped at once and started again, which recovers from its log."""
        if kind is not Kind.DATABASE:
            return super().strike(kind, choice)
        at = time.time()
        self._cluster.stop("immediate")
        self._cluster.start()
        return Blow(kind, at, "pg_ctl stop -m immediate")

    def is_back(self, blow: Blow) -> bool:
        """See `Deployment.is_back`; after a stop of the database: whether the web answers from it."""
        return self.answers("/readyz") if blow.kind is Kind.DATABASE else super().is_back(blow)

    # --- what it is made of -------------------------------------------------------------------------------------------
    def _settings(self, folder: Path) -> dict[str, str]:
        trusted, self._served = server_certificate(self.data / "tls")
        self._sms_password = self._secret("sms.password", secrets.token_hex(12))
        policy = self.data / "trust.toml"
        policy.write_text(_trust_policy())
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("KEP_", "DJANGO_", "CELERY_"))
        }
        keys = ("SECRET_KEY", "FIELD_KEY", "INDEX_KEY", "VAULT_KEY", "PASSWORD_PEPPER")
        pki_origin, sms_origin = f"http://127.0.0.1:{self.port + 30}", f"https://127.0.0.1:{self.sms_port}"
        return {
            **kept,
            "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'script'}",
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "kepweb.settings.production",
            **{f"KEP_{name}_FILE": str(self._secret(name.lower(), secrets.token_hex(32))) for name in keys},
            "KEP_PROVIDER_CODE": "hs01",
            "KEP_PROVIDER_DOMAIN": "hs01.kep.tr",
            "KEP_PROVIDER_NAME": "Örnek KEP Hizmet Sağlayıcısı 1 A.Ş.",
            "KEP_PROVIDER_POLICY": "urn:oid:2.16.792.9.9.9.1",
            "KEP_WEB_ORIGIN": f"https://{HOST}",
            "KEP_CONTENT_ORIGIN": f"https://{CONTENT_HOST}",
            "KEP_BEHIND_PROXY": "yes",
            "KEP_DATABASE_URL_FILE": str(self._secret("database.url", self._cluster.url)),
            "KEP_VAULT_DIR": str(self.data / "vault"),
            "KEP_STATIC_ROOT": str(self.data / "static"),
            "KEP_REDIS_URL": f"redis://:{self._redis_password}@127.0.0.1:{self.redis_port}/0",
            "KEP_TSA_URL": f"{pki_origin}/tsa",
            "KEP_TRUST_ROOTS": str(folder / "root.pem"),
            "KEP_TRUST_POLICY": str(policy),
            "KEP_INTERMEDIATES": ":".join(str(folder / f"{name}.pem") for name in ("eshs-ca", "islem-ca", "tsa-ca")),
            "KEP_OUTBOUND_ALLOW": pki_origin,
            **token_settings(self.data / "hsm"),
            "KEP_CERTIFICATE": str(folder / "islem-hs01.pem"),
            "KEP_CERTIFICATE_CHAIN": str(folder / "islem-ca.pem"),
            "KEP_SMS_URL": sms_origin,
            "KEP_SMS_USER": SMS_USER,
            "KEP_SMS_PASSWORD_FILE": str(self._sms_password),
            "KEP_SMS_SENDER": "KEP",
            "SSL_CERT_FILE": str(trusted),
        }

    def _secret(self, name: str, value: str) -> Path:
        folder = self.data / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(value)
        return path

    def _processes(self) -> list[dict[str, object]]:
        """Every process but PostgreSQL, in the order of starting, as `production_processes` reads them."""
        python = sys.executable
        redis_server = shutil.which("redis-server") or shutil.which("valkey-server")
        if redis_server is None:
            raise CampaignError("Redis is not installed")
        settings = self.data / "run" / "redis.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"bind 127.0.0.1\nport {self.redis_port}\nrequirepass {self._redis_password}\n"
            f'save ""\nappendonly no\ndir {self.data / "run"}\n'
        )
        sms = [python, "script/campaigns/sms_gateway.py", "--port", str(self.sms_port)]
        sms += ["--certificate", str(self._served), "--user", SMS_USER, "--password-file", str(self._sms_password)]
        sms += ["--file", str(self.data / "sms.jsonl")]
        authority = [python, "-m", "demo.pki_server", "--data", str(self.data), "--port", str(self.port + 30)]
        beat = [python, "-m", "celery", "-A", "kepweb", "beat", "--pidfile=", "--schedule"]
        web = [python, "-m", "gunicorn", "kepweb.wsgi:application", "--bind", f"127.0.0.1:{self.port}"]
        web += ["--worker-class", "gthread", "--workers", "2", "--threads", "4", "--graceful-timeout", "8"]
        web += ["--no-control-socket", "--log-level", "warning"]
        broker = {"name": "redis", "command": [redis_server, str(settings)], "port": self.redis_port}
        outside = {"name": "demo-pki", "command": authority, "port": self.port + 30}
        serving = {"name": "web", "command": web, "role": "web", "ready": self.port, "host": HOST}
        ringing = {"name": "beat", "command": [*beat, str(self.data / "run" / "beat")], "role": "beat"}
        alive = {"heartbeat": str(self.data / "run" / "beat.alive")}
        health = f"GET /healthz HTTP/1.0\r\nHost: {HOST}\r\n\r\n"
        return [
            # without the password Redis answers that it wants one, and lives
            {**broker, "stop_turn": 2, "asked": _asked(self.redis_port, "PING\r\n", "-NOAUTH")},
            {"name": "sms-gateway", "command": sms, "port": self.sms_port, "stop_turn": 2},
            {**outside, "stop_turn": 2, "asked": _asked(self.port + 30, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.")},
            *(self._worker(queue, number) for number in range(1, self.workers + 1) for queue in ("seal", "deliver")),
            {**ringing, **alive},
            {**serving, "asked": _asked(self.port, health, " 200 OK")},
        ]

    def _worker(self, queue: str, number: int) -> dict[str, object]:
        name = f"{queue}-{number}"
        command = [sys.executable, "-m", "celery", "-A", "kepweb", "worker", "-P", "solo", "-Q", queue]
        command += ["-n", f"{name}@hs01", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        pin = {"KEP_PKCS11_PIN": self._pin} if queue == "seal" else {}
        return {
            "name": name,
            "command": command,
            "role": queue,
            "heartbeat": str(self.data / "run" / f"{name}.alive"),
            "environment": pin,
            "stop_turn": 1,
            "stop_patience": 30.0,
        }


def _asked(port: int, question: str, expected: str) -> dict[str, object]:
    """What the supervisor asks a process, and how it knows a good answer."""
    return {"port": port, "question": question, "expected": expected}


def _trust_policy() -> str:
    """The demo PKI's own policy, as an operator would write it down."""
    roles = ("person", "transaction", "timestamp", "seal")
    lines = ["[policies]", *(f"{role} = {json.dumps(sorted(getattr(DEMO_POLICY, role)))}" for role in roles)]
    statements = {"etsi": DEMO_POLICY.etsi_statements, "btk": DEMO_POLICY.btk_statements}
    lines += ["[statements]", *(f"{name} = {json.dumps(sorted(oids))}" for name, oids in statements.items())]
    return "\n".join(lines) + "\n"
