"""Controllers that know the task and solve it, to show that it can be solved within the horizon."""

from __future__ import annotations

import numpy as np

from environments.sawyer.arm import HIGH, LOW, REACH

#: in metres: the puck's radius, half a finger's width, from the hand to the front of the leading finger, and to a puck
#: that it is about to touch; how far the hand's target goes ahead of it, and how near to the goal it stops
RADIUS, HALF_WIDTH, REAR, TOUCHING, LEAD, ARRIVED = 0.02, 0.015, 0.058, 0.09, 0.12, 0.015
#: the goal's direction, as a sine, up to which it is pushed straight on
STRAIGHT = 0.1
#: where the door's hinge is, and how far out of the handle's middle the hand takes hold of it
HINGE = np.array([-0.185, 0.8])
HOLD = np.array([0.02, -0.01])


class Controller:
    """Leads the hand's target, which it remembers, from point to point; one row an environment."""

    def __init__(self, start: tuple[float, float, float], rows: int) -> None:
        self.target = np.tile(np.array(start), (rows, 1))

    def toward(self, wanted: np.ndarray) -> np.ndarray:
        """The action [row, 3] that leads the target straight there."""
        shift = (wanted - self.target) / REACH
        shift /= np.maximum(np.abs(shift).max(axis=1, keepdims=True), 1)
        self.target = np.clip(self.target + shift * REACH, LOW, HIGH)
        return shift


class Pusher(Controller):
    """Behind the puck on the side away from the goal, then on: a finger's flat end turns a round puck off its way.

    By its edge the finger pushes aside; how far it must stand beside the puck follows from where the goal is.
    """

    def __init__(self, start: tuple[float, float, float], goals: np.ndarray) -> None:
        super().__init__(start, len(goals))
        self.goals, self.height = goals, start[2]

    def __call__(self, observation: np.ndarray) -> np.ndarray:
        hand, puck = observation[:, :2], observation[:, 3:5]
        way = self.goals - puck
        left = np.linalg.norm(way, axis=1, keepdims=True)
        way = way / np.maximum(left, 1e-6)
        aside = np.sign(way[:, 0]) * (np.abs(way[:, 0]) > STRAIGHT) * HALF_WIDTH
        behind = puck - np.stack([aside, REAR + RADIUS * way[:, 1]], axis=1)
        touching = (puck[:, 1] - hand[:, 1] < TOUCHING)[:, None]
        wanted = np.where(touching, behind + way * np.minimum(left + 0.02, LEAD), behind)
        wanted = np.where(left < ARRIVED, self.target[:, :2], wanted)
        return self.toward(np.concatenate([wanted, np.full((len(hand), 1), self.height)], axis=1))


class Opener(Controller):
    """Over the handle, down until the fingers stand on both sides of it, then with it round the hinge."""

    def __init__(self, start: tuple[float, float, float], angles: np.ndarray) -> None:
        super().__init__(start, len(angles))
        self.angles, self.holding = angles, np.zeros(len(angles), dtype=bool)

    def __call__(self, observation: np.ndarray) -> np.ndarray:
        hand, handle = observation[:, :3], observation[:, 3:5]
        place = handle + HOLD
        above = np.linalg.norm(hand[:, :2] - place, axis=1) < 0.03
        self.holding |= above & (hand[:, 2] < 0.22)
        arm = handle - HINGE
        left = self.angles - self.opening(arm)
        cos, sin = np.cos(-left), np.sin(-left)
        turned = HINGE + np.stack([cos * arm[:, 0] - sin * arm[:, 1], sin * arm[:, 0] + cos * arm[:, 1]], axis=1)
        flat = np.where(self.holding[:, None], turned + hand[:, :2] - handle, place)
        height = np.where(above | self.holding, 0.19, 0.28)
        return self.toward(np.concatenate([flat, height[:, None]], axis=1))

    def opening(self, arm: np.ndarray) -> np.ndarray:
        """The door's angle, from where its handle is."""
        if not hasattr(self, "closed"):
            self.closed = np.arctan2(arm[:, 1], arm[:, 0])
        return self.closed - np.arctan2(arm[:, 1], arm[:, 0])
