"""A task as a world in the Simulation Description Format (SDF 1.9), which Gazebo opens.

`python -m environments.drone.sdf drone-obstacles test-00 test-01 --output worlds` writes one file per task.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from environments.catalogue import make_suite
from environments.drone.drone_options import DroneOptions
from environments.single import find_task
from environments.task import Task
from environments.typed_options import UsageError

#: heights of obstacle and walls as multiples of the height of flight: nothing passes above them
OBSTACLE_HEIGHT, WALL_HEIGHT = 2.0, 2.5
WALL_THICKNESS, GOAL_THICKNESS = 0.1, 0.01
#: AR.Drone 2.0 as in tum-vision/tum_simulator: kg, and kg m^2 about the axes
MASS, INERTIA = 1.477, (0.01152, 0.01152, 0.0218)

GREY, RED, GREEN, WHITE, BLACK = "0.6 0.6 0.6 1", "0.8 0.1 0.1 1", "0.1 0.7 0.2 1", "0.9 0.9 0.9 1", "0.1 0.1 0.1 1"


def world_sdf(task: Task, options: DroneOptions) -> str:
    """The task's arena as the text of an SDF 1.9 world, metres, in the suite's own coordinates.

    Ground, four walls whose inner faces bound the arena, the obstacle, the goal as a mark without collisions, a sun,
    and the drone at its start: a box of the hull's size with the AR.Drone's mass and inertia, without a controller.
    """
    arena = options.arena
    root = Element("sdf", version="1.9")
    world = SubElement(root, "world", name=task.id)
    _add_sun(world)
    _add_ground(world)

    tall, side = WALL_HEIGHT * arena.height, arena.length + 2 * WALL_THICKNESS
    middle, outside = (arena.width / 2, arena.length / 2), WALL_THICKNESS / 2
    for name, x, y, width, length in (
        ("wall_left", -outside, middle[1], WALL_THICKNESS, side),
        ("wall_right", arena.width + outside, middle[1], WALL_THICKNESS, side),
        ("wall_near", middle[0], -outside, arena.width, WALL_THICKNESS),
        ("wall_far", middle[0], arena.length + outside, arena.width, WALL_THICKNESS),
    ):
        _add_box(world, name, (x, y, tall / 2), (width, length, tall), GREY)

    (x, y), (width, length) = task.parameters["obstacle"], arena.obstacle_size
    tall = OBSTACLE_HEIGHT * arena.height
    _add_box(world, "obstacle", (x + width / 2, y + length / 2, tall / 2), (width, length, tall), RED)
    goal = (*task.parameters["goal"], GOAL_THICKNESS / 2)
    _add_box(world, "goal", goal, (*arena.goal_size, GOAL_THICKNESS), GREEN, solid=False)

    drone = _add_box(world, "drone", (*arena.start, arena.height), arena.hull, BLACK, static=False)
    inertial = Element("inertial")
    SubElement(inertial, "mass").text = f"{MASS:g}"
    moments = SubElement(inertial, "inertia")
    for axes, value in zip(("ixx", "iyy", "izz"), INERTIA, strict=True):
        SubElement(moments, axes).text = f"{value:g}"
    for axes in ("ixy", "ixz", "iyz"):
        SubElement(moments, axes).text = "0"
    drone.insert(0, inertial)

    ElementTree.indent(root)
    return f'<?xml version="1.0"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def export(suite_name: str, task_ids: Sequence[str], folder: Path) -> list[Path]:
    """Write `<suite>-<task>.sdf` into the folder for every task; all names are checked before any is written.

    Raises UsageError for an unknown suite or task, or a suite that is not the drone's.
    """
    suite = make_suite(suite_name)
    if not isinstance(suite.options, DroneOptions):
        raise UsageError(f"suite {suite.name!r} has no drone; exported are tasks of drone-obstacles")
    worlds = {f"{suite.name}-{name}.sdf": world_sdf(find_task(suite, name), suite.options) for name in task_ids}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in worlds.items():
        (folder / name).write_text(text)
    return [folder / name for name in worlds]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m environments.drone.sdf", description=__doc__.splitlines()[0])
    parser.add_argument("suite", help="drone-obstacles, with options in brackets")
    parser.add_argument("tasks", nargs="+", metavar="TASK-ID", help="such as test-00")
    parser.add_argument("--output", type=Path, default=Path("worlds"), help="the folder to write to (worlds)")
    chosen = parser.parse_args(arguments)
    try:
        for path in export(chosen.suite, chosen.tasks, chosen.output):
            print(path)
    except (UsageError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _add_sun(world: Element) -> None:
    light = SubElement(world, "light", type="directional", name="sun")
    for tag, text in {
        "cast_shadows": "true",
        "pose": "0 0 10 0 0 0",
        "diffuse": "0.8 0.8 0.8 1",
        "specular": "0.2 0.2 0.2 1",
        "direction": "-0.5 0.1 -0.9",
    }.items():
        SubElement(light, tag).text = text


def _add_ground(world: Element) -> None:
    link = _add_link(world, "ground", (0.0, 0.0, 0.0), static=True)
    for tag in ("collision", "visual"):
        shape = SubElement(link, tag, name=tag)
        plane = SubElement(SubElement(shape, "geometry"), "plane")
        SubElement(plane, "normal").text = "0 0 1"
        SubElement(plane, "size").text = "100 100"
    _paint(shape, WHITE)


def _add_box(
    world: Element,
    name: str,
    centre: Sequence[float],
    size: Sequence[float],
    colour: str,
    *,
    static: bool = True,
    solid: bool = True,
) -> Element:
    """The link of a model that is one box."""
    link = _add_link(world, name, centre, static=static)
    for tag in ("collision", "visual") if solid else ("visual",):
        shape = SubElement(link, tag, name=tag)
        SubElement(SubElement(SubElement(shape, "geometry"), "box"), "size").text = _numbers(size)
    _paint(shape, colour)
    return link


def _add_link(world: Element, name: str, centre: Sequence[float], *, static: bool) -> Element:
    model = SubElement(world, "model", name=name)
    SubElement(model, "static").text = "true" if static else "false"
    SubElement(model, "pose").text = f"{_numbers(centre)} 0 0 0"
    return SubElement(model, "link", name="link")


def _paint(visual: Element, colour: str) -> None:
    material = SubElement(visual, "material")
    for tag in ("ambient", "diffuse"):
        SubElement(material, tag).text = colour


def _numbers(values: Sequence[float]) -> str:
    return " ".join(f"{value:.9g}" for value in values)


if __name__ == "__main__":
    sys.exit(main())
