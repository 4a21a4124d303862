"""Collects every Turkish text a person may see, and holds the catalogues of other languages against it.

Texts come from three places. Python calls gettext: xgettext finds them. Templates mark theirs with tags: Django turns
them into something xgettext reads. Floors without Django call nobody: the sentences of refusals, the tables of
certificate findings and the names of proofs are taken from the classes themselves and written as calls at the end of a
copy of the file that owns them, so that they too have a place in the catalogue.

Without arguments the catalogues are rewritten in the order of the sources: new texts come in empty, texts that nobody
says any more go, translations stay, and the .mo is compiled. The same sources always give the same files. Nothing is
ever guessed from a similar text. With `--check` nothing is written; what is wrong is printed and the status is 1.
"""

import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import polib

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = sorted((ROOT / "locale").glob("*/LC_MESSAGES/django.po"))
APPS = ("guards", "evidence", "signing", "accounts", "directory", "mailbox", "staff", "kepweb")
"""Whose classes hold sentences that no call marks. The demo and the desktop signer speak Turkish only."""
SOURCES = (*(f"{app}/*.py" for app in APPS), "demo/*.py", "templates/*.html")
NOT_ON_SCREENS = ("/tests/", "/migrations/", "/management/")
CALLS = (
    "gettext_noop",
    "gettext_lazy",
    "ngettext_lazy:1,2",
    "pgettext:1c,2",
    "pgettext_lazy:1c,2",
    "npgettext:1c,2,3",
    "npgettext_lazy:1c,2,3",
)
"""Django's names beside those that xgettext knows by itself."""
LINE = 118
Key = tuple[str | None, str]


def main(arguments: Sequence[str]) -> int:
    """0 when the catalogues say everything the sources say, and their compiled forms the same."""
    is_check = "--check" in arguments
    if not shutil.which("xgettext"):
        print("xgettext is not installed (Debian: gettext): the texts of the sources are not looked at")
        if not is_check or os.environ.get("CI", "").lower() in ("1", "true"):
            return 1
        template = None
    else:
        template = collected()
    found = []
    for path in CATALOGUES:
        if template is not None and not is_check:
            rewrite(path, template)
        found += [f"{path.relative_to(ROOT)}: {problem}" for problem in problems(path, template)]
    for line in found:
        print(line)
    if is_check and found:
        print("script/messages brings new texts into the catalogue and compiles it; translations are written by hand")
    return bool(found)


# --- the texts of the sources -----------------------------------------------------------------------------------------
def collected() -> polib.POFile:
    """Every text of the sources, in the order of the files, each with the files that say it."""
    with tempfile.TemporaryDirectory(prefix="kep-messages-") as folder:
        sentences = sentences_by_file(Path(folder) / "data")
        names = [path.relative_to(ROOT) for path in sources()]
        for name in names:
            copy = Path(folder) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(readable(ROOT / name, sentences.get(name, ())), encoding="utf-8")
        subprocess.run(
            [
                "xgettext",
                "--language=Python",
                "--from-code=UTF-8",
                "--add-location=file",
                "--output=django.pot",
                *(f"--keyword={each}" for each in CALLS),
                *map(str, names),
            ],
            cwd=folder,
            check=True,
        )
        return polib.pofile(str(Path(folder) / "django.pot"))


