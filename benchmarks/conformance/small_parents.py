"""Parents of an algorithm that is tried on a tiny problem: each trained a little, at nobody's cost."""

from __future__ import annotations

from typing import Any

from algorithms.catalogue import parents_of
from benchmarks.execution.session import Session
from benchmarks.planning.plan import resolve_options
from environments.discovery import ClassEntry
from environments.problem import EvaluationProtocol, Parent
from environments.streams import Streams
from environments.suite import Suite
from environments.typed_options import make_options

#: what every algorithm samples in a trial
SMALL = {"tasks": (2, "check"), "trajectories": (2, "check")}
PROTOCOL = EvaluationProtocol(adaptation_steps=2, trajectories=2)


def small_config(found: ClassEntry) -> Any:
    """The algorithm's configuration with tiny batches.  Raises UsageError."""
    small = resolve_options(found, SMALL)
    values = {option: value for option, (value, _) in small.items()}
    return make_options(found.load().Config, values, f"algorithm {found.name}")


def small_parents(found: ClassEntry, suite: Suite) -> dict[str, Parent]:
    """By role, the state of each of the algorithm's parents after one meta-iteration, charged to no budget."""
    trained = {}
    for role, parent in parents_of(found).items():
        session = Session(
            suite, parent.load(), small_config(parent), Streams(0), PROTOCOL, None, None, small_parents(parent, suite)
        )
        session.iterate()
        trained[role] = Parent(session.state["algorithm"], 0)
    return trained
