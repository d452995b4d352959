"""What a policy and its action distribution must offer: the door between algorithms and collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    import torch

    from environments.streams import Streams


class Previous(NamedTuple):
    """What came before the present observation, for recurrent and context policies; zeros at an episode's first step.

    An episode that has ended stays in the batch: its observation is its last, its reward 0, and its action counts for
    nothing.
    """

    action: torch.Tensor  # [task, trajectory, *action], as drawn
    reward: torch.Tensor  # float32 [task, trajectory]
    start: bool  # True at an episode's first step
    alive: torch.Tensor  # bool [task, trajectory], whether the episode goes on with the present step


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
    """Acts for all tasks and trajectories at once; may keep a state through an episode.

    Within a batch a trajectory sees itself alone: neither the others of its task nor other tasks.  Between batches an
    adapted policy may use everything of its own task's, never another's.  `metarl check` enforces it; a method whose
    paper lets the trajectories of a task see each other declares the access "siblings".
    """

    def begin(self, tasks: int, trajectories: int, stream: Streams) -> Any:
        """The state at an episode's start (for example one latent draw per episode); None if stateless.

        A state with an attribute `latent` [task, trajectory, ...] has it stored in the batch.
        """

    def act(self, observation: torch.Tensor, previous: Previous, state: Any) -> tuple[Distribution, Any]:
        """Action distribution for observation [task, trajectory, *shape], and the next state."""
