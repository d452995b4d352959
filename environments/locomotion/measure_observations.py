"""`python -m environments.locomotion.measure_observations` measures what robots observe under random controls.

It wrote `observation_statistics.json`.
"""

from __future__ import annotations

import json

import numpy as np

from environments.catalogue import make_suite
from environments.locomotion.locomotion import LocomotionBatch
from environments.locomotion.observation_statistics import FILE, ObservationStatistics
from environments.streams import Streams

#: what never varies under random controls (a body's mass) is left unscaled
SMALLEST = 1e-3
EPISODES, STEPS, SEED = 200, 200, 20260101
#: the suite in which each robot is measured
SUITES = {
    "half_cheetah": "half-cheetah-velocity[action_scale=1]",
    "ant": "ant-velocity[action_scale=1,terminate=false]",
    "hopper": "hopper-velocity[action_scale=1]",
    "walker2d_v5": "walker2d-velocity[action_scale=1]",
    "swimmer": "swimmer-velocity[action_scale=1]",
    "humanoid": "humanoid-direction[action_scale=1,terminate=false]",
}


def measure(robot: str) -> ObservationStatistics:
    """Over 200 episodes of 200 steps under controls uniform in the motors' range; falling ends no episode.

    The place is that of a robot spread over goals up to 3 m away: mean 0, deviation 3.
    """
    suite = make_suite(SUITES[robot])
    env = suite.make_batch(1, EPISODES)
    assert isinstance(env, LocomotionBatch)
    env.set_tasks(suite.split.train[:1])
    streams = Streams(SEED).child(robot)
    generator = streams.numpy("controls")
    raw, _ = env.reset(seed=streams.integer("reset"))
    rows = [raw]
    space = env.single_action_space
    for _ in range(STEPS):
        raw, *_ = env.step(generator.uniform(-1, 1, (EPISODES, *space.shape)))  # type: ignore[misc]  # a Box has one
        rows.append(raw)
    seen = np.concatenate(rows)
    place = 0 if env.suite.observes_position else env.robot.root
    mean, deviation = seen.mean(0), seen.std(0)
    deviation[deviation < SMALLEST] = 1.0
    return ObservationStatistics(
        np.concatenate([np.zeros(place), mean]).round(6), np.concatenate([np.full(place, 3.0), deviation]).round(6)
    )


def main() -> None:
    stored = {}
    for robot in SUITES:
        statistics = measure(robot)
        stored[robot] = {"mean": statistics.mean.tolist(), "deviation": statistics.deviation.tolist()}
        print(robot, len(statistics.mean))
    FILE.write_text(json.dumps(stored) + "\n")


if __name__ == "__main__":
    main()
