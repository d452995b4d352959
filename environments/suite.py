"""A suite: an environment, a task distribution, a fixed split, a horizon, a discount and a metric."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import gymnasium
import numpy as np

from environments.batch_env import BatchEnv
from environments.splits import Split, load_split
from environments.task import Task
from environments.typed_options import UsageError, as_recorded, as_text, earlier_values, former_names

if TYPE_CHECKING:  # it needs torch, which listing does not
    from environments.trajectories import TrajectoryBatch

#: the scores that are recorded of every episode, of which a suite names the one that decides
METRICS = ("return", "discounted_return", "success")


class DataMissing(UsageError):
    """A suite's outside data are not on this machine; the message says how they are had.

    A benchmark then leaves the suite out; who names it is told.
    """


@dataclass(frozen=True)
class SuiteOptions:
    """Options that every suite has; None stands for the suite's own default.

    A suite's name stands for its defaults: declare one that is added later with `typed_options.option`.
    """

    horizon: int | None = None  # control steps per episode
    discount: float | None = None
    train_tasks: Literal["split", "distribution"] = "split"  # fixed training tasks, or fresh draws each iteration

    def __post_init__(self) -> None:
        if self.horizon is not None and self.horizon < 1:
            raise ValueError(f"horizon must be at least 1, got {self.horizon}")
        if self.discount is not None and not 0 < self.discount <= 1:
            raise ValueError(f"discount must be in (0, 1], got {self.discount}")


class Suite(ABC):
    """Subclass with a `name` to add a suite: discovery finds it, no registry is edited.

    `name`, `family`, `horizon` and `metric` are literals in the class body, so that listing imports nothing.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    metric: ClassVar[str] = "return"  # one of METRICS: which score decides
    horizon: int = 200
    discount: float = 0.99
    Options: ClassVar[type[SuiteOptions]] = SuiteOptions
    #: whether `info["success"]` of its environments is ever true
    records_success: ClassVar[bool] = False
    #: literal: the options that make each earlier version of the suite again, from version 0, as "reward=published"; a
    #: change of a default begins a new version, whose number is the length of this
    earlier_versions: ClassVar[tuple[str, ...]] = ()
    #: train, validation and test tasks of the committed split
    split_sizes: ClassVar[tuple[int, int, int]] = (50, 10, 20)
    #: digests of tasks that nothing may be simulated on (`withheld.without_test_tasks`)
    withheld: frozenset[str] = frozenset()

    def __init__(self, options: SuiteOptions | None = None) -> None:
        self.options = options if options is not None else self.Options()
        if self.options.horizon is not None:
            self.horizon = self.options.horizon
        if self.options.discount is not None:
            self.discount = self.options.discount

    @property
    def full_name(self) -> str:
        """The name, with every option that is not at its default: `half-cheetah-velocity[horizon=100]`.

        An option is called what it was first called, and one whose default is not what was done before there was the
        option is always shown, so that no name means one thing in a record and another on a command line.
        """
        return self._named(lambda value, default, earlier: value != default or value != earlier)

    @property
    def recorded_name(self) -> str:
        """The name in records: with every option that is not what it was before there was the option."""
        return self._named(lambda value, default, earlier: value != earlier)

    def _named(self, shows: Callable[[Any, Any, Any], bool]) -> str:
        cls = type(self.options)
        earlier, first = earlier_values(cls), {name: former for former, name in former_names(cls).items()}
        shown = [
            f"{first.get(field.name, field.name)}={as_text(value)}"
            for field in fields(self.options)
            if shows(value := getattr(self.options, field.name), field.default, earlier.get(field.name))
        ]
        return f"{self.name}[{','.join(shown)}]" if shown else self.name

    @cached_property
    def split(self) -> Split:
        return load_split(self.name)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that defines the suite beside its code and its split."""
        content = {
            "name": self.name,
            "options": as_recorded(type(self.options), asdict(self.options)),
            "horizon": self.horizon,
            "discount": self.discount,
            "metric": self.metric,
        }
        if self.data_digest is not None:
            content["data"] = self.data_digest
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def data_digest(self) -> str | None:
        """Digest of the outside data that decides the results (market prices); None where there is none."""
        return None

    @property
    def data_source(self) -> str | None:
        """One line naming that data, for provenance and reports."""
        return None

    def check_data(self) -> None:
        """Raises UsageError, before anything runs, where that data lack what the suite needs; DataMissing for none."""
        return None

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a reader of scores under these options must know, a sentence each: how they can be exploited.

        Every run's description records them.
        """
        return ()

    def describe(self) -> dict[str, Any]:
        """Facts that a run's description records beside what every suite has; they decide nothing."""
        return {}

    @property
    def best_score(self) -> float | None:
        """The best possible mean score on the test tasks, in the suite's metric; None where it is not known."""
        return None

    @property
    def training_suite(self) -> Suite:
        """Whose dynamics serve meta-training, with the same spaces and tasks; evaluation is on the suite itself."""
        return self

    @property
    @abstractmethod
    def observation_space(self) -> gymnasium.Space:
        """One environment's observation space: Box (float64) or Discrete."""

    @property
    @abstractmethod
    def action_space(self) -> gymnasium.Space:
        """One environment's action space, as the policy sees it: Box or Discrete."""

    @abstractmethod
    def make_batch(self, tasks: int, trajectories: int) -> BatchEnv:
        """A batch of tasks x trajectories environments; `set_tasks` gives it its tasks."""

    @abstractmethod
    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        """A fresh task from the suite's distribution."""

    def pictures(self, tasks: Sequence[Task], adapted: TrajectoryBatch) -> dict[str, bytes]:
        """File names and contents of pictures that a finished run keeps of adapted episodes on the tasks; none here.

        adapted: the batch after the last adaptation step, whose first `len(tasks)` rows are the tasks in order.
        """
        return {}

    def all_tasks(self) -> tuple[Task, ...] | None:
        """The whole distribution where it is a handful of tasks: every split then holds all of them."""
        return None

    def model(self, task: Task) -> Any:
        """The exact MDP of a task, where one exists (tabular suites).  Raises TypeError elsewhere."""
        raise TypeError(f"suite {self.name} has no exact model")
