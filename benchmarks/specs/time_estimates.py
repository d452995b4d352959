"""How long work takes: from stored timings where there are any, else from measured rates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from statistics import median
from typing import Any

from results.identity import base_name, chosen_digest
from results.store import Stored, StoredRun

#: environment steps a second of one core while sampling, for names without options; the first match counts
SAMPLING_RATES = (
    ("half-cheetah-*", 40_000),
    ("ant-*", 6_500),
    ("hopper-*", 18_000),
    ("walker2d-*", 13_000),
    ("swimmer-*", 30_000),
    ("humanoid-*", 3_500),
    ("drone-obstacles-physics", 4_000),
    ("dow30-*", 25_000),  # its policies see 301 numbers and act on 30 stocks
    ("sawyer-push-vision", 140),  # pictures
    ("sawyer-*", 12_000),
    ("*", 200_000),
)
#: seconds of gradients for each environment step of training, where nothing better is known
SECONDS_OF_LEARNING = 2e-5
#: so many times as many take those whose outer level is a problem of its own, and those that step one by one
LEARNING_TIMES = {
    "xmrl-g": 6.0,
    "xmrl-g-random": 5.0,
    "contextual-ppo": 3.0,
    "oracle": 3.0,
    "contextual-sac": 150.0,
    "gmps": 30.0,
    "sb3-ppo": 40.0,
}
#: seconds to begin and end a run
OVERHEAD = 0.5

#: seconds for each environment step of training, by what was run, which is one of `_closest_first`, and algorithm
Learned = dict[tuple[str, str], float]


def learn_rates(stored: Iterable[Stored]) -> Learned:
    """The medians over stored runs of what a step of training took; studies know their own time."""
    seconds = defaultdict(list)
    for run in stored:
        steps = run.done.get("environment_steps", 0) - sum(parent["budget"] for parent in run.identity["parents"])
        # a damaged table of times costs an estimate, no result
        if isinstance(run, StoredRun) and steps > 0 and not run.times_problem:
            rate = float(run.times["wall_seconds"].sum()) / steps
            for what in _closest_first(run.suite, run.profile, run.identity):
                seconds[what, run.algorithm].append(rate)
    return {key: median(values) for key, values in seconds.items()}


def learned_rate(learned: Learned, suite: str, profile: str, algorithm: str, identity: Mapping[str, Any]) -> float:
    """Seconds for each environment step of training: what runs as close to this one as there are took, else a guess."""
    for what in _closest_first(suite, profile, identity):
        if (what, algorithm) in learned:
            return learned[what, algorithm]
    return sampling_seconds(suite) + learning_seconds(algorithm)


def _closest_first(suite: str, profile: str, identity: Mapping[str, Any]) -> tuple[str, str, str]:
    """What a run's time is like: its very configuration's, its suite's (full name) in its profile, its suite's in any.

    The time of a step depends on how many are taken at once, of which a profile decides the most.
    """
    return chosen_digest(identity), f"{suite} in {profile}", suite


def sampling_seconds(suite: str) -> float:
    """Of one environment step of the suite, on one core."""
    return 1 / next(rate for glob, rate in SAMPLING_RATES if fnmatchcase(base_name(suite), glob))


def learning_seconds(algorithm: str) -> float:
    """Of gradients for one environment step of training, on one core."""
    return SECONDS_OF_LEARNING * LEARNING_TIMES.get(algorithm, 1.0)


def makespan(seconds: Sequence[float], workers: int) -> float:
    """When the last of the jobs ends if each worker always takes the longest one left."""
    ends = [0.0] * max(min(workers, len(seconds)), 1)
    for value in sorted(seconds, reverse=True):
        ends[ends.index(min(ends))] += value
    return max(ends)
