"""How honest the statistics of a report are, by simulation: `python -m docs.statistics_study [--boards 2000]`.

Prints every number that docs/statistics.md quotes and draws docs/statistics-study.png; the same arguments give the
same numbers.  Simulated scores are a seed's luck, which all its tasks share, plus a task's own noise.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import beta

from reports.statistics.bootstrap import interquartile_mean, iqm_intervals, keyed_generator
from reports.statistics.difference import equivalent
from reports.statistics.permutation import holm, permutation_test
from reports.statistics.sequential import ALPHA, LOOKS, Decision, decide

FIGURE = Path(__file__).parent / "statistics-study.png"
TASKS = 8
NOISE = 0.5  # of a task, where a seed's luck has a standard deviation of 1
SEEDS = (2, 3, 4, 5, 7, 10, 15, 20)
SPACINGS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)

Luck = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return generator.normal(size=shape)


def skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Few seeds far above the rest: exponential, of mean 0 and standard deviation 1."""
    return generator.exponential(size=shape) - 1


def failing(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """One seed in five fails, four standard deviations below the others."""
    return generator.normal(size=shape) - 4.0 * (generator.random(shape) < 0.2)


LUCKS: dict[str, Luck] = {"normal": normal, "skewed": skewed, "one seed in five fails": failing}


@dataclass(frozen=True)
class Share:
    """How many of so many simulations, with the exact (Clopper-Pearson) 95 % interval."""

    hits: int
    trials: int

    @property
    def value(self) -> float:
        return self.hits / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        low = beta.ppf(0.025, self.hits, self.trials - self.hits + 1) if self.hits else 0.0
        high = beta.ppf(0.975, self.hits + 1, self.trials - self.hits) if self.hits < self.trials else 1.0
        return float(low), float(high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} [{low:.3f}, {high:.3f}]"


def entries(luck: Luck, boards: int, seeds: int, generator: np.random.Generator) -> np.ndarray:
    """Scores [board, seed, task]."""
    return luck(generator, (boards, seeds, 1)) + NOISE * generator.normal(size=(boards, seeds, TASKS))


def coverage(name: str, seeds: int, boards: int) -> Share:
    """How often the nominal 95 % interval of the interquartile mean holds the value of infinitely many seeds."""
    generator = keyed_generator("study", "coverage", name, str(seeds))
    truth = interquartile_mean(entries(LUCKS[name], 1, 200_000, keyed_generator("study", "truth", name)))
    intervals = iqm_intervals(entries(LUCKS[name], boards, seeds, generator), "study", name, resamples=2_000)
    return Share(int(((intervals[:, 0] <= truth) & (truth <= intervals[:, 1])).sum()), boards)


def false_equivalence(seeds: int, boards: int) -> Share:
    """How often two algorithms that differ by exactly the margin, two standard deviations, are called equivalent."""
    generator = keyed_generator("study", "equivalence", str(seeds))
    pairs = zip(entries(normal, boards, seeds, generator), entries(normal, boards, seeds, generator), strict=True)
    hits = [equivalent(first + 2.0, second, 2.0, "study", str(board)) for board, (first, second) in enumerate(pairs)]
    return Share(sum(map(bool, hits)), boards)


def named(scores: np.ndarray) -> dict[str, np.ndarray]:
    return {f"algorithm-{index:02d}": own for index, own in enumerate(scores)}


def family_wise_error(name: str, boards: int) -> Share:
    """How often any pair of identical algorithms is decided, among ten."""
    generator = keyed_generator("study", "error", name)
    levels, deviations = np.zeros(10), np.ones(10)
    luck: Luck = normal
    if name in LUCKS:
        luck = LUCKS[name]
    elif name == "five of ten far above":
        levels[5:] = 6.0
    else:
        deviations[5:] = 3.0
    wrong = 0
    for board in range(boards):
        scores = luck(generator, (10, LOOKS[-1])) * deviations[:, None] + levels[:, None]
        decided = decide(named(scores), LOOKS, ALPHA, "study", name, str(board)).decided_at
        wrong += any(levels[int(first[-2:])] == levels[int(second[-2:])] for first, second in decided)
    return Share(wrong, boards)


@dataclass(frozen=True)
class Power:
    """Shares of the pairs decided, and the mean number of seeds that an algorithm needed."""

    sequential: float
    fixed: float
    seeds: float


def power(spacing: float, boards: int) -> Power:
    """Six algorithms in equal steps of `spacing` standard deviations: by looks, and by ten seeds with Holm's test."""
    generator = keyed_generator("study", "power", str(spacing))
    results = []
    for board in range(boards):
        scores = named(normal(generator, (6, LOOKS[-1])) + spacing * np.arange(6)[:, None])
        decision = decide(scores, LOOKS, ALPHA, "study", str(board))
        tests = [permutation_test(scores[first], scores[second], "study") for first, second in decision.outcomes]
        fixed = np.mean(np.array(holm([test.p_value for test in tests])) <= ALPHA)
        share = len(decision.decided_at) / len(decision.outcomes)
        results.append([share, float(fixed), seeds_used(decision, len(scores))])
    sequential, fixed, seeds = np.mean(results, axis=0)
    return Power(float(sequential), float(fixed), float(seeds))


def seeds_used(decision: Decision, algorithms: int) -> float:
    """Mean over algorithms of the seeds after which all pairs of one were decided."""
    needed: dict[str, int] = {}
    for pair in decision.outcomes:
        for name in pair:
            needed[name] = max(needed.get(name, 0), decision.decided_at.get(pair, LOOKS[-1]))
    return sum(needed.values()) / algorithms


def draw(
    covered: dict[str, dict[int, Share]], errors: dict[str, Share], powers: dict[float, Power], path: Path
) -> None:
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for (name, shares), marker in zip(covered.items(), "osD", strict=True):
        left.plot(list(shares), [share.value for share in shares.values()], marker=marker, label=name)
    left.axhline(0.95, color="0.5", linestyle="--", linewidth=1)
    left.set(title="Coverage of the nominal 95 % interval", xlabel="seeds", ylabel="share that holds the true IQM")
    left.set_xticks(SEEDS)
    left.legend(title="seeds' luck", frameon=False)
    _draw_errors(middle, errors)
    right.plot(list(powers), [each.fixed for each in powers.values()], marker="s", label="decided, 10 seeds and Holm")
    right.plot(list(powers), [each.sequential for each in powers.values()], marker="o", label="decided, sequential")
    saved = [1 - each.seeds / LOOKS[-1] for each in powers.values()]
    right.plot(list(powers), saved, marker="D", label="seeds saved, sequential")
    right.set(
        title="Six algorithms in equal steps",
        xlabel="step / standard deviation over seeds",
        ylabel="share",
        ylim=(0, 1.03),
    )
    right.legend(frameon=False, loc="center right", bbox_to_anchor=(1, 0.66), fontsize=8.5, handlelength=1.2)
    for axes in (left, middle, right):
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _draw_errors(axes: Axes, errors: dict[str, Share]) -> None:
    for place, share in enumerate(errors.values()):
        low, high = share.interval
        axes.plot([low, high], [place, place], color="C0")
        axes.plot(share.value, place, "o", color="C0")
    axes.axvline(ALPHA, color="0.5", linestyle="--", linewidth=1)
    axes.set_yticks(range(len(errors)), list(errors))
    axes.invert_yaxis()
    looks = ", ".join(map(str, LOOKS))
    axes.set(title="Family-wise error, 45 pairs", xlabel=f"share of leaderboards, looks at {looks} seeds")
    axes.set_xlim(left=0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m docs.statistics_study", description=__doc__)
    parser.add_argument("--boards", type=int, default=2000, help="simulated leaderboards of a family-wise error")
    parser.add_argument("--figure", type=Path, default=FIGURE)
    given = parser.parse_args()
    fewer = max(given.boards // 4, 5)  # of what is more costly, or matters less
    errors: dict[str, Share] = {}
    for name in (*LUCKS, "five of ten far above", "five of ten with 3 x the spread"):
        errors[name] = family_wise_error(name, given.boards if name == "normal" else fewer)
        print(f"family-wise error, {name}: {errors[name]}", flush=True)
    covered = {name: {seeds: coverage(name, seeds, given.boards // 2) for seeds in SEEDS} for name in LUCKS}
    for name, shares in covered.items():
        print(f"coverage, {name}: " + ", ".join(f"{seeds} seeds {share.value:.3f}" for seeds, share in shares.items()))
    for seeds in (3, 5, 10):
        print(f"false equivalence, {seeds} seeds: {false_equivalence(seeds, fewer)}", flush=True)
    powers = {spacing: power(spacing, max(given.boards // 25, 5)) for spacing in SPACINGS}
    for spacing, each in powers.items():
        decided = f"sequential {each.sequential:.3f}, fixed {each.fixed:.3f}"
        print(f"power, steps of {spacing}: {decided}, seeds {each.seeds:.2f}")
    draw(covered, errors, powers, given.figure)


if __name__ == "__main__":
    main()
