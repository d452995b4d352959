"""Lemma 4 of XMRL-G, the meta-gradients of MAML, iMAML and CAVIA, against finite differences.

Numbered problems: a few random MDPs whose returns and derivatives are exact.  Policies are a softmax of a table of
logits; CAVIA's context weighs further tables, which are added to it.  Adaptation is what the lemma says it is, but for
iMAML's: its problem as printed, with a plus, has no maximum, so that both of its forms are of the one with a minus.
The context is a function of the meta-parameters; the lemma's gradient is read as the one in the policy's parameters at
that context, since in any other reading it would say nothing.  The printed Hessian is read as it stands: the inner
expectation is a constant for the outer one, where the score that it is multiplied by has mean zero, so that its second
term alone is left, with visitations and action values that do not depend on the parameters.

Rows, by problem (`index`): `lemma4-error`, relative, of `maml`, `imaml-printed`, `imaml-corrected`, `cavia-printed`,
`cavia-corrected` (with the derivative through the context's step) and `hessian-printed`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch.autograd.functional import hessian, jacobian

from benchmarks.specs.study import Rows, Study, StudyConfig, row
from benchmarks.studies.hessian_estimates.enumeration import random_mdp
from benchmarks.studies.optimality_gap.evaluation import TabularTasks

Objective = Callable[[torch.Tensor], torch.Tensor]
#: of Newton's steps, each of which squares the error
LARGEST_NEWTON_STEPS = 50


@dataclass(frozen=True)
class LemmaFourConfig(StudyConfig):
    problems: int = 10
    tasks: int = 3
    states: int = 3
    actions: int = 2
    discount: float = 0.9
    logit_std: float = 0.7
    step_size: float = 0.1  # alpha, of MAML's step and the context's
    proximal_weight: float = 10.0  # lambda
    context: int = 2
    epsilon: float = 1e-4  # of the differences

    def __post_init__(self) -> None:
        if min(self.problems, self.tasks, self.context) < 1:
            raise ValueError("problems, tasks and context must be at least 1")


class LemmaFour(Study):
    """XMRL-G's Lemma 4, as printed and as corrected, against finite differences."""

    name = "xmrl-g-lemma4"
    Config = LemmaFourConfig
    profiles: ClassVar = {"smoke": {"problems": 1}, "paper": {"problems": 100}}
    deterministic = True  # the problems are numbered

    def parts(self) -> Sequence[str]:
        return [str(number) for number in range(self.config.problems)]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        c = self.config
        generator = np.random.default_rng(int(part))
        drawn = [random_mdp(generator, c.states, c.actions) for _ in range(c.tasks)]
        tasks = [TabularTasks(replace(mdp, discount=c.discount)) for mdp in drawn]
        tables = c.logit_std * torch.from_numpy(generator.normal(size=(1 + c.context, c.states, c.actions)))
        found = {**self._of_a_table(tasks, tables[0].flatten()), **self._of_a_context(tasks, tables.flatten())}
        return [row("lemma4-error", error, algorithm=name, index=int(part)) for name, error in found.items()]

    def _of_a_table(self, tasks: Sequence[TabularTasks], logits: torch.Tensor) -> dict[str, float]:
        c, identity = self.config, torch.eye(len(logits), dtype=logits.dtype)
        returns = [self._return(task) for task in tasks]

        def stepped(one: Objective, at: torch.Tensor) -> torch.Tensor:
            return at + c.step_size * jacobian(one, at)

        def solved(one: Objective, at: torch.Tensor) -> torch.Tensor:
            return _maximum(lambda psi: one(psi) - c.proximal_weight / 2 * (psi - at).square().sum(), at)

        def implicit(one: Objective, sign: float) -> torch.Tensor:
            adapted = solved(one, logits)
            matrix = identity + sign * hessian(one, adapted) / c.proximal_weight
            return torch.linalg.solve(matrix, jacobian(one, adapted))

        maml = _mean(
            [(identity + c.step_size * hessian(one, logits)) @ jacobian(one, stepped(one, logits)) for one in returns]
        )
        imaml = _differences(lambda at: _mean([one(solved(one, at)) for one in returns]), logits, c.epsilon)
        curvature = torch.stack([hessian(one, logits) for one in returns])
        printed = torch.stack([hessian(self._frozen_surrogate(task, logits), logits) for task in tasks])
        return {
            "maml": _error(
                maml, _differences(lambda at: _mean([one(stepped(one, at)) for one in returns]), logits, c.epsilon)
            ),
            "imaml-printed": _error(_mean([implicit(one, 1.0) for one in returns]), imaml),
            "imaml-corrected": _error(_mean([implicit(one, -1.0) for one in returns]), imaml),
            "hessian-printed": _error(printed, curvature),
        }

    def _of_a_context(self, tasks: Sequence[TabularTasks], tables: torch.Tensor) -> dict[str, float]:
        c, start = self.config, torch.zeros(self.config.context, dtype=tables.dtype)

        def logits(at: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
            each = at.view(1 + c.context, -1)
            return each[0] + context @ each[1:]

        def context(one: Objective, at: torch.Tensor) -> torch.Tensor:
            return start + c.step_size * jacobian(lambda psi: one(logits(at, psi)), start, create_graph=True)

        def adapted(one: Objective, at: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
            return one(logits(at, context(one, of)))

        returns = [self._return(task) for task in tasks]
        exact = _differences(lambda at: _mean([adapted(one, at, at).detach() for one in returns]), tables, c.epsilon)
        held = _mean([jacobian(lambda at, one=one: adapted(one, at, tables), tables) for one in returns])
        through = _mean([jacobian(lambda at, one=one: adapted(one, at, at), tables) for one in returns])
        return {"cavia-printed": _error(held, exact), "cavia-corrected": _error(through, exact)}

    def _return(self, task: TabularTasks) -> Objective:
        return lambda logits: task.evaluate(logits.view(task.states, task.actions)).expected_return

    def _frozen_surrogate(self, task: TabularTasks, logits: torch.Tensor) -> Objective:
        """E[log pi Q] over the pairs that the policy of these logits visits, as it values them."""
        at = task.evaluate(logits.view(task.states, task.actions))
        weights = at.visitation[:, None] * at.policy * at.action_values / (1 - task.discount)
        return lambda moved: (weights * moved.view_as(weights).log_softmax(-1)).sum()

    def seconds(self) -> float:
        c = self.config
        return 1 + c.problems * c.tasks * c.states * c.actions * SECONDS


#: of one core, for each task and logit of a problem
SECONDS = 0.2


def _differences(objective: Objective, at: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Central differences of the objective in each coordinate, to fourth order."""
    steps = epsilon * torch.eye(len(at), dtype=at.dtype)
    near, far = (torch.stack([objective(at + k * step) - objective(at - k * step) for step in steps]) for k in (1, 2))
    return (8 * near - far) / (12 * epsilon)


def _maximum(objective: Objective, start: torch.Tensor) -> torch.Tensor:
    """By Newton's method.  Raises ValueError where it leads to no maximum."""
    point = start
    for _ in range(LARGEST_NEWTON_STEPS):
        matrix = hessian(objective, point)
        if torch.linalg.eigvalsh(matrix)[-1] >= 0:
            break
        step = torch.linalg.solve(matrix, jacobian(objective, point))
        point = point - step
        if step.norm() <= 1e-12 * (1 + point.norm()):
            return point
    raise ValueError("the proximal problem is not concave: proximal_weight must be larger")


def _mean(values: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(values)).mean(0)


def _error(found: torch.Tensor, exact: torch.Tensor) -> float:
    return float((found - exact).norm() / exact.norm())
