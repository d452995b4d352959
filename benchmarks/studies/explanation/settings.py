"""What the explanation's study trains and how much, on each of its suites."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from benchmarks.specs.study import StudyConfig
from environments.catalogue import parse_suite_name
from environments.typed_options import make_options

#: the steps of the suites that do not take the common ones
DRONE = "adaptation_steps=5,hidden=32:32,inner_step_size=0.258,step_size=0.0115,gae_lambda=1.0"
HOPPER = "hopper-velocity[inner_step_size=0.00788,step_size=0.00916,gae_lambda=0.95]"
WALKER = "walker2d-velocity[inner_step_size=0.258,step_size=0.0115,gae_lambda=1.0]"


@dataclass(frozen=True)
class OnSuite:
    """What may differ from suite to suite; defaults are the standard size.

    The paper prints no setting of training.  Steps and lambda are those of the profiles' rules for its benchmark, and
    XMRL-G's own options have their defaults.
    """

    budget: int = 1_500_000  # environment steps of meta-training, for each policy
    adaptation_steps: int = 1
    tasks: int = 10  # per meta-iteration
    trajectories: int = 10  # per task and adaptation step, in training, explanation and scoring
    hidden: tuple[int, ...] = (64, 64)
    inner_step_size: float = 0.346
    step_size: float = 4.56e-3  # Adam's
    gae_lambda: float = 0.9
    poor_tasks: int = 5
    critical_tasks: int = 5
    replicates: int = 4  # independent collections of every task's data, from which weights are learned
    importance_iterations: int = 5  # of the upper level
    random_sets: int = 3  # of as many training tasks as there are critical ones
    choosing: int = 2  # independent adaptations to each validation task, which choose the poor ones
    adaptations: int = 2  # further ones to each task, which score
    scored: int = 45  # of the training tasks that are not critical, and of all training tasks, drawn by chance
    continued: float = 0.4  # of the budget, beyond it: how much further MAML, XMRL-G and Remark 1's policy go on

    def __post_init__(self) -> None:
        for name in ("poor_tasks", "critical_tasks", "random_sets", "choosing", "adaptations", "scored"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.continued <= 0:
            raise ValueError(f"continued must be above 0, got {self.continued:g}")
        if self.replicates < 2:
            raise ValueError(f"replicates must be at least 2, since the null exchanges them, got {self.replicates}")

    def of(self, cls: type) -> dict[str, Any]:
        """The values of those options that a Config has."""
        known = {field.name for field in fields(cls)}
        return {name: value for name, value in asdict(self).items() if name in known}


@dataclass(frozen=True)
class ExplanationStudyConfig(OnSuite, StudyConfig):
    suites: tuple[str, ...] = (
        "drone-obstacles",
        "dow30-turbulence",
        "half-cheetah-velocity[control_cost=0]",
        "hopper-velocity",
        "walker2d-velocity",
    )
    algorithms: tuple[str, ...] = ("maml-vpg", "xmrl-g")
    # other values on single suites, named without options; of two entries of one suite the later one's stand
    per_suite: tuple[str, ...] = (
        f"drone-obstacles[budget=6000000,{DRONE}]",
        "dow30-turbulence[budget=3000000]",
        "half-cheetah-velocity[budget=2000000]",
        HOPPER,
        WALKER,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for suite in self.suites:
            self.on(suite)

    def on(self, suite: str) -> OnSuite:
        """The values on this suite.  Raises UsageError naming what in `per_suite` is no option or no value."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(OnSuite)}
        for text in self.per_suite:
            name, own = parse_suite_name(text)
            if name == parse_suite_name(suite)[0]:
                values |= own
        return make_options(OnSuite, values, f"study explanation on {suite}")
