"""One run on several threads: the bytes of one thread, errors and grad mode as there, and no chance."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
import pytest
import torch

from algorithms.catalogue import algorithms, find_algorithm
from benchmarks.execution.session import Session
from environments import threads
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol
from environments.streams import Streams
from tests.support.scripted_experts import CornerGmps


def test_parts_are_worked_on_beside_each_other_and_come_in_order() -> None:
    both = threading.Barrier(2)  # passes only where two are at work at once

    def work(part: int) -> tuple[int, str]:
        both.wait(60)
        return part, threading.current_thread().name

    with threads.allow(2):
        results = threads.each_part(work, range(4))
    assert [part for part, _ in results] == [0, 1, 2, 3]
    assert len({name for _, name in results}) == 2
    assert threads.allowed() == 1


def test_a_process_that_is_forked_has_threads_of_its_own() -> None:
    with threads.allow(2):
        assert threads.each_part(abs, [-1, -2]) == [1, 2]
        child = os.fork()
        if child == 0:
            os._exit(sum(threads.each_part(abs, [-3, -4])))
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7


def test_a_parts_own_parts_wait_for_no_thread() -> None:
    with threads.allow(2):
        assert threads.each_part(lambda part: threads.each_part(abs, [part, -part]), [1, 2, 3]) == [
            [1, 1],
            [2, 2],
            [3, 3],
        ]


@pytest.mark.parametrize("mode", [True, False])
def test_a_part_is_differentiated_as_its_caller_is_and_torch_uses_one_thread_for_it(mode: bool) -> None:
    with threads.allow(2), torch.set_grad_enabled(mode):
        found = threads.each_part(lambda part: (torch.is_grad_enabled(), torch.get_num_threads()), range(4))
    assert found == [(mode, 1)] * 4


def test_the_first_failure_in_the_tasks_order_is_told() -> None:
    def fail(part: int) -> None:
        raise ArithmeticError(str(part))

    with threads.allow(2), pytest.raises(ArithmeticError, match="0"):
        threads.each_part(fail, range(4))


@pytest.mark.parametrize("draw", [lambda: torch.rand(1), lambda: np.random.rand()])
def test_a_part_that_draws_from_a_global_generator_is_refused(draw) -> None:
    with threads.allow(2), pytest.raises(RuntimeError, match="drawn from a global generator"):
        threads.each_part(lambda part: draw(), range(2))
    assert len(threads.each_part(lambda part: draw(), range(2))) == 2


OPTIONS = {name: {*getattr(entry.load().Config, "__dataclass_fields__", ())} for name, entry in algorithms().items()}


def state_after_two(suite: str, name: str, count: int) -> list[torch.Tensor]:
    """All tensors of what two small meta-iterations on so many threads leave, evaluated rows included."""
    cls: Any = CornerGmps if name == "gmps" else find_algorithm(name).load()  # its expert takes long to train
    small = {"tasks": 5, "trajectories": 3, "hidden": (8,), "chunk": 1}
    config = cls.Config(**{option: value for option, value in small.items() if option in OPTIONS[name]})
    with threads.allow(count):
        session = Session(make_suite(suite), cls, config, Streams(0), EvaluationProtocol(1, 3), None)
        metrics = [session.iterate() for _ in range(2)]
        rows = session.evaluate("validation", "curve")
    numbers = [value for found in metrics for value in (found or {}).values()]
    returns = [row["return"] for row in rows]
    return [*tensors(session.state), torch.tensor([*numbers, *returns], dtype=torch.float64)]


def tensors(state: object) -> list[torch.Tensor]:
    if isinstance(state, torch.Tensor):
        return [state]
    values = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else ()
    return [tensor for value in values for tensor in tensors(value)]


CHUNKED = [name for name in sorted(OPTIONS) if {"hidden", "chunk"} <= OPTIONS[name]]


def test_methods_that_divide_their_tasks_are_found() -> None:
    assert {"promp", "maml-trpo", "tmaml", "imaml", "cavia", "bo-mrl-1"} <= {*CHUNKED}


@pytest.mark.parametrize("name", CHUNKED)
def test_a_methods_bytes_are_those_of_one_thread(name: str) -> None:
    one, three = (state_after_two("corners[horizon=6]", name, count) for count in (1, 3))
    assert len(one) == len(three) > 1
    assert all(torch.equal(a, b) for a, b in zip(one, three, strict=True))


@pytest.mark.parametrize("suite", ["half-cheetah-velocity[horizon=8]", "hopper-params[horizon=20]"])
def test_a_robots_bytes_are_those_of_one_thread(suite: str) -> None:
    one, two = (state_after_two(suite, "promp", count) for count in (1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("suite", ["corners[horizon=6]", "half-cheetah-velocity[horizon=8]"])
@pytest.mark.parametrize("name", ["contextual-ppo", "contextual-sac", "sb3-ppo"])
def test_bytes_of_what_a_library_trains_are_those_of_one_thread(name: str, suite: str) -> None:
    one, two = (state_after_two(suite, name, count) for count in (1, 2))
    assert len(one) == len(two) > 10
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
