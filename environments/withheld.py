"""A suite without its test tasks, for what may not be chosen on them: they are neither in its split nor let through."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from environments.suite import Suite
from environments.task_digest import task_digests


def without_test_tasks(suite: Suite) -> Suite:
    """The same suite, whose split has no test task and whose `withheld` holds the digests of those that it had.

    So has its `training_suite`, where that is another suite.
    """
    return _trimmed(suite, task_digests(suite.split.test))


def _trimmed(suite: Suite, withheld: frozenset[str]) -> Suite:
    cls, split, training = type(suite), suite.split, suite.training_suite
    # an attribute of a class of its own stands before any kind of property of the suite's
    own: dict[str, Any] = {"split": replace(split, test=()), "withheld": withheld, "__module__": cls.__module__}
    if training is not suite:
        own["training_suite"] = _trimmed(training, withheld | task_digests(training.split.test))
    trimmed = copy.copy(suite)
    trimmed.__dict__.pop("split", None)
    trimmed.__class__ = type(cls.__name__, (cls,), own)
    return trimmed
