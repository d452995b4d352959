"""`metarl check`: whether an algorithm keeps the rules that make its results comparable and repeatable."""

from __future__ import annotations

import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from algorithms.algorithm import Algorithm
from algorithms.search_space import faults
from benchmarks.conformance.neighbours import check_neighbours, check_neighbours_late
from benchmarks.conformance.small_parents import small_config, small_parents
from benchmarks.conformance.trial import Refused, Trial, Violation
from benchmarks.planning.fitting import misfit
from environments.catalogue import make_suite, parse_suite_name
from environments.discovery import ClassEntry
from environments.problem import Parent
from environments.suite import Suite
from environments.typed_options import UsageError
from results.checkpoints import load_checkpoint, refuse_other_types, save_checkpoint

#: a discrete suite with an exact model and a continuous one
SUITES = ("frozen-lake-low", "half-cheetah-velocity")
HORIZON = 10
#: environment steps: no multiple of a meta-iteration, so that the last one does not fit
BUDGET = 799
#: how often the budget is raised eightfold for an algorithm whose first meta-iteration does not fit, or says so
RAISES = 4
#: meta-iterations before the state is saved: after a single one, too much of a state is still alike
SAVED_AFTER = 2
#: how much more of a budget there is where its end must not come in between
ROOM = 10
#: in place of a rule where an algorithm does not fit a suite, which breaks none
LEFT_OUT = "left out"

RULES = {
    "runs": "training, adaptation, saving and loading raise nothing",
    "action-shape": "actions and their densities have the shapes and the type of the action space",
    "not-finite": "metrics, actions and state are finite",
    "forbidden-task": "no task, parameter or model is used without access to it",
    "budget": "every environment step is charged, and training ends when the budget is spent",
    "unseeded-randomness": "the same run twice is the same",
    "reload": "an instance loaded from a saved state continues as the saved one does",
    "neighbours": "within a batch a trajectory sees itself alone, between batches its own task alone",
    "search-space": "every numeric option declares the values that tuning tries, or why it is not tuned",
}
#: is read off the class, whatever comes of its runs
DECLARED = "search-space"


@dataclass(frozen=True)
class Finding:
    """`passed` is None where an earlier failure left the rule unexamined, and where `rule` is `LEFT_OUT`."""

    suite: str
    rule: str
    passed: bool | None
    reason: str = ""


def check(found: ClassEntry, suites: Sequence[str] = SUITES) -> list[Finding]:
    """Every rule on a tiny version of each suite.

    A suite that the algorithm says it does not fit, or whose options its constructor refuses by UsageError, is left
    out with one finding that says why.  Raises UsageError if all are, or if the file has no `Algorithm` to check.
    """
    cls = found.load()
    if not (isinstance(cls, type) and issubclass(cls, Algorithm)):
        raise UsageError(f"{found.class_name} in {found.module} is no subclass of algorithms.algorithm.Algorithm")
    config = small_config(found)
    findings: list[Finding] = []
    for text in suites:
        name, options = parse_suite_name(text)
        options["horizon"] = str(HORIZON)
        suite = make_suite(f"{name}[{','.join(f'{key}={value}' for key, value in options.items())}]")
        reason = misfit(found, suite)
        if reason is not None:  # so short a horizon may be why
            suite = make_suite(text)
            reason = misfit(found, suite)
        if reason is None:
            try:
                findings += _examine(cls, config, suite, small_parents(found, suite), make_suite(text))
                continue
            except UsageError as error:
                reason = str(error)
        findings.append(Finding(suite.full_name, LEFT_OUT, None, reason))
    if all(finding.rule == LEFT_OUT for finding in findings):
        raise UsageError(f"{found.name} fits no suite tried: {findings[0].reason}; name others with --suites")
    return findings


def _examine(
    cls: type[Algorithm], config: Any, suite: Suite, parents: Mapping[str, Parent], whole: Suite
) -> list[Finding]:
    """whole: the suite with its own horizon."""
    torch.set_num_threads(1)
    late = partial(Trial, cls, config, whole, parents=parents) if whole.horizon > suite.horizon else None
    budget = BUDGET
    for _ in range(RAISES):
        refused = None
        try:
            broken = _first_violation(partial(Trial, cls, config, suite, parents=parents), budget, late)
        except Refused as error:
            refused = error
        else:
            if broken is None or broken.rule != _NOTHING_TRAINED:
                break
        budget *= 8
    if refused is not None:
        raise UsageError(str(refused))
    rules = [rule for rule in RULES if rule != DECLARED]
    wrong = "; ".join(faults(cls.Config))
    declared = Finding(suite.full_name, DECLARED, not wrong, wrong)
    if broken is not None and broken.rule == _NOTHING_TRAINED:
        broken = Violation("budget", f"a first meta-iteration does not fit into {budget // 8:,} environment steps")
    if broken is None:
        return [*(Finding(suite.full_name, rule, True) for rule in rules), declared]
    # A rule judged while training is judged whole only by a training without violation.
    judged_after = rules.index("unseeded-randomness")
    reached = rules[: rules.index(broken.rule)] if rules.index(broken.rule) >= judged_after else []
    examined = [
        Finding(suite.full_name, rule, False, broken.reason)
        if rule == broken.rule
        else Finding(suite.full_name, rule, True if rule in reached else None)
        for rule in rules
    ]
    return [*examined, declared]


