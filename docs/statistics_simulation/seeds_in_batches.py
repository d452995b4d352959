"""The sequential procedure: how often it decides falsely, what it decides, and the seeds that it saves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from docs.statistics_simulation.nulls import LUCKS, normal
from docs.statistics_simulation.share import Share
from reports.statistics.bootstrap import keyed_generator
from reports.statistics.mean_difference import compare_means
from reports.statistics.multiplicity import holm
from reports.statistics.sequential import ALPHA, LOOKS, Decision, decide

ALGORITHMS = 10
#: leaderboards of ten algorithms: luck, levels and standard deviations
BOARDS = {
    "ten identical, normal": ("normal", np.zeros(10), np.ones(10)),
    "ten identical, heavy-tailed": ("heavy-tailed", np.zeros(10), np.ones(10)),
    "ten identical, skewed": ("skewed", np.zeros(10), np.ones(10)),
    "five identical, and five others identical far above": ("normal", np.repeat([0.0, 60.0], 5), np.ones(10)),
    "equal means, five with three times the spread": ("normal", np.zeros(10), np.repeat([1.0, 3.0], 5)),
    "equal means, one with a tenth of the spread": ("normal", np.zeros(10), np.append(np.ones(9), 0.1)),
    "equal means, skewed, one with a tenth of the spread": ("skewed", np.zeros(10), np.append(np.ones(9), 0.1)),
}


def false_decisions(name: str, boards: int) -> Share:
    """How often any pair of equal means is decided at any look."""
    luck, levels, deviations = BOARDS[name]
    generator = keyed_generator("study", "sequential", name)
    wrong = 0
    for _ in range(boards):
        scores = LUCKS[luck](generator, (ALGORITHMS, LOOKS[-1])) * deviations[:, None] + levels[:, None]
        decided = decide(named(scores), LOOKS, ALPHA, "study").decided_at
        wrong += any(levels[int(first[-2:])] == levels[int(second[-2:])] for first, second in decided)
    return Share(wrong, boards)


@dataclass(frozen=True)
class Power:
    """Shares of the pairs decided, and the mean number of seeds that an algorithm needed."""

    sequential: float
    fixed: float
    seeds: float


def power(spacing: float, boards: int) -> Power:
    """Six algorithms in equal steps of `spacing` standard deviations: by looks, and once with the last look's seeds."""
    generator = keyed_generator("study", "sequential power", str(spacing))
    results = []
    for _ in range(boards):
        scores = named(normal(generator, (6, LOOKS[-1])) + spacing * np.arange(6)[:, None])
        decision = decide(scores, LOOKS, ALPHA, "study")
        tests = [compare_means(scores[first], scores[second]) for first, second in decision.outcomes]
        adjusted = holm([test.p_value or 0.0 for test in tests], [test.smallest_p or 0.0 for test in tests], ALPHA)
        fixed = float(np.mean(np.array(adjusted) <= ALPHA))
        share = len(decision.decided_at) / len(decision.outcomes)
        results.append([share, fixed, seeds_used(decision, len(scores))])
    sequential, fixed, seeds = np.mean(results, axis=0)
    return Power(float(sequential), float(fixed), float(seeds))


def seeds_used(decision: Decision, algorithms: int) -> float:
    """Mean over algorithms of the seeds after which all pairs of one were decided."""
    needed: dict[str, int] = {}
    for pair in decision.outcomes:
        for name in pair:
            needed[name] = max(needed.get(name, 0), decision.decided_at.get(pair, LOOKS[-1]))
    return sum(needed.values()) / algorithms


def named(scores: np.ndarray) -> dict[str, np.ndarray]:
    return {f"algorithm-{index:02d}": own for index, own in enumerate(scores)}
