"""How long work takes: from stored timings where there are any, else from measured rates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
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
#: so many times as many take those whose outer level is a problem of its own, and those that step one by one;
#: GMPS's stands for each of its `passes`
LEARNING_TIMES = {
    "xmrl-g": 6.0,
    "xmrl-g-random": 5.0,
    "contextual-ppo": 3.0,
    "oracle": 3.0,
    "contextual-sac": 150.0,
    "gmps": 0.3,
    "sb3-ppo": 40.0,
}
#: the same for suites that are seen by camera.  Measured on sawyer-push-vision with 10 tasks x 10 trajectories, on one
#: core of an Intel Xeon on 24 November 2026: an update of MAML-TRPO took 7.7 ms for each step, multi-task TRPO's 4.0,
#: MAESN's 1.4 and that of MAML with a bias transform 0.8 (the two have no convolutions); GMPS's imitation took 0.30 ms
#: for each step that it went over (4.4 to 4.7 s for 10 tasks with 10 trajectories and 20 demonstrations of 50 steps)
BY_CAMERA = "*-vision"
CAMERA_TIMES = {"gmps": 15.0, "maml-trpo": 400.0, "maml-trpo-bias": 40.0, "maesn": 70.0, "contextual-sac": 150.0}
OTHERS_BY_CAMERA = 200.0
#: options of GMPS that decide how often its imitation goes over a step
IMITATION = ("tasks", "trajectories", "demonstrations", "imitation_steps", "step_tasks")
#: seconds to begin and end a run
OVERHEAD = 0.5


@dataclass(frozen=True)
class Rate:
    """Seconds of one core for an environment step of training."""

    sampling: float
    learning: float  # for each of its `passes`
    passes: float = 1.0

    @property
    def seconds(self) -> float:
        return self.sampling + self.learning * self.passes


#: by what was run, which is one of `_closest_first`, and algorithm
Learned = dict[tuple[str, str], Rate]


def learn_rates(stored: Iterable[Stored]) -> Learned:
    """What a step of training took on a core of its own, the median over stored runs; studies know their own time.

    Where no run took a step, none takes time: an oracle that solves a suite exactly learns nothing there.
    """
    found, idle = defaultdict[tuple[str, str], list[Rate]](list), set[tuple[str, str]]()
    for run in stored:
        if isinstance(run, StoredRun):
            keys = [(what, run.algorithm) for what in _closest_first(run.suite, run.profile, run.identity)]
            steps = run.done.get("environment_steps", 0) - sum(parent["budget"] for parent in run.identity["parents"])
            if steps <= 0:
                idle |= {*keys}
            elif not run.times_problem:  # a damaged table of times costs an estimate, no result
                rate = _rate(run, steps)
                for key in keys:
                    found[key].append(rate)
    return {**dict.fromkeys(idle, Rate(0.0, 0.0)), **{key: _middle(rates) for key, rates in found.items()}}


def _rate(run: StoredRun, steps: int) -> Rate:
    """Of a run that learned in so many steps of its own."""
    wall, sampling, process = (
        float(run.times[f"{name}_seconds"].sum()) / steps for name in ("wall", "sampling", "process")
    )
    idle = min(process / wall, 1.0) if wall else 1.0  # the rest was spent waiting for a core
    count = passes(run.algorithm, run.identity["configuration"])
    return Rate(sampling * idle, (wall - sampling) * idle / count, count)


def _middle(rates: Sequence[Rate]) -> Rate:
    """Medians, number by number."""
    return Rate(*(median(numbers) for numbers in zip(*map(astuple, rates), strict=True)))


def learned_rate(learned: Learned, suite: str, profile: str, algorithm: str, identity: Mapping[str, Any]) -> float:
    """Seconds for each environment step of training: what runs as close to this one as there are took, else a guess."""
    guess = Rate(sampling_seconds(suite), learning_seconds(suite, algorithm))
    known = (learned.get((what, algorithm)) for what in _closest_first(suite, profile, identity))
    rate = next(filter(None, known), guess)
    return replace(rate, passes=passes(algorithm, identity["configuration"])).seconds


def passes(algorithm: str, configuration: Mapping[str, Any]) -> float:
    """How often gradients go over a sampled step, where a grid of options decides it; else 1, however often that is.

    Each of GMPS's imitation steps goes over what some of the tasks sampled and what their experts have shown.
    """
    if algorithm != "gmps" or not configuration.keys() >= set(IMITATION):
        return 1.0
    tasks, trajectories, demonstrations, steps, step_tasks = (configuration[name] for name in IMITATION)
    return steps * min(step_tasks or tasks, tasks) / tasks * (1 + demonstrations / trajectories)


def _closest_first(suite: str, profile: str, identity: Mapping[str, Any]) -> tuple[str, str, str]:
    """What a run's time is like: its very configuration's, its suite's (full name) in its profile, its suite's in any.

    The time of a step depends on how many are taken at once, of which a profile decides the most.
    """
    return chosen_digest(identity), f"{suite} in {profile}", suite


def sampling_seconds(suite: str) -> float:
    """Of one environment step of the suite, on one core."""
    return 1 / next(rate for glob, rate in SAMPLING_RATES if fnmatchcase(base_name(suite), glob))


def learning_seconds(suite: str, algorithm: str) -> float:
    """Of gradients for one environment step of training on the suite, on one core."""
    by_camera = fnmatchcase(base_name(suite), BY_CAMERA)
    times = CAMERA_TIMES.get(algorithm, OTHERS_BY_CAMERA) if by_camera else LEARNING_TIMES.get(algorithm, 1.0)
    return SECONDS_OF_LEARNING * times


def makespan(seconds: Sequence[float], workers: int) -> float:
    """When the last of the jobs ends if each worker always takes the longest one left."""
    ends = [0.0] * max(min(workers, len(seconds)), 1)
    for value in sorted(seconds, reverse=True):
        ends[ends.index(min(ends))] += value
    return max(ends)
