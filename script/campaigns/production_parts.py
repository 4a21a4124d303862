"""What a production deployment leans on, made new for one campaign: a PostgreSQL, a token, certificates for TLS.

The PostgreSQL is real in what counts here: fsync, full page writes and synchronous commit are on, it runs as an
unprivileged user, and an immediate stop is `pg_ctl stop -m immediate`, after which it recovers from its log. The
token is a SoftHSM that holds the işlem key; the file the key came from is gone afterwards. The certificate authority
signs one server certificate, for the SMS gateway, and is trusted by the processes of this deployment alone
(`SSL_CERT_FILE`).
"""

import ipaddress
import os
import secrets
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from campaigns.deployment import CampaignError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from run_tests import find_postgresql, unprivileged_user

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
TOKEN, KEY = "kep", "islem"
PATIENCE = 60


class Cluster:
    """A PostgreSQL of its own on loopback, in a folder that its unprivileged user can reach."""

    def __init__(self, port: int) -> None:
        self._programs, self._port, self._user = find_postgresql(), port, unprivileged_user()
        self._password = secrets.token_hex(16)
        self.folder = Path(tempfile.mkdtemp(prefix="kep-postgresql-", dir="/var/tmp"))
        self._data = self.folder / "data"

    @property
    def url(self) -> str:
        """Its address, with the password."""
        return f"postgres://kep:{self._password}@127.0.0.1:{self._port}/postgres"

    def make(self) -> None:
        """Initialise and start."""
        secret = self.folder / "password"
        secret.write_text(self._password)
        self._data.mkdir(mode=0o700)
        if self._user:
            for path in (self.folder, self._data, secret):
                shutil.chown(path, self._user)
        options = ["--username=kep", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        self._run("initdb", *options, "--pgdata", str(self._data))
        (self._data / "postgresql.auto.conf").write_text(
            "listen_addresses = '127.0.0.1'\n"
            f"port = {self._port}\n"
            f"unix_socket_directories = '{self.folder}'\n"
            "fsync = on\nfull_page_writes = on\nsynchronous_commit = on\n"
            "max_connections = 80\nshared_buffers = 256MB\n"
        )
        self.start()

    def start(self) -> None:
        """Start it and wait until it takes connections, after a recovery if one is needed."""
        log = self.folder / "server.log"
        self._run("pg_ctl", "start", "-w", "-t", str(PATIENCE), "-D", str(self._data), "-l", str(log))

    def stop(self, mode: str) -> None:
        """`immediate` as if its machine had lost power, `fast` in order."""
        self._run("pg_ctl", "stop", "-m", mode, "-w", "-t", str(PATIENCE), "-D", str(self._data))

    def end(self) -> None:
        """Stop it, if it runs."""
        if (self._data / "postmaster.pid").exists():
            self.stop("fast")

    def remove(self) -> None:
        """Throw it away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        quiet = subprocess.DEVNULL  # a pipe would be inherited by the server and never end
        if self._programs is None:
            raise CampaignError("PostgreSQL is not installed")
        done = subprocess.run(
            [self._programs / program, *arguments], user=self._user, cwd=self.folder, stdin=quiet, stdout=quiet,
            stderr=quiet, timeout=PATIENCE * 2,
        )  # fmt: skip
        if done.returncode:
            raise CampaignError(f"{program} {arguments[0]} failed; see {self.folder / 'server.log'}")


def token_settings(folder: Path) -> dict[str, str]:
    """The settings that lead to the token below `folder`."""
    module = next((each for each in MODULES if Path(each).exists()), None)
    if module is None or shutil.which("softhsm2-util") is None:
        raise CampaignError("SoftHSM is not installed")
    return {
        "SOFTHSM2_CONF": str(folder / "softhsm2.conf"),
        "KEP_PKCS11_MODULE": module,
        "KEP_PKCS11_TOKEN": TOKEN,
        "KEP_PKCS11_KEY": KEY,
    }


def token(folder: Path, key: Path, pin: str) -> None:
    """Move the key of this PEM file into a SoftHSM token below `folder`."""
    (folder / "tokens").mkdir(mode=0o700, parents=True)
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    environment = {"SOFTHSM2_CONF": str(configuration), "PATH": os.environ.get("PATH", os.defpath)}
    guard = secrets.token_hex(8)
    for command in (
        ["--init-token", "--free", "--label", TOKEN, "--so-pin", guard, "--pin", pin],
        ["--import", str(key), "--token", TOKEN, "--label", KEY, "--id", "01", "--pin", pin],
    ):
        done = subprocess.run(["softhsm2-util", *command], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise CampaignError(f"softhsm2-util {command[0]} failed: {done.stderr[-500:]}")
    key.unlink()


def server_certificate(folder: Path) -> tuple[Path, Path]:
    """A private authority and a certificate of it for 127.0.0.1: the one file to trust, the other to serve with."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Campaign TLS authority")])
    authority = (
        _draft(issuer, issuer, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    address = ipaddress.ip_address("127.0.0.1")
    server = (
        _draft(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sms gateway")]), issuer, server_key)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    trusted, served = folder / "authority.pem", folder / "server.pem"
    trusted.write_bytes(authority.public_bytes(Encoding.PEM))
    served.touch(mode=0o600)
    served.write_bytes(
        server.public_bytes(Encoding.PEM) + server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return trusted, served


def _draft(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
