"""`kep-imza list | sign | page | export`: the shell's way through the same session that the page uses."""

import argparse
import contextlib
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from signer import options as command_line
from signer.errors import InvalidArgument, SignerError, TypedRequest, UserCancelled, WrongPin
from signer.page import LoopbackPage
from signer.pin import Pin, line_from_input, pin_from_environment, pin_from_file, pin_from_terminal
from signer.request import RequestShown
from signer.session import USER_SECONDS, Prepared, Session
from signer.token import Certificate, utc_now
from signer.token_file import COMPANIONS, Pkcs12Token


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 or that of the error (README, "Çıkış değerleri")."""
    options = command_line.parser().parse_args(arguments)
    command = {"list": _list, "sign": _sign, "page": _page, "export": _export}[options.command]
    try:
        command(options)
    except SignerError as error:
        print(f"{error.for_person()} [{error.code}]", file=sys.stderr)
        return error.exit_status
    return 0


def _list(options: argparse.Namespace) -> None:
    certificates, problems = command_line.wallet_of(options).certificates(now=utc_now())
    for certificate in certificates:
        print(_one_line(certificate))
    for problem in problems:
        print(f"! {problem.for_person()} [{problem.code}]", file=sys.stderr)
    if not certificates:
        print("Sertifika bulunamadı.", file=sys.stderr)


def _sign(options: argparse.Namespace) -> None:
    allowed = command_line.allowed_of(options)
    session = Session(command_line.wallet_of(options), allowed=allowed)
    try:
        claimed = session.open(options.code, origin=options.origin or allowed[0])
        print(f"Sağlayıcı            {claimed.origin}")
        print(f"Hesap                {claimed.account}")
        print(f"Karşılaştırma kodu   {claimed.comparison}   (KEP sayfasındakiyle aynı olmalı; değilse vazgeçin)")
        prepared = session.choose(_choice(session, options.certificate).id)
        _show(prepared)
        if not options.yes and line_from_input("İmzalansın mı? [e/H] ", seconds=USER_SECONDS).casefold() != "e":
            raise UserCancelled("not confirmed")
        _sign_with_pin(session, options)
    except (KeyboardInterrupt, SignerError) as error:
        ended = error if isinstance(error, SignerError) else UserCancelled("interrupted")
        with contextlib.suppress(SignerError):
            session.cancel(ended if ended.cancel_reason else UserCancelled("gave up"))
        raise ended from error
    print("İmzalandı. KEP sayfasına dönebilirsiniz.")


def _sign_with_pin(session: Session, options: argparse.Namespace) -> None:
    """Ask again after a wrong PIN only where somebody is there to type another one."""
    while True:
        try:
            with _pin(options) as pin:
                session.sign(pin)
            return
        except WrongPin as error:
            if options.pin_file or options.pin_env:
                raise
            print(error.for_person(), file=sys.stderr)


def _page(options: argparse.Namespace) -> None:
    session = Session(command_line.wallet_of(options), allowed=command_line.allowed_of(options))
    page = LoopbackPage(session, port=options.port, allowed=command_line.allowed_of(options))
    signal.signal(signal.SIGTERM, lambda number, frame: page.stop())
    print(f"İmza sayfası: {page.address}", flush=True)
    try:
        page.serve()
    except KeyboardInterrupt:
        page.stop()


def _export(options: argparse.Namespace) -> None:
    target: Path = options.file.with_suffix(COMPANIONS[0])
    with _pin(options) as pin:
        pem = Pkcs12Token(options.file).companion_pem(pin)
    try:
        with target.open("xb") as file:
            file.write(pem)
    except OSError as error:
        raise InvalidArgument(
            "cannot write beside the key file", what=f"{target} yazılamadı ya da zaten var"
        ) from error
    print(f"Yazıldı: {target}")


def _pin(options: argparse.Namespace) -> Pin:
    if options.pin_file:
        return pin_from_file(options.pin_file)
    if options.pin_env:
        return pin_from_environment(options.pin_env)
    return pin_from_terminal("PIN: ", seconds=USER_SECONDS)


def _choice(session: Session, wanted: str | None) -> Certificate:
    usable = [each for each in session.certificates if not each.unusable]
    if wanted:
        usable = [each for each in session.certificates if each.id.startswith(wanted.lower().replace(":", ""))]
    if len(usable) == 1:
        return usable[0]
    for problem in session.problems:
        print(f"! {problem.for_person()} [{problem.code}]", file=sys.stderr)
    for certificate in usable:
        print(_one_line(certificate), file=sys.stderr)
    raise InvalidArgument(f"{len(usable)} certificates", what="sertifika seçilemedi; --certificate ile birini seçin")


def _show(prepared: Prepared) -> None:
    shown = prepared.shown
    if isinstance(shown, RequestShown):
        raise TypedRequest("a request never comes so far in the shell")
    print(f"Gönderen             {_person(shown.sender.name, shown.sender.address)}")
    for label, people in (("Alıcı", shown.to), ("Bilgi", shown.cc)):
        for person in people:
            print(f"{label:<20} {_person(person.name, person.address)}")
    print(f"Konu                 {shown.subject}")
    for file in shown.files:
        print(f"Ek                   {file.name} ({file.size} bayt)")
    print(f"Özet (SHA-256)       {prepared.digest.hex().upper()}")
    print(f"İmza saati           {prepared.signing_time:%Y-%m-%d %H:%M:%S} UTC")
    if prepared.certificate.pin.value:
        print(f"! {prepared.certificate.pin.value}", file=sys.stderr)


def _person(name: str, address: str) -> str:
    return f"{name} <{address}>" if name else address


def _one_line(certificate: Certificate) -> str:
    note = certificate.unusable or certificate.pin.value
    return f"{certificate.id[:16]}  {certificate.owner}  {certificate.not_after:%d.%m.%Y}  {certificate.held_by}" + (
        f"  ({note})" if note else ""
    )


def run() -> None:
    """Entry point of the installed `kep-imza`."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a PIN must not reach a core file
    os.umask(0o077)
    sys.exit(main())


if __name__ == "__main__":
    run()
