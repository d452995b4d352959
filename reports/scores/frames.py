"""Stored runs as tidy tables: a row for each record, with columns that say which run it is of."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.scores.boards import FLOOR
from reports.scores.normalised import scale_of
from results.files import StoreError
from results.identity import DIGITS

if TYPE_CHECKING:
    import pandas as pd

    from results.store import StoredRun


@dataclass(frozen=True)
class Results:
    """Finished runs as tables, each made when first asked for.

    Every table begins with the columns suite (full name), algorithm, configuration and seed.  `configuration` is the
    digest, 12 hex digits, of all that decides a run but its seed: its runs may be averaged over seeds, and
    `configurations` says what it is.  `score` repeats the column of return, discounted_return and success that decides
    on the suite.
    """

    runs: tuple[StoredRun, ...] = field(repr=False)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The final evaluation, a row an episode.

        Further columns: split, task, step (adaptation steps done, from 0), episode, return, discounted_return, success
        (bool), length (environment steps), score.
        """
        return self._table("scores")

    @cached_property
    def learning(self) -> pd.DataFrame:
        """Evaluations during training, on validation tasks: a row a task and adaptation step, a mean over episodes.

        Further columns: point (0 is before training), environment_steps, iteration, task, step, return,
        discounted_return, success, length, score.
        """
        return self._table("learning")

    @cached_property
    def training(self) -> pd.DataFrame:
        """What the algorithm reports of its meta-iterations: iteration, environment_steps, metric (its name), value."""
        return self._table("training")

    @cached_property
    def configurations(self) -> pd.DataFrame:
        """A row for each configuration: profile, metric, budget, evaluations, adaptation_steps, trajectories,
        adaptations, code (its digest, 12 hex digits), seeds (how many), and `option.<name>` for each option.

        An option that an algorithm has not is missing there.
        """
        import pandas as pd

        rows: dict[tuple[str, str, str], dict[str, Any]] = {}
        for run in self.runs:
            identity = run.identity
            row = rows.setdefault(
                (run.suite, run.algorithm, _digest(run)),
                {
                    "suite": run.suite,
                    "algorithm": run.algorithm,
                    "configuration": _digest(run)[:DIGITS],
                    "profile": run.run["description"].get("profile"),
                    "metric": run.metric,
                    "budget": identity["budget"],
                    "evaluations": identity["evaluations"],
                    **identity["protocol"],
                    "code": identity["code"][:DIGITS],
                    "seeds": 0,
                    **{f"option.{name}": value for name, value in identity["configuration"].items()},
                },
            )
            row["seeds"] += 1
        return pd.DataFrame(list(rows.values()))

    def _table(self, name: str) -> pd.DataFrame:
        import pandas as pd

        parts = []
        for run in self.runs:
            try:
                table = getattr(run, name)
            except StoreError as error:
                warnings.warn(f"left out: {error}", stacklevel=4)
                continue
            place = {"suite": run.suite, "algorithm": run.algorithm, "configuration": _digest(run)[:DIGITS]}
            own = table.assign(**place, seed=run.seed)[[*place, "seed", *table.columns]]
            if run.metric in table.columns:
                own["score"] = table[run.metric].astype(np.float64)
            parts.append(own)
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _digest(run: StoredRun) -> str:
    """Of its configuration: runs whose codes are proven equal share it."""
    return run.shown_with or run.digest


def rliable_scores(
    scores: pd.DataFrame,
    suites: str | Sequence[str] | None = None,
    *,
    step: int = -1,
    split: str = "test",
    normalised: bool = False,
) -> dict[str, np.ndarray]:
    """By algorithm an array [seeds, tasks]: what rliable calls runs x games, each a mean over a task's episodes.

    scores: rows as in `Results.scores`, with one configuration of each algorithm on a suite.
    suites: full names, all that are there if None; of several the tasks stand side by side, sorted by id within each,
    and the seeds are those that an algorithm has on all of them.
    step: adaptation steps done; negative counts from the algorithm's last, -1.
    normalised: 0 is the adapted random initialisation's mean score among these rows and 1 the suite's ceiling, as in
    the report; False: in the suite's own metric.
    An algorithm that lacks one of the suites is left out with a warning.  Raises ValueError for what cannot be put
    into this form: several configurations, another step or suite, other tasks, no score that is finite.

    All tasks of a seed share one meta-policy.  rliable resamples the seeds of each task by itself, so for tasks as
    columns its intervals are too narrow: pass it means over tasks, `array.mean(axis=1, keepdims=True)`, or take the
    report's intervals (docs/statistics.md).
    """
    rows = scores[scores["split"] == split]
    present = list(dict.fromkeys(rows["suite"]))
    chosen = [suites] if isinstance(suites, str) else sorted(present) if suites is None else list(suites)
    tables: dict[str, list[pd.DataFrame]] = {}
    for suite in chosen:
        if suite not in present:
            raise ValueError(
                f"no score on {split} tasks of {suite!r}; there are {', '.join(sorted(present)) or 'none'}"
            )
        found = _by_algorithm(rows[rows["suite"] == suite], suite, step, normalised)
        for algorithm, table in found.items():
            tables.setdefault(algorithm, []).append(table)
    arrays = {}
    for algorithm, parts in sorted(tables.items()):
        if len(parts) < len(chosen):
            warnings.warn(f"left out: {algorithm} has no run on some of {', '.join(chosen)}", stacklevel=2)
            continue
        seeds = sorted(set.intersection(*(set(part.index) for part in parts)))
        if not seeds:
            raise ValueError(f"{algorithm} has no seed on all of {', '.join(chosen)}")
        arrays[algorithm] = np.concatenate([part.loc[seeds].to_numpy() for part in parts], axis=1)
    return arrays


def _by_algorithm(rows: pd.DataFrame, suite: str, step: int, normalised: bool) -> dict[str, pd.DataFrame]:
    """Each algorithm's scores on one suite, seed by task."""
    found: dict[str, pd.DataFrame] = {}
    for algorithm, own in rows.groupby("algorithm"):
        configurations = list(dict.fromkeys(own["configuration"]))
        if len(configurations) > 1:
            raise ValueError(
                f"{algorithm} has {len(configurations)} configurations on {suite} ({', '.join(configurations)}); "
                f"keep one, as in scores[scores.configuration == {configurations[0]!r}]"
            )
        done = own["step"].max() + 1 + step if step < 0 else step
        episodes = own[own["step"] == done]
        if episodes.empty:
            raise ValueError(f"{algorithm} on {suite} was not scored after {done} adaptation steps")
        groups = episodes.groupby(["seed", "task"])["score"]
        table, counts = groups.mean().unstack(), groups.size().unstack()
        # a mean of pandas leaves out what is not a number
        if not np.isfinite(episodes["score"]).all() or counts.to_numpy().min() != counts.to_numpy().max():
            raise ValueError(f"{algorithm} on {suite} has a score that is missing or not finite")
        if found and list(table.columns) != list(next(iter(found.values())).columns):
            raise ValueError(f"{algorithm} on {suite} was scored on other tasks than {next(iter(found))}")
        found[str(algorithm)] = table
    if normalised:
        if FLOOR not in found:
            raise ValueError(f"{suite} has no scores of {FLOOR} here, which normalised scores are 0 at; keep its rows")
        scale = scale_of(suite, float(found[FLOOR].to_numpy().mean()))
        if scale is None:
            raise ValueError(f"{suite} has no ceiling (results/reference_scores.json) above {FLOOR}'s; use raw scores")
        for table in found.values():
            table[:] = scale.normalise(table.to_numpy())
    return found
