"""Which variables an inner update moves and how far: all or a bias transform alone, by fixed or learned step sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from algorithms.algorithm import Config
from algorithms.optimisation.inner_update import with_step_sizes, without_step_sizes
from algorithms.policies.context_mlp import CONTEXT
from algorithms.policies.parameters import Parameters
from algorithms.search_space import NOT_NEGATIVE, unsearched
from environments.typed_options import option


@dataclass(frozen=True)
class AdaptedVariablesConfig(Config):
    """The supplement of GMPS (Mendonca et al. 2019), Appendices C and D; the defaults are MAML's."""

    # numbers appended to every observation, which are meta-parameters and adapted as such (Finn et al. 2017b); 0: none
    bias_dim: int = unsearched(0, "of MAML's variant; the papers' grids hold 2 and 4", domain=NOT_NEGATIVE, earlier=0)
    bias_start: float = unsearched(
        0.0, "where it starts, from which training leads it", domain=NOT_NEGATIVE, earlier=0.0
    )
    adapted_variables: Literal["all", "bias"] = option("all", earlier="all")
    # one for every scalar that is adapted, from `inner_step_size` on, trained with the meta-parameters
    learned_step_sizes: bool = option(False, earlier=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.adapted_variables == "bias" and not self.bias_dim:
            raise ValueError("adapted_variables=bias needs a bias transform; set bias_dim to 1 or more, as 2")

    def moved(self, parameters: Parameters) -> Parameters:
        """Those of the parameters that an inner update moves."""
        network = without_step_sizes(parameters)
        return {CONTEXT: network[CONTEXT]} if self.adapted_variables == "bias" else network

    def initial(self, parameters: Parameters, step_size: float) -> Parameters:
        """The meta-parameters, of a network's initial parameters."""
        if not self.learned_step_sizes:
            return parameters
        return with_step_sizes(parameters, self.moved(parameters), step_size)
