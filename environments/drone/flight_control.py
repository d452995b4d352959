"""The velocity loop of the AR.Drone's flight controller, all drones at once, and the path that it is given to follow.

The loop is that of tum-vision/tum_simulator's simple controller: PID on the horizontal velocity gives the tilt, PID on
the vertical velocity the thrust.  The attitude loop beneath it runs inside the physics (`quadrotor`).
"""

from __future__ import annotations

import numpy as np

from environments.drone.quadrotor import GRAVITY, MASS, MAX_THRUST, MAX_TILT, PITCH, ROLL, THRUST

PERIOD = 0.02  # s between two commands: 50 Hz
MAX_SPEED = 2.0  # m/s in the plane
MAX_CLIMB = 0.5  # m/s up or down
#: (P, D) on the velocity error in the plane, 1/s and 1; vertically (D = 0: with 1 the height settles centimetres low)
PLANE_GAINS = (5.0, 1.0)
CLIMB_GAIN = 5.0
#: 1/s, from how far the drone is off its path to a velocity; below 5 the cascade of the three loops is well damped
PATH_GAIN = 4.0
HEIGHT_GAIN = 2.0


class FlightControl:
    """Commands for `count` drones, which remember the last command for the derivative terms.

    Angles are small and the yaw is held at 0, so that each axis of the plane has its own tilt.
    """

    def __init__(self, count: int, height: float) -> None:
        self._height = height
        self._wanted = np.zeros((count, 2))
        self._velocity = np.zeros((count, 2))
        self._tilt = np.zeros((count, 2))

    def reset(self) -> None:
        """All drones hover."""
        self._wanted[:] = self._velocity[:] = self._tilt[:] = 0.0

    def command(
        self, qpos: np.ndarray, qvel: np.ndarray, place: np.ndarray, velocity: np.ndarray, controls: np.ndarray
    ) -> None:
        """Write into `controls` [n, 7] what follows a path that is now at `place` and moves with `velocity` [n, 2].

        qpos [n, 7] (position, quaternion) and qvel [n, 6] are the drones' states, metres and m/s.
        """
        wanted = limited(velocity + PATH_GAIN * (place - qpos[:, :2]), MAX_SPEED)
        actual = qvel[:, :2].copy()
        proportional, derivative = PLANE_GAINS
        change = (wanted - self._wanted) - (actual - self._velocity)
        acceleration = proportional * (wanted - actual) + (derivative / PERIOD) * change
        tilt = limited(acceleration / GRAVITY, MAX_TILT)
        # the attitude's velocity set-point is the rate at which its position set-point moves
        rate = (tilt - self._tilt) / PERIOD
        self._wanted, self._velocity, self._tilt = wanted, actual, tilt
        controls[:, ROLL.start], controls[:, ROLL.start + 1] = -tilt[:, 1], -rate[:, 1]
        controls[:, PITCH.start], controls[:, PITCH.start + 1] = tilt[:, 0], rate[:, 0]

        climb = np.clip(HEIGHT_GAIN * (self._height - qpos[:, 2]), -MAX_CLIMB, MAX_CLIMB)
        lift = MASS * (CLIMB_GAIN * (climb - qvel[:, 2]) + GRAVITY)
        upright = 1.0 - 2.0 * (qpos[:, 4] ** 2 + qpos[:, 5] ** 2)  # cosine between the thrust and the vertical
        controls[:, THRUST] = np.clip(lift / np.maximum(upright, 0.5), 0.0, MAX_THRUST)


def limited(vectors: np.ndarray, length: float) -> np.ndarray:
    """The vectors [n, 2], shortened to `length` where they are longer."""
    size = np.sqrt(vectors[:, :1] ** 2 + vectors[:, 1:] ** 2)
    return vectors * (length / np.maximum(size, length))
