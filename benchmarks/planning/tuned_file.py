"""One file of tuned values: what `metarl tune` found on one suite in one profile, read whole and checked.

The file `<profile>/<suite's full name>.toml` holds, for each algorithm, every trial (values of the searched options and
a score for each seed, on validation tasks or on fresh ones) and which one was chosen.  `controls` names, by algorithm,
another one of the file whose entry it takes, since it is to differ from that in one thing alone.  Or the file names a
sibling: the suite cannot be tuned, since its splits share tasks, and takes the values of that one.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from benchmarks.specs.run_spec import RunSpec
from benchmarks.specs.trial_spec import FIRST_TUNING_SEED
from environments.typed_options import UsageError, nearest
from results.identity import digest_of

#: what a file calls the sampler whose trials are another profile's best, before that profile's name
BEST_OF = "best of "
#: trials that may be asked for: the paper's values and the profile's, which of some methods are equal
LEAST_TRIALS = 2


@dataclass(frozen=True)
class Trial:
    """One configuration that was tried.  `scores`: on these tasks, one for each seed; NaN: the run failed."""

    values: Mapping[str, Any]
    scores: tuple[float, ...]

    @property
    def score(self) -> float:
        """The mean over seeds; the worst, -inf, if one of them has no finite score."""
        finite = all(map(math.isfinite, self.scores))
        return math.fsum(self.scores) / len(self.scores) if finite else -math.inf


@dataclass(frozen=True)
class TunedAlgorithm:
    """The trials of one algorithm; `chosen`, `published` and `profile` are indices into them."""

    chosen: int
    published: int  # the paper's values
    profile: int  # those of the profile
    seeds: tuple[int, ...]
    sampler: str
    setting: Mapping[str, Any]  # `setting_of` the trials
    code: str
    suite_digest: str
    split_digest: str
    digest: str  # of the trials
    values: Mapping[str, Any]  # the chosen trial's
    trials: tuple[Trial, ...]
    fresh_tasks: int = 0  # of no split, on which the trials were scored in place of validation tasks; 0: on these
    others: int = 0  # configurations that earlier tunings had tried beside these

    @property
    def origin(self) -> str | None:
        """The profile whose best trials were tried again, None where a sampler proposed them."""
        return self.sampler.removeprefix(BEST_OF) if self.sampler.startswith(BEST_OF) else None


@dataclass(frozen=True)
class TunedSuite:
    """The content of one file."""

    path: Path
    suite: str  # full name
    profile: str
    sibling: str | None  # the full name of the suite whose values this one takes
    algorithms: Mapping[str, TunedAlgorithm]  # controls among them
    controls: Mapping[str, str] = field(default_factory=dict)  # of which algorithm each has the entry


def trials_digest(trials: Iterable[Trial]) -> str:
    """SHA-256 (hex) of the trials as canonical JSON, in which a score that is no number is a text, as in "nan"."""
    return digest_of([
        {"values": dict(trial.values), "scores": [_finite(score) for score in trial.scores]} for trial in trials
    ])  # fmt: skip


def setting_of(spec: RunSpec, by_profile: Mapping[str, Any], searched: Collection[str]) -> dict[str, Any]:
    """What a profile decides of a cell beside the searched options: values found in another setting are not for it.

    by_profile: the options that it sets.
    """
    protocol = {"adaptation_steps": spec.adaptation_steps, "trajectories": spec.trajectories}
    config = {
        name: "none" if value is None else value  # TOML has no null
        for name, value in sorted(by_profile.items()) if name not in searched
    }  # fmt: skip
    whole = {"budget": spec.budget, **protocol, "adaptations": spec.adaptations, "config": config}
    return json.loads(json.dumps(whole))  # tuples become the lists that a file holds


def read_tuned(path: Path) -> TunedSuite:
    """The file's content, checked.  Raises UsageError naming the file, what is wrong and what would be right."""
    try:
        table = tomllib.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"tuned values {path} cannot be read: {error}") from None
    try:
        _check_keys(table, {"suite", "profile"}, {"sibling", "algorithms", "controls"}, "the file")
        for key, place in (("suite", path.stem), ("profile", path.parent.name)):
            if table[key] != place:
                raise ValueError(f"{key} is {table[key]!r}, but the file lies where {place!r} belongs")
        sibling, entries = table.get("sibling"), table.get("algorithms", {})
        if sibling is not None and (entries or not isinstance(sibling, str) or sibling == path.stem):
            raise ValueError("a sibling is another suite's full name, in a file without algorithms of its own")
        if not isinstance(entries, dict):
            raise ValueError(f"algorithms must be tables, as in [algorithms.promp], got {entries!r}")
        algorithms = {name: _algorithm(name, entry) for name, entry in entries.items()}
        controls = table.get("controls", {})
        _check_controls(controls, algorithms)
    except ValueError as error:
        raise UsageError(f"tuned values {path}: {error}") from None
    algorithms |= {name: algorithms[other] for name, other in controls.items()}
    return TunedSuite(path, table["suite"], table["profile"], sibling, algorithms, controls)


