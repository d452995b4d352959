"""What cannot be tuned, and why: suites whose test tasks would choose, and algorithms that have nothing to choose."""

from __future__ import annotations

import copy

from algorithms.search_space import Space, search_space
from environments.discovery import ClassEntry
from environments.same_mdp import mdp_key
from environments.splits import Split
from environments.suite import Suite
from environments.task import Task
from environments.task_digest import task_digest, task_digests
from results.reference_scores import REFERENCE_ACCESS


def untunable_suite(suite: Suite) -> str | None:
    """One sentence if a task that a trial would use is a test task, by its parameters or by all that it does; None if
    none is.
    """
    test, mdps = task_digests(suite.split.test), {mdp_key(suite, task) for task in suite.split.test}
    for name in ("validation", "train"):
        tasks = suite.split.tasks(name)
        shared = sum(
            task_digest(task) in test or mdp_key(suite, task) in mdps or _does_as_one_of_test(suite, task)
            for task in tasks
        )
        if shared:
            which = "all" if shared == len(tasks) else f"{shared} of"
            return f"{which} its {len(tasks)} {name} tasks are test tasks too, so that its scores would choose"
    return None


def _does_as_one_of_test(suite: Suite, task: Task) -> bool:
    """Whether a suite that counts its different MDPs counts no further one with the task beside the test tasks."""
    if not hasattr(suite, "distinct_mdps"):
        return False

    def count(tasks: tuple[Task, ...]) -> int:
        held = copy.copy(suite)
        vars(held)["split"] = Split(train=(), validation=(), test=tasks)
        return held.distinct_mdps()

    return count((*suite.split.test, task)) == count(suite.split.test)


def untunable_algorithm(found: ClassEntry, suite: Suite, fresh: bool = True) -> str | None:
    """One sentence if there is nothing that could be chosen for it on the suite, or nothing that may be.

    fresh: by scores on fresh tasks; else on validation tasks.
    """
    cls = found.load()
    if getattr(cls, "scripted", False):  # what is no Algorithm at all is refused where it is run
        return "it is scripted and learns nothing"
    if REFERENCE_ACCESS & getattr(cls, "access", frozenset()):
        return "it is a reference that sees test tasks, or is told which one it is on"
    if not fresh and "validation" in getattr(cls, "access", frozenset()):
        return "it trains on validation tasks, whose scores would flatter it; --fresh 20 chooses by other tasks"
    if not searched_options(found, suite):
        return "it declares no option with a search space"
    return None


def searched_options(found: ClassEntry, suite: Suite) -> dict[str, Space]:
    """The spaces of its options on the suite."""
    import gymnasium

    tabular = isinstance(suite.observation_space, gymnasium.spaces.Discrete)
    return search_space(found.load().Config, tabular)
