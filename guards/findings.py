"""What a checker of stored things reports: one finding, one damage (R-009).

Every app may have an `integrity.py` with `findings(now) -> Iterable[Finding]`; `manage.py kepcheck` runs them all. A
finding names the thing by its reference, never by content.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that should not be: `code` such as `vault.damaged`, `subject` a reference, `text` English."""

    code: str
    subject: str
    text: str
