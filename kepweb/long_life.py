"""A process that lives for days looks for rubbish less often (docs/PERFORMANCE.md).

Python goes through all objects again and again to find rings of rubbish. What was imported at the start, several
hundred thousand objects, is no rubbish and never will be; and a lot of fifty messages makes more objects than the
default waits for. So what is there when the work begins is left out for ever, and the looks become rarer: measured, 6 %
of a worker's processor time. Rings are still found; most objects go without a look, when the last name for them goes.

But a ring may hold on to what is not counted. An error that somebody kept holds all frames it came through, and with
them a whole lot: with the time-stamp authority away the sealing worker kept 50 MB more at each turn, until there were
20,000 objects. So after each piece of work the young ones are looked at (`look_again`); what lasts is not among them.
"""

import gc

YOUNG, MIDDLE, OLD = 20_000, 20, 50
"""Objects more than went since the last look, and looks at the younger ones before one at the next older ones."""


def settle() -> None:
    """To be called once, when everything is loaded and before the work begins."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def look_again() -> None:
    """Find the rings that the last piece of work left behind: a microsecond where it left none."""
    gc.collect(1)
