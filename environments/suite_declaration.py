"""What a suite must say rightly before anything runs on it: its metric, and tasks that are the same asked again."""

from __future__ import annotations

from collections.abc import Iterator

from environments.splits import NAMES, Split
from environments.streams import Streams
from environments.suite import METRICS, Suite
from environments.task import Task
from environments.typed_options import UsageError, nearest

#: how the reason begins where there are no tasks at all
NO_SPLIT = "it has no split"


def check_declaration(suite: Suite) -> None:
    """Raises UsageError, naming the rule that `metarl check` has for it, for a suite on which no result could stand."""
    for rule, reason in declaration_faults(suite):
        raise UsageError(f"suite {suite.name} breaks {rule!r}: {reason}")


def declaration_faults(suite: Suite) -> Iterator[tuple[str, str]]:
    """Rule and reason of each fault that is found without simulating anything."""
    if suite.metric not in METRICS:
        yield "metric", f"metric {suite.metric!r} is none of the scores; {nearest(suite.metric, METRICS)}"
    try:
        reason = _task_fault(suite)
    except FileNotFoundError as error:
        reason = (
            f"{NO_SPLIT}: there is no {error.filename}; in a file of your own give it the property `split`, by "
            f"environments.make_splits.make_split; within this repository draw it by `python -m "
            f"environments.make_splits {suite.name}`"
        )
    except ValueError as error:  # a stored digest that does not match, a distribution that is too small
        reason = str(error)
    if reason is not None:
        yield "tasks", reason


def _task_fault(suite: Suite) -> str | None:
    again = type(suite)(suite.options)
    if suite.split.digest != again.split.digest:
        return _unlike("its split holds other tasks when it is read again", suite.split, again.split)
    whole, whole_again = suite.all_tasks(), again.all_tasks()
    if whole != whole_again:
        return "all_tasks lists other tasks when it is asked again"
    drawn = [suite.draw_task(Streams(0).numpy("tasks"), "drawn") for _ in range(2)]
    if drawn[0] != drawn[1]:
        return (
            "draw_task draws another task from the same generator: "
            f"{_short(drawn[0])}, then {_short(drawn[1])}; it must draw with the generator that it is given alone"
        )
    for name in NAMES:
        ids = [task.id for task in suite.split.tasks(name)]
        if len(set(ids)) != len(ids) or not ids:
            return f"the {name} split has {'no task' if not ids else 'two tasks of one id'}"
    return None


def _unlike(what: str, first: Split, second: Split) -> str:
    for name in NAMES:
        for one, other in zip(first.tasks(name), second.tasks(name), strict=False):
            if one != other:
                return f"{what}: {one.id} is {_short(one)}, then {_short(other)}"
    return what


def _short(task: Task) -> str:
    text = str(dict(task.parameters))
    return text if len(text) <= 60 else f"{text[:57]}..."
