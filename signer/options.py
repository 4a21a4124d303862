"""What the program was started with: which keys, which providers. Options first, then the environment.

`KEP_SIGNER_P12` (files), `KEP_SIGNER_P12_DIR` (folders) and `KEP_SIGNER_MODULES` (PKCS#11 libraries) are lists
separated by `:`; `KEP_SIGNER_ALLOW` is a list of origins separated by blanks. There is no option that turns a
check off.
"""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from signer import VERSION
from signer.errors import InvalidArgument
from signer.wallet import Wallet, open_wallet


def parser() -> argparse.ArgumentParser:
    """The command line of `kep-imza`."""
    top = argparse.ArgumentParser(prog="kep-imza", description="KEP iletilerini kendi e-imzanızla imzalar.")
    top.add_argument("--version", action="version", version=f"kep-imza {VERSION}")
    commands = top.add_subparsers(dest="command", required=True, metavar="KOMUT")

    listing = commands.add_parser("list", help="kartlardaki ve dosyalardaki sertifikaları göster (PIN sorulmaz)")
    _key_options(listing)

    signing = commands.add_parser("sign", help="işlem kodunu kullan, iletiyi göster, imzala")
    signing.add_argument("code", metavar="KOD", help="KEP sayfasında görünen işlem kodu")
    signing.add_argument("--origin", help="sağlayıcının adresi, ör. https://kep.ornek.tr")
    signing.add_argument("--certificate", metavar="ÖZET", help="sertifikanın SHA-256 özeti ya da başı")
    signing.add_argument("--yes", action="store_true", help="onay sorma (karşılaştırma kodu yine yazılır)")
    signing.add_argument("--pin-file", type=Path, metavar="DOSYA", help="PIN'i bu dosyanın ilk satırından al")
    signing.add_argument("--pin-env", metavar="AD", help="PIN'i bu ortam değişkeninden al (yalnız deneme için)")
    _key_options(signing)
    _origin_options(signing)

    page = commands.add_parser("page", help="bu bilgisayarda imza sayfasını aç")
    page.add_argument("--port", type=int, default=8040)
    _key_options(page)
    _origin_options(page)

    export = commands.add_parser("export", help="bir .p12 dosyasının sertifikasını yanına yaz")
    export.add_argument("file", type=Path, metavar="DOSYA.p12")
    export.add_argument("--pin-file", type=Path, metavar="DOSYA")
    export.add_argument("--pin-env", metavar="AD")
    return top


def wallet_of(options: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Wallet:
    """The tokens named by options, else by the environment. Refuses none at all with `InvalidArgument`."""
    files = options.p12 or _paths(environ, "KEP_SIGNER_P12")
    folders = options.p12_dir or _paths(environ, "KEP_SIGNER_P12_DIR")
    modules = options.module or _paths(environ, "KEP_SIGNER_MODULES")
    if not (files or folders or modules):
        raise InvalidArgument("no token", what="--module, --p12 ya da --p12-dir verilmedi")
    return open_wallet(files=files, folders=folders, modules=modules)


def allowed_of(options: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The origins this program may speak to. Refuses none at all with `InvalidArgument`."""
    allowed = tuple(options.allow or environ.get("KEP_SIGNER_ALLOW", "").split())
    if not allowed and getattr(options, "origin", None):
        allowed = (options.origin,)  # typed by the person at the shell: that is the installation
    if not allowed:
        raise InvalidArgument("no origin", what="izinli sağlayıcı adresi (--allow) verilmedi")
    return allowed


def _key_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--module", type=Path, action="append", metavar="SO", help="PKCS#11 kitaplığı")
    command.add_argument("--p12", type=Path, action="append", metavar="DOSYA", help="sertifika dosyası")
    command.add_argument("--p12-dir", type=Path, action="append", metavar="KLASÖR", help="sertifika dosyaları klasörü")


def _origin_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--allow", action="append", metavar="ADRES", help="bağlanılabilecek sağlayıcı adresi")


def _paths(environ: Mapping[str, str], name: str) -> list[Path]:
    return [Path(piece) for piece in environ.get(name, "").split(os.pathsep) if piece]
