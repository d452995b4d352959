"""The shortest way around the obstacle: what makes a function of the place that distance and no other."""

import numpy as np

from environments.drone.arena import Arena, goal_distance, hits_box
from environments.drone.shortest_way import TOUCH, ShortestWay
from environments.streams import Streams

FLYABLE = (0.26, 0.26), (6.74, 11.74)


def places(count):
    """Goal squares, grown obstacles, and places outside the obstacle, each drawn for itself."""
    draw = Streams(0).numpy("places")
    arena = Arena()
    goals = arena.goal_boxes(draw.uniform([0.5, 10], [6.5, 11], (count, 2)))
    obstacles = arena.obstacle_boxes(draw.uniform([0, 4], [4, 5], (count, 2)), 0.26)
    positions = draw.uniform(*FLYABLE, (count, 2))
    outside = ~((obstacles[0] < positions) & (positions < obstacles[1])).all(axis=1)
    low, high = ((value[0][outside], value[1][outside]) for value in (goals, obstacles))
    return low, high, positions[outside], draw


def crosses(start, end, obstacles):
    return hits_box(start, end, obstacles[0] + TOUCH, obstacles[1] - TOUCH)


def test_it_is_the_straight_distance_where_nothing_stands_between_and_longer_elsewhere():
    goals, obstacles, positions, _ = places(4_000)
    distance = ShortestWay(goals, obstacles, FLYABLE)(positions)
    straight = goal_distance(positions, *goals)
    blocked = crosses(positions, np.clip(positions, *goals), obstacles)
    assert 500 < blocked.sum() < 3_500
    assert (distance[~blocked] == straight[~blocked]).all()
    assert (distance[blocked] > straight[blocked]).all() and np.isfinite(distance).all()


def test_it_changes_by_no_more_than_a_free_step_is_long():
    goals, obstacles, positions, draw = places(40_000)
    way = ShortestWay(goals, obstacles, FLYABLE)
    ends = np.clip(positions + draw.normal(0, 0.5, positions.shape), *FLYABLE)
    free = ~crosses(positions, ends, obstacles)
    change = np.abs(way(ends) - way(positions)) - np.hypot(*(ends - positions).T)
    assert free.sum() > 20_000
    assert change[free].max() < 1e-7
    assert change[~free].max() > 0.1


def test_a_flight_downhill_is_as_long_as_it_says_and_meets_no_obstacle():
    goals, obstacles, positions, _ = places(600)
    way = ShortestWay(goals, obstacles, FLYABLE)
    promised, flown, step = way(positions), np.zeros(len(positions)), 0.02
    angles = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    headings = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for _ in range(int(promised.max() / step) + 60):
        flying = way(positions) > step
        if not flying.any():
            break
        tried = np.clip(positions + step * headings[:, None], *FLYABLE)
        lengths = np.array([np.where(crosses(positions, end, obstacles), np.inf, way(end)) for end in tried])
        best = tried[lengths.argmin(axis=0), np.arange(len(positions))]
        flown += np.where(flying, np.hypot(*(best - positions).T), 0)
        positions = np.where(flying[:, None], best, positions)
    assert not flying.any()
    np.testing.assert_allclose(flown, promised, rtol=0.01, atol=0.05)


def test_a_side_that_the_wall_closes_is_no_way():
    arena = Arena()
    goals, obstacles = arena.goal_boxes(np.array([[1.0, 10.5]])), arena.obstacle_boxes(np.array([[0.4, 4.0]]), 0.26)
    position = np.array([[0.3, 1.0]])
    round_the_right = np.hypot(3.66 - 0.3, 2.74) + 1.52 + goal_distance(np.array([[3.66, 5.26]]), *goals)
    np.testing.assert_allclose(ShortestWay(goals, obstacles, FLYABLE)(position), round_the_right)
