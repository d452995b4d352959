"""What a policy and its action distribution must offer: the door between algorithms and collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    import torch

    from environments.streams import Streams


class Previous(NamedTuple):
    """What came before the present observation, for recurrent and context policies."""

    action: torch.Tensor | None  # [task, trajectory, *action], None at the first step
    reward: torch.Tensor | None  # [task, trajectory], None at the first step
    start: bool  # True at an episode's first step


class Distribution(Protocol):
    """A distribution over actions for [task, trajectory, ...] observations.

    `parameters` are tensors that determine it wholly: `from_parameters(d.parameters)` equals d.
    """

    @property
    def parameters(self) -> dict[str, torch.Tensor]: ...
    @classmethod
    def from_parameters(cls, parameters: dict[str, torch.Tensor]) -> Self: ...
    def sample(self, generator: torch.Generator) -> torch.Tensor: ...
    def log_prob(self, action: torch.Tensor) -> torch.Tensor: ...
    def entropy(self) -> torch.Tensor: ...
    def kl(self, other: Self) -> torch.Tensor: ...  # KL(self || other) per element
    def fisher_product(self, tangent: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]: ...  # in `parameters`


class Policy(Protocol):
    """Acts for all tasks and trajectories at once; may keep a state through an episode."""

    def begin(self, tasks: int, trajectories: int, stream: Streams) -> Any:
        """The state at an episode's start (for example one latent draw per episode); None if stateless.

        A state with an attribute `latent` [task, trajectory, ...] has it stored in the batch.
        """

    def act(self, observation: torch.Tensor, previous: Previous, state: Any) -> tuple[Distribution, Any]:
        """Action distribution for observation [task, trajectory, *shape], and the next state."""
