"""Theorem A.1 of GMPS's supplement, J(pi') <= J(pi*) + delta sqrt(epsilon) H, with both sides exact.

GMPS is trained on the tables of FrozenLake, guided by soft-optimal experts: exp((Q - V) / temperature), whose every
action has a chance, so that epsilon is finite.  Then it adapts to each training task once, on sampled trajectories, and
the adapted table, the expert's and the task's MDP give all else by linear algebra (`bound.py`).

Rows by task, with x the experts' temperature, index the rounds of training before, and algorithm `gmps` or
`gmps-aggregated` (the variant that the theorem is about): `a1-cost` and `a1-expert-cost`, J of costs in [0, 1] over H
steps; `a1-printed-bound`, delta the largest Q_t(s, pi') - Q_t(s, pi*), as printed; `a1-corrected-bound`, the largest
difference that another action makes in its place, and sqrt(epsilon / 2); `a1-variation-bound`, with the mean total
variation; `a1-epsilon` and `a1-divergence`, the largest and the mean KL(pi' || pi*); `a1-variation` and
`a1-disagreement`, the 0-1 loss of actions drawn by themselves, which the proof says is at most the variation;
`a1-identity-error`, of the proof's first line.

Rows of a whole part, with no task: `a1-cost-untrained` and, of the last round, `a1-cost-trained`,
`a1-printed-bound-trained` and `a1-corrected-bound-trained`, means over tasks; `a1-largest-cost`, H, from which on a
bound excludes nothing; `a1-printed-violations` and `a1-corrected-violations`, in how many cases of all rounds and tasks
the cost is above the bound.

What is printed does not follow: in its line (4a) the cost rises by delta where actions differ, but delta bounds a mean
over actions, of which differing is already a part.  The suite `repeated-bandit` has a state and two actions, one of
cost 1: the learned policy takes it more often by d, so that J(pi') = J(pi*) + d H and delta = d, whatever epsilon is.
There x is d and algorithm empty.

On `robot`, a suite of MuJoCo, no state can be put back and the cost to go is not known.  There the expert is
`contextual-sac`, x is 0, costs and divergences are means over trajectories, the divergence is that of executed actions
(`executed.py`), and `a1-least-delta` is the smallest delta with which the inequality would hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from benchmarks.execution.evaluation import begun_adaptation, harness_collector
from benchmarks.execution.session import Session
from benchmarks.specs.study import Rows, Study, StudyConfig, row
from benchmarks.studies.gmps_bound.bound import Bound, bound, soft_optimal
from benchmarks.studies.gmps_bound.guided import SoftlyGuided
from benchmarks.studies.gmps_bound.robot import robot_session, robot_tasks
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol
from environments.tabular import TabularMDP
from environments.task import TaskRef
from environments.typed_options import make_options

#: where rows name the counterexample
BANDIT = "repeated-bandit"
#: how often its expert takes the costly action
MISTAKES = 0.1
#: by how much more often the learned policy does
OFTENER = (0.05, 0.1, 0.2, 0.4)
#: of costs of the order of H
ROUNDING = 1e-9
QUANTITIES = {
    "a1-cost": lambda found: found.learned,
    "a1-expert-cost": lambda found: found.expert,
    "a1-printed-bound": lambda found: found.printed,
    "a1-corrected-bound": lambda found: found.corrected,
    "a1-variation-bound": lambda found: found.by_variation,
    "a1-delta": lambda found: found.delta,
    "a1-epsilon": lambda found: found.divergence,
    "a1-divergence": lambda found: found.mean_divergence,
    "a1-variation": lambda found: found.variation,
    "a1-disagreement": lambda found: found.disagreement,
    "a1-identity-error": lambda found: abs(found.identity - found.learned),
}
#: the part that is about it
ROBOT = "robot"
ROBOT_QUANTITIES = {
    "a1-cost": lambda found: found.learned,
    "a1-expert-cost": lambda found: found.expert,
    "a1-epsilon": lambda found: found.largest,
    "a1-divergence": lambda found: found.divergence,
    "a1-least-delta": lambda found: found.least_delta,
}
VARIANTS = ("gmps", "gmps-aggregated")


@dataclass(frozen=True)
class GmpsBoundConfig(StudyConfig):
    suites: tuple[str, ...] = ("frozen-lake-low", "frozen-lake-high")
    temperatures: tuple[float, ...] = (0.02, 0.1, 0.5)
    rounds: int = 20
    tasks: int = 20
    trajectories: int = 20
    demonstrations: int = 20
    imitation_steps: int = 50
    step_size: float = 0.05
    inner_step_size: float = 300.0
    aggregated: int = 5  # trajectories a round of the variant that aggregates
    robot: str = "half-cheetah-velocity[horizon=100]"
    robot_tasks: int = 10
    expert_steps: int = 100_000  # of the robot's expert
    robot_imitation_steps: int = 100
    robot_rounds: int = 10

    def __post_init__(self) -> None:
        if min(self.rounds, self.tasks, self.trajectories, self.aggregated) < 1:
            raise ValueError("rounds, tasks, trajectories and aggregated must be at least 1")
        if not self.temperatures or min(self.temperatures) <= 0:
            raise ValueError(f"temperatures must be above 0, got {self.temperatures}")


class GmpsBound(Study):
    """GMPS's Theorem A.1 with both sides exact, as printed and as corrected."""

    name = "gmps-bound"
    Config = GmpsBoundConfig
    profiles: ClassVar = {
        "smoke": {
            "robot": "half-cheetah-velocity[horizon=10]",
            "robot_tasks": 2,
            "expert_steps": 600,
            "robot_imitation_steps": 3,
            "robot_rounds": 1,
            "suites": ("frozen-lake-low",),
            "temperatures": (0.1,),
            "rounds": 2,
            "tasks": 4,
            "imitation_steps": 5,
        },
        "quick": {
            "suites": ("frozen-lake-low",),
            "temperatures": (0.1,),
            "rounds": 5,
            "robot_tasks": 5,
            "expert_steps": 10_000,
            "robot_imitation_steps": 20,
            "robot_rounds": 3,
        },
        "paper": {"rounds": 50},
    }

    def parts(self) -> Sequence[str]:
        c = self.config
        trained = [f"{suite} {name} {heat}" for suite in c.suites for name in VARIANTS for heat in c.temperatures]
        return [BANDIT, *trained, ROBOT]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        if part == BANDIT:
            return bandit_rows()
        if part == ROBOT:
            return self._robot()
        suite, variant, temperature = part.split()
        session = self._session(suite, variant, float(temperature))
        found: list[dict[str, Bound]] = []
        place = {"suite": session.suite.full_name, "algorithm": variant, "x": float(temperature)}
        rows: Rows = []
        for rounds in range(self.config.rounds + 1):
            if rounds in (0, self.config.rounds):
                found.append(self._measured(session))
                for task, each in found[-1].items():
                    rows += bound_rows(each, index=session.iteration, task=task, **place)
            session.iterate()
        cases = [each for by_task in found for each in by_task.values()]
        return [*rows, *training_rows([*found[0].values()], [*found[-1].values()], **place), *case_rows(cases, **place)]

    def _robot(self) -> Rows:
        c = self.config
        guided = {
            "tasks": c.robot_tasks,
            "trajectories": c.trajectories,
            "demonstrations": c.demonstrations,
            "imitation_steps": c.robot_imitation_steps,
        }
        session = robot_session(c.robot, c.expert_steps, self.streams.child(ROBOT), guided)
        rows: Rows = []
        for rounds in range(c.robot_rounds + 1):
            if rounds in (0, c.robot_rounds):
                streams = self.streams.child("measured robot", rounds)
                for number, found in enumerate(robot_tasks(session, c.robot_tasks, c.trajectories, streams)):
                    task = session.suite.split.train[number].id
                    place = {"suite": c.robot, "algorithm": "gmps", "task": task, "index": rounds}
                    rows += [row(quantity, value(found), **place) for quantity, value in ROBOT_QUANTITIES.items()]
            session.iterate()
        return rows

    def _session(self, name: str, variant: str, temperature: float) -> Session:
        c = self.config
        options = {
            "temperature": temperature,
            "tasks": c.tasks,
            "trajectories": c.trajectories,
            "demonstrations": c.demonstrations,
            "imitation_steps": c.imitation_steps,
            "step_size": c.step_size,
            "inner_step_size": c.inner_step_size,
            "aggregated": c.aggregated if variant == "gmps-aggregated" else 0,
            "bias_dim": 0,
            "learned_step_sizes": False,
        }
        config = make_options(SoftlyGuided.Config, options, "algorithm gmps")
        streams = self.streams.child(variant)
        return Session(make_suite(name), SoftlyGuided, config, streams, EvaluationProtocol(1, c.trajectories), None)

    def _measured(self, session: Session) -> dict[str, Bound]:
        """By training task, after one adaptation."""
        learner, suite = session.algorithm, session.suite
        assert isinstance(learner, SoftlyGuided)
        tasks = suite.split.train[: self.config.tasks]
        collector = harness_collector(suite, self.streams.child("measured", session.iteration))
        chosen = [TaskRef("train", task.id) for task in tasks]
        with begun_adaptation(learner, chosen) as adaptation:
            after = adaptation.send(collector.collect(next(adaptation), chosen, self.config.trajectories))
        tables = torch.softmax(after.parameters["logits"].double(), -1).numpy()  # type: ignore[attr-defined]
        found = {}
        for task, table in zip(tasks, tables, strict=True):
            mdp = suite.model(task)
            found[task.id] = bound(mdp, table, soft_optimal(mdp, learner.config.temperature), suite.horizon)
        return found

    def seconds(self) -> float:
        c = self.config
        parts = len(c.suites) * len(VARIANTS) * len(c.temperatures)
        robot = (
            c.expert_steps * EXPERT_SECONDS + c.robot_tasks * c.robot_rounds * c.robot_imitation_steps * ROBOT_SECONDS
        )
        return 1 + robot + parts * c.tasks * (0.05 + c.rounds * (0.002 + c.imitation_steps * SECONDS))


