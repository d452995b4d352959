"""What was tried to tune a method on a suite, and what came out: plain values, from wherever they were stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, isfinite
from typing import Any

import numpy as np

from reports.statistics.expected_best import expected_best
from reports.statistics.multiplicity import holm
from reports.statistics.option_effect import OptionEffect, option_effects
from reports.text.numbers import plural

#: samplers whose trials are draws from the space, independent of what earlier ones scored
DRAWING = ("qmc", "random")


def in_order(methods: Iterable[TunedMethod]) -> tuple[TunedMethod, ...]:
    """By profile, suite and terms, then by algorithm."""
    return tuple(sorted(methods, key=lambda each: (each.profile, each.suite, each.terms, each.algorithm)))


@dataclass(frozen=True)
class TunedTrial:
    """One configuration: values of the searched options, and its score on validation tasks for each seed."""

    values: Mapping[str, Any]
    scores: tuple[float, ...]  # NaN: that run failed

    @property
    def score(self) -> float:
        """The mean over seeds; -inf where a run failed, which is worse than any."""
        whole = bool(self.scores) and all(isfinite(score) for score in self.scores)
        return sum(self.scores) / len(self.scores) if whole else -inf


@dataclass(frozen=True)
class Origin:
    """The profile whose best trials were tried again, and how many it took to know them; 0: nobody knows."""

    profile: str
    trials: int = 0
    seeds: int = 0

    def __str__(self) -> str:
        if not self.trials:
            return f"the best of profile {self.profile}"
        return f"the best of {plural(self.trials, 'trial')} of {plural(self.seeds, 'seed')} in profile {self.profile}"


@dataclass(frozen=True)
class TunedMethod:
    """The trials of a method on a suite, in one profile.  published, by_profile, chosen: indices into `trials`.

    published: the paper's values; by_profile: the profile's own (the same trial where they are equal).
    setting: what all trials had alike: "budget", the protocol's fields, and in "config" options that the profile sets.
    Raises ValueError for an index that names no trial, and for trials of unequal seeds.
    """

    suite: str
    profile: str
    algorithm: str
    trials: tuple[TunedTrial, ...]
    chosen: int
    published: int
    by_profile: int
    seeds: tuple[int, ...]
    sampler: str
    digest: str = ""
    source: str = ""  # the file
    setting: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin | None = None
    fresh_tasks: int = 0  # of no split, that the trials were scored on; 0: on validation tasks
    others: int = 0  # configurations that earlier tunings had tried beside these

    def __post_init__(self) -> None:
        for name in ("chosen", "published", "by_profile"):
            if not 0 <= getattr(self, name) < len(self.trials):
                raise ValueError(f"{name} must be below {len(self.trials)}, got {getattr(self, name)}")
        counts = {len(trial.scores) for trial in self.trials}
        if counts != {len(self.seeds)}:
            raise ValueError(f"every trial must have {len(self.seeds)} scores, one a seed, got {sorted(counts)}")

    @property
    def values(self) -> Mapping[str, Any]:
        """The chosen ones."""
        return self.trials[self.chosen].values

    @property
    def terms(self) -> str:
        """The setting but for options, in words; empty where nobody knows it."""
        terms = (f"{name.replace('_', ' ')} {value:,}" for name, value in self.setting.items() if name != "config")
        return ", ".join(terms)

    def describes(self, identity: Mapping[str, Any]) -> bool:
        """Whether a run of this identity is one of the setting with the chosen values."""
        options = {name: None if value == "none" else value for name, value in self.setting.get("config", {}).items()}
        terms = {name: value for name, value in self.setting.items() if name != "config"}
        known = {"adaptations": 1, **identity["protocol"], "budget": identity["budget"]}
        configuration = identity["configuration"]
        return all(known.get(name) == value for name, value in terms.items()) and all(
            name in configuration and configuration[name] == value for name, value in {**options, **self.values}.items()
        )

    @property
    def failed(self) -> int:
        return sum(not isfinite(trial.score) for trial in self.trials)

    @property
    def gain(self) -> float | None:
        """The chosen trial's score minus that of the published values; None where one of them failed."""
        gain = self.trials[self.chosen].score - self.trials[self.published].score
        return gain if isfinite(gain) else None

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for trial in self.trials for name in trial.values))

    @cached_property
    def curve(self) -> np.ndarray:
        """The expected best score after 1, 2, … trials; empty where the sampler draws none, or nothing finished.

        The published values come first and the profile's second, as in every tuning, and are known rather than drawn;
        from there on it is the expected best of these and of n draws from the sampler's other trials, with replacement.
        A trial that failed counts as the worst that finished.
        """
        finished = [trial.score for trial in self.trials if isfinite(trial.score)]
        if self.sampler not in DRAWING or not finished:
            return np.empty(0)
        scores = [max(trial.score, min(finished)) for trial in self.trials]
        first = list(dict.fromkeys((self.published, self.by_profile)))
        known = np.maximum.accumulate([scores[place] for place in first])
        drawn = [score for place, score in enumerate(scores) if place not in first]
        return np.concatenate([known, expected_best(np.array(drawn), float(known[-1]))]) if drawn else known

    @cached_property
    def effects(self) -> dict[str, tuple[OptionEffect, float]]:
        """By option what goes with it, and its p-value corrected for the method's options (Holm); the largest first."""
        scores, key = np.array([trial.score for trial in self.trials]), (self.suite, self.profile, self.algorithm)
        options = {name: [trial.values.get(name) for trial in self.trials] for name in self.options}
        found = option_effects(options, scores, *key)
        corrected = holm([effect.p_value for effect in found.values()], [0.0] * len(found)) if found else []
        pairs = dict(zip(found, zip(found.values(), corrected, strict=True), strict=True))
        return dict(sorted(pairs.items(), key=lambda item: (-item[1][0].share, item[0])))
