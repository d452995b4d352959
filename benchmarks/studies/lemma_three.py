"""Lemma 3 of XMRL-G against finite differences: what a training task's weight does for the poor tasks.

Numbered problems: MAML in double precision, untrained, on a few tasks of a suite with little data, of which the last
one is poor.  The lower level is solved anew, as exactly as doubles allow, for each weight moved either way.  Advantages
are off by a constant, since at that of their own state's baseline the surrogate has hardly any curvature, and with it
nothing that the lemma's inverse could get wrong.

Rows, by problem (`index`): `lemma3-error`, relative, of the hypergradient as the implicit function theorem gives it
(`corrected`, the lemma itself) and as Equation (8) of its proof has it, without the minus (`printed`); and
`lemma3-proximity`, rho, the damping of both levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from algorithms.explanation.explain import evidence
from algorithms.explanation.importance import ImportanceProblem
from algorithms.explanation.lemma_three import lemma_three
from algorithms.explanation.objectives import Objectives
from algorithms.explanation.options import ExplanationConfig
from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from benchmarks.execution.evaluation import harness_collector
from benchmarks.execution.session import Session
from benchmarks.specs.study import Rows, Study, StudyConfig, row
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol
from environments.streams import Streams
from environments.task import TaskRef
from environments.typed_options import make_options

#: added to advantages, which have unit deviation
OFF = 0.5


@dataclass(frozen=True)
class LemmaThreeConfig(StudyConfig):
    suites: tuple[str, ...] = ("half-cheetah-velocity[horizon=5]",)
    problems: int = 4
    tasks: int = 3
    replicates: int = 2
    trajectories: int = 4
    hidden: tuple[int, ...] = (3,)
    inner_step_size: float = 0.5
    lower_steps: int = 300
    implicit_iterations: int = 150
    tolerance: float = 1e-10  # of both levels
    epsilon: float = 1e-3  # of the differences in weights

    def __post_init__(self) -> None:
        if min(self.problems, self.tasks) < 1 or self.replicates < 2:
            raise ValueError("problems and tasks must be at least 1, replicates at least 2")


class LemmaThree(Study):
    """XMRL-G's Lemma 3, as printed and as corrected, against finite differences."""

    name = "xmrl-g-lemma3"
    Config = LemmaThreeConfig
    profiles: ClassVar = {"smoke": {"problems": 1, "tasks": 2}, "quick": {"problems": 2}, "paper": {"problems": 10}}
    deterministic = True  # the problems are numbered

    def parts(self) -> Sequence[str]:
        return [f"{suite} {number}" for suite in self.config.suites for number in range(self.config.problems)]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        suite, _, number = part.partition(" ")
        problem = self._problem(suite, Streams(int(number)))
        rows = problem.training.rows
        found = lemma_three(problem, torch.full((rows,), 1 / rows, dtype=torch.float64), self.config.epsilon)
        place: dict[str, Any] = {"suite": suite, "index": int(number)}
        errors = {"corrected": found.corrected_error, "printed": found.printed_error}
        return [
            *(row("lemma3-error", error, algorithm=name, **place) for name, error in errors.items()),
            row("lemma3-proximity", problem.proximity, **place),
        ]

    def _problem(self, name: str, streams: Streams) -> ImportanceProblem:
        c = self.config
        options = {
            "hidden": c.hidden,
            "trajectories": c.trajectories,
            "inner_step_size": c.inner_step_size,
            "tasks": c.tasks,
        }
        config = make_options(MamlVpg.Config, options, "algorithm maml-vpg")
        protocol = EvaluationProtocol(1, c.trajectories)
        learner = Session(make_suite(name), MamlVpg, config, streams, protocol, 0).algorithm
        assert isinstance(learner, MamlVpg)
        learner.parameters = {key: value.double() for key, value in learner.parameters.items()}
        suite = make_suite(name)
        tasks = [TaskRef("train", task.id) for task in suite.split.train[: c.tasks]]
        collector = harness_collector(suite, streams.child("evidence"))
        training, poor = (_curved(evidence(learner, few, collector, c.replicates)) for few in (tasks, tasks[-1:]))
        solved = {
            "lower_steps": c.lower_steps,
            "implicit_iterations": c.implicit_iterations,
            "tolerance": c.tolerance,
            "replicates": c.replicates,
            "critical_tasks": 1,
        }
        explanation = make_options(ExplanationConfig, solved, "explanation")
        return ImportanceProblem(
            Objectives(learner, training, "exact"), Objectives(learner, poor, "exact"), explanation
        )

    def seconds(self) -> float:
        c = self.config
        return 1 + len(c.suites) * c.problems * c.replicates**2 * c.tasks**2 * SECONDS


#: of one core, for a problem of a single row
SECONDS = 0.03


def _curved(batches: InnerOuterBatches) -> InnerOuterBatches:
    return [replace(batch, advantages=batch.advantages.double() + OFF) for batch in batches]
