"""Whether two samples differ, without assuming a shape: the rank sum test of Mann and Whitney, and Holm's correction.

Times of answers are skewed and have outliers, so medians are compared and ranks are tested. The normal approximation
with the correction for ties is right for samples of hundreds, which is what campaigns have.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

_Name = TypeVar("_Name")


def rank_sum_p(left: Sequence[float], right: Sequence[float]) -> float:
    """The two-sided probability of ranks at least this uneven if both samples came from one source."""
    pooled = sorted([(value, 0) for value in left] + [(value, 1) for value in right])
    ranks = [0.0, 0.0]
    ties = 0
    start = 0
    while start < len(pooled):
        end = start
        while end < len(pooled) and pooled[end][0] == pooled[start][0]:
            end += 1
        mean_rank, count = (start + end + 1) / 2, end - start
        ties += count**3 - count
        for _, side in pooled[start:end]:
            ranks[side] += mean_rank
        start = end
    n, m, total = len(left), len(right), len(pooled)
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance == 0:
        return 1.0
    distance = abs(ranks[0] - n * (n + 1) / 2 - n * m / 2)
    return math.erfc(max(distance - 0.5, 0.0) / math.sqrt(2 * variance))


def holm(probabilities: Mapping[_Name, float]) -> dict[_Name, float]:
    """Each probability corrected for how many questions were asked (Holm 1979); at most 1."""
    corrected, highest = {}, 0.0
    ordered = sorted(probabilities.items(), key=lambda each: each[1])
    for position, (name, probability) in enumerate(ordered):
        highest = max(highest, min(1.0, probability * (len(ordered) - position)))
        corrected[name] = highest
    return corrected
