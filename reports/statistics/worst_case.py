"""How large a mean's studentised distance from the truth gets by chance, under the least favourable of several nulls.

No test of means holds for every distribution (Bahadur and Savage 1956).  Student's t errs where few skewed seeds stand
against a steady side, and permutation tests err there too, since they test whether two sides are alike.  Here a p-value
is the largest chance that any of these gives: normal seeds, skewed (exponential) ones, and normal ones of which one in
five fails by four standard deviations; the other side with the same spread, with a half, 0.3 and 0.1 of it, with none,
and mirrored.  So the error is at most what it says under each of them, at every level, which a family of tests needs.

The table beside this file is simulated by `python -m docs.statistics_study`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

Samples = Literal["one", "two"]

TABLE = Path(__file__).with_name("critical_values.json")
#: no p-value is smaller: beyond the table the chance falls as a power of the statistic, which is not trusted for ever
SMALLEST_P = 1e-9


def p_value(statistic: float, seeds: int, samples: Samples) -> float:
    """The largest chance, under any of the nulls, that the statistic is at least this.

    statistic: |effect| / error, where the error is s / sqrt(n) for one sample and s * sqrt(2 / n) for two, s the larger
    of the two standard deviations.  seeds: n, at least 2, of the sample that has fewer.
    """
    if not statistic > 0:
        return 1.0
    logs, log_levels = _curve(seeds, samples)
    place = np.log(statistic)
    if place <= logs[0]:  # the chance falls linearly from 1 at 0
        return float(1 - (1 - np.exp(log_levels[0])) * np.exp(place - logs[0]))
    return max(float(np.exp(np.interp(place, logs, log_levels))), SMALLEST_P)


def critical_value(level: float, seeds: int, samples: Samples) -> float:
    """The statistic whose p-value is `level`; raises ValueError for a level that is not in [SMALLEST_P, 1)."""
    if not SMALLEST_P <= level < 1:
        raise ValueError(f"level must lie in [{SMALLEST_P:g}, 1), got {level}")
    logs, log_levels = _curve(seeds, samples)
    if np.log(level) >= log_levels[0]:
        return float((1 - level) / (1 - np.exp(log_levels[0])) * np.exp(logs[0]))
    return float(np.exp(np.interp(-np.log(level), -log_levels, logs)))


@cache
def _curve(seeds: int, samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of growing statistics and of their falling chances, straight in between.

    Of the most seeds in the table that are not more than these.  The last point goes on along the last decade to
    `SMALLEST_P`: the true curve grows steeper, towards a power of seeds - 1, so this overstates the chance.
    """
    table = json.loads(TABLE.read_text())
    known = max(int(count) for count in table[samples] if int(count) <= seeds)
    logs, log_levels = np.log(table[samples][str(known)]), np.log(table["levels"])
    decade = int(np.searchsorted(-log_levels, -(log_levels[-1] + np.log(10)) - 1e-9))
    slope = (logs[-1] - logs[decade]) / (log_levels[-1] - log_levels[decade])
    end = logs[-1] + slope * (np.log(SMALLEST_P) - log_levels[-1])
    return np.append(logs, end), np.append(log_levels, np.log(SMALLEST_P))
