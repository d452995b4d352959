"""Entries of a leaderboard: one algorithm in one configuration on one suite, with all its seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.scores.reading import LearningCurve, name_of, read_learning_curve, read_test_scores
from reports.statistics.aggregate import Summary, summarise
from results.files import StoreError
from results.reference_scores import REFERENCE_ACCESS

if TYPE_CHECKING:
    from results.store import StoredRun

#: a curve has many points and its interval is only drawn
CURVE_RESAMPLES = 2_000


@dataclass(frozen=True)
class Curve:
    """An entry's learning curve on validation tasks; equally long fields."""

    environment_steps: tuple[float, ...]  # mean over seeds
    wall_seconds: tuple[float, ...]  # in meta-iterations until then, mean over seeds with times; () if none has any
    before: tuple[Summary, ...]
    after: tuple[Summary, ...]


@dataclass(frozen=True)
class AlgorithmScores:
    """An entry of the leaderboard.  `label`: the algorithm's name, with what differs between several configurations."""

    suite: str
    algorithm: str
    digest: str
    label: str
    runs: tuple[StoredRun, ...]  # by seed
    reference_seeds: frozenset[int]  # those taken from the shipped reference results
    steps: tuple[Summary, ...]  # after 0, 1, ... adaptation steps, on test tasks
    curve: Curve | None
    tasks: tuple[str, ...]  # test tasks by id, in the order of `scores`
    scores: np.ndarray = field(compare=False, repr=False)  # [step, seed, task], what `steps` sums up
    success: np.ndarray = field(compare=False, repr=False)  # [step, seed], share of successful test episodes

    @property
    def final(self) -> Summary:
        """After the last adaptation step."""
        return self.steps[-1]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(run.seed for run in self.runs)

    @property
    def identity(self) -> dict[str, Any]:
        """What all its runs share (and the first one's seed)."""
        return self.runs[0].identity

    @property
    def metric(self) -> str:
        return self.runs[0].metric

    @property
    def access(self) -> tuple[str, ...]:
        """What the algorithm may use beside the training tasks, such as "validation", "model" or "test"."""
        return tuple(sorted(set(self.runs[0].run["description"]["access"]) - {"train"}))

    @property
    def reference(self) -> bool:
        """Whether it knows the test tasks beforehand: it trained on them, or is told which one it is on."""
        return bool(REFERENCE_ACCESS & set(self.access))

    @property
    def trained(self) -> bool:
        return any(run.done["environment_steps"] > 0 for run in self.runs)

    @property
    def scripted(self) -> bool:
        """Whether it is a fixed controller, shown for what doing so little is worth."""
        return self.runs[0].scripted

    @property
    def leading(self) -> int:
        """How many of its seeds are there from 0 on without a gap, which a reading may take (`readings`)."""
        return next((place for place, seed in enumerate(self.seeds) if seed != place), len(self.seeds))

    @property
    def updates(self) -> tuple[int, int]:
        """The fewest and the most meta-iterations of its runs."""
        done = [run.done["iterations"] for run in self.runs]
        return min(done), max(done)


@dataclass(frozen=True)
class Refused:
    """A configuration whose runs give no score, and why.  None of its other seeds is used: that would flatter it."""

    suite: str
    algorithm: str
    digest: str
    runs: tuple[StoredRun, ...]
    reason: str


def collect_entries(
    runs: Iterable[StoredRun], reference: Iterable[StoredRun] = ()
) -> tuple[tuple[AlgorithmScores, ...], tuple[Refused, ...]]:
    """Groups runs by suite, algorithm and configuration, sorted so; a seed in both is taken from `runs`.

    Runs of one configuration by different codes are one entry where these are proven equal (`StoredRun.shown_with`).
    """
    groups: dict[tuple[str, str, str], dict[int, StoredRun]] = {}
    shipped: dict[tuple[str, str, str], set[int]] = {}
    # by today's own code first, where a seed was run again
    for run in sorted(runs, key=lambda run: run.shown_with not in (None, run.digest)):
        groups.setdefault(_group(run), {}).setdefault(run.seed, run)
    for run in reference:
        key = _group(run)
        if run.seed not in groups.setdefault(key, {}):
            groups[key][run.seed] = run
            shipped.setdefault(key, set()).add(run.seed)
    labels = _labels({key: next(iter(seeds.values())).identity for key, seeds in groups.items()})
    entries, refused = [], []
    for key in sorted(groups):
        members = tuple(groups[key][seed] for seed in sorted(groups[key]))
        try:
            tasks, scores, success = _test_scores(members)
            steps, curve = _summaries(scores, members, "test"), _curve(members)
        except StoreError as error:
            refused.append(Refused(*key, members, str(error)))
            continue
        origin = frozenset(shipped.get(key, ()))
        entries.append(AlgorithmScores(*key, labels[key], members, origin, steps, curve, tasks, scores, success))
    return tuple(entries), tuple(refused)


