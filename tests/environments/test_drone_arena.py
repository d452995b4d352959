"""The drone's arena: the hit test against fine sampling, the task distribution, the committed split, the options."""

import numpy as np
import pytest

from environments.catalogue import make_suite
from environments.drone.arena import (
    Arena,
    entry,
    goal_centres,
    goal_distance,
    hits_box,
    obstacle_corners,
    unit_headings,
)
from environments.make_splits import make_split
from environments.splits import NAMES, check_distinct
from environments.streams import Streams
from environments.typed_options import UsageError

# a committed split never changes
DIGEST = "022fd90db69c6b96c2065d8302e5c6cc7236c47495fe4815b262a8e7e7e4697d"
LOW, HIGH = np.array([1.0, 2.0]), np.array([4.0, 3.0])


def segments(count, reach):
    """Starts and ends [count, 2] around the box, some of them along an axis, some single points."""
    draw = Streams(0).numpy("segments")
    start = draw.uniform(LOW - reach, HIGH + reach, (count, 2))
    end = start + draw.uniform(-reach, reach, (count, 2))
    kind = draw.integers(5, size=count)
    for axis in (0, 1):
        end[kind == axis, axis] = start[kind == axis, axis]
    end[kind == 2] = start[kind == 2]
    return start, end


def sampled_entry(start, end, points=2001):
    """The first of many points along each segment that is in the box, as a fraction; infinity for none."""
    fractions = np.linspace(0, 1, points)
    along = start[:, None] + fractions[:, None] * (end - start)[:, None]
    inside = ((along >= LOW) & (along <= HIGH)).all(axis=2)
    return np.where(inside.any(axis=1), fractions[inside.argmax(axis=1)], np.inf)


@pytest.mark.parametrize("reach", [0.1, 1.0, 5.0])
def test_the_hit_test_agrees_with_fine_sampling(reach):
    start, end = segments(1000, reach)
    low, high = np.tile(LOW, (1000, 1)), np.tile(HIGH, (1000, 1))
    exact, sampled = entry(start, end, low, high), sampled_entry(start, end)
    found = np.isfinite(sampled)
    assert found.any() and not found.all()
    assert np.isfinite(exact[found]).all()
    np.testing.assert_allclose(exact[found], sampled[found], atol=1 / 2000)
    # what sampling misses is a clipped corner, shorter than the distance between two samples
    only_exact = np.isfinite(exact) & ~found
    shrunk = hits_box(start, end, low + reach / 500, high - reach / 500)
    assert only_exact.mean() < 0.005 and not (only_exact & shrunk).any()
    np.testing.assert_array_equal(hits_box(start, end, low, high), np.isfinite(exact))


@pytest.mark.parametrize(
    ("start", "end", "fraction"),
    [
        ((0, 2.5), (2, 2.5), 0.5),
        ((2, 2.5), (2, 2.5), 0),  # a point inside
        ((0, 2.5), (0, 2.5), np.inf),  # a point outside
        ((1, 2.5), (1, 2.5), 0),  # a point on the edge: the box is closed
        ((1, 0), (1, 4), 0.5),  # along the line of an edge
        ((0.999, 0), (0.999, 4), np.inf),
        ((0, 1), (2, 3), 0.5),  # through a corner
        ((0, 3), (2, 3), 0.5),  # along the upper edge
        ((2, 2.5), (9, 9), 0),
        ((0, 2.5), (0.9, 2.5), np.inf),  # ends before the box
        ((5, 2.5), (9, 2.5), np.inf),  # starts behind it
    ],
)
def test_the_first_touch_is_where_the_segment_meets_the_closed_box(start, end, fraction):
    arguments = [np.array([value], dtype=np.float64) for value in (start, end, LOW, HIGH)]
    np.testing.assert_allclose(entry(*arguments), [fraction], atol=1e-12)


def test_boxes_lie_where_the_paper_puts_them():
    arena = Arena()
    assert arena.margin == 0.26
    low, high = arena.goal_boxes(np.array([[2.0, 10.5]]))
    assert (low.tolist(), high.tolist()) == ([[1.5, 10.0]], [[2.5, 11.0]])
    low, high = arena.obstacle_boxes(np.array([[2.0, 4.5]]))
    assert (low.tolist(), high.tolist()) == ([[2.0, 4.5]], [[5.0, 5.5]])
    low, high = arena.obstacle_boxes(np.array([[2.0, 4.5]]), 0.25)
    assert (low.tolist(), high.tolist()) == ([[1.75, 4.25]], [[5.25, 5.75]])


