"""Typed options of the locomotion suites; a suite's own dataclass gives them its defaults."""

from __future__ import annotations

from dataclasses import dataclass

from environments.suite import SuiteOptions

DYING_PAYS = (
    "this option can be exploited: rewards are negative until the task is nearly solved, and an episode that ends "
    "early has fewer of them, so that falling at once earns more than standing or slow progress"
)


@dataclass(frozen=True)
class LocomotionOptions(SuiteOptions):
    """The policy acts in [-action_scale, action_scale], mapped linearly to the motors' range and clipped there.

    10 is what ProMP, TMAML and garage do, 1 what the original MAML and GMPS do.
    `control_cost` weighs the squared norm of what is sent to the motors.
    `normalise_observations`: shift and scale each observed number by the robot's fixed statistics and clip at 5 (see
    `observation_statistics`).  BO-MRL's code does so with a running filter, whose statistics follow the policy; fixed
    ones keep the suite one and the same for every algorithm, and a run resumable without a filter's state.
    """

    action_scale: float = 10.0
    control_cost: float = 0.0
    normalise_observations: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.action_scale <= 0:
            raise ValueError(f"action_scale must be above 0, got {self.action_scale}")


@dataclass(frozen=True)
class HealthOptions(LocomotionOptions):
    """`terminate`: whether an episode ends when the robot is not healthy by gymnasium's test."""

    terminate: bool = True


@dataclass(frozen=True)
class ContactOptions(HealthOptions):
    """`contact_cost` weighs the squared contact forces; at 0 they are not computed, which is 3 % faster.

    `height_range`: healthy heights of the torso in metres, gymnasium's by default (ProMP's ant: 0:1).
    """

    contact_cost: float = 5e-4
    height_range: tuple[float, float] = (0.2, 1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("height_range", self.height_range)


@dataclass(frozen=True)
class VelocityOptions(LocomotionOptions):
    """`velocity_range`: m/s, of tasks drawn from the distribution; the fixed split keeps the suite's default."""

    velocity_range: tuple[float, float] = (0.0, 2.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("velocity_range", self.velocity_range)


def dying_pays(options: LocomotionOptions) -> tuple[str, ...]:
    """The caution of a suite of mostly negative rewards under these options; none where its episodes never end."""
    return (DYING_PAYS,) if isinstance(options, HealthOptions) and options.terminate else ()


def check_range(name: str, value: tuple[float, float]) -> None:
    """Raises ValueError unless low < high."""
    if not value[0] < value[1]:
        raise ValueError(f"{name} must be low:high with low < high, got {value[0]:g}:{value[1]:g}")