def sources() -> list[Path]:
    """The project's files whose texts reach a screen, sorted by name."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *SOURCES],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = sorted(name for name in listed.split("\0") if name and not any(part in name for part in NOT_ON_SCREENS))
    return [path for name in names if (path := ROOT / name).is_file()]


def readable(path: Path, sentences: Sequence[str]) -> str:
    """A file as xgettext reads it, with the sentences of its classes as calls at its end."""
    from django.utils.translation.template import templatize

    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        return str(templatize(text, origin=str(path.relative_to(ROOT))))
    return "\n".join([text, *(f"_({sentence!r})" for sentence in sentences)])


def sentences_by_file(data: Path) -> dict[Path, list[str]]:
    """Sentences that no call marks, by the file that holds them; Django keeps what it needs in `data`."""
    os.environ.update({"DJANGO_SETTINGS_MODULE": "kepweb.settings.embedded", "KEP_DATA_DIR": str(data)})
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    modules = {module.__name__: module for module in every_module()}
    from evidence import facts
    from guards import errors, refusal_texts

    found: dict[Path, list[str]] = {}
    for kind in (errors.KepError, *below(errors.KepError)):
        if kind.__module__ in modules and "user_message" in vars(kind):
            found.setdefault(file_of(modules[kind.__module__]), []).append(kind.user_message)
    found[file_of(refusal_texts)] = [text for table in refusal_texts.tables() for text in table.values()]
    found[file_of(facts)] = [kind.title for kind in facts.EvidenceKind]
    return found


def every_module() -> Iterator[ModuleType]:
    """Every module of the apps, imported; without tests, migrations, settings and commands."""
    for app in APPS:
        package = importlib.import_module(app)
        yield package
        for each in pkgutil.walk_packages(package.__path__, f"{app}."):
            name = f".{each.name}."
            if not any(part in name for part in (".tests.", ".migrations.", ".settings.", ".management.", ".wsgi.")):
                yield importlib.import_module(each.name)


def below(kind: type) -> list[type]:
    """All classes below a class, in the order in which they were made."""
    return [each for one in kind.__subclasses__() for each in (one, *below(one))]


def file_of(module: ModuleType) -> Path:
    """A module's file, as the catalogue names it."""
    return Path(str(module.__file__)).resolve().relative_to(ROOT)


# --- the catalogues ---------------------------------------------------------------------------------------------------
def rewrite(path: Path, template: polib.POFile) -> None:
    """Bring one catalogue into the order and form of the sources, and compile it."""
    old = polib.pofile(str(path))
    known = {key_of(entry): entry for entry in old if not entry.obsolete}
    new = polib.POFile(wrapwidth=LINE)
    new.header = old.header
    new.metadata = {name: value for name, value in old.metadata.items() if not name.endswith("-Date")}
    for wanted in template:
        entry = polib.POEntry(
            msgctxt=wanted.msgctxt,
            msgid=wanted.msgid,
            msgid_plural=wanted.msgid_plural,
            occurrences=wanted.occurrences,
            flags=[flag for flag in wanted.flags if flag != "fuzzy"],
        )
        before = known.get(key_of(wanted))
        if wanted.msgid_plural:
            entry.msgstr_plural = dict(before.msgstr_plural) if before and before.msgstr_plural else {0: "", 1: ""}
        elif before:
            entry.msgstr = before.msgstr
        new.append(entry)
    new.save(str(path))
    new.save_as_mofile(str(path.with_suffix(".mo")))


def problems(path: Path, template: polib.POFile | None) -> list[str]:
    """What is wrong with one catalogue, one line each; without a template the sources are left out."""
    entries = {key_of(entry): entry for entry in polib.pofile(str(path)) if not entry.obsolete}
    found = []
    if template is not None:
        wanted = {key_of(entry) for entry in template}
        found += [f"not in the catalogue: {key[1]!r}" for key in wanted - entries.keys()]
        found += [f"nobody says this any more: {key[1]!r}" for key in entries.keys() - wanted]
    found += [f"fuzzy: {key[1]!r}" for key, entry in entries.items() if entry.fuzzy]
    found += [f"not translated: {key[1]!r}" for key, entry in entries.items() if not is_said(entry)]
    written = {key: texts_of(entry) for key, entry in entries.items() if entry.translated()}
    mo = path.with_suffix(".mo")
    compiled = {key_of(entry): texts_of(entry) for entry in polib.mofile(str(mo))} if mo.exists() else {}
    if compiled != written:  # bytes are not compared: every compiler writes others (measured)
        found.append("its .mo is missing or says something else")
    return sorted(found)


def is_said(entry: polib.POEntry) -> bool:
    """Whether every form of the text has words."""
    return all(entry.msgstr_plural.values()) if entry.msgid_plural else bool(entry.msgstr)


def key_of(entry: polib.POEntry) -> Key:
    """What a message is found by."""
    return entry.msgctxt, entry.msgid


def texts_of(entry: polib.POEntry) -> object:
    """What a message says, in the singular or by its plurals."""
    return entry.msgstr_plural or entry.msgstr


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