def _check_controls(controls: Any, algorithms: Collection[str]) -> None:
    if not isinstance(controls, dict):
        raise ValueError(f"controls must be a table of names, got {controls!r}")
    for name, other in controls.items():
        if name in algorithms:
            raise ValueError(f"controls.{name}: it has trials of its own; remove one of them")
        if other not in algorithms:
            raise ValueError(
                f"controls.{name} is {other!r}, which the file has no trials of; {nearest(str(other), algorithms)}"
            )


def _algorithm(name: str, table: Any) -> TunedAlgorithm:
    owner = f"algorithms.{name}"
    counts = {"fresh_tasks": "tasks", "others": "configurations"}
    names = {field.name for field in fields(TunedAlgorithm)} - counts.keys()
    _check_keys(table, names, set(counts), owner)
    for key in ("sampler", "code", "suite_digest", "split_digest", "digest"):
        if not isinstance(table[key], str):
            raise ValueError(f"{owner}.{key} must be a text, got {table[key]!r}")
    if not isinstance(table["setting"], dict):
        raise ValueError(f"{owner}.setting must be a table, got {table['setting']!r}")
    for key, of in counts.items():
        if not _is_int(table.get(key, 0)) or table.get(key, 0) < 0:
            raise ValueError(f"{owner}.{key} must be a whole number of {of}, got {table[key]!r}")
    seeds = table["seeds"]
    if not isinstance(seeds, list) or not seeds or not all(_is_int(seed) for seed in seeds):
        raise ValueError(f"{owner}.seeds must be whole numbers, at least one, got {seeds!r}")
    if min(seeds) < FIRST_TUNING_SEED or len(set(seeds)) < len(seeds):
        raise ValueError(f"{owner}.seeds must be different ones from {FIRST_TUNING_SEED} on, got {seeds!r}")
    if not isinstance(table["trials"], list) or not table["trials"]:
        raise ValueError(f"{owner}.trials must be tables [[algorithms.{name}.trials]], at least one")
    trials = tuple(_trial(f"{owner}.trials[{at}]", entry, len(seeds)) for at, entry in enumerate(table["trials"]))
    options = list(trials[0].values)
    for at, trial in enumerate(trials):
        if sorted(trial.values) != sorted(options):
            raise ValueError(f"{owner}.trials[{at}] has values of {sorted(trial.values)}, trial 0 of {sorted(options)}")
    for key in ("chosen", "published", "profile"):
        if not _is_int(table[key]) or not 0 <= table[key] < len(trials):
            raise ValueError(f"{owner}.{key} is {table[key]!r}; it must be an index from 0 to {len(trials) - 1}")
    chosen = trials[table["chosen"]]
    if table["values"] != chosen.values:
        raise ValueError(f"{owner}.values is {table['values']!r}; trial {table['chosen']}, the chosen one, has "
                         f"{dict(chosen.values)!r}")  # fmt: skip
    best = max(range(len(trials)), key=lambda at: trials[at].score)
    if chosen.score < trials[best].score and not math.isclose(chosen.score, trials[best].score):
        raise ValueError(f"{owner}.chosen is {table['chosen']}, but trial {best} has the best score")
    found = trials_digest(trials)
    if table["digest"] != found:
        raise ValueError(f"{owner}.digest {table['digest'][:12]} is not that of its trials, {found[:12]}: they were "
                         f"changed by hand; `metarl tune {name}` writes them again")  # fmt: skip
    return TunedAlgorithm(**{**table, "seeds": tuple(seeds), "trials": trials})


def _trial(owner: str, table: Any, seeds: int) -> Trial:
    _check_keys(table, {"values", "scores"}, set(), owner)
    values, scores = table["values"], table["scores"]
    if not isinstance(values, dict) or not values:
        raise ValueError(f"{owner}.values must be options with their values, got {values!r}")
    if not isinstance(scores, list) or not all(_is_int(score) or isinstance(score, float) for score in scores):
        raise ValueError(f"{owner}.scores must be numbers, got {scores!r}")
    if len(scores) != seeds:
        raise ValueError(f"{owner}.scores must be {seeds}, one for each seed, got {len(scores)}")
    return Trial(values, tuple(map(float, scores)))


def _check_keys(table: Any, needed: set[str], allowed: set[str], owner: str) -> None:
    if not isinstance(table, dict):
        raise ValueError(f"{owner} must be a table, got {table!r}")
    for key in table:
        if key not in needed | allowed:
            raise ValueError(f"{owner} has no key {key!r}; {nearest(key, needed | allowed)}")
    missing: Sequence[str] = sorted(needed - table.keys())
    if missing:
        raise ValueError(f"{owner} has no {missing[0]!r}, which it needs")


def _finite(score: float) -> float | str:
    return score if math.isfinite(score) else str(score)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
