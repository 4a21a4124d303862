"""From a fixed Turkish sentence to the language of whoever reads it.

Turkish is the source language. Refusals and tables of findings hold Turkish sentences, and most of the floors that
hold them know no Django; so a sentence is translated where it is shown to somebody, by `spoken`, with the translator
that the house names when it starts (`kepweb.apps`). Programs without Django (script/verify) name none and speak
Turkish.

What is kept never passes through here: proofs and their reasons, the introduction of a KEP message, SMS and the texts
inside a bundle are parts of a record, and a record does not depend on the language of the browser that caused it.
"""

from collections.abc import Callable

_translators: list[Callable[[str], str]] = []


def translate_with(translator: Callable[[str], str]) -> None:
    """From now on sentences are shown as `translator` says them: Turkish in, the reader's language out."""
    _translators[:] = [translator]


def spoken(sentence: str) -> str:
    """The sentence in the reader's language; Turkish where nobody translates or the sentence is not known."""
    return _translators[0](sentence) if _translators else sentence


def gettext_noop(sentence: str) -> str:
    """The sentence as it stands, marked for the catalogue where no Django may be imported: xgettext knows the name."""
    return sentence
