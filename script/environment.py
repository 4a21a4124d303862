"""Makes the project's own Python environment, or finds that it is there already.

Started by the scripts beside it with whatever Python 3.11 or newer the machine has; uses its standard library only.
Packages come by the hashed lock files and only when these have changed since the last time. A half-made environment
is taken away again, so that the next start begins cleanly.

    python3 script/environment.py [--dev]      --dev: also what tests and lint need
"""

import fcntl
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def main() -> int:
    """0 when the environment is ready; a sentence on stderr and 1 when it cannot be made."""
    if sys.version_info < (3, 11):
        return refuse(f"Python 3.11 ya da yenisi gerekir; bulunan: {sys.version.split()[0]}")
    locks = ["requirements.txt"]
    if "--dev" in sys.argv[1:]:
        locks.append("requirements-dev.txt")
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two scripts started together make one environment
        return ensure_venv() or ensure_packages(locks)


def ensure_venv() -> int:
    """Make `.venv` unless a working one is there."""
    if works(PYTHON):
        return 0
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return refuse(f"Python'un venv modülü eksik. Debian ve Ubuntu'da: apt-get install python{version}-venv")
    say("Python ortamı kuruluyor (.venv)")
    shutil.rmtree(VENV, ignore_errors=True)
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], stdin=subprocess.DEVNULL).returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        return refuse("Python ortamı kurulamadı; yarım kalan .venv silindi")
    return 0


def ensure_packages(locks: list[str]) -> int:
    """Install every lock file whose content is not the one installed last."""
    wanted = {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in locks}
    stale = [name for name in locks if read(stamp_of(name)) != wanted[name]]
    if not stale:
        return 0
    say("paketler kuruluyor: " + ", ".join(stale))
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    sources = [piece for name in stale for piece in ("--requirement", str(ROOT / name))]
    done = subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", *sources], stdin=subprocess.DEVNULL)
    if done.returncode:
        return refuse("paketler kurulamadı; ağ bağlantısını denetleyip yeniden deneyin")
    for name in stale:
        stamp_of(name).write_text(wanted[name])
    return 0


def works(python: Path) -> bool:
    """Whether this interpreter starts and has pip: neither half-made nor left over from a removed Python."""
    if not python.exists():
        return False
    tried = subprocess.run([str(python), "-c", "import pip"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return tried.returncode == 0


def stamp_of(lock: str) -> Path:
    """Where the digest of an installed lock file is kept."""
    return VENV / f".installed-{lock}.sha256"


def read(path: Path) -> str:
    """The content of a small file, or nothing."""
    return path.read_text() if path.exists() else ""


def say(text: str) -> None:
    """Progress, for the person who waits."""
    print(f"KEP: {text}", file=sys.stderr, flush=True)


def refuse(text: str) -> int:
    """The reason why there is no environment."""
    print(f"KEP: {text}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
