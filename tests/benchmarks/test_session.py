"""A training session: training that is resumed, in stages, or at once is one training, for runs and for studies."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from algorithms.catalogue import find_algorithm
from benchmarks.execution.evaluation import AdaptationEnded, adapted_batches, harness_collector
from benchmarks.execution.session import Session
from benchmarks.execution.training import open_session
from benchmarks.planning.plan import make_plan
from benchmarks.studies.staged_training import trained
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol
from environments.streams import Streams

SUITE = "frozen-lake-low[horizon=10]"
#: environment steps of a meta-iteration with one adaptation step
ITERATION = 2 * 2 * 2 * 10


def session(budget: int, algorithm: str = "promp", state: Any = None) -> Session:
    cls = find_algorithm(algorithm).load()
    config = cls.Config(tasks=2, trajectories=2)
    return Session(make_suite(SUITE), cls, config, Streams(4), EvaluationProtocol(1, 2), budget, state)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name in sorted(value):
            yield name
            yield from leaves(value[name])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    else:
        yield value.numpy().tobytes() if isinstance(value, torch.Tensor) else value


def same(first: Any, second: Any) -> bool:
    return list(leaves(first)) == list(leaves(second))


@pytest.mark.parametrize("algorithm", ["promp", "maml-trpo", "multi-task"])
def test_a_session_made_from_a_state_goes_on_as_the_first_one_does(algorithm: str) -> None:
    whole = session(4 * ITERATION, algorithm)
    whole.iterate()
    middle = copy.deepcopy(whole.state)
    resumed = session(4 * ITERATION, algorithm, middle)
    assert resumed.iteration == 1 and same(resumed.state, middle)
    while (metrics := whole.iterate()) is not None:
        assert metrics == resumed.iterate()
    assert resumed.iterate() is None
    assert same(whole.state, resumed.state) and not same(whole.state, middle)


def test_the_last_completed_iteration_stands_when_the_budget_ends_within_one() -> None:
    short = session(2 * ITERATION + ITERATION // 2)
    short.iterate()
    short.iterate()
    completed = copy.deepcopy(short.state)
    assert short.iterate() is None
    assert same(short.state, completed) and (short.iteration, short.spent) == (2, 2 * ITERATION)
    assert short.collector.ledger.spent > short.spent


def test_a_study_trained_in_stages_learns_what_a_run_of_the_whole_budget_does() -> None:
    (spec,) = make_plan(suites=[SUITE], algorithms=["promp"], seeds=1, profile="smoke")
    budget = 5 * ITERATION
    run = open_session(spec)
    run.collector.ledger.limit = budget
    while run.iterate() is not None:
        pass
    state = None
    for stage in (1, 2, 5):
        state = trained(SUITE, "promp", spec.configuration, run.protocol, Streams(0), stage * ITERATION, state).state
    assert state is not None and state["iteration"] == 5 and same(state, run.state)


def test_evaluation_is_of_the_last_completed_iteration_and_draws_nothing_from_training() -> None:
    watched, alone = session(3 * ITERATION), session(3 * ITERATION)
    for _ in range(2):
        rows = watched.evaluate("validation", "curve", 1)
        assert rows == watched.evaluate("validation", "curve", 1)
        assert watched.iterate() == alone.iterate()
    assert {row["step"] for row in rows} == {0, 1}


def test_an_adaptation_that_ends_early_is_an_error_of_its_own() -> None:
    made = session(0)
    made.algorithm.adapt = lambda tasks: iter_once(type(made.algorithm).adapt(made.algorithm, tasks))  # type: ignore
    tasks = harness_collector(made.suite, Streams(0)).sample_tasks(2)
    batches = adapted_batches(
        made.algorithm, tasks, made.protocol, harness_collector(made.suite, Streams(0)), Streams(0)
    )
    next(batches)
    with pytest.raises(AdaptationEnded, match="one after every step"):
        next(batches)


def iter_once(adaptation: Any) -> Any:
    """A generator that yields the first policy alone."""
    yield next(adaptation)
