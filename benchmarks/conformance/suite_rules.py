"""`metarl check SUITE`: whether a suite keeps the rules without which no result on it could stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace

import torch

from benchmarks.conformance import batch_rules
from benchmarks.conformance.another_process import judge_processes
from benchmarks.conformance.batch_rules import Unexamined
from benchmarks.conformance.failing_line import failing_line
from benchmarks.conformance.rules import Finding
from benchmarks.conformance.trial import Violation
from environments.catalogue import parse_suite_name
from environments.suite import Suite
from environments.suite_declaration import NO_SPLIT, declaration_faults
from environments.task_digest import task_digests
from environments.typed_options import as_text, former_names, make_options

SUITE_RULES = {
    "metric": "the metric is one of the scores that are recorded",
    "tasks": "tasks are the same when asked again, and draw_task draws with its generator alone",
    "runs": "tasks, batches, resets and steps raise nothing",
    "shapes": "observations, rewards and flags are finite arrays, one entry an environment, of the types promised",
    "seeding": "a seed decides an episode, and where starts are drawn another seed draws others",
    "processes": "another process has the same tasks and plays the same episode",
    "global-generators": "no global random generator is moved",
    "ended-rows": "an episode that has ended stays as it was, and pays nothing, while others go on",
    "horizon": "the horizon truncates every episode that has not ended, and none earlier",
    "single": "each row of a batch is what a batch of one environment is, step by step",
    "rows": "what one row does changes no other",
    "set-tasks": "a batch that is given other tasks is as one that was made with them",
    "tasks-differ": "other tasks give other episodes",
    "unseen": "no test task is a training task",
    "options": "the full name, read again, is the same suite",
}


def check_suite(suite: Suite) -> list[Finding]:
    """Every rule, judged on a few tasks; one that cannot be judged has `passed` None and a reason."""
    torch.set_num_threads(1)
    name, findings = suite.full_name, dict[str, Finding]()
    try:
        for rule, reason in declaration_faults(suite):
            findings[rule] = Finding(name, rule, False, reason)
    except Exception as error:  # the suite's own, whatever it is
        findings["runs"] = Finding(name, "runs", False, _raised(error, suite))
    for rule in ("metric", "tasks"):
        findings.setdefault(rule, Finding(name, rule, True if "runs" not in findings else None))
    if findings["tasks"].reason.startswith(NO_SPLIT):  # the others need tasks
        return [findings.get(rule, Finding(name, rule, None)) for rule in SUITE_RULES]
    for rule, judge in _JUDGES.items():
        if any(findings[early].passed is False for early in ("runs", "shapes") if early in findings):
            break  # the others take both for granted
        if any(findings[early].passed is False for early in _AFTER.get(rule, ()) if early in findings):
            continue
        try:
            judge(suite)
        except Violation as violation:
            findings[rule] = Finding(name, rule, False, violation.reason)
        except Unexamined as reason:
            findings[rule] = Finding(name, rule, None, str(reason))
        except Exception as error:  # the suite's own, whatever it is
            findings["runs"] = Finding(name, "runs", False, _raised(error, suite, f", while {rule!r} was judged"))
        else:
            findings[rule] = Finding(name, rule, True)
    findings.setdefault("runs", Finding(name, "runs", True))
    return [findings.get(rule, Finding(name, rule, None)) for rule in SUITE_RULES]


def _raised(error: Exception, suite: Suite, when: str = "") -> str:
    return f"{type(error).__name__}: {error} ({failing_line(error, type(suite))}{when})"


def _judge_options(suite: Suite) -> None:
    cls, owner = type(suite.options), f"suite {suite.name}"
    if cls is not type(suite).Options:
        raise Violation("options", f"its options are {cls.__name__}, not {type(suite).Options.__name__}")
    first = next(iter(fields(suite.options))).name
    try:
        setattr(suite.options, first, getattr(suite.options, first))
        raise Violation("options", f"{cls.__name__} must be a frozen dataclass")
    except FrozenInstanceError:
        pass
    short = replace(suite.options, horizon=3, discount=0.5)
    for options in (suite.options, short):
        made = type(suite)(options)
        name, given = parse_suite_name(made.full_name)
        again = type(suite)(
            make_options(cls, {former_names(cls).get(key, key): value for key, value in given.items()}, owner)
        )
        for field in fields(cls):
            value, read = getattr(options, field.name), getattr(again.options, field.name)
            if value != read:
                raise Violation(
                    "options", f"{made.full_name} reads {field.name} as {as_text(read)}, not {as_text(value)}"
                )
        if name != suite.name or made.digest != again.digest:
            raise Violation("options", f"{made.full_name}, read again, is another suite")
    if (type(suite)(short).horizon, type(suite)(short).discount) != (3, 0.5):
        raise Violation("options", "horizon=3 or discount=0.5 is not taken over; call super().__init__(options)")


def _judge_unseen(suite: Suite) -> None:
    test, train = suite.split.test, task_digests(suite.split.train)
    shared = [task.id for task in test if task_digests([task]) <= train]
    if shared:  # as in papers of two directions; a copy by mistake is read here
        raise Unexamined(
            f"{len(shared)} of {len(test)} test tasks are training tasks, so that scores say nothing of new ones: "
            f"{', '.join(shared[:3])}{', ...' if len(shared) > 3 else ''}"
        )


_JUDGES: dict[str, Callable[[Suite], None]] = {
    "shapes": batch_rules.judge_shapes,
    "seeding": batch_rules.judge_seeding,
    "global-generators": batch_rules.judge_globals,
    "processes": judge_processes,
    "ended-rows": batch_rules.judge_ended_rows,
    "horizon": batch_rules.judge_horizon,
    "single": batch_rules.judge_single,
    "rows": batch_rules.judge_rows,
    "set-tasks": batch_rules.judge_set_tasks,
    "tasks-differ": batch_rules.judge_tasks_differ,
    "unseen": _judge_unseen,
    "options": _judge_options,
}
#: rules that say nothing more where others are broken
_AFTER = {
    "processes": ("tasks", "seeding", "global-generators"),
    "single": ("seeding",),
    "rows": ("seeding", "single"),
    "set-tasks": ("seeding",),
    "tasks-differ": ("seeding",),
}
