"""All of the tuning as CSV and JSON, every number at full precision."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from math import isfinite

from reports.scores.tuning import TunedMethod
from reports.text.table import csv_lines
from results.files import json_text

_PLACE = ("suite", "profile", "algorithm")


def tuned_csv(methods: Iterable[TunedMethod]) -> str:
    """One row a method: its trials, and the validation scores of published, profile's and chosen values.

    A score is empty where a run of its trial failed.
    """
    columns = (
        *_PLACE, "trials", "failed", "seeds", "sampler", "chosen_trial", "published_score", "profile_score",
        "chosen_score", "chosen_minus_published", "published_values", "profile_values", "chosen_values", "digest",
        "source", "setting",
    )  # fmt: skip
    rows = []
    for each in methods:
        places = (each.published, each.by_profile, each.chosen)
        scores = (_finite(each.trials[place].score) for place in places)
        values = (_values(each, place) for place in places)
        counts = (len(each.trials), each.failed, len(each.seeds), each.sampler, each.chosen)
        setting = json.dumps(dict(each.setting), sort_keys=True)
        rows.append((*_place(each), *counts, *scores, each.gain, *values, each.digest, each.source, setting))
    return csv_lines(columns, rows)


def trials_csv(methods: Iterable[TunedMethod]) -> str:
    """One row a trial and seed; `score` is the trial's, over its seeds, `by_seed` that of the row's own."""
    rows = [
        (*_place(each), index, role(each, index), _values(each, index), seed, _finite(score), _finite(trial.score))
        for each in methods
        for index, trial in enumerate(each.trials)
        for seed, score in zip(each.seeds, trial.scores, strict=True)
    ]
    return csv_lines((*_PLACE, "trial", "role", "values", "seed", "by_seed", "score"), rows)


def expected_csv(methods: Iterable[TunedMethod]) -> str:
    """One row a number of trials: the expected best validation score."""
    rows = [
        (*_place(each), count, value) for each in methods for count, value in enumerate(each.curve.tolist(), start=1)
    ]
    return csv_lines((*_PLACE, "trials", "expected_best_score"), rows)


def importance_csv(methods: Iterable[TunedMethod]) -> str:
    """One row an option that was varied; `p_corrected`: for the method's options on the suite (Holm)."""
    rows = [
        (
            *(*_place(each), name, effect.share, effect.p_value, corrected, effect.correlation),
            *(effect.interval or (None, None)),
        )
        for each in methods
        for name, (effect, corrected) in each.effects.items()
    ]
    return csv_lines((*_PLACE, "option", "share", "p", "p_corrected", "rank_correlation", "low", "high"), rows)


def tuning_json(methods: Iterable[TunedMethod]) -> str:
    """Everything of the four tables, a method each; a score that is null: a run failed."""
    content = [
        {
            **dict(zip(_PLACE, _place(each), strict=True)),
            "chosen": each.chosen,
            "published": each.published,
            "by_profile": each.by_profile,
            "seeds": each.seeds,
            "sampler": each.sampler,
            "digest": each.digest,
            "source": each.source,
            "setting": dict(each.setting),
            "origin": asdict(each.origin) if each.origin else None,
            "trials": [
                {
                    "values": dict(trial.values),
                    "scores": list(map(_finite, trial.scores)),
                    "score": _finite(trial.score),
                }
                for trial in each.trials
            ],
            "expected_best": each.curve.tolist(),
            "importance": {
                name: {
                    "share": effect.share,
                    "p": effect.p_value,
                    "p_corrected": corrected,
                    "rank_correlation": effect.correlation,
                    "ci": effect.interval,
                }
                for name, (effect, corrected) in each.effects.items()
            },
        }
        for each in methods
    ]
    return json_text(content)


def role(method: TunedMethod, index: int) -> str:
    """What a trial is, such as `published, chosen`; empty for a draw that was not chosen."""
    named = (("published", method.published), ("profile", method.by_profile), ("chosen", method.chosen))
    return ", ".join(name for name, place in named if place == index)


def _place(method: TunedMethod) -> tuple[str, str, str]:
    return method.suite, method.profile, method.algorithm


def _values(method: TunedMethod, index: int) -> str:
    return json.dumps(dict(method.trials[index].values), sort_keys=True)


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