def test_the_distance_to_the_goal_is_that_to_the_nearest_point_of_its_square():
    positions = np.array([[2.0, 2.5], [0.0, 2.5], [5.0, 2.5], [2.0, 0.0], [4.0 + 3, 3.0 + 4]])
    low, high = np.tile(LOW, (5, 1)), np.tile(HIGH, (5, 1))
    np.testing.assert_allclose(goal_distance(positions, low, high), [0, 1, 1, 2, 5])


def test_headings_have_length_one_without_their_vertical_part():
    actions = np.array([[0.3, 0.4, 100], [0, 0, 1], [0, -1e-30, 0]], dtype=np.float32)
    np.testing.assert_allclose(unit_headings(actions), [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-6)


def test_the_committed_split_is_the_one_that_is_drawn_and_never_changes():
    suite = make_suite("drone-obstacles")
    assert suite.split.digest == DIGEST == make_split(suite).digest
    assert [len(suite.split.tasks(name)) for name in NAMES] == [50, 10, 20]
    check_distinct([task for name in NAMES for task in suite.split.tasks(name)])


def test_drawn_tasks_fill_the_papers_ranges():
    suite = make_suite("drone-obstacles")
    draw = Streams(1).numpy("tasks")
    tasks = [suite.draw_task(draw, "drawn") for _ in range(1000)]
    goals, corners = goal_centres(tasks), obstacle_corners(tasks)
    for values, low, high in ((goals, (0.5, 10), (6.5, 11)), (corners, (0, 4), (4, 5))):
        assert (values >= low).all() and (values <= high).all()
        span = np.subtract(high, low)
        np.testing.assert_allclose(values.min(axis=0), low, atol=0.02 * span.max())
        np.testing.assert_allclose(values.max(axis=0), high, atol=0.02 * span.max())


def shortest_path(task, options):
    """Length of the shortest way of the hull's centre to the goal square: straight, or past the obstacle's corners."""
    low, high = (box[0] for box in options.arena.obstacle_boxes(obstacle_corners([task]), options.inflate))
    goal_low, goal_high = (box[0] for box in options.arena.goal_boxes(goal_centres([task])))
    (least, _), (greatest, _) = options.flyable
    across = np.linspace(max(goal_low[0], least), min(goal_high[0], greatest), 300)
    ends = np.stack([across, np.full(300, goal_low[1])], axis=1)  # the near edge: the square is always above

    def free(start, points):
        shrunk = [np.broadcast_to(corner, points.shape) for corner in (low + 1e-9, high - 1e-9)]
        return ~hits_box(np.broadcast_to(start, points.shape), points, *shrunk)

    best = np.inf
    sides = [side for side in (low[0], high[0]) if least <= side <= greatest]
    for waypoints in [[], *([[side, edge]] for side in sides for edge in (low[1], high[1])),
                      *([[side, low[1]], [side, high[1]]] for side in sides)]:  # fmt: skip
        place, length, possible = np.array(options.start), 0.0, True
        for waypoint in np.array(waypoints).reshape(-1, 2):
            possible &= bool(free(place, waypoint[None])[0])
            place, length = waypoint, length + np.linalg.norm(waypoint - place)
        if possible:
            last = np.where(free(place, ends), np.linalg.norm(ends - place, axis=1), np.inf)
            best = min(best, length + last.min())
    return best


def test_every_goal_is_reached_in_93_decisions_on_average_and_105_at_most():
    suite = make_suite("drone-obstacles")
    draw = Streams(2).numpy("tasks")
    tasks = [task for name in NAMES for task in suite.split.tasks(name)]
    tasks += [suite.draw_task(draw, "drawn") for _ in range(400)]
    decisions = np.ceil([shortest_path(task, suite.options) / suite.options.step_length for task in tasks])
    assert 92.5 <= decisions.mean() <= 94
    assert 100 <= decisions.max() <= 105


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("width=6", "width must be at least 7, which obstacles and goals span, got 6"),
        ("length=11", "length must be at least 11.5, where the farthest goals end, got 11"),
        ("inflate=-1", "inflate must be at least 0 and below 1, got -1"),
        ("step_length=0", "step_length must be above 0, got 0"),
        ("height=-1", "height must be above 0, got -1"),
        ("shaping_weight=-0.1", "shaping_weight must be at least 0, got -0.1"),
        ("start=0:1", "start must be within 0.26:0.26 and 6.74:11.74, got 0:1"),
    ],
)
def test_an_impossible_option_is_refused_in_one_line(options, message):
    with pytest.raises(UsageError) as error:
        make_suite(f"drone-obstacles[{options}]")
    assert str(error.value) == f"suite drone-obstacles: {message}"
