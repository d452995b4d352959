"""How much the meta-gradient varies when it is estimated again at the same parameters: Figure 3 of the ProMP paper.

The paper says "relative standard deviation" without defining it.  Its authors' code (jonasrothfuss/ProMP,
experiments/gradient_variance/meta_trainer_gradient_variance.py) estimates the meta-gradient ten times on the same tasks
at the same parameters and takes the mean over coordinates of std / |mean|: `relative-deviation` here.  Where a
coordinate's mean is near 0 that ratio has no bound, and with R estimates of nothing but noise it is a number of the
order of sqrt(R), so two more are recorded: `norm-deviation`, the root of the summed variances over the norm of the mean
gradient, and `deviation`, the mean over coordinates of the standard deviation itself.

As printed, DiCE's rewards have unit deviation and its inner step is several times as long as LVC's, whose advantages
have it; nor has it LVC's baseline.  Both move the deviation, so two more rows stand beside the printed ones: DiCE with
the sums of rewards in units of their deviation, which makes steps equally long, and with LVC's own advantages, which
leaves the Hessian as the only difference.  `inner-step` records the steps' mean length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch

from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner
from algorithms.policies.parameters import flat, stacked, task_vectors
from benchmarks.execution.evaluation import harness_collector
from benchmarks.specs.study import Rows, Study, StudyConfig, row
from benchmarks.studies.staged_training import trained
from environments.catalogue import parse_suite_name
from environments.problem import EvaluationProtocol
from environments.typed_options import option

#: environment steps a second of one core, gradients included
RATE = 14_000


@dataclass(frozen=True)
class GradientDeviationConfig(StudyConfig):
    suites: tuple[str, ...] = ("half-cheetah-direction[horizon=100]",)
    algorithms: tuple[str, ...] = ("lvc-vpg", "dice-vpg")
    # beside them, those of these algorithms with options that differ from this study's, written as suites' are
    variants: tuple[str, ...] = option(("dice-vpg[inner_scale=returns]", "dice-vpg[credit=advantages]"), earlier=())
    budget: int = 800_000  # environment steps of meta-training, for each algorithm
    points: int = 8  # along training, beside the one before it
    repeats: int = 10  # estimates at each point, as in the authors' code
    tasks: int = 10  # per estimate and per meta-iteration
    trajectories: int = 10  # per task and adaptation step
    hidden: tuple[int, ...] = (64, 64)
    inner_step_size: float = 0.1
    step_size: float = 3e-3  # Adam's; ProMP's 1e-3 is for 1,001 iterations of four times as many trajectories
    gae_lambda: float = 1.0
    credit: str = option("rewards", earlier="rewards")  # of DiCE, as printed

    def __post_init__(self) -> None:
        if self.points < 1 or self.repeats < 2:
            raise ValueError(f"points must be at least 1 and repeats at least 2, got {self.points} and {self.repeats}")


class GradientDeviation(Study):
    """Relative standard deviation of the meta-gradient along training."""

    name = "gradient-deviation"
    Config = GradientDeviationConfig
    profiles: ClassVar = {
        "smoke": {"budget": 2_000, "points": 1, "repeats": 2, "tasks": 2, "trajectories": 2, "hidden": (8,)},
        "quick": {"budget": 200_000, "points": 4, "tasks": 10, "trajectories": 5},
        "paper": {"budget": 45_000_000, "points": 30, "tasks": 40, "trajectories": 20, "step_size": 1e-3},
    }

    def parts(self) -> Sequence[str]:
        c = self.config
        return [f"{s} {a} {point}" for s in c.suites for a in self.compared for point in range(c.points + 1)]

    @property
    def compared(self) -> list[str]:
        """Names of what is compared, variants with their options."""
        own = self.config.algorithms
        return [*own, *(variant for variant in self.config.variants if parse_suite_name(variant)[0] in own)]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        """Trains to the point, then estimates the meta-gradient there again and again."""
        suite, algorithm, point = part.rsplit(" ", 2)
        c = self.config
        name, own = parse_suite_name(algorithm)
        options = {key: value for key, value in asdict(c).items() if key not in ("suites", "algorithms", "variants")}
        options |= own
        streams = self.streams.child(suite).child(algorithm)
        # one state at a time is kept: parts come in order
        earlier = None if point == "0" else kept["state"]
        session = trained(
            suite, name, options, EvaluationProtocol(1), streams, c.budget * int(point) // c.points, earlier
        )
        kept["state"] = session.state
        learner = session.make_algorithm(session.state["algorithm"])
        assert isinstance(learner, GradientMetaLearner)
        references = harness_collector(session.suite, streams.child("tasks", int(point))).sample_tasks(c.tasks)
        gradients, returns, lengths = [], [], []
        for repeat in range(c.repeats):
            again = streams.child("estimate", int(point), repeat)
            data = learner.sample_on(references, harness_collector(session.suite, again))
            gradients.append(flat(learner.meta_gradient(learner.parameters, data)[1]).double())
            returns.append(float(data[-1].trajectories.returns.mean()))
            start = stacked(learner.parameters, c.tasks)
            moved = learner.adapted_by_chunks(start, data[:1])
            lengths.append(float((task_vectors(moved) - task_vectors(start)).norm(dim=1).mean()))
        place: dict[str, Any] = {"suite": suite, "algorithm": algorithm, "index": int(point), "x": session.spent}
        means = {"return": sum(returns) / c.repeats, "inner-step": sum(lengths) / c.repeats}
        found = deviations(torch.stack(gradients)) | means
        return [row(quantity, value, **place) for quantity, value in found.items()]

    def seconds(self) -> float:
        c = self.config
        batch = 2 * c.tasks * c.trajectories * 100
        steps = c.budget + (c.points + 1) * c.repeats * batch
        return len(c.suites) * len(self.compared) * (1 + steps / RATE)


def deviations(gradients: torch.Tensor) -> dict[str, float]:
    """The three measures of spread of independent estimates [repeat, coordinate] of one gradient."""
    mean, std = gradients.mean(0), gradients.std(0, correction=0)
    moving = mean != 0  # a coordinate whose estimates are all exactly 0 has no deviation
    return {
        "relative-deviation": float((std[moving] / mean[moving].abs()).mean()),
        "norm-deviation": float(gradients.var(0, correction=1).sum().sqrt() / mean.norm()),
        "deviation": float(std.mean()),
    }
