"""The interface of every meta-learner."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from algorithms.search_space import BATCH, COUNT, unsearched
from environments.collector import Collector
from environments.facts import SuiteFacts
from environments.option_domains import check_domains
from environments.policy import Policy
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch

Metrics = dict[str, float]
Adaptation = Generator[Policy, TrajectoryBatch, None]


@dataclass(frozen=True)
class Config:
    """Configuration common to all: how much an algorithm samples in one meta-iteration."""

    tasks: int = unsearched(40, BATCH, domain=COUNT)  # tasks per meta-iteration
    trajectories: int = unsearched(20, BATCH, domain=COUNT)  # per task and adaptation step

    def __post_init__(self) -> None:
        check_domains(self)


class Algorithm(ABC):
    """Subclass with a literal `name` to add an algorithm: discovery finds it, no registry is edited.

    Class attributes: `paper` (its source, shown in listings), `access` (splits and extras it may use:
    "train", "validation", "test" for references only, "model", "parameters", "test-parameters" for references that are
    told which task they are evaluated on; "siblings" where its paper lets the trajectories of a task see each other
    within a batch), `Config` (a dataclass), `scripted` (a literal: it learns nothing and does not adapt; boards show it
    as what a learned policy must beat), `parents` and `packages` (see there).
    """

    name: ClassVar[str]
    paper: ClassVar[str] = ""
    access: ClassVar[frozenset[str]] = frozenset({"train"})
    trains: bool = True  # False: no meta-training at all, the budget stays unspent; set within one, it ends
    scripted: ClassVar[bool] = False
    #: Runs that a run of this algorithm begins with, such as an expert's: by role the algorithm, by its name or by that
    #: of another class of the same file.  `Config` has `<role>_share`, the share of the budget that this run gets.  It
    #: is of the same suite and seed.  Its steps are charged from the start; `problem.parent(role)` is its final state.
    parents: ClassVar[Mapping[str, str]] = {}
    #: distributions beside the harness's own whose version decides the result, such as "stable-baselines3"
    packages: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Config]] = Config

    @classmethod
    def fits(cls, suite: SuiteFacts) -> str | None:
        """None where the algorithm can be run on the suite, otherwise one sentence on why it cannot.

        Asked when runs are planned, before anything is constructed: such a cell is left out, with the reason, and
        counts as no failure.
        """
        return None

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        self.problem = problem
        self.config = config
        self.streams = streams

    @abstractmethod
    def meta_step(self, collector: Collector) -> Metrics:
        """One meta-iteration; returns finite numbers worth recording."""

    @abstractmethod
    def adapt(self, tasks: Sequence[TaskRef]) -> Adaptation:
        """Yields the policy after k = 0, 1, ... adaptation steps, for all tasks at once, and is sent what it collected:

        adaptation = algorithm.adapt(tasks)
        policy = next(adaptation)  # before adaptation
        policy = adaptation.send(trajectories)  # after one step, on the trajectories of that policy
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything that a fresh instance needs to go on: tensors, numbers, strings, lists and dicts of them."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state made by `state_dict`."""

    def replay_state(self) -> dict[str, Any]:
        """What training alone goes on with, such as a replay buffer: of the same types, asked for by reference.

        It is written into checkpoints and given back by `load_replay_state`, but copied at no meta-iteration, kept
        with no result, and unknown to the instances that are evaluated.
        """
        return {}

    def load_replay_state(self, state: dict[str, Any]) -> None:
        """Take over, after `load_state_dict`, a state made by `replay_state`; not called for an empty one."""
        raise NotImplementedError(f"{self.name} has a replay_state, so it must define load_replay_state")
