"""From a stored refusal code back to its sentence, in the language of whoever reads it now.

Rows keep the code, not the sentence: the code is stable, the wording may get better. Classes of `KepError` are
found by walking them; tables of codes that are no exceptions (findings of certificate checks) register theirs.
"""

from collections.abc import Callable, Mapping

from .errors import KepError
from .spoken import spoken

_SOURCES: list[Callable[[], Mapping[str, str]]] = []


def register(source: Callable[[], Mapping[str, str]]) -> None:
    """Add a table of code -> sentence, asked when it is needed."""
    _SOURCES.append(source)


def text_of_code(code: str) -> str:
    """The sentence for `code`; for an unknown one the general sentence, never nothing."""
    for source in _SOURCES:
        if code in (table := source()):
            return spoken(table[code])
    for kind in _all_kinds(KepError):
        if kind.code == code and "{" not in kind.user_message:
            return spoken(kind.user_message)
    return spoken(KepError.user_message)


def tables() -> list[Mapping[str, str]]:
    """Every registered table, code to Turkish sentence, for whoever collects the sentences."""
    return [source() for source in _SOURCES]


def _all_kinds(kind: type[KepError]) -> list[type[KepError]]:
    below = kind.__subclasses__()
    return below + [each for one in below for each in _all_kinds(one)]
