"""Meta-training in stages for studies: an algorithm is trained a while, looked at, and trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from algorithms.catalogue import find_algorithm
from benchmarks.execution.session import Session
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol
from environments.streams import Streams
from environments.typed_options import make_options


def trained(
    suite: str,
    algorithm: str,
    options: Mapping[str, Any],
    protocol: EvaluationProtocol,
    streams: Streams,
    budget: int,
    state: Mapping[str, Any] | None,
) -> Session:
    """The session once so many environment steps are spent in all, or as many as whole meta-iterations take.

    options: values for those options that the algorithm has, the others stay at its defaults.
    state: an earlier stage's, None before the first.
    """
    algorithm_class = find_algorithm(algorithm).load()
    known = {field.name for field in fields(algorithm_class.Config)}
    values = {name: value for name, value in options.items() if name in known}
    config = make_options(algorithm_class.Config, values, f"algorithm {algorithm}")
    session = Session(make_suite(suite), algorithm_class, config, streams, protocol, budget, state)
    while session.iterate() is not None:
        pass
    return session
