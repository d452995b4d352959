"""Trials of tuning that are scored on tasks of no split, for methods that train on validation tasks too."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.execution.evaluation import Rows, evaluate
from benchmarks.execution.training import Progress, open_session, train
from benchmarks.specs.run_spec import known_suite
from benchmarks.specs.trial_spec import FRESH, TrialSpec
from environments.problem import Parent
from environments.same_mdp import mdp_key
from environments.splits import NAMES, Split
from environments.streams import Streams
from environments.suite import Suite
from environments.task import Task
from environments.typed_options import UsageError
from results.run_folder import RunFolder

#: draws for each task, of which all but one may be in a split or come again
DRAWS = 100


def fresh_tasks(suite: Suite, count: int) -> tuple[Task, ...]:
    """Draws of the suite's distribution that equal no task of its splits and no other draw, by parameters or as MDPs.

    They depend on the suite's name and options alone.  suite: with its test tasks.  Raises UsageError where there are
    too few.
    """
    streams = Streams(0).child("fresh tasks").child(suite.full_name)
    known = {mdp_key(suite, task) for name in NAMES for task in suite.split.tasks(name)}
    found: list[Task] = []
    for number in range(DRAWS * count):
        if len(found) == count:
            break
        task = suite.draw_task(streams.numpy("draw", number), f"{FRESH}-{len(found)}")
        key = mdp_key(suite, task)
        if key not in known:
            known.add(key)
            found.append(task)
    if len(found) == count:
        return tuple(found)
    raise UsageError(
        f"{DRAWS * count} draws of {suite.full_name} gave only {len(found)} of {count} tasks beside those of its "
        "splits; ask for fewer by --fresh, or score on validation tasks"
    )


def try_out(
    trial: TrialSpec,
    folder: RunFolder,
    report: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
    parents: Mapping[str, Parent] | None = None,
) -> None:
    """As `train`; a trial that asks for it is scored on fresh tasks too, by the state that it leaves."""
    if trial.fresh_tasks:
        folder = _ScoredFolder(folder, lambda state: scores_on_fresh_tasks(trial, state, parents))
    train(trial, folder, report, should_stop, parents)


def scores_on_fresh_tasks(
    trial: TrialSpec, state: Mapping[str, Any], parents: Mapping[str, Parent] | None = None
) -> Rows:
    """As of a split, which the rows call "fresh".  state: the trained algorithm's state_dict."""
    session = open_session(trial, None, parents)
    suite = copy.copy(session.suite)
    tasks = fresh_tasks(known_suite(trial.suite), trial.fresh_tasks)
    vars(suite)["split"] = Split(train=(), validation=tasks, test=())
    streams = session.streams.child(FRESH)
    rows = evaluate(session.make_algorithm(state), suite, "validation", session.protocol, streams)
    return [{**row, "split": FRESH} for row in rows]


class _ScoredFolder(RunFolder):
    """A run's folder whose record gets more scores at its end."""

    def __init__(self, folder: RunFolder, more: Callable[[Mapping[str, Any]], Rows]) -> None:
        super().__init__(folder.path, folder.read_only)
        self._more = more

    def finish(self, scores: Any, *others: Any) -> None:
        state = self.load_state()
        assert state is not None  # it was kept just before
        super().finish([*scores, *self._more(state)], *others)
