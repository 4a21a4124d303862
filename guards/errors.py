"""The one root of every refusal in the product.

A refusal is a value with facts: what was refused, where, and whether trying again could help. It speaks
two languages. The exception text is English, for logs, and never carries message text, identity numbers,
codes or PINs. `user_message` is Turkish, for the person, and says what happened, what is safe and what to
do next; `code` is what the person reads to the help desk (design.md 6) and `status` what a page answers with;
nothing else ever invents a text. Whoever reads another language hears the sentence in it (`guards.spoken`).
"""

from typing import ClassVar

from .spoken import spoken


class KepError(Exception):
    """A typed refusal. Keyword arguments become attributes and may fill `{holes}` in `user_message`.

    >>> class TooLarge(KepError):
    ...     code = "ILT-02"
    ...     user_message = "İleti {limit} bayttan büyük. Taslağınız duruyor."
    >>> TooLarge(limit=10).for_person()
    'İleti 10 bayttan büyük. Taslağınız duruyor.'
    """

    code: ClassVar[str] = "KEP-00"
    user_message: ClassVar[str] = "İşlem tamamlanamadı. Kaydedilmiş hiçbir şey kaybolmadı. Biraz sonra yeniden deneyin."
    status: ClassVar[int] = 400
    """The HTTP status of a page that shows this refusal."""
    temporary: ClassVar[bool] = False
    """True when the same request may succeed later without a change by the person."""
    retry_after: ClassVar[int | None] = None
    """Seconds after which another try is worth it, where that is known; machines are told so."""
    sentences: ClassVar[frozenset[str]] = frozenset()
    """Names of facts that are fixed Turkish sentences themselves, and are translated like `user_message`."""

    def __init__(self, reason: str = "", **facts: object) -> None:
        self.reason = reason
        self.facts = facts
        for name, value in facts.items():
            setattr(self, name, value)
        shown = ", ".join(f"{name}={value!r}" for name, value in facts.items())
        super().__init__(": ".join(piece for piece in (reason, shown) if piece) or type(self).__name__)

    def for_person(self) -> str:
        """The sentence in the reader's language, with its holes filled from the facts."""
        said = {name: spoken(str(self.facts[name])) for name in self.sentences if name in self.facts}
        return spoken(self.user_message).format(**{**self.facts, **said})
