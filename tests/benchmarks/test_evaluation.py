"""The harness's evaluation of an adapted policy."""

import pandas as pd

from algorithms.catalogue import find_algorithm
from benchmarks.execution.evaluation import evaluate
from environments.access import Guard
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol, Problem
from environments.streams import Streams


def scores(adaptations, on_adapted=lambda batch: None):
    suite, cls = make_suite("corners[horizon=20]"), find_algorithm("random-init").load()
    protocol = EvaluationProtocol(adaptation_steps=1, trajectories=3, adaptations=adaptations)
    streams = Streams(0)
    problem = Problem(suite, protocol, Guard("training", cls.access))
    algorithm = cls(problem, cls.Config(), streams.child("algorithm"))
    return pd.DataFrame(evaluate(algorithm, suite, "test", protocol, streams.child("test"), on_adapted))


def test_each_task_is_adapted_to_as_often_as_the_protocol_says():
    table = scores(adaptations=4)

    episodes = table.groupby(["task", "step"])["episode"].agg([list, "nunique"])
    assert len(episodes) == 4 * 2
    assert (episodes["nunique"] == 12).all()
    assert all(sorted(numbers) == list(range(12)) for numbers in episodes["list"])


def test_adaptations_to_one_task_are_independent():
    table = scores(adaptations=2)

    first = table[(table["step"] == 1) & (table["episode"] < 3)].sort_values(["task", "episode"])["return"].to_numpy()
    second = table[(table["step"] == 1) & (table["episode"] >= 3)].sort_values(["task", "episode"])["return"].to_numpy()
    assert len(first) == len(second) == 12
    assert (first != second).any()


def test_the_last_batch_is_handed_over_once_and_begins_with_the_tasks_in_order():
    batches = []
    table = scores(adaptations=2, on_adapted=batches.append)

    (batch,) = batches
    last = table[(table["step"] == 1) & (table["episode"] < 3)]
    assert batch.returns.shape == (8, 3)
    assert batch.returns[:4].reshape(-1).tolist() == last["return"].tolist()
