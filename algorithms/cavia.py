"""CAVIA: adaptation of a context vector alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from algorithms.curvature.adapted_fisher import Jacobian, inner_steps
from algorithms.maml_trpo import MamlTrpo
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, PolicyConfig, Seen
from algorithms.optimisation.inner_update import inner_update
from algorithms.optimisation.trust_region import TrustRegionConfig
from algorithms.policies.context_mlp import CONTEXT, ContextMLP
from algorithms.policies.parameters import Parameters
from algorithms.search_space import COUNT, LogRange, searched, unsearched


@dataclass(frozen=True)
class CaviaConfig(TrustRegionConfig, PolicyConfig):
    """No `inner_step_size`: profiles set it to what suits all of a network's parameters (0.1; 300 for a table of
    logits), while the context's step has the scale of an input (1 in the paper), so it goes by its own name."""

    # the default of the authors' code for reinforcement learning
    context_size: int = unsearched(
        50, "the authors'; a larger context adapts as a larger step does, which is searched", domain=COUNT
    )
    # of the inner update, on the context alone
    context_step_size: float = searched(1.0, LogRange(0.3, 30.0), tabular=LogRange(1.0, 100.0))


class Cavia(MamlTrpo):
    """MAML on a context vector: the inner update moves an input of the network alone, outer TRPO trains the network.

    The context is 0 before adaptation and no meta-parameter: the first layer's bias is one for it.
    """

    name = "cavia"
    paper = "Zintgraf, Shiarlis, Kurin, Hofmann and Whiteson 2019, arXiv:1810.03642"
    Config = CaviaConfig
    network: ContextMLP

    def make_network(self) -> ContextMLP:
        config, spaces = self.config, (self.problem.observation_space, self.problem.action_space)
        return ContextMLP(*spaces, config.hidden, config.context_size, config.initial_std, config.activation)

    def adapted(
        self,
        parameters: Parameters,
        batches: Sequence[AdaptationBatch],
        differentiable: bool,
        seen: Seen | None = None,
    ) -> Parameters:
        """The same parameters [task, ...] with a context [task, size] after an inner update on each batch.

        It starts from the context in `parameters`, or from 0 where there is none.
        """
        network = {name: value for name, value in parameters.items() if name != CONTEXT}
        if not differentiable:
            network = {name: value.detach() for name, value in network.items()}
        context = {CONTEXT: self._context(parameters)}
        for batch in batches:
            context = inner_update(
                lambda moved, batch=batch: self.inner_value(batch, seen)({**network, **moved}),  # type: ignore[misc]
                context,
                self.config.context_step_size,
                differentiable,
            )
        return {**network, **context}

    def jacobians(self, start: Parameters, batches: Sequence[AdaptationBatch]) -> tuple[Sequence[Jacobian], Parameters]:
        step_size = {CONTEXT: self.config.context_step_size}
        return inner_steps(
            [partial(self.hessian, batch) for batch in batches], {**start, CONTEXT: self._context(start)}, step_size
        )

    def _context(self, parameters: Parameters) -> Any:
        if CONTEXT in parameters:
            return parameters[CONTEXT]
        first = parameters["weight0"]
        return self.network.start(len(first), first.dtype).requires_grad_()