#: not a rule: the budget of the trial was too small to judge
_NOTHING_TRAINED = "nothing-trained"


#: a trial of so many environment steps, and of a session's state
_Try = Callable[..., Trial]


def _first_violation(make_trial: _Try, budget: int, make_late: _Try | None) -> Violation | None:
    """make_late: a trial of the suite's whole horizon, where that is longer: what begins late is seen there alone."""
    try:
        first, state = _history(make_trial, budget)
        with _shifted_clock():
            second, _ = _history(make_trial, budget)
        difference = _difference(first, second)
        if difference is not None:
            return Violation("unseeded-randomness", f"{difference} differs between two runs of one seed")
        _check_reload(make_trial, ROOM * budget)
        trained = make_trial(budget, state)
        make = partial(trained.make_algorithm, trained.state["algorithm"])
        siblings = "siblings" in trained.algorithm_class.access
        check_neighbours(make, trained.suite, trained.streams, siblings)
        if make_late is not None:
            trial = make_late(budget)
            check_neighbours_late(_loaded_or_fresh(trial, trained.state), trial.suite, trial.streams, siblings)
    except Violation as violation:
        return violation
    except (UsageError, Refused):
        raise
    except Exception as error:  # the adapter's own, whatever it is
        place = traceback.extract_tb(error.__traceback__)[-1]
        line = f"{type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})"
        return Violation("runs", next(iter(getattr(error, "__notes__", ())), line))
    return None


def _loaded_or_fresh(trial: Trial, state: Mapping[str, Any]) -> Callable[[], Algorithm]:
    """Makes instances with the state of a shorter horizon's training, untrained ones where it does not fit."""
    make = partial(trial.make_algorithm, state["algorithm"])
    try:
        make()
    except Violation:
        raise
    except Exception:  # a state may have the horizon's size
        return trial.make_algorithm
    return make


def _history(make_trial: _Try, budget: int) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """All that a run shows: metrics, states and adaptation batches; and the session's state at its end."""
    trial = make_trial(budget)
    trains = trial.algorithm.trains
    metrics = trial.train() if trains else []
    if trains and not metrics:
        raise Violation(_NOTHING_TRAINED, "")
    shown = {"state": trial.algorithm.state_dict(), "replay": trial.algorithm.replay_state()}
    for name, state in shown.items():
        try:
            refuse_other_types(state, name)
        except TypeError as error:
            raise Violation("reload", str(error)) from None
        _check_finite(state, name)
    return {**shown, "metrics": metrics, "adaptation": trial.adapt()}, trial.state


def _check_reload(make_trial: _Try, budget: int) -> None:
    saved = make_trial(budget)
    trains = saved.algorithm.trains
    for _ in range(SAVED_AFTER if trains else 0):
        saved.iterate()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint")
        try:
            save_checkpoint(path, saved.state)
            loaded = make_trial(budget, load_checkpoint(path))
        except Violation:
            raise
        except Exception as error:  # the adapter's own, whatever it is
            raise Violation("reload", f"saving and loading raised {type(error).__name__}: {error}") from error
    states: Callable[[Trial], Any] = lambda trial: (trial.algorithm.state_dict(), trial.algorithm.replay_state())  # noqa: E731
    _must_agree(states(saved), states(loaded), "the state")
    adapted = saved.adapt()
    _must_agree(adapted, loaded.adapt(), "adaptation")
    if saved.state["replay"]:  # which those that are evaluated do not have
        bare = make_trial(budget, {**saved.state, "replay": {}})
        _must_agree(adapted, bare.adapt(), "adaptation without replay_state")
    if trains:
        _must_agree(saved.iterate(), loaded.iterate(), "the next meta-iteration's metrics")
        _must_agree(states(saved), states(loaded), "the state one meta-iteration later")


def _must_agree(saved: Any, loaded: Any, what: str) -> None:
    difference = _difference(saved, loaded)
    if difference is not None:
        raise Violation("reload", f"{what} of the loaded instance differs{f' in {difference}' if difference else ''}")


def _check_finite(value: Any, place: str) -> None:
    for name, leaf in _leaves(value, place):
        if isinstance(leaf, (float, torch.Tensor)) and not torch.isfinite(torch.as_tensor(leaf)).all():
            raise Violation("not-finite", f"{name} is not finite")


def _difference(first: Any, second: Any) -> str | None:
    """The name of the first leaf in which two nested values differ, None if they are the same."""
    ours, theirs = dict(_leaves(first, "")), dict(_leaves(second, ""))
    for name in [*ours, *theirs]:
        if name not in ours or name not in theirs or not _same(ours[name], theirs[name]):
            return name
    return None


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        return first.dtype == second.dtype and torch.equal(first, second)
    return type(first) is type(second) and bool(first == second)


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{name}[{index}]")
    elif is_dataclass(value):
        for field in fields(value):
            yield from _leaves(getattr(value, field.name), f"{name}.{field.name}")
    else:
        yield name, value


@contextmanager
def _shifted_clock() -> Iterator[None]:
    """Tomorrow, so that a seed taken from the clock differs even if two runs fall into one second."""
    now = time.time
    time.time = lambda: now() + 86_400.0
    try:
        yield
    finally:
        time.time = now