#: of one core: for an imitation step of one task, in a table and in a network, and for a step of the robot's expert
SECONDS, ROBOT_SECONDS, EXPERT_SECONDS = 0.001, 0.01, 0.003


def bound_rows(found: Bound, **place: Any) -> Rows:
    return [row(quantity, value(found), **place) for quantity, value in QUANTITIES.items()]


def case_rows(found: Sequence[Bound], **place: Any) -> Rows:
    """How often the cost is above each bound, beyond rounding."""
    over = {
        "a1-printed-violations": [each.learned - each.printed for each in found],
        "a1-corrected-violations": [each.learned - each.corrected for each in found],
    }
    return [row(name, sum(value > ROUNDING for value in values), **place) for name, values in over.items()]


def training_rows(before: Sequence[Bound], after: Sequence[Bound], **place: Any) -> Rows:
    """Means over the tasks before training and after it."""
    means: dict[str, list[float]] = {
        "a1-cost-untrained": [each.learned for each in before],
        "a1-cost-trained": [each.learned for each in after],
        "a1-printed-bound-trained": [each.printed for each in after],
        "a1-corrected-bound-trained": [each.corrected for each in after],
        "a1-largest-cost": [float(each.horizon) for each in after],
    }
    return [row(name, float(np.mean(values)), **place) for name, values in means.items()]


def bandit_rows(horizon: int = 10) -> Rows:
    """A policy that takes the costly action more often than its expert by d."""
    mdp = TabularMDP(np.ones((1, 2, 1)), np.array([[1.0, 0.0]]), np.ones(1), 0.9)
    expert = np.array([[1 - MISTAKES, MISTAKES]])
    rows: Rows = []
    found = [bound(mdp, expert + np.array([[-more, more]]), expert, horizon) for more in OFTENER]
    for index, (more, each) in enumerate(zip(OFTENER, found, strict=True)):
        rows += bound_rows(each, suite=BANDIT, index=index, x=more)
    return [*rows, *case_rows(found, suite=BANDIT)]
