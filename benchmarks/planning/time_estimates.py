"""How long runs take: from stored timings where there are any, else from measured rates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from statistics import median

from algorithms.catalogue import find_algorithm
from benchmarks.specs.run_spec import RunSpec, known_suite
from results.identity import base_name
from results.store import StoredRun

#: environment steps a second of one core while sampling, for names without options; the first match counts
SAMPLING_RATES = (
    ("half-cheetah-*", 40_000),
    ("ant-*", 6_500),
    ("hopper-*", 18_000),
    ("walker2d-*", 13_000),
    ("swimmer-*", 30_000),
    ("humanoid-*", 3_500),
    ("drone-obstacles-physics", 4_000),
    ("*", 200_000),
)
#: seconds of gradients for each environment step of training, where nothing better is known
SECONDS_OF_LEARNING = 2e-5
#: seconds to begin and end a run
OVERHEAD = 0.5

#: (suite with options, algorithm) -> seconds for each environment step of training
Learned = dict[tuple[str, str], float]


def learn_rates(runs: Iterable[StoredRun]) -> Learned:
    """The median over stored runs of what a step of training took."""
    seconds = defaultdict(list)
    for run in runs:
        steps = run.done["environment_steps"]
        if steps and not run.times_problem:  # a damaged table of times costs an estimate, no result
            seconds[run.suite, run.algorithm].append(float(run.times["wall_seconds"].sum()) / steps)
    return {key: median(values) for key, values in seconds.items()}


def estimated_seconds(spec: RunSpec, learned: Learned) -> float:
    """Seconds of one core that the run is expected to take, its evaluations included."""
    sampling = 1 / next(rate for glob, rate in SAMPLING_RATES if fnmatchcase(base_name(spec.suite), glob))
    step = learned.get((spec.suite, spec.algorithm), sampling + SECONDS_OF_LEARNING)
    trains = find_algorithm(spec.source or spec.algorithm).load().trains
    return OVERHEAD + evaluation_steps(spec) * sampling + (spec.budget * step if trains else 0.0)


def evaluation_steps(spec: RunSpec) -> int:
    """Environment steps of the harness's own evaluations, which no budget is charged for."""
    suite = known_suite(spec.suite)
    validation, test = len(suite.split.validation), len(suite.split.test)
    tasks = validation * (spec.evaluations + 1) + validation + test
    return tasks * spec.adaptations * spec.trajectories * suite.horizon * (spec.adaptation_steps + 1)


def makespan(seconds: Sequence[float], workers: int) -> float:
    """When the last of the runs ends if each worker always takes the longest one left."""
    ends = [0.0] * workers
    for value in sorted(seconds, reverse=True):
        ends[ends.index(min(ends))] += value
    return max(ends)
