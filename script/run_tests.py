"""Runs the suite twice: everything on the embedded profile's parts, then what touches them on production's.

The first run uses SQLite files and a broker of its own. The second takes the tests marked `database`, `queue` and
`crash` to a PostgreSQL and a Redis that are started here, in a folder that is thrown away, by an unprivileged user. A
part that is not installed is named at the end; with `CI=true` that is a failure (design.md 3).
"""

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AGAIN = "database or queue or crash"
TOGETHER = ("-n", "2", "--dist", "loadfile")
"""Two processes; a file stays in one of them, with what its fixtures start."""
NOTHING_COLLECTED = 5
IS_CI = os.environ.get("CI", "").lower() in ("1", "true")


def main(arguments: Sequence[str]) -> int:
    """The first status that is not success; with a selection, a run without a matching test counts as one."""
    first = pytest([*TOGETHER, *arguments], {})
    second, left_out = again(arguments)
    for reason in left_out:
        print(f"left out: {reason}", flush=True)
    if IS_CI and left_out:
        return 1
    if arguments and NOTHING_COLLECTED in (first, second):
        return min(first, second) if first != second else NOTHING_COLLECTED
    return first or (0 if second == NOTHING_COLLECTED else second)


def again(arguments: Sequence[str]) -> tuple[int, list[str]]:
    """The second run, or the reasons why there is none."""
    initdb = find_postgresql()
    redis = shutil.which("redis-server") or shutil.which("valkey-server")
    left_out = [] if initdb else ["PostgreSQL is not installed: the database tests ran on SQLite only"]
    if not redis:
        left_out.append("Redis is not installed: the queue tests ran on the embedded broker only")
    if not initdb or not redis:
        return 0, left_out
    with (
        tempfile.TemporaryDirectory(prefix="kep-services-") as folder,
        postgresql(initdb, Path(folder)) as database_url,
        redis_server(redis, Path(folder)) as redis_url,
    ):
        services = {"KEP_TEST_DATABASE_URL": database_url, "KEP_TEST_REDIS_URL": redis_url}
        return pytest([*TOGETHER, *narrowed(arguments)], services), left_out


def pytest(arguments: Sequence[str], services: dict[str, str]) -> int:
    """One run of pytest, which prints its own summary."""
    title = "PostgreSQL and Redis" if services else "SQLite and an embedded broker"
    print(f"\n=== {title}: pytest {' '.join(arguments)}", flush=True)
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **services}, stdin=subprocess.DEVNULL).returncode


def narrowed(arguments: Sequence[str]) -> list[str]:
    """The arguments with the selection of the second run put around a `-m` of the caller's."""
    kept, marks = [], [f"({AGAIN})"]
    rest = iter(arguments)
    for argument in rest:
        if argument == "-m":
            marks.append(f"({next(rest, '')})")
        else:
            kept.append(argument)
    return [*kept, "-m", " and ".join(marks)]


# --- services ---------------------------------------------------------------------------------------------------------
def find_postgresql() -> Path | None:
    """The newest PostgreSQL of this machine: the folder of its programs."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if debian:
        return debian[-1]
    found = shutil.which("initdb")
    return Path(found).parent if found else None


@contextlib.contextmanager
def postgresql(programs: Path, folder: Path) -> Iterator[str]:
    """A PostgreSQL of its own on loopback; yields its address. It never runs as root, and initdb would refuse to."""
    user = unprivileged_user()
    data, password, port = folder / "postgresql", secrets.token_hex(16), free_port()
    data.mkdir(mode=0o700)
    secret = folder / "password"
    secret.write_text(password)
    if user:
        for path in (folder, data, secret):
            shutil.chown(path, user)
    options = ["--username=kep", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    subprocess.run(
        [programs / "initdb", "--no-sync", *options, "--pgdata", data], check=True, user=user, stdout=subprocess.DEVNULL
    )
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(folder),
        "fsync": "off",  # a test run needs no power cut of the machine; killed processes lose nothing by it
        "max_connections": "60",
    }
    command = [
        programs / "postgres",
        "-D",
        data,
        *(piece for pair in settings.items() for piece in ("-c", "=".join(pair))),
    ]
    with running(command, port, user):
        yield f"postgres://kep:{password}@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def redis_server(program: str, folder: Path) -> Iterator[str]:
    """A Redis of its own on loopback; yields its address."""
    port, password = free_port(), secrets.token_hex(16)
    settings = folder / "redis.conf"
    settings.write_text(f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir {folder}\n')
    settings.chmod(0o600)
    with running([program, settings], port, None):
        yield f"redis://:{password}@127.0.0.1:{port}/0"


@contextlib.contextmanager
def running(command: Sequence[str | Path], port: int, user: str | None) -> Iterator[None]:
    """The process while the block runs, from the moment it accepts connections."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, user=user)
    try:
        deadline = time.monotonic() + 30
        while not accepts(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{Path(command[0]).name} did not start")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def unprivileged_user() -> str | None:
    """Whom root starts PostgreSQL as: `postgres`, whom its package makes, else `nobody`. None for everybody else."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether somebody accepts connections on that port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