def _group(run: StoredRun) -> tuple[str, str, str]:
    return run.suite, run.algorithm, run.shown_with or run.digest


def labels_within(entries: Sequence[AlgorithmScores]) -> list[str]:
    """What each is called among these: the algorithm's name, with what differs between several configurations."""
    labels = _labels({(entry.suite, entry.algorithm, entry.digest): entry.identity for entry in entries})
    return [labels[entry.suite, entry.algorithm, entry.digest] for entry in entries]


def _test_scores(runs: Sequence[StoredRun]) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """The tasks, scores [step, seed, task] on them and shares of success [step, seed]."""
    scores = [read_test_scores(run) for run in runs]
    for run, read in zip(runs, scores, strict=True):
        if read.tasks != scores[0].tasks:
            raise StoreError(f"{name_of(run)} was scored on other test tasks than seed {runs[0].seed}; run it again")
    values, success = (np.stack([getattr(read, name) for read in scores], axis=1) for name in ("values", "success"))
    return scores[0].tasks, values, success


def _curve(runs: Sequence[StoredRun]) -> Curve | None:
    curves = [read_learning_curve(run) for run in runs]
    read = [curve for curve in curves if curve is not None]
    if len(read) < len(runs):
        return None
    shared = sorted(set.intersection(*(set(curve.points) for curve in read)))
    if not shared or len({curve.values.shape[2] for curve in read}) > 1:
        return None
    places = [[curve.points.index(point) for point in shared] for curve in read]
    values = np.stack([curve.values[place] for curve, place in zip(read, places, strict=True)], axis=2)
    steps = np.mean([curve.environment_steps[place] for curve, place in zip(read, places, strict=True)], axis=0)
    walls = [
        _wall_seconds(run, curve)[place]
        for run, curve, place in zip(runs, read, places, strict=True)
        if not run.times_problem
    ]
    wall = np.mean(walls, axis=0).tolist() if walls else ()
    before, after = (_summaries(values[:, index], runs, "validation") for index in (0, 1))
    return Curve(tuple(steps.tolist()), tuple(wall), before, after)


def _summaries(scores: np.ndarray, runs: Sequence[StoredRun], tasks: str) -> tuple[Summary, ...]:
    """One summary a point; intervals of a success rate end at 0 and 1.  tasks: the split that they are from."""
    first = runs[0]
    return summarise(scores, first.suite, first.algorithm, tasks, share=first.metric == "success")


def _wall_seconds(run: StoredRun, curve: LearningCurve) -> np.ndarray:
    """Seconds in meta-iterations before each point of the curve, [point]."""
    iterations, seconds = (run.columns("timing")[name] for name in ("iteration", "wall_seconds"))
    return np.array([seconds[iterations <= reached].sum() for reached in curve.iterations])


def _labels(identities: Mapping[tuple[str, str, str], Mapping[str, Any]]) -> dict[tuple[str, str, str], str]:
    labels = {}
    for key, identity in identities.items():
        algorithm = key[1]
        siblings = [other for name, other in identities.items() if name[:2] == key[:2]]
        flat = [_flat({name: value for name, value in each.items() if name != "seed"}) for each in siblings]
        differing = sorted({name for each in flat for name in each if len({str(f.get(name)) for f in flat}) > 1})
        own = _flat(dict(identity))
        parts = [f"{name.removeprefix('configuration.')}={own.get(name, 'none')}" for name in differing]
        labels[key] = f"{algorithm} [{', '.join(parts)}]" if parts else algorithm
    return labels


def _flat(value: Any, name: str = "") -> dict[str, str]:
    """Nested values by dotted name, as short text: digests by their first 8 digits."""
    if isinstance(value, Mapping):
        parts = [_flat(item, f"{name}.{key}" if name else str(key)) for key, item in value.items()]
        return {key: text for part in parts for key, text in part.items()}
    if isinstance(value, (list, tuple)):
        return {name: ":".join(_short(item) for item in value) or "none"}
    return {name: _short(value)}


def _short(value: Any) -> str:
    text = str(value)
    return text[:8] if len(text) == 64 and set(text) <= set("0123456789abcdef") else text
